package web

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// unackedTimeout is how long sent data may stay unacknowledged. Beats go out
// each second, so a viewer whose machine vanished is found in that time; the
// kernel alone takes a quarter of an hour.
const unackedTimeout = 20 * time.Second

func limitUnacked(conn *net.TCPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unackedTimeout.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return failed
}
