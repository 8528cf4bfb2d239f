package probe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var execUntimed = cmpopts.IgnoreFields(ExecResult{}, "Elapsed", "Queued")

func TestExecResult(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name string
		req  ExecRequest
		want ExecResult
	}{
		{"argv", ExecRequest{Argv: []string{"/bin/echo", "a  b", "$HOME"}}, ExecResult{Stdout: []byte("a  b $HOME\n")}},
		{"argv is looked up", ExecRequest{Argv: []string{"printf", "%s", "x"}}, ExecResult{Stdout: []byte("x")}},
		{"both streams and a code", ExecRequest{Shell: "echo out; echo err >&2; exit 3"}, ExecResult{Code: 3, Stdout: []byte("out\n"), Stderr: []byte("err\n")}},
		{"not found is the shell's answer", ExecRequest{Shell: "no-such-program-here 2>/dev/null"}, ExecResult{Code: 127}},
		{"a signal", ExecRequest{Shell: "kill -KILL $$"}, ExecResult{Code: -1, Signal: "KILL"}},
		{"a pipeline", ExecRequest{Shell: "printf 'b\\na\\n' | sort"}, ExecResult{Stdout: []byte("a\nb\n")}},
		{"stdin", ExecRequest{Argv: []string{"cat"}, Stdin: []byte("in")}, ExecResult{Stdout: []byte("in")}},
		{"no stdin", ExecRequest{Argv: []string{"cat"}}, ExecResult{}},
		{"stdin that nobody reads", ExecRequest{Argv: []string{"true"}, Stdin: make([]byte, 1<<20)}, ExecResult{}},
		{"dir", ExecRequest{Shell: "pwd", Dir: dir}, ExecResult{Stdout: []byte(dir + "\n")}},
		{"dir shows in PWD", ExecRequest{Argv: []string{"printenv", "PWD"}, Dir: dir}, ExecResult{Stdout: []byte(dir + "\n")}},
		{"env", ExecRequest{Argv: []string{"printenv", "A", "LANG"}, Env: []string{"A=1", "LANG=xx", "A=2"}}, ExecResult{Stdout: []byte("2\nxx\n")}},
		{"head and tail", ExecRequest{Shell: "printf 0123456789", MaxOutput: 6},
			ExecResult{Stdout: []byte("012\n[... 4 bytes left out ...]\n789"), Truncated: true}},
		{"just fits", ExecRequest{Shell: "printf 012345", MaxOutput: 6}, ExecResult{Stdout: []byte("012345")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := new(Runner).Exec(t.Context(), tt.req)
			if err != nil {
				t.Fatalf("Exec(%v) = %v, want no error", tt.req, err)
			}
			if diff := cmp.Diff(&tt.want, got, execUntimed, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("Exec(%v) (-want +got):\n%s", tt.req, diff)
			}
		})
	}
}

func TestExecNotStarted(t *testing.T) {
	dir := t.TempDir()
	plain, lost, script := dir+"/plain", dir+"/lost", dir+"/script"
	execWrite(t, plain, "echo hi\n", 0o644)
	execWrite(t, lost, "#!/no/such/interpreter\n", 0o755)
	execWrite(t, script, "echo hi\n", 0o755)
	tests := []struct {
		name string
		req  ExecRequest
		kind Kind
		text string // the end of the message
	}{
		{"not in PATH", ExecRequest{Argv: []string{"no-such-program"}}, Spawn, "command not found"},
		{"no such path", ExecRequest{Argv: []string{"/no/such"}}, Spawn, "command not found"},
		{"not executable", ExecRequest{Argv: []string{plain}}, Spawn, "permission denied"},
		{"a directory", ExecRequest{Argv: []string{dir}}, Spawn, "is a directory"},
		{"lost interpreter", ExecRequest{Argv: []string{lost}}, Spawn, "the interpreter that its first line names is missing"},
		{"no #!", ExecRequest{Argv: []string{script}}, Spawn, "exec format error"},
		{"no such dir", ExecRequest{Argv: []string{"true"}, Dir: dir + "/no"}, Spawn, `no directory "` + dir + `/no" to run it in`},
		{"no such user", ExecRequest{Argv: []string{"true"}, User: "no-such-user"}, Spawn, "no such user"},
		{"nothing", ExecRequest{}, Misuse, "want either an argv or a shell command"},
		{"both", ExecRequest{Argv: []string{"true"}, Shell: "true"}, Misuse, "want either an argv or a shell command"},
		{"NUL", ExecRequest{Argv: []string{"echo", "a\x00b"}}, Misuse, "a NUL byte cannot be passed to a command"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, err := new(Runner).Exec(t.Context(), tt.req)
			if res != nil || KindOf(err) != tt.kind || !strings.HasSuffix(err.Error(), tt.text) {
				t.Errorf("Exec(%v) = %v, %s %v, want nil, %s ...%s", tt.req, res, KindOf(err), err, tt.kind, tt.text)
			}
		})
	}
}

func execWrite(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

const execLimit = 300 * time.Millisecond

// TestExecEndsInTime runs the shapes in which a shell keeps children between
// itself and what takes long; %d is what they may be found by.
func TestExecEndsInTime(t *testing.T) {
	number := 7300
	for _, blocking := range []bool{false, true} {
		for _, tt := range []struct {
			shell  string
			kind   Kind
			stdout string
		}{
			{"sleep %d; true", Timeout, ""},
			{"(sleep %d)", Timeout, ""},
			{"sleep %d | cat", Timeout, ""},
			{"sleep %d & echo hi", "", "hi\n"},
			{"echo part; sleep %d", Timeout, "part\n"},
			{"trap '' TERM; sleep 73; sleep %d", Timeout, ""},
			{"setsid sleep %d; true", Timeout, ""},
		} {
			number++
			shell, sleep := fmt.Sprintf(tt.shell, number), fmt.Sprintf("sleep %d", number)
			t.Run(fmt.Sprintf("%s/blocking=%t", shell, blocking), func(t *testing.T) {
				t.Parallel()
				execEndsInTime(t, &Runner{blocking: blocking}, shell, tt.kind, tt.stdout)
				if !strings.HasPrefix(shell, "setsid") {
					eventually(t, fmt.Sprintf("Exec(%q) has left no process", shell), func() bool { return len(execPidsOf(t, sleep)) == 0 })
				}
				for _, pid := range execPidsOf(t, sleep) { // setsid is not followed, by design
					_ = exec.Command("kill", pid).Run()
				}
			})
		}
	}
}

// execEndsInTime wants a command's end no later than that of a plain one, which a
// busy machine delays too. Such a machine may also need longer to come to what
// the command says first.
func execEndsInTime(t *testing.T, r *Runner, shell string, kind Kind, stdout string) {
	t.Helper()
	const most = 100 * time.Millisecond
	wrong, limit := "", execLimit
	run := func(shell string) (res *ExecResult, late time.Duration, err error) {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		began := time.Now()
		res, err = r.Exec(ctx, ExecRequest{Shell: shell})
		return res, time.Since(began) - limit, err
	}
	for range 6 {
		res, late, err := run(shell)
		wrong = fmt.Sprintf("%+v, %v, %s after its time of %s", res, err, late, limit)
		if KindOf(err) != kind || res == nil || string(res.Stdout) != stdout {
			limit *= 2
			continue
		}
		if late <= most {
			return
		}
		if _, plain, _ := run("sleep 600"); late <= plain+most {
			return
		}
	}
	t.Errorf("Exec(%q) = %s, want stdout %q, kind %q and %s at most", shell, wrong, stdout, kind, most)
}

// execPidsOf lists the living processes whose command line is the given one.
func execPidsOf(t *testing.T, cmdline string) (pids []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || files == nil {
		t.Skip("no /proc here to find left processes in")
	}
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil && strings.ReplaceAll(strings.TrimRight(string(b), "\x00"), "\x00", " ") == cmdline {
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	return pids
}

// execCancelWhen cancels a command once it has made the file "ready" in its
// folder.
func execCancelWhen(t *testing.T, req ExecRequest) (context.Context, *ExecResult, error) {
	t.Helper()
	req.Dir = t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(req.Dir, "ready")); err == nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	res, err := new(Runner).Exec(ctx, req)
	return ctx, res, err
}

func TestExecCancelled(t *testing.T) {
	ctx, res, err := execCancelWhen(t, ExecRequest{Shell: "echo hi; : >ready; exec sleep 60", KillAfter: time.Minute})
	if KindOf(err) != Cancelled || !errors.Is(err, context.Canceled) || res == nil || string(res.Stdout) != "hi\n" || res.Signal != "TERM" {
		t.Errorf("Exec, cancelled = %+v, %v, want its output, TERM, and kind cancelled", res, err)
	}
	if _, err := new(Runner).Exec(ctx, ExecRequest{Shell: "true"}); KindOf(err) != Cancelled {
		t.Errorf("Exec with an ended context = %v, want kind cancelled", err)
	}
}

func TestExecTermThenKill(t *testing.T) {
	tidies := "trap 'echo tidied; exit 9' TERM; sleep 60 & : >ready; wait"
	if _, res, err := execCancelWhen(t, ExecRequest{Shell: tidies, KillAfter: time.Minute}); KindOf(err) != Cancelled || res == nil || res.Code != 9 || string(res.Stdout) != "tidied\n" {
		t.Errorf("Exec of what tidies up on TERM = %+v, %v, want code 9 and its output", res, err)
	}
	ignores := "trap '' TERM; : >ready; while :; do sleep 60; done"
	if _, res, err := execCancelWhen(t, ExecRequest{Shell: ignores}); KindOf(err) != Cancelled || res == nil || res.Signal != "KILL" {
		t.Errorf("Exec of what ignores TERM = %+v, %v, want it ended by KILL", res, err)
	}
}

// Who stops Pharos has no time to wait for as long as a command was given to end.
func TestExecHurried(t *testing.T) {
	for _, blocking := range []bool{false, true} {
		r := &Runner{blocking: blocking}
		up := filepath.Join(t.TempDir(), "up")
		ctx, cancel := context.WithCancel(t.Context())
		type outcome struct {
			res *ExecResult
			err error
		}
		done := make(chan outcome, 1)
		go func() {
			res, err := r.Exec(ctx, ExecRequest{Shell: `trap "" TERM; : >up; while :; do sleep 1; done`, Dir: filepath.Dir(up), KillAfter: time.Hour})
			done <- outcome{res, err}
		}()
		for _, err := os.Stat(up); err != nil; _, err = os.Stat(up) {
			time.Sleep(time.Millisecond)
		}
		cancel()
		r.Hurry()
		select {
		case got := <-done:
			if KindOf(got.err) != Cancelled {
				t.Errorf("blocking %t: Exec = %+v, %v, want kind cancelled", blocking, got.res, got.err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("blocking %t: a command that ignores TERM still runs, want it killed", blocking)
		}
	}
}
