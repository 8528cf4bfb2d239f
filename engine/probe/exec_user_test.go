package probe

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestExecUser(t *testing.T) {
	if os.Geteuid() != 0 {
		execMissing(t, "root, to become another user")
	}
	req := ExecRequest{Shell: `id -un; id -Gn; echo "$USER $HOME" && exit 4`, User: "nobody"}
	res, err := new(Runner).Exec(t.Context(), req)
	if err != nil {
		t.Fatalf("Exec as nobody = %v, want no error", err)
	}
	if got, want := string(res.Stdout), "nobody\nnogroup\nnobody /nonexistent\n"; got != want || res.Code != 4 {
		t.Errorf("Exec as nobody = %q, code %d, want %q, code 4", got, res.Code, want)
	}
}

// execHelperUser tries, as who it is, to become the user named last.
func execHelperUser() {
	res, err := new(Runner).Exec(context.Background(), ExecRequest{Argv: []string{"id", "-un"}, User: os.Args[len(os.Args)-1]})
	if err != nil {
		fmt.Print(KindOf(err), ": ", err)
		return
	}
	fmt.Printf("%s", res.Stdout)
}

func TestExecUserRefused(t *testing.T) {
	for _, tt := range []struct{ user, want string }{
		{"root", `spawn: running "id -un": becoming user "root" needs root or CAP_SETUID and CAP_SETGID, pharosd has uid 65534`},
		{"nobody", "nobody"},
	} {
		cmd := execHelper(t, "user", "exec", tt.user)
		execNobody(t, cmd)
		if got := execRunHelper(t, cmd); got != tt.want {
			t.Errorf("Exec by nobody as %s = %q, want %q", tt.user, got, tt.want)
		}
	}
}

// execHelperBecomeRoot is what sudo does: it takes another identity wholly, so
// that the one who started it may not signal it.
func execHelperBecomeRoot() {
	if err := syscall.Setreuid(0, 0); err != nil {
		fmt.Println("setreuid:", err)
		os.Exit(1)
	}
	fmt.Println("root")
	_ = syscall.Exec("/bin/sleep", []string{"sleep", fmt.Sprintf("7411.%d", os.Getppid())}, nil)
}

// execHelperSudo runs the setuid copy named last for a short while, or for as
// long as the machine needs to start it.
func execHelperSudo() {
	for limit := 3 * time.Second; ; limit *= 4 {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		r := &Runner{MaxRunning: 1}
		res, err := r.Exec(ctx, ExecRequest{
			Argv: []string{os.Args[len(os.Args)-1], "-test.run=^TestExecHelper$"},
			Env:  []string{execHelperEnv + "=become0"},
		})
		cancel()
		if res == nil {
			fmt.Print(err)
			return
		}
		if len(res.Stdout) > 0 || limit > time.Minute {
			fmt.Printf("%s %q slots=%d\n", KindOf(err), res.Stdout, len(r.running))
			for len(r.running) > 0 {
				time.Sleep(time.Millisecond)
			}
			fmt.Println("free again")
			return
		}
	}
}

// TestExecCannotBeKilled runs a command that nobody here may signal. The call
// ends all the same, and the slot is kept as long as the command lives.
func TestExecCannotBeKilled(t *testing.T) {
	t.Parallel()
	cmd := execHelper(t, "sudo", "exec")
	execNobody(t, cmd)
	setuid := execBinary(t) + ".setuid"
	execCopy(t, os.Args[0], setuid) // not a link: it gets another mode
	if err := os.Chmod(setuid, os.ModeSetuid|0o755); err != nil {
		t.Fatal(err)
	}
	cmd.Args = append(cmd.Args, setuid)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hung := time.AfterFunc(5*time.Minute, func() { _ = cmd.Process.Kill() })
	defer hung.Stop()
	out := bufio.NewReader(pipe)
	got, _ := out.ReadString('\n')
	for _, pid := range execPidsOf(t, fmt.Sprintf("sleep 7411.%d", cmd.Process.Pid)) {
		_ = exec.Command("kill", "-KILL", pid).Run()
	}
	rest, _ := io.ReadAll(out)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the helper: %v", err)
	}
	if strings.Contains(got, "setreuid") {
		execMissing(t, "a temporary folder that allows setuid programs, not "+filepath.Dir(setuid))
	}
	if want := "timeout \"root\\n\" slots=1\n"; got != want {
		t.Errorf("Exec of what cannot be killed = %s, want %s", got, want)
	}
	if want := "free again\n"; string(rest) != want {
		t.Errorf("once that ended: %q, want %q", rest, want)
	}
}
