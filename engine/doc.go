// Package engine is the domain of Pharos: watchers, the schedule they run on,
// the results their runs give, and the board that keeps what was last seen.
//
// It imports the standard library only. It knows nothing of Lua, of HTTP or of
// the page: a watcher is a name, an interval and a [Check], a function of a
// context that gives a [Result]; or a name and a [Source], which reports results
// by itself. Everything else is scheduling and memory.
//
// One run, from end to end: the schedule finds a watcher due, calls its Check
// with a context that carries the run's deadline, fences panics and overruns,
// and hands the Result to the [Board], which keeps status, since, trail and
// transitions and counts the revision up. Readers pull what changed since the
// revision they know ([Board.Changes]), so that a slow reader can never hold
// up a run, and never needs a queue.
//
// Watchers may lean on each other. One that needs another ([Watcher.Needs]) is
// in its shadow, and no problem, while that is in trouble; one that is derived
// from others ([Derive]) runs when they change. Both follow in the moment in
// which a status does, at the cost of those who lean on it, and whatever asks
// for the board finds it whole.
//
// Three things are never mistaken for what is watched. A machine that is full:
// runs start only as fast as cores and scripts take them up ([Lane]), and ticks
// beyond that are dropped, counted and shown ([Lag]), not queued twice. A
// process that stood still: verdicts of runs that saw it do not count. And a
// check that broke, hung or could not look: its run is unknown, not critical
// ([Blameless]).
package engine
