package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// Whatever watchers were, and however often they became something else in the
// middle of it: once they are plain checks each runs at its interval.
func TestReloadsLeaveNothingStuck(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n = 6
				random := rand.New(rand.NewPCG(seed, 1))
				e := serve(t, engine.Config{MaxRunning: 3})
				for number := range uint64(25) {
					var watchers []engine.Watcher
					for i := range n {
						if random.IntN(8) > 0 { // or it is taken out
							watchers = append(watchers, anyWatcher(random, fmt.Sprint("w", i)))
						}
					}
					e.Replace(enginetest.Generation(number+1, watchers...))
					for range 3 {
						time.Sleep(time.Duration(random.IntN(800)) * time.Millisecond)
						if wrong := e.Inconsistent(); len(wrong) > 0 {
							t.Fatalf("generation %d: %q", number+1, wrong)
						}
					}
				}
				e.Replace(enginetest.Generation(100, enginetest.Watchers(n, time.Second, enginetest.Always(engine.OK, "plain"))...))
				time.Sleep(20 * time.Second) // what lingers has ended, and what is confirmed is
				before := map[engine.ID]uint64{}
				for i := range n {
					v := view(t, e, engine.ID(fmt.Sprint("w", i)))
					before[v.ID] = v.Missed
					if v.Status != engine.OK || v.Result.Value != "plain" || v.Shadow != "" {
						t.Errorf("%s: status, value, shadow = %v, %q, %q, want ok, plain, none", v.ID, v.Status, v.Result.Value, v.Shadow)
					}
				}
				time.Sleep(10 * time.Second)
				for id, missed := range before {
					if v := view(t, e, id); time.Since(v.Ended) > time.Second || v.Missed != missed || v.Late {
						t.Errorf("%s: last run %v ago, missed %d, late %v, want 1s at most, %d, false", id, time.Since(v.Ended), v.Missed, v.Late, missed)
					}
				}
				if lag := e.Board().Lag(); lag.LateWatchers != 0 {
					t.Errorf("LateWatchers = %d, want 0", lag.LateWatchers)
				}
			})
		})
	}
}

// A source has no ticks that it could be late for.
func TestSourceIsNotLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := enginetest.Watcher("w", time.Second, enginetest.Slow(2500*time.Millisecond))
		slow.Timeout = 5 * time.Second
		e := serve(t, engine.Config{}, slow)
		for !view(t, e, "w").Late {
			time.Sleep(100 * time.Millisecond)
		}
		fed := enginetest.Fed("w", enginetest.Events(nil))
		fed.Definition = "2"
		e.Replace(enginetest.Generation(2, fed))
		time.Sleep(10 * time.Second)
		if v, lag := view(t, e, "w"), e.Board().Lag(); v.Late || lag.LateWatchers != 0 {
			t.Errorf("late, LateWatchers = %v, %d, want false, 0", v.Late, lag.LateWatchers)
		}
	})
}

// A check that takes the place of a source does not run as long as that takes to end.
func TestCheckAfterASourceIsNotRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, engine.Config{}, enginetest.Fed("w", func(ctx context.Context, report func(engine.Result)) error {
			report(engine.Result{Status: engine.OK})
			<-ctx.Done()
			time.Sleep(500 * time.Millisecond)
			return nil
		}))
		if !view(t, e, "w").Running {
			t.Fatal("the source is not running, want it connected")
		}
		e.Replace(enginetest.Generation(2, enginetest.Watcher("w", time.Second, enginetest.Always(engine.OK, ""))))
		if view(t, e, "w").Running {
			t.Error("the check is running, want it to wait for the source to end")
		}
	})
}

// anyWatcher makes a watcher of a random kind; those of one kind and definition
// are the same across reloads.
func anyWatcher(random *rand.Rand, name string) engine.Watcher {
	kind := random.IntN(7)
	deaf := func(d time.Duration) engine.Check { // hears no context
		return func(context.Context) (engine.Result, error) {
			time.Sleep(d)
			return engine.Result{Status: engine.Critical, Again: 100 * time.Millisecond}, nil
		}
	}
	w := enginetest.Watcher(name, time.Second, nil)
	switch kind {
	case 0:
		w.Check, w.Interval = deaf(0), 700*time.Millisecond
	case 1:
		w.Check = enginetest.Slow(300 * time.Millisecond)
	case 2:
		w.Check = deaf(3 * time.Second)
	case 3:
		w.Source = func(ctx context.Context, report func(engine.Result)) error {
			report(engine.Result{Status: engine.Warning})
			<-ctx.Done()
			time.Sleep(1500 * time.Millisecond)
			return nil
		}
	case 4:
		w.Source = func(_ context.Context, report func(engine.Result)) error {
			report(engine.Result{Detail: "connected"})
			time.Sleep(400 * time.Millisecond)
			return errors.New("cut")
		}
	case 5:
		w.Check, w.Derive = worstOf, &engine.Derive{Of: []engine.Pattern{"w*"}}
	case 6:
		w = summed(name, engine.Pattern(fmt.Sprint("w", random.IntN(2))))
	}
	w.Definition = fmt.Sprint(kind, random.IntN(2))
	if random.IntN(2) == 0 {
		w.Confirm = engine.Confirm{Seen: 2, Of: 3}
	}
	if random.IntN(3) == 0 {
		w.Needs = []engine.Pattern{"w0"}
	}
	return w
}
