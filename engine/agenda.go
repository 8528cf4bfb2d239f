package engine

import (
	"container/heap"
	"time"
)

// An agenda holds what is due when. Entries due at the same moment share a
// slot, so that a thousand watchers on a 10 ms grid cost a hundred slots and
// one wake-up each. The zero agenda is empty and ready to use.
//
// Nothing is ever taken out before its time: an entry that was planned anew, or
// whose watcher is gone, no longer names the slot as its next and is passed
// over.
type agenda struct {
	slots map[time.Duration]*slot
	queue slotQueue
	spare []*slot // emptied, to be used again
}

type slot struct {
	at      time.Duration
	entries []*entry
}

// slotQueue is a [heap.Interface], the earliest slot on top.
type slotQueue []*slot

func (q slotQueue) Len() int           { return len(q) }
func (q slotQueue) Less(i, j int) bool { return q[i].at < q[j].at }
func (q slotQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *slotQueue) Push(s any)        { *q = append(*q, s.(*slot)) }
func (q *slotQueue) Pop() any {
	last := len(*q) - 1
	s := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return s
}

// maxSpareSlots bounds the memory kept for reuse.
const maxSpareSlots = 128

// put plans en for en.next.
func (a *agenda) put(en *entry) {
	s := a.slots[en.next]
	if s == nil {
		if a.slots == nil {
			a.slots = make(map[time.Duration]*slot)
		}
		if n := len(a.spare); n > 0 {
			s, a.spare = a.spare[n-1], a.spare[:n-1]
		} else {
			s = new(slot)
		}
		s.at = en.next
		a.slots[s.at] = s
		heap.Push(&a.queue, s)
	}
	s.entries = append(s.entries, en)
}

// earliest gives the time of the first slot.
func (a *agenda) earliest() (at time.Duration, ok bool) {
	if len(a.queue) == 0 {
		return 0, false
	}
	return a.queue[0].at, true
}

// take removes the first slot. The caller passes over those of its entries for
// which [entry.dueAt] no longer holds, and hands it back with free.
func (a *agenda) take() *slot {
	s := heap.Pop(&a.queue).(*slot)
	delete(a.slots, s.at)
	return s
}

func (a *agenda) free(s *slot) {
	if len(a.spare) < maxSpareSlots {
		clear(s.entries)
		s.entries = s.entries[:0]
		a.spare = append(a.spare, s)
	}
}
