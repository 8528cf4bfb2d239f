package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// statusesOf reads one letter a run.
func statusesOf(letters string) []engine.Status {
	var statuses []engine.Status
	for _, letter := range []byte(letters) {
		i := slices.IndexFunc(engine.Statuses(), func(s engine.Status) bool { return s.Letter() == letter })
		statuses = append(statuses, engine.Statuses()[i])
	}
	return statuses
}

// observed runs a watcher through the runs and gives a letter for each status
// that was shown after one, and what was being confirmed then.
func observed(t *testing.T, confirm engine.Confirm, runs string) (shown string, confirming []string, last engine.View) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := enginetest.Watcher("w", time.Second, enginetest.Script(statusesOf(runs)...))
		w.Confirm = confirm
		e := serve(t, engine.Config{}, w)
		time.Sleep(time.Until(view(t, e, "w").Next))
		for range runs {
			last = view(t, e, "w")
			shown += string(last.Status.Letter())
			c := last.Confirming
			if c.Needed > 0 {
				confirming = append(confirming, fmt.Sprintf("%v %d/%d", c.Status, c.Seen, c.Needed))
			}
			time.Sleep(time.Second)
		}
	})
	return shown, confirming, last
}

func TestConfirm(t *testing.T) {
	tests := []struct {
		confirm     engine.Confirm
		runs, shown string
		confirming  string
	}{
		{engine.Confirm{}, "ococ", "ococ", ""},
		{engine.Confirm{Seen: 1, Of: 3}, "ocoow", "ocoow", ""},
		{engine.Confirm{Seen: 2}, "ocoo", "oooo", "critical 1/2"},
		{engine.Confirm{Seen: 2}, "occooo", "oocco" + "o", "critical 1/2, ok 1/2"},
		{engine.Confirm{Seen: 3}, "coocooo", "cccccco", "ok 1/3, ok 2/3, ok 1/3, ok 2/3"},
		{engine.Confirm{Seen: 2, Of: 3}, "ococ", "oooc", "critical 1/2"},
		{engine.Confirm{Seen: 2, Of: 3}, "ocooc", "ooooo", "critical 1/2, critical 1/2"},
		// Going back must be seen as often: runs before the change do not count.
		{engine.Confirm{Seen: 2, Of: 5}, "ocoocoo", "oooocco", "critical 1/2, ok 1/2"},
		// Whatever is not as it was counts, and the milder of what was seen shows first.
		{engine.Confirm{Seen: 2}, "owcwcc", "oowwwc", "warning 1/2, critical 1/2, critical 1/2"},
		{engine.Confirm{Seen: 3}, "owccc", "ooowc", "warning 1/3, critical 2/3, critical 2/3"},
		{engine.Confirm{Seen: 2}, "cwoo", "ccwo", "warning 1/2, ok 1/2"},
		{engine.Confirm{Seen: 2}, "uocu", "uuuu", "ok 1/2, critical 1/2"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.confirm, test.runs), func(t *testing.T) {
			shown, confirming, last := observed(t, test.confirm, test.runs)
			if shown != test.shown {
				t.Errorf("runs %s show %s, want %s", test.runs, shown, test.shown)
			}
			if got := strings.Join(confirming, ", "); got != test.confirming {
				t.Errorf("runs %s are confirming %q, want %q", test.runs, got, test.confirming)
			}
			if diff := cmp.Diff(statusesOf(test.runs), last.Trail); diff != "" {
				t.Errorf("trail (-every run +got):\n%s", diff)
			}
		})
	}
}

// Since and transitions are of what is shown; the flicker is of every run.
func TestConfirmKeepsTheFlicker(t *testing.T) {
	_, _, v := observed(t, engine.Confirm{Seen: 2}, "ocoocc")
	var shown, flicker []string
	for _, tr := range v.Transitions {
		shown = append(shown, fmt.Sprint(tr.From, tr.To))
	}
	for f := range v.Flicker() {
		flicker = append(flicker, fmt.Sprint(f.From, f.To))
	}
	if diff := cmp.Diff([]string{"pending ok", "ok critical"}, shown); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ok critical", "critical ok", "ok critical"}, flicker); diff != "" {
		t.Errorf("flicker, newest first (-want +got):\n%s", diff)
	}
	if v.Since != v.Ended {
		t.Errorf("since = %v, want %v: when it was confirmed", v.Since, v.Ended)
	}
	_, _, v = observed(t, engine.Confirm{}, "oco")
	flicker = nil
	for f := range v.Flicker() {
		flicker = append(flicker, fmt.Sprint(f.From, f.To))
	}
	if diff := cmp.Diff([]string{"critical ok", "ok critical", "pending ok"}, flicker); diff != "" {
		t.Errorf("flicker of what is not confirmed, newest first (-want +got):\n%s", diff)
	}
}

// A reload keeps what was seen, and forgets what was being confirmed if it asks
// for something else.
func TestConfirmOverReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enginetest.Watcher("w", time.Second, enginetest.Script(statusesOf("occ")...))
		w.Confirm = engine.Confirm{Seen: 3}
		e := serve(t, engine.Config{}, w)
		time.Sleep(time.Until(view(t, e, "w").Next) + 1500*time.Millisecond)
		if v := view(t, e, "w"); v.Status != engine.OK || v.Confirming.Seen != 1 {
			t.Fatalf("status, confirming = %v, %+v, want ok and 1 of 3", v.Status, v.Confirming)
		}
		e.Replace(enginetest.Generation(2, w))
		time.Sleep(time.Second)
		if v := view(t, e, "w"); v.Confirming.Seen != 2 {
			t.Errorf("after an equal reload: confirming = %+v, want 2 of 3", v.Confirming)
		}
		w.Confirm, w.Definition = engine.Confirm{}, "2"
		e.Replace(enginetest.Generation(3, w))
		if v := view(t, e, "w"); v.Status != engine.Critical || v.Confirming.Needed != 0 || len(v.Transitions) != 2 {
			t.Errorf("after a reload without confirm: status, confirming = %v, %+v, want critical by the run at once", v.Status, v.Confirming)
		}
	})
}

// That a source ended is not held back: while it connects again nothing comes
// that could confirm it, and the tile would stay green.
func TestConfirmOfASource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, cut, back := make(chan engine.Result), make(chan struct{}), make(chan struct{})
		first := true
		source := func(ctx context.Context, report func(engine.Result)) error {
			if !first {
				<-back
			}
			first = false
			report(engine.Result{Detail: "connected"})
			for {
				select {
				case r := <-events:
					report(r)
				case <-cut:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		w := enginetest.Fed("w", source)
		w.Confirm = engine.Confirm{Seen: 2}
		e := serve(t, engine.Config{}, w)
		look := func(when string, want engine.Status, confirming int) {
			t.Helper()
			time.Sleep(5 * time.Second)
			if v := view(t, e, "w"); v.Status != want || v.Confirming.Seen != confirming {
				t.Errorf("%s: status, confirming = %v, %+v, want %v, %d", when, v.Status, v.Confirming, want, confirming)
			}
		}
		events <- engine.Result{Status: engine.OK}
		look("at first", engine.OK, 0)
		events <- engine.Result{Status: engine.Critical}
		look("one bad event", engine.OK, 1)
		events <- engine.Result{Status: engine.OK}
		look("a good one", engine.OK, 0)
		cut <- struct{}{}
		look("cut off", engine.Unknown, 0)
		back <- struct{}{}
		look("back", engine.OK, 0)
		events <- engine.Result{Status: engine.Critical}
		look("one bad event again", engine.OK, 1)
	})
}

func TestConfirmedStatusIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enginetest.Watcher("w", time.Second, enginetest.Script(statusesOf("oc")...))
		w.Confirm = engine.Confirm{Seen: 60}
		e := serve(t, engine.Config{}, w)
		time.Sleep(10 * time.Second)
		if got := e.Board().Save()["w"]; got.Status != engine.OK {
			t.Errorf("Save() = %v, want ok: what is shown", got.Status)
		}
	})
}

// What was seen of the watcher that it was before an edit confirms nothing of what
// it is now, and holds nothing of it back.
func TestConfirmOfWhatWasEdited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enginetest.Watcher("w", time.Minute, enginetest.Script(statusesOf("oc")...))
		w.Confirm = engine.Confirm{Seen: 3}
		e := serve(t, engine.Config{}, w)
		edit := func(definition, runs string) {
			w.Definition, w.Check = definition, enginetest.Script(statusesOf(runs)...)
			e.Replace(enginetest.Generation(2, w))
			time.Sleep(10 * time.Second)
		}
		look := func(when string, want engine.Status, confirming int) {
			t.Helper()
			if v := view(t, e, "w"); v.Status != want || v.Confirming.Seen != confirming {
				t.Errorf("%s: status, confirming = %v, %+v, want %v, %d", when, v.Status, v.Confirming, want, confirming)
			}
		}
		next := func() { time.Sleep(time.Until(view(t, e, "w").Next) + time.Second) }
		next()
		next()
		look("seen once", engine.OK, 1)
		edit("2", "cooco")
		look("edited and broken", engine.Critical, 0)
		next()
		look("well once", engine.Critical, 1)
		edit("3", "oc")
		look("edited and mended", engine.OK, 0)
		next()
		look("seen once", engine.OK, 1)
	})
}
