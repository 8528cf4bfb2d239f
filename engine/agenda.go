package engine

import "time"

// An agenda holds what is due when. Entries due at the same moment share a
// slot, so that a thousand watchers on a 10 ms grid cost a hundred slots and
// one wake-up each. The zero agenda is empty and ready to use.
//
// Nothing is ever taken out before its time: an entry that was planned anew, or
// whose watcher is gone, no longer names the slot as its next and is passed
// over.
type agenda struct {
	slots map[time.Duration][]*entry
	times []time.Duration // the slots' times, a binary heap, earliest first
	spare [][]*entry      // emptied slots, to be used again
}

// maxSpareSlots bounds the memory kept for reuse.
const maxSpareSlots = 128

// put plans en for en.next.
func (a *agenda) put(en *entry) {
	slot, ok := a.slots[en.next]
	if !ok {
		if a.slots == nil {
			a.slots = make(map[time.Duration][]*entry)
		}
		if n := len(a.spare); n > 0 {
			slot, a.spare = a.spare[n-1], a.spare[:n-1]
		}
		a.push(en.next)
	}
	a.slots[en.next] = append(slot, en)
}

// earliest gives the time of the first slot.
func (a *agenda) earliest() (at time.Duration, ok bool) {
	if len(a.times) == 0 {
		return 0, false
	}
	return a.times[0], true
}

// take removes the first slot and gives what was planned for it. The caller
// passes over those for which [entry.dueAt] no longer holds, and hands the
// slice back with free.
func (a *agenda) take() (at time.Duration, slot []*entry) {
	at = a.pop()
	slot = a.slots[at]
	delete(a.slots, at)
	return at, slot
}

func (a *agenda) free(slot []*entry) {
	if len(a.spare) < maxSpareSlots {
		clear(slot)
		a.spare = append(a.spare, slot[:0])
	}
}

func (a *agenda) push(at time.Duration) {
	a.times = append(a.times, at)
	t := a.times
	for i := len(t) - 1; i > 0; {
		parent := (i - 1) / 2
		if t[parent] <= t[i] {
			return
		}
		t[parent], t[i] = t[i], t[parent]
		i = parent
	}
}

func (a *agenda) pop() time.Duration {
	t := a.times
	at, last := t[0], len(t)-1
	t[0] = t[last]
	t = t[:last]
	a.times = t
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return at
		}
		if child+1 < last && t[child+1] < t[child] {
			child++
		}
		if t[i] <= t[child] {
			return at
		}
		t[i], t[child] = t[child], t[i]
		i = child
	}
}
