package probe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// sshAnswer has serve answer who connects, on TCP or a unix socket, and gives the
// address. serve closes the connection.
func sshAnswer(t *testing.T, network, addr string, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	t.Cleanup(func() { l.Close(); served.Wait() })
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() { serve(conn) })
		}
	})
	return l.Addr().String()
}

// sshEcho is a server that gives back what it gets, on TCP or a unix socket.
func sshEcho(t *testing.T, network, addr string) string {
	t.Helper()
	return sshAnswer(t, network, addr, func(conn net.Conn) {
		defer conn.Close()
		io.Copy(conn, conn)
	})
}

func TestSSHDial(t *testing.T) {
	echoes := []struct{ network, addr string }{
		{"tcp", sshEcho(t, "tcp", "127.0.0.1:0")},
		{"unix", sshEcho(t, "unix", filepath.Join(t.TempDir(), "echo"))},
	}
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	for _, tt := range echoes {
		conn, err := p.Dial(sshWithin(t, time.Minute), "web-3", tt.network, tt.addr)
		if err != nil {
			t.Fatalf("Dial(%s, %s) = %v, want no error", tt.network, tt.addr, err)
		}
		if got := conn.RemoteAddr(); got.Network() != tt.network || got.String() != tt.addr {
			t.Errorf("RemoteAddr() = %s %s, want %s %s", got.Network(), got, tt.network, tt.addr)
		}
		sent := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // more than a window would hold unread
		go conn.Write(sent)
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("echo through %s: %v, same %v", tt.network, err, bytes.Equal(got, sent))
		}
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := conn.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read after the deadline = %v, want %v", err, os.ErrDeadlineExceeded)
		}
		conn.Close()
		if _, err := conn.Read(got); err == nil {
			t.Errorf("Read after Close = nil, want an error")
		}
	}
}

func TestSSHDialGivesTheConnectionBack(t *testing.T) {
	addr := sshEcho(t, "tcp", "127.0.0.1:0")
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	for range 20 {
		conn, err := p.Dial(sshWithin(t, time.Minute), "web-3", "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	h, err := p.host("web-3")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the connection to have no users", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.conns) == 1 && h.conns[0].users.Load() == 0
	})
}

func TestSSHDialErrors(t *testing.T) {
	s := startSSHD(t)
	no := startSSHD(t, "AllowTcpForwarding no")
	p := sshTestPool(t, s.stanza("web-3"), no.stanza("strict"))
	closed := httpRefused(t)
	tests := []struct {
		host, network, addr string
		kind                Kind
		denied              bool
	}{
		{"web-3", "tcp", closed, Refused, false},
		{"web-3", "unix", "/no/such/socket", Refused, true},
		{"web-3", "tcp", "no-such-host.invalid:80", DNS, false},
		{"web-3", "udp", closed, Misuse, false},
		{"web-3", "tcp", "no port", Misuse, false},
		{"strict", "tcp", closed, Vantage, true},
	}
	for _, tt := range tests {
		_, err := p.Dial(sshWithin(t, time.Minute), tt.host, tt.network, tt.addr)
		if KindOf(err) != tt.kind || errors.Is(err, ErrForwardingDenied) != tt.denied {
			t.Errorf("Dial(%s, %s, %s) = kind %q (%v), want %q, denied %v", tt.host, tt.network, tt.addr, KindOf(err), err, tt.kind, tt.denied)
		}
	}
}

// A forwarding that ends with the host to look from, or waits for it, is that
// host's failure, and not of who is at its other end.
func TestSSHDialLosesItsHost(t *testing.T) {
	addr := sshEcho(t, "tcp", "127.0.0.1:0")
	tests := []struct {
		name   string
		happen func(*sshd)
		within time.Duration // what is read for; 0 = until the host is found dead
		kind   Kind
	}{
		{"killed", func(s *sshd) { s.kill(s.cmd) }, 0, Vantage},
		{"stopped", func(s *sshd) { s.signal(syscall.SIGSTOP) }, 0, Vantage},
		{"stopped, in a hurry", func(s *sshd) { s.signal(syscall.SIGSTOP) }, 2 * time.Second, Vantage},
		{"well", func(*sshd) {}, 2 * time.Second, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := startSSHD(t)
			p := sshTestPool(t, s.stanza("web-3"))
			conn, err := p.Dial(sshWithin(t, time.Minute), "web-3", "tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			tt.happen(s)
			began := time.Now()
			if tt.within > 0 {
				conn.SetReadDeadline(began.Add(tt.within))
			}
			_, err = conn.Read(make([]byte, 1))
			if err == nil || KindOf(err) != tt.kind || time.Since(began) > sshDeadBy {
				t.Errorf("Read() = %v (kind %q) after %v, want kind %q soon", err, KindOf(err), time.Since(began), tt.kind)
			}
			if tt.within > 0 {
				return
			}
			if _, err = conn.Write([]byte("x")); KindOf(err) != tt.kind {
				t.Errorf("Write() = %v, want kind %q", err, tt.kind)
			}
		})
	}
}

// So it is for all that goes through a forwarding.
func TestSSHLostUnderAConversation(t *testing.T) {
	var accepted atomic.Int32
	silent := httpScripted(t, func(conn net.Conn) {
		accepted.Add(1)
		httpHangs(conn)
	})
	for how, happen := range map[string]func(*sshd){
		"killed":  func(s *sshd) { s.kill(s.cmd) },
		"stopped": func(s *sshd) { s.signal(syscall.SIGSTOP) },
	} {
		s := startSSHD(t)
		p := sshTestPool(t, s.stanza("web-3"))
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			return p.Dial(ctx, "web-3", network, addr)
		}
		conversations := map[string]func(context.Context) error{
			"http": func(ctx context.Context) error {
				_, err := new(HTTPClient).Do(ctx, &HTTPRequest{URL: "http://" + silent, Dial: dial, Vantage: "web-3"})
				return err
			},
			"https": func(ctx context.Context) error {
				_, err := new(HTTPClient).Do(ctx, &HTTPRequest{URL: "https://" + silent, Dial: dial, Vantage: "web-3"})
				return err
			},
			"tcp": func(ctx context.Context) error {
				conn, err := DialTCP(ctx, TCPRequest{Addr: silent, Dial: dial})
				if err == nil {
					defer conn.Close()
					_, err = conn.Expect(ctx, []byte("never"))
				}
				return err
			},
			"tls": func(ctx context.Context) error {
				_, err := InspectTLS(ctx, TLSRequest{TCPRequest: TCPRequest{Addr: silent, Dial: dial}})
				return err
			},
			"dns": func(ctx context.Context) error {
				_, err := LookupDNS(ctx, DNSRequest{Name: "x.test", Server: silent, Dial: dial})
				return err
			},
		}
		accepted.Store(0)
		errs := make(map[string]chan error)
		for name, talk := range conversations {
			ended := make(chan error, 1)
			errs[name] = ended
			go func() { ended <- talk(sshWithin(t, time.Minute)) }()
		}
		eventually(t, "all to talk", func() bool { return int(accepted.Load()) == len(conversations) })
		happen(s)
		for name, ended := range errs {
			if err := <-ended; KindOf(err) != Vantage {
				t.Errorf("%s, its host %s: %v (kind %q), want kind vantage", name, how, err, KindOf(err))
			}
		}
	}
}

func TestSSHJump(t *testing.T) {
	gate, inner := startSSHD(t), startSSHD(t, "AllowTcpForwarding no")
	third := startSSHD(t)
	p := sshTestPool(t, gate.stanza("gate"),
		inner.stanza("inner", "ProxyJump gate"), third.stanza("third", "ProxyJump gate"),
		third.stanza("chain", "ProxyJump gate,third"))
	sshWorks(t, p, "inner")
	sshWorks(t, p, "third")
	sshWorks(t, p, "chain")
	h, err := p.host("gate")
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	if n := len(h.conns); n != 1 {
		t.Errorf("%d connections to the jump host, want 1 that all share", n)
	}
	if c := h.conns[0]; c.users.Load() == 0 || c.waits.Load() != 0 {
		t.Errorf("the jump host has %d users of which %d wait, want some that do not", c.users.Load(), c.waits.Load())
	}
	h.mu.Unlock()
	gate.kill(gate.cmd)
	sshFails(t, p, "inner", time.Minute, time.Minute, Vantage, "ssh inner: cannot reach 127.0.0.1:"+inner.port+": ssh gate: cannot reach")
}

func TestSSHJumpAcceptsNewKeys(t *testing.T) {
	gate, inner := startSSHD(t), startSSHD(t)
	inner.writeKnownHosts()
	p := sshTestPool(t, gate.stanza("gate"), inner.stanza("inner", "ProxyJump gate", "StrictHostKeyChecking accept-new"))
	sshWorks(t, p, "inner")
	got, err := os.ReadFile(filepath.Join(inner.dir, "known_hosts"))
	inner.writeKnownHosts(inner.key)
	want, wantErr := os.ReadFile(filepath.Join(inner.dir, "known_hosts"))
	if err != nil || wantErr != nil || string(got) != string(want) {
		t.Errorf("known_hosts = %q, %v, want %q", got, err, want)
	}
}

func TestSSHStoppedJump(t *testing.T) {
	gate, inner := startSSHD(t), startSSHD(t)
	p := sshTestPool(t, gate.stanza("gate"), inner.stanza("inner", "ProxyJump gate"))
	sshWorks(t, p, "inner")
	gate.signal(syscall.SIGSTOP)
	sshFails(t, p, "inner", time.Minute, sshDeadBy, Vantage, "ssh inner: ")
}

func TestSSHJumpInACircle(t *testing.T) {
	p := sshTestPool(t, "Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
	p.cfg.ConnectTimeout = 300 * time.Millisecond
	sshFails(t, p, "a", time.Minute, time.Minute, Vantage, "ssh a: cannot reach")
}

// What is at the other end of a forwarding takes nothing in, and so OpenSSH does
// not close it: that must not stay for as long, nor end what else runs there.
func TestSSHDialThatNobodyTakesIn(t *testing.T) {
	for _, tt := range []struct {
		name string
		sent int
	}{
		{"until nothing more goes", 64 << 20},
		{"all of which went to the host", 5 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := sshSilent(t)
			s := startSSHD(t)
			before := runtime.NumGoroutine()
			p := sshTestPool(t, s.stanza("web-3"))
			sshWorks(t, p, "web-3")
			healthy := make(chan error, 1)
			ran := make(chan string, 1)
			go func() {
				healthy <- p.Stream(sshWithin(t, time.Minute), "web-3", ExecRequest{Shell: "echo up; sleep 4; echo done"},
					LineSink{Up: func(string) {}, Line: func(line []byte) { ran <- string(line) }})
			}()
			if line := <-ran; line != "up" {
				t.Fatalf("the command said %q, want up", line)
			}
			h, err := p.host("web-3")
			if err != nil {
				t.Fatal(err)
			}
			h.mu.Lock()
			used := h.conns[0]
			h.mu.Unlock()
			conn, err := p.Dial(sshWithin(t, time.Minute), "web-3", "tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			conn.SetWriteDeadline(time.Now().Add(time.Second))
			n, err := conn.Write(make([]byte, tt.sent))
			t.Logf("written: %d, %v", n, err)
			began := time.Now()
			conn.Close()
			if took := time.Since(began); took > 100*time.Millisecond {
				t.Errorf("Close() took %v, want it not to wait", took)
			}
			sshWorks(t, p, "web-3")
			if line, err := <-ran, <-healthy; line != "done" || err == nil || !strings.Contains(err.Error(), "exit code 0") {
				t.Errorf("the command beside it said %q and ended with %v, want done and exit code 0", line, err)
			}
			eventually(t, "the use of the connection to be given back", func() bool {
				h.mu.Lock()
				defer h.mu.Unlock()
				return used.users.Load() == 0 && used.left == 0 && used.waits.Load() == 0
			})
			if err != nil && (!used.ended() || used.cause() != errSSHStuck) {
				t.Errorf("the connection goes on or ended otherwise than with: %v", errSSHStuck)
			}
			sshWorks(t, p, "web-3")
			p.Close()
			eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
		})
	}
}
