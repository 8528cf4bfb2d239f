package main

import (
	"net"

	"golang.org/x/sys/unix"
)

// hungUp tells whether the other side closed or reset the connection, without
// reading what it sent: any TCP state but ESTABLISHED is over (tcp(7),
// TCP_INFO).
func hungUp(conn net.Conn) bool {
	const established = 1
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return true
	}
	over := true
	raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		over = err != nil || info.State != established
	})
	return over
}
