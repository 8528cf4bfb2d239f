package browsertest

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"pharos/engine"
	"pharos/web"
)

// wall is a real server with a real engine behind it, whose checks give what
// a test says.
type wall struct {
	t      testing.TB
	engine *engine.Engine
	addr   string
	server *http.Server // of the listener; its handler is swapped at a restart
	port   net.Listener

	mu      sync.Mutex
	results map[engine.ID]engine.Result
	served  *web.Server
}

// spec is a set to be watched: its name and its watchers' names.
type spec struct {
	set      string
	names    []string
	interval time.Duration // default 100 ms
}

// newWall runs an engine over sets and serves its board on a loopback port.
// Every watcher is ok until [wall.set] says otherwise.
func newWall(t testing.TB, saved map[engine.ID]engine.Saved, specs ...spec) *wall {
	t.Helper()
	w := &wall{t: t, results: make(map[engine.ID]engine.Result)}
	w.engine = engine.New(engine.Config{Logger: quiet()})
	w.engine.Restore(saved)
	w.replace(1, specs...)

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.engine.Run(ctx); err != nil {
			t.Errorf("running the engine: %v", err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })

	w.listen("127.0.0.1:0", "v1")
	t.Cleanup(w.stop)
	return w
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// listen serves the board at addr, as a server of version.
func (w *wall) listen(addr, version string) {
	w.t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		w.t.Fatalf("listening: %v", err)
	}
	w.addr = ln.Addr().String()
	w.served = web.New(web.Config{Board: w.engine.Board(), Version: version, Host: "wall-1", Logger: quiet()})
	go func(s *web.Server) {
		if err := s.Serve(ln); err != nil {
			w.t.Errorf("serving: %v", err)
		}
	}(w.served)
}

// stop ends the server, not the engine.
func (w *wall) stop() {
	if w.served == nil {
		return
	}
	if err := w.served.Shutdown(context.Background()); err != nil {
		w.t.Errorf("Shutdown() = %v, want nil", err)
	}
	w.served = nil
}

// replace makes specs the board's configuration.
func (w *wall) replace(number uint64, specs ...spec) {
	gen := &engine.Generation{Number: number, LoadedAt: time.Now(), PageTag: "Watching so you don't have to"}
	for _, s := range specs {
		set := engine.Set{Name: s.set}
		for i, name := range s.names {
			set.Watchers = append(set.Watchers, w.watcher(s, name, i))
		}
		gen.Sets = append(gen.Sets, set)
	}
	w.engine.Replace(gen)
}

func (w *wall) watcher(s spec, name string, i int) engine.Watcher {
	id := engine.MakeID(s.set, name)
	interval := s.interval
	if interval == 0 {
		interval = 100 * time.Millisecond
	}
	return engine.Watcher{
		ID: id, Name: name, Definition: name, Interval: interval,
		Source: engine.Source{File: "pharos.lua", Line: 10 + 3*i},
		Check: func(context.Context) (engine.Result, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if r, ok := w.results[id]; ok {
				return r, nil
			}
			return engine.Result{Status: engine.OK, Value: "0"}, nil
		},
	}
}

// set makes r what the watcher's runs give from now on.
func (w *wall) set(id engine.ID, r engine.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.results[id] = r
}

func (w *wall) url(path string) string { return "http://" + w.addr + path }
