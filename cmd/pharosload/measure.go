package main

import (
	"context"
	"fmt"
	"time"
)

// measure plays a scenario through.
func measure(ctx context.Context, sc scenario) (*report, error) {
	r := &report{Scenario: sc}
	if sc.Raw {
		var err error
		if r.Raw, err = measureRawLoops(ctx, sc); err != nil {
			return nil, err
		}
	}
	b, err := newBench(ctx, sc)
	if err != nil {
		return nil, err
	}
	defer b.close()
	r.ReadyIn = secs(b.readyIn)
	if err := b.load(ctx, r); err != nil {
		return nil, err
	}
	stopIn, err := b.daemon.stop()
	if err != nil {
		return nil, fmt.Errorf("stopping pharosd: %w", err)
	}
	r.StopIn, r.LogLines = secs(stopIn), b.daemon.log.count()
	var hits targetResult
	if err := b.target.finish(&hits); err != nil {
		return nil, err
	}
	r.TargetHits = hits.Hits
	r.compare()
	return r, nil
}

// compare sets the daemon's figures against those of the raw loops.
func (r *report) compare() {
	if r.Raw == nil {
		return
	}
	r.Raw.HTTPRatio = ratio(r.CPUPer1000, r.Raw.HTTPCPUPer1000, 3)
	if r.Raw.SSEMicros > 0 {
		r.SSEMicros = round(r.Cores*1e6*r.Viewers.Span/float64(max(r.Viewers.Frames, 1)), 2)
		r.Raw.SSERatio = ratio(r.SSEMicros, r.Raw.SSEMicros, 3)
		r.Raw.SSELatencyRatio = ratio(r.Viewers.FrameLatency.P99, r.Raw.SSELatency.P99, 3)
	}
}

// load warms the daemon up, measures it with the viewers on, and takes them
// off.
func (b *bench) load(ctx context.Context, r *report) error {
	idle, err := b.daemon.resting(ctx, b.sc.watchers())
	if err != nil {
		return err
	}
	from := time.Now().Add(2 * time.Second)
	if warm := b.daemon.began.Add(b.sc.Warmup); warm.After(from) {
		from = warm
	}
	b.watched = time.Now()
	crowd, err := b.watch(b.sc.Viewers, b.sc.Stuck, from)
	if err != nil {
		return err
	}
	defer crowd.kill()
	if err := sleep(ctx, time.Until(from)); err != nil {
		return err
	}
	if err := b.window(ctx, crowd, r); err != nil {
		return err
	}
	if err := crowd.finish(&r.Viewers); err != nil {
		return err
	}
	r.BytesViewer = round(float64(r.Viewers.Bytes)/float64(b.sc.Viewers)/b.sc.Duration.Seconds(), 0)
	if err := sleep(ctx, time.Second); err != nil {
		return err
	}
	after, err := atRest(ctx, idle, func() (restingSum, error) { return b.daemon.resting(ctx, b.sc.watchers()) })
	r.Before, r.After = idle, after
	return err
}

// window is the time that is measured.
func (b *bench) window(ctx context.Context, crowd *process, r *report) error {
	d, all := b.daemon, []*process{b.daemon.process, b.target, crowd}
	before, err := d.board(ctx)
	if err != nil {
		return err
	}
	begin, err := usages(all)
	if err != nil {
		return err
	}
	if err := b.during(ctx, r); err != nil {
		return err
	}
	end, err := usages(all)
	if err != nil {
		return err
	}
	after, err := d.board(ctx)
	if err != nil {
		return err
	}
	wall := after.at - before.at
	r.Runs, r.Missed = after.runs-before.runs, after.missed-before.missed
	r.Due = round(wall*float64(after.watchers)/b.sc.Interval.Seconds(), 0)
	r.RunsPerSec = ratio(float64(r.Runs), wall, 1)
	r.Made = ratio(float64(r.Runs), r.Due, 5)
	r.CPUPer1000 = round((end[0].cpu-begin[0].cpu).Seconds()/float64(max(r.Runs, 1))*1000, 4)
	r.Cores, r.TargetCores, r.ViewerCores = cores(begin[0], end[0]), cores(begin[1], end[1]), cores(begin[2], end[2])
	return nil
}

// during waits for the measured time to pass, and saves the configuration as
// often as is asked for. The board is not looked at meanwhile: that costs.
func (b *bench) during(ctx context.Context, r *report) error {
	var reload <-chan time.Time
	if b.sc.Reload > 0 {
		tick := time.NewTicker(b.sc.Reload)
		defer tick.Stop()
		reload = tick.C
	}
	look := time.NewTicker(500 * time.Millisecond)
	defer look.Stop()
	over := time.After(b.sc.Duration)
	for end := false; !end; {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-reload:
			took, err := b.daemon.reload(ctx, b.sc)
			if err != nil {
				return err
			}
			r.Reloads++
			r.ReloadMax = max(r.ReloadMax, secs(took))
		case <-look.C:
			if now, err := b.daemon.usage(); err == nil {
				r.RSSMB = max(r.RSSMB, round(float64(now.rss)/1e6, 1))
				r.Threads = max(r.Threads, now.threads)
			}
			if err := b.countStuck(ctx, r); err != nil {
				return err
			}
		case <-over:
			end = true
		}
	}
	return nil
}

// countStuck asks how many of the viewers that never read are still on.
func (b *bench) countStuck(ctx context.Context, r *report) error {
	if r.StuckCut == b.sc.Stuck {
		return nil
	}
	viewers, err := b.daemon.metric(ctx, "pharos_viewers")
	if err != nil {
		return err
	}
	r.StuckCut = b.sc.Viewers + b.sc.Stuck - viewers
	if r.StuckCut == b.sc.Stuck {
		r.StuckCutIn = secs(time.Since(b.watched))
	}
	return nil
}
