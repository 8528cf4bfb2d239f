package probe

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"
)

// A connection over which nothing goes out any more, not even TLS's goodbye,
// holds up nobody whose time is over.
func TestTCPReadOfStuckTLS(t *testing.T) {
	ca := newHTTPCA(t)
	release := make(chan struct{})
	config := httpTLS(t, ca, "127.0.0.1", nil)
	addr := tcpServe(t, func(conn net.Conn) {
		if tls.Server(conn, config).Handshake() == nil {
			<-release
		}
	})
	t.Cleanup(func() { close(release) })
	c, err := DialTCP(tcpWithin(t, 5*time.Second), TCPRequest{Addr: addr, TLS: true, CA: ca.roots})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1 << 16, 1} { // until the system takes no more, not even a byte
		for more := true; more; {
			_ = c.socket.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
			_, err := c.socket.Write(make([]byte, size))
			more = err == nil
		}
	}
	_ = c.socket.SetWriteDeadline(time.Time{})
	began := time.Now()
	_, err = c.Read(tcpWithin(t, 50*time.Millisecond), 1)
	if took := time.Since(began); KindOf(err) != Timeout || took > 4*time.Second { // tls.Conn.Close waits for 5 s
		t.Errorf("Read = %v after %v, want kind timeout long before", err, took)
	}
	if err := c.Close(); err == nil {
		t.Error("Close after it was closed = nil, want an error")
	}
}

// A name in Unicode is connected to, and verified, as DNS knows it.
func TestTCPUnicodeName(t *testing.T) {
	ca := newHTTPCA(t)
	server := newHTTPServer(t, httpPages(), httpTLS(t, ca, "xn--bcher-kva.test", nil))
	asked := ""
	c, err := DialTCP(tcpWithin(t, 5*time.Second), TCPRequest{
		Addr: "bücher.test:443", TLS: true, CA: ca.roots,
		Dial: func(_ context.Context, network, addr string) (net.Conn, error) {
			asked = addr
			return net.Dial(network, server.Listener.Addr().String())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if want := "xn--bcher-kva.test:443"; asked != want {
		t.Errorf("DialTCP connected to %q, want %q", asked, want)
	}
	if _, err := DialTCP(t.Context(), TCPRequest{Addr: "a b:1"}); KindOf(err) != Misuse {
		t.Errorf("DialTCP of a name with a blank = %v, want kind misuse", err)
	}
}
