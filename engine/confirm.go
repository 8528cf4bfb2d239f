package engine

import (
	"iter"
	"slices"
	"time"
)

// Confirm holds a change of status back until it was seen in Seen of the last
// Of runs. The zero Confirm, and a Seen of 1, hold nothing back. Nor is the first
// result of a definition held back, nor the end of a [Source]: no event comes then
// that could confirm it. So the first event after that is shown at once as well.
type Confirm struct {
	Seen int
	Of   int // Seen to [TrailLength]; 0 = Seen: runs in a row
}

// Confirming tells of a change of status that is being held back.
type Confirming struct {
	Status Status // of the last run
	Seen   int    // runs that count already
	Needed int    // runs that are needed; 0 = nothing is held back
}

// A Flip is a change from one run's status to the next one's, confirmed or not.
type Flip struct {
	At       time.Time
	From, To Status
}

func (c Confirm) on() bool { return c.Seen > 1 }

// confirm takes the status of a run in and gives the one to show.
//
// A status counts as seen by every run that was it or went beyond it: warning,
// critical, warning is three times worse than ok, and no reason to go on
// showing ok. So the status shown is the one farthest from the last that enough
// runs have reached.
func (en *entry) confirm(run Status) Status {
	s := &en.state
	shown := s.Status
	s.Confirming = Confirming{}
	blind := s.Source != nil && !s.Source.Up
	if !en.Confirm.on() || shown == Pending || blind || en.unheld {
		en.unheld, en.seen = blind, en.seen[:0]
		return run
	}
	en.seen = append(en.seen, run)
	if over := len(en.seen) - max(en.Confirm.Of, en.Confirm.Seen); over > 0 {
		en.seen = slices.Delete(en.seen, 0, over)
	}
	if run == shown {
		return shown
	}
	beyond := Status.Worse // tells whether one is farther from what is shown than the other
	if shown.Worse(run) {
		beyond = func(s, other Status) bool { return other.Worse(s) }
	}
	reached := func(status Status) (n int) {
		for _, s := range en.seen {
			if s == status || beyond(s, status) {
				n++
			}
		}
		return n
	}
	status := shown
	for _, s := range Statuses() {
		if beyond(s, status) && reached(s) >= en.Confirm.Seen {
			status = s
		}
	}
	if status != shown { // what was seen on the other side is no sign of going back there
		en.seen = slices.DeleteFunc(en.seen, func(s Status) bool { return beyond(status, s) })
	}
	if status != run {
		more := en.Confirm.more(en.seen, func(s Status) bool { return beyond(s, status) })
		s.Confirming = Confirming{Status: run, Seen: en.Confirm.Seen - more, Needed: en.Confirm.Seen}
	}
	return status
}

// more tells how many more runs that count are needed after those in seen: what
// will have dropped out by then no longer helps.
func (c Confirm) more(seen []Status, counts func(Status) bool) int {
	for more := 1; ; more++ {
		n := more
		for _, s := range seen[max(0, len(seen)+more-max(c.Of, c.Seen)):] {
			if counts(s) {
				n++
			}
		}
		if n >= c.Seen {
			return more
		}
	}
}

// flip remembers a change between runs where transitions do not tell it.
func (en *entry) flip(from, to Status, at time.Time) {
	if from != to && from != Pending && en.Confirm.on() {
		en.state.Flips = remember(en.state.Flips, Flip{at, from, to}, TransitionsKept)
	}
}

// reconfirm follows a change of the watcher's Confirm from was.
func (en *entry) reconfirm(was Confirm) {
	if en.Confirm == was {
		return
	}
	s := &en.state
	en.seen, s.Confirming = nil, Confirming{}
	switch {
	case !en.Confirm.on():
		s.Flips = nil
	case !was.on():
		for _, t := range s.Transitions {
			en.flip(t.From, t.To, t.At)
		}
	}
}

// Flicker walks over the changes from run to run that are remembered, newest
// first, also those that were not confirmed.
func (s *State) Flicker() iter.Seq[Flip] {
	return func(yield func(Flip) bool) {
		for _, f := range slices.Backward(s.Flips) {
			if !yield(f) {
				return
			}
		}
		if s.Flips != nil {
			return
		}
		for _, t := range slices.Backward(s.Transitions) {
			if !yield(Flip{t.At, t.From, t.To}) {
				return
			}
		}
	}
}
