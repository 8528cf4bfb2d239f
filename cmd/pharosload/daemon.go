package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// daemon is the pharosd under load.
type daemon struct {
	*process
	url     string
	config  string
	target  string
	edition int
	began   time.Time
}

// startDaemon starts the daemon with the watchers of a scenario, and further
// flags, by way of another command if wrap names one.
func startDaemon(sc scenario, dir, target string, wrap []string, flags ...string) (*daemon, error) {
	d := &daemon{config: filepath.Join(dir, "pharos.lua"), target: target, began: time.Now()}
	if err := d.save(sc); err != nil {
		return nil, err
	}
	command := append(wrap, sc.Pharosd, "-c", d.config, "-P", "0", "--stream-rate", strconv.Itoa(sc.Rate))
	command = append(command, flags...)
	var err error
	if d.process, err = spawn(command[0], command[1:]...); err != nil {
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

// waitReady waits until every watcher has had its first result.
func (d *daemon) waitReady(ctx context.Context, sc scenario) (time.Duration, error) {
	// To show a large board costs memory that would be measured later.
	every := max(200*time.Millisecond, time.Duration(sc.watchers())*100*time.Microsecond)
	err := await(ctx, every, 30*time.Second+sc.Interval, "first results: some watchers have none", func() (bool, error) {
		b, err := d.board(ctx)
		return b.pending == 0, err
	})
	return time.Since(d.began), err
}

// reload saves the configuration and waits until the daemon has taken it.
func (d *daemon) reload(ctx context.Context, sc scenario) (time.Duration, error) {
	before, err := d.generation(ctx)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := d.save(sc); err != nil {
		return 0, err
	}
	err = await(ctx, 20*time.Millisecond, 30*time.Second, "a reload: the configuration is not taken", func() (bool, error) {
		now, err := d.generation(ctx)
		return now > before, err
	})
	return time.Since(begin), err
}

// get asks the daemon for JSON.
func (d *daemon) get(ctx context.Context, path string, answer any) error {
	body, err := d.text(ctx, path)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, answer)
}

func (d *daemon) text(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

// generation gives the number of the configuration that runs.
func (d *daemon) generation(ctx context.Context) (uint64, error) {
	var config struct{ Generation uint64 }
	err := d.get(ctx, "/api/config", &config)
	return config.Generation, err
}

// manyWatchers have so many metrics that to ask for them would be a load of
// its own.
const manyWatchers = 2000

// metric reads a gauge that is a whole number.
func (d *daemon) metric(ctx context.Context, name string) (int, error) {
	metrics, err := d.text(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(metrics)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.Atoi(strings.TrimSpace(value))
		}
	}
	return 0, fmt.Errorf("reading metrics: no %s", name)
}

// boardSum is the board in figures, without the watchers of a page that never
// answers: those miss runs because they are not answered.
type boardSum struct {
	at                float64 // the server's clock, Unix seconds
	watchers, pending int
	runs, missed      int64
	statuses          map[string]int
	since             map[string]float64
}

func (d *daemon) board(ctx context.Context) (boardSum, error) {
	var b struct {
		Time float64 // a busy daemon shares one snapshot for a while: its time counts
		Sets []struct {
			Tiles []struct {
				ID, Status   string
				Since        float64
				Runs, Missed int64
			}
		}
	}
	if err := d.get(ctx, "/api/board", &b); err != nil {
		return boardSum{}, err
	}
	sum := boardSum{at: b.Time, statuses: make(map[string]int), since: make(map[string]float64)}
	for _, set := range b.Sets {
		for _, t := range set.Tiles {
			if strings.HasPrefix(t.ID, "hang") {
				continue
			}
			sum.watchers++
			sum.runs += t.Runs
			sum.missed += t.Missed
			sum.statuses[t.Status]++
			sum.since[t.ID] = t.Since
		}
	}
	sum.pending = sum.statuses["pending"]
	return sum, nil
}

// keptSince counts the watchers whose status is since the same time on a later board.
func (s boardSum) keptSince(later boardSum) (kept int) {
	for id, since := range s.since {
		if later.since[id] == since {
			kept++
		}
	}
	return kept
}

// await asks every so often whether something is there, within a limit.
func await(ctx context.Context, every, limit time.Duration, what string, there func() (bool, error)) error {
	for began := time.Now(); time.Since(began) < limit; {
		if ok, err := there(); ok || err != nil {
			return err
		}
		if err := sleep(ctx, every); err != nil {
			return err
		}
	}
	return fmt.Errorf("waiting for %s", what)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
