package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/enginetest"
)

func TestBoardKeepsSinceAndTrail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, engine.Config{}, enginetest.Watcher("w", time.Second,
			enginetest.Script(engine.OK, engine.OK, engine.Critical, engine.Critical, engine.Unknown, engine.OK)))
		added := time.Now()
		pending := view(t, e, "w")
		if pending.Status != engine.Pending || len(pending.Trail) != 0 || !pending.Since.Equal(added) {
			t.Errorf("before the first run: %+v, want pending since %v", pending.State, added)
		}
		time.Sleep(10 * time.Second)
		v := view(t, e, "w")
		first := v.Transitions[0].At
		want := []engine.Status{1, 1, 3, 3, 4, 1, 1, 1, 1, 1}
		if diff := cmp.Diff(want, v.Trail); diff != "" {
			t.Errorf("trail (-want +got):\n%s", diff)
		}
		var steps []string
		for _, tr := range v.Transitions {
			steps = append(steps, fmt.Sprintf("%v>%v@%v", tr.From, tr.To, tr.At.Sub(first)))
		}
		if diff := cmp.Diff([]string{"pending>ok@0s", "ok>critical@2s", "critical>unknown@4s", "unknown>ok@5s"}, steps); diff != "" {
			t.Errorf("transitions (-want +got):\n%s", diff)
		}
		if got := v.Since.Sub(first); got != 5*time.Second {
			t.Errorf("since = first + %v, want first + 5s", got)
		}
		if got := v.Ended.Sub(first); got != 9*time.Second || v.Runs != 10 {
			t.Errorf("ended = first + %v after %d runs, want first + 9s after 10", got, v.Runs)
		}
	})
}

func TestBoardForgetsTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		e := serve(t, engine.Config{}, enginetest.Watcher("w", time.Second, func(context.Context) (engine.Result, error) {
			n++
			return engine.Result{Status: engine.OK + engine.Status(n%2), Value: fmt.Sprint(n)}, nil
		}))
		time.Sleep(40 * time.Second)
		early := view(t, e, "w")
		kept := fmt.Sprint(early.Trail, early.Transitions)
		time.Sleep(460 * time.Second)
		v := view(t, e, "w")
		if len(v.Trail) != engine.TrailLength || len(v.Transitions) != engine.TransitionsKept {
			t.Errorf("%d in the trail, %d transitions, want %d, %d", len(v.Trail), len(v.Transitions), engine.TrailLength, engine.TransitionsKept)
		}
		if got := v.Transitions[engine.TransitionsKept-1].Value; got != "500" {
			t.Errorf("last transition's value = %s, want 500", got)
		}
		if got := fmt.Sprint(early.Trail, early.Transitions); got != kept {
			t.Errorf("a view handed out earlier changed:\n%s\nwas\n%s", got, kept)
		}
	})
}

func TestChangesGivesWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws := append(enginetest.Watchers(3, time.Hour, enginetest.Always(engine.OK, "")),
			enginetest.Watcher("fast", time.Second, enginetest.Script(engine.OK, engine.Warning)))
		e := serve(t, engine.Config{}, ws...)
		b := e.Board()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		all := b.Changes(0)
		if len(all.Views) != 4 || !all.Layout || !all.Config {
			t.Errorf("Changes(0): %d views, layout %v, config %v, want 4, true, true", len(all.Views), all.Layout, all.Config)
		}
		for i := 1; i < len(all.Views); i++ {
			if all.Views[i-1].Rev >= all.Views[i].Rev {
				t.Errorf("Changes(0): rev %d before %d, want them rising", all.Views[i-1].Rev, all.Views[i].Rev)
			}
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		u := b.Changes(all.Rev)
		if len(u.Views) != 1 || u.Views[0].ID != "fast" || u.Layout || u.Config || u.Views[0].Rev != u.Rev {
			t.Errorf("Changes(%d) = %+v, want the latest of fast only", all.Rev, u)
		}
		if got := b.Changes(u.Rev); len(got.Views) != 0 || got.Rev != u.Rev || got.Layout {
			t.Errorf("Changes(%d) = %+v, want nothing", u.Rev, got)
		}
		if got := b.Changes(u.Rev + 1000); !got.Layout {
			t.Errorf("Changes of a rev not reached: layout = false, want true")
		}
	})
}

// A reader that applies updates ends with what a snapshot says, whatever
// happens meanwhile.
func TestUpdatesAddUpToTheSnapshot(t *testing.T) {
	n := 0
	check := func(context.Context) (engine.Result, error) {
		n++
		return engine.Result{Status: engine.OK + engine.Status(n/7%4), Value: fmt.Sprint(n)}, nil
	}
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		locked := func(ctx context.Context) (engine.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			return check(ctx)
		}
		e := serve(t, engine.Config{}, enginetest.Watchers(40, 300*time.Millisecond, locked)...)
		seen := map[engine.ID]engine.View{}
		var rev uint64
		apply := func() {
			u := e.Board().Changes(rev)
			if u.Layout {
				clear(seen)
				s := e.Board().Snapshot()
				for _, set := range s.Sets {
					for _, v := range set.Watchers {
						seen[v.ID] = v
					}
				}
				rev = s.Rev
				return
			}
			for _, v := range u.Views {
				seen[v.ID] = v
			}
			rev = u.Rev
		}
		for i := range 60 {
			time.Sleep(97 * time.Millisecond)
			if i%20 == 19 {
				e.Replace(enginetest.Generation(uint64(i), enginetest.Watchers(40-i/2, 300*time.Millisecond, locked)...))
			}
			apply()
		}
		synctest.Wait()
		apply()
		want := map[engine.ID]engine.View{}
		for _, v := range e.Board().Snapshot().Sets[0].Watchers {
			want[v.ID] = v
		}
		for id, w := range want {
			got := seen[id]
			if got.Rev != w.Rev || got.Status != w.Status || got.Result.Value != w.Result.Value || len(got.Trail) != len(w.Trail) {
				t.Errorf("%s: by updates %+v, by snapshot %+v", id, got.State, w.State)
			}
		}
		if len(seen) != len(want) {
			t.Errorf("%d watchers by updates, want %d", len(seen), len(want))
		}
	})
}

func TestSnapshotKeepsTheOrder(t *testing.T) {
	ok := enginetest.Always(engine.OK, "")
	e := engine.New(engine.Config{})
	e.Replace(&engine.Generation{Number: 3, PageTag: "Keeps watch...", Sets: []engine.Set{
		{Watchers: []engine.Watcher{enginetest.Watcher("z", time.Second, ok), enginetest.Watcher("a", time.Second, ok)}},
		{Name: "empty"},
		{Name: "Web", Watchers: []engine.Watcher{enginetest.Watcher("page", time.Second, ok)}},
	}})
	s := e.Board().Snapshot()
	var got []string
	for _, set := range s.Sets {
		for _, v := range set.Watchers {
			got = append(got, v.Set+"/"+v.Name)
		}
	}
	if diff := cmp.Diff([]string{"/z", "/a", "Web/page"}, got); diff != "" {
		t.Errorf("watchers (-want +got):\n%s", diff)
	}
	if s.PageTag != "Keeps watch..." || s.Config.Generation != 3 || s.Rev != e.Board().Rev() || len(s.Sets) != 3 {
		t.Errorf("Snapshot() = %+v, want page tag, generation 3, 3 sets", s)
	}
}

func TestTransitionsAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var seen transitions
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: withoutTime}))
		i := 0
		results := []engine.Result{
			{Status: engine.OK},
			{Status: engine.Critical, Value: "1.3", Unit: "s", Detail: "two\nlines"},
			{Status: engine.Critical, Value: "1.4"},
			{Status: engine.OK, Value: "0.2"},
		}
		serve(t, engine.Config{Logger: logger, Observer: &seen}, enginetest.Watcher("w", time.Second, func(context.Context) (engine.Result, error) {
			i++
			return results[min(i, len(results))-1], nil
		}))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		want := `level=WARN msg="status changed" id=w from=ok to=critical value="1.3 s" detail="two lines"
level=WARN msg="status changed" id=w from=critical to=ok value=0.2 detail=""
`
		if diff := cmp.Diff(want, log.String()); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
		if len(seen.all) != 3 || seen.all[1].Detail != "two lines" || seen.all[1].Name != "w" {
			t.Errorf("observer saw %+v, want three transitions", seen.all)
		}
	})
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

type transitions struct{ all []engine.Transition }

func (t *transitions) Transition(tr engine.Transition) { t.all = append(t.all, tr) }

func TestBoardBoundsEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := strings.Repeat("größer ", 4000) + "\xff"
		e := serve(t, engine.Config{}, enginetest.Watcher("w", time.Second, func(context.Context) (engine.Result, error) {
			return engine.Result{Status: engine.OK, Value: long, Detail: long, Output: long, Log: []string{long, "last"}}, nil
		}))
		time.Sleep(2 * time.Second)
		r := view(t, e, "w").Result
		if got := len(r.Value) + len(r.Detail) + len(r.Output) + len(strings.Join(r.Log, "")); got > engine.EvidenceMaxBytes {
			t.Errorf("%d bytes kept, want at most %d", got, engine.EvidenceMaxBytes)
		}
		if r.Log[len(r.Log)-1] != "last" || r.Output == "" {
			t.Errorf("log = %q, output of %d bytes, want the last line and some output", r.Log, len(r.Output))
		}
	})
}
