package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Discovery finds the members of a set while the engine runs: they may come and
// go. Members are told apart by id. One that is found again, of equal
// definition, goes on as it is; one that is found no more leaves the board.
// When nothing is found, or finding fails, those there are stay, and the set
// says so.
//
// The same Discovery in a new configuration goes on. Another one for a set of
// that name takes its members over: they stay, as they were, until it has
// found some.
type Discovery struct {
	Interval time.Duration // start of one to the start of the next; 0 = [DefaultDiscovery]
	Timeout  time.Duration // longest that Find may take; 0 = min(Interval, 10 s)
	Limit    int           // members at most, what is found beyond is left out; 0 = [DefaultMembers]
	Place    Place         // where it is defined
	// Find gives the members that there are now. It must return soon after its
	// context ends. Its calls come one at a time.
	Find func(ctx context.Context) ([]Watcher, error)
}

const (
	DefaultDiscovery = 30 * time.Second
	DefaultMembers   = 1000
)

func (d *Discovery) interval() time.Duration { return cmp.Or(d.Interval, DefaultDiscovery) }
func (d *Discovery) timeout() time.Duration {
	return cmp.Or(d.Timeout, min(d.interval(), MaxTimeout))
}
func (d *Discovery) limit() int { return cmp.Or(d.Limit, DefaultMembers) }

// A member is a watcher that was found.
type member struct {
	Watcher
	by *Discovery
}

// same tells whether w is m found again.
func (m *member) same(w *Watcher) bool {
	return m.Definition == w.Definition && m.looksAs(w)
}

// release lets go of watchers that will not run again, or never did. gone tells
// whether nobody on the board has an id now.
func release(watchers []Watcher, gone func(ID) bool) {
	for _, w := range watchers {
		if w.Released != nil {
			w.Released(gone(w.ID))
		}
	}
}

// notGone is for watchers whose ids are others'.
func notGone(ID) bool { return false }

// gone tells that nobody has the id now. The caller holds laying.
func (e *Engine) gone(id ID) bool { return e.board.entries[id] == nil }

// choice is what becomes of the watchers that a discovery found.
type choice struct {
	members []member  // of the set from now on
	left    []Watcher // found, or members before, and not members from now on
	added   []ID
	removed []ID     // members before, found no more
	renewed bool     // one was found again as another watcher than it was
	refused []string // why some were left out
}

// changed tells whether the set has other members than before.
func (c *choice) changed() bool { return len(c.added)+len(c.removed) > 0 || c.renewed }

// choose makes the set's members of what was found. taken has the watchers that
// are not members of it, by id. Members keep their places; a new one is put behind
// the member that it was found behind. Where the limit is short members come first: the
// order in which they are found may be another each time.
func (h *hunt) choose(found []Watcher, taken map[ID]Watcher) choice {
	var c choice
	before := make(map[ID]member, len(h.members))
	for _, m := range h.members {
		before[m.ID] = m
	}
	stay := make(map[ID]member, len(found))
	after := make(map[ID][]member) // the new ones, by the member that they come after
	anchor := ID("")
	seen := make(map[ID]Watcher, len(found))
	room, again := h.limit(), make(map[ID]bool, len(before)) // for new ones; members found again
	for _, w := range found {
		if _, known := before[w.ID]; known && !again[w.ID] {
			again[w.ID] = true
			room--
		}
	}
	for _, w := range found {
		w = w.WithDefaults()
		m := member{w, h.Discovery}
		other, twice := seen[w.ID]
		if !twice {
			other, twice = taken[w.ID]
		}
		switch old, known := before[w.ID]; {
		case twice:
			c.refused = append(c.refused, refusal(w, other))
			c.left = append(c.left, w)
			continue
		case len(seen) == h.limit(), !known && room <= 0:
			c.left = append(c.left, w)
			continue
		case known && old.by == h.Discovery && old.same(&w):
			c.left = append(c.left, w) // the old one goes on, with all that it remembers
			stay[w.ID], anchor = old, w.ID
		case known:
			c.left, c.renewed = append(c.left, old.Watcher), true
			stay[w.ID], anchor = m, w.ID
		default:
			c.added = append(c.added, w.ID)
			after[anchor] = append(after[anchor], m)
			room--
		}
		seen[w.ID] = w
	}
	if over := len(found) - len(seen) - len(c.refused); over > 0 {
		c.refused = append(c.refused, fmt.Sprintf("%sthe limit is %d: %d more that were found are left out", h.Place.prefix(), h.limit(), over))
	}
	c.members = append(c.members, after[""]...)
	for _, m := range h.members {
		if kept, ok := stay[m.ID]; ok {
			c.members = append(append(c.members, kept), after[m.ID]...)
		} else {
			c.removed, c.left = append(c.removed, m.ID), append(c.left, m.Watcher)
		}
	}
	return c
}

// prefix is "file:line: ", "" of no place.
func (p Place) prefix() string {
	if p.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", p.File, p.Line)
}

func refusal(w, other Watcher) string {
	why := fmt.Sprintf("%scannot add %q: its id %q is that of %q%s",
		w.Place.prefix(), w.Name, w.ID, other.Name, strings.TrimSuffix(" at "+other.Place.prefix(), ": "))
	if w.Name != other.Name { // 10.0.1.11 and 10.0.11.1
		why += "; give one an id = of its own"
	}
	return why
}

// compose gives the generation with the members that were found, after those
// that it has itself.
func (e *Engine) compose(gen *Generation) *Generation {
	if len(e.hunts) == 0 {
		return gen
	}
	full := *gen
	full.Sets = slices.Clone(gen.Sets)
	for i := range full.Sets {
		set := &full.Sets[i]
		h := e.hunts[set.Name]
		if h == nil || h.Discovery != set.Discover {
			continue
		}
		set.Watchers = slices.Clip(set.Watchers)
		for _, m := range h.members {
			set.Watchers = append(set.Watchers, m.Watcher)
		}
	}
	return &full
}

// found takes in what a discovery came to, and tells whether there are members
// now.
func (e *Engine) found(h *hunt, found []Watcher, err error) bool {
	e.laying.Lock()
	defer e.laying.Unlock()
	if e.hunts[h.set] != h {
		release(found, notGone)
		return false
	}
	note, problem := "", ""
	switch {
	case err != nil:
		problem = h.staying(err.Error())
	case len(found) == 0 && len(h.members) == 0:
		note = "no members found"
	case len(found) == 0:
		problem = h.staying(h.Place.prefix() + "nobody was found")
	default:
		problem = e.admitMembers(h, found)
	}
	h.answered = h.answered || err == nil
	e.say(h, note, problem)
	return len(h.members) > 0
}

// admitMembers makes members of what was found, and gives why not of some.
func (e *Engine) admitMembers(h *hunt, found []Watcher) (problem string) {
	taken := make(map[ID]Watcher)
	for _, set := range e.compose(e.gen).Sets {
		for _, w := range set.Watchers {
			taken[w.ID] = w
		}
	}
	for _, m := range h.members {
		delete(taken, m.ID)
	}
	c := h.choose(found, taken)
	h.members = c.members
	if c.changed() {
		e.lay(e.gen, false)
	}
	release(c.left, e.gone)
	if len(c.added)+len(c.removed) > 0 {
		e.logger.Info("members changed", "set", h.set, "members", len(h.members),
			"added", named(c.added), "removed", named(c.removed))
	}
	wrong := append(c.refused, e.tangled(h)...)
	if len(wrong) == 0 {
		return ""
	}
	problem = wrong[0]
	if n := len(wrong) - 1; n > 0 {
		problem += fmt.Sprintf(" (and %d more)", n)
	}
	return problem
}

// tangled tells what is wrong in how the members of h lean on others. They run
// all the same, without the relations that are wrong.
func (e *Engine) tangled(h *hunt) (wrong []string) {
	if !slices.ContainsFunc(h.members, func(m member) bool { return len(m.Needs) > 0 || m.Derive != nil }) {
		return nil
	}
	mine := make(map[ID]bool, len(h.members))
	for _, m := range h.members {
		mine[m.ID] = true
	}
	for _, r := range e.compose(e.gen).Relations() {
		if mine[r.Watcher.ID] {
			wrong = append(wrong, r.String())
		}
	}
	return wrong
}

// staying says why a discovery came to nothing, and that the members stay.
func (h *hunt) staying(why string) string {
	switch n := len(h.members); n {
	case 0:
		return why
	case 1:
		return why + "; the last member stays"
	default:
		return fmt.Sprintf("%s; the last %d members stay", why, n)
	}
}

// named lists a few ids for the log.
func named(ids []ID) string {
	const most = 5
	var words []string
	for _, id := range ids[:min(len(ids), most)] {
		words = append(words, string(id))
	}
	if n := len(ids) - most; n > 0 {
		words = append(words, fmt.Sprintf("%d more", n))
	}
	return strings.Join(words, ", ")
}
