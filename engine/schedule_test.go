package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// serve runs an engine with these watchers in the current bubble until the
// test ends.
func serve(t *testing.T, c engine.Config, watchers ...engine.Watcher) *engine.Engine {
	t.Helper()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	e := engine.New(c)
	e.Replace(enginetest.Generation(1, watchers...))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	return e
}

// view gives a watcher that must be there.
func view(t *testing.T, e *engine.Engine, id engine.ID) engine.View {
	t.Helper()
	synctest.Wait()
	v, ok := e.Board().View(id)
	if !ok {
		t.Fatalf("View(%q) = _, false, want true", id)
	}
	return v
}

func TestScheduleIsExactForHours(t *testing.T) {
	for _, interval := range []time.Duration{
		50 * time.Millisecond, 333 * time.Millisecond, time.Second, 1500 * time.Millisecond, 7 * time.Second, time.Minute,
	} {
		t.Run(interval.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var starts enginetest.Starts
				begin := time.Now()
				e := serve(t, engine.Config{}, enginetest.Watcher("w", interval, starts.Check(enginetest.Slow(interval/3))))
				span := 2000 * interval
				time.Sleep(span)
				v := view(t, e, "w")

				times := starts.Times()
				if first := times[0].Sub(begin); first >= min(interval, 5*time.Second) {
					t.Errorf("first run after %v, want below min(%v, 5s)", first, interval)
				}
				for i, at := range times[1:] {
					if got, want := at.Sub(times[1]), time.Duration(i)*interval; got != want {
						t.Fatalf("run %d came %v after run 1, want %v", i+1, got, want)
					}
				}
				grid := 10 * time.Millisecond
				if interval < time.Second {
					grid = time.Millisecond
				}
				if phase := times[1].Sub(begin) % interval; phase%grid != 0 {
					t.Errorf("phase = %v, want a multiple of %v", phase, grid)
				}
				if want := int(span / interval); len(times) < want-1 || len(times) > want+1 {
					t.Errorf("%d runs in %v, want %d", len(times), span, want)
				}
				if v.Missed != 0 || v.Late {
					t.Errorf("missed = %d, late = %v, want 0, false", v.Missed, v.Late)
				}
				if lag := e.Board().Lag(); lag.Max != 0 || lag.Late {
					t.Errorf("Lag() = %+v, want no lateness", lag)
				}
			})
		})
	}
}

func TestPhasesSpreadOverTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts enginetest.Starts
		const n = 2000
		serve(t, engine.Config{}, enginetest.Watchers(n, 20*time.Second, starts.Check(enginetest.Always(engine.OK, "")))...)
		time.Sleep(40*time.Second - time.Millisecond)
		synctest.Wait()
		times := starts.Times()
		perSecond := map[int]int{}
		for _, at := range times {
			perSecond[int(at.Sub(times[0])/time.Second)]++
		}
		for second := range 5 {
			if got := perSecond[second]; got < n/5*7/10 {
				t.Errorf("second %d of the start: %d first runs, want about %d", second, got, n/5)
			}
		}
		for second := 20; second < 39; second++ {
			if got := perSecond[second]; got < n/20*6/10 || got > n/20*14/10 {
				t.Errorf("second %d: %d runs, want about %d", second, got, n/20)
			}
		}
	})
}

// A run that outlasts its interval drops the ticks in its way: they are
// counted, not made up for, and change no status.
func TestOverrunDropsTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts enginetest.Starts
		running, most := 0, 0
		check := starts.Check(func(context.Context) (engine.Result, error) {
			running++
			most = max(most, running)
			time.Sleep(2500 * time.Millisecond)
			running--
			return engine.Result{Status: engine.OK}, nil
		})
		w := enginetest.Watcher("w", time.Second, check)
		w.Timeout = 4 * time.Second
		e := serve(t, engine.Config{}, w)
		time.Sleep(300 * time.Second)
		v := view(t, e, "w")
		if most != 1 {
			t.Errorf("%d runs at a time, want 1", most)
		}
		times := starts.Times()
		for i := 1; i < len(times); i++ {
			if got := times[i].Sub(times[i-1]); got != 3*time.Second {
				t.Fatalf("run %d came %v after the one before, want 3s", i, got)
			}
		}
		if v.Status != engine.OK || !v.Late || v.Missed != 200 {
			t.Errorf("status, late, missed = %v, %v, %d, want ok, true, 200", v.Status, v.Late, v.Missed)
		}
		if lag := e.Board().Lag(); lag.Late || lag.LateWatchers != 1 || lag.Missed != v.Missed {
			t.Errorf("Lag() = %+v, want one late watcher, %d missed, and Pharos itself not late", lag, v.Missed)
		}
		if got := time.Until(v.Next); got <= 0 || got > time.Second {
			t.Errorf("next run in %v, want within 1s", got)
		}
	})
}

func TestLateIsOverWithTheFirstRunOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pause := 1500 * time.Millisecond
		w := enginetest.Watcher("w", time.Second, func(context.Context) (engine.Result, error) {
			time.Sleep(pause)
			pause = 0
			return engine.Result{Status: engine.OK}, nil
		})
		w.Timeout = 4 * time.Second
		e := serve(t, engine.Config{}, w)
		time.Sleep(time.Until(view(t, e, "w").Next) + 1600*time.Millisecond)
		if v := view(t, e, "w"); !v.Late || v.Missed != 1 || v.Runs != 1 {
			t.Errorf("after the overrun late, missed, runs = %v, %d, %d, want true, 1, 1", v.Late, v.Missed, v.Runs)
		}
		time.Sleep(time.Second)
		if v := view(t, e, "w"); v.Late || v.Missed != 1 || v.Runs != 2 {
			t.Errorf("a run later late, missed, runs = %v, %d, %d, want false, 1, 2", v.Late, v.Missed, v.Runs)
		}
		if got := e.Board().Lag().LateWatchers; got != 0 {
			t.Errorf("LateWatchers = %d, want 0", got)
		}
	})
}

func TestHangingHostDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts enginetest.Starts
		hang := func(ctx context.Context) (engine.Result, error) {
			<-ctx.Done()
			return engine.Result{Status: engine.Critical, Failure: &engine.Failure{Kind: engine.KindTimeout}}, nil
		}
		watchers := []engine.Watcher{enginetest.Watcher("well", time.Second, starts.Check(enginetest.Slow(time.Millisecond)))}
		for i := range 1000 {
			w := enginetest.Watcher(fmt.Sprintf("hanging %d", i), time.Second, hang)
			w.Timeout = 10 * time.Second
			watchers = append(watchers, w)
		}
		e := serve(t, engine.Config{}, watchers...)
		time.Sleep(60 * time.Second)
		if v := view(t, e, "well"); v.Missed != 0 || len(starts.Times()) < 59 {
			t.Errorf("well: missed = %d, runs = %d, want 0, 60", v.Missed, len(starts.Times()))
		}
		if lag := e.Board().Lag(); lag.Max != 0 || lag.Late {
			t.Errorf("Lag() = %+v, want no lateness", lag)
		}
		if v := view(t, e, "hanging_7"); v.Status != engine.Critical {
			t.Errorf("hanging: status = %v, want critical", v.Status)
		}
	})
}

// With one run at a time and twice the work that fits, every run takes place
// that can, in turn, and the rest is counted.
func TestOverloadDropsAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, span = 20, 100
		runs := map[string]int{}
		var watchers []engine.Watcher
		for i := range n {
			name := fmt.Sprintf("w%d", i)
			watchers = append(watchers, enginetest.Watcher(name, time.Second, func(context.Context) (engine.Result, error) {
				runs[name]++
				time.Sleep(100 * time.Millisecond)
				return engine.Result{Status: engine.OK}, nil
			}))
		}
		e := serve(t, engine.Config{MaxRunning: 1}, watchers...)
		time.Sleep(span * time.Second)
		synctest.Wait()
		total := 0
		for name, k := range runs {
			total += k
			if k < span/2*8/10 {
				t.Errorf("%s: %d runs, want about %d: turns are not fair", name, k, span/2)
			}
		}
		if total < span*10*99/100 {
			t.Errorf("%d runs, want %d: capacity is lost", total, span*10)
		}
		lag := e.Board().Lag()
		if due := n * span; int(lag.Missed) < due-total-2*n || int(lag.Missed) > due-total {
			t.Errorf("missed = %d, want the %d due less the %d run", lag.Missed, due, total)
		}
		if !lag.Late || lag.Max < 900*time.Millisecond || lag.LateWatchers != n {
			t.Errorf("Lag() = %+v, want late, max about 1s, %d late watchers", lag, n)
		}
		for i := range n {
			if v := view(t, e, engine.ID(fmt.Sprintf("w%d", i))); v.Status != engine.OK {
				t.Errorf("w%d: status = %v, want ok: a missed tick is no verdict", i, v.Status)
			}
		}
	})
}

// turns is a lane: one run at a time, first come first served.
type turns struct {
	turn    chan struct{}
	waiting atomic.Int32
}

func (l *turns) Crowded() bool { return l.waiting.Load() >= 3 }

// check works for d when its turn has come.
func (l *turns) check(d time.Duration) engine.Check {
	return func(ctx context.Context) (engine.Result, error) {
		l.waiting.Add(1)
		select {
		case l.turn <- struct{}{}:
			l.waiting.Add(-1)
		case <-ctx.Done():
			l.waiting.Add(-1)
			return engine.Result{}, ctx.Err()
		}
		time.Sleep(d)
		<-l.turn
		return engine.Result{Status: engine.OK}, ctx.Err()
	}
}

// Who waits for a turn waits with the engine, where it costs no time of the
// run; and who needs no turn waits for nobody.
func TestCrowdedLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := &turns{turn: make(chan struct{}, 1)}
		watchers := enginetest.Watchers(20, time.Second, lane.check(100*time.Millisecond))
		for i := range watchers {
			watchers[i].Lane = lane
		}
		e := serve(t, engine.Config{}, append(watchers, enginetest.Watcher("free", time.Second, enginetest.Slow(time.Millisecond)))...)
		time.Sleep(100 * time.Second)
		synctest.Wait()
		var runs uint64
		for _, v := range e.Board().Snapshot().Sets[0].Watchers {
			if v.ID == "free" {
				if v.Late || v.Missed != 0 {
					t.Errorf("free: late, missed = %v, %d, want false, 0", v.Late, v.Missed)
				}
				continue
			}
			runs += v.Runs
			if len(v.Transitions) != 1 || v.Status != engine.OK {
				t.Errorf("%s: %v after %d transitions, want ok and nothing else: waiting for a turn is no timeout", v.ID, v.Status, len(v.Transitions))
			}
		}
		if runs < 990 {
			t.Errorf("%d runs in 100s, want 1000: turns are lost", runs)
		}
		if got := e.Board().Lag().Missed; got < 900 || got > 1000 {
			t.Errorf("missed = %d, want 1000 or a little less", got)
		}
	})
}

func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		e := engine.New(engine.Config{})
		e.Replace(enginetest.Generation(1,
			enginetest.Watcher("deaf", time.Second, enginetest.Deaf(release)),
			enginetest.Watcher("slow", time.Second, enginetest.Slow(900*time.Millisecond))))
		ctx, cancel := context.WithTimeout(t.Context(), 1955*time.Millisecond)
		defer cancel()
		begin, late := time.Now(), 5*time.Second
		time.AfterFunc(late, func() { close(release) })
		if err := e.Run(ctx); err != nil || time.Since(begin) != late {
			t.Errorf("Run() = %v after %v, want nil after the last run returned at %v", err, time.Since(begin), late)
		}
		if v := view(t, e, "slow"); v.Status != engine.OK || v.Runs != 1 {
			t.Errorf("slow: status, runs = %v, %d, want ok, 1: the cancelled run does not count", v.Status, v.Runs)
		}
		if err := e.Run(t.Context()); err == nil {
			t.Error("Run() again = nil, want an error")
		}
	})
}

// A run that was given up and returns while the engine stops is none of those
// waited for.
func TestRunEndsAmongStuckRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var watchers []engine.Watcher
		for name, timeout := range map[string]time.Duration{"stuck 1": time.Second, "stuck 2": time.Second, "deaf": time.Minute} {
			w := enginetest.Watcher(name, time.Minute, enginetest.Deaf(release))
			w.Timeout = timeout
			watchers = append(watchers, w)
		}
		var log bytes.Buffer
		e := engine.New(engine.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		e.Replace(enginetest.Generation(1, watchers...))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		context.AfterFunc(ctx, func() {
			time.Sleep(1400 * time.Millisecond)
			close(release)
		})
		if err := e.Run(ctx); err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		synctest.Wait()
		if strings.Contains(log.String(), "stalled") {
			t.Errorf("stopping took itself for a stall:\n%s", &log)
		}
	})
}

func TestRunWithoutWatchersEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := engine.New(engine.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		if err := e.Run(ctx); err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}

// TestQueuedIsLate has runs wait for Pharos after they began.
func TestQueuedIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			queued time.Duration
			late   bool
		}{{400 * time.Millisecond, false}, {600 * time.Millisecond, true}} {
			check := func(context.Context) (engine.Result, error) {
				return engine.Result{Status: engine.OK, Queued: test.queued}, nil
			}
			e := serve(t, engine.Config{}, enginetest.Watcher("w", time.Second, check))
			time.Sleep(3 * time.Second)
			v, lag := view(t, e, "w"), e.Board().Lag()
			if v.Late != test.late || lag.Max != test.queued || lag.Late != (test.queued > 500*time.Millisecond) {
				t.Errorf("queued for %v of an interval of 1s: late %v, lag %+v, want late %v and as much lag", test.queued, v.Late, lag, test.late)
			}
		}
	})
}
