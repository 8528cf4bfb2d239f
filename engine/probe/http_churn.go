package probe

import (
	"hash/maphash"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// httpChurn decides how a connection is closed. Who closes first keeps the
// port for a minute (TIME_WAIT), and there are some 28,000 ports for one
// destination. So the first connections closed to it in a second end politely;
// the others are reset, after their answer was read in full, before the ports
// run out and before connect has to search for a free one.
type httpChurn struct {
	once  sync.Once
	seed  maphash.Seed
	slots [1024]atomic.Uint64 // of destinations by hash: the second, and the closed in it
}

const httpPolite = 100 // closed a second; 60 s of them hold 6,000 ports

// reset tells whether conn to peer, which is about to be closed, will be reset.
func (c *httpChurn) reset(conn net.Conn, peer netip.AddrPort) bool {
	return c.busy(peer, time.Now().Unix()) && httpResetOnClose(conn)
}

// httpResetOnClose has closing conn, if it is a TCP socket, reset it, so that its
// port is free at once.
func httpResetOnClose(conn net.Conn) bool {
	tcp, ok := conn.(interface{ SetLinger(seconds int) error })
	return ok && tcp.SetLinger(0) == nil
}

// busy counts one more closing, and tells whether there were many this second.
func (c *httpChurn) busy(peer netip.AddrPort, second int64) bool {
	c.once.Do(func() { c.seed = maphash.MakeSeed() })
	slot := &c.slots[maphash.Comparable(c.seed, peer)%uint64(len(c.slots))]
	for {
		old := slot.Load()
		next := uint64(uint32(second))<<32 | 1
		if old>>32 == next>>32 {
			next = old + 1
		}
		if slot.CompareAndSwap(old, next) {
			return uint32(next) > httpPolite
		}
	}
}
