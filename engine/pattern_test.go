package engine

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPattern(t *testing.T) {
	for _, test := range []struct {
		pattern Pattern
		id      ID
		want    bool
	}{
		{"web.front_page", "web.front_page", true},
		{"web.front_page", "web.front_page2", false},
		{"web.front", "web.front_page", false},
		{"web.*", "web.front_page", true},
		{"web.*", "web.", true},
		{"web.*", "web", false},
		{"*", "", true},
		{"*.disk", "web-1.disk", true},
		{"*.disk", "disk", false},
		{"*.disk", "web-1.disks", false},
		{"w*b*k", "web.disk", true},
		{"w*b*k", "wb", false},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"a**b", "ab", true},
		{"*größe*", "watch.größe.x", true},
		{"", "", true},
		{"", "a", false},
	} {
		if got := test.pattern.Match(test.id); got != test.want {
			t.Errorf("Pattern(%q).Match(%q) = %v, want %v", test.pattern, test.id, got, test.want)
		}
	}
}

func TestIndexFindsWhatPatternsMatch(t *testing.T) {
	ids := []ID{"web.b", "db.a", "web.a", "wan", "web", "db.b"}
	index := newIDIndex(ids)
	for _, p := range []Pattern{"*", "web.*", "web", "w*", "*.a", "db.b", "none", "", "x*"} {
		want := map[ID]bool{}
		for _, id := range ids {
			if p.Match(id) {
				want[id] = true
			}
		}
		got := map[ID]bool{}
		for _, place := range index.match(p) {
			got[ids[place]] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("match(%q) (-want +got):\n%s", p, diff)
		}
	}
}
