package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	portsEnv  = "PHAROS_TEST_FEW_PORTS"
	portRange = "/proc/sys/net/ipv4/ip_local_port_range"
)

// A machine has some 28,000 local ports, for each destination: those that are
// taken towards one (TIME_WAIT included) must not be missing towards another. It
// is tried where there are only ten, in a network namespace of its own.
func TestHTTPPortsAreEachDestinations(t *testing.T) {
	if os.Getenv(portsEnv) != "" {
		holdManyOnFewPorts(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestHTTPPortsAreEachDestinations$", "-test.v")
	cmd.Env = append(os.Environ(), portsEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		execMissing(t, fmt.Sprintf("a network namespace (%v)", err))
	}
	if err != nil {
		t.Errorf("holding connections to 30 addresses with 10 local ports: %v\n%s", err, out)
	}
}

// holdManyOnFewPorts keeps a connection to each of 30 addresses.
func holdManyOnFewPorts(t *testing.T) {
	if err := raiseLoopback(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(portRange, []byte("40000 40009"), 0); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "0.0.0.0:80")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go server.Serve(ln)
	defer server.Close()
	var client HTTPClient
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for i := range 30 {
		url := fmt.Sprintf("http://127.0.0.%d/", i+1)
		if _, err := client.Do(ctx, &HTTPRequest{URL: url, KeepAlive: true}); err != nil {
			t.Fatalf("connection %d: %v", i+1, err)
		}
	}

	// With one port left, it is the local one too: TCP would connect it to itself.
	if err := os.WriteFile(portRange, []byte("41000 41000"), 0); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"http://127.0.0.1:41000/", "https://127.0.0.1:41000/"} {
		_, err = client.Do(ctx, &HTTPRequest{URL: url})
		var e *Error
		if !errors.As(err, &e) || e.Kind != Refused || e.Phase != "connect" || e.Timing.Connect == 0 || e.Timing.TLS+e.Timing.Send+e.Timing.Wait != 0 {
			t.Errorf("getting %s where nobody listens, from the same port: %+v, want it refused", url, err)
		}
	}
}

// raiseLoopback sets up the loopback device of a new network namespace.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}
