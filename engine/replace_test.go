package engine_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/enginetest"
)

func TestReplaceOfEqualDefinitionMissesNoRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, span = 50, 30
		var old, renewed enginetest.Starts
		slow := enginetest.Slow(300 * time.Millisecond)
		e := serve(t, engine.Config{}, enginetest.Watchers(n, time.Second, old.Check(slow))...)
		time.Sleep(span * time.Second / 2)
		for i := range 100 { // a hundred saves, while a third of the runs are in flight
			e.Replace(enginetest.Generation(uint64(2+i), enginetest.Watchers(n, time.Second, renewed.Check(slow))...))
			time.Sleep(37 * time.Millisecond)
		}
		time.Sleep(span*time.Second/2 - 100*37*time.Millisecond)
		synctest.Wait()
		if got := len(old.Times()) + len(renewed.Times()); got != n*span {
			t.Errorf("%d runs in %d s, want %d", got, span, n*span)
		}
		if got := len(renewed.Times()); got != n*span/2 {
			t.Errorf("%d runs of the new check, want %d: every run after the replacing", got, n*span/2)
		}
		for i := range n {
			v := view(t, e, engine.ID(fmt.Sprintf("w%d", i)))
			if v.Missed != 0 || v.Runs < span-1 || len(v.Transitions) != 1 {
				t.Errorf("%s: missed, runs, transitions = %d, %d, %d, want 0, %d, 1", v.ID, v.Missed, v.Runs, len(v.Transitions), span)
			}
		}
	})
}

func TestReplaceKeepsTheRunInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, engine.Config{}, enginetest.Watcher("w", 2*time.Second, enginetest.Slow(time.Second)))
		waitRunning(t, e, "w")
		e.Replace(enginetest.Generation(2, enginetest.Watcher("w", 2*time.Second, enginetest.Always(engine.Critical, ""))))
		time.Sleep(1500 * time.Millisecond)
		if v := view(t, e, "w"); v.Status != engine.OK || v.Runs != 1 {
			t.Errorf("status, runs = %v, %d, want ok, 1 by the run that was in flight", v.Status, v.Runs)
		}
		time.Sleep(2 * time.Second)
		if v := view(t, e, "w"); v.Status != engine.Critical {
			t.Errorf("status = %v, want critical by the new check", v.Status)
		}
	})
}

// waitRunning sleeps until a run of id is in flight.
func waitRunning(t *testing.T, e *engine.Engine, id engine.ID) {
	t.Helper()
	for !view(t, e, id).Running {
		time.Sleep(10 * time.Millisecond)
	}
}

func TestReplaceOfNewDefinitionStartsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		old := func(ctx context.Context) (engine.Result, error) {
			if first {
				first = false
				return engine.Result{Status: engine.Warning}, nil
			}
			<-ctx.Done()
			time.Sleep(200 * time.Millisecond) // what ending a command takes
			return engine.Result{Status: engine.Critical}, nil
		}
		w := enginetest.Watcher("w", 10*time.Second, old)
		e := serve(t, engine.Config{}, w)
		time.Sleep(11 * time.Second)
		waitRunning(t, e, "w")
		before := view(t, e, "w")
		time.Sleep(3 * time.Second)

		var starts enginetest.Starts
		saved := time.Now()
		w.Definition, w.Check = "2", starts.Check(enginetest.Always(engine.Warning, "new"))
		e.Replace(enginetest.Generation(2, w))
		time.Sleep(time.Second)
		v := view(t, e, "w")
		if len(starts.Times()) != 1 || starts.Times()[0].Sub(saved) != 200*time.Millisecond {
			t.Fatalf("new runs began at %v, want one, as soon as the old run had gone", starts.Times())
		}
		if v.Result.Value != "new" || v.Since != before.Since || len(v.Trail) != len(before.Trail)+1 || v.Missed != 0 {
			t.Errorf("value, since, trail, missed = %q, %v, %v, %d, want new, %v, one run more, 0",
				v.Result.Value, v.Since, v.Trail, v.Missed, before.Since)
		}
		if got := v.Next.Sub(saved); got < 5*time.Second || got > 15*time.Second {
			t.Errorf("the run after is due %v later, want the first tick after half an interval", got)
		}
		time.Sleep(time.Until(v.Next) + time.Second)
		if got := len(starts.Times()); got != 2 {
			t.Errorf("%d runs, want 2", got)
		}
	})
}

// The run of an old definition that does not heed its context holds its
// watcher up for a second, no longer.
func TestReplaceOfStuckCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		w := enginetest.Watcher("w", time.Minute, enginetest.Deaf(release))
		e := serve(t, engine.Config{}, w)
		waitRunning(t, e, "w")
		w.Definition, w.Check = "2", enginetest.Always(engine.OK, "mended")
		e.Replace(enginetest.Generation(2, w))
		time.Sleep(900 * time.Millisecond)
		if v := view(t, e, "w"); v.Runs != 0 {
			t.Errorf("after 0.9s: %d runs, want 0", v.Runs)
		}
		time.Sleep(400 * time.Millisecond)
		if v := view(t, e, "w"); v.Status != engine.OK || v.Running {
			t.Errorf("after 1.3s: status, running = %v, %v, want ok, false", v.Status, v.Running)
		}
		close(release)
		if v := view(t, e, "w"); v.Runs != 1 || v.Status != engine.OK {
			t.Errorf("once the old check returned: runs, status = %d, %v, want 1, ok", v.Runs, v.Status)
		}
	})
}

func TestReplaceRemovesAndAdds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cancelled bool
		gone := enginetest.Watcher("gone", 5*time.Second, func(ctx context.Context) (engine.Result, error) {
			<-ctx.Done()
			cancelled = ctx.Err() == context.Canceled
			return engine.Result{Status: engine.Critical}, nil
		})
		gone.Timeout = time.Minute
		stays := enginetest.Watcher("stays", time.Second, enginetest.Always(engine.OK, ""))
		e := serve(t, engine.Config{}, gone, stays)
		waitRunning(t, e, "gone")
		time.Sleep(7 * time.Second) // it misses a tick, and is late
		if got := e.Board().Lag().LateWatchers; got != 1 {
			t.Fatalf("LateWatchers = %d, want 1", got)
		}
		rev := e.Board().Rev()
		var starts enginetest.Starts
		added := time.Now()
		e.Replace(enginetest.Generation(2, stays, enginetest.Watcher("new", time.Minute, starts.Check(enginetest.Always(engine.OK, "")))))
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if _, ok := e.Board().View("gone"); ok || !cancelled {
			t.Errorf("gone: on the board = %v, run cancelled = %v, want false, true", ok, cancelled)
		}
		if n := len(starts.Times()); n != 1 || starts.Times()[0].Sub(added) > 5*time.Second {
			t.Errorf("new: started %v, want once within 5s", starts.Times())
		}
		if got := e.Board().Lag().LateWatchers; got != 0 {
			t.Errorf("LateWatchers = %d without the late one, want 0", got)
		}
		u := e.Board().Changes(rev)
		if !u.Layout || !u.Config {
			t.Errorf("Changes: layout, config = %v, %v, want true, true", u.Layout, u.Config)
		}
		for _, v := range append(u.Views, e.Board().Changes(0).Views...) {
			if v.ID == "gone" {
				t.Error("Changes gives a watcher that is gone")
			}
		}
	})
}

func TestReplaceTellsOfLayoutOnly(t *testing.T) {
	ok := enginetest.Always(engine.OK, "")
	sets := func(change func([]engine.Set)) *engine.Generation {
		g := &engine.Generation{Number: 2, Sets: []engine.Set{
			{Watchers: enginetest.Watchers(2, time.Second, ok)},
			{Name: "Web", Watchers: []engine.Watcher{enginetest.Watcher("page", time.Second, ok)}},
		}}
		change(g.Sets)
		return g
	}
	tests := []struct {
		name   string
		change func([]engine.Set)
		layout bool
	}{
		{"nothing", func([]engine.Set) {}, false},
		{"definition", func(s []engine.Set) { s[1].Watchers[0].Definition = "2" }, false},
		{"source", func(s []engine.Set) { s[1].Watchers[0].Place.Line = 3 }, false},
		{"default spelled out", func(s []engine.Set) { s[1].Watchers[0].Timeout = time.Second }, false},
		{"set's name", func(s []engine.Set) { s[1].Name = "Net" }, true},
		{"watcher's name", func(s []engine.Set) { s[1].Watchers[0].Name = "Page" }, true},
		{"interval", func(s []engine.Set) { s[1].Watchers[0].Interval *= 2 }, true},
		{"ttl", func(s []engine.Set) { s[1].Watchers[0].TTL = time.Minute }, true},
		{"order", func(s []engine.Set) { w := s[0].Watchers; w[0], w[1] = w[1], w[0] }, true},
		{"one less", func(s []engine.Set) { s[0].Watchers = s[0].Watchers[1:] }, true},
		{"moved", func(s []engine.Set) {
			s[1].Watchers = append(s[1].Watchers, s[0].Watchers[1])
			s[0].Watchers = s[0].Watchers[:1]
		}, true},
	}
	for _, test := range tests {
		e := engine.New(engine.Config{})
		e.Replace(sets(func([]engine.Set) {}))
		rev := e.Board().Rev()
		e.Replace(sets(test.change))
		u := e.Board().Changes(rev)
		if u.Layout != test.layout || !u.Config || u.Rev <= rev {
			t.Errorf("%s: layout, config, rev = %v, %v, %d, want %v, true, above %d", test.name, u.Layout, u.Config, u.Rev, test.layout, rev)
		}
	}
}

func TestReplaceOfManyDefinitionsAtOnceStartsAllOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 300
		e := serve(t, engine.Config{}, enginetest.Watchers(n, 10*time.Second, enginetest.Always(engine.OK, ""))...)
		time.Sleep(20 * time.Second)
		var starts enginetest.Starts
		ws := enginetest.Watchers(n, 10*time.Second, starts.Check(enginetest.Slow(time.Second)))
		for i := range ws {
			ws[i].Definition = "2"
		}
		e.Replace(enginetest.Generation(2, ws...))
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if got := len(starts.Times()); got != n {
			t.Errorf("%d runs at once, want %d", got, n)
		}
		if lag := e.Board().Lag(); lag.Missed != 0 {
			t.Errorf("missed = %d, want 0", lag.Missed)
		}
	})
}

func TestLoadFailedStandsUntilTheNextGeneration(t *testing.T) {
	e := engine.New(engine.Config{})
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	e.Replace(&engine.Generation{Number: 4, LoadedAt: at})
	rev := e.Board().Rev()
	e.Board().LoadFailed(engine.LoadError{File: "pharos.lua", Line: 12, Message: "cannot read"})
	want := engine.ConfigState{Generation: 4, LoadedAt: at, Error: &engine.LoadError{File: "pharos.lua", Line: 12, Message: "cannot read"}}
	if diff := cmp.Diff(want, e.Board().Config()); diff != "" {
		t.Errorf("Config() (-want +got):\n%s", diff)
	}
	if u := e.Board().Changes(rev); u.Layout || !u.Config || u.Rev != rev+1 {
		t.Errorf("Changes(%d) = %+v, want config only, rev %d", rev, u, rev+1)
	}
	e.Replace(&engine.Generation{Number: 5, LoadedAt: at})
	if c := e.Board().Config(); c.Error != nil || c.Generation != 5 {
		t.Errorf("Config() = %+v, want generation 5 without an error", c)
	}
}

func TestReplaceOfAnEmptyBoardStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, engine.Config{})
		time.Sleep(100*time.Hour + 30*time.Minute)
		e.Replace(enginetest.Generation(2, enginetest.Watcher("w", time.Second, enginetest.Always(engine.OK, ""))))
		time.Sleep(10 * time.Second)
		if v := view(t, e, "w"); v.Runs != 10 || v.Missed != 0 {
			t.Errorf("runs, missed = %d, %d, want 10, 0", v.Runs, v.Missed)
		}
	})
}

func TestReplaceOfAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts enginetest.Starts
		w := enginetest.Watcher("w", 10*time.Second, starts.Check(enginetest.Always(engine.OK, "")))
		e := serve(t, engine.Config{}, w)
		time.Sleep(15 * time.Second)
		before := len(starts.Times())
		w.Interval, w.Definition = time.Hour, "2"
		e.Replace(enginetest.Generation(2, w))
		time.Sleep(29 * time.Minute)
		if v := view(t, e, "w"); len(starts.Times()) != before+1 || v.Missed != 0 {
			t.Errorf("%d runs in the 29 minutes after, %d missed, want the one at once, 0", len(starts.Times())-before, v.Missed)
		}
	})
}

// A watcher that waits for leave to start and is taken off the board never
// starts.
func TestReplaceRemovesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts enginetest.Starts
		busy := enginetest.Watcher("busy", time.Second, enginetest.Slow(50*time.Second))
		busy.Timeout = time.Minute
		var waits []engine.Watcher
		for _, w := range enginetest.Watchers(10, 30*time.Second, starts.Check(enginetest.Always(engine.OK, ""))) {
			w.ID = "waits_" + w.ID
			waits = append(waits, w)
		}
		e := serve(t, engine.Config{MaxRunning: 1}, busy)
		waitRunning(t, e, "busy")
		e.Replace(enginetest.Generation(2, append(waits, busy)...))
		time.Sleep(10 * time.Second)
		e.Replace(enginetest.Generation(3, busy))
		time.Sleep(100 * time.Second)
		synctest.Wait()
		if n := len(starts.Times()); n != 0 {
			t.Errorf("%d runs of watchers that are gone, want 0", n)
		}
	})
}

// crowded is a lane that never clears: that of a script that hangs.
type crowded struct{}

func (crowded) Crowded() bool { return true }

// A watcher that waits in the lane of a script that hangs runs as soon as a
// reload gives it another one.
func TestReplaceOfACrowdedLane(t *testing.T) {
	for name, definition := range map[string]string{"same": "1", "edited": "2"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var starts enginetest.Starts
				w := enginetest.Watcher("w", time.Second, starts.Check(enginetest.Always(engine.OK, "")))
				gone := enginetest.Watcher("gone", time.Second, w.Check)
				w.Lane, gone.Lane = crowded{}, crowded{}
				e := serve(t, engine.Config{}, w, gone)
				time.Sleep(5 * time.Second)
				if n := len(starts.Times()); n != 0 {
					t.Fatalf("%d runs in a crowded lane, want 0", n)
				}
				w.Lane, w.Definition = nil, definition
				e.Replace(enginetest.Generation(2, w))
				time.Sleep(3 * time.Second)
				if v := view(t, e, "w"); v.Runs < 3 || v.Late {
					t.Errorf("runs, late = %d, %v in the 3 s after, want 3 or more, false", v.Runs, v.Late)
				}
			})
		})
	}
}

// A configuration that was being loaded when the engine stopped is laid out and
// starts nothing.
func TestReplaceAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		source := func(ctx context.Context, _ func(engine.Result)) error {
			calls++
			<-ctx.Done()
			time.Sleep(100 * time.Millisecond) // so that stopping waits for it
			return nil
		}
		e := engine.New(engine.Config{})
		e.Replace(enginetest.Generation(1, enginetest.Fed("old", source)))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := e.Run(ctx); err != nil {
			t.Fatalf("Run() = %v, want nil", err)
		}
		e.Replace(enginetest.Generation(2, enginetest.Fed("new", source), enginetest.Watcher("check", time.Second, enginetest.Always(engine.OK, ""))))
		synctest.Wait()
		if calls != 1 {
			t.Errorf("sources were called %d times, want once: before the end", calls)
		}
		if v := view(t, e, "new"); v.Status != engine.Pending {
			t.Errorf("status = %v, want pending", v.Status)
		}
	})
}

// A check that was given up already does not hold a new definition of its
// watcher up at all: to mend it is why there is one.
func TestReplaceOfACheckThatWasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		w := enginetest.Watcher("w", time.Minute, enginetest.Deaf(release))
		w.Timeout = time.Second
		e := serve(t, engine.Config{}, w)
		waitRunning(t, e, "w")
		time.Sleep(3 * time.Second)
		if v := view(t, e, "w"); v.Status != engine.Unknown || !v.Running {
			t.Fatalf("status, running = %v, %v, want unknown, true", v.Status, v.Running)
		}
		w.Definition, w.Check = "2", enginetest.Always(engine.OK, "mended")
		e.Replace(enginetest.Generation(2, w))
		time.Sleep(10 * time.Millisecond)
		if v := view(t, e, "w"); v.Status != engine.OK || v.Running {
			t.Errorf("status, running = %v, %v, want ok, false", v.Status, v.Running)
		}
		close(release)
		if v := view(t, e, "w"); v.Runs != 2 || v.Status != engine.OK || v.Running {
			t.Errorf("once the old check returned: runs, status, running = %d, %v, %v, want 2, ok, false", v.Runs, v.Status, v.Running)
		}
	})
}

// A watcher that left holds nothing of its script, however far off its next run was
// planned: the state of a whole universe would stay for each reload.
func TestReplaceLetsGoOfWhatLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var freed atomic.Int32
		const n = 20
		var watchers []engine.Watcher
		for i := range n {
			universe := new([1 << 16]byte)
			runtime.AddCleanup(universe, func(struct{}) { freed.Add(1) }, struct{}{})
			w := enginetest.Watcher(fmt.Sprintf("w%d", i), 24*time.Hour, func(context.Context) (engine.Result, error) {
				return engine.Result{Status: engine.OK, Value: fmt.Sprint(universe[0])}, nil
			})
			if i > 0 {
				w.Needs = []engine.Pattern{engine.Pattern(watchers[i-1].ID)}
			}
			watchers = append(watchers, w)
		}
		e := serve(t, engine.Config{}, watchers...)
		watchers = nil
		time.Sleep(10 * time.Second)
		e.Replace(enginetest.Generation(2, enginetest.Watcher("other", time.Second, enginetest.Always(engine.OK, ""))))
		time.Sleep(time.Minute)
		for range 10 {
			runtime.GC()
			synctest.Wait()
		}
		if got := freed.Load(); got != n {
			t.Errorf("%d of the %d that left are let go of, want all", got, n)
		}
	})
}
