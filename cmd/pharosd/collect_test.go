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
		collecting, used float64
		want             bool
	}{
		{0.1, 10, false},
		{0.9, 20, true},  // 8 %
		{0.9, 20, true},  // no collection since
		{1.4, 30, true},  // 5 %, because they are fewer now
		{1.6, 40, false}, // 2 %
		{2.1, 50, false}, // 5 %
	} {
		if c.note(step.collecting, step.used); c.dear != step.want {
			t.Errorf("with %v s of %v s collecting: dear = %v, want %v", step.collecting, step.used, c.dear, step.want)
		}
	}
}
