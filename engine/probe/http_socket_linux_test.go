package probe

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A connection may come up at any moment between the dialing and the wait for
// it, which must not miss that: the poller tells it only once.
func TestHTTPSocketComesUpBeforeAwait(t *testing.T) {
	ln, addr := listenForOne(t)
	for range 2 { // the queue holds one more than it says
		queued, err := httpDialSocket(addr)
		if err != nil {
			t.Fatal(err)
		}
		defer queued.Close()
	}
	s, err := httpDialSocket(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.up {
		t.Fatal("the connection is up though the queue of the listener is full")
	}
	for { // room for it, when it asks again
		fd, _, err := unix.Accept(ln)
		if err == unix.EAGAIN {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
	}
	deadline := time.Now().Add(10 * time.Second)
	for up := false; !up; {
		if time.Now().After(deadline) {
			t.Fatal("the connection is not up")
		}
		err := s.control(func(fd int) error {
			info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
			up = err == nil && info.State == unix.BPF_TCP_ESTABLISHED
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // idle: the poller has its turn
	}
	if err := s.SetDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := s.await(); err != nil {
		t.Errorf("await() of a connection that is up: %v", err)
	}
}

// listenForOne listens, and lets the shortest queue there is come about.
func listenForOne(t *testing.T) (fd int, addr netip.AddrPort) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	return fd, httpLocal(fd)
}
