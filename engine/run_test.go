package engine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/enginetest"
)

func TestRunOnceFences(t *testing.T) {
	var nothing map[string]int
	tests := []struct {
		name    string
		check   engine.Check
		status  engine.Status
		kind    string
		message string // must be in the failure's
		elapsed time.Duration
	}{
		{"ok", enginetest.Slow(time.Second), engine.OK, "", "", time.Second},
		{"error", func(context.Context) (engine.Result, error) {
			return engine.Result{Status: engine.Critical}, errors.New("reading the rota: no such file")
		}, engine.Unknown, engine.KindScript, "reading the rota: no such file", 0},
		{"deadline", enginetest.Slow(time.Hour), engine.Unknown, engine.KindTimeout, "deadline", 2 * time.Second},
		{"deaf", func(context.Context) (engine.Result, error) {
			time.Sleep(time.Minute)
			return engine.Result{Status: engine.OK}, nil
		}, engine.Unknown, engine.KindStuck, "did not return", 3 * time.Second},
		{"hard of hearing", func(context.Context) (engine.Result, error) {
			time.Sleep(2900 * time.Millisecond)
			return engine.Result{Status: engine.Critical}, nil
		}, engine.Critical, "", "", 2900 * time.Millisecond},
		{"panic", func(context.Context) (engine.Result, error) {
			nothing["x"]++
			return engine.Result{}, nil
		}, engine.Unknown, engine.KindPanic, "assignment to entry in nil map", 0},
		{"goexit", func(context.Context) (engine.Result, error) {
			runtime.Goexit()
			return engine.Result{Status: engine.OK}, nil
		}, engine.Unknown, engine.KindPanic, "without returning", 0},
		{"no such status", enginetest.Always(17, ""), engine.Unknown, engine.KindScript, "no status", 0},
		{"blameless", func(context.Context) (engine.Result, error) {
			return engine.Result{Status: engine.Critical, Failure: &engine.Failure{Kind: engine.KindVantage, Message: "no route"}}, nil
		}, engine.Unknown, engine.KindVantage, "no route", 0},
		{"to blame", func(context.Context) (engine.Result, error) {
			return engine.Result{Status: engine.Critical, Failure: &engine.Failure{Kind: "refused", Message: "refused"}}, nil
		}, engine.Critical, "refused", "refused", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := enginetest.Watcher("w", 2*time.Second, test.check)
				r := engine.RunOnce(t.Context(), w)
				kind, message := "", ""
				if r.Failure != nil {
					kind, message = r.Failure.Kind, r.Failure.Message
				}
				if r.Status != test.status || kind != test.kind || !strings.Contains(message, test.message) {
					t.Errorf("RunOnce() = %v, %q, %q, want %v, %q, %q", r.Status, kind, message, test.status, test.kind, test.message)
				}
				if r.Elapsed != test.elapsed {
					t.Errorf("elapsed = %v, want %v", r.Elapsed, test.elapsed)
				}
				time.Sleep(time.Minute) // the deaf one returns
			})
		})
	}
}

func TestBlamelessKindsAreNeverCritical(t *testing.T) {
	for _, kind := range []string{
		engine.KindOverload, engine.KindCancelled, engine.KindSpawn, engine.KindAuth, engine.KindVantage,
		engine.KindScript, engine.KindPanic, engine.KindStuck,
	} {
		r := engine.RunOnce(t.Context(), enginetest.Watcher("w", time.Second, func(context.Context) (engine.Result, error) {
			return engine.Result{Status: engine.Critical, Failure: &engine.Failure{Kind: kind}}, nil
		}))
		if r.Status != engine.Unknown {
			t.Errorf("critical of kind %q = %v, want unknown", kind, r.Status)
		}
	}
}

func TestPanicTellsItsPlace(t *testing.T) {
	r := engine.RunOnce(t.Context(), enginetest.Watcher("w", time.Second, func(context.Context) (engine.Result, error) {
		panic(fmt.Errorf("the lamp is out: %s", strings.Repeat("dark ", 2000)))
	}))
	f := r.Failure
	if f.File != "engine/run_test.go" || f.Line == 0 {
		t.Errorf("place = %s:%d, want engine/run_test.go with a line", f.File, f.Line)
	}
	if !strings.HasPrefix(f.Message, "check panicked: the lamp is out") || len(f.Message) > 1024 {
		t.Errorf("message = %q of %d bytes, want the panic's text, bounded", f.Message[:40], len(f.Message))
	}
	if !strings.Contains(f.Trace, "TestPanicTellsItsPlace") || strings.Contains(f.Trace, "goroutine") {
		t.Errorf("trace = %q, want the check's frames", f.Trace)
	}
}

func TestRunOnceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("enough"))
		defer cancel()
		begin := time.Now()
		engine.RunOnce(ctx, enginetest.Watcher("w", time.Minute, enginetest.Slow(30*time.Second)))
		if got := time.Since(begin); got != time.Second {
			t.Errorf("RunOnce took %v, want 1s", got)
		}
	})
}

// A check that never returns is told of, costs its own watcher the ticks, and
// never runs twice at a time.
func TestStuckCheckStaysBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var starts enginetest.Starts
		w := enginetest.Watcher("w", 2*time.Second, starts.Check(enginetest.Deaf(release)))
		w.Timeout = time.Second
		e := serve(t, engine.Config{MaxRunning: 1}, w, enginetest.Watcher("other", time.Second, enginetest.Always(engine.OK, "")))
		begin := time.Now()
		time.Sleep(time.Minute)
		v := view(t, e, "w")
		if v.Status != engine.Unknown || v.Result.Failure.Kind != engine.KindStuck || !v.Running || v.Runs != 1 {
			t.Fatalf("status, failure, running, runs = %v, %+v, %v, %d, want unknown, stuck, true, 1",
				v.Status, v.Result.Failure, v.Running, v.Runs)
		}
		if got, want := v.Ended.Sub(starts.Times()[0]), 2*time.Second; got != want {
			t.Errorf("given up after %v, want %v", got, want)
		}
		if n := len(starts.Times()); n != 1 {
			t.Errorf("%d runs at a time, want 1", n)
		}
		if want := uint64(time.Since(begin)/w.Interval) - 1; v.Missed < want-1 || v.Missed > want {
			t.Errorf("missed = %d, want %d", v.Missed, want)
		}
		if other := view(t, e, "other"); other.Runs < 50 {
			t.Errorf("other: %d runs, want one a second: a stuck run must not count as in flight", other.Runs)
		}

		close(release)
		time.Sleep(3 * time.Second)
		if v := view(t, e, "w"); v.Status != engine.OK || v.Late || v.Runs != uint64(len(starts.Times())) {
			t.Errorf("once it returned status, late, runs = %v, %v, %d, want ok, false, %d: the one given up counts once",
				v.Status, v.Late, v.Runs, len(starts.Times()))
		}
	})
}

type observerFunc func(engine.Transition)

func (f observerFunc) Transition(t engine.Transition) { f(t) }

// A viewer that looks while a transition is told, and not again until the next
// result, must not be left with a run in flight that has ended.
func TestRunIsOverWithItsResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e *engine.Engine
		var told []bool
		served := make(chan struct{}) // closed once e is set, which a first run may be ahead of
		e = serve(t, engine.Config{Observer: observerFunc(func(tr engine.Transition) {
			<-served
			v, _ := e.Board().View(tr.ID)
			told = append(told, v.Running)
		})}, enginetest.Watcher("w", time.Second, enginetest.Script(engine.OK, engine.Critical, engine.OK)))
		close(served)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if diff := cmp.Diff([]bool{false, false, false}, told); diff != "" {
			t.Errorf("running when its transitions were told (-want +got):\n%s", diff)
		}
	})
}

// So must one that knows of a run that was given up, once it returns.
func TestReturnOfStuckRunIsAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		w := enginetest.Watcher("w", time.Hour, enginetest.Deaf(release))
		w.Timeout = time.Second
		e := serve(t, engine.Config{}, w)
		time.Sleep(time.Minute)
		rev := e.Board().Rev()
		if !view(t, e, "w").Running {
			t.Fatal("running = false of a run that does not return")
		}
		close(release)
		synctest.Wait()
		if u := e.Board().Changes(rev); len(u.Views) != 1 || u.Views[0].Running {
			t.Errorf("changes when it returned: %+v, want the watcher without a run", u.Views)
		}
	})
}

func TestTimeoutIsTheContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left []time.Duration
		e := serve(t, engine.Config{}, enginetest.Watcher("w", 30*time.Second, func(ctx context.Context) (engine.Result, error) {
			deadline, _ := ctx.Deadline()
			left = append(left, time.Until(deadline))
			return engine.Result{Status: engine.OK}, nil
		}))
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, d := range left {
			if d != engine.MaxTimeout {
				t.Errorf("deadline in %v, want %v", d, engine.MaxTimeout)
			}
		}
		if v := view(t, e, "w"); v.Timeout != engine.MaxTimeout || v.TTL != 100*time.Second {
			t.Errorf("timeout, ttl = %v, %v, want 10s, 1m40s", v.Timeout, v.TTL)
		}
	})
}

func TestCheckThatEndsItsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, engine.Config{},
			enginetest.Watcher("exits", time.Second, func(context.Context) (engine.Result, error) {
				runtime.Goexit()
				return engine.Result{}, nil
			}),
			enginetest.Watcher("panics", time.Second, func(context.Context) (engine.Result, error) { panic("out") }),
			enginetest.Watcher("well", time.Second, enginetest.Always(engine.OK, "")))
		time.Sleep(time.Minute)
		for id, want := range map[engine.ID]engine.Status{"exits": engine.Unknown, "panics": engine.Unknown, "well": engine.OK} {
			if v := view(t, e, id); v.Status != want || v.Runs != 60 || v.Missed != 0 {
				t.Errorf("%s: status, runs, missed = %v, %d, %d, want %v, 60, 0", id, v.Status, v.Runs, v.Missed, want)
			}
		}
	})
}

// Workers that nobody needs any more end.
func TestWorkersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		burst := enginetest.Slow(900 * time.Millisecond)
		e := serve(t, engine.Config{}, enginetest.Watchers(500, time.Second, burst)...)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := runtime.NumGoroutine() - before; got < 400 {
			t.Fatalf("%d goroutines, want one for each of 450 runs in flight", got)
		}
		e.Replace(enginetest.Generation(2, enginetest.Watchers(10, time.Second, enginetest.Always(engine.OK, ""))...))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if got := runtime.NumGoroutine() - before; got > 20 {
			t.Errorf("%d goroutines after the burst, want them gone", got)
		}
	})
}

// A check that has no verdict yet leaves the tile as it is.
func TestCheckWithoutVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		script := enginetest.Script(engine.Pending, engine.Pending, engine.OK, engine.Pending)
		e := serve(t, engine.Config{}, enginetest.Watcher("w", time.Second, script))
		time.Sleep(1900 * time.Millisecond)
		if v := view(t, e, "w"); v.Status != engine.Pending || len(v.Trail) != 0 {
			t.Errorf("before a verdict: status, trail = %v, %v, want pending, none", v.Status, v.Trail)
		}
		time.Sleep(10 * time.Second)
		v := view(t, e, "w")
		if v.Status != engine.OK || v.Runs != 1 || v.Missed != 0 || v.Running {
			t.Errorf("after one: status, runs, missed, running = %v, %d, %d, %v, want ok, 1, 0, false", v.Status, v.Runs, v.Missed, v.Running)
		}
		if !v.Stale(time.Now(), v.TTL) {
			t.Errorf("%v after the only verdict: not stale", time.Since(v.Ended))
		}
	})
}
