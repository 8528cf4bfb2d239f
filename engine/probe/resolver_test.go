package probe

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// patientSocket is a socket that never gives up by itself.
type patientSocket struct{ *net.UDPConn }

func (patientSocket) SetDeadline(time.Time) error { return nil }

func (s patientSocket) closed() bool {
	return errors.Is(s.UDPConn.SetDeadline(time.Time{}), net.ErrClosed)
}

// A lookup that was given up leaves no socket open, though no name server answers.
func TestResolverLeavesNoSocket(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	r := newResolver()
	dial := r.Dial
	var mu sync.Mutex
	var sockets []patientSocket
	r.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := dial(ctx, network, silent.LocalAddr().String())
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		sockets = append(sockets, patientSocket{conn.(*net.UDPConn)})
		return sockets[len(sockets)-1], nil
	}
	ctx, giveUp := context.WithCancel(t.Context())
	go func() {
		_, _, _ = silent.ReadFrom(make([]byte, 512))
		giveUp()
	}()
	if addrs, err := r.LookupIPAddr(ctx, "shop.test"); err == nil {
		t.Fatalf("LookupIPAddr = %v, want an error", addrs)
	}
	eventually(t, "no socket is open", func() bool {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range sockets {
			if !s.closed() {
				return false
			}
		}
		return true
	})
}
