package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// faultReport is what came of one fault: figures, and what was not as it has
// to be.
type faultReport struct {
	Fault   string             `json:"fault"`
	Figures map[string]float64 `json:"figures"`
	Wrong   []string           `json:"wrong,omitempty"`
}

func (r *faultReport) note(name string, figure float64) { r.Figures[name] = round(figure, 4) }

// want notes a figure, and that it is wrong unless it is as it has to be.
func (r *faultReport) want(ok bool, name string, figure float64) {
	r.note(name, figure)
	if !ok {
		r.Wrong = append(r.Wrong, fmt.Sprintf("%s is %g", name, r.Figures[name]))
	}
}

// faults are suffered in this order.
var faults = []struct {
	name   string
	suffer func(context.Context, scenario, *faultReport) error
}{
	{"killed and started again: since is kept", killed},
	{"stopped for -duration: nothing turns red", onBench(stopped)},
	{"disk full, then not: runs go on, the state is kept again", diskFull},
	{"state folder read-only: runs go on", readOnly},
	{"no file descriptors left: nothing is blamed", noDescriptors},
	{"1,000 requests that never end: cut", onBench(slowloris)},
	{"viewers that never read: cut, the others on time", stuckViewers},
	{"a host that hangs: delays nobody", hangingHost},
	{"100 broken saves, each mended: no run is missed, no tile blinks", brokenSaves},
	{"1,000 reloads: nothing grows", onBench(manyReloads)},
	{"end with 1,000 viewers on", onBench(endWithViewers)},
}

// onBench suffers a fault on a target and a daemon of its own.
func onBench(suffer func(context.Context, *bench, *faultReport) error) func(context.Context, scenario, *faultReport) error {
	return func(ctx context.Context, sc scenario, r *faultReport) error {
		b, err := newBench(ctx, sc)
		if err != nil {
			return err
		}
		defer b.close()
		return suffer(ctx, b, r)
	}
}

// sufferFaults plays one fault after the other. One that leaves something wrong,
// or cannot be played, does not keep the others from being tried.
func sufferFaults(ctx context.Context, sc scenario) ([]*faultReport, error) {
	var all []*faultReport
	for _, f := range faults {
		if !strings.Contains(f.name, sc.Only) {
			continue
		}
		r := &faultReport{Fault: f.name, Figures: make(map[string]float64)}
		err := f.suffer(ctx, sc, r)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			r.Wrong = append(r.Wrong, err.Error())
		}
		all = append(all, r)
	}
	if all == nil {
		return nil, fmt.Errorf("no fault has %q in its name", sc.Only)
	}
	return all, verdict(all)
}

// verdict is an error if a fault left something wrong.
func verdict(all []*faultReport) error {
	wrong := 0
	for _, r := range all {
		if len(r.Wrong) > 0 {
			wrong++
		}
	}
	if wrong > 0 {
		return wrongError{fmt.Errorf("%d of %d faults left something wrong", wrong, len(all))}
	}
	return nil
}

// killed kills the daemon without a warning and starts another.
func killed(ctx context.Context, sc scenario, r *faultReport) error {
	dir, err := os.MkdirTemp("", "pharosload")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	state := filepath.Join(dir, "state.json")
	first, err := newBench(ctx, sc, "--state", state)
	if err != nil {
		return err
	}
	defer first.close()
	if err := written(ctx, state); err != nil {
		return err
	}
	before, err := first.daemon.board(ctx)
	if err != nil {
		return err
	}
	first.daemon.kill()
	// On the same target: the watchers are to be the same.
	began := time.Now()
	second, err := startDaemon(sc, first.dir, first.target.first, nil, "--state", state)
	if err != nil {
		return err
	}
	defer second.kill()
	r.note("serves_again_s", time.Since(began).Seconds())
	if _, err := second.waitReady(ctx, sc); err != nil {
		return err
	}
	after, err := second.board(ctx)
	if err != nil {
		return err
	}
	kept := before.keptSince(after)
	r.want(kept >= len(before.since)*99/100, "since_kept_share", ratio(float64(kept), float64(len(before.since)), 5))
	return nil
}

// written waits until a file is written, from now on.
func written(ctx context.Context, path string) error {
	from := time.Now()
	return await(ctx, 100*time.Millisecond, 30*time.Second, path+": nothing is written", func() (bool, error) {
		info, err := os.Stat(path)
		return err == nil && info.ModTime().After(from), nil
	})
}

// stopped stops the daemon, as a suspended laptop does.
func stopped(ctx context.Context, b *bench, r *faultReport) error {
	if err := b.daemon.pause(ctx, b.sc.Duration); err != nil {
		return err
	}
	began, red := time.Now(), 0
	for time.Since(began) < 5*time.Second {
		now, err := b.daemon.board(ctx)
		if err != nil {
			return err
		}
		if red == 0 && r.Figures["answers_again_s"] == 0 {
			r.note("answers_again_s", time.Since(began).Seconds())
		}
		red = max(red, now.statuses["critical"])
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	r.note("stopped_s", b.sc.Duration.Seconds())
	r.want(red == 0, "critical", float64(red))
	return nil
}

// mounted starts a daemon that keeps its state on a file system of its own, in
// a mount namespace that ends with it, and gives the folder as seen from here.
func mounted(ctx context.Context, sc scenario, options string) (*bench, string, error) {
	dir, err := os.MkdirTemp("", "pharosload")
	if err != nil {
		return nil, "", err
	}
	wrap := []string{"unshare", "--map-root-user", "--mount", "sh", "-c", `mount -t tmpfs -o "$0" tmpfs "$1" && shift && exec setpriv --pdeathsig KILL "$@"`, options, dir} // the new user lost what childAttributes asked for
	b, err := newWrappedBench(ctx, sc, wrap, "-v", "--state", filepath.Join(dir, "state.json"))
	if err != nil {
		os.Remove(dir)
		return nil, "", fmt.Errorf("starting in a mount namespace (unshare has to be allowed): %w", err)
	}
	b.mount = dir
	return b, fmt.Sprintf("/proc/%d/root%s", b.daemon.cmd.Process.Pid, dir), nil
}

func diskFull(ctx context.Context, sc scenario, r *faultReport) error {
	b, dir, err := mounted(ctx, sc, "size=1m")
	if err != nil {
		return err
	}
	defer b.close()
	fill := filepath.Join(dir, "fill")
	_ = os.WriteFile(fill, make([]byte, 2<<20), 0o600) // ends as the disk is full
	told, err := b.logs(ctx, "state is not kept")
	if err != nil {
		return err
	}
	r.want(told, "told", flag01(told))
	if err := b.goesOn(ctx, r); err != nil {
		return err
	}
	if err := os.Remove(fill); err != nil {
		return err
	}
	again, err := b.logs(ctx, "state is kept again")
	if err != nil {
		return err
	}
	r.want(again, "kept_again", flag01(again))
	return nil
}

func readOnly(ctx context.Context, sc scenario, r *faultReport) error {
	b, _, err := mounted(ctx, sc, "size=1m,ro")
	if err != nil {
		return err
	}
	defer b.close()
	told, err := b.logs(ctx, "state is not kept")
	if err != nil {
		return err
	}
	r.want(told, "told", flag01(told))
	return b.goesOn(ctx, r)
}

// noDescriptors leaves the daemon too few descriptors for viewers and runs.
func noDescriptors(ctx context.Context, sc scenario, r *faultReport) error {
	b, err := newWrappedBench(ctx, sc, []string{"sh", "-c", `ulimit -n 64 && exec "$0" "$@"`})
	if err != nil {
		return err
	}
	defer b.close()
	crowd, err := b.watch(100, 0, time.Now())
	if err != nil {
		return err
	}
	defer crowd.kill()
	// Descriptors are few, so the board is asked for once the viewers left: a
	// status that blames what is watched would have left a transition.
	if err := sleep(ctx, 5*time.Second); err != nil {
		return err
	}
	if err := crowd.finish(&viewersResult{}); err != nil {
		return err
	}
	red, unknown := strings.Count(b.daemon.log.text(), "to=critical"), strings.Count(b.daemon.log.text(), "to=unknown")
	r.note("turned_unknown", float64(unknown))
	r.want(red == 0, "turned_critical", float64(red))
	if err := sleep(ctx, 3*time.Second); err != nil {
		return err
	}
	after, err := b.daemon.board(ctx)
	if err != nil {
		return err
	}
	r.want(after.statuses["ok"] == after.watchers, "ok_after_share", ratio(float64(after.statuses["ok"]), float64(after.watchers), 5))
	return nil
}

func slowloris(ctx context.Context, b *bench, r *faultReport) error {
	const count, within = 1000, 8 * time.Second
	before, err := b.daemon.board(ctx)
	if err != nil {
		return err
	}
	cut := make(chan int, 1)
	go func() { cut <- b.slowRequests(ctx, count, within) }()
	slowest := 0.0
	for began := time.Now(); time.Since(began) < 5*time.Second; {
		asked := time.Now()
		if _, err := b.daemon.generation(ctx); err != nil {
			return err
		}
		slowest = max(slowest, time.Since(asked).Seconds())
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	r.note("slowest_answer_s", slowest)
	n := <-cut
	r.want(n == count, "cut_within_8_s", float64(n))
	after, err := b.daemon.board(ctx)
	if err != nil {
		return err
	}
	r.note("missed", float64(after.missed-before.missed))
	return nil
}

func stuckViewers(ctx context.Context, sc scenario, r *faultReport) error {
	sc.HTTP, sc.Function, sc.Pad, sc.Interval = 0, 50, 1000, 500*time.Millisecond
	sc.Duration = max(sc.Duration, 10*time.Second)
	m, err := measure(ctx, sc)
	if err != nil {
		return err
	}
	v := m.Viewers
	r.want(v.Open == sc.Viewers, "others_open", float64(v.Open))
	r.want(m.StuckCut == sc.Stuck, "stuck_cut", float64(m.StuckCut))
	r.note("stuck_cut_in_s", m.StuckCutIn)
	r.note("others_latency_p99_s", v.FrameLatency.P99)
	r.note("others_latency_max_s", v.FrameLatency.Max)
	r.note("missed", float64(m.Missed))
	r.note("goroutines_before", float64(m.Before.Goroutines))
	r.want(m.After.Goroutines <= m.Before.Goroutines+flatCount, "goroutines_after", float64(m.After.Goroutines))
	return nil
}

// hangingHost measures the same load without and with hosts that never answer.
func hangingHost(ctx context.Context, sc scenario, r *faultReport) error {
	sc.Viewers, sc.Stuck = 1, 0
	alone, err := measure(ctx, sc)
	if err != nil {
		return err
	}
	sc.Hang = 5
	beside, err := measure(ctx, sc)
	if err != nil {
		return err
	}
	r.note("lateness_p99_without_s", alone.Viewers.Lateness.P99)
	r.note("lateness_p99_with_s", beside.Viewers.Lateness.P99)
	r.note("made_without", alone.Made)
	r.want(beside.Made >= alone.Made*0.95, "made_with", beside.Made)
	return nil
}

func endWithViewers(ctx context.Context, b *bench, r *faultReport) error {
	crowd, err := b.watch(1000, 0, time.Now())
	if err != nil {
		return err
	}
	defer crowd.kill()
	if err := sleep(ctx, 3*time.Second); err != nil {
		return err
	}
	took, err := b.daemon.stop()
	if b.daemon.cmd.ProcessState == nil {
		return err
	}
	r.want(err == nil, "exit_code", float64(b.daemon.cmd.ProcessState.ExitCode())) // 1 if it was too late
	r.want(took <= 2*time.Second, "stop_s", took.Seconds())
	return nil
}

// logs waits for a line of the daemon's log.
func (b *bench) logs(ctx context.Context, text string) (bool, error) {
	for range 150 {
		if strings.Contains(b.daemon.log.text(), text) {
			return true, nil
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return false, err
		}
	}
	return false, nil
}

// goesOn looks whether runs are made, and the daemon says that it is well.
func (b *bench) goesOn(ctx context.Context, r *faultReport) error {
	before, err := b.daemon.board(ctx)
	if err != nil {
		return err
	}
	if err := sleep(ctx, 3*time.Second); err != nil {
		return err
	}
	after, err := b.daemon.board(ctx)
	if err != nil {
		return err
	}
	due := (after.at - before.at) * float64(after.watchers) / b.sc.Interval.Seconds()
	made := ratio(float64(after.runs-before.runs), due, 5)
	r.want(made > 0.9, "made", made)
	return nil
}

func flag01(ok bool) float64 {
	if ok {
		return 1
	}
	return 0
}
