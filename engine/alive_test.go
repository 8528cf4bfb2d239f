package engine

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

func TestAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(Config{})
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := e.Alive(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Alive before Run = %v, want deadline exceeded", err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- e.Run(ctx) }()
		for range 3 {
			if err := e.Alive(t.Context()); err != nil {
				t.Errorf("Alive while running with nothing to do = %v, want nil", err)
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A schedule that has more to start than the machine takes up never sleeps, and
// is alive: a watchdog that restarted it would make that worse.
func TestAliveWhileTheMachineIsFull(t *testing.T) {
	e := New(Config{Logger: slog.New(slog.DiscardHandler)})
	check := func(ctx context.Context) (Result, error) {
		<-ctx.Done()
		return Result{}, ctx.Err()
	}
	var watchers []Watcher
	for _, id := range []ID{"x", "y"} {
		watchers = append(watchers, Watcher{ID: id, Name: string(id), Interval: MinInterval, Timeout: time.Minute, Check: check})
	}
	e.Replace(&Generation{Sets: []Set{{Watchers: watchers}}})
	// No run may start beside the first, and nobody looks again whether one may.
	e.gate.limit, e.gate.patience, e.sweepAt = -1<<40, time.Hour, time.Hour
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- e.Run(ctx) }()
	for full := false; !full; time.Sleep(time.Millisecond) {
		e.board.mu.Lock()
		full = e.waiting.n > 0
		e.board.mu.Unlock()
	}
	long, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := e.Alive(long); err != nil {
		t.Errorf("Alive with a run that waits for leave to start = %v, want nil", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
