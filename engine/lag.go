package engine

import (
	"math/bits"
	"time"
)

// Lag is how late Pharos itself is.
type Lag struct {
	Missed       uint64        // ticks dropped since the start, all watchers together
	Late         bool          // Pharos is late: runs start well after they are due, or ticks had to be dropped for want of capacity
	P99, Max     time.Duration // due to start, of the runs of the last ten seconds or so; P99 to within a fifth
	LateWatchers int           // watchers whose last tick was missed or came late
}

const (
	lagWindow   = 10                     // seconds looked back
	lagTooLate  = 500 * time.Millisecond // a P99 above it is late
	lagBuckets  = 4 * 38                 // four for each power of two of microseconds, to above a day
	bucketsHigh = lagBuckets - 1
)

// A lagMeter keeps lateness in one histogram for each of the last seconds: a
// fixed size, whatever the rate.
type lagMeter struct {
	seconds [lagWindow]lagSecond
}

type lagSecond struct {
	second  int64 // since the schedule began
	dropped bool  // a tick was dropped for want of capacity
	count   uint32
	max     time.Duration
	buckets [lagBuckets]uint32
}

func (m *lagMeter) at(now time.Duration) *lagSecond {
	second := int64(now / time.Second)
	s := &m.seconds[second%lagWindow]
	if s.second != second {
		*s = lagSecond{second: second}
	}
	return s
}

// started counts a run that began late after it was due.
func (m *lagMeter) started(now, late time.Duration) {
	late = max(late, 0)
	s := m.at(now)
	s.count++
	s.max = max(s.max, late)
	s.buckets[lagBucket(late)]++
}

// dropped counts ticks dropped because Pharos could not take them up, the
// oldest of them late behind its time.
func (m *lagMeter) dropped(now, late time.Duration) {
	m.started(now, late)
	m.at(now).dropped = true
}

// read sums the last seconds up.
func (m *lagMeter) read(now time.Duration) (p99, highest time.Duration, dropped bool) {
	var sum [lagBuckets]uint32
	var count uint32
	for i := range m.seconds {
		s := &m.seconds[i]
		if age := int64(now/time.Second) - s.second; age < 0 || age >= lagWindow {
			continue
		}
		count += s.count
		highest = max(highest, s.max)
		dropped = dropped || s.dropped
		for b, n := range s.buckets {
			sum[b] += n
		}
	}
	above := count / 100 // so many may be later than the 99th of a hundred
	for b := bucketsHigh; b >= 0; b-- {
		if sum[b] > above {
			return min(lagBucketTop(b), highest), highest, dropped
		}
		above -= sum[b]
	}
	return 0, highest, dropped
}

// lagBucket gives four buckets to each power of two of microseconds.
func lagBucket(d time.Duration) int {
	us := uint64(d / time.Microsecond)
	if us < 4 {
		return int(us)
	}
	shift := bits.Len64(us) - 3
	return min(shift*4+int(us>>shift), bucketsHigh)
}

// lagBucketTop is the upper end of what [lagBucket] puts into bucket b.
func lagBucketTop(b int) time.Duration {
	if b < 4 {
		return time.Duration(b+1) * time.Microsecond
	}
	shift := b/4 - 1
	return time.Duration(uint64(b%4+4+1)<<shift) * time.Microsecond
}
