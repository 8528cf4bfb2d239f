package engine

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// steps drives an engine's schedule by hand, so that a test can let time pass
// without it: what a stopped or starved process does.
type steps struct {
	*Engine
	runs map[ID][]time.Time
}

func newSteps(t *testing.T, watchers ...Watcher) *steps {
	s := &steps{runs: map[ID][]time.Time{}}
	s.Engine = New(Config{Logger: slog.New(slog.DiscardHandler)})
	for i, w := range watchers {
		watchers[i].Check = func(ctx context.Context) (Result, error) {
			s.board.mu.Lock()
			s.runs[w.ID] = append(s.runs[w.ID], time.Now())
			s.board.mu.Unlock()
			return w.Check(ctx)
		}
	}
	s.Replace(&Generation{Number: 1, Sets: []Set{{Watchers: watchers}}})
	ctx, cancel := context.WithCancel(t.Context())
	s.open(ctx)
	t.Cleanup(func() {
		cancel()
		s.close()
	})
	return s
}

// pass lets the schedule run for d.
func (s *steps) pass(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		synctest.Wait()
		select {
		case <-s.kick:
		default:
		}
		time.Sleep(min(s.step(), time.Until(end)))
	}
	synctest.Wait()
}

// critical ends of that kind when it is told to.
func critical(kind string, end <-chan struct{}) Check {
	return func(context.Context) (Result, error) {
		<-end
		return Result{Status: Critical, Failure: &Failure{Kind: kind, Message: "waiting for the answer"}}, nil
	}
}

// What waited through a stall ends the moment the process goes on, maybe
// before the schedule has noticed.
func TestStallTurnsNothingRed(t *testing.T) {
	for _, lost := range []time.Duration{700 * time.Millisecond, 1100 * time.Millisecond, 10 * time.Second} {
		t.Run(lost.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := make(chan struct{})
				s := newSteps(t,
					Watcher{ID: "slow", Interval: 2 * time.Second, Timeout: 20 * time.Second, Check: critical(KindTimeout, end)},
					Watcher{ID: "well", Interval: 2 * time.Second, Timeout: 20 * time.Second, Check: func(context.Context) (Result, error) {
						<-end
						return Result{Status: OK}, nil
					}},
				)
				s.pass(2 * time.Second) // both have begun, and neither has ended
				time.Sleep(lost)
				close(end)
				synctest.Wait()
				want := View{State: State{Status: Critical, Runs: 1}}
				if lost > time.Second {
					want = View{State: State{Status: Pending, Missed: 1, Late: true}}
				}
				v, _ := s.board.View("slow")
				if v.Status != want.Status || v.Runs != want.Runs || v.Missed != want.Missed || v.Late != want.Late {
					t.Errorf("slow: status, runs, missed, late = %v, %d, %d, %v, want %v, %d, %d, %v",
						v.Status, v.Runs, v.Missed, v.Late, want.Status, want.Runs, want.Missed, want.Late)
				}
				if v, _ := s.board.View("well"); v.Status != OK {
					t.Errorf("well: status = %v, want ok: only what is worse is discarded", v.Status)
				}
				s.pass(6 * time.Second)
				if v, _ := s.board.View("slow"); v.Status != Critical {
					t.Errorf("slow, long after: status = %v, want critical", v.Status)
				}
			})
		})
	}
}

// A schedule that wakes late starts what is due late, says so, and keeps the
// grid.
func TestLateScheduleKeepsTheGrid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSteps(t, Watcher{ID: "w", Interval: time.Second, Check: func(context.Context) (Result, error) {
			return Result{Status: OK}, nil
		}})
		s.pass(3 * time.Second)
		last := s.runs["w"][2]
		time.Sleep(time.Until(last.Add(1300 * time.Millisecond)))
		s.pass(2 * time.Second)
		var after []time.Duration
		for _, at := range s.runs["w"][3:] {
			after = append(after, at.Sub(last))
		}
		want := []time.Duration{1300 * time.Millisecond, 2 * time.Second, 3 * time.Second}
		if diff := cmp.Diff(want, after); diff != "" {
			t.Errorf("runs after the last on time (-want +got):\n%s", diff)
		}
		if lag := s.board.Lag(); lag.Max != 300*time.Millisecond || lag.Missed != 0 {
			t.Errorf("Lag() = %+v, want max 300ms, none missed", lag)
		}
	})
}

// After a stall nothing is made up for, and not all run at once.
func TestNoHerdAfterAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 500
		ok := func(context.Context) (Result, error) { return Result{Status: OK}, nil }
		var watchers []Watcher
		for i := range n {
			interval := time.Second
			if i%2 == 1 {
				interval = 20 * time.Second
			}
			watchers = append(watchers, Watcher{ID: ID(fmt.Sprint("w", i)), Interval: interval, Check: ok})
		}
		s := newSteps(t, watchers...)
		s.pass(30 * time.Second)
		missed := s.board.Lag().Missed
		time.Sleep(10 * time.Second)
		woke := time.Now()
		s.pass(5 * time.Second)
		if !s.board.Lag().Late {
			t.Error("Lag().Late = false 5s after a stall, want true")
		}
		s.pass(5 * time.Second)

		perSlot := map[time.Duration]int{}
		for _, w := range watchers {
			var after []time.Duration
			for _, at := range s.runs[w.ID] {
				if !at.Before(woke) {
					after = append(after, at.Sub(woke))
					perSlot[at.Sub(woke)/(10*time.Millisecond)]++
				}
			}
			if w.Interval == time.Second && (after[0] > time.Second || len(after) < 9) {
				t.Errorf("%s: %d runs in the 10s after, the first after %v, want 9 or 10 and within 1s", w.ID, len(after), after[0])
			}
		}
		for slot, k := range perSlot {
			if k > n/20 {
				t.Errorf("%d of %d watchers ran within the same 10ms, %v after the stall", k, n, slot*10*time.Millisecond)
			}
		}
		// Of 1 s: ten ticks each; of 20 s: those whose one tick fell into the stall.
		if got := s.board.Lag().Missed - missed; got < n/2*10 || got > n/2*11 {
			t.Errorf("missed in the stall = %d, want about %d", got, n/2*10+n/4)
		}
		s.pass(15 * time.Second)
		if lag := s.board.Lag(); lag.Late || lag.LateWatchers != 0 {
			t.Errorf("Lag() = %+v 25s after a stall, want all well", lag)
		}
	})
}

// A schedule that wakes late because runs keep the cores busy is no stall: it
// takes up what is due, counts the ticks it lost, and drops no verdict.
func TestSaturationIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var watchers []Watcher
		for i := range 100 { // busy: one of them ends every 40 ms of the 4 s that the schedule is late
			watchers = append(watchers, Watcher{ID: ID(fmt.Sprint("busy", i)), Interval: time.Minute, Timeout: 30 * time.Second, Check: func(context.Context) (Result, error) {
				time.Sleep(5*time.Second + time.Duration(i)*40*time.Millisecond)
				return Result{Status: Critical}, nil
			}})
		}
		const n = 200
		for i := range n {
			watchers = append(watchers, Watcher{ID: ID(fmt.Sprint("w", i)), Interval: time.Second, Check: func(context.Context) (Result, error) {
				return Result{Status: OK}, nil
			}})
		}
		s := newSteps(t, watchers...)
		for i := range 100 { // all begin at once
			en := s.board.entries[watchers[i].ID]
			s.board.mu.Lock()
			s.enqueue(en, s.board.clock())
			s.board.mu.Unlock()
		}
		s.pass(5 * time.Second)
		missed := s.board.Lag().Missed
		time.Sleep(3900 * time.Millisecond)
		woke := time.Now()
		s.pass(10 * time.Millisecond)
		ran := 0
		for _, w := range watchers[100:] {
			if runs := s.runs[w.ID]; !runs[len(runs)-1].Before(woke) {
				ran++
			}
		}
		if ran != n {
			t.Errorf("%d of %d watchers ran as soon as the schedule woke, want all", ran, n)
		}
		if got := s.board.Lag().Missed - missed; got < 2*n || got > 3*n { // of the three or four ticks of each, the last is taken up
			t.Errorf("missed = %d, want about %d", got, 3*n)
		}
		for i := range 97 {
			if v, _ := s.board.View(watchers[i].ID); v.Status != Critical {
				t.Errorf("%s: status = %v, want critical: its verdict counts", watchers[i].ID, v.Status)
			}
		}
	})
}

// A stall gives a run that it kept from returning the time it lost.
func TestStallMovesTheFence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSteps(t, Watcher{ID: "w", Interval: time.Minute, Timeout: 3 * time.Second, Check: func(context.Context) (Result, error) {
			time.Sleep(7500 * time.Millisecond)
			return Result{Status: OK}, nil
		}})
		for len(s.runs["w"]) == 0 {
			s.pass(10 * time.Millisecond)
		}
		time.Sleep(7 * time.Second)
		s.pass(2 * time.Second)
		if v, _ := s.board.View("w"); v.Status != OK {
			t.Errorf("status = %v (%+v), want ok", v.Status, v.Result.Failure)
		}
	})
}

// The monotonic clock stands still while the machine is suspended: what was
// far off comes soon, and what a run in flight saw does not count.
func TestSuspend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		ok := func(context.Context) (Result, error) { return Result{Status: OK}, nil }
		s := newSteps(t,
			Watcher{ID: "hourly", Interval: time.Hour, Check: ok},
			Watcher{ID: "slow", Interval: 20 * time.Second, Timeout: 15 * time.Second, Check: critical("reset", end)})
		s.pass(10 * time.Second)
		if h, w := len(s.runs["hourly"]), len(s.runs["slow"]); h != 1 || w != 1 {
			t.Fatalf("%d and %d runs, want 1 each", h, w)
		}
		s.board.mu.Lock()
		s.stall.wall = s.stall.wall.Add(-8 * time.Hour)
		s.board.mu.Unlock()
		close(end)
		synctest.Wait()
		if v, _ := s.board.View("slow"); v.Runs != 0 || v.Missed != 1 {
			t.Errorf("slow: runs, missed = %d, %d, want 0, 1", v.Runs, v.Missed)
		}
		s.pass(5 * time.Second)
		if n := len(s.runs["hourly"]); n != 2 {
			t.Errorf("hourly: %d runs 5s after waking, want 2", n)
		}
		if lag := s.board.Lag(); lag.Missed != 1 {
			t.Errorf("missed = %d, want 1", lag.Missed)
		}
	})
}

// An event whose judging ran out of time because the process stood still is no
// verdict; the next one is.
func TestStallBlursEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := make(chan time.Time)
		source := func(ctx context.Context, report func(Result)) error {
			for {
				select {
				case began := <-late:
					report(Result{Status: Critical, Failure: &Failure{Kind: KindTimeout}, Started: began})
				case <-ctx.Done():
					return nil
				}
			}
		}
		s := newSteps(t, Watcher{ID: "fed", Source: source})
		s.pass(3 * time.Second)
		began := time.Now()
		time.Sleep(5 * time.Second) // the process is stopped
		late <- began
		s.pass(time.Second)
		if v, _ := s.board.View("fed"); v.Status != Pending {
			t.Errorf("after an event that was judged through the stop: %v, want pending", v.Status)
		}
		late <- time.Now()
		s.pass(time.Second)
		if v, _ := s.board.View("fed"); v.Status != Critical {
			t.Errorf("after one that ran out of time by itself: %v, want critical", v.Status)
		}
	})
}

// A source is not quiet while the process stands still: what it said then is
// read a moment later.
func TestStallIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan Result)
		source := func(ctx context.Context, report func(Result)) error {
			for {
				select {
				case r := <-events:
					report(r)
				case <-ctx.Done():
					return nil
				}
			}
		}
		s := newSteps(t, Watcher{ID: "log", Source: source, Quiet: Quiet{Good: true, After: 3 * time.Second}})
		event := func() {
			events <- Result{Status: Critical}
			synctest.Wait()
		}
		event()
		s.pass(1500 * time.Millisecond)
		time.Sleep(2 * time.Second) // the process is stopped
		event()
		s.pass(2 * time.Second)
		if v, _ := s.board.View("log"); v.Status != Critical || len(v.Transitions) != 1 {
			t.Errorf("after events before and in the stop: %v, transitions %v; want critical all the time", v.Status, v.Transitions)
		}
		s.pass(2 * time.Second)
		if v, _ := s.board.View("log"); v.Status != OK {
			t.Errorf("long after the last: %v, want ok", v.Status)
		}
	})
}
