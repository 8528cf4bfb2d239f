package main

import (
	"context"
	"strconv"
	"time"
)

// measureRawLoops measures what the daemon is compared with, each alone.
func measureRawLoops(ctx context.Context, sc scenario) (*rawReport, error) {
	const warmup = 3 * time.Second
	span := min(sc.Duration, 15*time.Second)
	r := &rawReport{}
	if sc.HTTP > 0 {
		result, err := rawLoop(ctx, span+warmup, func() (*process, *process, error) {
			target, err := spawnRole("target")
			if err != nil {
				return nil, nil, err
			}
			loop, err := spawnRole("rawhttp", target.first, strconv.Itoa(sc.HTTP), sc.Interval.String(), warmup.String())
			return loop, target, err
		}, &targetResult{})
		if err != nil {
			return nil, err
		}
		r.HTTPCPUPer1000 = round(result.CPU.Seconds()/float64(max(result.Count, 1))*1000, 4)
	}
	if sc.Viewers > 1 {
		var seen viewersResult
		result, err := rawLoop(ctx, span+warmup, func() (*process, *process, error) {
			loop, err := spawnRole("rawsse", strconv.Itoa(sc.Rate), warmup.String())
			if err != nil {
				return nil, nil, err
			}
			crowd, err := spawnRole("viewers", loop.first, strconv.Itoa(sc.Viewers), "0",
				strconv.FormatInt(time.Now().Add(warmup).UnixMilli(), 10))
			return loop, crowd, err
		}, &seen)
		if err != nil {
			return nil, err
		}
		r.SSEMicros = round(float64(result.CPU.Microseconds())/float64(max(result.Count, 1)), 2)
		r.SSELatency = seen.FrameLatency
	}
	return r, nil
}

// rawLoop runs a loop and its companion for a time; the companion ends first
// where it is the one that watches.
func rawLoop(ctx context.Context, span time.Duration, start func() (loop, other *process, err error), seen any) (rawResult, error) {
	var result rawResult
	loop, other, err := start()
	for _, p := range []*process{loop, other} {
		if p != nil {
			defer p.kill()
		}
	}
	if err != nil {
		return result, err
	}
	if err := sleep(ctx, span); err != nil {
		return result, err
	}
	if err := loop.finish(&result); err != nil {
		return result, err
	}
	return result, other.finish(seen)
}
