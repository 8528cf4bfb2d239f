package engine

import (
	"slices"
	"time"
)

// durationBounds are the upper bounds of the buckets of [Durations], inclusive.
var durationBounds = [...]time.Duration{
	time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// Durations is how long runs took, all watchers together, since the start.
type Durations struct {
	Buckets []DurationBucket // cumulative, shortest first; what is longer than the last is in Runs only
	Sum     time.Duration
	Runs    uint64
}

// DurationBucket counts the runs that took at most so long.
type DurationBucket struct {
	AtMost time.Duration
	Runs   uint64
}

// durationMeter counts runs by how long they took.
type durationMeter struct {
	counts [len(durationBounds) + 1]uint64
	sum    time.Duration
}

func (m *durationMeter) add(d time.Duration) {
	i, _ := slices.BinarySearch(durationBounds[:], d)
	m.counts[i]++
	m.sum += d
}

// Durations gives how long the runs that counted took.
func (b *Board) Durations() Durations {
	b.mu.Lock()
	m := b.durations
	b.mu.Unlock()
	d := Durations{Sum: m.sum}
	for i, bound := range durationBounds {
		d.Runs += m.counts[i]
		d.Buckets = append(d.Buckets, DurationBucket{bound, d.Runs})
	}
	d.Runs += m.counts[len(durationBounds)]
	return d
}
