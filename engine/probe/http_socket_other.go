//go:build !linux

package probe

import (
	"net"
	"net/netip"
)

// httpSocket is for Linux only: elsewhere package net connects.
type httpSocket struct{ net.TCPConn }

func httpDialSocket(netip.AddrPort) (*httpSocket, error) { return nil, nil }

func (s *httpSocket) await() error { return nil }
