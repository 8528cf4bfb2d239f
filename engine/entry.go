package engine

import (
	"cmp"
	"time"
)

// An entry is one watcher on the board: what it is, what was seen of it, and
// when it runs next. All of it is guarded by the board's lock.
type entry struct {
	Watcher // with defaults filled in

	state        State // Trail and Transitions are ring windows: see remember
	saved        *Saved
	set          string   // the name of its set
	newer, older *entry   // its neighbours in the order of changes
	seen         []Status // of the last runs, where a change has to be confirmed
	unheld       bool     // its next verdict is shown at once, see confirm

	kin
	sight  sight    // of a derived one
	veiled standing // when it came out of a shadow, which is told when it has run; zero = nothing is to be told

	tempo   tempo
	next    time.Duration // the tick planned in the agenda
	due     time.Duration // the tick it is queued or in flight for
	run     *run          // in flight; kept until it has returned, also when it was given up
	burst   bool          // a run asked for next, which is not on the grid
	passed  time.Duration // of a burst: the grid's tick after it, which the agenda still has; else never
	feed    *feed         // of its source; kept until that has returned
	queued  bool          // due, and waiting for leave to start
	again   bool          // start anew as soon as the run in flight, or the feed, has gone
	opening bool          // its first run is still to come, or under way
	edited  bool          // its verdict is of another definition: it is about to run
	tripped bool          // a tick was missed since the last run that counted began
	gone    bool          // no longer on the board
}

func newEntry(w Watcher, now time.Time) *entry {
	en := &entry{Watcher: w, state: State{Since: now}}
	en.keepTime()
	return en
}

// keepTime makes the tempo of what the watcher is now.
func (en *entry) keepTime() {
	en.next, en.passed, en.state.Next, en.state.Source = never, never, time.Time{}, nil
	en.state.Running = en.run != nil && en.Source == nil // not connected any more, or not yet
	if en.Source != nil {
		en.state.Source, en.opening = &SourceState{}, false // a first event may never come
	} else if en.ticks() {
		en.tempo = newTempo(en.ID, en.Interval)
	}
}

// never is the next tick of a watcher that has none planned.
const never = -1

// dueAt tells whether at is still the tick that en is planned for.
func (en *entry) dueAt(at time.Duration) bool { return !en.gone && en.next == at }

// view copies the entry for readers. The trail and the transitions are shared:
// what a reader can see of them is never written again.
func (en *entry) view() View {
	return View{
		ID: en.ID, Name: en.Name, Set: en.set, Interval: en.Interval, Timeout: en.Timeout, TTL: en.TTL,
		Place: en.Place, State: en.state,
	}
}

// settle takes a result in and gives the change of the status that is shown, none
// or one.
func (en *entry) settle(r Result, now time.Time) []Transition {
	s := &en.state
	from := s.Status
	en.flip(s.Result.Status, r.Status, now)
	s.Result, s.Ended, s.Status = r, now, en.confirm(r.Status)
	if s.Source != nil {
		s.Ended = s.Source.Last // that it ended, or is quiet, is no event
	}
	s.Runs++
	s.Trail = remember(s.Trail, r.Status, TrailLength)
	if from == s.Status {
		return nil
	}
	s.Since, s.SinceApprox = now, false
	s.Shadow = en.shadow()
	if saved := en.saved; saved != nil && from == Pending {
		en.saved = nil
		if saved.Status == s.Status {
			s.Since, s.SinceApprox = saved.Since, saved.Approx || now.Sub(saved.Ended) > cmp.Or(en.TTL, settleWithin)
		}
	}
	t := Transition{
		ID: en.ID, Name: en.Name, From: from, To: s.Status, At: now,
		Value: r.Value, Unit: r.Unit, Detail: oneLine(r.Detail), Shadow: s.Shadow,
	}
	s.Transitions = remember(s.Transitions, t, TransitionsKept)
	return []Transition{t}
}

// remember appends v and keeps the last n. The window slides over an array
// whose elements are written once: windows handed out earlier stay as they
// were, without being copied.
func remember[T any](window []T, v T, n int) []T {
	if len(window) == n {
		window = window[1:]
	}
	return append(window, v)
}
