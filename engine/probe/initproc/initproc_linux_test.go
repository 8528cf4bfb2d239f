package initproc

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// roleEnv makes a copy of the test binary a supervisor; the copy that the
// supervisor starts finds itself to be its child.
const roleEnv = "PHAROS_INITPROC_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleEnv); {
	case role == "":
		os.Exit(m.Run())
	case role == "process 1":
		Main() // returns in the child only
	case os.Getenv("PHAROS_INITPROC_PARENT") == "":
		// Orphans come to a subreaper as they come to process 1.
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			fmt.Println("prctl:", err)
			os.Exit(1)
		}
		os.Setenv("PHAROS_INITPROC_PARENT", strconv.Itoa(os.Getpid()))
		os.Exit(supervise())
	}
	child(os.Args[1])
}

// child is what the supervised program does.
func child(work string) {
	switch work {
	case "exit":
		os.Exit(7)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "orphans":
		// Ten shells that leave a child behind, which dies at once.
		for range 10 {
			if err := exec.Command("sh", "-c", "(exec true) & exit 0").Run(); err != nil {
				fmt.Println(err)
			}
		}
		fmt.Println("started")
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			n := zombiesOf(os.Getppid())
			if n == 0 || time.Now().After(deadline) {
				fmt.Println("zombies:", n)
				os.Exit(0)
			}
		}
	case "signals":
		got := make(chan os.Signal, 8)
		signal.Notify(got, syscall.SIGTERM, syscall.SIGHUP)
		fmt.Println("ready")
		fmt.Println(<-got)
		fmt.Println(<-got)
		os.Exit(3)
	}
	os.Exit(99)
}

func zombiesOf(ppid int) (n int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		b, _ := os.ReadFile(stat)
		_, after, _ := strings.Cut(string(b), ") ")
		if f := strings.Fields(after); len(f) > 1 && f[0] == "Z" && f[1] == strconv.Itoa(ppid) {
			n++
		}
	}
	return n
}

func supervised(t *testing.T, work string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], work)
	cmd.Env = append(os.Environ(), roleEnv+"=subreaper")
	cmd.Stderr = os.Stderr
	return cmd
}

func TestSuperviseExitCode(t *testing.T) {
	for _, tt := range []struct {
		work string
		want int
	}{{"exit", 7}, {"kill", 128 + 9}} {
		cmd := supervised(t, tt.work)
		_ = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != tt.want {
			t.Errorf("supervising %q exits with %d, want %d", tt.work, got, tt.want)
		}
	}
}

func TestSuperviseReapsOrphans(t *testing.T) {
	out, err := supervised(t, "orphans").Output()
	if want := "started\nzombies: 0\n"; err != nil || string(out) != want {
		t.Errorf("supervising one that leaves orphans = %q, %v, want %q", out, err, want)
	}
}

func TestSupervisePassesSignals(t *testing.T) {
	cmd := supervised(t, "signals")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for _, step := range []struct {
		line string
		then syscall.Signal
	}{{"ready", syscall.SIGHUP}, {"hangup", syscall.SIGTERM}, {"terminated", 0}} {
		if !lines.Scan() || lines.Text() != step.line {
			t.Fatalf("the child says %q, want %q", lines.Text(), step.line)
		}
		if step.then != 0 {
			if err := cmd.Process.Signal(step.then); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 3 {
		t.Errorf("the supervisor exits with %d, want 3", got)
	}
}

// TestMainAsProcess1 runs Main where it is process 1: in a pid namespace.
func TestMainAsProcess1(t *testing.T) {
	if err := exec.Command("unshare", "--pid", "--fork", "--mount-proc", "true").Run(); err != nil {
		if os.Getenv("PHAROS_REQUIRE_REAL") == "1" {
			t.Fatalf("this test needs unshare --pid, and PHAROS_REQUIRE_REAL is set: %v", err)
		}
		t.Skipf("this test needs unshare --pid: %v", err)
	}
	cmd := exec.Command("unshare", "--pid", "--fork", "--mount-proc", os.Args[0], "orphans")
	cmd.Env = append(os.Environ(), roleEnv+"=process 1")
	out, err := cmd.CombinedOutput()
	if want := "started\nzombies: 0\n"; err != nil || string(out) != want {
		t.Errorf("Main as process 1 = %q, %v, want %q", out, err, want)
	}
}
