package web

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
)

// The first paint lists problems as model.js does, so that none of them jumps:
// worst first, the longest-standing first among equals.
func TestProblemsInOrder(t *testing.T) {
	tile := func(id engine.ID, status engine.Status, since float64) Tile {
		return Tile{ID: id, Status: status, Since: since}
	}
	stale := tile("old", engine.OK, 1)
	stale.Stale = true
	d := newPageData(&Board{Sets: []Set{
		{Name: "A", Tiles: []Tile{stale, tile("b", engine.Warning, 5), tile("c", engine.Critical, 9), tile("fine", engine.OK, 2)}},
		{Name: "B", Tiles: []Tile{tile("d", engine.Critical, 7), tile("e", engine.Critical, 9), tile("f", engine.Unknown, 8)}},
	}}, nil, time.Unix(60, 0))
	var got []engine.ID
	for _, p := range d.Problems {
		got = append(got, p.ID)
	}
	if diff := cmp.Diff([]engine.ID{"d", "c", "e", "f", "b", "old"}, got); diff != "" {
		t.Errorf("problems of the first paint (-want +got):\n%s", diff)
	}
}

func TestWellInWords(t *testing.T) {
	for n, want := range []string{"nothing is watched", "none · all as it should be", "none · all 2 as they should be"} {
		d := PageData{Sets: []PageSet{{Tiles: make([]PageTile, n)}}}
		if got := d.Well(); got != want {
			t.Errorf("Well() of %d tiles = %q, want %q", n, got, want)
		}
	}
}
