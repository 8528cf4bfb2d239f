package engine

import (
	"context"
	"time"
)

// lookSlots is more of [deriveGrid] than [deriveEvery] has.
const lookSlots = 16

// looks is when groups are looked at for what changed in them: a wheel, since
// none is due in more than [deriveEvery].
type looks struct {
	slots [lookSlots]struct {
		at     time.Duration
		groups []*group
	}
	waiting int
}

func (l *looks) put(g *group, at time.Duration) {
	at = (at + deriveGrid - 1) / deriveGrid * deriveGrid
	slot := &l.slots[at/deriveGrid%lookSlots]
	if len(slot.groups) == 0 {
		slot.at = at // else it is overdue, and will be looked at the sooner
	}
	slot.groups = append(slot.groups, g)
	l.waiting++
}

// earliest gives the time of the first slot.
func (l *looks) earliest() (at time.Duration, ok bool) {
	if l.waiting == 0 {
		return 0, false
	}
	at = never
	for i := range l.slots {
		if s := &l.slots[i]; len(s.groups) > 0 && (at == never || s.at < at) {
			at = s.at
		}
	}
	return at, true
}

// stir lets the schedule know of groups that changed, unless it looks around
// soon enough by itself.
func (e *Engine) stir() {
	if len(e.board.hot) > 0 && e.wakeAt > e.board.clock()+deriveGrid {
		e.wake()
	}
}

// lookAround plans a look at the groups that changed, and takes the looks that
// are due.
func (e *Engine) lookAround(now time.Duration) {
	for _, g := range e.board.hot {
		e.looks.put(g, max(now, g.looked+deriveEvery))
	}
	e.board.hot = e.board.hot[:0]
	if e.looks.waiting == 0 {
		return
	}
	for i := range e.looks.slots {
		slot := &e.looks.slots[i]
		if len(slot.groups) == 0 || slot.at > now {
			continue
		}
		e.looks.waiting -= len(slot.groups)
		for _, g := range slot.groups {
			e.lookAt(g, now)
		}
		clear(slot.groups)
		slot.groups = slot.groups[:0]
	}
}

// lookAt has the tiles of g run that saw less than there is now. One that is in
// flight is looked at again when it has landed.
func (e *Engine) lookAt(g *group, now time.Duration) {
	g.hot, g.looked = false, now
	for _, tile := range g.tiles {
		if tile.run != nil || tile.queued || !g.outdated(tile) {
			continue
		}
		if !e.awaits(tile, g, now) {
			e.enqueue(tile, now)
		}
	}
}

// awaits tells whether tile waits for the first results of its members: when it
// is new, and when members have come, until one of the others is news. It waits
// for [settleWithin] at most, and not for those that it saw pending before.
func (e *Engine) awaits(tile *entry, g *group, now time.Duration) bool {
	if tile.state.Status == Pending {
		return (g.counts[Pending] > 0 || len(g.members) == 0) && tile.next != never
	}
	if g.counts[Pending] <= tile.sight.pending || g.news || tile.sight.of == g {
		return false
	}
	if tile.next == never {
		tile.next = now + settleWithin
		e.agenda.put(tile)
	}
	return true
}

// settle lets a derived watcher run that waited, whether all of its members have
// had a result or not.
func (e *Engine) settle(en *entry, now time.Duration) {
	en.next = never
	if en.run != nil || en.queued {
		return
	}
	if en.state.Status == Pending || en.basis != nil && en.basis.outdated(en) {
		e.enqueue(en, now)
	}
}

// see notes how the members of en are when a run of it begins, and gives the
// context through which the run sees them.
func (e *Engine) see(ctx context.Context, en *entry) context.Context {
	if en.basis == nil {
		return ctx
	}
	g := en.basis
	en.next = never // it waits no more
	en.overlook()
	en.sight = sight{of: g, statuses: g.statuses, results: g.results, pending: g.counts[Pending]}
	return context.WithValue(ctx, membersKey, &Members{e.board, g, en})
}

// overlook forgets what a derived watcher has seen of its members, so that it is
// outdated.
func (en *entry) overlook() {
	if g := en.sight.of; g != nil && en.sight.reads {
		g.readers--
	}
	en.sight = sight{}
}
