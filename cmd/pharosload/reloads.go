package main

import (
	"context"
	"strings"
	"syscall"
	"time"
)

// brokenSaves saves half a configuration a hundred times and mends it each
// time: no run may be missed and no tile may blink.
func brokenSaves(ctx context.Context, sc scenario, r *faultReport) error {
	const saves = 100
	sc.HTTP, sc.Function = 250, 250
	b, err := newBench(ctx, sc)
	if err != nil {
		return err
	}
	defer b.close()
	before, err := b.daemon.board(ctx)
	if err != nil {
		return err
	}
	for range saves {
		if err := b.saveBroken(); err != nil {
			return err
		}
		if err := b.daemon.hangUp(ctx, func(s configSum) bool { return s.Error != nil }); err != nil {
			return err
		}
		if err := b.daemon.save(sc); err != nil {
			return err
		}
		if err := b.daemon.hangUp(ctx, func(s configSum) bool { return s.Error == nil }); err != nil {
			return err
		}
	}
	after, err := b.daemon.board(ctx)
	if err != nil {
		return err
	}
	blinked := len(before.since) - before.keptSince(after)
	r.note("broken_saves", float64(b.badSaves))
	r.want(after.missed == before.missed, "missed", float64(after.missed-before.missed))
	r.want(blinked == 0, "blinked", float64(blinked))
	changed := strings.Count(b.daemon.log.text(), "status changed")
	r.want(changed == 0, "changes_of_status", float64(changed))
	return nil
}

// manyReloads reloads a thousand times: nothing may grow after the first ones.
func manyReloads(ctx context.Context, b *bench, r *faultReport) (err error) {
	const reloads, warm = 1000, 200
	look := func() (restingSum, error) { return b.daemon.resting(ctx, b.sc.watchers()) }
	var early restingSum
	var rested time.Duration
	generation := uint64(1)
	began := time.Now()
	for i := range reloads {
		if i == warm {
			resting := time.Now()
			if early, err = atRest(ctx, restingSum{}, look); err != nil {
				return err
			}
			rested = time.Since(resting)
		}
		if err := b.daemon.save(b.sc); err != nil {
			return err
		}
		before := generation
		if err := b.daemon.hangUp(ctx, func(s configSum) bool {
			generation = s.Generation // by more than one, if it saw the change by itself just before
			return generation > before
		}); err != nil {
			return err
		}
	}
	r.note("reload_mean_s", (time.Since(began)-rested).Seconds()/reloads)
	late, err := atRest(ctx, early, look)
	if err != nil {
		return err
	}
	r.note("rss_mb_after_200", early.RSSMB)
	r.want(late.RSSMB <= early.RSSMB*flatRSS, "rss_mb_after_1000", late.RSSMB)
	r.want(late.Goroutines <= early.Goroutines+flatCount, "goroutine_growth", float64(late.Goroutines-early.Goroutines))
	r.want(late.FDs <= early.FDs+flatCount, "fd_growth", float64(late.FDs-early.FDs))
	return nil
}

// configSum is /api/config.
type configSum struct {
	Generation uint64
	Error      *struct{ Message string }
}

// hangUp asks the daemon to reload at once, and waits until its configuration
// is as wanted.
func (d *daemon) hangUp(ctx context.Context, wanted func(configSum) bool) error {
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	return await(ctx, 5*time.Millisecond, 30*time.Second, "a reload: the configuration is not as wanted", func() (bool, error) {
		var now configSum
		err := d.get(ctx, "/api/config", &now)
		return err == nil && wanted(now), err
	})
}
