package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How often garbage is collected is a trade of memory for CPU time, and what is
// right depends on the board: with a hundred watchers a collection is cheap and
// the heap is small whatever is done, with ten thousand it is neither. So
// collections come each time about headroom bytes were allocated, with less
// memory for it than Go's own setting takes where the heap is large, and more
// where it is small. Where they take much of the time after all, as with tens
// of thousands of busy watchers, it is Go's own setting at the least.
const (
	headroom       = 72 << 20
	minGCPercent   = 50
	dearGCPercent  = 100
	maxGCPercent   = 200
	gcPercentSteps = 10 // a change stops the world for a moment: none for less
	gcPaceInterval = time.Second
)

// gcPercent is the setting, as of GOGC, for so many live bytes.
func gcPercent(live uint64, dear bool) int {
	least := minGCPercent
	if dear {
		least = dearGCPercent
	}
	return min(max(int(headroom*100/max(live, 1)), least), maxGCPercent) / gcPercentSteps * gcPercentSteps
}

// gcCost tells whether collections are dear: whether they take much of the
// processor time, where much of that is used at all.
type gcCost struct {
	collecting, used, all float64 // seconds since the start
	dear                  bool
	same                  int // readings in a row that said nothing new
}

const (
	gcDearFrom  = 0.08 // of the time used
	gcDearUntil = 0.03
	gcBusyFrom  = 0.5 // of all the time there was
	gcBusyUntil = 0.3
	gcRare      = 5 // readings without a collection; then they are not dear
)

// note takes the newest readings, in seconds of all cores. The runtime makes
// them when it collects: the same ones again say nothing. What was collected in
// spare time, on cores that had nothing else to do, is in collecting and took
// nothing from anybody.
func (c *gcCost) note(collecting, spare, idle, all float64) {
	collecting -= spare
	used := all - idle - spare
	c.same++
	if used > c.used && all > c.all {
		c.same = 0
		share, busy := (collecting-c.collecting)/(used-c.used), (used-c.used)/(all-c.all)
		c.dear = share >= gcDearFrom && busy >= gcBusyFrom || c.dear && share >= gcDearUntil && busy >= gcBusyUntil
	}
	c.dear = c.dear && c.same < gcRare
	c.collecting, c.used, c.all = collecting, used, all
}

// paceCollections follows the heap until ctx ends. Who sets GOGC knows better.
func paceCollections(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/cpu/classes/gc/mark/idle:cpu-seconds"},
		{Name: "/cpu/classes/idle:cpu-seconds"},
		{Name: "/cpu/classes/total:cpu-seconds"},
	}
	var cost gcCost
	ticker := time.NewTicker(gcPaceInterval)
	defer ticker.Stop()
	for set := 0; ; {
		metrics.Read(samples)
		seconds := func(i int) float64 { return samples[i].Value.Float64() }
		cost.note(seconds(1), seconds(2), seconds(3), seconds(4))
		if percent := gcPercent(samples[0].Value.Uint64(), cost.dear); percent != set {
			set = percent
			debug.SetGCPercent(set)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
