package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/enginetest"
)

func TestSourceSetsTheStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan engine.Result)
		e := serve(t, engine.Config{}, enginetest.Fed("w", enginetest.Events(events)))
		synctest.Wait()
		if v := view(t, e, "w"); v.Status != engine.Pending || v.Source == nil || v.Source.Up {
			t.Errorf("before it is connected: status, source = %v, %+v, want pending, not up", v.Status, v.Source)
		}
		events <- engine.Result{Detail: "waiting for the first event"}
		synctest.Wait()
		if v := view(t, e, "w"); v.Status != engine.Pending || !v.Source.Up || v.Result.Detail != "waiting for the first event" {
			t.Errorf("connected: status, up, detail = %v, %v, %q, want pending, true, what it waits for", v.Status, v.Source.Up, v.Result.Detail)
		}
		for _, s := range []engine.Status{engine.OK, engine.Critical, engine.OK} {
			time.Sleep(time.Second)
			events <- engine.Result{Status: s, Events: 3, Dropped: 1}
		}
		synctest.Wait()
		v := view(t, e, "w")
		if want := []engine.Status{engine.OK, engine.Critical, engine.OK}; !cmp.Equal(v.Trail, want) {
			t.Errorf("trail = %v, want %v", v.Trail, want)
		}
		want := engine.SourceState{Up: true, Events: 9, Dropped: 3, Last: time.Now(), Lost: time.Now()}
		if !cmp.Equal(*v.Source, want) || !v.Ended.Equal(time.Now()) || v.Runs != 3 {
			t.Errorf("source, ended, runs = %+v, %v, %d, want %+v, now, 3", *v.Source, v.Ended, v.Runs, want)
		}
	})
}

func TestSourceWithoutVerdictKeepsTheStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan engine.Result)
		w := enginetest.Fed("w", enginetest.Events(events))
		w.TTL = time.Minute
		e := serve(t, engine.Config{}, w)
		events <- engine.Result{Status: engine.Warning, Value: "7"}
		time.Sleep(50 * time.Second)
		events <- engine.Result{Events: 5}
		time.Sleep(59 * time.Second)
		v := view(t, e, "w")
		if v.Status != engine.Warning || v.Result.Value != "7" || v.Runs != 1 || v.Stale(time.Now(), v.TTL) {
			t.Errorf("status, value, runs, stale = %v, %q, %d, %v, want warning, 7, 1, not stale", v.Status, v.Result.Value, v.Runs, v.Stale(time.Now(), v.TTL))
		}
		time.Sleep(2 * time.Second)
		if v := view(t, e, "w"); !v.Stale(time.Now(), v.TTL) {
			t.Error("not stale a ttl after the last event")
		}
	})
}

func TestSourceIsQuietForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, engine.Config{}, enginetest.Fed("w", enginetest.Events(make(chan engine.Result))))
		time.Sleep(24 * time.Hour)
		if v := view(t, e, "w"); v.Stale(time.Now(), v.TTL) || v.TTL != 0 || v.Missed != 0 {
			t.Errorf("stale, ttl, missed = %v, %v, %d, want a quiet source to be neither stale nor late", v.Stale(time.Now(), v.TTL), v.TTL, v.Missed)
		}
	})
}

// A watcher that is good while its source is quiet says so a second after it is
// connected, and again a while after its last verdict, over an interruption and
// whatever has to be confirmed; not of what is not there.
func TestQuietSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, breaks := make(chan engine.Result), make(chan error)
		w := enginetest.Fed("w", func(ctx context.Context, report func(engine.Result)) error {
			for {
				select {
				case r := <-events:
					report(r)
				case err := <-breaks:
					return err
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
		w.Quiet, w.Confirm = engine.Quiet{Good: true, After: time.Minute}, engine.Confirm{Seen: 2}
		e := serve(t, engine.Config{}, w)
		is := func(when, want string) {
			t.Helper()
			if v := view(t, e, "w"); fmt.Sprint(v.Status, " ", v.Result.Value) != want {
				t.Errorf("%s: %v %s (%s), want %s", when, v.Status, v.Result.Value, v.Result.Detail, want)
			}
		}
		report := func(r engine.Result) {
			events <- r
			time.Sleep(200 * time.Millisecond)
		}
		report(engine.Result{Absent: true, Detail: "no such file"})
		time.Sleep(time.Hour)
		is("not there", "pending ")
		report(engine.Result{Detail: "open"})
		is("connected just now", "pending ")
		time.Sleep(time.Second)
		is("connected", "ok quiet")
		if v := view(t, e, "w"); v.Source.Events != 0 || v.Result.Detail != "open" || v.Stale(time.Now(), v.TTL) {
			t.Errorf("events, detail = %d, %q, want 0, what it waits for; and nothing stale", v.Source.Events, v.Result.Detail)
		}
		report(engine.Result{Status: engine.Critical, Value: "oom"})
		is("once", "ok oom")
		report(engine.Result{Status: engine.Critical, Value: "oom"})
		is("an event", "critical oom")
		time.Sleep(58 * time.Second)
		report(engine.Result{Events: 7})
		is("soon after it", "critical oom")
		breaks <- errors.New("broken")
		is("broken", "unknown ended")
		time.Sleep(2 * time.Second)
		report(engine.Result{Detail: "open"})
		time.Sleep(2 * time.Second)
		is("connected again", "critical oom")
		time.Sleep(57 * time.Second)
		is("soon after that", "critical oom")
		time.Sleep(3 * time.Second)
		is("a minute after it", "ok quiet")
		report(engine.Result{Absent: true, Detail: "no such file"})
		is("gone", "pending ")
	})
}

// Without a time the last verdict stands.
func TestQuietSourceBeforeTheFirstVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan engine.Result)
		w := enginetest.Fed("w", enginetest.Events(events))
		w.Quiet.Good, w.Timeout = true, 2*time.Second
		go func() { events <- engine.Result{Detail: "open"} }()
		if r := engine.RunOnce(t.Context(), w); r.Status != engine.OK || r.Value != "quiet" {
			t.Errorf("RunOnce() = %v %q, want ok quiet", r.Status, r.Value)
		}
		e := serve(t, engine.Config{}, w)
		events <- engine.Result{Detail: "open"}
		time.Sleep(2 * time.Second)
		if v := view(t, e, "w"); v.Status != engine.OK {
			t.Errorf("connected: %v, want ok", v.Status)
		}
		events <- engine.Result{Status: engine.Critical}
		time.Sleep(24 * time.Hour)
		if v := view(t, e, "w"); v.Status != engine.Critical {
			t.Errorf("after a verdict: %v, want critical for as long as there is no other", v.Status)
		}
	})
}

// TestSourceBacksOff sees a source that cannot connect called again, at last
// each minute, with the reason on the board all the time.
func TestSourceBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls enginetest.Starts
		refused := &engine.SourceError{Failure: engine.Failure{Message: "connection refused", Kind: "refused"}}
		source := func(context.Context, func(engine.Result)) error {
			_, err := calls.Check(func(context.Context) (engine.Result, error) { return engine.Result{}, refused })(nil)
			return err
		}
		e := serve(t, engine.Config{}, enginetest.Fed("w", source))
		synctest.Wait()
		v := view(t, e, "w")
		if v.Status != engine.Unknown || v.Result.Value != "refused" || v.Result.Detail != "connection refused; restarting in 1 s" ||
			v.Source.Up || v.Source.Retry.IsZero() {
			t.Errorf("down: %v %q %q %+v", v.Status, v.Result.Value, v.Result.Detail, v.Source)
		}
		time.Sleep(10 * time.Minute)
		times := calls.Times()
		for i, pause := range []float64{1, 2, 4, 8, 16, 32, 60, 60, 60} {
			if got := times[i+1].Sub(times[i]).Seconds(); got > pause || got < pause*3/4 {
				t.Errorf("pause %d = %.2f s, want up to a quarter less than %v s", i, got, pause)
			}
		}
		if v := view(t, e, "w"); v.Stale(time.Now(), time.Second) || v.Source.Restarts != uint64(len(times)-1) {
			t.Errorf("stale, restarts = %v, %d, want a source that is down not to be stale, %d", v.Stale(time.Now(), time.Second), v.Source.Restarts, len(times)-1)
		}
	})
}

func TestSourceThatLivedBacksOffAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls enginetest.Starts
		source := func(ctx context.Context, _ func(engine.Result)) error {
			_, err := calls.Check(enginetest.Slow(time.Minute))(ctx)
			return err
		}
		serve(t, engine.Config{}, enginetest.Fed("w", source))
		time.Sleep(10 * time.Minute)
		times := calls.Times()
		for i := range times[1:] {
			if pause := times[i+1].Sub(times[i]) - time.Minute; pause > time.Second {
				t.Errorf("pause %d = %v, want at most 1 s after a life of a minute", i, pause)
			}
		}
	})
}

// TestSourceComesBack sees the verdict of before stand again once the source is
// connected again.
func TestSourceComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		source := func(ctx context.Context, report func(engine.Result)) error {
			if first {
				first = false
				report(engine.Result{Status: engine.Warning, Value: "hot"})
				time.Sleep(time.Second)
				return nil
			}
			report(engine.Result{Detail: "waiting"})
			<-ctx.Done()
			return nil
		}
		e := serve(t, engine.Config{}, enginetest.Fed("w", source))
		time.Sleep(1500 * time.Millisecond)
		if v := view(t, e, "w"); v.Status != engine.Unknown || v.Result.Value != "ended" {
			t.Errorf("between: status, value = %v, %q, want unknown, ended", v.Status, v.Result.Value)
		}
		if v := view(t, e, "w"); !v.Ended.Equal(v.Source.Last) {
			t.Errorf("between: ended = %v after the last event, want when that came", v.Ended.Sub(v.Source.Last))
		}
		if got := e.Board().Save()["w"]; got.Status != engine.Unknown || !got.Ended.Equal(time.Now()) {
			t.Errorf("between: Save() = %v, ended %v ago, want unknown until now", got.Status, time.Since(got.Ended))
		}
		time.Sleep(5 * time.Second)
		if v := view(t, e, "w"); v.Status != engine.Warning || v.Result.Value != "hot" || !v.Source.Up || time.Since(v.Ended) < 6*time.Second {
			t.Errorf("after: status, value, up, ended = %v, %q, %v, %v ago, want warning, hot, true, by an event 6.5 s ago", v.Status, v.Result.Value, v.Source.Up, time.Since(v.Ended))
		}
	})
}

// TestSourceThatNeverHolds sees a source that connects and ends at once each time
// down all the time, and not pending in between.
func TestSourceThatNeverHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := func(_ context.Context, report func(engine.Result)) error {
			report(engine.Result{Detail: "connected"})
			time.Sleep(10 * time.Millisecond)
			return nil
		}
		e := serve(t, engine.Config{}, enginetest.Fed("w", source))
		time.Sleep(5 * time.Minute)
		v := view(t, e, "w")
		if len(v.Transitions) != 1 || v.Status != engine.Unknown || v.Source.Restarts < 5 {
			t.Errorf("%d transitions, status %v, %d restarts, want 1: to unknown", len(v.Transitions), v.Status, v.Source.Restarts)
		}
	})
}

func TestSourceThatBreaksIsAResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for want, source := range map[string]engine.Source{
			"check panicked: aua":   func(context.Context, func(engine.Result)) error { panic("aua") },
			"without returning":     func(context.Context, func(engine.Result)) error { runtime.Goexit(); return nil },
			"the wire was cut":      func(context.Context, func(engine.Result)) error { return errors.New("the wire was cut") },
			"the source ended; res": func(context.Context, func(engine.Result)) error { return nil },
		} {
			e := serve(t, engine.Config{}, enginetest.Fed("w", source))
			synctest.Wait()
			if v := view(t, e, "w"); v.Status != engine.Unknown || !strings.Contains(v.Result.Detail, want) {
				t.Errorf("status, detail = %v, %q, want unknown, %q", v.Status, v.Result.Detail, want)
			}
		}
	})
}

// TestSourceFlood reports a hundred thousand times a second, changing its mind
// each time.
func TestSourceFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 200_000
		source := func(ctx context.Context, report func(engine.Result)) error {
			for i := range n {
				report(engine.Result{Status: []engine.Status{engine.OK, engine.Critical}[i%2]})
				if i%100 == 99 {
					time.Sleep(time.Millisecond)
				}
			}
			<-ctx.Done()
			return nil
		}
		e := serve(t, engine.Config{}, enginetest.Fed("w", source))
		time.Sleep(3 * time.Second)
		v := view(t, e, "w")
		if v.Runs < 100 || v.Runs > 8*22 || v.Source.Events != n {
			t.Errorf("results, events = %d, %d, want at most 80 a second for 2 s, all %d events counted", v.Runs, v.Source.Events, n)
		}
		if v.Status != engine.Critical {
			t.Errorf("status = %v, want that of the last event", v.Status)
		}
	})
}

// TestReplaceOfASource sees it go on where nothing changed, and end, and only
// then begin anew, where something did.
func TestReplaceOfASource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most, calls atomic.Int32
		source := func(ctx context.Context, report func(engine.Result)) error {
			calls.Add(1)
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			report(engine.Result{Status: engine.OK})
			<-ctx.Done()
			time.Sleep(200 * time.Millisecond) // what ending a command takes
			report(engine.Result{Status: engine.Critical})
			return nil
		}
		w := enginetest.Fed("w", source)
		e := serve(t, engine.Config{}, w)
		time.Sleep(time.Second)
		for i := range 5 {
			e.Replace(enginetest.Generation(uint64(2+i), w))
			time.Sleep(time.Second)
		}
		if got := calls.Load(); got != 1 {
			t.Errorf("%d calls after generations of equal definition, want 1", got)
		}
		w.Definition = "2"
		e.Replace(enginetest.Generation(10, w))
		e.Replace(enginetest.Generation(11, w))
		time.Sleep(time.Second)
		v := view(t, e, "w")
		if calls.Load() != 2 || most.Load() != 1 || v.Status != engine.OK || len(v.Transitions) != 1 {
			t.Errorf("calls, most at once, status, transitions = %d, %d, %v, %d, want 2, 1, ok, 1", calls.Load(), most.Load(), v.Status, len(v.Transitions))
		}
		e.Replace(enginetest.Generation(12, enginetest.Watcher("w", time.Second, enginetest.Always(engine.Warning, ""))))
		time.Sleep(3 * time.Second)
		if v := view(t, e, "w"); running.Load() != 0 || v.Status != engine.Warning || v.Source != nil || v.Runs < 3 {
			t.Errorf("as a check: running, status, source, runs = %d, %v, %v, %d", running.Load(), v.Status, v.Source, v.Runs)
		}
		e.Replace(enginetest.Generation(13, w))
		time.Sleep(time.Second)
		if v := view(t, e, "w"); running.Load() != 1 || v.Status != engine.OK || v.Source == nil || !v.Next.IsZero() {
			t.Errorf("as a source again: running, status, source, next = %d, %v, %v, %v", running.Load(), v.Status, v.Source, v.Next)
		}
		e.Replace(enginetest.Generation(14))
		time.Sleep(time.Second)
		if running.Load() != 0 {
			t.Error("a source outlives its watcher")
		}
	})
}

func TestSourceThatDoesNotEndIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		deaf := func(context.Context, func(engine.Result)) error { <-release; return nil }
		var calls atomic.Int32
		next := enginetest.Fed("w", func(ctx context.Context, report func(engine.Result)) error {
			calls.Add(1)
			report(engine.Result{Status: engine.OK})
			<-ctx.Done()
			return nil
		})
		next.Definition = "2"
		e := serve(t, engine.Config{}, enginetest.Fed("w", deaf))
		synctest.Wait()
		e.Replace(enginetest.Generation(2, next))
		time.Sleep(1100 * time.Millisecond)
		if v := view(t, e, "w"); v.Status != engine.Unknown || !strings.Contains(v.Result.Detail, "did not return 1s after") || calls.Load() != 0 {
			t.Errorf("status, detail, calls = %v, %q, %d, want unknown, that it is given up, 0", v.Status, v.Result.Detail, calls.Load())
		}
		close(release)
		synctest.Wait()
		if v := view(t, e, "w"); v.Status != engine.OK || calls.Load() != 1 {
			t.Errorf("after it returned: status, calls = %v, %d, want ok, 1", v.Status, calls.Load())
		}
	})
}

func TestRunOnceOfASource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quiet := func(ctx context.Context, report func(engine.Result)) error {
			report(engine.Result{Detail: "connected"})
			<-ctx.Done()
			return ctx.Err()
		}
		for _, tt := range []struct {
			name   string
			source engine.Source
			want   engine.Result
		}{
			{"first verdict", func(ctx context.Context, report func(engine.Result)) error {
				time.Sleep(time.Second)
				report(engine.Result{Status: engine.OK, Value: "1"})
				report(engine.Result{Status: engine.OK, Value: "2"})
				<-ctx.Done()
				return nil
			}, engine.Result{Status: engine.OK, Value: "1", Elapsed: time.Second}},
			{"none", quiet, engine.Result{Detail: "no verdict within 2s: connected", Elapsed: 2 * time.Second}},
			{"broken", func(context.Context, func(engine.Result)) error { return errors.New("no such host") },
				engine.Result{Status: engine.Unknown, Value: "ended", Detail: "no such host", Failure: &engine.Failure{Message: "no such host"}}},
		} {
			got := engine.RunOnce(t.Context(), enginetest.Fed("w", tt.source))
			got.Started = time.Time{}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s: %s", tt.name, diff)
			}
		}
	})
}

func TestStopWaitsForSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		e := engine.New(engine.Config{Logger: slog.New(slog.DiscardHandler)})
		e.Replace(enginetest.Generation(1,
			enginetest.Fed("deaf", func(context.Context, func(engine.Result)) error { <-release; return nil }),
			enginetest.Fed("good", enginetest.Events(nil))))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began, late := time.Now(), 5*time.Second
		time.AfterFunc(late, func() { close(release) })
		if err := e.Run(ctx); err != nil || time.Since(began) != late {
			t.Errorf("Run() = %v after %v, want nil after the last source ended at %v", err, time.Since(began), late)
		}
	})
}

// A source that does not end when it is told to holds up the next one of its
// watcher, also when that was a check meanwhile: there is one at a time, and it
// is that one which is ended at last.
func TestSourceWaitsForTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		deaf := func(context.Context, func(engine.Result)) error { <-release; return nil }
		e := serve(t, engine.Config{}, enginetest.Fed("w", deaf))
		synctest.Wait()

		check := enginetest.Watcher("w", time.Second, enginetest.Slow(time.Minute))
		check.Definition, check.Timeout = "2", time.Hour
		e.Replace(enginetest.Generation(2, check))
		waitRunning(t, e, "w")

		calls, ended := 0, false
		source := enginetest.Fed("w", func(ctx context.Context, report func(engine.Result)) error {
			calls++
			report(engine.Result{Status: engine.OK, Value: "3"})
			<-ctx.Done()
			ended = true
			return nil
		})
		source.Definition = "3"
		e.Replace(enginetest.Generation(3, source))
		time.Sleep(3 * time.Second)
		if synctest.Wait(); calls != 0 {
			t.Errorf("the new source was called %d times while the old one had not ended, want not at all", calls)
		}
		close(release)
		if v := view(t, e, "w"); calls != 1 || v.Result.Value != "3" {
			t.Errorf("once the old one ended: %d calls, value = %q, want 1, 3", calls, v.Result.Value)
		}
		e.Replace(enginetest.Generation(4))
		if synctest.Wait(); !ended {
			t.Error("the source was not ended when its watcher left")
		}
	})
}

// What is open and good while it is quiet was so to the moment that it is saved,
// though no event ever came.
func TestQuietSourceIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := func() *engine.Engine {
			events := make(chan engine.Result)
			w := enginetest.Fed("w", enginetest.Events(events))
			w.Quiet.Good = true
			e := serve(t, engine.Config{}, w)
			events <- engine.Result{Detail: "open"}
			return e
		}
		e := open()
		time.Sleep(time.Hour)
		since, saved := view(t, e, "w").Since, e.Board().Save()
		next := open()
		next.Restore(saved)
		time.Sleep(5 * time.Second)
		if v := view(t, next, "w"); v.Status != engine.OK || !v.Since.Equal(since) || v.SinceApprox {
			t.Errorf("status, since, approx = %v, %v, %v, want ok, %v, false", v.Status, v.Since, v.SinceApprox, since)
		}
	})
}
