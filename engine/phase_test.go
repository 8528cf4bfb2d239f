package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestTempo(t *testing.T) {
	for i := range 2000 {
		interval := MinInterval + time.Duration(rand.Int64N(int64(time.Hour)))
		if i%2 == 0 {
			interval = MinInterval + time.Duration(rand.Int64N(int64(2*time.Second)))
		}
		p := newTempo(ID(fmt.Sprint("w", i)), interval)
		if p.phase < 0 || p.phase >= interval || p.phase%grid(interval) != 0 {
			t.Fatalf("interval %v: phase = %v, want a multiple of %v below it", interval, p.phase, grid(interval))
		}
		at := time.Duration(rand.Int64N(int64(10 * time.Hour)))
		if got := p.from(at); got < at || (got > p.phase && got-interval >= at) || (got-p.phase)%interval != 0 {
			t.Fatalf("interval %v, phase %v: from(%v) = %v, want the first tick from there", interval, p.phase, at, got)
		}
		if got := p.first(at); got < at || got > at+min(interval, firstWithin)+coarseGrid {
			t.Fatalf("interval %v: first(%v) = %v, want it within %v", interval, at, got, min(interval, firstWithin))
		}
		tick := p.from(at)
		if got := p.following(tick, tick); got != tick+interval {
			t.Fatalf("interval %v: following(%v) = %v, want one interval later", interval, tick, got)
		}
		if off := tick + 1; true {
			if got := p.following(off, off); got < off+interval/2 || got > off+interval*3/2 || (got-p.phase)%interval != 0 {
				t.Fatalf("interval %v: following(%v), off the grid = %v, want a tick half to one and a half intervals later", interval, off, got)
			}
		}
	}
}

// The phase of an id is the same in every process and every version.
func TestHashIsStable(t *testing.T) {
	if got, want := hashID("watch_set_1.is_true?"), uint64(0xb1c64ac002997b53); got != want {
		t.Errorf("hashID = %#x, want %#x", got, want)
	}
}

func TestAgendaIsInOrder(t *testing.T) {
	var a agenda
	var want []time.Duration
	byTime := map[time.Duration]int{}
	for range 500 {
		en := &entry{next: time.Duration(rand.IntN(100))}
		a.put(en)
		byTime[en.next]++
	}
	for at := range byTime {
		want = append(want, at)
	}
	slices.Sort(want)
	for _, wantAt := range want {
		if at, ok := a.earliest(); !ok || at != wantAt {
			t.Fatalf("earliest() = %v, %v, want %v", at, ok, wantAt)
		}
		slot := a.take()
		if slot.at != wantAt || len(slot.entries) != byTime[wantAt] {
			t.Fatalf("take() = %v with %d, want %v with %d", slot.at, len(slot.entries), wantAt, byTime[wantAt])
		}
		for _, en := range slot.entries {
			if !en.dueAt(slot.at) {
				t.Fatalf("an entry for %v in the slot of %v", en.next, slot.at)
			}
		}
		a.free(slot)
	}
	if _, ok := a.earliest(); ok {
		t.Error("earliest() of an empty agenda = _, true, want false")
	}
}
