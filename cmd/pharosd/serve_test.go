package main

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// boardOf starts a daemon of a script. Its command is prepared before, if prepare is
// not nil.
func boardOf(t *testing.T, script string, prepare func(*exec.Cmd)) (board *exec.Cmd, port string) {
	t.Helper()
	path, port := filepath.Join(t.TempDir(), "pharos.lua"), freePort(t)
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	board = exec.Command("pharosd", "serve", "-c", path, "-P", port, "-v")
	if prepare != nil {
		prepare(board)
	}
	if err := board.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = board.Process.Kill() }) // it may have ended
	return board, port
}

// awaitShown waits until what a daemon shows of a watcher is as it should be.
func awaitShown(t *testing.T, port, id string, is func(shown string) bool) (shown string) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		shown, err := fetch("http://127.0.0.1:" + port + "/api/watchers/" + id)
		if is(shown) {
			return shown
		}
		if time.Since(start) > patience {
			t.Fatalf("after %v the board shows %q, %v", patience, shown, err)
		}
	}
}

// endsWell tells a daemon to end, and whether it does so without a complaint.
func endsWell(t *testing.T, board *exec.Cmd) {
	t.Helper()
	if err := board.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := board.Wait(); err != nil {
		t.Errorf("the daemon ended with %v after SIGTERM, want exit code 0", err)
	}
}

// Who reads the log may go away: what is logged then is lost, and the board goes
// on. What watchers run dies of a broken pipe as elsewhere.
func TestLogReaderGoesAway(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	board, port := boardOf(t, `metric_watchers = { pharos.CommandMetricWatcher{
  name = "pipe", command = "(sh -c 'kill -PIPE $$; echo survived' || echo died) 2>/dev/null", interval = "50ms", timeout = "10s",
  handle_output = function(self, output)
    self.n = (self.n or 0) + 1
    return self.n % 2 == 0 and "ok" or "warning", output
  end } }`, func(cmd *exec.Cmd) { cmd.Stdout, cmd.Stderr = write, write })
	read.Close()
	write.Close()
	shown := awaitShown(t, port, "pipe", func(shown string) bool {
		return strings.Count(shown, `"to":`) >= 5 // each change is a line that nobody reads
	})
	if !strings.Contains(shown, `"died`) {
		t.Errorf("the command's broken pipe did not end it: %s", shown)
	}
	endsWell(t, board)
}

// Who reads the log may stand still, as a pager or a logging driver that blocks: the
// board goes on, and ends when it is told to.
func TestLogReaderStandsStill(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	for { // no room is left
		write.SetWriteDeadline(time.Now().Add(time.Millisecond))
		if _, err := write.Write(make([]byte, 4096)); err != nil {
			break
		}
	}
	board, port := boardOf(t, `metric_watchers = { pharos.MetricWatcher{
  name = "flap", interval = "50ms",
  check = function(self)
    self.n = (self.n or 0) + 1
    return self.n % 2 == 0 and "ok" or "warning", "", ("x"):rep(500)
  end } }`, func(cmd *exec.Cmd) { cmd.Stderr = write })
	awaitShown(t, port, "flap", regexp.MustCompile(`"runs":[1-9][0-9]`).MatchString)
	endsWell(t, board)
}

// Who is told to end while it loads ends well: a service manager would show it as
// failed.
func TestStopWhileLoading(t *testing.T) {
	board, port := boardOf(t, `for i = 1, 1e9 do pharos.json.encode{ i } end metric_watchers = {}`, nil) // 5 s of it
	for start := time.Now(); ; time.Sleep(time.Millisecond) {                                            // until it listens, and then loads
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
			break
		}
		if time.Since(start) > patience {
			t.Fatal(err)
		}
	}
	endsWell(t, board)
}

// A command that ignores TERM, and was given a day to end, ends with the daemon,
// also when the machine stands still for longer than the end of a daemon may take.
func TestStopKillsWhatTakesItsTime(t *testing.T) {
	for _, stall := range []time.Duration{0, 2 * (killGrace + landGrace + closeGrace)} {
		pids := filepath.Join(t.TempDir(), "pid")
		board, port := boardOf(t, `metric_watchers = { pharos.CommandMetricWatcher{
  name = "stubborn", command = [[trap "" TERM; echo $$ >`+pids+`.next; mv `+pids+`.next `+pids+`; exec sleep 1000]],
  interval = "50ms", timeout = "1m", kill_after = "24h" } }`, nil)
		pid, err := strconv.Atoi(strings.TrimSpace(awaitFile(t, pids)))
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Kill(-pid, syscall.SIGKILL)
		if err := board.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if stall > 0 {
			for start := time.Now(); ; time.Sleep(time.Millisecond) { // until it has begun to end
				conn, err := net.Dial("tcp", "127.0.0.1:"+port)
				if err != nil {
					break
				}
				conn.Close()
				if time.Since(start) > patience {
					t.Fatalf("after %v the daemon takes connections still", patience)
				}
			}
			_ = board.Process.Signal(syscall.SIGSTOP)
			time.Sleep(stall)
			_ = board.Process.Signal(syscall.SIGCONT)
		}
		if err := board.Wait(); err != nil {
			t.Errorf("stalled for %v, the daemon ended with %v after SIGTERM, want exit code 0", stall, err)
		}
		for start := time.Now(); syscall.Kill(-pid, 0) != syscall.ESRCH; time.Sleep(10 * time.Millisecond) {
			if time.Since(start) > patience { // it ends for nobody else; what is left is reaped by init
				t.Fatalf("stalled for %v, the command's group outlives the daemon, want it gone", stall)
			}
		}
	}
}

// awaitFile waits for the file at path and gives what it holds.
func awaitFile(t *testing.T, path string) string {
	t.Helper()
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err == nil {
			return string(text)
		}
		if time.Since(start) > patience {
			t.Fatalf("after %v: %v", patience, err)
		}
	}
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
				time.Sleep(2 * landGrace)
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

// What does not end is not waited for, and what it runs is killed before.
func TestStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began, never, hurried := time.Now(), make(chan struct{}), false
		defer close(never)
		err := runDaemon(ctx, daemon{
			parts: []func(context.Context) error{func(context.Context) error { <-never; return nil }},
			stop:  func(context.Context) error { return nil },
			hurry: func() { hurried = true },
		})
		if took := time.Since(began); err == nil || took != killGrace+landGrace || !hurried {
			t.Errorf("runDaemon() = %v after %v, hurried %t, want an error after %v, true", err, took, hurried, killGrace+landGrace)
		}
	})
}
