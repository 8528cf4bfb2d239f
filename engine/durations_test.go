package engine

import (
	"testing"
	"time"
)

func TestDurationsAreCumulative(t *testing.T) {
	b := New(Config{}).Board()
	for _, d := range []time.Duration{0, time.Millisecond, time.Millisecond + 1, 100 * time.Millisecond, time.Minute} {
		b.durations.add(d)
	}
	got := b.Durations()
	want := map[time.Duration]uint64{time.Millisecond: 2, 5 * time.Millisecond: 3, 50 * time.Millisecond: 3, 100 * time.Millisecond: 4, 10 * time.Second: 4}
	for _, bucket := range got.Buckets {
		if n, ok := want[bucket.AtMost]; ok && bucket.Runs != n {
			t.Errorf("runs of at most %v = %d, want %d", bucket.AtMost, bucket.Runs, n)
		}
	}
	if sum := time.Minute + 102*time.Millisecond + 1; got.Runs != 5 || got.Sum != sum {
		t.Errorf("Durations() = %d runs in %v, want 5 in %v", got.Runs, got.Sum, sum)
	}
}
