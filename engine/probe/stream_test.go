package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// heard is what came of a stream so far.
type heard struct {
	t      *testing.T
	cancel context.CancelFunc
	ended  chan struct{}
	err    error

	mu    sync.Mutex
	ups   []string
	lines []string
}

// hear listens to a stream; it is stopped at the end of the test at the latest.
func hear(t *testing.T, stream func(ctx context.Context, sink LineSink) error) *heard {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	h := &heard{t: t, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(h.ended)
		h.err = stream(ctx, LineSink{Up: h.up, Absent: func(awaits string) { h.up("absent: " + awaits) }, Line: h.line})
	}()
	t.Cleanup(func() { h.stop() })
	return h
}

func (h *heard) up(awaits string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ups = append(h.ups, awaits)
}

func (h *heard) line(line []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, string(line))
}

// until waits until so many lines came, and gives them.
func (h *heard) until(lines int) []string {
	h.t.Helper()
	h.await(fmt.Sprintf("%d lines", lines), func() bool { return len(h.lines) >= lines })
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.lines...)
}

// open waits until the stream says the nth time that it is open.
func (h *heard) open(n int) string {
	h.t.Helper()
	h.await("being open", func() bool { return len(h.ups) >= n })
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ups[n-1]
}

func (h *heard) await(what string, is func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		h.mu.Lock()
		ok := is()
		h.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-h.ended:
			h.t.Fatalf("the stream ended (%v) before %s", h.err, what)
		default:
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("no %s within a minute: lines %q, up %q", what, h.lines, h.ups)
		}
	}
}

// end waits for the stream's own end.
func (h *heard) end() error {
	h.t.Helper()
	select {
	case <-h.ended:
		return h.err
	case <-time.After(time.Minute):
		h.t.Fatal("the stream did not end within a minute")
		return nil
	}
}

// stop ends the stream, which must not wait for what it listens to.
func (h *heard) stop() {
	h.t.Helper()
	h.cancel()
	select {
	case <-h.ended:
	case <-time.After(20 * time.Second):
		h.t.Error("the stream did not end within 20 s of its context")
	}
}

func TestExecStream(t *testing.T) {
	t.Parallel()
	r := &Runner{}
	h := hear(t, func(ctx context.Context, sink LineSink) error {
		return r.Stream(ctx, ExecRequest{Shell: "echo a; printf 'b\\r\\nc'; echo oops >&2; exit 3"}, sink)
	})
	err := h.end()
	if diff := cmp.Diff([]string{"a", "b", "c"}, h.lines); diff != "" {
		t.Error(diff)
	}
	if KindOf(err) != Ended || !strings.HasSuffix(err.Error(), "it ended with exit code 3: oops") {
		t.Errorf("Stream() = %v, want kind ended with code and complaint", err)
	}
	for shell, want := range map[string]string{"kill -9 $$": "signal KILL", "nosuchcommand7": "not found"} {
		h := hear(t, func(ctx context.Context, sink LineSink) error { return r.Stream(ctx, ExecRequest{Shell: shell}, sink) })
		if err := h.end(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Stream(%q) = %v, want %q", shell, err, want)
		}
	}
	if n := len(r.running) + len(r.starting); n != 0 {
		t.Errorf("%d places are held after the streams ended, want 0", n)
	}
}

// TestExecStreamEndsItsGroup ends streams in the shapes that leave processes
// behind elsewhere.
func TestExecStreamEndsItsGroup(t *testing.T) {
	t.Parallel()
	r := &Runner{}
	for i, shell := range []string{
		"echo begun; sleep %[1]s",
		"echo begun; sleep %[1]s & sleep %[1]s | cat",
		"echo begun; trap '' TERM; sleep %[1]s; sleep %[1]s",
		"yes begun & sleep %[1]s",
	} {
		word := fmt.Sprintf("%d.%d", 8000+i, os.Getpid())
		h := hear(t, func(ctx context.Context, sink LineSink) error {
			return r.Stream(ctx, ExecRequest{Shell: fmt.Sprintf(shell, word)}, sink)
		})
		h.until(1)
		h.stop()
		if KindOf(h.err) != Cancelled {
			t.Errorf("Stream(%q) = %v, want kind cancelled", shell, h.err)
		}
		eventually(t, fmt.Sprintf("%q has left no process", shell), func() bool { return len(execPidsOf(t, "sleep "+word)) == 0 })
	}
}

func TestSSHStream(t *testing.T) {
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	h := hear(t, func(ctx context.Context, sink LineSink) error {
		return p.Stream(ctx, "web-3", ExecRequest{Shell: "echo $A; pwd; echo oops >&2; exit 3", Env: []string{"A=b c"}, Dir: "/"}, sink)
	})
	err := h.end()
	if diff := cmp.Diff([]string{"b c", "/"}, h.lines); diff != "" {
		t.Error(diff)
	}
	if KindOf(err) != Ended || !strings.HasSuffix(err.Error(), "on web-3: it ended with exit code 3: oops") {
		t.Errorf("Stream() = %v, want kind ended with code and complaint", err)
	}
	for i, req := range []ExecRequest{
		{Shell: "echo begun; sleep %[1]s"},
		{Shell: "echo begun; sleep %[1]s & sleep %[1]s | cat"},
		{Shell: "echo begun; trap '' TERM; sleep %[1]s; sleep %[1]s"},
		{Argv: []string{"sh", "-c", "echo begun; exec sleep %[1]s"}},
	} {
		word := fmt.Sprintf("%d.%d", 8100+i, os.Getpid())
		req.Shell = strings.ReplaceAll(req.Shell, "%[1]s", word)
		if req.Argv != nil {
			req.Argv[2] = strings.ReplaceAll(req.Argv[2], "%[1]s", word)
		}
		h := hear(t, func(ctx context.Context, sink LineSink) error { return p.Stream(ctx, "web-3", req, sink) })
		h.until(1)
		eventually(t, req.String()+" to run there", func() bool { return sshRunning(word) > 0 })
		h.stop()
		eventually(t, "the end of "+req.String(), func() bool { return sshRunning(word) == 0 })
	}
}

// TestSSHStreamOutlivesNoConnection breaks the connection under a command that
// is quiet, and would never notice by itself.
func TestSSHStreamOutlivesNoConnection(t *testing.T) {
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	word := fmt.Sprintf("8200.%d", os.Getpid())
	h := hear(t, func(ctx context.Context, sink LineSink) error {
		return p.Stream(ctx, "web-3", ExecRequest{Shell: "echo begun; sleep " + word + "; true"}, sink)
	})
	h.until(1)
	host, err := p.host("web-3")
	if err != nil {
		t.Fatal(err)
	}
	host.mu.Lock()
	conn := host.conns[0]
	host.mu.Unlock()
	conn.kill(errors.New("the test cut it"))
	if err := h.end(); KindOf(err) != Vantage {
		t.Errorf("Stream() = %v, want kind vantage", err)
	}
	eventually(t, "the end of the command", func() bool { return sshRunning(word) == 0 })
}

func TestLines(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	accept := func() *net.TCPConn {
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn.(*net.TCPConn)
	}
	listen := func() *heard {
		return hear(t, func(ctx context.Context, sink LineSink) error {
			return Lines(ctx, TCPRequest{Addr: ln.Addr().String()}, []byte("MONITOR\n"), 0, sink)
		})
	}
	h := listen()
	conn := accept()
	buf := make([]byte, 8)
	if n, err := conn.Read(buf); string(buf[:n]) != "MONITOR\n" || err != nil {
		t.Errorf("it sent %q, %v, want MONITOR", buf[:n], err)
	}
	fmt.Fprint(conn, "one\ntw")
	h.until(1)
	fmt.Fprint(conn, "o\nrest")
	conn.Close()
	if err := h.end(); KindOf(err) != Reset || !strings.HasSuffix(err.Error(), "it closed the connection") {
		t.Errorf("closed: Lines() = %v, want kind reset", err)
	}
	if diff := cmp.Diff([]string{"one", "two", "rest"}, h.lines); diff != "" {
		t.Error(diff)
	}

	h = listen()
	conn = accept()
	h.open(1)
	_ = conn.SetLinger(0)
	conn.Close()
	if err := h.end(); KindOf(err) != Reset {
		t.Errorf("reset: Lines() = %v, want kind reset", err)
	}

	h = listen() // and a server that stalls
	accept()
	h.open(1)
	if h.stop(); KindOf(h.err) != Cancelled {
		t.Errorf("stalled: Lines() = %v, want kind cancelled", h.err)
	}
}

func TestLinesConnecting(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	silent := TCPRequest{Addr: ln.Addr().String(), TLS: true, Insecure: true} // accepts, and never shakes hands
	if err := Lines(t.Context(), silent, nil, 50*time.Millisecond, LineSink{}); KindOf(err) != Timeout {
		t.Errorf("silent: Lines() = %v, want kind timeout", err)
	}
	if err := Lines(t.Context(), TCPRequest{Addr: "127.0.0.1:1"}, nil, 0, LineSink{}); KindOf(err) != Refused {
		t.Errorf("refused: Lines() = %v, want kind refused", err)
	}
}

func TestLinesOverTLS(t *testing.T) {
	t.Parallel()
	ca := newHTTPCA(t)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", httpTLS(t, ca, "lines.test", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, "one\ntwo\n")
			conn.Close()
		}
	}()
	req := TCPRequest{Addr: ln.Addr().String(), TLS: true, CA: ca.roots, ServerName: "lines.test"}
	h := hear(t, func(ctx context.Context, sink LineSink) error { return Lines(ctx, req, nil, 0, sink) })
	if err := h.end(); KindOf(err) != Reset {
		t.Errorf("Lines() = %v, want kind reset: it closed", err)
	}
	if diff := cmp.Diff([]string{"one", "two"}, h.lines); diff != "" {
		t.Error(diff)
	}
	req.ServerName = "other.test"
	if err := Lines(t.Context(), req, nil, 0, LineSink{}); KindOf(err) != TLS {
		t.Errorf("another name: Lines() = %v, want kind tls", err)
	}
}
