package main

import (
	"context"
	"time"
)

// restingSum is what the daemon holds.
type restingSum struct {
	RSSMB      float64 `json:"rss_mb"`
	Goroutines int     `json:"goroutines"` // 0 if there are too many watchers to ask
	FDs        int     `json:"fds"`
	Threads    int     `json:"threads"`
}

// least gives the lesser of each figure.
func (s restingSum) least(o restingSum) restingSum {
	return restingSum{
		RSSMB:      min(s.RSSMB, o.RSSMB),
		Goroutines: min(s.Goroutines, o.Goroutines),
		FDs:        min(s.FDs, o.FDs),
		Threads:    min(s.Threads, o.Threads),
	}
}

// calmDown is in which a busy moment is over: the engine ends every ten seconds
// the workers that were not needed in the ten before, and a moment on a busy
// machine may have needed one for each watcher.
const calmDown = 21 * time.Second

// atRest gives the least of what several looks see while a busy moment passes,
// at once if a look sees no more than a former sum by what is in flight.
func atRest(ctx context.Context, former restingSum, look func() (restingSum, error)) (restingSum, error) {
	sum, err := look()
	for began := time.Now(); err == nil && time.Since(began) < calmDown && !sum.within(former); {
		if err := sleep(ctx, time.Second); err != nil {
			return sum, err
		}
		var now restingSum
		now, err = look()
		sum = sum.least(now)
	}
	return sum, err
}

// within tells whether nothing grew since a former sum.
func (s restingSum) within(former restingSum) bool {
	return s.RSSMB <= former.RSSMB*flatRSS && s.Goroutines <= former.Goroutines+flatCount && s.FDs <= former.FDs+flatCount
}

// resting tells what the daemon holds; of goroutines only with few watchers.
func (d *daemon) resting(ctx context.Context, watchers int) (restingSum, error) {
	now, err := d.usage()
	if err != nil {
		return restingSum{}, err
	}
	sum := restingSum{RSSMB: round(float64(now.rss)/1e6, 1), FDs: now.fds, Threads: now.threads}
	if watchers > manyWatchers {
		return sum, nil
	}
	sum.Goroutines, err = d.metric(ctx, "go_goroutines")
	return sum, err
}
