package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A check that never began is a missed tick: it changes no status.
func TestMissedRunIsNoResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		check := func(context.Context) (Result, error) {
			if n++; n > 3 {
				return Result{Failure: &Failure{Message: "no turn", Kind: KindMissed}}, nil
			}
			return Result{Status: OK, Value: "fine"}, nil
		}
		s := newSteps(t, Watcher{ID: "w", Interval: time.Second, Check: check})
		s.pass(10*time.Second - time.Millisecond)
		v, _ := s.board.View("w")
		if v.Status != OK || v.Result.Value != "fine" || v.Runs != 3 || v.Missed != 7 || !v.Late {
			t.Errorf("after 3 runs and 7 that never began: %v %q, %d runs, %d missed, late %v; want ok \"fine\", 3, 7, true",
				v.Status, v.Result.Value, v.Runs, v.Missed, v.Late)
		}
		if got := s.board.Lag(); got.Missed != 7 || !got.Late {
			t.Errorf("Lag() = %+v, want 7 missed and late", got)
		}
	})
}
