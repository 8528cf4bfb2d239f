package web

import (
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
)

func TestSharedPayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sharedPayload
		n := 0
		get := func() *payload {
			p, err := s.get(func() (*payload, error) {
				n++
				time.Sleep(time.Second)
				return &payload{}, nil
			})
			if err != nil {
				t.Error(err)
			}
			return p
		}
		first := get()
		time.Sleep(4*time.Second - 1)
		if get() != first || n != 1 {
			t.Errorf("made %d times within four times as long as it took to make, want once", n)
		}
		if time.Sleep(time.Nanosecond); get() == first {
			t.Error("it serves for longer, want a new one")
		}
	})
}

// A process that is stopped while it makes an answer took no hour for it: nobody is
// told old news for four.
func TestNothingServesForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sharedPayload
		get := func(takes time.Duration) *payload {
			p, err := s.get(func() (*payload, error) {
				time.Sleep(takes)
				return &payload{}, nil
			})
			if err != nil {
				t.Error(err)
			}
			return p
		}
		first := get(time.Hour)
		if time.Sleep(maxServes); get(0) == first {
			t.Errorf("what took an hour serves %v later, want a new one", maxServes)
		}
		c := &check{r: engine.Result{Status: engine.OK}}
		w, _ := pipeWall(t, Config{}, engine.Set{Watchers: []engine.Watcher{watcher("", "a", 50*time.Millisecond, c.run)}})
		time.Sleep(time.Second)
		sn, err := w.snapshots.get(0)
		if err != nil {
			t.Fatal(err)
		}
		page, err := w.pages.get()
		if err != nil {
			t.Fatal(err)
		}
		sn.cost, w.pages.last.cost = time.Hour, time.Hour
		time.Sleep(maxServes)
		if next, err := w.snapshots.get(0); err != nil || next == sn {
			t.Errorf("a snapshot that took an hour serves %v later, %v, want a new one", maxServes, err)
		}
		if next, err := w.pages.get(); err != nil || next == page {
			t.Errorf("a page that took an hour serves %v later, %v, want a new one", maxServes, err)
		}
	})
}

// nobody reads answers, and keeps nothing of them.
type nobody struct{ header http.Header }

func (n nobody) Header() http.Header         { return n.header }
func (n nobody) Write(p []byte) (int, error) { return len(p), nil }
func (n nobody) WriteHeader(int)             {}

// A large answer takes its memory once, however many ask for it at once.
func TestLargeAnswersAreShared(t *testing.T) {
	const askers = 100
	w := New(Config{Board: largeBoard(), Logger: quiet()})
	for _, path := range []string{"/api/board", "/poll/json", "/metrics"} {
		ask := func() {
			r, _ := http.NewRequest(http.MethodGet, "http://localhost"+path, nil)
			w.Handler().ServeHTTP(nobody{http.Header{}}, r)
		}
		taken := func(ask func()) uint64 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			ask()
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		once := taken(ask)
		all := taken(func() {
			var asking sync.WaitGroup
			for range askers {
				asking.Go(ask)
			}
			asking.Wait()
		})
		if all > askers/4*once {
			t.Errorf("%d who ask for %s at once take %d bytes, and one %d: want it shared", askers, path, all, once)
		}
	}
}

func largeBoard() *engine.Board {
	var watchers []engine.Watcher
	for i := range 5000 {
		watchers = append(watchers, watcher("", fmt.Sprint("watcher ", i), time.Hour, (&check{}).run))
	}
	e := engine.New(engine.Config{Logger: quiet()})
	e.Replace(&engine.Generation{Number: 1, Sets: []engine.Set{{Watchers: watchers}}})
	return e.Board()
}
