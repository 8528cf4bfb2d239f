package engine_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// serve runs an engine with gen in the current bubble until the test ends.
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
				synctest.Wait()

				times := starts.Times()
				if first := times[0].Sub(begin); first >= min(interval, 5*time.Second) {
					t.Errorf("first run after %v, want below min(%v, 5s)", first, interval)
				}
				phase := times[1].Sub(begin) % interval
				for i, at := range times[1:] {
					if got, want := at.Sub(times[1]), time.Duration(i)*interval; got != want {
						t.Fatalf("run %d came %v after run 1, want %v", i+1, got, want)
					}
				}
				grid := 10 * time.Millisecond
				if interval < time.Second {
					grid = time.Millisecond
				}
				if phase%grid != 0 {
					t.Errorf("phase = %v, want a multiple of %v", phase, grid)
				}
				if want := int(span / interval); len(times) < want-1 || len(times) > want+1 {
					t.Errorf("%d runs in %v, want %d", len(times), span, want)
				}
				if v := view(t, e, "w"); v.Missed != 0 || v.Late {
					t.Errorf("missed = %d, late = %v, want 0, false", v.Missed, v.Late)
				}
			})
		})
	}
}
