//go:build !linux

package probe

import (
	"time"

	"golang.org/x/net/icmp"
)

func tunePingSocket(*icmp.PacketConn) {}

func pingArrived(_ []byte, at time.Time) time.Time { return at }
