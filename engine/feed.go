package engine

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A feed is the life of a watcher's source: it calls it, again after a pause
// when it ends, and takes what it reports to the board.
type feed struct {
	engine *Engine
	entry  *entry

	// Guarded by the board's lock.
	cancel   context.CancelFunc
	fence    *time.Timer // gives it up; set when it was told to end
	dropped  bool        // its reports no longer count
	returned bool
	verdict  *Result // of the last event that had one; nil before
	silence  silence

	mu      sync.Mutex // guards what follows; taken before the board's lock
	life    uint64     // counts the calls of the source: what earlier ones still report is nothing
	reports reports
	fell    bool        // the source ended, and is not known to be back
	back    *time.Timer // counts it as back when it ends; nil while it is not connected
	awaits  Result      // what it then reports
	sendAt  time.Time   // not before this do reports reach the board
	send    *time.Timer // takes them there; nil if none wait
}

// startFeed begins the feed of en, which has none.
func (e *Engine) startFeed(en *entry) {
	ctx, cancel := context.WithCancel(e.runs)
	f := &feed{engine: e, entry: en, cancel: cancel}
	en.feed = f
	en.state.Source = &SourceState{}
	e.feeds++
	go f.live(ctx)
}

// endFeed tells en's feed to end; its reports count no more. The caller cancels
// when it has let go of the lock.
func (e *Engine) endFeed(f *feed) context.CancelFunc {
	if !f.dropped {
		f.dropped = true
		f.fence = time.AfterFunc(fenceGrace, f.giveUp)
	}
	return f.cancel
}

// giveUp lets go of a feed that did not end when it was told to.
func (f *feed) giveUp() {
	e, b := f.engine, f.engine.board
	b.mu.Lock()
	if f.returned || e.stopping { // shutdown has a grace of its own
		b.mu.Unlock()
		return
	}
	en := f.entry
	id := en.ID
	var changes []Transition
	switch {
	case en.gone:
	case en.Source == nil: // a check came in its place, and may be run beside it
		e.launchAgain(en)
	default:
		changes = b.take(en, overstayed())
		e.stir()
	}
	b.mu.Unlock()
	e.logger.Warn("source did not return after it was told to end", "id", id, "grace", fenceGrace)
	b.announce(changes)
}

// live is the feed's goroutine.
func (f *feed) live(ctx context.Context) {
	defer f.landed()
	for failures := 0; ctx.Err() == nil; failures++ {
		began := time.Now()
		f.mu.Lock()
		f.life++
		life := f.life
		f.mu.Unlock()
		source := f.source()
		if source == nil {
			return
		}
		err := <-source.perform(ctx, func(r Result) { f.report(life, judgedOrNone(r)) })
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= sourceLongEnough {
			failures = 0
		}
		pause := pauseAfter(failures)
		f.down(err, pause)
		select {
		case <-time.After(pause):
			f.retrying()
		case <-ctx.Done():
		}
	}
}

// source is that of the newest generation; nil once the feed was told to end.
func (f *feed) source() Source {
	b := f.engine.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if f.dropped {
		return nil
	}
	return f.entry.Source
}

// report takes one report of the source.
func (f *feed) report(life uint64, r Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if life != f.life {
		return
	}
	if r.Started.IsZero() {
		r.Started = time.Now().Add(-r.Elapsed)
	}
	if f.fell && r.Status == Pending {
		f.await(life, r)
		return
	}
	f.fell = false
	f.add(r)
}

// await counts a source that had ended as back once it has been connected for
// [sourceHolds].
func (f *feed) await(life uint64, r Result) {
	f.reports.events += r.Events
	f.reports.dropped += r.Dropped
	r.Events, r.Dropped = 0, 0
	f.awaits = r
	if f.back != nil {
		return
	}
	f.back = time.AfterFunc(sourceHolds, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if life == f.life && f.fell {
			f.fell, f.back = false, nil
			f.add(f.awaits)
		}
	})
}

// add takes a report: to the board at once if the one before is a while ago.
func (f *feed) add(r Result) {
	f.reports.add(r)
	if f.send != nil {
		return
	}
	if wait := time.Until(f.sendAt); wait > 0 {
		f.send = time.AfterFunc(wait, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.send != nil {
				f.flush()
			}
		})
		return
	}
	f.flush()
}

// flush takes what was reported to the board. f.mu is held, so that transitions
// are told in order.
func (f *feed) flush() {
	disarm(&f.send)
	f.sendAt = time.Now().Add(sourceWindow)
	q := &f.reports
	b := f.engine.board
	var changes []Transition
	b.mu.Lock()
	if !f.dropped && len(q.waiting) > 0 {
		changes = f.record(q)
	}
	b.mu.Unlock()
	clear(q.waiting)
	q.waiting, q.awaits, q.events, q.dropped = q.waiting[:0], nil, 0, 0
	b.announce(changes)
}

// record puts reports on the board, whose lock is held.
func (f *feed) record(q *reports) (changes []Transition) {
	b, en := f.engine.board, f.entry
	now, _ := f.engine.now()
	s := *en.state.Source
	wasUp := s.Up
	s.Up, s.Retry = true, time.Time{}
	s.Events += q.events
	s.Dropped += q.dropped
	if q.events > 0 {
		s.Last = now
	}
	if q.dropped > 0 {
		s.Lost = now
	}
	en.state.Source, en.state.Running = &s, true
	if !wasUp {
		f.silence.from = now
	}
	if q.awaits != nil {
		f.awaiting(*q.awaits, now)
	}
	if !wasUp && f.verdict != nil && q.waiting[0].Status == Pending {
		// Nothing is known of the time between, but it is watched again.
		changes = b.take(en, *f.verdict)
	}
	for _, r := range q.waiting {
		if r.Status == Pending {
			if f.verdict == nil {
				b.await(en, r, now)
			}
			continue
		}
		if f.engine.blurred(r) {
			continue
		}
		f.verdict, f.silence.from, f.silence.told = &r, now, false
		changes = append(changes, b.take(en, r)...)
	}
	en.state.Ended = s.Last
	f.listen(now)
	b.touch(en)
	f.engine.stir()
	return changes
}

// down says on the board that the source ended.
func (f *feed) down(err error, pause time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flush()
	f.fall()
	f.fell = true
	b, en := f.engine.board, f.entry
	b.mu.Lock()
	if f.dropped {
		b.mu.Unlock()
		return
	}
	s := *en.state.Source
	s.Up, s.Retry = false, time.Now().Add(pause)
	en.state.Source, en.state.Running = &s, false
	f.listen(time.Now())
	r := interrupted(err)
	r.Detail += fmt.Sprintf("; restarting in %d s", (pause+time.Second-1)/time.Second)
	r.Failure.Message = r.Detail
	changes := b.take(en, r)
	f.engine.stir()
	b.mu.Unlock()
	b.announce(changes)
}

// fall makes the feed ignore what the source still reports. f.mu is held.
func (f *feed) fall() {
	f.life++
	disarm(&f.back)
}

// disarm stops a timer, if it is set, and forgets it.
func disarm(t **time.Timer) {
	if *t != nil {
		(*t).Stop()
		*t = nil
	}
}

// retrying notes that the source is called again.
func (f *feed) retrying() {
	b, en := f.engine.board, f.entry
	b.mu.Lock()
	defer b.mu.Unlock()
	if f.dropped {
		return
	}
	s := *en.state.Source
	s.Retry = time.Time{}
	s.Restarts++
	en.state.Source = &s
	b.touch(en)
}

// landed notes that the feed ended, and lets its watcher begin anew if it waits
// for that.
func (f *feed) landed() {
	f.cancel()
	f.mu.Lock()
	f.fall()
	disarm(&f.send)
	f.mu.Unlock()
	e, en := f.engine, f.entry
	e.board.mu.Lock()
	defer e.board.mu.Unlock()
	f.returned = true
	f.listen(time.Now())
	if f.fence != nil {
		f.fence.Stop()
	}
	e.feeds--
	en.feed = nil
	e.launchAgain(en)
	e.noteDrained()
}
