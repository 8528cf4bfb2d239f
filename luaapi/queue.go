package luaapi

import "sync"

// Bounds of what waits for the function of a stream: when events come faster
// than it judges them, the oldest are dropped, for what counts is how things are
// now.
const (
	queueMaxEvents = 256
	queueMaxBytes  = 1 << 20
)

// eventQueue is between the reader of a stream and the function that judges what
// it reads.
type eventQueue struct {
	ready chan struct{} // of one: there is an event

	mu      sync.Mutex
	events  [queueMaxEvents]event // a ring
	first   int
	n       int
	bytes   int
	seen    uint64 // since counts was last asked
	dropped uint64
}

func newEventQueue() *eventQueue { return &eventQueue{ready: make(chan struct{}, 1)} }

func (q *eventQueue) push(e event) {
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

// counts tells how many events came, and how many of them were dropped, since it
// was last asked.
func (q *eventQueue) counts() (seen, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	seen, dropped = q.seen, q.dropped
	q.seen, q.dropped = 0, 0
	return seen, dropped
}
