package engine

import (
	"slices"
	"time"
)

// Derive makes a watcher one that is computed from others: its Check runs when
// what it is derived from changed, at most ten times a second, and never by an
// interval. In the Check, [MembersOf] tells what those are like.
//
// Its first run comes when all of them have had a result, at the latest after
// [settleWithin]. The first results of members that are added later are waited
// for in the same way, unless the status of another member changes meanwhile. Its
// Interval and TTL are 0: while nothing changes it is as true as it was.
type Derive struct {
	Of []Pattern
}

const (
	deriveEvery  = 100 * time.Millisecond
	deriveGrid   = 10 * time.Millisecond // looks share wake-ups
	settleWithin = 10 * time.Second      // longer than a first run may take to begin and end
)

// A group is watchers that others are derived from, counted as they change.
type group struct {
	members []*entry // never changes
	tiles   []*entry // derived from them

	counts    [len(statuses)]int
	lit, dark int    // members with a problem: one of their own, one that another's explains
	darkest   *entry // one of the dark, if any is known
	shade     ID     // in whose shadow its tiles stand if they are problems
	statuses  uint64 // counts changes of a member's standing
	news      bool   // a member changed that had had a result before
	results   uint64 // counts results that differ from the member's one before
	readers   int    // tiles that read results, not only statuses
	looked    time.Duration
	hot       bool // to be looked at

	worst tally[*entry]
	sum   tally[total]
}

// A tally is what was worked out of all members, true for one state of them.
type tally[T any] struct {
	at    uint64
	known bool
	is    T
}

func (t *tally[T]) get(at uint64, work func() T) T {
	if !t.known || t.at != at {
		t.is, t.at, t.known = work(), at, true
	}
	return t.is
}

func (g *group) count(s standing, by int) {
	g.counts[s.status] += by
	switch {
	case s.lit():
		g.lit += by
	case s.dark():
		g.dark += by
	}
}

// shadow names in whose shadow all trouble of the members is, "" if some of it
// is not, or there is none.
func (g *group) shadow() ID {
	if g.lit > 0 || g.dark == 0 {
		return ""
	}
	if g.darkest == nil || !g.darkest.standing().dark() {
		i := slices.IndexFunc(g.members, func(en *entry) bool { return en.standing().dark() })
		if i < 0 {
			return "" // a member is about to be counted
		}
		g.darkest = g.members[i]
	}
	return g.darkest.state.Shadow
}

// outdated tells whether a tile of the group saw less than there is now.
func (g *group) outdated(tile *entry) bool {
	return tile.sight.of != g || tile.sight.statuses != g.statuses ||
		tile.sight.reads && tile.sight.results != g.results
}

// A sight is what a derived watcher's last run saw.
type sight struct {
	of                *group
	statuses, results uint64
	pending           int  // members that had no result yet
	reads             bool // results, not only statuses
}

// group makes the groups of a configuration. One of the same members as before
// goes on.
func (b *Board) group(r *relations, entries []*entry) {
	before := b.groups
	for _, g := range before {
		g.tiles = nil
	}
	b.groups = make(map[string]*group, len(before))
	for i, m := range r.bases {
		g := b.groups[m.key]
		if g == nil {
			members := make([]*entry, len(m.places))
			for j, place := range m.places {
				members[j] = entries[place]
			}
			if g = before[m.key]; g == nil || !slices.Equal(g.members, members) {
				g = &group{members: members, looked: -deriveEvery}
			}
			g.counts, g.lit, g.dark, g.readers = [len(statuses)]int{}, 0, 0, 0
			for _, member := range members {
				member.groups = append(member.groups, g)
				g.count(member.standing(), +1)
			}
			g.shade = g.shadow()
			b.groups[m.key] = g
		}
		tile := entries[i]
		tile.basis = g
		g.tiles = append(g.tiles, tile)
		switch {
		case tile.sight.of != g: // no more than how many were pending is of use, and no group counts it as its reader
			tile.sight = sight{pending: tile.sight.pending}
		case tile.sight.reads:
			g.readers++
		}
		b.look(g)
	}
}

// look has the tiles of g looked at soon.
func (b *Board) look(g *group) {
	if !g.hot && len(g.tiles) > 0 {
		g.hot = true
		b.hot = append(b.hot, g)
	}
}

// heard tells the groups of en if its result differs from was, the one before.
func (b *Board) heard(en *entry, was *Result) {
	r := &en.state.Result
	if r.Value == was.Value && r.Unit == was.Unit && r.Detail == was.Detail && r.Link == was.Link && r.Status == was.Status {
		return
	}
	for _, g := range en.groups {
		g.results++
		if g.readers > 0 {
			b.look(g)
		}
	}
}
