package main

import "testing"

func TestGCPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, 200}, {10 << 20, 200}, {16 << 20, 200}, {20 << 20, 200}, {32 << 20, 200}, {50 << 20, 140}, {72 << 20, 100}, {100 << 20, 70}, {4 << 30, 50},
	} {
		if got := gcPercent(c.live); got != c.want {
			t.Errorf("gcPercent(%d MiB) = %d, want %d", c.live>>20, got, c.want)
		}
	}
}
