package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
)

// 200 viewers of which 50 never read, on real sockets: the others see every
// beat in time and end at the board's own state, the 50 are cut, and nothing
// is left behind.
func TestStormOfViewers(t *testing.T) {
	if testing.Short() {
		t.Skip("a storm takes about ten seconds")
	}
	before := runtime.NumGoroutine()
	t.Run("storm", storm)
	for began := time.Now(); runtime.NumGoroutine() > before && time.Since(began) < time.Minute; {
		time.Sleep(10 * time.Millisecond)
	}
	if got := runtime.NumGoroutine(); got > before {
		buf := make([]byte, 64<<10)
		t.Errorf("%d goroutines after the storm, want the %d from before:\n%s", got, before, buf[:runtime.Stack(buf, true)])
	}
}

func storm(t *testing.T) {
	const viewers, stuck = 200, 50
	var watchers []engine.Watcher
	for i := range 10 {
		n := 0
		watchers = append(watchers, watcher("", fmt.Sprint("w", i), 100*time.Millisecond, func(context.Context) (engine.Result, error) {
			n++
			return engine.Result{Status: engine.OK, Value: fmt.Sprint(n), Detail: strings.Repeat("d", 1000)}, nil
		}))
	}
	w, addr := tcpWall(t, Config{}, engine.Set{Watchers: watchers})
	for range stuck {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		if _, err := conn.Write([]byte("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	readers := make([]*stormReader, viewers-stuck)
	var reading sync.WaitGroup
	for i := range readers {
		// To decode every frame for all of them would be the storm's main load.
		r := &stormReader{eventReader: w.watch(t), keeps: i%10 == 0}
		readers[i] = r
		reading.Go(r.read)
	}
	// The stuck ones fill their buffers within a second or two, and have five
	// more from then.
	deadline := time.Now().Add(time.Minute)
	for w.Viewers() > viewers-stuck && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond)
	}
	if got := w.Viewers(); got != viewers-stuck {
		t.Errorf("Viewers() = %d after the storm, want the %d that read", got, viewers-stuck)
	}
	// Quiet: every check waits from here on, so that the board stands still.
	w.engine.Replace(&engine.Generation{Number: 2, LoadedAt: time.Now(), Sets: []engine.Set{{Watchers: hourly(watchers)}}})
	for !still(w.engine.Board()) {
		if time.Sleep(10 * time.Millisecond); time.Now().After(deadline.Add(time.Minute)) {
			t.Fatal("the board does not come to rest")
		}
	}
	// A stream that stands still never beats again; how near a second the
	// beats are is for the load harness to say, on a quiet machine.
	rest := w.engine.Board().Rev()
	from := make([]int64, len(readers))
	for i, r := range readers {
		from[i] = r.beats.Load()
	}
	for i, r := range readers {
		for r.beats.Load() < from[i]+2 || r.keeps && r.rev.Load() < rest {
			if time.Sleep(10 * time.Millisecond); time.Now().After(deadline.Add(time.Minute)) {
				t.Fatalf("reader %d sees no more beats, or not the rest: it is at %d of %d", i, r.rev.Load(), rest)
			}
		}
	}
	_, body := w.get(t, "/api/board")
	board := decode[Board](t, body)
	for _, r := range readers {
		r.body.Close()
	}
	reading.Wait()
	var worst time.Duration
	for i, r := range readers {
		worst = max(worst, r.longest)
		if r.failed != nil {
			t.Errorf("reader %d: %v", i, r.failed)
		}
		if diff := cmp.Diff(tilesOf(board), r.tiles); r.keeps && diff != "" {
			t.Fatalf("reader %d did not end at the board's state (-board +reader):\n%s", i, diff)
		}
	}
	t.Logf("longest wait between two beats: %v", worst)
}

// still tells whether every watcher has had its last result.
func still(b *engine.Board) bool {
	for _, v := range b.Snapshot().Sets[0].Watchers {
		if v.Result.Value != "last" || v.Running {
			return false
		}
	}
	return true
}

// hourly gives the same watchers with checks that run once more at most.
func hourly(watchers []engine.Watcher) []engine.Watcher {
	slow := make([]engine.Watcher, len(watchers))
	for i, w := range watchers {
		w.Interval = time.Hour
		w.Definition += " hourly"
		w.Check = func(context.Context) (engine.Result, error) {
			return engine.Result{Status: engine.Warning, Value: "last"}, nil
		}
		slow[i] = w
	}
	return slow
}

// stormReader counts beats and, if it keeps, holds what a page would: the
// latest of each tile.
type stormReader struct {
	*eventReader
	keeps   bool
	tiles   map[engine.ID]Tile
	beats   atomic.Int64
	rev     atomic.Uint64 // of what it holds
	last    time.Time
	longest time.Duration
	failed  error
}

func (r *stormReader) read() {
	for {
		ev, err := r.next()
		if err != nil {
			return
		}
		switch ev.name {
		case "board", "update":
			if r.keeps {
				r.keep(ev)
			}
		case "beat":
			now := time.Now()
			if r.beats.Add(1) > 1 {
				r.longest = max(r.longest, now.Sub(r.last))
			}
			r.last = now
		}
	}
}

func (r *stormReader) keep(ev event) {
	if ev.name == "board" {
		b, err := decoded[Board](ev.data)
		r.failed = errors.Join(r.failed, err)
		r.tiles = tilesOf(b)
		r.rev.Store(b.Rev)
		return
	}
	u, err := decoded[update](ev.data)
	r.failed = errors.Join(r.failed, err)
	for _, tile := range u.Tiles {
		r.tiles[tile.ID] = tile
	}
	r.rev.Store(u.Rev)
}
