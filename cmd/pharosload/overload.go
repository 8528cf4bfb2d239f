package main

import (
	"context"
	"time"
)

// overloadReport is what offering too much gives.
type overloadReport struct {
	Steps   []overloadStep `json:"steps"`
	Max     float64        `json:"max_runs_per_s"`
	Goodput float64        `json:"goodput"` // runs made of twice the maximum, to the maximum
	Counted float64        `json:"counted"` // missed runs that the board counted, to those that were not made
	Twice   *report        `json:"twice"`
}

type overloadStep struct {
	Offered float64 `json:"offered_per_s"`
	Made    float64 `json:"made_per_s"`
}

// overload offers more and more HTTP runs a second until the machine makes no
// more of them, and then twice what it made at most.
func overload(ctx context.Context, sc scenario) (*overloadReport, error) {
	const kept, step = 0.95, 5 * time.Second
	r := &overloadReport{}
	probe := sc
	probe.Duration, probe.Raw = step, false
	for {
		one, err := measure(ctx, probe)
		if err != nil {
			return nil, err
		}
		r.step(probe, one)
		if one.Made < kept || probe.HTTP*5/4 > maxWatchers/2 {
			break
		}
		probe.HTTP = probe.HTTP * 5 / 4
	}
	if r.Max == 0 {
		return r, nil // twice nothing is nothing
	}
	sc.HTTP = min(int(2*r.Max*sc.Interval.Seconds()), maxWatchers)
	var err error
	if r.Twice, err = measure(ctx, sc); err != nil {
		return nil, err
	}
	r.compare()
	return r, nil
}

// step notes what came of one offer.
func (r *overloadReport) step(sc scenario, one *report) {
	r.Steps = append(r.Steps, overloadStep{ratio(float64(sc.watchers()), sc.Interval.Seconds(), 0), one.RunsPerSec})
	r.Max = max(r.Max, one.RunsPerSec)
}

func (r *overloadReport) compare() {
	r.Goodput = ratio(r.Twice.RunsPerSec, r.Max, 3)
	if lost := r.Twice.Due - float64(r.Twice.Runs); lost > 0 {
		r.Counted = round(float64(r.Twice.Missed)/lost, 3)
	}
}
