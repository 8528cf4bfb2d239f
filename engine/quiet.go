package engine

import (
	"fmt"
	"time"
)

// Quiet says what the silence of a [Source] is worth. By its zero value it is
// worth nothing: the watcher is pending before the first verdict, and each stands
// until the next.
type Quiet struct {
	Good  bool          // a source that is connected and has no verdict yet is well, with the value "quiet"
	After time.Duration // and so it is again, so long after its last verdict; 0 = that stands
}

// saidNothing is the result of a source that is good while it is quiet.
func saidNothing(detail string) Result {
	return Result{Status: OK, Value: "quiet", Detail: detail}
}

// A silence is what a feed knows of its source's. It is guarded by the board's
// lock.
type silence struct {
	awaits Result      // the last report without a verdict
	from   time.Time   // connected since, or the last verdict
	told   bool        // the verdict is that it is quiet
	timer  *time.Timer // tells it; nil if it is not planned
}

// due tells when the silence has lasted long enough to be told, if it is worth
// that. What came while Pharos stood still has a moment to be read first.
func (f *feed) due() (at time.Time, ok bool) {
	quiet, s := f.entry.Quiet, &f.silence
	lasts := quiet.After
	switch {
	case !quiet.Good || s.told || s.awaits.Absent || f.dropped || f.returned || !f.entry.state.Source.Up:
		return at, false
	case f.verdict == nil:
		lasts = sourceHolds
	case lasts <= 0:
		return at, false
	}
	at = s.from.Add(lasts)
	if f.engine.stall.end > 0 {
		if read := f.engine.board.began.Add(f.engine.stall.end + sourceHolds); read.After(at) {
			at = read
		}
	}
	return at, true
}

// listen plans to tell of the silence.
func (f *feed) listen(now time.Time) {
	disarm(&f.silence.timer)
	if at, ok := f.due(); ok {
		f.silence.timer = time.AfterFunc(at.Sub(now), f.hushed)
	}
}

// awaiting takes in what the source waits for.
func (f *feed) awaiting(r Result, now time.Time) {
	b, en, s := f.engine.board, f.entry, &f.silence
	if s.awaits.Absent && !r.Absent {
		s.from = now
	}
	s.awaits = r
	if r.Absent && s.told { // there is nothing that could be quiet
		f.verdict, s.told = nil, false
		b.await(en, r, now)
	}
}

// hushed tells that nothing came, unless something just did.
func (f *feed) hushed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flush()
	b, en, s := f.engine.board, f.entry, &f.silence
	b.mu.Lock()
	now, _ := f.engine.now()
	if at, ok := f.due(); !ok || at.After(now) {
		f.listen(now)
		b.mu.Unlock()
		return
	}
	r := saidNothing(s.awaits.Detail)
	if f.verdict != nil {
		r.Detail = fmt.Sprintf("no verdict for %v", en.Quiet.After)
	}
	r.Started = now
	f.verdict, s.told = &r, true
	en.unheld = true // more silence is all that could confirm it
	changes := b.take(en, r)
	f.engine.stir()
	b.mu.Unlock()
	b.announce(changes)
}
