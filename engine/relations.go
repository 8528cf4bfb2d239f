package engine

import (
	"fmt"
	"slices"
	"strings"
)

// A RelationError is a watcher that leans on others in a way that cannot be.
type RelationError struct {
	Watcher Watcher
	Option  string  // "needs" or "of"
	Pattern Pattern // what picks nobody
	Cycle   []ID    // or, from the watcher back to itself, who leans on whom
}

func (e RelationError) String() string {
	return fmt.Sprintf("%scannot use option %q of %q: %s", e.Watcher.Place.prefix(), e.Option, e.Watcher.ID, e.Reason())
}

// Reason says what is wrong, without who is.
func (e RelationError) Reason() string {
	switch {
	case len(e.Cycle) == 2 && e.Option == "needs":
		return "it needs itself"
	case len(e.Cycle) == 2:
		return "it is derived from itself"
	case e.Cycle != nil:
		path := string(e.Cycle[0])
		for _, id := range e.Cycle[1:] {
			path += " -> " + string(id)
		}
		return "it leans on itself: " + path
	case !e.Pattern.isID():
		return fmt.Sprintf("the pattern %q matches no watcher", e.Pattern)
	}
	return fmt.Sprintf("there is no watcher %q", e.Pattern)
}

// Relations tells what is wrong in how the watchers of the generation lean on
// each other: patterns that pick nobody, and cycles. [Engine.Replace] passes
// over the former and cuts the latter.
func (g *Generation) Relations() []RelationError {
	return slices.DeleteFunc(relate(g.distinct()).errors, func(e RelationError) bool {
		return e.Cycle == nil && g.MayFind(e.Pattern)
	})
}

// MayFind tells whether a set of the generation may find members that p picks,
// by the ids that its members have unless they choose their own.
func (g *Generation) MayFind(p Pattern) bool {
	known, _, open := strings.Cut(string(p), "*")
	return slices.ContainsFunc(g.Sets, func(s Set) bool {
		prefix := Slug(s.Name) + "."
		return s.Discover != nil && (strings.HasPrefix(known, prefix) || open && strings.HasPrefix(prefix, known))
	})
}

// relations is how the watchers of a generation lean on each other, by their
// places in it.
type relations struct {
	watchers []Watcher
	parents  map[int][]int       // whom each needs
	bases    map[int]*membership // what each is derived from
	errors   []RelationError
}

// membership is a group of watchers. Those derived from the same patterns share
// it, so that a thousand derived from everything cost one group.
type membership struct {
	key    string
	places []int // in the order of the board
	seen   mark
	depth  int // the place on the path of the member that is being visited
}

// mark is how far the search for cycles has come with a node.
type mark uint8

const (
	untouched mark = iota
	onPath
	done
)

func relate(watchers []Watcher) *relations {
	r := &relations{watchers: watchers, parents: map[int][]int{}, bases: map[int]*membership{}}
	if !slices.ContainsFunc(watchers, func(w Watcher) bool { return len(w.Needs) > 0 || w.Derive != nil }) {
		return r
	}
	ids := make([]ID, len(watchers))
	for i, w := range watchers {
		ids[i] = w.ID
	}
	index, shared := newIDIndex(ids), map[string]*membership{}
	for i, w := range watchers {
		if len(w.Needs) > 0 {
			r.parents[i] = r.pick(index, i, "needs", w.Needs)
		}
		if w.Derive != nil {
			r.bases[i] = r.basis(index, i, shared)
		}
	}
	r.cutCycles()
	return r
}

// basis gives the group that watcher i is derived from.
func (r *relations) basis(index idIndex, i int, shared map[string]*membership) *membership {
	var key strings.Builder
	itself := false
	for _, p := range r.watchers[i].Derive.Of {
		key.WriteString(string(p))
		key.WriteByte(0)
		itself = itself || p.Match(r.watchers[i].ID)
	}
	if itself { // its own group lacks it, and can be nobody else's
		key.WriteString(string(r.watchers[i].ID))
	}
	if m := shared[key.String()]; m != nil {
		return m
	}
	m := &membership{key: key.String(), places: r.pick(index, i, "of", r.watchers[i].Derive.Of)}
	shared[m.key] = m
	return m
}

// pick gives the places of whom patterns pick, in the order of the board. A
// pattern with a * never means the watcher itself.
func (r *relations) pick(index idIndex, i int, option string, patterns []Pattern) []int {
	var places []int
	for _, p := range patterns {
		picked := index.match(p)
		if !p.isID() {
			picked = slices.DeleteFunc(picked, func(place int) bool { return place == i })
		}
		if len(picked) == 0 {
			r.errors = append(r.errors, RelationError{Watcher: r.watchers[i], Option: option, Pattern: p})
		}
		places = append(places, picked...)
	}
	slices.Sort(places)
	return slices.Compact(places)
}

// cutCycles takes out every relation that closes a cycle.
func (r *relations) cutCycles() {
	c := cycles{relations: r, marks: make([]mark, len(r.watchers))}
	for i := range r.watchers {
		c.visit(i)
	}
}

// cycles is a walk from each watcher to those that it leans on, deepest first.
type cycles struct {
	*relations
	marks []mark
	path  []int
}

func (c *cycles) visit(i int) {
	if c.marks[i] != untouched {
		return
	}
	c.marks[i] = onPath
	c.path = append(c.path, i)
	if parents := c.parents[i]; parents != nil {
		c.parents[i] = slices.DeleteFunc(parents, func(p int) bool { return c.closes(i, p, "needs") })
	}
	switch m := c.bases[i]; {
	case m == nil || m.seen == done:
	case m.seen == onPath: // one of its members, the one that the walk went on to, leans on i
		c.cycle(i, c.path[m.depth], "of")
		c.bases[i] = &membership{key: m.key + string(c.watchers[i].ID), seen: done}
	default:
		m.seen, m.depth = onPath, len(c.path)
		m.places = slices.DeleteFunc(m.places, func(p int) bool { return c.closes(i, p, "of") })
		m.seen = done
	}
	c.path = c.path[:len(c.path)-1]
	c.marks[i] = done
}

// closes walks on to the watcher at place to, and tells whether it is on the
// path already.
func (c *cycles) closes(from, to int, option string) bool {
	if c.marks[to] != onPath {
		c.visit(to)
		return false
	}
	c.cycle(from, to, option)
	return true
}

// cycle notes that from leans on to, which the path led through.
func (c *cycles) cycle(from, to int, option string) {
	var cycle []ID
	for _, i := range c.path[slices.Index(c.path, to):] {
		cycle = append(cycle, c.watchers[i].ID)
	}
	cycle = append(cycle, c.watchers[to].ID)
	c.errors = append(c.errors, RelationError{Watcher: c.watchers[from], Option: option, Cycle: rotated(cycle, c.watchers[from].ID)})
}

// rotated gives the same cycle beginning and ending with id.
func rotated(cycle []ID, id ID) []ID {
	round := cycle[:len(cycle)-1]
	at := max(slices.Index(round, id), 0)
	return append(slices.Concat(round[at:], round[:at]), id)
}
