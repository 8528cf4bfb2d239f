package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// soakReport is what a long load leaves behind, by looks at the daemon between
// its rounds, with no viewer on.
type soakReport struct {
	Scenario   scenario    `json:"scenario"`
	Base       restingSum  `json:"base"` // before the first round
	Rounds     []soakRound `json:"rounds"`
	Generation uint64      `json:"generation"` // 1 and the good saves
	GoodSaves  int         `json:"good_saves"`
	BadSaves   int         `json:"bad_saves"`
	StopIn     float64     `json:"stop_in_s"`
	// The least of the last three rests to the least of the first three: what
	// is in flight at the moment of a look is no growth.
	RSSGrowth       float64 `json:"rss_growth"` // 1.05 is 5 % more
	GoroutineGrowth int     `json:"goroutine_growth"`
	FDGrowth        int     `json:"fd_growth"`
	Flat            bool    `json:"flat"`
}

// soakRound is one round of everything, and the rest after it.
type soakRound struct {
	Rest         restingSum   `json:"rest"`
	Runs         int64        `json:"runs"`
	Missed       int64        `json:"missed"` // stops of the daemon among them
	Open         int          `json:"viewers_open"`
	StuckCut     int          `json:"stuck_cut"`
	SlowCut      int          `json:"slow_requests_cut"`
	FrameLatency distribution `json:"frame_latency"`
}

const (
	soakRounds  = 10
	minRound    = 20 * time.Second
	flatRSS     = 1.20 // a collection away from each other
	flatCount   = 8    // goroutines, descriptors: of runs that happen to be in flight
	slowPerLoad = 100
)

// soak plays rounds of everything at once: viewers that come and go, some of
// them stuck, good and broken saves, requests that never end, a target that
// stands still, a daemon that is stopped for a while.
func soak(ctx context.Context, sc scenario) (*soakReport, error) {
	b, err := newBench(ctx, sc)
	if err != nil {
		return nil, err
	}
	defer b.close()
	r := &soakReport{Scenario: sc}
	if err := sleep(ctx, sc.Warmup); err != nil {
		return nil, err
	}
	if r.Base, err = b.daemon.resting(ctx, b.sc.watchers()); err != nil {
		return nil, err
	}
	length := max(sc.Duration/soakRounds, minRound)
	for end := time.Now().Add(sc.Duration); time.Now().Before(end); {
		round, err := b.soakRound(ctx, length, r)
		if err != nil {
			return nil, fmt.Errorf("round %d: %w", len(r.Rounds)+1, err)
		}
		r.Rounds = append(r.Rounds, round)
	}
	if r.Generation, err = b.daemon.generation(ctx); err != nil {
		return nil, err
	}
	r.GoodSaves, r.BadSaves = b.daemon.edition-1, b.badSaves
	stopIn, err := b.daemon.stop()
	if err != nil {
		return nil, err
	}
	r.StopIn = secs(stopIn)
	some := min(3, len(r.Rounds))
	first, last := least(r.Rounds[:some]), least(r.Rounds[len(r.Rounds)-some:])
	r.RSSGrowth = round(last.RSSMB/first.RSSMB, 3)
	r.GoroutineGrowth, r.FDGrowth = last.Goroutines-first.Goroutines, last.FDs-first.FDs
	r.Flat = last.within(first)
	if !r.Flat {
		return r, wrongError{errors.New("memory, goroutines or descriptors grew")}
	}
	return r, nil
}

// least gives the least of each figure.
func least(rounds []soakRound) restingSum {
	sum := rounds[0].Rest
	for _, round := range rounds[1:] {
		sum = sum.least(round.Rest)
	}
	return sum
}

func (b *bench) soakRound(ctx context.Context, length time.Duration, r *soakReport) (soakRound, error) {
	var round soakRound
	before, err := b.daemon.board(ctx)
	if err != nil {
		return round, err
	}
	crowd, err := b.watch(b.sc.Viewers, b.sc.Stuck, time.Now().Add(time.Second))
	if err != nil {
		return round, err
	}
	defer crowd.kill()
	busy := length * 3 / 4
	slow := make(chan int, 1)
	go func() { slow <- b.slowRequests(ctx, slowPerLoad, 8*time.Second) }()
	for i, step := range []func() error{
		func() error { return b.daemon.save(b.sc) },
		b.saveBroken,
		func() error { return b.daemon.save(b.sc) },
		func() error { return b.target.pause(ctx, busy/8) },
		func() error { return b.daemon.pause(ctx, busy/8) },
		func() error { return b.daemon.save(b.sc) },
	} {
		if err := step(); err != nil {
			return round, fmt.Errorf("step %d: %w", i+1, err)
		}
		if err := sleep(ctx, busy/8); err != nil {
			return round, err
		}
	}
	watching, err := b.daemon.metric(ctx, "pharos_viewers")
	if err != nil {
		return round, err
	}
	var seen viewersResult
	if err := crowd.finish(&seen); err != nil {
		return round, err
	}
	round.Open, round.FrameLatency = seen.Open, seen.FrameLatency
	round.StuckCut = b.sc.Viewers + b.sc.Stuck - watching
	round.SlowCut = <-slow
	if err := sleep(ctx, length-busy); err != nil {
		return round, err
	}
	after, err := b.daemon.board(ctx)
	if err != nil {
		return round, err
	}
	round.Runs, round.Missed = after.runs-before.runs, after.missed-before.missed
	round.Rest, err = b.daemon.resting(ctx, b.sc.watchers())
	return round, err
}

// saveBroken saves half of a configuration.
func (b *bench) saveBroken() error {
	b.badSaves++
	text := configuration(b.sc, b.daemon.target, b.daemon.edition)
	return os.WriteFile(b.daemon.config, []byte(text[:len(text)-20]+strings.Repeat("(", b.badSaves)), 0o600)
}

// slowRequests opens connections that begin a request and never end it, and
// tells how many of them the daemon cut within a time.
func (b *bench) slowRequests(ctx context.Context, count int, within time.Duration) (cut int) {
	addr := strings.TrimPrefix(b.daemon.url, "http://")
	var conns []net.Conn
	for range count {
		conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
		if err != nil {
			continue
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")); err == nil {
			conns = append(conns, conn)
		}
	}
	_ = sleep(ctx, within) // cut short, the count is wrong and nobody reads it
	for _, conn := range conns {
		if hungUp(conn) {
			cut++
		}
	}
	return cut
}

// pause stops a process for a while, as Ctrl-Z or a starved machine does.
func (p *process) pause(ctx context.Context, d time.Duration) error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	slept := sleep(ctx, d)
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	return slept
}
