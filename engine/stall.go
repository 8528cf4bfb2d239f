package engine

import "time"

// stallAfter is how long nothing may happen that is due before that is a stall
// of Pharos's own: any loss of more than a second is longer than this.
const stallAfter = time.Second - beat

// stall is what the schedule knows of moments in which Pharos itself stood
// still: stopped, suspended with its machine, or without time to run.
type stall struct {
	end  time.Duration // when the last one was noticed; 0 = never
	drop bool          // what was due in it is still to be dropped

	wall time.Time     // the wall clock when last looked at
	at   time.Duration // the schedule's clock then: when it or a run last did something
}

// now tells the time, and notices a stall, whoever looks first: the schedule, or a run that
// begins or ends. A stopped process finds the schedule's clock far ahead; the
// monotonic clock of a suspended machine stands still, and only the wall clock
// tells. A schedule that wakes late while runs begin and end is no stall but
// one that has more to do than it can: what it missed is counted tick by tick,
// and the rest runs.
func (e *Engine) now() (wall time.Time, now time.Duration) {
	wall = time.Now()
	now = wall.Sub(e.board.began)
	if e.stopping {
		return wall, now // the schedule sleeps for good
	}
	lost := now - max(e.wakeAt, e.stall.at)
	clock := wall.Round(0) // without its monotonic reading
	asleep := clock.Sub(e.stall.wall) - (now - e.stall.at)
	if e.stall.wall.IsZero() {
		asleep = 0
	}
	e.stall.wall, e.stall.at = clock, now
	if lost <= stallAfter && asleep <= stallAfter {
		return wall, now
	}
	e.stall.end = now
	for r := e.newest; r != nil; r = r.older {
		r.fence = max(r.fence, now+fenceGrace)
	}
	if lost > stallAfter {
		e.wakeAt, e.stall.drop = now, true
		e.logger.Warn("schedule stalled", "lost", lost)
	}
	if asleep > stallAfter {
		e.hasten(wall, now)
		e.logger.Warn("machine was suspended, or its clock set ahead", "lost", asleep)
	}
	return wall, now
}

// hasten plans a run soon for watchers whose next is far off: nobody knows what
// happened while the machine slept.
func (e *Engine) hasten(wall time.Time, now time.Duration) {
	for _, en := range e.board.entries {
		if !en.ticks() {
			continue
		}
		if first := en.tempo.first(now); first < en.next {
			e.plan(en, first, wall, now)
		}
	}
}

// spansStall tells whether a run saw a stall and ended badly: what took it long
// or broke it may have been the stall, which says nothing of the watched thing.
func (e *Engine) spansStall(r *run, status Status) bool {
	return e.stall.end != 0 && r.started < e.stall.end && status != OK
}

// blurred tells whether an event was judged while Pharos stood still and ran out
// of time: that says nothing of what is watched.
func (e *Engine) blurred(r Result) bool {
	return e.stall.end != 0 && r.Failure != nil && r.Failure.Kind == KindTimeout && r.Started.Sub(e.board.began) < e.stall.end
}
