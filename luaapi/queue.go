package luaapi

import (
	"context"
	"sync"
	"time"
)

// Bounds of what waits for the function of a stream: when events come faster
// than it judges them, the oldest are dropped, for what counts is how things are
// now.
const (
	queueMaxEvents = 256
	queueMaxBytes  = 1 << 20

	// queuePace events are taken in queuePeriod at most: who sends more is held
	// up, for reading them all to drop them would take a core.
	queuePace   = 2048
	queuePeriod = 10 * time.Millisecond
)

// eventQueue is between the reader of a stream and the function that judges what
// it reads.
type eventQueue struct {
	ctx   context.Context // the stream's
	ready chan struct{}   // of one: there is an event

	mu      sync.Mutex
	events  [queueMaxEvents]event // a ring
	first   int
	n       int
	bytes   int
	seen    uint64 // since counts was last asked
	dropped uint64

	taken int // of queuePace; the reader's, and so is since
	since time.Time
}

func newEventQueue(ctx context.Context) *eventQueue {
	return &eventQueue{ctx: ctx, ready: make(chan struct{}, 1)}
}

// push is for one goroutine, the reader.
func (q *eventQueue) push(e event) {
	q.pace()
	q.mu.Lock()
	q.seen++
	for q.n > 0 && (q.n == queueMaxEvents || q.bytes+e.size() > queueMaxBytes) {
		q.take()
		q.dropped++
	}
	q.events[(q.first+q.n)%queueMaxEvents] = e
	q.n++
	q.bytes += e.size()
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// pace holds the reader up until the stream is over: what a command left in its
// pipe is still read then, and may be hundreds of thousands of lines.
func (q *eventQueue) pace() {
	if q.taken++; q.taken < queuePace {
		return
	}
	sleep(q.ctx, queuePeriod-time.Since(q.since))
	q.taken, q.since = 0, time.Now()
}

// take gives the oldest event. The lock is held, and there is one.
func (q *eventQueue) take() event {
	e := q.events[q.first]
	q.events[q.first] = event{}
	q.first = (q.first + 1) % queueMaxEvents
	q.n--
	q.bytes -= e.size()
	return e
}

func (q *eventQueue) pop() (event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == 0 {
		return event{}, false
	}
	return q.take(), true
}

// lose counts an event that was taken and never judged.
func (q *eventQueue) lose() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped++
}

// counts tells how many events came, and how many of them were dropped, since it
// was last asked.
func (q *eventQueue) counts() (seen, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	seen, dropped = q.seen, q.dropped
	q.seen, q.dropped = 0, 0
	return seen, dropped
}
