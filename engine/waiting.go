package engine

import (
	"cmp"
	"slices"
)

// A Lane is what the runs of some watchers take turns in: a script's, since
// only one of its runs can compute at a time.
type Lane interface {
	// Crowded tells that a run begun now would only stand in line in its own
	// time, and end in its timeout if the line is long: its watcher had better
	// wait with the engine. It is called often, with the engine's lock held: it
	// must be quick and must not call the engine.
	Crowded() bool
}

// enteringMost is how many runs of a lane are let in before the first of them
// begins: a few, so that the schedule need not be woken for each.
const enteringMost = 4

// waiting holds the watchers that are due and wait for leave to start: one
// line for each lane, so that a crowded one holds up nobody else. The zero
// value is empty and ready to use.
type waiting struct {
	n     int
	lines map[Lane]*line
	open  []*line // the lines, in no order; never empty ones

	// entering counts each lane's runs that were let in and have not begun. The
	// lane cannot count those yet: without a bound, as many of them as there are
	// cores would be too many.
	entering map[Lane]int
}

// line is first in, first out.
type line struct {
	lane    Lane // nil for watchers of none
	entries []*entry
	head    int
}

func (w *waiting) push(en *entry) {
	l := w.lines[en.Lane]
	if l == nil {
		l = &line{lane: en.Lane}
		if w.lines == nil {
			w.lines = make(map[Lane]*line)
		}
		w.lines[en.Lane] = l
		w.open = append(w.open, l)
	}
	if l.head > 0 && len(l.entries) == cap(l.entries) {
		n := copy(l.entries, l.entries[l.head:])
		clear(l.entries[n:])
		l.entries, l.head = l.entries[:n], 0
	}
	l.entries = append(l.entries, en)
	w.n++
}

// enter notes that a run of lane was let in.
func (w *waiting) enter(lane Lane) {
	if lane == nil {
		return
	}
	if w.entering == nil {
		w.entering = make(map[Lane]int)
	}
	w.entering[lane]++
}

// entered notes that a run of lane that was let in has begun, or never will. It
// tells whether somebody may have waited for that.
func (w *waiting) entered(lane Lane) bool {
	if lane == nil {
		return false
	}
	n := w.entering[lane]
	if n > 1 {
		w.entering[lane] = n - 1
	} else {
		delete(w.entering, lane)
	}
	return n == enteringMost && w.n > 0
}

// pop gives who was due first of those whose lane has room, nil if there is none.
func (w *waiting) pop() *entry {
	l := w.next()
	if l == nil {
		return nil
	}
	en := l.entries[l.head]
	l.entries[l.head] = nil
	l.head++
	w.n--
	if l.head == len(l.entries) {
		w.drop(l)
	}
	return en
}

// next gives the line to take from.
func (w *waiting) next() *line {
	var first *line
	for _, l := range w.open {
		if l.lane != nil && (w.entering[l.lane] >= enteringMost || l.lane.Crowded()) {
			continue
		}
		if first == nil || l.entries[l.head].due < first.entries[first.head].due {
			first = l
		}
	}
	return first
}

// regroup puts everybody into the line of the lane that they have now, and lets
// go of who no longer waits. A reload may give watchers another lane, and the one
// they waited in may stay crowded for good: its script was loaded afresh because
// it never came back.
func (w *waiting) regroup() {
	var all []*entry
	for _, l := range w.open {
		all = append(all, l.entries[l.head:]...)
	}
	slices.SortStableFunc(all, func(a, b *entry) int { return cmp.Compare(a.due, b.due) })
	*w = waiting{entering: w.entering}
	for _, en := range all {
		if en.queued && !en.gone {
			w.push(en)
		}
	}
}

// drop takes an emptied line away: its lane may never come again.
func (w *waiting) drop(l *line) {
	delete(w.lines, l.lane)
	w.open = slices.DeleteFunc(w.open, func(other *line) bool { return other == l })
}
