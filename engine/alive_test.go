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
	check := func(context.Context) (Result, error) { return Result{Status: OK}, nil }
	e.Replace(&Generation{Sets: []Set{{Watchers: []Watcher{{ID: "x", Name: "x", Interval: MinInterval, Check: check}}}}})
	e.gate.limit, e.sweepAt = -1<<40, time.Hour // no run may start, and nobody looks again whether one may
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
