package vm

import (
	"context"
	"sync"
	"sync/atomic"
)

// baton is a lock that is handed over first come, first served. sync.Mutex lets
// a run that just released it take it again before those that wait, which made
// the longest wait three times as long as the sum of what others held it for;
// here the wait is bounded by exactly that sum. The zero value is free.
type baton struct {
	mu         sync.Mutex
	held       bool
	head, tail *waiter
	idle       *waiter // spare waiters, so that waiting allocates nothing
	waiting    atomic.Int32
}

type waiter struct {
	next *waiter
	turn chan struct{} // of one: the holder must not wait for the taker
	left bool          // gave up; guarded by baton.mu
}

// lock takes the baton. It fails only when ctx ends first.
func (b *baton) lock(ctx context.Context) error {
	w := b.enqueue()
	if w == nil {
		return nil
	}
	select {
	case <-w.turn:
		b.recycle(w)
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	select {
	case <-w.turn: // handed over in the meantime: pass it on
		b.mu.Unlock()
		b.recycle(w)
		b.unlock()
	default:
		w.left = true // unlock takes it out of the queue
		b.waiting.Add(-1)
		b.mu.Unlock()
	}
	return ctx.Err()
}

// relock takes the baton however long it takes.
func (b *baton) relock() {
	if w := b.enqueue(); w != nil {
		<-w.turn
		b.recycle(w)
	}
}

// enqueue takes a free baton and returns nil, or returns a place in the queue.
func (b *baton) enqueue() *waiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.held {
		b.held = true
		return nil
	}
	w := b.idle
	if w != nil {
		b.idle, w.next = w.next, nil
	} else {
		w = &waiter{turn: make(chan struct{}, 1)}
	}
	if b.tail == nil {
		b.head = w
	} else {
		b.tail.next = w
	}
	b.tail = w
	b.waiting.Add(1)
	return w
}

func (b *baton) recycle(w *waiter) {
	b.mu.Lock()
	w.next, b.idle = b.idle, w
	b.mu.Unlock()
}

// unlock hands the baton to who waited longest.
func (b *baton) unlock() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := b.head; w != nil; w = b.head {
		b.head = w.next
		if b.head == nil {
			b.tail = nil
		}
		w.next = nil
		if !w.left {
			b.waiting.Add(-1)
			w.turn <- struct{}{}
			return
		}
	}
	b.held = false
}
