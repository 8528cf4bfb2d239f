package engine

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestLagMeter(t *testing.T) {
	var m lagMeter
	var late []time.Duration
	now := 100 * time.Second
	for range 10000 {
		d := time.Duration(rand.ExpFloat64() * float64(3*time.Millisecond))
		late = append(late, d)
		m.started(now+time.Duration(rand.Int64N(int64(9*time.Second))), d)
	}
	slices.Sort(late)
	p99, highest, dropped := m.read(now + 9*time.Second)
	if want := late[9900]; p99 < want*8/10 || p99 > want*13/10 {
		t.Errorf("p99 = %v, want %v to within a fifth", p99, want)
	}
	if highest != late[9999] || dropped {
		t.Errorf("max, dropped = %v, %v, want %v, false", highest, dropped, late[9999])
	}
	m.dropped(now+9*time.Second, time.Minute)
	if _, highest, dropped := m.read(now + 9*time.Second); highest != time.Minute || !dropped {
		t.Errorf("after a dropped tick max, dropped = %v, %v, want 1m0s, true", highest, dropped)
	}
	if p99, highest, dropped := m.read(now + 30*time.Second); p99 != 0 || highest != 0 || dropped {
		t.Errorf("30s later = %v, %v, %v, want nothing", p99, highest, dropped)
	}
}

func TestLagBuckets(t *testing.T) {
	for d := time.Microsecond; d < 24*time.Hour; d = d*21/20 + 1 {
		b := lagBucket(d)
		if top := lagBucketTop(b); top <= d || top > d*3/2+2*time.Microsecond {
			t.Fatalf("%v is in bucket %d that ends at %v, want just above", d, b, top)
		}
	}
	if got := lagBucket(1 << 62); got != bucketsHigh {
		t.Errorf("lagBucket(146 years) = %d, want the last, %d", got, bucketsHigh)
	}
}
