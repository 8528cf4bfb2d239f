package main

import "testing"

func TestGCPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, 200}, {10 << 20, 200}, {32 << 20, 200}, {40 << 20, 160}, {64 << 20, 100}, {100 << 20, 60}, {128 << 20, 50}, {4 << 30, 50},
	} {
		if got := gcPercent(c.live); got != c.want {
			t.Errorf("gcPercent(%d MiB) = %d, want %d", c.live>>20, got, c.want)
		}
	}
}
