package engine

import (
	"cmp"
	"slices"
	"strings"
)

// A Pattern picks watchers by their ids: * stands for any text, also for none.
// Without a * it is an id.
type Pattern string

// Match tells whether the pattern picks id.
func (p Pattern) Match(id ID) bool {
	text, rest := string(id), string(p)
	head, rest, any := strings.Cut(rest, "*")
	if !any || !strings.HasPrefix(text, head) {
		return text == string(p)
	}
	text = text[len(head):]
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(text, part)
		}
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text, rest = text[at+len(part):], after
	}
}

// isID tells whether the pattern can pick one watcher only.
func (p Pattern) isID() bool { return !strings.Contains(string(p), "*") }

// An idIndex finds what patterns match without trying every id: only those that
// begin as the pattern does.
type idIndex struct {
	ids    []ID  // sorted
	places []int // where each was in the list that the index was made of
}

func newIDIndex(ids []ID) idIndex {
	places := make([]int, len(ids))
	for i := range places {
		places[i] = i
	}
	slices.SortFunc(places, func(a, b int) int { return cmp.Compare(ids[a], ids[b]) })
	sorted := make([]ID, len(ids))
	for i, place := range places {
		sorted[i] = ids[place]
	}
	return idIndex{sorted, places}
}

// match gives the places of the ids that p matches.
func (x idIndex) match(p Pattern) (places []int) {
	head, _, _ := strings.Cut(string(p), "*")
	from, _ := slices.BinarySearch(x.ids, ID(head))
	for i := from; i < len(x.ids) && strings.HasPrefix(string(x.ids[i]), head); i++ {
		if p.Match(x.ids[i]) {
			places = append(places, x.places[i])
		}
	}
	return places
}
