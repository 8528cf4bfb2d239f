package luaapi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"pharos/engine"
)

const (
	// eventsBusy is for how long events are judged without a pause, eventsRest
	// the longest pause: half of a core, and half of its file's time, is the
	// most that a flood gets.
	eventsBusy = 10 * time.Millisecond
	eventsRest = 50 * time.Millisecond

	// eventsCount is how often events that came to nothing are counted.
	eventsCount = time.Second
)

// feed is one call of a watcher's [engine.Source].
type feed struct {
	watcher *watcher
	report  func(engine.Result)
	tell    func(Event) // of `pharosd once -v`; nil = nobody
	queue   *eventQueue
	began   time.Time

	mu     sync.Mutex
	awaits string // what the stream says of itself
	absent bool   // there is nothing to listen to yet
}

// events is the watcher's [engine.Source]: it opens the stream and judges what
// comes, each event as a run of its own, one after the other.
func (w *watcher) events(ctx context.Context, report func(engine.Result)) error {
	f := &feed{watcher: w, report: report, tell: traceOf(ctx), queue: newEventQueue(ctx), began: time.Now()}
	within, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		err := errors.New("internal error: the stream stopped reading")
		defer func() { ended <- err }()
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("internal error in %s: %v", w.stream.kind, p)
			}
		}()
		err = w.stream.listen(within, w.script.primitives, w.sse, eventSink{up: f.up, event: f.queue.push})
	}()
	err := f.judge(ctx, ended)
	cancel()
	if err == nil { // ctx ended
		err = <-ended
		w.stream.trace(w.script, f.tell, f.began, "ended", nil)
		return err
	}
	w.stream.trace(w.script, f.tell, f.began, "", err)
	return w.sourceError(err)
}

// up says that the stream is open.
func (f *feed) up(awaits string, absent bool) {
	f.mu.Lock()
	f.awaits, f.absent = f.watcher.script.mask.clean(awaits), absent
	f.mu.Unlock()
	f.quiet("no event yet")
}

// quiet reports what is no verdict.
func (f *feed) quiet(so string) {
	f.mu.Lock()
	detail, absent := f.awaits+"; "+so, f.absent
	f.mu.Unlock()
	seen, dropped := f.queue.counts()
	f.report(engine.Result{Detail: detail, Absent: absent, Events: seen, Dropped: dropped})
}

// judge lets the script judge what comes, until ctx ends (nil) or the stream
// does (its error), when all that came before is judged.
func (f *feed) judge(ctx context.Context, ended <-chan error) error {
	count := time.NewTimer(0)
	defer count.Stop()
	<-count.C
	counting := false // events came that were not reported
	var over error
	for busy := time.Duration(0); ; {
		e, ok := f.queue.pop()
		if !ok {
			if over != nil {
				return over
			}
			busy = 0
			select {
			case <-ctx.Done():
				return nil
			case over = <-ended:
			case <-f.queue.ready:
			case <-count.C:
				counting = false
				f.quiet("no verdict yet")
			}
			continue
		}
		began := time.Now()
		verdict, pause := f.watcher.judged(ctx, f, e)
		if ctx.Err() != nil {
			return nil
		}
		select {
		case <-count.C: // also where the queue is never empty
			counting = false
			f.quiet("no verdict yet")
		default:
		}
		if !verdict && !counting {
			counting = true
			count.Reset(eventsCount)
		}
		if busy += time.Since(began); busy > eventsBusy {
			pause = max(pause, min(busy, eventsRest))
		}
		if pause > 0 {
			busy = 0
			if !sleep(ctx, pause) {
				return nil
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// judged runs the script's function on one event and reports what it came to. It
// tells whether that is a verdict, and how long to leave the script alone, which
// is for one that computed too long.
func (w *watcher) judged(ctx context.Context, f *feed, e event) (verdict bool, pause time.Duration) {
	w, ok := w.newest()
	if !ok { // its configuration was replaced, and this feed is about to end
		<-ctx.Done()
		return false, 0
	}
	defer w.script.end()
	within, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	r := &run{watcher: w, trace: f.tell, event: &e}
	began := time.Now()
	result := w.perform(within, r)
	if ctx.Err() != nil || result.Status == engine.Pending {
		return false, 0
	}
	if result.Missed() {
		f.queue.lose()
		return false, 0
	}
	result.Started, result.Elapsed = began, time.Since(began)
	result.Events, result.Dropped = f.queue.counts()
	f.report(*result)
	return true, time.Until(w.hog.until)
}

// newest gives the watcher of the configuration that runs, of the same id and
// definition: a reload that left it as it is also left its stream open, but its
// file may have been loaded afresh, and with it what it shares with others. It
// enters the script; the caller ends that.
func (w *watcher) newest() (*watcher, bool) {
	if w.script.enter() {
		return w, true
	}
	for _, next := range w.memory.fed(w.id) {
		if next.definition == w.definition && next.timeout == w.timeout && next.script.enter() {
			return next, true
		}
	}
	return nil, false
}

// eventsMistake says why a watcher cannot have events, "" if it can.
func (d *declaration) eventsMistake(w *watcher, e *engine.Watcher) string {
	if !isNil(d.L.GetField(w.self, "interval")) {
		return "has no interval: its runs come with the events"
	}
	if w.vantages.names != nil {
		return "looks from one place: give its stream the option ssh_host"
	}
	if !isNil(d.L.GetField(w.self, "ttl")) && e.Quiet.Good {
		return "that is good while it is quiet has no ttl: it is never stale while its stream is open"
	}
	if check := d.L.GetField(w.self, "check"); check != w.script.baseCheck {
		return fmt.Sprintf("is set by them alone, and this %s has a check too: give it one of the two", d.L.GetField(w.self, "class_name").String())
	}
	return ""
}
