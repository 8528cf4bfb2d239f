package main

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"
)

// bench is a target and a daemon that watches it, ready.
type bench struct {
	sc     scenario
	dir    string
	target *process
	daemon *daemon

	mount    string        // an empty folder where the daemon has something else mounted
	watched  time.Time     // when viewers came
	readyIn  time.Duration // start to every watcher's first result
	badSaves int
}

// newBench starts both, the daemon with further flags, and waits for every
// watcher's first result.
func newBench(ctx context.Context, sc scenario, flags ...string) (*bench, error) {
	return newWrappedBench(ctx, sc, nil, flags...)
}

func newWrappedBench(ctx context.Context, sc scenario, wrap []string, flags ...string) (*bench, error) {
	b := &bench{sc: sc}
	err := b.start(ctx, wrap, flags)
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) start(ctx context.Context, wrap, flags []string) (err error) {
	if b.dir, err = os.MkdirTemp("", "pharosload"); err != nil {
		return err
	}
	if b.target, err = spawnRole("target"); err != nil {
		return err
	}
	if b.daemon, err = startDaemon(b.sc, b.dir, b.target.first, wrap, flags...); err != nil {
		return err
	}
	b.readyIn, err = b.daemon.waitReady(ctx, b.sc)
	return err
}

// close ends both.
func (b *bench) close() {
	if b.daemon != nil {
		b.daemon.kill()
	}
	if b.target != nil {
		b.target.kill()
	}
	os.RemoveAll(b.dir)
	if b.mount != "" {
		os.Remove(b.mount)
	}
}

// watch brings viewers, who measure from a time on.
func (b *bench) watch(reading, stuck int, from time.Time) (*process, error) {
	return spawnRole("viewers", strings.TrimPrefix(b.daemon.url, "http://"),
		strconv.Itoa(reading), strconv.Itoa(stuck), strconv.FormatInt(from.UnixMilli(), 10))
}
