package engine

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Whoever else takes all cores, as viewers of a large board can, must not keep
// every watcher from being run: nobody would see that nothing is watched.
func TestRunsStartThoughOthersTakeTheCores(t *testing.T) {
	var over atomic.Bool
	var others sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		others.Go(func() {
			for !over.Load() {
			}
		})
	}
	defer others.Wait()
	defer over.Store(true)
	e := New(Config{Logger: slog.New(slog.DiscardHandler)})
	hanging := func(ctx context.Context) (Result, error) {
		<-ctx.Done()
		return Result{}, ctx.Err()
	}
	ran := make(chan struct{}, 1000)
	check := func(context.Context) (Result, error) {
		select {
		case ran <- struct{}{}:
		default:
		}
		return Result{Status: OK}, nil
	}
	e.Replace(&Generation{Sets: []Set{{Watchers: []Watcher{
		{ID: "x", Name: "x", Interval: MinInterval, Check: check},
		{ID: "y", Name: "y", Interval: time.Minute, Timeout: time.Minute, Check: hanging}, // it waits for no core
	}}}})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- e.Run(ctx) }()
	late := time.After(30 * time.Second)
	for i := range 5 {
		select {
		case <-ran:
		case <-late:
			t.Fatalf("%d runs in 30 s, want them to go on", i)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
