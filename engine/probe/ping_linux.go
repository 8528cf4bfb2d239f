package probe

import (
	"encoding/binary"
	"syscall"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/sys/unix"
)

// pingBuffer holds the answers of thousands of pings sent at once. A buffer
// that overflows would look like the hosts' loss.
const pingBuffer = 4 << 20

// tunePingSocket asks for a large buffer and for the time of arrival, so that
// what is late is the host and not the reader. What is refused is done without.
func tunePingSocket(conn *icmp.PacketConn) {
	c, ok := pingPacketConn(conn).(syscall.Conn)
	if !ok {
		return
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, pingBuffer) != nil {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, pingBuffer) // up to net.core.rmem_max
		}
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
}

// pingArrived gives the time at which the system took a message in, if it says
// so. It is by the wall clock, at is by both: the difference is taken off at.
func pingArrived(oob []byte, at time.Time) time.Time {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return at
	}
	for _, m := range messages {
		if m.Header.Level != unix.SOL_SOCKET || m.Header.Type != unix.SCM_TIMESTAMPNS || len(m.Data) < 16 {
			continue
		}
		sec := int64(binary.NativeEndian.Uint64(m.Data))
		nsec := int64(binary.NativeEndian.Uint64(m.Data[8:]))
		waited := at.Sub(time.Unix(sec, nsec)) // wall clock: time.Unix has no other
		if waited > 0 && waited < time.Minute {
			return at.Add(-waited)
		}
	}
	return at
}
