package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
)

// fenceGrace is how long after its deadline, or its cancelling, a check may
// still take to return before its run is given up.
const fenceGrace = time.Second

// A run is one execution of a check. Its fields are guarded by the board's
// lock.
type run struct {
	entry   *entry
	check   Check
	lane    Lane // that it was let into
	timeout time.Duration
	due     time.Duration
	started time.Duration // when a worker began it, -1 before
	fence   time.Duration // when it is given up
	cancel  context.CancelFunc
	dropped bool // its result no longer counts: its watcher went, or is defined anew
	stuck   bool // it was given up
	older   *run // its neighbours among the runs in flight
	newer   *run
}

const errNoReturn = "check ended its goroutine without returning"

// perform calls check and gives what it said, or why it could say nothing.
func perform(ctx context.Context, check Check) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			r = panicked(p)
		}
	}()
	r, err := check(ctx)
	if err != nil {
		failure := failed(err.Error(), failureKind(err))
		r.Status, r.Failure, r.Detail = failure.Status, failure.Failure, failure.Detail
	}
	return judgedOrNone(r)
}

// judged makes r's status one that a run may have.
func judged(r Result) Result {
	switch {
	case r.Failure != nil && Blameless(r.Failure.Kind):
		r.Status = Unknown // what is watched is never blamed for Pharos
	case r.Status == Pending || r.Status > Unknown:
		r.Status = Unknown
		if r.Failure == nil {
			r.Failure = &Failure{Message: "check gave no status", Kind: KindScript}
			r.Detail = r.Failure.Message
		}
	}
	return r
}

func failed(message, kind string) Result {
	return Result{Status: Unknown, Detail: message, Failure: &Failure{Message: message, Kind: kind}}
}

// failureKind gives the kind of an error that a check returned.
func failureKind(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return KindTimeout
	case errors.Is(err, context.Canceled):
		return KindCancelled
	}
	return KindScript
}

// panicked describes a panic in a check, with the place it came from. It must
// be called by the deferred function that recovered it.
func panicked(p any) Result {
	r := failed(fmt.Sprintf("check panicked: %v", p), KindPanic)
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var trace strings.Builder
	for {
		frame, more := frames.Next()
		if strings.Contains(frame.Function, ".perform") {
			break
		}
		if !strings.HasPrefix(frame.Function, "runtime.") {
			file := shortFile(frame.File)
			if r.Failure.File == "" {
				r.Failure.File, r.Failure.Line = file, frame.Line
			}
			fmt.Fprintf(&trace, "%s\n\t%s:%d\n", frame.Function, file, frame.Line)
		}
		if !more {
			break
		}
	}
	r.Failure.Trace = trace.String()
	return r
}

// shortFile keeps a source file's name and its folder's, so that no path of
// the machine it was built on shows.
func shortFile(path string) string {
	dir := strings.LastIndexByte(path, '/')
	if dir < 0 {
		return path
	}
	return path[strings.LastIndexByte(path[:dir], '/')+1:]
}

// fenced gives what comes from done, false if nothing has come [fenceGrace] after
// the end of ctx.
func fenced[T any](ctx context.Context, done <-chan T) (v T, ok bool) {
	select {
	case v = <-done:
		return v, true
	case <-ctx.Done():
	}
	select {
	case v = <-done:
		return v, true
	case <-time.After(fenceGrace):
		return v, false
	}
}

// overran is the result of a run whose check did not return.
func overran(timeout, after time.Duration) Result {
	return failed(fmt.Sprintf("check did not return %v after its timeout of %v; its next run waits until it does",
		after.Round(time.Millisecond), timeout), KindStuck)
}

// RunOnce runs w once, fenced as on a schedule: it gives a result whatever the
// check does, at the latest one second after the run's timeout or ctx ended. A
// source it runs until the first verdict; if none comes within the timeout the
// result is pending, and its Detail says what was waited for.
func RunOnce(ctx context.Context, w Watcher) Result {
	w = w.WithDefaults()
	started := time.Now()
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	if w.Source != nil {
		r := w.observe(ctx)
		r.Started, r.Elapsed = started, time.Since(started)
		return bounded(r)
	}
	done := make(chan Result, 1)
	go func() {
		r := failed(errNoReturn, KindPanic)
		defer func() { done <- r }()
		r = perform(ctx, w.Check)
	}()
	r, ok := fenced(ctx, done)
	if !ok {
		r = overran(w.Timeout, fenceGrace)
	}
	r.Started, r.Elapsed = started, time.Since(started)
	return bounded(r)
}
