package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// execHelperEnv names what a copy of the test binary does instead of testing.
const execHelperEnv = "PHAROS_EXEC_HELPER"

// TestExecHelper is not a test: it is what the copies run.
func TestExecHelper(t *testing.T) {
	helpers := map[string]func(){
		"crowd":   execHelperCrowd,
		"become0": execHelperBecomeRoot,
		"sudo":    execHelperSudo,
		"user":    execHelperUser,
		"ping":    pingHelper,
		"file":    fileHelper,
	}
	helper := helpers[os.Getenv(execHelperEnv)]
	if helper == nil {
		t.Skip("only of use when started by other tests")
	}
	helper()
	os.Exit(0)
}

// execHelper prepares a copy of the test binary, started by a shell behind a
// prefix such as "ulimit -n 200; exec", that does the work of the named helper.
func execHelper(t *testing.T, name, prefix string, args ...string) *exec.Cmd {
	t.Helper()
	script := prefix + ` "$0" -test.run='^TestExecHelper$' "$@"`
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, execBinary(t)}, args...)...)
	cmd.Env = append(os.Environ(), execHelperEnv+"="+name)
	cmd.Dir = "/"
	return cmd
}

// execBinary puts the test binary where other users can run it too.
func execBinary(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pharos-exec-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "probe.test")
	if os.Link(self, path) == nil {
		return path
	}
	execCopy(t, self, path)
	return path
}

func execCopy(t *testing.T, from, to string) {
	t.Helper()
	original, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer original.Close()
	copied, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(copied, original)
	if err := errors.Join(err, copied.Close()); err != nil {
		t.Fatal(err)
	}
}

// execNobody makes cmd run as the user nobody, which takes root.
func execNobody(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	execAs(t, cmd, 65534)
}

func execAs(t *testing.T, cmd *exec.Cmd, uid uint32) {
	t.Helper()
	if os.Geteuid() != 0 {
		execMissing(t, "root, to become another user")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
}

// execMissing skips a test for want of a real counterpart, unless all are
// promised to be there.
func execMissing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("PHAROS_REQUIRE_REAL") == "1" {
		t.Fatalf("this test needs %s, and PHAROS_REQUIRE_REAL is set", what)
	}
	t.Skipf("this test needs %s", what)
}

func execRunHelper(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running the helper: %v\n%s%s", err, out, stderr.Bytes())
	}
	return strings.TrimSpace(string(out))
}

// execHelperCrowd runs many commands at once through a runner whose own cap
// would let all of them run, ends those that do run when each was tried, and
// reports what became of them, then whether one more works.
func execHelperCrowd() {
	const crowd = 200
	r := &Runner{MaxRunning: crowd}
	r.once.Do(r.init)
	ctx, cancel := context.WithCancel(context.Background())
	var ok, overload, other atomic.Int32
	var wg sync.WaitGroup
	for range crowd {
		wg.Go(func() {
			res, err := r.Exec(ctx, ExecRequest{Argv: []string{"sleep", "600"}})
			switch {
			case KindOf(err) == Cancelled && res != nil:
				ok.Add(1)
			case KindOf(err) == Overload:
				overload.Add(1)
			default:
				other.Add(1)
				fmt.Println(KindOf(err), err)
			}
		})
	}
	for tried := func() bool { return int(overload.Load()+other.Load())+len(r.running) == crowd && len(r.starting) == 0 }; !tried(); {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	wg.Wait()
	res, err := r.Exec(context.Background(), ExecRequest{Shell: "echo fine"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("ok=%t overload=%t other=%d %s", ok.Load() > 0, overload.Load() > 0, other.Load(), res.Stdout)
}

func TestExecOverload(t *testing.T) {
	const want = "ok=true overload=true other=0 fine"
	t.Run("descriptors", func(t *testing.T) {
		t.Parallel()
		if got := execRunHelper(t, execHelper(t, "crowd", "ulimit -n 200; exec")); got != want {
			t.Errorf("a crowd under ulimit -n 200 = %q, want %q", got, want)
		}
	})
	t.Run("processes", func(t *testing.T) {
		t.Parallel()
		cmd := execHelper(t, "crowd" /* bash or dash */, "ulimit -u 60 2>/dev/null || ulimit -p 60; exec")
		execAs(t, cmd, 54321) // whose processes nobody else counts among
		if got := execRunHelper(t, cmd); got != want {
			t.Errorf("a crowd under ulimit -u 60 = %q, want %q", got, want)
		}
	})
}

// TestExecOwnCap shows that waiting for a slot is told apart from running.
func TestExecOwnCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where no time goes by while a command runs
		r := &Runner{MaxRunning: 1}
		r.once.Do(r.init)
		r.running <- struct{}{} // someone else
		short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if res, err := r.Exec(short, ExecRequest{Shell: "true"}); res != nil || KindOf(err) != Overload {
			t.Errorf("Exec without a free slot = %v, %v, want kind overload", res, err)
		}
		const wait = 150 * time.Millisecond
		time.AfterFunc(wait, func() { <-r.running })
		res, err := r.Exec(t.Context(), ExecRequest{Argv: []string{"true"}})
		if err != nil || res.Queued != wait || res.Elapsed != 0 {
			t.Errorf("Exec behind another = %+v, %v, want the wait as Queued and not in Elapsed", res, err)
		}
	})
}

// execLeft counts what a run may leave behind.
type execLeft struct{ children, files, goroutines int }

func execCount(t *testing.T) execLeft {
	t.Helper()
	goroutines, files := held(t)
	return execLeft{len(execChildren(t)), files, goroutines}
}

// execChildren lists the children of this process, zombies included.
func execChildren(t *testing.T) (pids []string) {
	t.Helper()
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		b, err := os.ReadFile(stat)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			pids = append(pids, filepath.Base(filepath.Dir(stat)))
		}
	}
	return pids
}

func TestExecLeavesNothing(t *testing.T) {
	runs := 10_000
	if testing.Short() {
		runs = 500
	}
	var r Runner
	before := execCount(t)
	var wg sync.WaitGroup
	var timeouts, overloads atomic.Int64
	for range 32 {
		wg.Go(func() {
			const least = 15 * time.Millisecond
			limit := least
			for range runs / 32 {
				ctx, cancel := context.WithTimeout(context.Background(), limit)
				_, err := r.Exec(ctx, ExecRequest{Argv: []string{"sleep", "600"}, Stdin: []byte("x")})
				cancel()
				switch KindOf(err) {
				case Timeout:
					timeouts.Add(1)
					limit = max(limit/2, least)
				case Overload: // the time was up before the start: the machine is busy
					overloads.Add(1)
					limit *= 2
				default:
					t.Errorf("Exec(sleep) = %v, want kind timeout", err)
				}
			}
		})
	}
	wg.Wait()
	if n := timeouts.Load(); n < overloads.Load()/10 {
		t.Errorf("%d of %d runs timed out, want many of them", n, runs)
	}
	eventually(t, "nothing is left", func() bool {
		after := execCount(t)
		return after.children <= before.children && after.files <= before.files && after.goroutines <= before.goroutines
	})
}

func TestExecThousandAtOnce(t *testing.T) {
	const crowd = 1500
	var r Runner
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r.once.Do(r.init)
	if r.MaxRunning < crowd {
		execMissing(t, fmt.Sprintf("a limit on open files that allows %d commands (it allows %d)", crowd, r.MaxRunning))
	}
	before := len(execChildren(t))
	threads := func() int {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		return len(tasks)
	}
	usual := threads() // those that other tests needed stay
	var wg sync.WaitGroup
	var cancelled atomic.Int32
	for range crowd {
		wg.Go(func() {
			_, err := r.Exec(ctx, ExecRequest{Argv: []string{"sleep", "600"}})
			if KindOf(err) == Cancelled {
				cancelled.Add(1)
			} else {
				t.Errorf("Exec(sleep) = %v, want kind cancelled", err)
			}
		})
	}
	eventually(t, "all run", func() bool { return len(execChildren(t)) >= before+crowd || t.Failed() })
	// Some dozens, more where the machine is busy, and not one for each command.
	if n := threads() - usual; n > crowd/10 {
		t.Errorf("%d commands run on %d threads more, want at most %d", crowd, n, crowd/10)
	}
	cancel()
	wg.Wait()
	if n := cancelled.Load(); n != crowd {
		t.Errorf("%d of %d commands were cancelled, want all", n, crowd)
	}
	eventually(t, "no child is left", func() bool { return len(execChildren(t)) <= before })
}

// TestExecLate lets a command start late and be ended by its deadline. A busy
// machine may not come to start it in that time, and gets more.
func TestExecLate(t *testing.T) {
	var res *ExecResult
	var err error
	for limit := time.Second; limit < time.Minute; limit *= 2 {
		r := &Runner{MaxRunning: 1}
		r.once.Do(r.init)
		r.running <- struct{}{} // someone else
		time.AfterFunc(limit/5, func() { <-r.running })
		res, err = r.Exec(tcpWithin(t, limit), ExecRequest{Shell: "echo begun; exec sleep 600"})
		if KindOf(err) == Overload && res != nil && string(res.Stdout) == "begun\n" && strings.Contains(err.Error(), "since Pharos was late by ") {
			return
		}
	}
	t.Errorf("Exec that starts late = %+v, %v, want its output, and Pharos to blame", res, err)
}

func TestExecOutputConstantMemory(t *testing.T) {
	var r Runner
	r.once.Do(r.init)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res, err := r.Exec(t.Context(), ExecRequest{Shell: "head -c 50000000 /dev/zero; head -c 50000000 /dev/zero >&2; echo end"})
	runtime.ReadMemStats(&after)
	if err != nil || !res.Truncated || !bytes.HasSuffix(res.Stdout, []byte("\x00end\n")) {
		t.Fatalf("Exec of 50 MB of output = %v, truncated %t, want the end of it", err, res != nil && res.Truncated)
	}
	const most = 1 << 20
	if n := after.TotalAlloc - before.TotalAlloc; n > most || len(res.Stdout) > DefaultMaxOutput+100 {
		t.Errorf("Exec of 50 MB of output allocated %d bytes and kept %d, want at most %d and %d", n, len(res.Stdout), most, DefaultMaxOutput+100)
	}
}
