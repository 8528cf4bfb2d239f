package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// asking gives a check that takes a while, and asks for the next run while
// trouble lasts.
func asking(again, takes time.Duration, trouble func() bool) engine.Check {
	return func(context.Context) (engine.Result, error) {
		time.Sleep(takes)
		if trouble() {
			return engine.Result{Status: engine.Warning, Again: again}, nil
		}
		return engine.Result{Status: engine.OK}, nil
	}
}

func TestAgain(t *testing.T) {
	tests := []struct {
		name                   string
		interval, again, takes time.Duration
		want                   time.Duration // between two starts
	}{
		{"sooner", 2 * time.Second, 200 * time.Millisecond, 0, 200 * time.Millisecond},
		{"never below 50 ms", time.Second, time.Nanosecond, 0, engine.MinInterval},
		{"never past the interval", 400 * time.Millisecond, time.Minute, 0, 400 * time.Millisecond},
		{"as long as the interval", 400 * time.Millisecond, 400 * time.Millisecond, 0, 400 * time.Millisecond},
		{"slower than it asks for", 2 * time.Second, 200 * time.Millisecond, 270 * time.Millisecond, 400 * time.Millisecond},
		{"nothing asked", time.Second, 0, 0, time.Second},
		{"a negative one", time.Second, -time.Second, 0, time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var starts enginetest.Starts
				always := func() bool { return true }
				e := serve(t, engine.Config{}, enginetest.Watcher("w", test.interval, starts.Check(asking(test.again, test.takes, always))))
				time.Sleep(10 * time.Second)
				v := view(t, e, "w")
				times := starts.Times()
				for i := 1; i < len(times)-1; i++ {
					// A tick of the grid stands in for the run that was asked for just after it.
					if got := times[i].Sub(times[i-1]); got > test.want || got < engine.MinInterval || got < test.want && times[i+1].Sub(times[i-1]) < test.want {
						t.Fatalf("run %d came %v after the one before, want %v", i, got, test.want)
					}
				}
				if least := int((10*time.Second-test.interval)/test.want) - 2; len(times) < least {
					t.Errorf("%d runs in 10 s, want %d or more", len(times), least)
				}
				if v.Missed != 0 || v.Late {
					t.Errorf("missed, late = %d, %v, want 0, false", v.Missed, v.Late)
				}
			})
		})
	}
}

// When the trouble is over, runs are where they would have been without it.
func TestAgainReturnsToTheGrid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		trouble := func() bool {
			at := time.Since(began)
			return at > 10*time.Second && at < 14*time.Second
		}
		const interval = 700 * time.Millisecond
		var calm, starts enginetest.Starts
		never := func() bool { return false }
		serve(t, engine.Config{}, enginetest.Watcher("w", interval, starts.Check(asking(130*time.Millisecond, 0, trouble))))
		serve(t, engine.Config{}, enginetest.Watcher("w", interval, calm.Check(asking(0, 0, never))))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		grid := map[time.Time]bool{}
		for _, at := range calm.Times() {
			grid[at] = true
		}
		inTrouble, last := 0, time.Time{}
		for _, at := range starts.Times() {
			since := at.Sub(began)
			switch {
			case since > 10*time.Second && since < 14*time.Second:
				inTrouble++
			case since < 10*time.Second, since > 15*time.Second:
				if !grid[at] {
					t.Errorf("a run at %v, want it on the grid of %v", since, interval)
				}
			}
			if gap := at.Sub(last); !last.IsZero() && (gap < engine.MinInterval || gap > interval+engine.MinInterval) {
				t.Errorf("a run at %v, %v after the one before, want 50 ms to the interval", since, gap)
			}
			last = at
		}
		if inTrouble < 25 {
			t.Errorf("%d runs in 4 s of trouble, want about 30", inTrouble)
		}
	})
}

// What was asked for by a definition that is no more does not come.
func TestAgainEndsWithItsDefinition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enginetest.Watcher("w", time.Minute, asking(10*time.Second, 0, func() bool { return true }))
		e := serve(t, engine.Config{}, w)
		for view(t, e, "w").Runs == 0 {
			time.Sleep(time.Second)
		}
		var starts enginetest.Starts
		w.Definition, w.Check = "2", starts.Check(enginetest.Always(engine.OK, ""))
		e.Replace(enginetest.Generation(2, w))
		time.Sleep(25 * time.Second)
		synctest.Wait()
		if got := len(starts.Times()); got != 1 {
			t.Errorf("%d runs within 25 s of the reload, want the one at once", got)
		}
	})
}
