package engine_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/enginetest"
)

func TestRounds(t *testing.T) {
	for _, test := range []struct{ watchers, pick, want string }{
		{"a b", "a b", "a b"},
		{"e<d d<a a b", "e", "a|d|e"},
		{"e<d d<a a b", "a b", "a b"},
		{"d<a,b a b!a x", "d x", "a b x|d"},
		{"d<none a", "d", "|d"},
	} {
		var got []string
		for _, round := range leaning(test.watchers).Rounds(func(w engine.Watcher) bool { return strings.Contains(test.pick, w.Name) }) {
			var names []string
			for _, w := range round {
				names = append(names, w.Name)
			}
			got = append(got, strings.Join(names, " "))
		}
		if text := strings.Join(got, "|"); text != test.want {
			t.Errorf("Rounds(%q) of %q = %s, want %s", test.pick, test.watchers, text, test.want)
		}
	}
}

func TestOnce(t *testing.T) {
	w, watchers := worldOf("wan a!wan d<a")
	w.set("wan", engine.Critical)
	w.set("a", engine.Critical)
	e := engine.New(engine.Config{})
	e.Replace(enginetest.Generation(1, watchers...))
	for _, id := range []engine.ID{"wan", "a", "d"} {
		if r, ok := e.Once(t.Context(), id); !ok || r.Status != engine.Critical {
			t.Errorf("Once(%q) = %v, %v, want critical, true", id, r.Status, ok)
		}
	}
	if _, ok := e.Once(t.Context(), "nobody"); ok {
		t.Error("Once of nobody = true, want false")
	}
	var got []engine.ID
	for _, v := range e.Board().Snapshot().Sets[0].Watchers {
		got = append(got, v.Shadow)
	}
	if diff := cmp.Diff([]engine.ID{"", "wan", "wan"}, got); diff != "" {
		t.Errorf("in the shadow (-want +got):\n%s", diff)
	}
}
