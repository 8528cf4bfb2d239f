package engine

import (
	"cmp"
	"context"
	"time"
)

// Check is what a run calls. It must return soon after its context ends, whose
// deadline is the run's.
//
// An error is no verdict: the run is unknown, with the error's text; so is a run
// whose Check panics. With the status [Pending] the run leaves the board as it is.
// With a failure of kind [KindMissed] the Check never began and the run counts as
// a missed tick; with [KindReplaced] the newest Check is called in its place.
type Check func(ctx context.Context) (Result, error)

// Watcher is a named thing that is watched: one tile of the board. It has either
// a Check, called on a schedule, or a Source, which reports by itself.
type Watcher struct {
	ID   ID
	Name string
	// Definition is a hash of all that makes the watcher what it is. Equal id
	// and equal definition across a reload is the same watcher: its schedule,
	// state and run in flight go on.
	Definition string
	Interval   time.Duration // start of a run to the start of the next; at least 50 ms; 0 with a Source
	Timeout    time.Duration // longest a run may take; 0 = min(Interval, 10 s)
	TTL        time.Duration // age of the last result at which the tile is stale; 0 = 3 x Interval + Timeout, with a Source never
	Place      Place         // where the watcher is defined
	Check      Check
	Source     Source
	Quiet      Quiet // what the silence of the Source is worth
	Lane       Lane  // what its runs take turns in; nil = nothing
	// Released, where it is set, is called once when the watcher of a [Discovery]
	// will not be called any more, a run in flight excepted: it left the board,
	// another took its place, or it never came on it. gone tells that nobody has
	// its id now.
	Released func(gone bool)
	Confirm  Confirm // how often a change of status is seen before it is shown
	Derive   *Derive // makes it one that runs when others change; nil = runs by its interval
	// Needs are the watchers that this one cannot be well without: while one of
	// them is critical or unknown, this one is in its shadow, and no problem. So
	// is trouble of this one before their first run has ended.
	Needs []Pattern
}

// Place is a place in a script, the file's name as the script's author knows
// it.
type Place struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// Set is a named, ordered group of watchers: one section of the board. The
// unnamed set has no heading.
type Set struct {
	Name     string
	Watchers []Watcher
	Discover *Discovery // finds more members while the engine runs; nil = nobody does
}

// Generation is one successfully loaded configuration.
type Generation struct {
	Number   uint64 // 1 for the first
	LoadedAt time.Time
	PageTag  string // the line beside the product's name
	Sets     []Set
}

// LoadError says why a configuration was not taken. File and Line are empty
// and 0 where the error has no place in a script.
type LoadError struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Message string `json:"message"`
}

const (
	MinInterval     = 50 * time.Millisecond
	DefaultInterval = 2 * time.Second
	MaxTimeout      = 10 * time.Second // the default timeout's upper bound
)

// ticks tells whether the watcher is run by its interval.
func (w *Watcher) ticks() bool { return w.Source == nil && w.Derive == nil }

// looksAs tells whether readers see the same of both, beside what their runs give.
func (w *Watcher) looksAs(o *Watcher) bool {
	return w.Name == o.Name && w.Interval == o.Interval && w.Timeout == o.Timeout && w.TTL == o.TTL
}

// WithDefaults fills the zero fields of w in: Interval [DefaultInterval],
// Timeout min(Interval, [MaxTimeout]), TTL 3 x Interval + Timeout. With a Source
// there is no Interval, the Timeout is that of the default one, and TTL stays:
// what is quiet is not broken. So with Derive, and no TTL either.
func (w Watcher) WithDefaults() Watcher {
	if !w.ticks() {
		w.Interval = 0
		w.Timeout = cmp.Or(w.Timeout, DefaultInterval)
		if w.Derive != nil {
			w.TTL = 0
		}
		return w
	}
	w.Interval = max(cmp.Or(w.Interval, DefaultInterval), MinInterval)
	w.Timeout = cmp.Or(w.Timeout, min(w.Interval, MaxTimeout))
	w.TTL = cmp.Or(w.TTL, 3*w.Interval+w.Timeout)
	return w
}
