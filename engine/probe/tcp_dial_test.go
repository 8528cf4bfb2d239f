package probe

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stuckConn is a connection over which nothing goes out any more once it is stuck:
// a Write fails, or waits until it is closed.
type stuckConn struct {
	net.Conn
	waits        bool
	stuck, tried atomic.Bool
	shut         context.CancelFunc
	closed       context.Context
}

func (c *stuckConn) Write(b []byte) (int, error) {
	if !c.stuck.Load() {
		return c.Conn.Write(b)
	}
	c.tried.Store(true)
	if c.waits {
		<-c.closed.Done()
	}
	return 0, net.ErrClosed
}

func (c *stuckConn) SetWriteDeadline(time.Time) error { return nil }

func (c *stuckConn) Close() error {
	c.shut()
	return c.Conn.Close()
}

// A connection over which nothing goes out any more, not even TLS's goodbye,
// holds up nobody whose time is over, and no Close.
func TestTCPOverStuckTLS(t *testing.T) {
	ca := newHTTPCA(t)
	config := httpTLS(t, ca, "127.0.0.1", nil)
	addr := tcpServe(t, func(conn net.Conn) {
		if tls.Server(conn, config).Handshake() == nil {
			io.Copy(io.Discard, conn)
		}
	})
	open := func(waits bool) (*TCPConn, *stuckConn) {
		stuck := &stuckConn{waits: waits}
		stuck.closed, stuck.shut = context.WithCancel(context.Background())
		c, err := DialTCP(tcpWithin(t, time.Minute), TCPRequest{Addr: addr, TLS: true, CA: ca.roots,
			Dial: func(_ context.Context, network, addr string) (_ net.Conn, err error) {
				stuck.Conn, err = net.Dial(network, addr)
				return stuck, err
			}})
		if err != nil {
			t.Fatal(err)
		}
		stuck.stuck.Store(true)
		return c, stuck
	}
	c, stuck := open(false)
	if _, err := c.Read(tcpWithin(t, 50*time.Millisecond), 1); KindOf(err) != Timeout {
		t.Errorf("Read = %v, want kind timeout", err)
	}
	if stuck.tried.Load() || stuck.closed.Err() == nil {
		t.Error("Read out of its time has TLS say goodbye first, which may take for ever; want the socket closed")
	}
	c.Close()
	c, stuck = open(true)
	c.Close()
	if !stuck.tried.Load() || stuck.closed.Err() == nil {
		t.Error("Close says no goodbye, or leaves the socket open")
	}
}

// A name in Unicode is connected to, and verified, as DNS knows it.
func TestTCPUnicodeName(t *testing.T) {
	ca := newHTTPCA(t)
	server := newHTTPServer(t, httpPages(), httpTLS(t, ca, "xn--bcher-kva.test", nil))
	asked := ""
	c, err := DialTCP(tcpWithin(t, time.Minute), TCPRequest{
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

// Without a host it is this machine.
func TestTCPNoHost(t *testing.T) {
	addr := httpScripted(t, httpHangs)
	conn, err := DialTCP(tcpWithin(t, time.Minute), TCPRequest{Addr: ":" + httpPort(addr)})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	const want = "want a server name to verify, as there is no host"
	if _, err := DialTCP(tcpWithin(t, time.Minute), TCPRequest{Addr: ":" + httpPort(addr), TLS: true}); KindOf(err) != Misuse || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("DialTCP with TLS to no host = %v, want kind misuse, ...%s", err, want)
	}
}

// Of what lies between two marks a busy machine may take any part, so what each
// phase holds is seen where the time is the bubble's.
func TestTCPPhases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := func(context.Context, string, string) (net.Conn, error) {
			time.Sleep(time.Second)
			ours, theirs := net.Pipe()
			go func() {
				time.Sleep(2 * time.Second) // it is slow to read what is sent
				tcpPauses(theirs, time.Minute)
			}()
			return ours, nil
		}
		res, err := holdTCP(t.Context(), tcpTalk{TCPRequest: TCPRequest{Addr: "far.example:25", Dial: dial}, Send: []byte("x"), Lines: 1})
		if err != nil {
			t.Fatal(err)
		}
		want := Timing{Connect: time.Second, Send: 2 * time.Second, Wait: time.Minute, Receive: time.Minute, Total: 2*time.Minute + 3*time.Second,
			Connected: time.Second, PreTransfer: time.Second, StartTransfer: time.Minute + 3*time.Second}
		if diff := cmp.Diff(want, res.Timing); diff != "" {
			t.Errorf("timing (-want +got):\n%s", diff)
		}
	})
}
