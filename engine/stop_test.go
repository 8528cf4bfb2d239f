//go:build unix

package engine_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// stopped is what a process that was stopped and continued saw of itself.
type stopped struct {
	Red     int     // transitions to critical
	Missed  uint64  // ticks dropped
	Late    bool    // said so
	Herd    int     // most runs that began within the same 20 ms after it went on
	Runs    int     // runs that began in the two seconds after
	Elapsed float64 // seconds between the last run before and the first after
}

// TestStoppedProcess stops a process that runs 200 watchers, of whom at any
// moment most are in flight, for longer than their timeout, and lets it go on.
func TestStoppedProcess(t *testing.T) {
	if os.Getenv("ENGINE_STOPPED") != "" {
		if err := json.NewEncoder(os.Stdout).Encode(serveStopped()); err != nil {
			t.Fatal(err)
		}
		os.Exit(0)
	}
	t.Parallel()
	const stop = 3 * time.Second
	cmd := exec.Command(os.Args[0], "-test.run=^TestStoppedProcess$")
	cmd.Env = append(os.Environ(), "ENGINE_STOPPED=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2500 * time.Millisecond)
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(stop)
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	var got stopped
	if err := json.NewDecoder(out).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", got)
	if got.Elapsed < stop.Seconds()*0.9 {
		t.Fatalf("the process stood still for %.2fs, want %v", got.Elapsed, stop)
	}
	if got.Red != 0 {
		t.Errorf("%d watchers turned critical, want 0", got.Red)
	}
	if got.Missed < 400 || !got.Late {
		t.Errorf("missed, late = %d, %v, want the 600 ticks of the stop or so, true", got.Missed, got.Late)
	}
	if got.Herd > 120 || got.Runs < 200 {
		t.Errorf("%d runs in the 2s after, %d of them within 20ms, want all 200 watchers, spread", got.Runs, got.Herd)
	}
}

// serveStopped runs watchers for eight seconds and looks for a gap.
func serveStopped() stopped {
	var starts enginetest.Starts
	red := &countRed{}
	check := func(ctx context.Context) (engine.Result, error) {
		for range 10 { // as a request with ten parts
			time.Sleep(70 * time.Millisecond)
			if ctx.Err() != nil {
				return engine.Result{Status: engine.Critical, Failure: &engine.Failure{Kind: engine.KindTimeout}}, nil
			}
		}
		return engine.Result{Status: engine.OK}, nil
	}
	e := engine.New(engine.Config{Observer: red})
	watchers := enginetest.Watchers(200, time.Second, starts.Check(check))
	for i := range watchers {
		watchers[i].Timeout = 2500 * time.Millisecond // over during the stop, and never for want of cores
	}
	e.Replace(enginetest.Generation(1, watchers...))
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	e.Run(ctx) // however it ends, the figures tell

	s := stopped{Red: red.n, Missed: e.Board().Lag().Missed, Late: e.Board().Lag().Late}
	times := starts.Times()
	gap := 1
	for i := 1; i < len(times); i++ {
		if d := times[i].Sub(times[i-1]).Seconds(); d > s.Elapsed {
			s.Elapsed, gap = d, i
		}
	}
	slots := map[time.Duration]int{}
	for _, at := range times[gap:] {
		after := at.Sub(times[gap])
		if after < 2*time.Second {
			s.Runs++
			slots[after/(20*time.Millisecond)]++
		}
	}
	for _, n := range slots {
		s.Herd = max(s.Herd, n)
	}
	return s
}

type countRed struct {
	mu sync.Mutex
	n  int
}

func (c *countRed) Transition(t engine.Transition) {
	if t.To == engine.Critical {
		c.mu.Lock()
		c.n++
		c.mu.Unlock()
	}
}
