package main

import "testing"

func TestGCPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		dear bool
		want int
	}{
		{0, false, 200}, {10 << 20, false, 200}, {16 << 20, false, 200}, {20 << 20, false, 200}, {32 << 20, false, 200},
		{50 << 20, false, 140}, {72 << 20, false, 100}, {100 << 20, false, 70}, {4 << 30, false, 50},
		{0, true, 200}, {50 << 20, true, 140}, {100 << 20, true, 100}, {4 << 30, true, 100},
	} {
		if got := gcPercent(c.live, c.dear); got != c.want {
			t.Errorf("gcPercent(%d MiB, %v) = %d, want %d", c.live>>20, c.dear, got, c.want)
		}
	}
}

func TestGCCost(t *testing.T) {
	var c gcCost
	for _, step := range []struct {
		collecting, spare, idle, all float64
		want                         bool
	}{
		{0.4, 0, 15, 20, false},  // 8 %, of a quarter of the machine
		{0.4, 0, 15, 20, false},  // no collection since
		{1.3, 0, 25, 40, true},   // 9 %, of half of it
		{1.3, 0, 25, 40, true},   // no collection since
		{1.7, 0, 37, 60, true},   // 5 %, because they are fewer now
		{1.85, 0, 49, 80, false}, // 2 %
		{2.35, 0, 59, 100, false},
		{3.35, 0, 69, 120, true},
		{3.65, 0, 85, 140, false}, // the load went
		{4.65, 0, 95, 160, true},
		{4.65, 0, 95, 160, true},
		{4.65, 0, 95, 160, true},
		{4.65, 0, 95, 160, true},
		{4.65, 0, 95, 160, true},
		{4.65, 0, 95, 160, false}, // no collection for long: the load went at once
		{9.15, 4, 99, 180, false}, // most of it on cores that had nothing to do
	} {
		if c.note(step.collecting, step.spare, step.idle, step.all); c.dear != step.want {
			t.Errorf("with %v s of %v s collecting: dear = %v, want %v", step.collecting, step.all-step.idle, c.dear, step.want)
		}
	}
}
