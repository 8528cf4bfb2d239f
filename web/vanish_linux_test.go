package web

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pharos/engine"
)

const vanishEnv = "PHAROS_TEST_VANISH"

// A viewer whose machine loses power says no farewell, and the kernel would
// ask for it for a quarter of an hour. The test runs in a network of its own,
// whose only link it cuts.
func TestVanishedViewerIsCut(t *testing.T) {
	if os.Getenv(vanishEnv) != "" {
		vanish(t)
		return
	}
	if testing.Short() {
		t.Skip("a vanished viewer is found after 20 seconds")
	}
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^TestVanishedViewerIsCut$", "-test.v")
	cmd.Env = append(os.Environ(), vanishEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrPermission) || errors.Is(err, unix.ENOSPC) {
		if os.Getenv("PHAROS_REQUIRE_REAL") != "" {
			t.Fatalf("making a network namespace: %v", err)
		}
		t.Skipf("no network namespace may be made here: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		t.Log(strings.TrimRight(line, "\n"))
	}
	if err != nil {
		t.Errorf("in a network of its own: %v", err)
	}
}

func vanish(t *testing.T) {
	setLoopback(t, true)
	ok := func(context.Context) (engine.Result, error) { return engine.Result{Status: engine.OK}, nil }
	w, _ := tcpWall(t, Config{}, engine.Set{Watchers: []engine.Watcher{watcher("", "a", time.Second, ok)}})
	viewer := w.watch(t)
	viewer.until(t, named("beat"))
	setLoopback(t, false)
	began := time.Now()
	for w.Viewers() > 0 && time.Since(began) < 3*unackedTimeout {
		time.Sleep(100 * time.Millisecond)
	}
	took := time.Since(began)
	t.Logf("the vanished viewer was cut after %v", took.Round(100*time.Millisecond))
	if w.Viewers() > 0 {
		t.Errorf("a viewer that vanished is held after %v, want it cut after about %v", took, unackedTimeout)
	}
}

// setLoopback sets the one link of a new network up or down (netdevice(7)).
func setLoopback(t *testing.T, up bool) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	link, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	if up {
		link.SetUint16(unix.IFF_UP)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, link); err != nil {
		t.Fatal(err)
	}
}
