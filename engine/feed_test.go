package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// A source that takes its time to end does not stop the check that came in its
// place, at whatever moment of the check's runs it ends.
func TestSourceThatLingersBesideACheck(t *testing.T) {
	for linger := 100 * time.Millisecond; linger < 3*time.Second; linger += 100 * time.Millisecond {
		t.Run(linger.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := func(ctx context.Context, _ func(engine.Result)) error {
					<-ctx.Done()
					time.Sleep(linger)
					return nil
				}
				e := serve(t, engine.Config{}, enginetest.Fed("w", source))
				time.Sleep(time.Second)
				w := enginetest.Watcher("w", time.Second, enginetest.Slow(500*time.Millisecond))
				w.Definition = "2"
				e.Replace(enginetest.Generation(2, w))
				time.Sleep(20 * time.Second)
				if v := view(t, e, "w"); v.Runs < 18 || v.Missed > 1 {
					t.Errorf("runs, missed = %d, %d in 20 s, want 18 or more, at most 1", v.Runs, v.Missed)
				}
			})
		})
	}
}
