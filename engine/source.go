package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// A Source sets a watcher's status by events, as they come, where a [Check] is
// called again and again. It runs for as long as its watcher is what it is, and
// returns soon after its context ended. What it returns before says why it
// broke off (nil: it ended); the watcher is unknown then, with that reason, and
// the Source is called again after a pause.
//
// report hands in what an event came to. It may be called from any goroutine,
// never waits, and does nothing once the Source returned. A report of status
// [Pending] is no verdict: it says that the source is connected, its Detail
// what is waited for, and hands in the counts of Events and Dropped. The
// watcher's verdict from before an interruption stands again then, a second
// later. What it is worth that nothing more comes is the watcher's [Quiet].
//
// A panic in a Source is an error that it returns.
type Source func(ctx context.Context, report func(Result)) error

// Bounds of what a [Source] may cause.
const (
	sourceWindow  = 100 * time.Millisecond // between the moments at which reports reach the board
	sourceReports = 8                      // reports that reach it in one

	// sourceHolds is for how long a source that had ended is connected again
	// before that counts: one that ends at once each time is down all the time.
	sourceHolds = time.Second

	sourcePauseMin   = time.Second // before a source that ended is called again, doubled each time
	sourcePauseMax   = time.Minute
	sourceLongEnough = time.Minute // lived so long, its end counts as the first
)

// SourceState tells how the [Source] of a watcher does.
type SourceState struct {
	Up       bool      // connected
	Retry    time.Time // when a source that ended is called again; zero if it is up, or connecting
	Restarts uint64    // times that it was called again
	Events   uint64    // that came, those dropped included
	Last     time.Time // when the last one came; zero before
	Dropped  uint64    // events that were not looked at, since they came too fast
	Lost     time.Time // when the last of those was dropped
}

// pauseAfter is how long a source that ended for the nth time in a row, from 0,
// is let alone: up to a quarter less than twice the time before, so that those
// that fell together do not come back together.
func pauseAfter(n int) time.Duration {
	pause := min(sourcePauseMin<<min(n, 10), sourcePauseMax)
	return pause - rand.N(pause/4)
}

// A SourceError is the end of a [Source] with its evidence.
type SourceError struct{ Failure Failure }

func (e *SourceError) Error() string { return e.Failure.Message }

// interrupted is the result of a watcher whose source ended: no verdict,
// whatever the reason, since nothing is seen of what is watched.
func interrupted(err error) Result {
	f := Failure{Message: "the source ended"}
	if told, ok := errors.AsType[*SourceError](err); ok {
		f = told.Failure
	} else if err != nil {
		f.Message = err.Error()
	}
	return Result{Status: Unknown, Value: cmp.Or(f.Kind, "ended"), Detail: f.Message, Failure: &f}
}

// perform calls the source on a goroutine of its own, which it may end, and
// gives what it returns, once, and is closed then. A panic is an error.
func (s Source) perform(ctx context.Context, report func(Result)) <-chan error {
	ended := make(chan error, 1)
	go func() {
		var err error = &SourceError{Failure{Message: "the source ended its goroutine without returning", Kind: KindPanic}}
		defer func() {
			if p := recover(); p != nil {
				err = &SourceError{*panicked(p).Failure}
			}
			ended <- err
			close(ended)
		}()
		err = s(ctx, report)
	}()
	return ended
}

// reports holds what a source reported until it reaches the board: a flood of
// events costs the board as much as a few. Of reports of one status in a row
// the last is kept, of statuses that change the last few: what flickered shows.
type reports struct {
	waiting []Result
	events  uint64 // reported, or added by reports without a verdict, since they were last taken
	dropped uint64
	awaits  *Result // the last one without a verdict; nil = none
}

func (q *reports) add(r Result) {
	if r.Status == Pending {
		q.awaits = &r
	} else {
		r.Events = max(r.Events, 1)
	}
	q.events += r.Events
	q.dropped += r.Dropped
	last := len(q.waiting) - 1
	switch {
	case last >= 0 && r.Status == Pending: // nothing new but its counts
	case last >= 0 && q.waiting[last].Status == r.Status:
		q.waiting[last] = r
	case len(q.waiting) == sourceReports:
		copy(q.waiting, q.waiting[1:])
		q.waiting[last] = r
	default:
		q.waiting = append(q.waiting, r)
	}
}

// observe runs w's source until its first verdict or the end of w.Timeout, see
// [RunOnce].
func (w Watcher) observe(ctx context.Context) Result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	verdicts := make(chan Result, 1)
	up := make(chan Result, 1)
	ended := w.Source.perform(ctx, func(r Result) {
		to, r := verdicts, judgedOrNone(r)
		if r.Status == Pending {
			to = up
		}
		select {
		case to <- r:
		default: // the first one counts
		}
	})
	var verdict Result
	select {
	case verdict = <-verdicts:
	case err := <-ended:
		select {
		case verdict = <-verdicts: // came first
		default:
			verdict = interrupted(err)
		}
	case <-ctx.Done():
		verdict = Result{Detail: fmt.Sprintf("connecting for %v", w.Timeout)}
		select {
		case r := <-up:
			if w.Quiet.Good && !r.Absent {
				verdict = saidNothing(r.Detail)
				break
			}
			verdict.Detail = fmt.Sprintf("no verdict within %v: %s", w.Timeout, r.Detail)
		default:
		}
	}
	cancel()
	if _, ok := fenced(ctx, ended); !ok {
		return overstayed()
	}
	return verdict
}

// overstayed is the result of a source that did not return.
func overstayed() Result {
	return failed(fmt.Sprintf("the source did not return %v after it was told to end; it is called again when it does", fenceGrace), KindStuck)
}

// judgedOrNone is [judged], but lets a result without a verdict pass.
func judgedOrNone(r Result) Result {
	if r.Status == Pending && r.Failure == nil {
		return r
	}
	return judged(r)
}
