package engine_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// Who is derived from a discovered set sees its members come and go, and a
// pattern for them is no mistake before they are found.
func TestDiscoveryOfRelations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet("a b")
		all := enginetest.Watcher("all", 0, func(ctx context.Context) (engine.Result, error) {
			return engine.Result{Status: engine.OK, Value: fmt.Sprint(engine.MembersOf(ctx).Count(engine.OK))}, nil
		})
		all.Derive = &engine.Derive{Of: []engine.Pattern{"fleet.*"}}
		all.Needs = []engine.Pattern{"fleet.a"}
		gen := f.generation(1, all)
		if errs := gen.Relations(); len(errs) > 0 {
			t.Errorf("Relations() = %+v, want none: they may be found", errs)
		}
		all.Needs = []engine.Pattern{"wan"}
		if errs := f.generation(1, all).Relations(); len(errs) != 1 {
			t.Errorf("Relations() = %+v, want that nobody is wan", errs)
		}
		e := hunting(t, gen)
		time.Sleep(8 * time.Second)
		if v := view(t, e, "all"); v.Result.Value != "2" {
			t.Errorf("derived of two: %q", v.Result.Value)
		}
		f.is("b c d", nil)
		time.Sleep(10 * time.Second)
		if v := view(t, e, "all"); v.Result.Value != "3" {
			t.Errorf("derived of three: %q", v.Result.Value)
		}
	})
}

// Whom a member needs is as misspelt as elsewhere, and cannot be told when the
// configuration loads: the set says so, for as long as it is so.
func TestDiscoveryOfTangles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet("a b")
		var needs atomic.Pointer[map[string][]engine.Pattern]
		needs.Store(&map[string][]engine.Pattern{"a": {"wann", "fleet.later", "other*"}, "b": {"wan"}})
		find := f.Find
		f.Find = func(ctx context.Context) ([]engine.Watcher, error) {
			found, err := find(ctx)
			for i := range found {
				found[i].Needs = (*needs.Load())[found[i].Name]
				found[i].Definition = fmt.Sprint(found[i].Needs)
			}
			return found, err
		}
		wan := enginetest.Watcher("wan", time.Second, f.check)
		e := hunting(t, f.generation(1, wan))
		wantFleet(t, e, "a b", "", `fleet.lua:10: cannot use option "needs" of "fleet.a": there is no watcher "wann" (and 1 more)`)
		needs.Store(&map[string][]engine.Pattern{"a": {"wan"}, "b": {"fleet.b"}})
		time.Sleep(f.Interval)
		wantFleet(t, e, "a b", "", `fleet.lua:11: cannot use option "needs" of "fleet.b": it needs itself`)
		needs.Store(&map[string][]engine.Pattern{})
		time.Sleep(f.Interval)
		wantFleet(t, e, "a b", "", "")
	})
}
