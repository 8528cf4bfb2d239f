package web

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pharos/engine"
)

// wall is a server with a real engine behind it, whose checks a test decides.
type wall struct {
	*Server
	engine *engine.Engine
	client *http.Client
}

// check gives results that a test sets while the engine runs.
type check struct {
	mu sync.Mutex
	r  engine.Result
}

func (c *check) set(r engine.Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.r = r
}

func (c *check) run(context.Context) (engine.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.r, nil
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// newWall runs an engine and serves its board on ln; both stop with the test.
func newWall(t testing.TB, cfg Config, ln net.Listener, dial func(context.Context, string, string) (net.Conn, error), sets ...engine.Set) *wall {
	t.Helper()
	e := engine.New(engine.Config{Logger: quiet()})
	e.Replace(&engine.Generation{Number: 1, LoadedAt: time.Now(), PageTag: "Keeps watch...", Sets: sets})
	cfg.Board, cfg.Logger = e.Board(), quiet()
	transport := &http.Transport{DialContext: dial, DisableCompression: true}
	w := &wall{Server: New(cfg), engine: e, client: &http.Client{Transport: transport}}
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Errorf("running the engine: %v", err)
		}
	})
	parts.Go(func() {
		if err := w.Serve(ln); err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		if err := w.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown() = %v, want nil", err)
		}
		parts.Wait()
		transport.CloseIdleConnections()
	})
	return w
}

// tcpWall is a wall on a loopback port.
func tcpWall(t testing.TB, cfg Config, sets ...engine.Set) (w *wall, addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr().String()
	return newWall(t, cfg, ln, func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}, sets...), addr
}

// pipeWall is a wall on connections in memory, for synctest bubbles.
func pipeWall(t testing.TB, cfg Config, sets ...engine.Set) (*wall, *pipes) {
	t.Helper()
	ln := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	return newWall(t, cfg, ln, ln.dial, sets...), ln
}

// pipes is a net.Listener whose connections are net.Pipes: nothing is buffered
// and everything that blocks does so inside the bubble.
type pipes struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	server, client := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// heldConn is a connection from which, once it is held, nothing is read until
// it is free.
type heldConn struct {
	net.Conn
	hold atomic.Bool
	once sync.Once
	free chan struct{}
}

func (c *heldConn) release() { c.once.Do(func() { close(c.free) }) }

func (c *heldConn) Read(p []byte) (int, error) {
	if c.hold.Load() {
		<-c.free
	}
	return c.Conn.Read(p)
}

// get asks for a path and gives the status and the body.
func (w *wall) get(t testing.TB, path string) (int, string) {
	t.Helper()
	resp, err := w.client.Get("http://localhost" + path)
	if err != nil {
		t.Fatalf("getting %q: %v", path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("reading %q: %v", path, err)
	}
	return resp.StatusCode, string(body)
}

// event is one event as a browser understands it.
type event struct {
	name, id, data string
}

// eventReader reads a stream as the HTML standard says a browser does.
type eventReader struct {
	r    *bufio.Reader
	body io.Closer
}

// watch opens the stream.
func (w *wall) watch(t testing.TB) *eventReader {
	t.Helper()
	resp, err := w.client.Get("http://localhost/events")
	if err != nil {
		t.Fatalf("opening the stream: %v", err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("opening the stream: status %d, want 200", resp.StatusCode)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return newEventReader(resp.Body)
}

func newEventReader(body io.ReadCloser) *eventReader {
	return &eventReader{r: bufio.NewReaderSize(body, 64<<10), body: body}
}

// next gives the next event, or an error at the stream's end.
func (e *eventReader) next() (event, error) {
	var ev event
	for {
		line, err := e.r.ReadString('\n')
		if err != nil {
			return ev, err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "":
			if ev.data != "" {
				return ev, nil
			}
			ev = event{}
		case "event":
			ev.name = value
		case "id":
			ev.id = value
		case "data":
			ev.data += value
		}
	}
}

// until reads events up to and with the first that want takes.
func (e *eventReader) until(t testing.TB, want func(event) bool) event {
	t.Helper()
	for {
		ev, err := e.next()
		if err != nil {
			t.Fatalf("reading the stream: %v", err)
		}
		if want(ev) {
			return ev
		}
	}
}

func named(name string) func(event) bool {
	return func(ev event) bool { return ev.name == name }
}

func decode[T any](t testing.TB, text string) T {
	t.Helper()
	v, err := decoded[T](text)
	if err != nil {
		t.Fatalf("reading JSON %.200q: %v", text, err)
	}
	return v
}

func decoded[T any](text string) (v T, err error) {
	err = json.Unmarshal([]byte(text), &v)
	return v, err
}

// watcher is a watcher of a check, in milliseconds.
func watcher(set, name string, interval time.Duration, c engine.Check) engine.Watcher {
	return engine.Watcher{
		ID: engine.MakeID(set, name), Name: name, Definition: name, Interval: interval, Check: c,
		Place: engine.Place{File: "pharos.lua", Line: 1},
	}
}
