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
	wrote  bool // once
	eager  bool // TCP_NODELAY is set
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
	for try := 1; try < httpSocketTries && errors.Is(err, unix.EADDRNOTAVAIL); try++ {
		fd, err = s.open()
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: s.RemoteAddr(), Err: err}
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
	err = s.connect(fd)
	if err == nil && !s.up {
		err = s.connect(fd) // on this machine the handshake is over by now
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

// await waits until the connection stands, within the socket's deadline. It asks
// before it waits: that a connection came up since the dialing the poller has
// told already, to nobody, and will not tell again.
func (s *httpSocket) await() error {
	if s.up {
		return nil
	}
	var refused error
	err := s.raw.Write(func(fd uintptr) bool {
		refused = s.connect(int(fd)) // the poller can wake up for nothing
		return s.up || refused != nil
	})
	if refused != nil {
		return refused
	}
	return err
}

// Write sees to it that nothing is held back. TCP does that (Nagle's algorithm,
// RFC 9293, 3.7.4) with what is less than a segment and follows something not
// acknowledged yet: never with a first small write, which is all of most
// requests, and saves them a system call.
func (s *httpSocket) Write(p []byte) (int, error) {
	if !s.eager && (s.wrote || len(p) > httpSmallWrite) {
		err := s.control(func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) })
		if err != nil {
			return 0, err
		}
		s.eager = true
	}
	s.wrote = true
	return s.File.Write(p)
}

// httpSmallWrite is the least that a segment can hold where IPv4 is (RFC 9293, 3.7.1).
const httpSmallWrite = 536

// control calls f with the file descriptor.
func (s *httpSocket) control(f func(fd int) error) (err error) {
	if failed := s.raw.Control(func(fd uintptr) { err = f(int(fd)) }); failed != nil {
		return failed
	}
	return err
}

// SetLinger is that of [net.TCPConn].
func (s *httpSocket) SetLinger(seconds int) error {
	return s.control(func(fd int) error {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: int32(seconds)})
	})
}

// RemoteAddr is a [*net.TCPAddr].
func (s *httpSocket) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.remote) }

// LocalAddr is a [*net.TCPAddr].
func (s *httpSocket) LocalAddr() net.Addr {
	var local netip.AddrPort
	_ = s.control(func(fd int) error {
		local = httpLocal(fd)
		return nil
	})
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
