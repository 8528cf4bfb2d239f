package engine

import "time"

// runAgain grants what a run that ended at now asked for with [Result.Again]:
// that its watcher runs anew so long after the start of this run, as intervals
// are counted. One that took longer than that is followed at the next multiple.
func (e *Engine) runAgain(r *run, after time.Duration, wall time.Time, now time.Duration) {
	en := r.entry
	if after <= 0 || en.Derive != nil || en.gone || e.stopping {
		return
	}
	after = max(after, MinInterval)
	g := grid(after)
	next := r.started + after + (now-r.started)/after*after
	next = (next + g - 1) / g * g
	if next >= en.next {
		return
	}
	tick := en.next
	if en.burst {
		tick = en.passed
	}
	e.plan(en, next, wall, now)
	en.burst, en.passed = true, tick
	e.wake()
}

// afterBurst gives the tick after a run off the grid that was asked for: the
// grid's next, unless that is so near that it would be the same run twice.
func (p tempo) afterBurst(now time.Duration) time.Duration { return p.from(now + MinInterval) }
