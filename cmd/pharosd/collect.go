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
// where it is small.
const (
	headroom       = 72 << 20
	minGCPercent   = 50
	maxGCPercent   = 200
	gcPercentSteps = 10 // a change stops the world for a moment: none for less
	gcPaceInterval = time.Second
)

// gcPercent is the setting, as of GOGC, for so many live bytes.
func gcPercent(live uint64) int {
	return min(max(int(headroom*100/max(live, 1)), minGCPercent), maxGCPercent) / gcPercentSteps * gcPercentSteps
}

// paceCollections follows the heap until ctx ends. Who sets GOGC knows better.
func paceCollections(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	ticker := time.NewTicker(gcPaceInterval)
	defer ticker.Stop()
	for set := 0; ; {
		metrics.Read(sample)
		if percent := gcPercent(sample[0].Value.Uint64()); percent != set {
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
