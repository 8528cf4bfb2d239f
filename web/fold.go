package web

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Bounds of what the first paint draws for a page with scripts; see fold.js.
const (
	drawnMost = 4000 // tiles at a desk
	foldFew   = 24   // tiles of a set; no fewer are folded

	listedFirst = 8 // problems; the page's script knows how many there is room for
)

// foldCrowded makes the sets fold that are too much to draw: the largest,
// until the rest is no more than drawnMost, and all of one size alike.
func foldCrowded(sets []PageSet) {
	drawn := 0
	bySize := make([]*PageSet, len(sets))
	for i := range sets {
		bySize[i] = &sets[i]
		drawn += len(sets[i].Tiles)
	}
	slices.SortStableFunc(bySize, func(a, b *PageSet) int { return len(b.Tiles) - len(a.Tiles) })
	size := math.MaxInt // of the last one folded
	for _, set := range bySize {
		if drawn <= drawnMost && len(set.Tiles) < size || len(set.Tiles) <= foldFew {
			return
		}
		size = len(set.Tiles)
		set.folds = set.count((*PageTile).well) > foldFew
		drawn -= len(set.Tiles)
	}
}

// Stretch is tiles of a set one after the other that are all folded, or none.
type Stretch struct {
	Folded bool
	Tiles  []PageTile
}

// Stretches are the set's tiles in their order. Those that are folded go into
// the page where only a browser without scripts looks: one with scripts has
// them in its data, and draws them when it is asked to.
func (s PageSet) Stretches() []Stretch {
	var list []Stretch
	for i := range s.Tiles {
		folded := s.folds && s.Tiles[i].well()
		if i == 0 || list[len(list)-1].Folded != folded {
			list = append(list, Stretch{Folded: folded})
		}
		last := &list[len(list)-1]
		last.Tiles = append(last.Tiles, s.Tiles[i])
	}
	return list
}

// Fold says how many tiles are folded, "193 well, 2 pending"; "" for none.
func (s PageSet) Fold() string {
	if !s.folds {
		return ""
	}
	counts := map[string]int{}
	for i := range s.Tiles {
		if s.Tiles[i].well() {
			counts[s.Tiles[i].standing()]++
		}
	}
	var parts []string
	for _, what := range [...][2]string{{"ok", "well"}, {"shadow", "in shadow"}, {"pending", "pending"}} {
		if n := counts[what[0]]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what[1]))
		}
	}
	return strings.Join(parts, ", ")
}

// well holds for a tile that is no problem to look at, and was none just now.
func (t *PageTile) well() bool { return !t.problem() && !t.Stale && !t.glows }

// ListedProblems are those that the first paint lists in any browser.
func (d PageData) ListedProblems() []PageTile {
	return d.Problems[:min(listedFirst, len(d.Problems))]
}

// OtherProblems are listed only where no script takes the list over.
func (d PageData) OtherProblems() []PageTile {
	return d.Problems[len(d.ListedProblems()):]
}
