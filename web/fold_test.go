package web

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
)

// The first paint folds the sets that fold.js folds: the rows are those of its
// test.
func TestFoldCrowded(t *testing.T) {
	for _, test := range []struct {
		sizes []int
		want  []string
	}{
		{[]int{4000}, []string{""}},
		{[]int{100, 3950, 90}, []string{"", "3950 well", ""}},
		{[]int{2000, 10, 2000, 2000}, []string{"2000 well", "", "2000 well", "2000 well"}},
	} {
		sets := make([]PageSet, len(test.sizes))
		for i, n := range test.sizes {
			sets[i].Tiles = make([]PageTile, n)
			for j := range sets[i].Tiles {
				sets[i].Tiles[j].Status = engine.OK
			}
		}
		foldCrowded(sets)
		var got []string
		for _, set := range sets {
			got = append(got, set.Fold())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("foldCrowded of sets of %v (-want +got):\n%s", test.sizes, diff)
		}
	}
}

// What is folded keeps its place among what is not.
func TestStretches(t *testing.T) {
	set := PageSet{folds: true}
	for _, status := range []engine.Status{engine.OK, engine.Pending, engine.Critical, engine.OK} {
		set.Tiles = append(set.Tiles, PageTile{Tile: Tile{Status: status}})
	}
	var got []int
	for _, stretch := range set.Stretches() {
		n := len(stretch.Tiles)
		if stretch.Folded {
			n = -n
		}
		got = append(got, n)
	}
	if diff := cmp.Diff([]int{-2, 1, -1}, got); diff != "" {
		t.Errorf("Stretches, folded ones below zero (-want +got):\n%s", diff)
	}
	if got, want := set.Fold(), "2 well, 1 pending"; got != want {
		t.Errorf("Fold() = %q, want %q", got, want)
	}
}
