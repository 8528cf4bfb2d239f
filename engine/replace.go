package engine

import (
	"context"
	"time"
)

// Replace puts a new configuration in the place of the one before, watcher by
// watcher. It may be called before and while the engine runs.
//
// A watcher of equal id and definition goes on: schedule, state, trail and the
// run in flight; its next run uses the new Check. One of equal id and another
// definition keeps status, since and trail; its run in flight is cancelled, its
// result dropped, and the next starts at once. A source goes on and is ended in
// the same way: of equal definition, a new one is called when that of before
// ended by itself. Of two watchers of one id in gen the first counts; of one in
// gen and one that was found, that in gen.
func (e *Engine) Replace(gen *Generation) {
	e.laying.Lock()
	defer e.laying.Unlock()
	left := e.inherit(gen)
	e.gen = gen
	e.lay(gen, true)
	release(left, e.gone)
	e.beginHunts()
}

// lay lays the board out as gen and what was found for it want it; taken tells
// that gen is a new configuration.
func (e *Engine) lay(gen *Generation, taken bool) {
	b := e.board
	gen = e.compose(gen)
	watchers := gen.distinct()
	relations := relate(watchers)
	b.mu.Lock()
	wall := time.Now()
	now := b.clock()
	layout := b.layoutOf(gen)
	inOrder := make([]*entry, 0, len(watchers))
	entries := make(map[ID]*entry, len(b.entries))
	sets := make([]section, len(gen.Sets))
	var ended []context.CancelFunc
	for i, set := range gen.Sets {
		sets[i] = section{name: set.Name, entries: make([]*entry, 0, len(set.Watchers))}
		if set.Discover != nil {
			sets[i].hunt = e.hunts[set.Name]
		}
		for _, w := range set.Watchers {
			if entries[w.ID] != nil {
				continue
			}
			en, ends := e.adopt(w.WithDefaults(), wall, now)
			ended = append(ended, ends...)
			en.set = set.Name
			entries[w.ID] = en
			inOrder = append(inOrder, en)
			sets[i].entries = append(sets[i].entries, en)
		}
	}
	for id, en := range b.entries {
		if entries[id] == nil {
			ended = append(ended, e.remove(en, now)...)
		}
	}
	e.waiting.regroup()
	b.entries, b.sets, b.pageTag = entries, sets, gen.PageTag
	b.relate(relations, inOrder)
	b.seeking = e.seeking()
	b.rev++
	if taken {
		b.config = ConfigState{Generation: gen.Number, LoadedAt: gen.LoadedAt}
		b.configRev = b.rev
	}
	if layout {
		b.layoutRev = b.rev
	}
	b.mu.Unlock()

	for _, cancel := range ended {
		cancel()
	}
	b.announceSurfaced()
	e.wake()
}

// distinct gives the watchers of a generation in order, the first of each id.
func (g *Generation) distinct() []Watcher {
	n := 0
	for _, set := range g.Sets {
		n += len(set.Watchers)
	}
	seen, watchers := make(map[ID]bool, n), make([]Watcher, 0, n)
	for _, set := range g.Sets {
		for _, w := range set.Watchers {
			if !seen[w.ID] {
				seen[w.ID] = true
				watchers = append(watchers, w)
			}
		}
	}
	return watchers
}

// adopt gives the entry of w, the one there was or a new one, and what cancels
// a run that no longer counts.
func (e *Engine) adopt(w Watcher, wall time.Time, now time.Duration) (*entry, []context.CancelFunc) {
	b := e.board
	running := !b.began.IsZero() && !e.stopping
	en := b.entries[w.ID]
	if en == nil {
		en = newEntry(w, wall)
		if saved, ok := b.saved[w.ID]; ok {
			en.saved = &saved
			delete(b.saved, w.ID)
		}
		if running {
			e.enter(en, wall, now)
		}
		return en, nil
	}
	same := en.Definition == w.Definition && en.Interval == w.Interval && en.Timeout == w.Timeout &&
		(en.Source == nil) == (w.Source == nil)
	confirmed := en.Confirm
	en.Watcher = w
	en.reconfirm(confirmed)
	if same {
		return en, nil
	}
	en.keepTime()
	en.unheld, en.state.Confirming = true, Confirming{} // what was seen is of another definition
	if !running {
		return en, e.cancel(en, now)
	}
	en.edited = en.Source == nil // whose next event may never come
	switch {
	case en.Source != nil:
		en.queued = false
		b.markLate(en, false) // it has no ticks
	case en.Derive == nil:
		e.plan(en, en.tempo.following(now, now), wall, now)
	}
	if ends := e.cancel(en, now); len(ends) > 0 {
		en.again = true
		return en, ends
	}
	switch {
	case en.queued:
	case en.Derive != nil && en.state.Status == Pending: // its members may have no results yet
		e.enter(en, wall, now)
	default:
		e.launch(en)
	}
	return en, nil
}

// cancel makes what is in flight of en count no more and gives what ends it. A run
// and a feed may both be: one is slow to end what the watcher was before.
func (e *Engine) cancel(en *entry, now time.Duration) (ends []context.CancelFunc) {
	switch r := en.run; {
	case r == nil:
	case r.stuck: // nobody has waited for it since it was given up
		en.run, en.state.Running = nil, false
	default:
		ends = append(ends, r.drop(now))
	}
	if en.feed != nil {
		ends = append(ends, e.endFeed(en.feed))
	}
	return ends
}

// remove takes en off the board. The agenda has it until its next run was due, which
// may be tomorrow: so it lets go of its script.
func (e *Engine) remove(en *entry, now time.Duration) []context.CancelFunc {
	en.gone = true
	en.Check, en.Source, en.Lane, en.Released, en.kin = nil, nil, nil, nil, kin{}
	e.board.unlink(en)
	e.board.markLate(en, false)
	return e.cancel(en, now)
}

// drop makes the run's result count no more and gives what cancels it.
func (r *run) drop(now time.Duration) context.CancelFunc {
	r.dropped = true
	r.fence = now + fenceGrace
	if r.cancel == nil {
		return func() {} // it has not begun, and will not
	}
	return r.cancel
}

// layoutOf tells whether gen lays the board out differently.
func (b *Board) layoutOf(gen *Generation) bool {
	if b.pageTag != gen.PageTag || len(b.sets) != len(gen.Sets) {
		return true
	}
	for i, set := range gen.Sets {
		old := b.sets[i]
		if old.name != set.Name || len(old.entries) != len(set.Watchers) {
			return true
		}
		for j, w := range set.Watchers {
			was, is := &old.entries[j].Watcher, w.WithDefaults()
			if was.ID != is.ID || !was.looksAs(&is) {
				return true
			}
		}
	}
	return false
}
