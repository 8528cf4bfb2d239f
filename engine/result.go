package engine

import "time"

// Result is what one run produced. All text in it is from outside and
// untrusted: the board bounds it, and it is escaped where it leaves.
type Result struct {
	Status Status
	Value  string // the short text on the tile
	Unit   string // "s", "ms", "days": shown small behind the value
	Detail string // longer text for drill-down
	Link   string // an http or https URL, or empty

	Failure *Failure // why there is no good verdict; nil when there is one
	Timing  []Phase  // disjoint phases of the last timed request, in order; they sum to its total
	Output  string   // what the command printed, the page's first lines
	Log     []string // what the script logged in this run
	Cells   []Cell   // the results that this one was merged of; nil for a run of its own

	// Again asks for the next run so long after the start of this one, at least
	// MinInterval and never past the interval; 0 does not ask.
	Again time.Duration

	Started time.Time     // set by the engine
	Elapsed time.Duration // set by the engine: how long the run took

	// Queued is for how long the run waited for Pharos itself, after its start:
	// for leave to start a command. It counts as being late.
	Queued time.Duration

	// Of a report of a [Source]: how many events came since the report before,
	// and how many of them were dropped unseen.
	Events, Dropped uint64
	// Absent tells of a report without a verdict that there is nothing to listen to
	// yet, a file that is still to come: the source is in order all the same.
	Absent bool
}

// Failure is the evidence of a run that could not give a good verdict: a
// primitive's error (Kind and Phase set) or a script's (File, Line and Trace
// set).
type Failure struct {
	Message string `json:"message"`
	Kind    string `json:"kind,omitempty"`  // timeout, dns, refused, ... as package probe names them; "script" for a script's own error
	Phase   string `json:"phase,omitempty"` // the phase a timed request was in
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Trace   string `json:"trace,omitempty"` // traceback, script lines only
}

// Phase is one part of a timed request.
type Phase struct {
	Name     string        // blocked, dns, connect, tls, send, wait, receive, or a step's name
	Duration time.Duration // 0 or more
}

// Kinds of failure that say nothing of the watched thing: Pharos, its machine
// or its vantage failed. A run that ends in one of them is unknown, whichever
// way it arrived.
const (
	KindOverload  = "overload"  // out of fds, processes or memory
	KindCancelled = "cancelled" // the run was cancelled: reload or shutdown
	KindSpawn     = "spawn"     // the command could not be started at all
	KindAuth      = "auth"      // credentials missing or refused by the vantage
	KindVantage   = "vantage"   // the host to look from could not be reached
	KindMissed    = "missed"    // the check never began: the run counts as a missed tick, and is no result
	KindReplaced  = "replaced"  // as missed, since the check's configuration is closed: the run is made anew with the newest check
	KindTimeout   = "timeout"   // the watched thing took too long: critical, not one of Blameless
	KindScript    = "script"    // the script itself broke
	KindPanic     = "panic"     // Pharos's own code broke
	KindStuck     = "stuck"     // the check did not return, long after its deadline
)

// Missed tells whether the check never began, so that this says nothing.
func (r *Result) Missed() bool {
	return r.Failure != nil && r.Failure.Kind == KindMissed || r.replaced()
}

func (r *Result) replaced() bool { return r.Failure != nil && r.Failure.Kind == KindReplaced }

// Blameless tells whether a failure of this kind says nothing of the watched
// thing, so that the run is unknown and never critical.
func Blameless(kind string) bool {
	switch kind {
	case KindOverload, KindCancelled, KindSpawn, KindAuth, KindVantage, KindMissed, KindReplaced, KindScript, KindPanic, KindStuck:
		return true
	}
	return false
}
