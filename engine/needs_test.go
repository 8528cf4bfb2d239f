package engine_test

import (
	"bytes"
	"context"
	"errors"
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

// A world is the statuses that watchers have, set by the test.
type world struct {
	mu       sync.Mutex
	statuses map[string]engine.Status
	values   map[string]string
	starts   map[string]*enginetest.Starts
}

func (w *world) set(name string, s engine.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.statuses[name] = s
}

func (w *world) say(name, value string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.values[name] = value
}

func (w *world) check(name string) engine.Check {
	w.starts[name] = &enginetest.Starts{}
	return w.starts[name].Check(func(context.Context) (engine.Result, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return engine.Result{Status: max(w.statuses[name], engine.OK), Value: w.values[name]}, nil
	})
}

// worldOf gives the watchers of leaning, whose derived ones show the worst of
// what they are derived from and the others what the world says, each second.
func worldOf(text string) (*world, []engine.Watcher) {
	w := &world{statuses: map[string]engine.Status{}, values: map[string]string{}, starts: map[string]*enginetest.Starts{}}
	watchers := leaning(text).Sets[0].Watchers
	for i := range watchers {
		watcher := &watchers[i]
		watcher.Interval = time.Second
		watcher.Check = w.check(watcher.Name)
		if watcher.Derive != nil {
			watcher.Check = w.starts[watcher.Name].Check(worstOf)
		}
	}
	return w, watchers
}

func worstOf(ctx context.Context) (engine.Result, error) {
	sources := engine.MembersOf(ctx)
	worst, ok := sources.Worst()
	if !ok {
		return engine.Result{Status: engine.Unknown, Value: "none"}, nil
	}
	return engine.Result{Status: worst.Status, Value: fmt.Sprint(sources.Count(engine.OK), "/", sources.Total())}, nil
}

// shadows lists who is in whose shadow.
func shadows(e *engine.Engine) string {
	synctest.Wait()
	var all []string
	for _, set := range e.Board().Snapshot().Sets {
		for _, v := range set.Watchers {
			if v.Shadow != "" {
				all = append(all, fmt.Sprintf("%s<%s", v.ID, v.Shadow))
			}
		}
	}
	return strings.Join(all, " ")
}

func TestNeeds(t *testing.T) {
	const ok, warning, critical, unknown = engine.OK, engine.Warning, engine.Critical, engine.Unknown
	type statuses map[string]engine.Status
	tests := []struct {
		watchers string
		statuses statuses
		want     string
	}{
		{"wan a!wan b", statuses{}, ""},
		{"wan a!wan b", statuses{"wan": critical}, "a<wan"},
		{"wan a!wan b", statuses{"wan": unknown, "a": critical, "b": critical}, "a<wan"},
		{"wan a!wan", statuses{"wan": warning, "a": critical}, ""},
		{"wan a!wan", statuses{"a": critical}, ""},
		// The one named is where it began.
		{"c!b b!a a", statuses{"a": critical}, "c<a b<a"},
		{"c!b b!a a", statuses{"a": critical, "b": critical}, "c<a b<a"},
		{"c!b b!a a", statuses{"b": critical}, "c<b"},
		{"x!a,b a b", statuses{"b": critical}, "x<b"},
		{"x!a,b a b", statuses{"a": critical, "b": critical}, "x<a"},
		{"x!core* core1 core2", statuses{"core2": unknown}, "x<core2"},
		{"core1!core* core2", statuses{"core2": unknown}, "core1<core2"},
		// What is derived from what is in the shadow alone is there too.
		{"wan a!wan b!wan d<a,b", statuses{"wan": critical, "a": critical}, "a<wan b<wan d<wan"},
		{"wan a!wan b!wan d<a,b", statuses{"wan": critical}, "a<wan b<wan"},
		{"wan a!wan b d<a,b", statuses{"wan": critical, "a": critical, "b": warning}, "a<wan"},
		{"wan a!wan d<a e<d x!e", statuses{"wan": critical, "a": critical}, "a<wan d<wan e<wan x<wan"},
		{"d<a x!d a", statuses{"a": critical}, "x<d"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.watchers, test.statuses), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, watchers := worldOf(test.watchers)
				e := serve(t, engine.Config{}, watchers...)
				time.Sleep(5 * time.Second)
				for name, status := range test.statuses {
					w.set(name, status)
				}
				time.Sleep(5 * time.Second)
				if got := shadows(e); got != test.want {
					t.Errorf("in the shadow: %q, want %q", got, test.want)
				}
				e.Replace(enginetest.Generation(2, watchers...))
				if got := shadows(e); got != test.want {
					t.Errorf("after a reload in the shadow: %q, want %q", got, test.want)
				}
				since := e.Board().Rev()
				for name := range test.statuses {
					w.set(name, ok)
				}
				time.Sleep(5 * time.Second)
				if got := shadows(e); got != "" {
					t.Errorf("when all is well again in the shadow: %q, want none", got)
				}
				for _, v := range e.Board().Changes(since).Views {
					if v.Shadow != "" {
						t.Errorf("Changes() shows %s in the shadow of %s, want it out of it", v.ID, v.Shadow)
					}
				}
			})
		})
	}
}

// What is in the shadow runs on, and is no problem; its transitions are no
// warnings in the log.
func TestShadowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w, watchers := worldOf("wan a!wan")
		e := serve(t, engine.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))}, watchers...)
		time.Sleep(5 * time.Second)
		w.set("wan", engine.Critical)
		time.Sleep(3 * time.Second)
		runs, rev := view(t, e, "a").Runs, e.Board().Rev()
		w.set("a", engine.Critical)
		time.Sleep(3 * time.Second)
		v := view(t, e, "a")
		if v.Status != engine.Critical || v.Problem() || v.Runs != runs+3 || v.Rev <= rev {
			t.Errorf("status, problem, runs = %v, %v, %d, want critical, no problem, %d", v.Status, v.Problem(), v.Runs, runs+3)
		}
		if last := v.Transitions[len(v.Transitions)-1]; last.Shadow != "wan" {
			t.Errorf("transition in the shadow of %q, want wan", last.Shadow)
		}
		if strings.Contains(log.String(), "id=a ") || !strings.Contains(log.String(), "id=wan ") {
			t.Errorf("warnings in the log:\n%swant one of wan and none of a", &log)
		}
		w.set("wan", engine.OK)
		time.Sleep(2 * time.Second)
		if v := view(t, e, "a"); !v.Problem() {
			t.Errorf("a is no problem when wan is well again, want it to be one")
		}
	})
}

// Members go into the shadow of one of them, and leave it: what is derived from
// them all stands where it was, and the log speaks of the member alone that is no
// longer in the shadow but in trouble. One that is well changes nothing of that.
func TestShadowOfMembersAndTheirNeed(t *testing.T) {
	for order, bad := range map[string]string{
		"a b!a d<a,b": "b", "b!a a d<b,a": "b",
		"a b!a c!a d<a,b,c": "c", "c!a b!a a d<a,b,c": "c",
	} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			w, watchers := worldOf(order)
			e := serve(t, engine.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, watchers...)
			time.Sleep(5 * time.Second)
			for _, a := range []engine.Status{engine.OK, engine.Critical, engine.OK} {
				w.set("a", a)
				w.set(bad, engine.Critical)
				time.Sleep(5 * time.Second)
			}
			if got := shadows(e); got != "" {
				t.Errorf("%s: in the shadow at last: %q, want none", order, got)
			}
			if text := log.String(); strings.Count(text, "out of the shadow") != 1 || !strings.Contains(text, `"out of the shadow" id=`+bad) {
				t.Errorf("%s: want %s alone out of the shadow, once; the log is\n%s", order, bad, text)
			}
		})
	}
}

// Whose shadow it is may change, and what is derived from it follows.
func TestShadowPassesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, watchers := worldOf("a1 a2 b!a1,a2 d<b e!d")
		e := serve(t, engine.Config{}, watchers...)
		time.Sleep(5 * time.Second)
		for _, name := range []string{"a1", "a2", "b"} {
			w.set(name, engine.Critical)
			time.Sleep(2 * time.Second)
		}
		if got, want := shadows(e), "b<a1 d<a1 e<a1"; got != want {
			t.Errorf("in the shadow: %q, want %q", got, want)
		}
		w.set("a1", engine.OK)
		time.Sleep(2 * time.Second)
		if got, want := shadows(e), "b<a2 d<a2 e<a2"; got != want {
			t.Errorf("with a1 well again in the shadow: %q, want %q", got, want)
		}
	})
}

// A status that is not confirmed casts no shadow.
func TestNeedsConfirmedParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, watchers := worldOf("wan a!wan")
		watchers[0].Confirm = engine.Confirm{Seen: 3}
		e := serve(t, engine.Config{}, watchers...)
		time.Sleep(time.Until(view(t, e, "wan").Next) + 500*time.Millisecond)
		w.set("wan", engine.Critical)
		var seen []string
		for range 4 {
			time.Sleep(time.Second)
			seen = append(seen, shadows(e))
		}
		if diff := cmp.Diff([]string{"", "", "a<wan", "a<wan"}, seen); diff != "" {
			t.Errorf("in the shadow, second by second (-want +got):\n%s", diff)
		}
	})
}

// A reload that takes the need, or who was needed, away lets go of it.
func TestNeedsOverReload(t *testing.T) {
	for _, after := range []string{"wan a", "a!wan", "wan a!b b"} {
		synctest.Test(t, func(t *testing.T) {
			w, watchers := worldOf("wan a!wan")
			e := serve(t, engine.Config{}, watchers...)
			w.set("wan", engine.Critical)
			time.Sleep(5 * time.Second)
			if got := shadows(e); got != "a<wan" {
				t.Fatalf("in the shadow: %q, want a<wan", got)
			}
			e.Replace(leaning(after))
			if got := shadows(e); got != "" {
				t.Errorf("after a reload to %q in the shadow: %q, want none", after, got)
			}
			e.Replace(enginetest.Generation(3, watchers...))
			if got, want := shadows(e), map[bool]string{true: "a<wan"}[strings.HasPrefix(after, "wan")]; got != want {
				t.Errorf("after a reload back in the shadow: %q, want %q", got, want)
			}
		})
	}
}

// Trouble that came out of the shadow is told once its watcher has looked again,
// where that is about to happen: a verdict on what it was before is none of it.
func TestSurfacedIsLookedAtFirst(t *testing.T) {
	const critical = engine.Critical
	type statuses map[string]engine.Status
	tests := []struct {
		name, before, after string
		of                  string   // that is asked about
		bad                 statuses // before
		then                statuses // after
		want                string   // what the log warns of it
	}{
		{"edited, well", "wan a!wan", "wan a", "a", statuses{"wan": critical, "a": critical}, statuses{"wan": critical}, "status changed"},
		{"edited, as before", "wan a!wan", "wan a", "a", statuses{"wan": critical, "a": critical}, statuses{"wan": critical, "a": critical}, "out of the shadow"},
		{"edited with its parent", "wan a!wan", "wan a!b b", "a", statuses{"wan": critical, "a": critical}, statuses{"wan": critical}, "status changed"},
		{"derived from others", "wan a!wan b d<a", "wan a!wan b d<b", "d", statuses{"wan": critical, "a": critical}, statuses{"wan": critical, "a": critical}, "status changed"},
		{"derived from who recovered", "wan a!wan d<a", "", "d", statuses{"wan": critical, "a": critical}, statuses{"wan": critical}, "status changed"},
		{"derived from who surfaced", "wan a!wan d<a", "", "d", statuses{"wan": critical, "a": critical}, statuses{"a": critical}, "out of the shadow"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				w, watchers := worldOf(test.before)
				for _, watcher := range watchers { // so that it is in the shadow from the first on
					w.set(watcher.Name, max(test.bad[watcher.Name], engine.OK))
				}
				e := serve(t, engine.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))}, watchers...)
				time.Sleep(5 * time.Second)
				if got := shadows(e); !strings.Contains(got, test.of+"<wan") {
					t.Fatalf("in the shadow: %q, want %s<wan too", got, test.of)
				}
				log.Reset()
				if test.after == "" {
					for _, watcher := range watchers {
						w.set(watcher.Name, max(test.then[watcher.Name], engine.OK))
					}
				} else {
					next, edited := worldOf(test.after)
					for name, status := range test.then {
						next.set(name, status)
					}
					for i := range edited {
						if edited[i].Name == test.of {
							edited[i].Definition = "2"
						}
					}
					e.Replace(enginetest.Generation(2, edited...))
				}
				time.Sleep(5 * time.Second)
				synctest.Wait()
				if warned := messages(log.String(), "id="+test.of+" "); warned != test.want {
					t.Errorf("warned of %s: %q, want %q; the log is\n%s", test.of, warned, test.want, &log)
				}
			})
		})
	}
}

// At a start nobody knows yet whose the trouble is. A child's waits in the
// shadow for the end of its parent's first run, and no longer.
func TestNeedsAtTheStart(t *testing.T) {
	hanging := func(ctx context.Context) (engine.Result, error) {
		<-ctx.Done()
		return engine.Result{}, ctx.Err()
	}
	after := func(d time.Duration, s engine.Status) engine.Check {
		return func(context.Context) (engine.Result, error) {
			time.Sleep(d)
			return engine.Result{Status: s}, nil
		}
	}
	quiet := func(ctx context.Context, _ func(engine.Result)) error {
		<-ctx.Done()
		return ctx.Err()
	}
	tests := []struct {
		name   string
		parent func(*engine.Watcher)
		early  bool   // the child is a problem while the parent's first run goes on
		late   string // whose shadow it is in after that
		log    string // what warns of the child
	}{
		{"in trouble", func(w *engine.Watcher) { w.Check = after(2*time.Second, engine.Critical) }, false, "a<wan", ""},
		{"hanging", func(w *engine.Watcher) { w.Check = hanging }, false, "a<wan", ""},
		{"well", func(w *engine.Watcher) { w.Check = after(2*time.Second, engine.OK) }, false, "", "out of the shadow"},
		{"without a verdict", func(w *engine.Watcher) { w.Check = after(2*time.Second, engine.Pending) }, false, "", "out of the shadow"},
		{"told by events", func(w *engine.Watcher) { w.Check, w.Source = nil, quiet }, true, "", "status changed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				w, watchers := worldOf("wan a!wan")
				w.set("a", engine.Critical)
				watchers[0].Interval, watchers[0].Timeout = 10*time.Second, 3*time.Second
				test.parent(&watchers[0])
				e := serve(t, engine.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))}, watchers...)
				var early bool
				for range 150 { // it begins within 5 s, and its first run takes 2 s
					time.Sleep(10 * time.Millisecond)
					v := view(t, e, "a")
					early = early || v.Problem()
				}
				if v := view(t, e, "a"); v.Status != engine.Critical || early != test.early {
					t.Errorf("before the parent's first result: a is %v, was a problem = %v, want critical, %v", v.Status, early, test.early)
				}
				time.Sleep(8 * time.Second)
				if got := shadows(e); got != test.late {
					t.Errorf("after the parent's first run in the shadow: %q, want %q", got, test.late)
				}
				if warned := messages(log.String(), "id=a "); warned != test.log {
					t.Errorf("warned of a: %q, want %q", warned, test.log)
				}
			})
		})
	}
}

// A parent that is to be set by events before its first run has ended explains
// nothing: its first event may never come.
func TestNeedsOfWhatBecomesASource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, watchers := worldOf("wan a!wan")
		w.set("a", engine.Critical)
		watchers[0].Interval, watchers[0].Check = time.Minute, enginetest.Slow(50*time.Second)
		e := serve(t, engine.Config{}, watchers...)
		time.Sleep(8 * time.Second)
		if got := shadows(e); got != "a<wan" {
			t.Fatalf("before the parent's first result in the shadow: %q, want a<wan", got)
		}
		watchers[0] = enginetest.Fed("wan", enginetest.Events(make(chan engine.Result)))
		e.Replace(enginetest.Generation(2, watchers...))
		if got := shadows(e); got != "" {
			t.Errorf("with a parent that is set by events in the shadow: %q, want none", got)
		}
	})
}

// A source that comes back without a verdict explains nothing any more: that is
// told at once, though it is no transition.
func TestSurfacedByASource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w, watchers := worldOf("wan a!wan")
		w.set("a", engine.Critical)
		watchers[1].Interval = time.Hour
		calls := 0
		watchers[0] = enginetest.Fed("wan", func(ctx context.Context, report func(engine.Result)) error {
			if calls++; calls == 1 {
				time.Sleep(10 * time.Second)
				return errors.New("broken")
			}
			report(engine.Result{Detail: "open"})
			<-ctx.Done()
			return ctx.Err()
		})
		e := serve(t, engine.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, watchers...)
		time.Sleep(10*time.Second + time.Millisecond)
		if got := shadows(e); got != "a<wan" {
			t.Errorf("while the source is down in the shadow: %q, want a<wan", got)
		}
		time.Sleep(3 * time.Second) // it is called again, and has to hold
		synctest.Wait()
		if warned, got := messages(log.String(), "id=a "), shadows(e); got != "" || !strings.HasSuffix(warned, "out of the shadow") {
			t.Errorf("in the shadow %q, told of a %q; want none, and that it is out of it", got, warned)
		}
	})
}

// messages gives the messages of the lines of a log that contain what.
func messages(log, what string) string {
	var all []string
	for line := range strings.Lines(log) {
		if strings.Contains(line, what) {
			_, line, _ = strings.Cut(line, `msg="`)
			line, _, _ = strings.Cut(line, `"`)
			all = append(all, line)
		}
	}
	return strings.Join(all, ", ")
}
