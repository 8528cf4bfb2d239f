package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
	"pharos/luaapi"
)

// The start tells of sets whose members are still to be found: a board of such
// sets alone is not one of no watchers.
func TestGreetTellsOfDiscoveries(t *testing.T) {
	found := engine.Set{Discover: &engine.Discovery{}}
	fixed := engine.Set{Watchers: []engine.Watcher{{Name: "a"}}}
	for _, test := range []struct {
		sets []engine.Set
		want string
	}{
		{[]engine.Set{fixed}, "1 watcher from fleet.lua; save it and the board changes"},
		{[]engine.Set{fixed, found}, "1 watcher from fleet.lua, and a set that finds its own; save it and the board changes"},
		{[]engine.Set{found, found}, "0 watchers from fleet.lua, and 2 sets that find their own; save it and the board changes"},
	} {
		var out strings.Builder
		greet(&out, luaapi.Options{Path: "fleet.lua", URL: "http://127.0.0.1:8811/"}, &engine.Generation{Sets: test.sets})
		_, got, _ := strings.Cut(out.String(), "\n")
		if got != test.want+"\n" {
			t.Errorf("greet() = %q, want %q", got, test.want)
		}
	}
}

// Who reads the log may go away: what is logged then is lost, and the board goes
// on. What watchers run dies of a broken pipe as elsewhere.
func TestLogReaderGoesAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pharos.lua")
	err := os.WriteFile(path, []byte(`metric_watchers = { pharos.CommandMetricWatcher{
  name = "pipe", command = "(sh -c 'kill -PIPE $$; echo survived' || echo died) 2>/dev/null", interval = "50ms", timeout = "10s",
  handle_output = function(self, output)
    self.n = (self.n or 0) + 1
    return self.n % 2 == 0 and "ok" or "warning", output
  end } }`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	board := exec.Command("pharosd", "serve", "-c", path, "-P", port, "-v")
	board.Stdout, board.Stderr = write, write
	if err := board.Start(); err != nil {
		t.Fatal(err)
	}
	defer board.Process.Kill()
	read.Close()
	write.Close()
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		page, err := fetch("http://127.0.0.1:" + port + "/api/watchers/pipe")
		if strings.Count(page, `"to":`) >= 5 { // each change is a line that nobody reads
			if !strings.Contains(page, `"died`) {
				t.Errorf("the command's broken pipe did not end it: %s", page)
			}
			break
		}
		if time.Since(start) > patience {
			t.Fatalf("after %v the board shows %q, %v", patience, page, err)
		}
	}
	if err := board.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := board.Wait(); err != nil {
		t.Errorf("the daemon ended with %v after SIGTERM, want exit code 0", err)
	}
}

// A command that ignores TERM, and was given a day to end, ends with the daemon. It
// has two seconds for that, which a machine that is busy with others may not give
// it, so the best of several tries counts.
func TestStopKillsWhatTakesItsTime(t *testing.T) {
	for began := time.Now(); ; {
		err := stopStubborn(t)
		if err == nil {
			return
		}
		t.Log(err)
		if time.Since(began) > patience {
			t.Fatal("no try went well")
		}
	}
}

// stopStubborn tells what went wrong when a daemon was stopped that runs such a
// command.
func stopStubborn(t *testing.T) error {
	t.Helper()
	dir := t.TempDir()
	path, pids := filepath.Join(dir, "pharos.lua"), filepath.Join(dir, "pid")
	err := os.WriteFile(path, []byte(`metric_watchers = { pharos.CommandMetricWatcher{
  name = "stubborn", command = [[trap "" TERM; echo $$ >`+pids+`.next; mv `+pids+`.next `+pids+`; exec sleep 1000]],
  interval = "50ms", timeout = "1m", kill_after = "24h" } }`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	board := exec.Command("pharosd", "serve", "-c", path, "-P", "0")
	if err := board.Start(); err != nil {
		t.Fatal(err)
	}
	defer board.Process.Kill()
	var text []byte
	for start := time.Now(); len(text) == 0; time.Sleep(10 * time.Millisecond) {
		text, _ = os.ReadFile(pids)
		if time.Since(start) > patience {
			t.Fatalf("after %v the command has not begun", patience)
		}
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(-pid, syscall.SIGKILL)
	began := time.Now()
	if err := board.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := board.Wait()
	group := syscall.Kill(-pid, 0)
	if ended != nil || group != syscall.ESRCH {
		return fmt.Errorf("%v after SIGTERM the daemon ended with %v, want exit code 0; the command's group: %v, want it gone", time.Since(began), ended, group)
	}
	return nil
}

// What is killed has its time to end from then on, also when that was late: the
// machine may have stood still.
func TestStopWaitsForWhatItKills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		killed := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := runDaemon(ctx, daemon{
			parts: []func(context.Context) error{func(context.Context) error {
				<-killed
				time.Sleep(100 * time.Millisecond)
				return nil
			}},
			stop: func(context.Context) error { return nil },
			hurry: func() {
				time.Sleep(shutdownGrace)
				close(killed)
			},
		})
		if err != nil {
			t.Errorf("runDaemon() = %v, want nil", err)
		}
	})
}

// What does not end is not waited for.
func TestBoundedBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, never := time.Now(), make(chan struct{})
		defer close(never)
		boundedBy(closeGrace, func() { <-never })
		if got := time.Since(began); got != closeGrace {
			t.Errorf("boundedBy took %v, want %v", got, closeGrace)
		}
		boundedBy(closeGrace, func() {})
		if got := time.Since(began); got != closeGrace {
			t.Errorf("boundedBy waited %v for what was done", got-closeGrace)
		}
	})
}

// Who ends a group sends the signal twice, as timeout(1) does; the last state is
// kept all the same.
func TestSecondSignalCutsNoEnd(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	board := exec.Command("pharosd", "serve", "-P", "0", "--state", state)
	out, err := board.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := board.Start(); err != nil {
		t.Fatal(err)
	}
	defer board.Process.Kill()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // it serves
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- board.Wait() }()
	for {
		_ = board.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the daemon ended with %v after two signals, want exit code 0", err)
			}
			if _, err := os.Stat(state); err != nil {
				t.Error(err)
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}
