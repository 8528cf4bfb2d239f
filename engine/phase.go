package engine

import "time"

const (
	coarseGrid  = 10 * time.Millisecond // starts share wake-ups: a third of the CPU at low rates
	fineGrid    = time.Millisecond      // for intervals below a second, where 10 ms would show
	firstWithin = 5 * time.Second       // a new watcher, or one that lost its tick to a stall, runs within this
)

// grid is what phases of this interval are whole multiples of.
func grid(interval time.Duration) time.Duration {
	if interval < time.Second {
		return fineGrid
	}
	return coarseGrid
}

// hashID spreads ids evenly, the same in every process: FNV-1a, finished as in
// MurmurHash3, since FNV alone leaves ids that differ in their last digit close
// together.
func hashID(id ID) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h ^= uint64(id[i])
		h *= 1099511628211
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	return h
}

// A tempo is when a watcher's runs are due: phase + k x interval for k = 0, 1,
// 2, ..., counted from the moment the schedule began.
type tempo struct {
	hash     uint64
	phase    time.Duration // 0 <= phase < interval
	interval time.Duration
}

func newTempo(id ID, interval time.Duration) tempo {
	h := hashID(id)
	return tempo{hash: h, phase: spread(h, interval, grid(interval)), interval: interval}
}

// spread gives hash mod within, as a whole multiple of grid.
func spread(hash uint64, within, grid time.Duration) time.Duration {
	return time.Duration(hash%uint64(within/grid)) * grid
}

// from gives the first tick at t or after it.
func (p tempo) from(t time.Duration) time.Duration {
	if t <= p.phase {
		return p.phase
	}
	k := (t - p.phase + p.interval - 1) / p.interval
	return p.phase + k*p.interval
}

// first gives the first run of a watcher that begins at t: its next tick, or,
// where that could be far away, a moment within [firstWithin] that depends on
// its id, so that many beginning together do not run together.
func (p tempo) first(t time.Duration) time.Duration {
	next := p.from(t)
	if p.interval <= firstWithin {
		return next
	}
	g := grid(p.interval)
	soon := (t+g-1)/g*g + spread(p.hash, firstWithin, g)
	return min(next, soon)
}

// following gives the tick after a run that was due at due, when it is now.
// After a run off the grid (a first one, one at once after a reload) it leaves
// out a tick that would come within half an interval.
func (p tempo) following(due, now time.Duration) time.Duration {
	if due < p.phase || (due-p.phase)%p.interval != 0 {
		return p.from(max(due+p.interval/2, now+1))
	}
	return p.from(now + 1)
}
