package engine

import (
	"context"
	"slices"
	"time"
)

// trimEvery is how often workers end that nobody needed meanwhile.
const trimEvery = 10 * time.Second

// A worker is a goroutine that does one run after the other: a fresh one would
// grow its stack anew for each, which cost half of an empty run.
type worker struct {
	next chan *run // of one; nil ends the worker
}

// posting is a run and who is to do it, nil for a new worker.
type posting struct {
	run    *run
	worker *worker
}

// pool holds the workers that rest, the last to rest on top.
type pool struct {
	resting []*worker
	low     int // fewest that rested since the last trim
	trimAt  time.Duration
}

// take gives a worker that rests, nil if there is none.
func (p *pool) take() *worker {
	last := len(p.resting) - 1
	if last < 0 {
		return nil
	}
	w := p.resting[last]
	p.resting[last] = nil
	p.resting = p.resting[:last]
	p.low = min(p.low, last)
	return w
}

// trim ends the workers that were not needed since the last time.
func (p *pool) trim(now time.Duration) {
	if now < p.trimAt {
		return
	}
	p.end(p.low)
	p.low, p.trimAt = len(p.resting), now+trimEvery
}

// end ends n workers, those that rested longest.
func (p *pool) end(n int) {
	for _, w := range p.resting[:n] {
		w.next <- nil
	}
	p.resting = slices.Delete(p.resting, 0, n)
}

// rest puts w, which is about to wait for its next run, among the resting.
func (e *Engine) rest(w *worker) {
	switch {
	case w == nil:
	case e.stopping:
		w.next <- nil
	default:
		e.pool.resting = append(e.pool.resting, w)
	}
}

// dispatch hands a run to its worker.
func (e *Engine) dispatch(p posting) {
	if p.worker == nil {
		p.worker = &worker{next: make(chan *run, 1)}
		go e.work(p.worker)
	}
	p.worker.next <- p.run
}

// work is a worker's goroutine.
func (e *Engine) work(w *worker) {
	for r := range w.next {
		if r == nil {
			return
		}
		e.fly(r, w)
	}
}

// fly does one run.
func (e *Engine) fly(r *run, w *worker) {
	ctx, ok := e.begin(r, w)
	if !ok {
		return
	}
	result, returned := Result{}, false
	defer func() {
		if !returned { // runtime.Goexit: the goroutine goes, its deferred calls still run
			result, w = failed(errNoReturn, KindPanic), nil
		}
		e.finish(r, result, w)
	}()
	result = perform(ctx, r.check)
	if result.replaced() {
		result = perform(ctx, e.newestCheck(r))
	}
	returned = true
}

// begin starts the run's clock: only now, so that what it waited for the machine
// is not taken from its timeout. A run that was dropped meanwhile does not begin.
func (e *Engine) begin(r *run, w *worker) (context.Context, bool) {
	b := e.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.waiting.entered(r.lane) {
		e.wake()
	}
	if r.dropped || e.runs.Err() != nil {
		e.land(r)
		e.rest(w)
		return nil, false
	}
	r.renew()
	_, now := e.now()
	r.started = now
	r.fence = now + r.timeout + fenceGrace
	r.entry.tripped = false
	b.lag.started(now, now-r.due)
	ctx, cancel := context.WithTimeout(e.see(e.runs, r.entry), r.timeout)
	r.cancel = cancel
	return ctx, true
}

// newestCheck gives the check of r's watcher as the newest configuration has it:
// the one that r was let in with may be closed by now.
func (e *Engine) newestCheck(r *run) Check {
	e.board.mu.Lock()
	defer e.board.mu.Unlock()
	r.renew()
	return r.check
}

func (r *run) renew() {
	if check := r.entry.Check; check != nil {
		r.check = check
	}
}

// finish takes the result of a run that returned, and lets its worker rest; w
// is nil if that ended with the run.
func (e *Engine) finish(r *run, result Result, w *worker) {
	r.cancel()
	b, en := e.board, r.entry
	b.mu.Lock()
	wall, now := e.now()
	result.Elapsed = now - r.started
	result.Started = wall.Add(-result.Elapsed)
	if en.run == r { // readers that see what it came to must not see it in flight
		en.state.Running = false
	}
	var changes []Transition
	switch {
	case r.dropped || e.runs.Err() != nil:
	case r.stuck:
		if en.run == r {
			b.touch(en)
		}
	case result.Missed() || e.spansStall(r, result.Status):
		if result.Missed() {
			b.lag.dropped(now, now-r.due)
		}
		if en.Derive != nil {
			en.overlook()
			break
		}
		b.miss(en, 1)
	case result.Status == Pending:
		b.touch(en)
		b.renewed(en)
		b.opened(en)
		e.runAgain(r, result.Again, wall, now)
	default:
		if result.Queued > time.Millisecond {
			b.lag.started(now, r.started-r.due+result.Queued)
		}
		changes = b.record(en, result, r.late(result.Queued))
		e.runAgain(r, result.Again, wall, now)
	}
	if len(changes)+len(b.reshaded) > 0 { // before the watcher may run again, so that its transitions are told in order
		b.mu.Unlock()
		b.announce(changes)
		b.mu.Lock()
	}
	e.land(r)
	e.rest(w)
	b.mu.Unlock()
}

// late tells whether the run began too late to stand for its tick, counting what
// it waited for Pharos after its start, or ticks were missed while it ran. One of
// a derived watcher has no tick: it saw all there was, however late it began.
func (r *run) late(queued time.Duration) bool {
	en := r.entry
	return en.Derive == nil && (en.tripped || r.started-r.due+queued > en.Interval/2)
}

// land takes a run that returned out of those in flight.
func (e *Engine) land(r *run) {
	if r.newer != nil {
		r.newer.older = r.older
	} else {
		e.newest = r.older
	}
	if r.older != nil {
		r.older.newer = r.newer
	}
	if !r.stuck {
		e.running--
	}
	e.release(r)
	e.stir()
	if e.stopping {
		if !r.stuck {
			e.noteDrained()
		}
	} else if e.waiting.n > 0 && (e.running == e.maxRunning-1 || r.lane != nil) {
		e.wake()
	}
}

// release frees r's watcher for its next run.
func (e *Engine) release(r *run) {
	en := r.entry
	if en.run != r {
		return
	}
	en.run, en.state.Running = nil, false
	if g := en.basis; g != nil && g.outdated(en) {
		e.board.look(g)
	}
	e.launchAgain(en)
}

// noteDrained tells who stops the engine when nothing is in flight any more.
func (e *Engine) noteDrained() {
	if e.stopping && e.running+e.feeds == 0 {
		close(e.drained)
	}
}
