package browsertest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"pharos/engine"
	"pharos/engine/enginetest"
	"pharos/web"
)

// wall is a real server with a real engine behind it, whose checks give what
// a test says.
type wall struct {
	t      testing.TB
	engine *engine.Engine
	addr   string

	mu      sync.Mutex
	results map[engine.ID]engine.Result
	hanging map[engine.ID]bool
	result  func(id engine.ID, run int) engine.Result // for ids without one in results; default ok
	runs    int
	served  *web.Server
	overlay string // files laid over /static
}

// spec is a set to be watched: its name and its watchers' names.
type spec struct {
	set      string
	names    []string
	interval time.Duration // default 100 ms
	source   engine.Source // sets them by events, instead
	needs    []engine.Pattern
	confirm  engine.Confirm
	derive   *engine.Derive
}

// serverEnv makes the test binary a server of its own at the address it holds,
// for tests that stop and kill one.
const serverEnv = "PHAROS_BROWSERTEST_SERVER"

func TestMain(m *testing.M) {
	if addr := os.Getenv(serverEnv); addr != "" {
		serve(addr)
		return
	}
	code := m.Run()
	if browser.stop != nil {
		browser.stop()
	}
	os.Exit(code)
}

// serve serves a board of one watcher until the process is killed.
func serve(addr string) {
	e := engine.New(engine.Config{Logger: quiet()})
	e.Replace(&engine.Generation{Number: 1, LoadedAt: time.Now(), Sets: []engine.Set{{Watchers: []engine.Watcher{{
		ID: "a", Name: "A", Definition: "a", Interval: 200 * time.Millisecond, Check: enginetest.Always(engine.OK, "1"),
	}}}}})
	go e.Run(context.Background())
	ln, err := net.Listen("tcp", addr)
	if err == nil {
		err = web.New(web.Config{Board: e.Board(), Version: "v1", Logger: quiet()}).Serve(ln)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// newWall runs an engine over sets and serves its board on a loopback port.
// Every watcher is ok until [wall.set] says otherwise.
func newWall(t testing.TB, saved map[engine.ID]engine.Saved, specs ...spec) *wall {
	t.Helper()
	w := &wall{t: t, results: make(map[engine.ID]engine.Result), hanging: make(map[engine.ID]bool), overlay: "testdata"}
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
	w.served = web.New(web.Config{Board: w.engine.Board(), Version: version, Host: "wall-1", StaticDir: w.overlay, Logger: quiet(), ShowSource: showSource})
	go func(s *web.Server) {
		if err := s.Serve(ln); err != nil {
			w.t.Errorf("serving: %v", err)
		}
	}(w.served)
}

// showSource gives three lines around a definition.
func showSource(s engine.Place) ([]web.SourceLine, bool) {
	var lines []web.SourceLine
	for n := s.Line - 1; n <= s.Line+1; n++ {
		lines = append(lines, web.SourceLine{Line: n, Text: fmt.Sprintf("  line %d of %s", n, s.File)})
	}
	return lines, true
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
	if s.source != nil {
		return engine.Watcher{ID: id, Name: name, Definition: name, Place: engine.Place{File: "pharos.lua", Line: 10 + 3*i}, Source: s.source}
	}
	interval := s.interval
	if interval == 0 {
		interval = 100 * time.Millisecond
	}
	return engine.Watcher{
		ID: id, Name: name, Definition: name, Interval: interval,
		TTL:   time.Hour, // a board that a busy machine holds up is not a stale one
		Needs: s.needs, Confirm: s.confirm, Derive: s.derive,
		Place: engine.Place{File: "pharos.lua", Line: 10 + 3*i},
		Check: func(ctx context.Context) (engine.Result, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.hanging[id] {
				w.mu.Unlock()
				<-ctx.Done()
				w.mu.Lock()
				return engine.Result{}, ctx.Err()
			}
			if r, ok := w.results[id]; ok {
				return r, nil
			}
			if w.runs++; w.result != nil {
				return w.result(id, w.runs), nil
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

// otherwise makes f give the results of the watchers that have none set; run
// counts every such run of the wall.
func (w *wall) otherwise(f func(id engine.ID, run int) engine.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.result = f
}

// hang lets the watcher's runs end by their timeout only; its first one keeps
// it pending that long.
func (w *wall) hang(id engine.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hanging[id] = true
}

// await waits until the board shows the watcher in status.
func (w *wall) await(id engine.ID, status engine.Status) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		view, _ := w.engine.Board().View(id)
		if view.Status == status {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("watcher %q is %v, want %v within %v", id, view.Status, status, patience)
		}
	}
}

// settle waits until the board shows every result that was set.
func (w *wall) settle() {
	w.t.Helper()
	w.mu.Lock()
	results := maps.Clone(w.results)
	w.mu.Unlock()
	for id, r := range results {
		w.await(id, r.Status)
	}
}

func (w *wall) url(path string) string { return "http://" + w.addr + path }
