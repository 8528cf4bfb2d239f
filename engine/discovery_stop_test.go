package engine_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
)

// Stopping waits for a discovery, as for a run.
func TestDiscoveryStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet("a")
		f.Find = func(ctx context.Context) ([]engine.Watcher, error) {
			<-ctx.Done()
			time.Sleep(500 * time.Millisecond)
			return nil, ctx.Err()
		}
		e := engine.New(engine.Config{})
		e.Replace(f.generation(1))
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- e.Run(ctx) }()
		time.Sleep(time.Second)
		cancel()
		began := time.Now()
		if err := <-ended; err != nil || time.Since(began) != 500*time.Millisecond {
			t.Errorf("Run = %v after %v, want nil after 500ms", err, time.Since(began))
		}
	})
}

// One that does not hear of the end is nothing to tell of: its set goes as well.
func TestDiscoveryStopsInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet("a")
		release := make(chan struct{})
		defer close(release)
		f.Find = func(context.Context) ([]engine.Watcher, error) {
			<-release
			return nil, nil
		}
		var log strings.Builder
		e := engine.New(engine.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		e.Replace(f.generation(1))
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- e.Run(ctx) }()
		synctest.Wait()
		cancel()
		began := time.Now()
		if err := <-ended; err != nil || time.Since(began) != time.Second {
			t.Errorf("Run = %v after %v, want nil after 1s", err, time.Since(began))
		}
		if _, _, problem := shown(e); problem != "" || log.Len() > 0 {
			t.Errorf("problem = %q, log = %q, want neither", problem, &log)
		}
	})
}
