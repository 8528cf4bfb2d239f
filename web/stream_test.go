package web

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"pharos/engine"
)

var golden = flag.Bool("golden", false, "write the golden files anew")

// The wire format is the API: a viewer's stream, byte for byte, through a
// result, a change of status, a refused configuration and a new layout.
func TestStreamBytes(t *testing.T) {
	const file = "testdata/stream.txtar"
	var got strings.Builder
	var header http.Header
	synctest.Test(t, func(t *testing.T) {
		c := &check{r: engine.Result{Status: engine.OK, Value: "0"}}
		set := engine.Set{Name: "Watch Set 1", Watchers: []engine.Watcher{watcher("Watch Set 1", "Is True?", time.Second, c.run)}}
		w, ln := pipeWall(t, Config{Version: "v1", Host: "wall-1"}, set)
		w.snapshots.identity.boot = "00000000000000b0"
		w.snapshots.identity.page = "00000000000000a9"
		// Runs start on multiples of 10 ms; frames are made between them.
		time.Sleep(5 * time.Millisecond)
		conn, body, h := rawStream(t, ln)
		defer conn.Close()
		header = h
		go func() { _, _ = io.Copy(&got, body) }()

		time.Sleep(1103 * time.Millisecond)
		c.set(engine.Result{
			Status: engine.Critical, Value: "1", Unit: "s", Detail: "it broke\nevent: forged\ndata: {}\n\n", Link: "javascript:alert(1)",
			Timing:  []engine.Phase{{Name: "dns", Duration: 1500 * time.Microsecond}},
			Failure: &engine.Failure{Message: "getting: refused", Kind: "refused", Phase: "connect"},
		})
		time.Sleep(time.Second)
		w.engine.Board().LoadFailed(engine.LoadError{File: "pharos.lua", Line: 12, Message: `unknown option "intervall"`})
		time.Sleep(100 * time.Millisecond)
		w.engine.Replace(&engine.Generation{Number: 2, LoadedAt: time.Now(), PageTag: "Again", Sets: []engine.Set{set, {Name: "Empty"}}})
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
	})
	for name, want := range map[string]string{
		"Content-Type":      "text/event-stream",
		"Cache-Control":     "no-cache, no-transform",
		"X-Accel-Buffering": "no",
		"Content-Encoding":  "",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s of the stream = %q, want %q", name, got, want)
		}
	}
	if *golden {
		a := &txtar.Archive{
			Comment: []byte("The stream of a viewer, byte for byte: see TestStreamBytes. Written anew by go test ./web -run TestStreamBytes -golden.\n"),
			Files:   []txtar.File{{Name: "stream", Data: []byte(got.String())}},
		}
		if err := os.WriteFile(file, txtar.Format(a), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(a.Files[0].Data), got.String()); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
}

// rawStream opens the stream on a connection of its own.
func rawStream(t *testing.T, ln *pipes) (net.Conn, io.Reader, http.Header) {
	t.Helper()
	conn, err := ln.dial(context.Background(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("GET /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: not-a-number\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return conn, resp.Body, resp.Header
}

// A viewer that reads nothing is cut once it has had its time, and the one
// beside it notices nothing: every beat comes on its second.
func TestStuckViewerIsCutAndDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &check{r: engine.Result{Status: engine.OK, Detail: strings.Repeat("x", 1000)}}
		w, ln := pipeWall(t, Config{}, engine.Set{Watchers: []engine.Watcher{watcher("", "a", 50*time.Millisecond, c.run)}})
		stuck, _, _ := rawStream(t, ln)
		defer stuck.Close()
		healthy := w.watch(t)
		healthy.until(t, named("board"))
		if got := w.Viewers(); got != 2 {
			t.Errorf("Viewers() = %d, want 2", got)
		}
		began := time.Now()
		for i := 1; i <= 8; i++ {
			healthy.until(t, named("beat"))
			if got, want := time.Since(began).Round(100*time.Millisecond), time.Duration(i)*time.Second; got != want {
				t.Errorf("beat %d came after %v, want %v", i, got, want)
			}
		}
		if got := w.Viewers(); got != 1 {
			t.Errorf("Viewers() = %d after 8 s, want the stuck one gone", got)
		}
	})
}

// A viewer too slow for every frame gets fewer of them, each the latest, and
// ends at the board's own state.
func TestSlowViewerIsConflated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		count := func(context.Context) (engine.Result, error) {
			n++
			return engine.Result{Status: engine.OK, Value: fmt.Sprint(n)}, nil
		}
		w, ln := pipeWall(t, Config{}, engine.Set{Watchers: []engine.Watcher{watcher("", "counter", 50*time.Millisecond, count)}})
		conn, body, _ := rawStream(t, ln)
		defer conn.Close()
		slow := &eventReader{r: bufio.NewReaderSize(body, 16)}
		frames, highest := 0, uint64(0)
		for began := time.Now(); time.Since(began) < 20*time.Second; {
			ev, err := slow.next()
			if err != nil {
				t.Fatalf("reading slowly: %v, want no cut", err)
			}
			if ev.name != "update" {
				continue
			}
			frames++
			u := decode[update](t, ev.data)
			if u.Rev <= highest {
				t.Fatalf("update of rev %d after one of %d, want revs to grow", u.Rev, highest)
			}
			highest = u.Rev
			time.Sleep(time.Second)
			if behind := w.engine.Board().Rev() - u.Rev; behind > 40*8 {
				t.Fatalf("update is %d revs behind, want it to be of the last seconds", behind)
			}
		}
		if frames > 25 {
			t.Errorf("%d frames in 20 s to a viewer that takes one a second, want about 20", frames)
		}
		// The storm is over: the viewer's last update must be the board.
		w.engine.Replace(&engine.Generation{Number: 2, LoadedAt: time.Now(), Sets: []engine.Set{{Watchers: []engine.Watcher{
			watcher("", "counter", time.Hour, count)}}}})
		last := map[engine.ID]Tile{}
		for began := time.Now(); time.Since(began) < 30*time.Second; {
			ev, err := slow.next()
			if err != nil {
				t.Fatalf("reading on: %v, want no cut", err)
			}
			switch ev.name {
			case "board":
				last = tilesOf(decode[Board](t, ev.data))
			case "update":
				for _, tile := range decode[update](t, ev.data).Tiles {
					last[tile.ID] = tile
				}
			}
		}
		_, api := w.get(t, "/api/board")
		if diff := cmp.Diff(tilesOf(decode[Board](t, api)), last); diff != "" {
			t.Errorf("what the viewer ended with is not the board (-board +viewer):\n%s", diff)
		}
	})
}

// A viewer that reads gets each change once, whoever lags beside it.
func TestNothingIsSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ok := func(context.Context) (engine.Result, error) { return engine.Result{Status: engine.OK}, nil }
		w, ln := pipeWall(t, Config{}, engine.Set{Watchers: []engine.Watcher{
			watcher("", "often", 50*time.Millisecond, ok), watcher("", "seldom", 2*time.Second, ok)}})
		conn, body, _ := rawStream(t, ln)
		slow := &eventReader{r: bufio.NewReaderSize(body, 16)}
		var lagging sync.WaitGroup
		lagging.Go(func() {
			for {
				if _, err := slow.next(); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		defer lagging.Wait()
		defer conn.Close()
		healthy := w.watch(t)
		seen := tilesOf(decode[Board](t, healthy.until(t, named("board")).data))
		for range 200 {
			for _, tile := range decode[update](t, healthy.until(t, named("update")).data).Tiles {
				if last := seen[tile.ID].Runs; tile.Runs <= last {
					t.Fatalf("%s comes at run %d after run %d, want each once", tile.ID, tile.Runs, last)
				}
				seen[tile.ID] = tile
			}
		}
	})
}

func tilesOf(b Board) map[engine.ID]Tile {
	tiles := map[engine.ID]Tile{}
	for _, set := range b.Sets {
		for _, tile := range set.Tiles {
			tiles[tile.ID] = tile
		}
	}
	return tiles
}

// Between the snapshot and the first frame nothing may be lost, whenever a
// viewer comes.
func TestNoUpdateIsLostAfterTheSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		count := func(context.Context) (engine.Result, error) {
			n++
			return engine.Result{Status: engine.OK, Value: fmt.Sprint(n)}, nil
		}
		w, _ := pipeWall(t, Config{StreamRate: 50}, engine.Set{Watchers: []engine.Watcher{watcher("", "counter", 50*time.Millisecond, count)}})
		for range 50 {
			time.Sleep(7 * time.Millisecond)
			viewer := w.watch(t)
			seen := tilesOf(decode[Board](t, viewer.until(t, named("board")).data))["counter"].Runs
			for range 3 {
				tile := decode[update](t, viewer.until(t, named("update")).data).Tiles[0]
				if tile.Runs > seen+1 {
					t.Fatalf("run %d follows run %d, want none missing", tile.Runs, seen)
				}
				seen = tile.Runs
			}
			viewer.body.Close()
		}
	})
}

func TestStreamsAreLimited(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
	}{
		{"in all", Config{MaxStreams: 2}},
		{"per address", Config{MaxStreamsPerIP: 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, _ := tcpWall(t, tt.cfg)
			first := w.watch(t)
			w.watch(t).until(t, named("board"))
			first.until(t, named("board"))
			resp, err := w.client.Get("http://localhost/events")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
				t.Errorf("third stream: status %d, Retry-After %q, want 503 and some seconds", resp.StatusCode, resp.Header.Get("Retry-After"))
			}
			first.body.Close()
			for began := time.Now(); w.Viewers() > 1 && time.Since(began) < time.Minute; {
				time.Sleep(10 * time.Millisecond)
			}
			w.watch(t).until(t, named("board")) // a place is free again
		})
	}
}

// One machine may have all of a /64, and takes no more places with it than with one
// address.
func TestStreamsOfANeighbourhoodAreLimited(t *testing.T) {
	s := New(Config{Board: engine.New(engine.Config{}).Board(), MaxStreamsPerIP: 1})
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = r.Header.Get("From")
		s.Handler().ServeHTTP(w, r)
	}))
	defer served.Close()
	for _, viewer := range []struct {
		addr string
		want int
	}{
		{"[2001:db8:1:2::3]:80", http.StatusOK},
		{"[2001:db8:1:2::3]:81", http.StatusServiceUnavailable},
		{"[2001:db8:1:2::4]:80", http.StatusServiceUnavailable},
		{"[2001:db8:1:3::3]:80", http.StatusOK},
	} {
		req, _ := http.NewRequest(http.MethodGet, served.URL+"/events", nil)
		req.Header.Set("From", viewer.addr)
		resp, err := served.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != viewer.want {
			t.Errorf("a stream to %s: status %d, want %d", viewer.addr, resp.StatusCode, viewer.want)
		}
	}
}

func TestRestartHasAnotherBoot(t *testing.T) {
	boots := map[string]bool{}
	for range 2 {
		w, _ := tcpWall(t, Config{})
		boots[decode[Board](t, w.watch(t).until(t, named("board")).data).Boot] = true
	}
	if len(boots) != 2 {
		t.Errorf("boots of two servers = %v, want two", boots)
	}
}

// Nobody watching costs nothing: the hub's loop ends with its last viewer.
func TestHubRestsWithoutViewers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := pipeWall(t, Config{})
		running := func() bool {
			synctest.Wait()
			w.hub.mu.Lock()
			defer w.hub.mu.Unlock()
			return w.hub.stop != nil
		}
		if running() {
			t.Error("the hub runs before the first viewer, want it at rest")
		}
		viewer := w.watch(t)
		viewer.until(t, named("beat"))
		if !running() {
			t.Error("the hub is at rest with a viewer, want it to run")
		}
		w.hub.mu.Lock()
		w.hub.catchUp = &frame{} // as one that came late was told
		w.hub.mu.Unlock()
		viewer.body.Close()
		if running() {
			t.Error("the hub runs after the last viewer, want it at rest")
		}
		if w.hub.catchUp != nil {
			t.Error("the hub keeps a frame after the last viewer, want none")
		}
		again := w.watch(t)
		again.until(t, named("beat"))
	})
}

// A shutdown ends each stream by itself, so that no viewer takes it for a
// failure; those that read nothing are cut, and hold it up for a second. In a
// bubble the seconds are those that were waited for, however busy the machine.
func TestShutdownEndsStreams(t *testing.T) {
	const viewers = 1000
	for _, stuck := range []int{0, 20} {
		synctest.Test(t, func(t *testing.T) {
			w, ln := pipeWall(t, Config{})
			var readers sync.WaitGroup
			var ended atomic.Int32
			for i := range viewers {
				conn, err := ln.dial(t.Context(), "", "")
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := conn.Write([]byte("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
					t.Fatal(err)
				}
				if i < stuck {
					continue
				}
				readers.Go(func() {
					if text, err := io.ReadAll(conn); err == nil && strings.HasSuffix(string(text), "\r\n0\r\n\r\n") {
						ended.Add(1)
					}
				})
			}
			synctest.Wait()
			if got := w.Viewers(); got != viewers {
				t.Fatalf("Viewers() = %d, want %d", got, viewers)
			}
			began := time.Now()
			if err := w.Shutdown(context.Background()); err != nil {
				t.Errorf("Shutdown() = %v, want nil", err)
			}
			if took := time.Since(began); took > 1500*time.Millisecond || stuck == 0 && took > 500*time.Millisecond {
				t.Errorf("Shutdown() with %d viewers, %d of them stuck, took %v, want at most a second for them", viewers, stuck, took)
			}
			readers.Wait()
			synctest.Wait()
			if got := int(ended.Load()); got != viewers-stuck {
				t.Errorf("%d streams came to their end, want the %d of those that read", got, viewers-stuck)
			}
			if got := w.Viewers(); got != 0 {
				t.Errorf("Viewers() = %d after the shutdown, want 0", got)
			}
		})
	}
}
