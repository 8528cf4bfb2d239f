package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// measure plays a scenario through.
func measure(ctx context.Context, sc scenario) (*report, error) {
	runtime.LockOSThread() // children die with the thread that started them
	dir, err := os.MkdirTemp("", "pharosload")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if sc.Pharosd == "" {
		sc.Pharosd = filepath.Join(dir, "pharosd")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", sc.Pharosd, "pharos/cmd/pharosd").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building pharosd (or give -pharosd): %w: %s", err, out)
		}
	}
	r := &report{Scenario: sc}
	if sc.Raw {
		if r.Raw, err = measureRawLoops(ctx, sc); err != nil {
			return nil, err
		}
	}
	target, err := spawnRole("target")
	if err != nil {
		return nil, err
	}
	defer target.kill()
	d, err := startDaemon(sc, dir, target.first)
	if err != nil {
		return nil, err
	}
	defer d.kill()
	if err := d.load(ctx, sc, r); err != nil {
		return nil, err
	}
	stopIn, err := d.stop()
	if err != nil {
		return nil, fmt.Errorf("stopping pharosd: %w", err)
	}
	r.StopIn, r.LogLines = secs(stopIn), d.log.lines.Load()
	var hits targetResult
	if err := target.finish(&hits); err != nil {
		return nil, err
	}
	r.TargetHits = hits.Hits
	if r.Raw != nil && r.Raw.HTTPCPUPer1000 > 0 {
		r.Raw.HTTPRatio = round(r.CPUPer1000/r.Raw.HTTPCPUPer1000, 3)
	}
	return r, nil
}

// daemon is the pharosd under load.
type daemon struct {
	*process
	url     string
	config  string
	target  string
	edition int
	began   time.Time
}

func startDaemon(sc scenario, dir, target string) (*daemon, error) {
	d := &daemon{config: filepath.Join(dir, "pharos.lua"), target: target, began: time.Now()}
	if err := d.save(sc); err != nil {
		return nil, err
	}
	var err error
	d.process, err = spawn(sc.Pharosd, "-c", d.config, "-P", "0", "--stream-rate", strconv.Itoa(sc.Rate))
	if err != nil {
		return nil, err
	}
	i := strings.Index(d.first, "http://")
	if i < 0 {
		d.kill()
		return nil, fmt.Errorf("starting pharosd: it said %q, want its address", d.first)
	}
	d.url = strings.TrimSuffix(strings.Fields(d.first[i:])[0], "/")
	return d, nil
}

// save writes the configuration as an editor does: beside it, then renamed.
func (d *daemon) save(sc scenario) error {
	d.edition++
	next := d.config + ".next"
	if err := os.WriteFile(next, []byte(configuration(sc, d.target, d.edition)), 0o600); err != nil {
		return err
	}
	return os.Rename(next, d.config)
}

// load warms the daemon up, measures it with the viewers on, and takes them
// off.
func (d *daemon) load(ctx context.Context, sc scenario, r *report) error {
	if err := d.waitReady(ctx, sc, r); err != nil {
		return err
	}
	idle, err := d.usage()
	if err != nil {
		return err
	}
	r.FDsBefore = idle.fds
	from := time.Now().Add(2 * time.Second)
	if warm := d.began.Add(sc.Warmup); warm.After(from) {
		from = warm
	}
	crowd, err := spawnRole("viewers", strings.TrimPrefix(d.url, "http://"),
		strconv.Itoa(sc.Viewers), strconv.Itoa(sc.Stuck), strconv.FormatInt(from.UnixMilli(), 10))
	if err != nil {
		return err
	}
	defer crowd.kill()
	if err := sleep(ctx, time.Until(from)); err != nil {
		return err
	}
	if err := d.window(ctx, sc, r); err != nil {
		return err
	}
	if err := crowd.finish(&r.Viewers); err != nil {
		return err
	}
	r.BytesViewer = round(float64(r.Viewers.Bytes)/float64(sc.Viewers)/sc.Duration.Seconds(), 0)
	if err := sleep(ctx, time.Second); err != nil {
		return err
	}
	after, err := d.usage()
	r.FDsAfter = after.fds
	return err
}

// window is the time that is measured.
func (d *daemon) window(ctx context.Context, sc scenario, r *report) error {
	before, err := d.board(ctx)
	if err != nil {
		return err
	}
	begin, err := d.usage()
	if err != nil {
		return err
	}
	var reload <-chan time.Time
	if sc.Reload > 0 {
		tick := time.NewTicker(sc.Reload)
		defer tick.Stop()
		reload = tick.C
	}
	look := time.NewTicker(500 * time.Millisecond)
	defer look.Stop()
	over := time.After(sc.Duration)
	for end := false; !end; {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-reload:
			if err := d.save(sc); err != nil {
				return err
			}
			r.Reloads++
		case <-look.C:
			if now, err := d.usage(); err == nil {
				r.RSSMB = max(r.RSSMB, round(float64(now.rss)/1e6, 1))
				r.Threads = max(r.Threads, now.threads)
			}
		case <-over:
			end = true
		}
	}
	last, err := d.usage()
	if err != nil {
		return err
	}
	after, err := d.board(ctx)
	if err != nil {
		return err
	}
	wall := after.at - before.at
	r.Runs, r.Missed = after.runs-before.runs, after.missed-before.missed
	r.Due = round(wall*float64(after.watchers)/sc.Interval.Seconds(), 0)
	r.RunsPerSec = round(float64(r.Runs)/wall, 1)
	r.Made = round(float64(r.Runs)/r.Due, 5)
	cpu := (last.cpu - begin.cpu).Seconds()
	r.CPUPer1000 = round(cpu/float64(max(r.Runs, 1))*1000, 4)
	r.Cores = round(cpu/last.at.Sub(begin.at).Seconds(), 3)
	return nil
}

// waitReady waits until every watcher has had its first result.
func (d *daemon) waitReady(ctx context.Context, sc scenario, r *report) error {
	limit := 15*time.Second + sc.Interval
	for time.Since(d.began) < limit {
		b, err := d.board(ctx)
		if err != nil {
			return err
		}
		if b.pending <= sc.Hang {
			r.ReadyIn = secs(time.Since(d.began))
			return nil
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("waiting for first results: some watchers have none")
}

// boardSum is the board in figures.
type boardSum struct {
	at                float64 // the server's clock, Unix seconds
	watchers, pending int
	runs, missed      int64
}

func (d *daemon) board(ctx context.Context) (boardSum, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+"/api/board", nil)
	if err != nil {
		return boardSum{}, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return boardSum{}, err
	}
	defer res.Body.Close()
	var b struct {
		Time float64 // a busy daemon shares one snapshot for a while: its time counts
		Sets []struct {
			Tiles []struct {
				Status       string
				Runs, Missed int64
			}
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&b); err != nil {
		return boardSum{}, err
	}
	sum := boardSum{at: b.Time}
	for _, set := range b.Sets {
		for _, t := range set.Tiles {
			sum.watchers++
			sum.runs += t.Runs
			sum.missed += t.Missed
			if t.Status == "pending" {
				sum.pending++
			}
		}
	}
	return sum, nil
}

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

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
