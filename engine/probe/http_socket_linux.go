package probe

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// httpSocket is a TCP connection to an address, made without package net: its
// Dialer takes four more system calls and a second guard of the context for
// each, and can bind a local port that is then taken towards every address
// (it does when DialTCP gets no local one). The runtime's poller waits for it
// as for any other.
type httpSocket struct {
	*os.File
	raw    syscall.RawConn
	to     unix.Sockaddr
	remote netip.AddrPort
	up     bool
}

// httpDialSocket begins to connect to addr; [httpSocket.await] sees the end of
// it. It is nil if addr needs more than a socket.
func httpDialSocket(addr netip.AddrPort) (*httpSocket, error) {
	ip := addr.Addr().Unmap()
	if ip.Zone() != "" {
		return nil, nil
	}
	s := &httpSocket{remote: netip.AddrPortFrom(ip, addr.Port())}
	if ip.Is4() {
		s.to = &unix.SockaddrInet4{Port: int(addr.Port()), Addr: ip.As4()}
	} else {
		s.to = &unix.SockaddrInet6{Port: int(addr.Port()), Addr: ip.As16()}
	}
	fd, err := s.open()
	// Local ports are short at times, and free again a moment later.
	for try := 1; try < httpSocketTries && (errors.Is(err, errHTTPSelf) || errors.Is(err, unix.EADDRNOTAVAIL)); try++ {
		fd, err = s.open()
	}
	if err != nil {
		return nil, err
	}
	s.File = os.NewFile(uintptr(fd), "tcp")
	s.raw, err = s.SyscallConn()
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// httpSocketTries is as many as package net makes.
const httpSocketTries = 3

// errHTTPSelf: the port that the system chose for a connection was the one to
// connect to. TCP then connects the socket to itself (RFC 9293, 3.5, figure 8),
// though nobody listens.
var errHTTPSelf = os.NewSyscallError("connect", unix.ECONNREFUSED)

// open makes a socket that is connected, or at it.
func (s *httpSocket) open() (fd int, err error) {
	family := unix.AF_INET6
	if s.remote.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err == nil {
		err = s.connect(fd)
	}
	if err == nil && !s.up {
		err = s.connect(fd) // on this machine the handshake is over by now
	}
	if err == nil && s.up && httpLocal(fd) == s.remote {
		s.up, err = false, errHTTPSelf
		_ = httpLinger(fd, 0) // or the port stays taken for a minute
	}
	if err != nil {
		unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

// connect begins to connect, or asks how that goes: connect(2) tells both.
func (s *httpSocket) connect(fd int) error {
	switch err := unix.Connect(fd, s.to); err {
	case nil, unix.EISCONN:
		s.up = true
	case unix.EINPROGRESS, unix.EALREADY, unix.EINTR:
	default:
		return os.NewSyscallError("connect", err)
	}
	return nil
}

// await waits until the connection stands, within the socket's deadline.
func (s *httpSocket) await() error {
	if s.up {
		return nil
	}
	asked := false
	var refused error
	err := s.raw.Write(func(fd uintptr) bool {
		if !asked { // it was, by dialing
			asked = true
			return false
		}
		refused = s.connect(int(fd)) // the poller can wake up for nothing
		return s.up || refused != nil
	})
	if refused != nil {
		return refused
	}
	return err
}

// SetLinger is that of [net.TCPConn].
func (s *httpSocket) SetLinger(seconds int) error {
	var failed error
	err := s.raw.Control(func(fd uintptr) { failed = httpLinger(int(fd), seconds) })
	if err != nil {
		return err
	}
	return failed
}

func httpLinger(fd, seconds int) error {
	return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: int32(seconds)})
}

// RemoteAddr is a [*net.TCPAddr].
func (s *httpSocket) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.remote) }

// LocalAddr is a [*net.TCPAddr].
func (s *httpSocket) LocalAddr() net.Addr {
	var local netip.AddrPort
	_ = s.raw.Control(func(fd uintptr) { local = httpLocal(int(fd)) })
	return net.TCPAddrFromAddrPort(local)
}

// httpLocal is where fd is bound, zero if nowhere.
func httpLocal(fd int) netip.AddrPort {
	switch a, _ := unix.Getsockname(fd); a := a.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	}
	return netip.AddrPort{}
}
