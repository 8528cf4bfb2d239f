package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// leaning reads "d<a,b c!w": d derived from a and b, c in need of w, w.
func leaning(text string) *engine.Generation {
	patterns := func(list string) (patterns []engine.Pattern) {
		for p := range strings.SplitSeq(list, ",") {
			patterns = append(patterns, engine.Pattern(p))
		}
		return patterns
	}
	var watchers []engine.Watcher
	for word := range strings.FieldsSeq(text) {
		word, needs, needy := strings.Cut(word, "!")
		name, of, derived := strings.Cut(word, "<")
		w := enginetest.Watcher(name, 0, enginetest.Always(engine.OK, ""))
		if needy {
			w.Needs = patterns(needs)
		}
		if derived {
			w.Derive = &engine.Derive{Of: patterns(of)}
		}
		watchers = append(watchers, w)
	}
	return enginetest.Generation(1, watchers...)
}

func TestRelations(t *testing.T) {
	tests := []struct {
		watchers string
		want     []string
	}{
		{"a b", nil},
		{"d<* a b", nil},
		{"d<a,b e<d,a a b!a", nil},
		{"a!w b!a w", nil},
		{"a!nobody", []string{"a needs nobody"}},
		{"d<x*,a a", []string{"d of x*"}},
		{"d<* ", []string{"d of *"}},
		{"a!a", []string{"a needs a>a"}},
		{"d<d a", []string{"d of d>d"}},
		{"a!b b!c c!a", []string{"c needs c>a>b>c"}},
		{"x!a a!b b!a", []string{"b needs b>a>b"}},
		{"d<e,a e<d a", []string{"e of e>d>e"}},
		// Two of everything are each derived from the other.
		{"d<* e<* a", []string{"e of e>d>e"}},
		// One that is derived from what needs it.
		{"d<a a!d", []string{"a needs a>d>a"}},
		// A group that several share is walked through once, and still closes this.
		{"d<a,b e<a,b a b!e", []string{"e of e>b>e"}},
		{"d<a,b e<a,b b a!x x<e", []string{"e of e>a>x>e"}},
	}
	for _, test := range tests {
		t.Run(test.watchers, func(t *testing.T) {
			gen := leaning(test.watchers)
			var got []string
			for _, e := range gen.Relations() {
				text := fmt.Sprintf("%s %s %s", e.Watcher.ID, e.Option, e.Pattern)
				for i, id := range e.Cycle {
					text += map[bool]string{true: "", false: ">"}[i == 0] + string(id)
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Relations() (-want +got):\n%s", diff)
			}
			e := engine.New(engine.Config{})
			e.Replace(gen) // it cuts what closes a cycle, and ends
			if got, want := len(e.Board().Snapshot().Sets[0].Watchers), len(gen.Sets[0].Watchers); got != want {
				t.Errorf("%d watchers, want %d", got, want)
			}
		})
	}
}
