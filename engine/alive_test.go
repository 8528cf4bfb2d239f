package engine

import (
	"context"
	"errors"
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
