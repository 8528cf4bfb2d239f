//go:build unix

package engine_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
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
	Runs    int     // runs that began after
	Elapsed float64 // seconds between the last run before and the first after

	again time.Time // when that was
}

// stoppedFor is for how long the process stands still, longer than any pause that
// a busy machine makes by itself.
const stoppedFor = 3 * time.Second

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
	cmd := exec.Command(os.Args[0], "-test.run=^TestStoppedProcess$")
	cmd.Env = append(os.Environ(), "ENGINE_STOPPED=1")
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(pipe)
	if said, err := out.ReadString('\n'); err != nil {
		t.Fatalf("the process said %q, %v, want that its watchers run", said, err)
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(stoppedFor)
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
	if got.Elapsed < stoppedFor.Seconds()*0.9 {
		t.Fatalf("the process stood still for %.2fs, want %v", got.Elapsed, stoppedFor)
	}
	if got.Red != 0 {
		t.Errorf("%d watchers turned critical, want 0", got.Red)
	}
	if got.Missed < 400 || !got.Late {
		t.Errorf("missed, late = %d, %v, want the 600 ticks of the stop or so, true", got.Missed, got.Late)
	}
	if got.Herd > 120 || got.Runs < 200 {
		t.Errorf("%d runs after, %d of them within 20ms, want all 200 watchers, spread", got.Runs, got.Herd)
	}
}

// serveStopped runs watchers, says so, and looks for a gap until all of them have
// run again.
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
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.Run(ctx) // however it ends, the figures tell
	}()
	for len(starts.Times()) < 2*len(watchers) && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("running")
	var s stopped
	for s.Elapsed < stoppedFor.Seconds()*0.9 || s.Runs < len(watchers) || time.Since(s.again) < 2*time.Second {
		if time.Sleep(100 * time.Millisecond); ctx.Err() != nil {
			break
		}
		s = gapIn(starts.Times())
	}
	s.Missed, s.Late = e.Board().Lag().Missed, e.Board().Lag().Late
	cancel()
	<-ended
	s.Red = red.n
	return s
}

// gapIn finds the longest pause between two runs.
func gapIn(times []time.Time) (s stopped) {
	gap := 1
	for i := 1; i < len(times); i++ {
		if d := times[i].Sub(times[i-1]).Seconds(); d > s.Elapsed {
			s.Elapsed, gap = d, i
		}
	}
	slots := map[time.Duration]int{}
	for _, at := range times[gap:] {
		s.Runs++
		slots[at.Sub(times[gap])/(20*time.Millisecond)]++
	}
	for _, n := range slots {
		s.Herd = max(s.Herd, n)
	}
	s.again = times[gap]
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
