package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A signal in the midst of a measurement ends it, the processes that it started
// and their folders.
func TestEndedLeavesNothing(t *testing.T) {
	dir, tmp := t.TempDir(), t.TempDir()
	if out, err := exec.Command("go", "build", "-o", dir, "pharos/cmd/pharosd", "pharos/cmd/pharosload").CombinedOutput(); err != nil {
		t.Fatalf("building: %v: %s", err, out)
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGKILL} {
		var said strings.Builder
		cmd := exec.Command(filepath.Join(dir, "pharosload"), "-function", "1", "-duration", "10m", "-pharosd", filepath.Join(dir, "pharosd"))
		cmd.Env, cmd.Stderr = append(os.Environ(), "TMPDIR="+tmp), &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var children []string
		for began := time.Now(); len(children) < 3 && time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
			children = childrenOf(cmd.Process.Pid) // target, daemon, viewers
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		if failed := (*exec.ExitError)(nil); len(children) != 3 || !errors.As(err, &failed) {
			t.Errorf("with children %v pharosload ended with %v after %v, want three and an error", children, err, sig)
		}
		for _, child := range children {
			for began := time.Now(); lives(child); time.Sleep(10 * time.Millisecond) {
				if time.Since(began) > time.Minute {
					t.Fatalf("after %v child %s lives on", sig, child)
				}
			}
		}
		if sig == syscall.SIGKILL {
			continue
		}
		if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
			t.Errorf("after %v folders are left: %v, %v", sig, left, err)
		}
		if !strings.Contains(said.String(), "interrupted") && !strings.Contains(said.String(), "signal") {
			t.Errorf("after %v pharosload said %q, want that it was ended", sig, said.String())
		}
	}
}

func childrenOf(pid int) (all []string) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		all = append(all, strings.Fields(string(text))...)
	}
	return all
}

// lives tells whether a process is there and not merely waited for.
func lives(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
