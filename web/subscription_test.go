package web

import (
	"bufio"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
)

// Viewers who keep up share one stream; one who does not gets its own; none is
// left when they are gone.
func TestViewersShareAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ok := func(context.Context) (engine.Result, error) { return engine.Result{Status: engine.OK}, nil }
		w, ln := pipeWall(t, Config{}, engine.Set{Watchers: []engine.Watcher{watcher("", "often", 50*time.Millisecond, ok)}})
		streams := func() int {
			synctest.Wait()
			w.hub.mu.Lock()
			defer w.hub.mu.Unlock()
			return len(w.hub.streams)
		}
		var readers []*eventReader
		for range 3 {
			r := w.watch(t)
			readers = append(readers, r)
			go func() {
				for {
					if _, err := r.next(); err != nil {
						return
					}
				}
			}()
		}
		time.Sleep(2 * time.Second)
		if got, want := streams(), 1; got != want {
			t.Errorf("streams of 3 viewers who keep up = %d, want %d", got, want)
		}
		conn, body, _ := rawStream(t, ln)
		slow := &eventReader{r: bufio.NewReaderSize(body, 16)}
		for range 4 {
			if _, err := slow.next(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if got, want := streams(), 2; got != want {
			t.Errorf("streams with a viewer who does not keep up = %d, want %d", got, want)
		}
		conn.Close()
		for _, r := range readers {
			r.body.Close()
		}
		if got := streams(); got != 0 {
			t.Errorf("streams after the viewers left = %d, want 0", got)
		}
	})
}

// A snapshot of a costly board serves for a while. Who is sent one from before
// the shared stream's last frame is told what that frame said.
func TestOldSnapshotIsCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := pipeWall(t, Config{})
		first := w.watch(t)
		first.until(t, named("board"))
		w.snapshots.mu.Lock()
		w.snapshots.last.cost = time.Hour
		w.snapshots.mu.Unlock()
		w.engine.Board().LoadFailed(engine.LoadError{File: "pharos.lua", Line: 1, Message: "broken"})
		first.until(t, named("config"))

		second := w.watch(t)
		board := decode[Board](t, second.until(t, named("board")).data)
		if board.Config.Error != nil {
			t.Fatal("the snapshot is new, want the old one: it is what this test is about")
		}
		ev, err := second.next()
		if err != nil {
			t.Fatal(err)
		}
		if ev.name != "config" {
			t.Errorf("after an old snapshot comes %q, want the config event that it lacks", ev.name)
		}
	})
}
