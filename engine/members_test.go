package engine_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// summed gives a watcher that shows the sum of what it is derived from.
func summed(name string, of ...engine.Pattern) engine.Watcher {
	w := enginetest.Watcher(name, 0, func(ctx context.Context) (engine.Result, error) {
		sum, n := engine.MembersOf(ctx).Sum()
		return engine.Result{Status: engine.OK, Value: fmt.Sprint(sum, " of ", n)}, nil
	})
	w.Derive = &engine.Derive{Of: of}
	return w
}

// One of two that read the same values is derived from others by an edit: what
// the other one reads is still news to it.
func TestSumOutlivesItsNeighbour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, members := worldOf("a b")
		w.say("a", "1")
		leaving, staying := summed("leaving", "a"), summed("staying", "a")
		e := serve(t, engine.Config{}, append(members, leaving, staying)...)
		time.Sleep(10 * time.Second)
		leaving = summed("leaving", "b")
		leaving.Definition = "2"
		e.Replace(enginetest.Generation(2, append(members, leaving, staying)...))
		time.Sleep(10 * time.Second)
		for _, value := range []string{"2", "3"} {
			w.say("a", value)
			time.Sleep(2 * time.Second)
			if got := view(t, e, "staying").Result.Value; got != value+" of 1" {
				t.Errorf("a says %s: value = %q, want %s of 1", value, got, value)
			}
		}
	})
}

// A member that is pending again has no value to add.
func TestSumWithoutWhatIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := func(first engine.Result) engine.Source {
			return func(ctx context.Context, report func(engine.Result)) error {
				report(first)
				<-ctx.Done()
				return nil
			}
		}
		fed, sum := enginetest.Fed("fed", source(engine.Result{Status: engine.OK, Value: "5"})), summed("sum", "fed")
		e := serve(t, engine.Config{}, fed, sum)
		time.Sleep(10 * time.Second)
		if got := view(t, e, "sum").Result.Value; got != "5 of 1" {
			t.Fatalf("value = %q, want 5 of 1", got)
		}
		fed.Source, fed.Definition = source(engine.Result{Detail: "connected"}), "2"
		e.Replace(enginetest.Generation(2, fed, sum))
		time.Sleep(10 * time.Second)
		if v := view(t, e, "sum"); view(t, e, "fed").Status != engine.Pending || v.Result.Value != "0 of 0" {
			t.Errorf("after the edit: value = %q by %d runs, want 0 of 0 while it is pending", v.Result.Value, v.Runs)
		}
	})
}
