package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// A fleet is what a discovery finds, as the test wants it.
type fleet struct {
	engine.Discovery
	mu       sync.Mutex
	ids      []string
	err      error
	check    engine.Check
	released map[string][]bool // gone or not, by id
	made     int               // watchers that Find gave
	calls    atomic.Int64
}

func newFleet(ids string) *fleet {
	f := &fleet{ids: strings.Fields(ids), check: enginetest.Always(engine.OK, "1"), released: map[string][]bool{}}
	f.Interval, f.Place, f.Find = 10*time.Second, engine.Place{File: "fleet.lua", Line: 3}, f.find
	return f
}

func (f *fleet) is(ids string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ids, f.err = strings.Fields(ids), err
}

func (f *fleet) find(context.Context) ([]engine.Watcher, error) {
	f.calls.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []engine.Watcher
	for i, id := range f.ids {
		w := enginetest.Watcher(id, time.Second, f.check)
		w.ID, w.Place = engine.ID("fleet."+id), engine.Place{File: "fleet.lua", Line: 10 + i}
		w.Released = func(gone bool) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.released[id] = append(f.released[id], gone)
		}
		found = append(found, w)
		f.made++
	}
	return found, f.err
}

// let tells how many of the watchers that were found were let go of, and of
// which ids as gone.
func (f *fleet) let() (n int, gone []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, list := range f.released {
		n += len(list)
		if slices.Contains(list, true) {
			gone = append(gone, id)
		}
	}
	slices.Sort(gone)
	return n, gone
}

// generation has the fleet, and static watchers in a set of their own.
func (f *fleet) generation(number uint64, static ...engine.Watcher) *engine.Generation {
	gen := enginetest.Generation(number, static...)
	gen.Sets = append(gen.Sets, engine.Set{Name: "fleet", Discover: &f.Discovery})
	return gen
}

// hunting runs an engine with the generation until the test ends.
func hunting(t *testing.T, gen *engine.Generation) *engine.Engine {
	t.Helper()
	e := serve(t, engine.Config{})
	e.Replace(gen)
	return e
}

// shown gives the fleet's section: its members, its note, what is wrong.
func shown(e *engine.Engine) (ids, note, problem string) {
	for _, set := range e.Board().Snapshot().Sets {
		if set.Name == "fleet" {
			var words []string
			for _, v := range set.Watchers {
				words = append(words, strings.TrimPrefix(string(v.ID), "fleet."))
			}
			return strings.Join(words, " "), set.Note, set.Problem
		}
	}
	return "no fleet", "", ""
}

func wantFleet(t *testing.T, e *engine.Engine, ids, note, problem string) {
	t.Helper()
	synctest.Wait()
	gotIDs, gotNote, gotProblem := shown(e)
	if gotIDs != ids || gotNote != note || gotProblem != problem {
		t.Errorf("members, note, problem = %q, %q, %q, want %q, %q, %q", gotIDs, gotNote, gotProblem, ids, note, problem)
	}
}

// Members come and go with what is found; those that stay go on, in their
// places, as the watchers they were.
func TestDiscoveryFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet("a b c")
		e := hunting(t, f.generation(1))
		wantFleet(t, e, "a b c", "", "")
		time.Sleep(5 * time.Second)
		before := e.Board().Rev()
		f.check = enginetest.Always(engine.Critical, "2") // of the same definition: the old ones are not asked
		f.is("c x a y", nil)
		time.Sleep(5100 * time.Millisecond)
		wantFleet(t, e, "a y c x", "", "")
		if u := e.Board().Changes(before); !u.Layout {
			t.Error("other members are no change of the layout")
		}
		time.Sleep(4 * time.Second)
		if v := view(t, e, "fleet.a"); v.Status != engine.OK || v.Runs < 13 || len(v.Transitions) != 1 || v.Missed != 0 {
			t.Errorf("one that stayed: %v by %d runs and %d transitions, want ok, one run a second, 1", v.Status, v.Runs, len(v.Transitions))
		}
		if v := view(t, e, "fleet.x"); v.Status != engine.Critical || v.Set != "fleet" {
			t.Errorf("one that came: %v in %q, want critical in fleet", v.Status, v.Set)
		}
		if _, there := e.Board().View("fleet.b"); there {
			t.Error("one that went is still on the board")
		}
		if n, gone := f.let(); n != 3 || !slices.Equal(gone, []string{"b"}) {
			t.Errorf("%d watchers released, %v as gone, want 3 (the second a and c, and b), [b]", n, gone)
		}
		layout := e.Board().Rev()
		time.Sleep(30 * time.Second)
		if u := e.Board().Changes(layout); u.Layout || f.calls.Load() < 4 {
			t.Errorf("after %d discoveries of the same: layout = %v, want false", f.calls.Load(), u.Layout)
		}
	})
}

// What is wrong may have another text each time, such as a number that counts. The
// log warns of its beginning; what it was later is on the board.
func TestDiscoveryWarnsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		f := newFleet("")
		e := serve(t, engine.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
		f.is("", errors.New("refused 1"))
		e.Replace(f.generation(1))
		for n := 2; n < 6; n++ {
			f.is("", fmt.Errorf("refused %d", n))
			time.Sleep(10 * time.Second)
		}
		wantFleet(t, e, "", "", "refused 5")
		if n := strings.Count(log.String(), "went wrong"); n != 1 {
			t.Errorf("%d warnings, want 1:\n%s", n, &log)
		}
	})
}

// To find the same members again costs the board nothing: nobody who looks at
// it has anything to do.
func TestDiscoveryOfTheSameChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet("a b c")
		f.Find = func(ctx context.Context) ([]engine.Watcher, error) {
			found, err := f.find(ctx)
			for i := range found {
				found[i].Interval = time.Hour
			}
			return found, err
		}
		e := hunting(t, f.generation(1))
		time.Sleep(8 * time.Second) // the first runs have been
		synctest.Wait()
		before := e.Board().Rev()
		time.Sleep(time.Minute)
		synctest.Wait()
		if rev := e.Board().Rev(); rev != before || f.calls.Load() < 6 {
			t.Errorf("after %d discoveries of the same the revision went from %d to %d, want it to stay", f.calls.Load(), before, rev)
		}
		if n, gone := f.let(); n != f.made-3 || len(gone) > 0 {
			t.Errorf("%d of %d watchers were let go of, %v as gone, want all but the first three, none", n, f.made, gone)
		}
	})
}

// A discovery that fails, or finds nobody, leaves the members alone, and says so.
func TestDiscoveryFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet("")
		f.is("", errors.New("api.lua:4: refused"))
		e := hunting(t, f.generation(1))
		wantFleet(t, e, "", "", "api.lua:4: refused")
		f.is("", nil)
		time.Sleep(2 * time.Second) // while there is nobody it is tried again sooner
		wantFleet(t, e, "", "no members found", "")
		f.is("a b", nil)
		time.Sleep(10 * time.Second)
		wantFleet(t, e, "a b", "", "")
		f.is("b", errors.New("api.lua:4: refused"))
		time.Sleep(10 * time.Second)
		wantFleet(t, e, "a b", "", "api.lua:4: refused; the last 2 members stay")
		f.is("", nil)
		time.Sleep(10 * time.Second)
		wantFleet(t, e, "a b", "", "fleet.lua:3: nobody was found; the last 2 members stay")
		if v := view(t, e, "fleet.a"); v.Stale(time.Now(), v.TTL) || v.Missed > 0 {
			t.Error("members do not run on")
		}
		f.is("a", nil)
		time.Sleep(10 * time.Second)
		wantFleet(t, e, "a", "", "")
	})
}

func TestDiscoveryLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet("a")
		f.Find = func(ctx context.Context) ([]engine.Watcher, error) {
			<-ctx.Done()
			time.Sleep(10 * time.Millisecond)
			return nil, ctx.Err()
		}
		e := hunting(t, f.generation(1))
		wantFleet(t, e, "", "looking for members", "")
		time.Sleep(10500 * time.Millisecond)
		wantFleet(t, e, "", "", "context deadline exceeded")
	})
}

// One that does not return, or panics, is its set's trouble and nobody else's.
func TestDiscoveryBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, release := newFleet("a"), make(chan struct{})
		find := f.Find
		f.Find = func(ctx context.Context) ([]engine.Watcher, error) {
			<-release
			return find(ctx)
		}
		e := hunting(t, f.generation(1, enginetest.Watcher("static", time.Second, f.check)))
		time.Sleep(15 * time.Second)
		wantFleet(t, e, "", "", "fleet.lua:3: the discovery did not return 1s after its timeout of 10s; the next waits until it does")
		close(release)
		wantFleet(t, e, "a", "", "")
		if v := view(t, e, "static"); v.Missed != 0 {
			t.Errorf("a static watcher missed %d ticks", v.Missed)
		}
		f = newFleet("")
		f.Find = func(context.Context) ([]engine.Watcher, error) { panic("oh") }
		e.Replace(f.generation(2))
		wantFleet(t, e, "a", "", "fleet.lua:3: the discovery panicked: oh; the last member stays")
	})
}

// Ids belong to who has them; what is beyond the limit is left out. Both are
// said, and the others run.
func TestDiscoveryRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet("a b a c d e")
		f.Limit = 3
		static := enginetest.Watcher("mine", time.Second, f.check)
		static.ID, static.Place = "fleet.b", engine.Place{File: "main.lua", Line: 7}
		e := hunting(t, f.generation(1, static))
		wantFleet(t, e, "a c d", "", `fleet.lua:11: cannot add "b": its id "fleet.b" is that of "mine" at main.lua:7; give one an id = of its own (and 2 more)`)
		f.is("a c d e f", nil)
		time.Sleep(10 * time.Second)
		wantFleet(t, e, "a c d", "", "fleet.lua:3: the limit is 3: 2 more that were found are left out")
		if n, gone := f.let(); n != f.made-3 || slices.Contains(gone, "b") {
			t.Errorf("%d of %d watchers were let go of, %v as gone, want all but three, and not b, whose id another has", n, f.made, gone)
		}
		f.is("f e d c a", nil) // who finds them in no order
		time.Sleep(10 * time.Second)
		wantFleet(t, e, "a c d", "", "fleet.lua:3: the limit is 3: 2 more that were found are left out")
		f.is("f e c a", nil)
		time.Sleep(10 * time.Second)
		wantFleet(t, e, "f a c", "", "fleet.lua:3: the limit is 3: 1 more that were found are left out")
		f.is("a c d e f", nil)
		time.Sleep(10 * time.Second)
		wantFleet(t, e, "f a c", "", "fleet.lua:3: the limit is 3: 2 more that were found are left out")
		static.ID = "fleet.c"
		e.Replace(f.generation(2, static)) // it has the id first, now
		wantFleet(t, e, "f a", "", "fleet.lua:3: the limit is 3: 2 more that were found are left out")
	})
}

// Over a reload that makes the discovery anew, the members it had stay and run
// until it has answered; then those found again go on.
func TestDiscoveryOverReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet("a b c")
		e := hunting(t, f.generation(1))
		time.Sleep(5 * time.Second)

		e.Replace(f.generation(2)) // of the same discovery: it goes on as well
		time.Sleep(4 * time.Second)
		if n := f.calls.Load(); n != 1 {
			t.Errorf("%d discoveries in 9 s, want 1", n)
		}
		next, answer := newFleet("a b"), make(chan struct{})
		find := next.Find
		next.Find = func(ctx context.Context) ([]engine.Watcher, error) {
			<-answer
			return find(ctx)
		}
		before := e.Board().Rev()
		e.Replace(next.generation(3))
		time.Sleep(5 * time.Second)
		wantFleet(t, e, "a b c", "", "")
		if u := e.Board().Changes(before); u.Layout {
			t.Error("the reload changed the layout")
		}
		if n, _ := f.let(); n != 0 {
			t.Errorf("%d of the old members were let go of before the new discovery answered", n)
		}
		close(answer)
		wantFleet(t, e, "a b", "", "")
		time.Sleep(5 * time.Second)
		if v := view(t, e, "fleet.a"); v.Runs < 18 || v.Missed != 0 || len(v.Transitions) != 1 {
			t.Errorf("a: %d runs, %d missed, %d transitions in 19 s, want one run a second, 0, 1", v.Runs, v.Missed, len(v.Transitions))
		}
		if n, gone := f.let(); n != 3 || !slices.Equal(gone, []string{"c"}) {
			t.Errorf("%d of the old ones were let go of, %v as gone, want 3, [c]", n, gone)
		}
		e.Replace(enginetest.Generation(4)) // no such set any more
		wantFleet(t, e, "no fleet", "", "")
		calls := next.calls.Load()
		time.Sleep(time.Minute)
		if n, gone := next.let(); len(gone) != 2 || n != next.made || next.calls.Load() != calls {
			t.Errorf("gone = %v, %d of %d released, %d more discoveries after the set went, want both, all, 0", gone, n, next.made, next.calls.Load()-calls)
		}
	})
}

// What was saved waits for members that are found late; and is forgotten when
// every set has found its members.
func TestDiscoveryRestores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet("")
		f.is("", errors.New("refused"))
		now := time.Now()
		saved := map[engine.ID]engine.Saved{}
		for _, id := range []engine.ID{"fleet.a", "fleet.old"} {
			saved[id] = engine.Saved{Status: engine.OK, Since: now.Add(-time.Hour), Ended: now}
		}
		e := serve(t, engine.Config{})
		e.Restore(saved)
		e.Replace(f.generation(1))
		time.Sleep(20 * time.Second)
		if got := e.Board().Save(); len(got) != 2 || !e.Board().Expects("fleet.a") {
			t.Errorf("saved before anybody was found: %v, want both still", got)
		}
		f.is("a", nil)
		time.Sleep(time.Minute)
		if v := view(t, e, "fleet.a"); !v.Since.Equal(now.Add(-time.Hour)) || !v.SinceApprox {
			t.Errorf("since = %v (approx %v), want that saved, approximately", v.Since, v.SinceApprox)
		}
		if got := e.Board().Save(); len(got) != 1 || e.Board().Expects("fleet.old") || !e.Board().Expects("fleet.a") {
			t.Errorf("saved after a discovery: %v, want fleet.a alone", got)
		}
	})
}

func TestDiscoverOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, broken := newFleet("a b"), newFleet("")
		broken.is("", errors.New("x.lua:1: no"))
		gen := f.generation(1, enginetest.Watcher("w", time.Second, f.check))
		gen.Sets = append(gen.Sets, engine.Set{Name: "other", Discover: &broken.Discovery})
		got, problems := engine.Discover(context.Background(), gen)
		var ids []string
		for _, set := range got.Sets {
			for _, w := range set.Watchers {
				ids = append(ids, string(w.ID))
			}
		}
		if !slices.Equal(ids, []string{"w", "fleet.a", "fleet.b"}) {
			t.Errorf("watchers = %v, want w and the fleet", ids)
		}
		want := engine.LoadError{File: "fleet.lua", Line: 3, Message: `set "other": x.lua:1: no`}
		if len(problems) != 1 || problems[0] != want {
			t.Errorf("problems = %+v, want %+v", problems, want)
		}
		if n, _ := f.let(); n != 0 {
			t.Errorf("%d watchers were let go of while they are in use", n)
		}
		got.Release()
		if n, gone := f.let(); n != f.made || len(gone) != 2 {
			t.Errorf("after Release %d of %d watchers were let go of, %v as gone, want all of them", n, f.made, gone)
		}
	})
}
