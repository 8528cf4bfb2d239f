// Package engine is the domain of Pharos: watchers, the schedule they run on,
// the results their runs give, and the board that keeps what was last seen.
//
// It imports the standard library only. It knows nothing of Lua, of HTTP or of
// the page: a watcher is a name, an interval and a [Check], a function of a
// context that gives a [Result]. Everything else is scheduling and memory.
//
// One run, from end to end: the schedule finds a watcher due, calls its Check
// with a context that carries the run's deadline, fences panics and overruns,
// and hands the Result to the [Board], which keeps status, since, trail and
// transitions and counts the revision up. Readers pull what changed since the
// revision they know ([Board.Changes]), so that a slow reader can never hold
// up a run, and never needs a queue.
package engine
