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

// Nor does one that does not end keep the check from running, or say anything of
// the watcher, which has no source any more.
func TestSourceThatStaysBesideACheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := func(ctx context.Context, _ func(engine.Result)) error {
			<-ctx.Done()
			time.Sleep(time.Minute)
			return nil
		}
		e := serve(t, engine.Config{}, enginetest.Fed("w", source))
		time.Sleep(time.Second)
		w := enginetest.Watcher("w", time.Hour, enginetest.Always(engine.OK, ""))
		w.Definition = "2"
		e.Replace(enginetest.Generation(2, w))
		time.Sleep(5 * time.Second)
		if v := view(t, e, "w"); v.Status != engine.OK || v.Runs != 1 || len(v.Transitions) != 1 {
			t.Errorf("5 s later the check is %v after %d runs, with %v, want ok after one", v.Status, v.Runs, v.Transitions)
		}
		time.Sleep(time.Minute)
		if v := view(t, e, "w"); v.Runs != 1 {
			t.Errorf("runs = %d when the source has ended, want 1", v.Runs)
		}
	})
}
