package engine

import (
	"context"
	"time"
)

const (
	// beat is how often the schedule looks at the runs in flight. It also
	// bounds how long a stall can hide: the schedule sleeps no longer while
	// something runs.
	beat = 250 * time.Millisecond
	// crowdedPoll is how soon a crowded lane is looked at again; a run of it
	// that ends is reason to look at once.
	crowdedPoll = time.Millisecond
	longSleep   = time.Hour // when nothing is planned
	// feedSleep is as long as it sleeps beside sources: they report at any time,
	// and a stall must have been noticed before.
	feedSleep = time.Second
)

// schedule is the engine's part that is guarded by the board's lock.
type schedule struct {
	runs     context.Context // what runs derive theirs from
	agenda   agenda
	looks    looks
	waiting  waiting
	gate     gate
	pool     pool
	newest   *run // runs in flight
	running  int  // runs in flight that were not given up
	feeds    int  // sources that have not returned
	stopping bool

	wakeAt  time.Duration // when the schedule means to wake
	sweepAt time.Duration // when it looks at the runs in flight next
	stall
}

// step starts what is due and tells how long to sleep: 0 if there is more to
// start as soon as the gate lets it.
func (e *Engine) step() time.Duration {
	b := e.board
	b.mu.Lock()
	wall, now := e.now()
	for at, ok := e.agenda.earliest(); ok && at <= now; at, ok = e.agenda.earliest() {
		slot := e.agenda.take()
		for _, en := range slot.entries {
			if en.dueAt(slot.at) {
				e.tick(en, wall, now)
			}
		}
		e.agenda.free(slot)
	}
	e.lookAround(now)
	e.stall.drop = false
	e.pool.trim(now)
	posted := e.admit(now)
	var lost []Transition
	if now >= e.sweepAt {
		e.gate.adjust()
		lost = e.sweep(now)
	}
	e.wakeAt = now + longSleep
	if e.feeds > 0 {
		e.wakeAt = now + feedSleep
	}
	if at, ok := e.agenda.earliest(); ok {
		e.wakeAt = min(e.wakeAt, at)
	}
	if at, ok := e.looks.earliest(); ok {
		e.wakeAt = min(e.wakeAt, at)
	}
	if e.newest != nil {
		e.wakeAt = min(e.wakeAt, e.sweepAt)
	}
	sleep := e.wakeAt - now
	if e.waiting.n > 0 && e.running < e.maxRunning {
		sleep = min(sleep, crowdedPoll)
		if e.waiting.next() != nil {
			sleep = 0
		}
	}
	b.mu.Unlock()

	for _, p := range posted {
		e.dispatch(p)
	}
	if len(lost) > 0 {
		b.announce(lost)
	}
	return sleep
}

// plan sets en's next run and puts it on the agenda. After a burst the grid's tick
// may stand there already.
func (e *Engine) plan(en *entry, next time.Duration, wall time.Time, now time.Duration) {
	there := next == en.passed
	en.next, en.burst, en.passed = next, false, never
	en.state.Next = wall.Add(next - now)
	if !there {
		e.agenda.put(en)
	}
}

// enter lets a new en begin: its first run at its time, its source at once, a
// derived one when there is something to see.
func (e *Engine) enter(en *entry, wall time.Time, now time.Duration) {
	en.opening = en.Source == nil // see keepTime
	switch {
	case en.Source != nil:
		e.startFeed(en)
	case en.Derive != nil:
		en.next = now + settleWithin
		e.agenda.put(en)
	default:
		e.plan(en, en.tempo.first(now), wall, now)
	}
}

// launch starts en as what it is now: a run at once, or its source, as soon as
// the one before has gone.
func (e *Engine) launch(en *entry) {
	switch {
	case en.run != nil, en.Source != nil && en.feed != nil:
		en.again = true
	case en.Source != nil:
		e.startFeed(en)
	default:
		e.enqueue(en, e.board.clock())
		e.wake()
	}
}

// launchAgain launches en if it waited for what ran before to go.
func (e *Engine) launchAgain(en *entry) {
	if en.again && !en.gone && !e.stopping {
		en.again = false
		e.launch(en)
	}
}

// tick takes up what is due of en, or drops and counts it: no tick is ever
// made up for.
func (e *Engine) tick(en *entry, wall time.Time, now time.Duration) {
	if en.Derive != nil {
		e.settle(en, now)
		return
	}
	b := e.board
	due, lost := en.next, uint64((now-en.next)/en.Interval)
	burst := en.burst
	switch {
	case e.stall.drop:
		b.miss(en, lost+1)
		b.lag.dropped(now, now-due)
		e.plan(en, en.tempo.first(now+1), wall, now)
		return
	case en.run != nil:
		b.miss(en, lost+1)
	case en.queued:
		b.miss(en, lost+1)
		b.lag.dropped(now, now-en.due)
	default:
		if lost > 0 {
			b.miss(en, lost)
			b.lag.dropped(now, now-due)
		}
		e.enqueue(en, due+time.Duration(lost)*en.Interval)
	}
	next := en.tempo.following(due, now)
	if burst {
		next = en.tempo.afterBurst(now)
	}
	e.plan(en, next, wall, now)
}

// enqueue lets en wait for leave to start.
func (e *Engine) enqueue(en *entry, due time.Duration) {
	en.due, en.queued = due, true
	e.waiting.push(en)
}

// admit makes runs of those waiting, first come first served, as many as may
// start now.
func (e *Engine) admit(now time.Duration) []posting {
	if e.waiting.n == 0 {
		return nil
	}
	var posted []posting
	for n := e.gate.leave(e.running, now); n > 0 && e.running < e.maxRunning; n-- {
		en := e.waiting.pop()
		if en == nil {
			break
		}
		if en.gone || !en.queued || en.run != nil {
			continue // it left, or has a source or a run by now
		}
		r := &run{entry: en, check: en.Check, lane: en.Lane, timeout: en.Timeout, due: en.due, started: -1}
		e.waiting.enter(r.lane)
		r.older = e.newest
		if e.newest != nil {
			e.newest.newer = r
		}
		e.newest = r
		en.run, en.queued, en.again, en.state.Running = r, false, false, true
		e.running++
		e.gate.started = now
		posted = append(posted, posting{r, e.pool.take()})
	}
	return posted
}

// sweep gives up the runs that did not return in time.
func (e *Engine) sweep(now time.Duration) []Transition {
	var changes []Transition
	e.sweepAt = now + beat
	for r := e.newest; r != nil; r = r.older {
		switch {
		case r.started < 0 || r.stuck:
		case now < r.fence:
			e.sweepAt = min(e.sweepAt, r.fence)
		default:
			r.stuck = true
			e.running--
			if r.dropped {
				e.release(r)
				continue
			}
			result := overran(r.timeout, now-r.started-r.timeout)
			result.Elapsed = now - r.started
			result.Started = time.Now().Add(-result.Elapsed)
			changes = append(changes, e.board.record(r.entry, result, true)...)
		}
	}
	return changes
}
