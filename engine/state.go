package engine

import "time"

const (
	TrailLength      = 60   // runs remembered in a trail
	TransitionsKept  = 32   // transitions remembered for each watcher
	EvidenceMaxBytes = 8192 // text kept of one watcher's last result
)

// State is what is kept of a watcher: its last result, since when its status
// holds, its trail. It is a copy: readers may keep it.
type State struct {
	Status Status // the confirmed one; that of the last run is in Result
	// Since is when the status began; SinceApprox says that Pharos was not
	// watching all of that time ("~" on the board).
	Since       time.Time
	SinceApprox bool
	Shadow      ID           // of the watcher whose trouble explains this one's, see Watcher.Needs; "" = none
	Result      Result       // of the last run that counted; zero while pending
	Ended       time.Time    // when that ended; of a Source, when its last event came
	Confirming  Confirming   // a change of status that is not shown yet
	Trail       []Status     // of every run, confirmed or not; oldest first, at most TrailLength
	Transitions []Transition // oldest first, at most TransitionsKept
	Flips       []Flip       // with Confirm only, as Transitions do not tell them all; see Flicker
	Runs        uint64       // runs that counted
	Missed      uint64       // ticks dropped because the run before had not ended, or Pharos was late
	Late        bool         // the last tick was missed
	Running     bool         // a run is in flight; of a Source, that it is connected
	Next        time.Time    // when the next run is due; zero for a Source
	Rev         uint64       // the board's revision at which this state last changed
	Source      *SourceState // how the watcher's Source does; nil for one with a Check. Never written again
}

// Problem tells whether the state is one to look at: its status is a problem,
// and no other watcher's trouble explains it.
func (s *State) Problem() bool { return s.Status.Problem() && s.Shadow == "" }

// Stale tells whether the state is older at now than ttl allows.
func (s *State) Stale(now time.Time, ttl time.Duration) bool {
	at, ever := s.StaleAfter(ttl)
	return ever && now.After(at)
}

// StaleAfter gives the moment after which the state is older than ttl allows if
// nothing comes any more: counted from the last result, or, before the first one,
// from when the watcher was added (Since). A ttl of 0 allows any age; a watcher
// whose Source is down never goes stale, for that it is down is news.
func (s *State) StaleAfter(ttl time.Duration) (at time.Time, ever bool) {
	if ttl <= 0 || s.Source != nil && !s.Source.Up {
		return at, false
	}
	last := s.Ended
	if last.IsZero() {
		last = s.Since
	}
	return last.Add(ttl), true
}

// Transition is a change of a watcher's status.
type Transition struct {
	ID     ID
	Name   string
	From   Status
	To     Status
	At     time.Time
	Value  string
	Unit   string
	Detail string // bounded to one line
	Shadow ID     // State.Shadow at that moment
}
