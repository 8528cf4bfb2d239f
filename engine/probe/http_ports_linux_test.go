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
	networkEnv = "PHAROS_TEST_OWN_NETWORK"
	portRange  = "/proc/sys/net/ipv4/ip_local_port_range"
)

// A machine has some 28,000 local ports, for each destination: those that are
// taken towards one (TIME_WAIT included) must not be missing towards another. It
// is tried where there are only ten, in a network namespace of its own.
func TestHTTPPortsAreEachDestinations(t *testing.T) {
	if inOwnNetwork(t) {
		holdManyOnFewPorts(t)
	}
}

// inOwnNetwork runs the test again in a network namespace of its own, where not even
// the loopback device is up, and tells whether this is that run.
func inOwnNetwork(t *testing.T) bool {
	if os.Getenv(networkEnv) != "" {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), networkEnv+"=1")
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
		t.Errorf("in a network of its own: %v\n%s", err, out)
	}
	return false
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

// Where IPv6 is off, connecting to ::1 fails as it does when all local ports are
// taken, which is no overload of Pharos.
func TestNoAddressIsNoOverload(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var client HTTPClient
	_, overHTTP := client.Do(ctx, &HTTPRequest{URL: "http://[::1]:80/"})
	_, overTCP := DialTCP(ctx, TCPRequest{Addr: "[::1]:80"})
	_, overDNS := LookupDNS(ctx, DNSRequest{Name: "shop.test", Server: "[::1]:53"})
	for what, err := range map[string]error{"http": overHTTP, "tcp": overTCP, "dns": overDNS} {
		if KindOf(err) != Refused {
			t.Errorf("%s without IPv6: kind %q, %v; want kind %q", what, KindOf(err), err, Refused)
		}
	}
	_, err := new(Pinger).Ping(ctx, PingRequest{Host: "::1"})
	if err == nil || KindOf(err) == Overload {
		t.Errorf("ping without IPv6: %v, want an error, and no overload", err)
	}
}
