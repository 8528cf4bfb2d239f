package probe

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

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
	var sockets []net.Conn
	r.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := dial(ctx, network, silent.LocalAddr().String())
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			sockets = append(sockets, conn)
		}
		return conn, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if addrs, err := r.LookupIPAddr(ctx, "shop.test"); err == nil {
		t.Fatalf("LookupIPAddr = %v, want an error", addrs)
	}
	mu.Lock()
	asked := len(sockets)
	open := asked
	mu.Unlock()
	for until := time.Now().Add(3 * time.Second); open > 0 && time.Now().Before(until); time.Sleep(time.Millisecond) {
		mu.Lock()
		open = 0
		for _, conn := range sockets {
			if !errors.Is(conn.SetDeadline(time.Now().Add(time.Minute)), net.ErrClosed) {
				open++
			}
		}
		mu.Unlock()
	}
	if asked == 0 || open > 0 {
		t.Errorf("%d of %d sockets still open 3 s after the lookup, want 0 of some", open, asked)
	}
}
