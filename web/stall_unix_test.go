//go:build unix

package web

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pharos/engine"
)

const (
	stalledEnv     = "PHAROS_TEST_STALLED"
	stalledCertEnv = "PHAROS_TEST_STALLED_CERTIFICATE" // the folder of its files; none: HTTP
)

// A viewer that was given more than its buffers take, by a process that then
// stood still for longer than a viewer is given, as one does whose whole machine
// stood still with it, has its time once the process goes on.
func TestStallCutsNobody(t *testing.T) {
	if os.Getenv(stalledEnv) != "" {
		serveStalled(t)
		return
	}
	t.Parallel()
	t.Run("HTTP/1.1", func(t *testing.T) {
		t.Parallel()
		stall(t, "", func(addr string) io.Reader {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			if _, err := conn.Write([]byte("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
				t.Fatal(err)
			}
			return conn
		})
	})
	t.Run("HTTP/2", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		_, _, pool := writePair(t, dir, 1)
		stall(t, dir, func(addr string) io.Reader { return heldViewer(t, pool, addr) })
	})
}

// stall stops a server on its word that the viewer is stuck, for longer than a
// viewer is given, and then reads the viewer's stream.
func stall(t *testing.T, certDir string, view func(addr string) io.Reader) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestStallCutsNobody$")
	cmd.Env = append(os.Environ(), stalledEnv+"=1", stalledCertEnv+"="+certDir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		stdin.Close() // ends it
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server that was stopped: %v", err)
		}
	}()
	said := bufio.NewReader(stdout)
	addr, err := said.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	stream := view(strings.TrimSpace(addr))
	if text, err := said.ReadString('\n'); err != nil {
		t.Fatalf("the server said %q, %v, want that its viewer is stuck", text, err)
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(2*writeTimeout, func() { _ = cmd.Process.Signal(syscall.SIGCONT) })
	if text, err := said.ReadString('\n'); err != nil {
		t.Fatalf("the server said %q, %v, want that it stood still", text, err)
	}
	newEventReader(io.NopCloser(stream)).until(t, named("beat"))
}

// heldViewer opens a stream over HTTP/2 on a connection from which nothing is
// read before the stream is.
func heldViewer(t *testing.T, pool *x509.CertPool, addr string) io.Reader {
	held := &heldConn{free: make(chan struct{})}
	transport := &http.Transport{
		ForceAttemptHTTP2: true,
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var err error
			if held.Conn, err = new(net.Dialer).DialContext(ctx, "tcp", addr); err != nil {
				return nil, err
			}
			conn := tls.Client(held, &tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: []string{"h2"}})
			err = conn.HandshakeContext(ctx)
			held.hold.Store(true)
			return conn, err
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	body, filled := io.Pipe()
	var asked sync.WaitGroup
	t.Cleanup(asked.Wait)
	t.Cleanup(func() { body.Close() })
	t.Cleanup(held.release)
	asked.Go(func() {
		resp, err := (&http.Client{Transport: transport}).Get("https://localhost/events")
		if err != nil {
			filled.CloseWithError(err)
			return
		}
		defer resp.Body.Close()
		if resp.ProtoMajor != 2 {
			filled.CloseWithError(fmt.Errorf("asked over %s, want HTTP/2", resp.Proto))
			return
		}
		_, err = io.Copy(filled, resp.Body)
		filled.CloseWithError(err)
	})
	return readerFunc(func(p []byte) (int, error) {
		held.release()
		return body.Read(p)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// serveStalled serves a board that no buffers take as a whole, says when its
// viewer has taken nothing from one beat to the next and when it stood still
// after that, and ends with stdin.
func serveStalled(t *testing.T) {
	ok := func(context.Context) (engine.Result, error) { return engine.Result{Status: engine.OK}, nil }
	var watchers []engine.Watcher
	for i := range 4000 {
		w := watcher("", fmt.Sprint(strings.Repeat("long ", 200), i), time.Hour, ok)
		w.ID = engine.ID(fmt.Sprint(i))
		watchers = append(watchers, w)
	}
	var cfg Config
	if dir := os.Getenv(stalledCertEnv); dir != "" {
		var err error
		if cfg.Certificate, err = NewCertificate(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), quiet()); err != nil {
			t.Fatal(err)
		}
	}
	w, addr := tcpWall(t, cfg, engine.Set{Watchers: watchers})
	fmt.Println(addr)
	for !w.hub.waits() {
		time.Sleep(time.Millisecond)
	}
	// The clock is read before the word is said: the process is stopped on that
	// word, and may be so before it comes to its next line.
	last := time.Now()
	fmt.Println("stuck")
	for now := last; now.Sub(last) < writeTimeout; now = time.Now() {
		last = now
		time.Sleep(time.Millisecond)
	}
	fmt.Println("stood still")
	_, _ = os.Stdin.Read(make([]byte, 1))
}

// waits tells whether a viewer was given something at an earlier beat that it
// has not taken.
func (h *hub) waits() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for v := range h.viewers {
		if given := v.given.Load(); given != 0 && given < h.beats.Load() {
			return true
		}
	}
	return false
}
