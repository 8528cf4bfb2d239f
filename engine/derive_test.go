package engine_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// A derived watcher runs when the status of a source changes, and not
// otherwise.
func TestDeriveRunsOnChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, watchers := worldOf("a b d<a,b e<d other")
		e := serve(t, engine.Config{}, watchers...)
		if v := view(t, e, "d"); v.Status != engine.Pending || v.Runs != 0 {
			t.Errorf("before any result: status, runs = %v, %d, want pending, 0", v.Status, v.Runs)
		}
		time.Sleep(time.Hour)
		d := view(t, e, "d")
		if d.Status != engine.OK || d.Runs != 1 || d.Missed != 0 || d.Late || !d.Next.IsZero() {
			t.Errorf("after an hour of nothing new: status, runs, missed, late, next = %v, %d, %d, %v, %v, want ok by one run, none missed or due",
				d.Status, d.Runs, d.Missed, d.Late, d.Next)
		}
		if d.Stale(time.Now(), d.TTL) {
			t.Error("stale while nothing changed")
		}
		w.set("other", engine.Critical)
		w.say("a", "another value") // which d does not read
		time.Sleep(time.Minute)
		if got := view(t, e, "d").Runs; got != 1 {
			t.Errorf("%d runs after changes that it is not derived from, want 1", got)
		}
		w.set("b", engine.Critical)
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		b, d, last := view(t, e, "b"), view(t, e, "d"), view(t, e, "e")
		if d.Status != engine.Critical || d.Result.Value != "1/2" || last.Status != engine.Critical {
			t.Errorf("status, value, derived of it = %v, %q, %v, want critical, 1/2, critical", d.Status, d.Result.Value, last.Status)
		}
		if late := d.Since.Sub(b.Since); late < 0 || late > 20*time.Millisecond {
			t.Errorf("it followed %v later, want within 20 ms", late)
		}
		if d.Runs != 2 || last.Runs != 2 {
			t.Errorf("runs = %d and %d, want 2 and 2", d.Runs, last.Runs)
		}
	})
}

// Whoever reads values is run when one changes.
func TestDeriveOfValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, watchers := worldOf("a b c d<a,b")
		w.say("a", "3")
		w.say("b", "4.5")
		watchers[3].Check = func(ctx context.Context) (engine.Result, error) {
			sum, n := engine.MembersOf(ctx).Sum()
			return engine.Result{Status: engine.OK, Value: fmt.Sprint(sum, " of ", n)}, nil
		}
		e := serve(t, engine.Config{}, watchers...)
		time.Sleep(time.Minute)
		if d := view(t, e, "d"); d.Result.Value != "7.5 of 2" || d.Runs != 1 {
			t.Errorf("value, runs = %q, %d, want 7.5 of 2, 1", d.Result.Value, d.Runs)
		}
		w.say("c", "5")
		w.say("b", "none")
		time.Sleep(2 * time.Second)
		if d := view(t, e, "d"); d.Result.Value != "3 of 1" || d.Runs != 2 {
			t.Errorf("value, runs = %q, %d, want 3 of 1, 2", d.Result.Value, d.Runs)
		}
	})
}

// However much changes, a derived watcher runs ten times a second.
func TestDeriveIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts enginetest.Starts
		var n atomic.Int64
		flicker := func(context.Context) (engine.Result, error) {
			return engine.Result{Status: []engine.Status{engine.OK, engine.Critical}[n.Add(1)/7%2]}, nil
		}
		watchers := enginetest.Watchers(40, 50*time.Millisecond, flicker)
		d := enginetest.Watcher("d", 0, starts.Check(worstOf))
		d.Derive = &engine.Derive{Of: []engine.Pattern{"w*"}}
		e := serve(t, engine.Config{}, append(watchers, d)...)
		time.Sleep(20 * time.Second)
		times := starts.Times()
		if len(times) < 190 || len(times) > 201 {
			t.Errorf("%d runs in 20 s of flicker, want about 200", len(times))
		}
		for i := 1; i < len(times); i++ {
			if gap := times[i].Sub(times[i-1]); gap < 100*time.Millisecond {
				t.Fatalf("run %d came %v after the one before, want 100 ms or more", i, gap)
			}
		}
		if v := view(t, e, "d"); v.Late || v.Missed != 0 {
			t.Errorf("late, missed = %v, %d, want false, 0", v.Late, v.Missed)
		}
	})
}

// A change while a derived watcher runs is not lost.
func TestDeriveSeesWhatChangedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, watchers := worldOf("a d<a")
		watchers[1].Timeout = time.Minute
		watchers[1].Check = func(ctx context.Context) (engine.Result, error) {
			r, err := worstOf(ctx)
			time.Sleep(10 * time.Second)
			return r, err
		}
		e := serve(t, engine.Config{}, watchers...)
		for !view(t, e, "d").Running {
			time.Sleep(100 * time.Millisecond)
		}
		w.set("a", engine.Critical)
		time.Sleep(22 * time.Second)
		if v := view(t, e, "d"); v.Status != engine.Critical || v.Runs != 2 || v.Late {
			t.Errorf("status, runs, late = %v, %d, %v, want critical, 2, false", v.Status, v.Runs, v.Late)
		}
	})
}

// It waits for the first results of its sources, but not for ever.
func TestDeriveWaitsForItsSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, watchers := worldOf("a b d<a,b")
		watchers[1].Interval, watchers[1].Timeout = time.Minute, time.Minute
		watchers[1].Check = enginetest.Slow(30 * time.Second)
		e := serve(t, engine.Config{}, watchers...)
		time.Sleep(9900 * time.Millisecond)
		if v := view(t, e, "d"); v.Status != engine.Pending {
			t.Errorf("after 9.9 s: status = %v, want pending", v.Status)
		}
		time.Sleep(200 * time.Millisecond)
		if v := view(t, e, "d"); v.Status != engine.OK || v.Result.Value != "1/2" {
			t.Errorf("after 10.1 s: status, value = %v, %q, want ok, 1/2", v.Status, v.Result.Value)
		}
		time.Sleep(40 * time.Second)
		if v := view(t, e, "d"); v.Result.Value != "2/2" {
			t.Errorf("after b's result: value = %q, want 2/2", v.Result.Value)
		}
	})
}

// Members may all be still to be found: nothing is said of none at first.
func TestDeriveWaitsForMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, watchers := worldOf("fleet-1 d<fleet*")
		e := serve(t, engine.Config{}, watchers[1])
		time.Sleep(5 * time.Second)
		if v := view(t, e, "d"); v.Status != engine.Pending {
			t.Errorf("without members: status = %v, want pending", v.Status)
		}
		e.Replace(enginetest.Generation(2, watchers...))
		time.Sleep(2 * time.Second)
		if v := view(t, e, "d"); v.Status != engine.OK || v.Result.Value != "1/1" {
			t.Errorf("with one: status, value = %v, %q, want ok, 1/1", v.Status, v.Result.Value)
		}
		last := serve(t, engine.Config{}, watchers[1])
		time.Sleep(11 * time.Second)
		if v := view(t, last, "d"); v.Result.Value != "none" {
			t.Errorf("without members for 11 s: value = %q, want none", v.Result.Value)
		}
	})
}

func TestDeriveOverReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, watchers := worldOf("a b c d<a,b")
		e := serve(t, engine.Config{}, watchers...)
		time.Sleep(10 * time.Second)
		for i := range 10 {
			e.Replace(enginetest.Generation(uint64(2+i), watchers...))
			time.Sleep(time.Second)
		}
		if v := view(t, e, "d"); v.Runs != 1 {
			t.Errorf("after equal reloads: %d runs, want 1", v.Runs)
		}
		w.set("c", engine.Critical)
		time.Sleep(2 * time.Second)
		watchers[3].Derive = &engine.Derive{Of: []engine.Pattern{"a", "c"}}
		watchers[3].Definition = "2"
		e.Replace(enginetest.Generation(20, watchers...))
		time.Sleep(100 * time.Millisecond)
		if v := view(t, e, "d"); v.Status != engine.Critical || v.Runs != 2 {
			t.Errorf("derived of others: status, runs = %v, %d, want critical, 2", v.Status, v.Runs)
		}
		// A source that goes, as one of a discovered set does.
		e.Replace(enginetest.Generation(21, watchers[0], watchers[1], watchers[3]))
		time.Sleep(100 * time.Millisecond)
		if v := view(t, e, "d"); v.Status != engine.OK || v.Result.Value != "1/1" {
			t.Errorf("without c: status, value = %v, %q, want ok, 1/1", v.Status, v.Result.Value)
		}
		e.Replace(enginetest.Generation(22, watchers...))
		time.Sleep(5 * time.Second) // c is new, and critical when it has run
		if v := view(t, e, "d"); v.Status != engine.Critical {
			t.Errorf("with c again: status = %v, want critical", v.Status)
		}
	})
}

// One that is edited before its first run goes on waiting for its members.
func TestDeriveEditedAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, watchers := worldOf("a d<a")
		watchers[0].Interval, watchers[0].Check = 10*time.Second, enginetest.Slow(3*time.Second)
		e := serve(t, engine.Config{}, watchers...)
		time.Sleep(100 * time.Millisecond)
		watchers[1].Definition = "2"
		e.Replace(enginetest.Generation(2, watchers...))
		time.Sleep(2 * time.Second)
		if n := len(w.starts["d"].Times()); n != 0 {
			t.Errorf("%d runs before the first result of its member, want 0", n)
		}
		time.Sleep(7 * time.Second)
		if v := view(t, e, "d"); v.Status != engine.OK || v.Runs != 1 {
			t.Errorf("after that: status, runs = %v, %d, want ok, 1", v.Status, v.Runs)
		}
	})
}

// A derived watcher that had to wait for its run is as true as any after it, and
// not late until something changes.
func TestDeriveIsNotLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, watchers := worldOf("a d<a")
		check := watchers[0].Check
		watchers[0].Interval = 10 * time.Second
		watchers[0].Check = func(ctx context.Context) (engine.Result, error) {
			time.Sleep(time.Second)
			return check(ctx)
		}
		long := enginetest.Watcher("long", time.Hour, enginetest.Always(engine.OK, ""))
		e := serve(t, engine.Config{MaxRunning: 1}, append(watchers, long)...)
		time.Sleep(30 * time.Second)
		waitRunning(t, e, "a")
		w.set("a", engine.Critical)
		long.Definition, long.Check = "2", enginetest.Slow(4*time.Second) // its turn comes before d's
		e.Replace(enginetest.Generation(2, append(watchers, long)...))
		time.Sleep(30 * time.Minute)
		if v := view(t, e, "d"); v.Status != engine.Critical || v.Late {
			t.Errorf("status, late = %v, %v, want critical, false", v.Status, v.Late)
		}
	})
}

// What was run by its interval may become derived, and the other way round.
func TestDeriveOverChangeOfKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, watchers := worldOf("a d<a")
		derived := watchers[1]
		timed := enginetest.Watcher("d", time.Second, enginetest.Always(engine.Warning, "timed"))
		timed.Definition = "2"
		e := serve(t, engine.Config{}, watchers[0], timed)
		for i := range 4 {
			time.Sleep(10 * time.Second)
			runs := view(t, e, "d").Runs
			d, want := derived, engine.OK
			if i%2 == 1 {
				d, want = timed, engine.Warning
			}
			e.Replace(enginetest.Generation(uint64(i+2), watchers[0], d))
			time.Sleep(10 * time.Second)
			v := view(t, e, "d")
			if more := v.Runs - runs; v.Status != want || more == 1 != (want == engine.OK) {
				t.Errorf("step %d: status %v by %d runs, want %v", i, v.Status, more, want)
			}
		}
		w.set("a", engine.Critical)
		time.Sleep(2 * time.Second)
		if v := view(t, e, "d"); v.Status != engine.Warning {
			t.Errorf("status = %v, want the interval's again", v.Status)
		}
	})
}

// A derived watcher's status is true until the process ends, and saved so.
func TestDeriveIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, watchers := worldOf("a d<a")
		e := serve(t, engine.Config{}, watchers...)
		time.Sleep(time.Hour)
		since, saved := view(t, e, "d").Since, e.Board().Save()
		next := serve(t, engine.Config{}, watchers...)
		next.Restore(saved)
		time.Sleep(5 * time.Second)
		if v := view(t, next, "d"); !v.Since.Equal(since) || v.SinceApprox {
			t.Errorf("since, approx = %v, %v, want %v, false", v.Since, v.SinceApprox, since)
		}
		time.Sleep(time.Minute)
		last := serve(t, engine.Config{}, watchers...)
		last.Restore(saved)
		time.Sleep(5 * time.Second)
		if v := view(t, last, "d"); !v.Since.Equal(since) || !v.SinceApprox {
			t.Errorf("after a minute: since, approx = %v, %v, want %v, true", v.Since, v.SinceApprox, since)
		}
	})
}

// Members that come have no result yet, which is no news: a derived watcher
// waits for their first ones, unless another member's status changes, and not
// for ever.
func TestDeriveWaitsForNewMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, watchers := worldOf("a1 a2 a3 a4 d<a*")
		var mu sync.Mutex
		var seen []string
		watchers[4].Check = func(ctx context.Context) (engine.Result, error) {
			r, err := worstOf(ctx)
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, r.Value)
			return r, err
		}
		slow := func(i int) {
			watchers[i].Interval, watchers[i].Timeout = time.Minute, time.Minute
			watchers[i].Check = enginetest.Slow(30 * time.Second)
		}
		look := func(when string, want ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(want, seen); diff != "" {
				t.Errorf("%s it saw (-want +got):\n%s", when, diff)
			}
		}
		e := serve(t, engine.Config{}, watchers[0], watchers[1], watchers[4])
		time.Sleep(5 * time.Second)
		look("of two", "2/2")
		e.Replace(enginetest.Generation(2, watchers[0], watchers[1], watchers[2], watchers[4]))
		time.Sleep(3 * time.Second)
		look("with a third", "2/2", "3/3")

		slow(3)
		e.Replace(enginetest.Generation(2, watchers...))
		time.Sleep(3 * time.Second)
		look("before the first result of a fourth", "2/2", "3/3")
		w.set("a1", engine.Critical)
		time.Sleep(2 * time.Second)
		look("with another in trouble meanwhile", "2/2", "3/3", "2/4")
		w.set("a1", engine.OK)
		time.Sleep(2 * time.Second)
		look("with that over", "2/2", "3/3", "2/4", "3/4")

		e.Replace(enginetest.Generation(2, watchers[0], watchers[1], watchers[3], watchers[4]))
		time.Sleep(200 * time.Millisecond)
		look("without the third, the fourth pending as before", "2/2", "3/3", "2/4", "3/4", "2/3")

		slow(2)
		e.Replace(enginetest.Generation(2, watchers[0], watchers[2], watchers[3], watchers[4]))
		time.Sleep(9 * time.Second)
		look("with one that came for another", "2/2", "3/3", "2/4", "3/4", "2/3")
		time.Sleep(2 * time.Second)
		look("when that took too long", "2/2", "3/3", "2/4", "3/4", "2/3", "1/3")
	})
}
