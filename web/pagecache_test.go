package web

import (
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
)

// On a board that changes with each run, a page that takes long to render is
// shared by those who ask meanwhile, and not for longer.
func TestCostlyPageIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &check{r: engine.Result{Status: engine.OK}}
		w, _ := pipeWall(t, Config{}, engine.Set{Watchers: []engine.Watcher{watcher("", "a", 50*time.Millisecond, c.run)}})
		time.Sleep(time.Second)
		first, err := w.pages.get()
		if err != nil {
			t.Fatal(err)
		}
		w.pages.last.cost = time.Second // as of ten thousand watchers
		for _, tt := range []struct {
			after time.Duration
			same  bool
		}{{100 * time.Millisecond, true}, {3500 * time.Millisecond, true}, {time.Second, false}} {
			time.Sleep(tt.after)
			page, err := w.pages.get()
			if err != nil {
				t.Fatal(err)
			}
			if (page == first) != tt.same {
				t.Errorf("page %v later is the same: %v, want %v", tt.after, page == first, tt.same)
			}
		}
	})
}

// Who asks for the top alone, as HEAD does, keeps nobody from a newer page.
func TestTopAloneIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &check{r: engine.Result{Status: engine.OK}}
		w, _ := pipeWall(t, Config{}, engine.Set{Watchers: []engine.Watcher{watcher("", "a", 50*time.Millisecond, c.run)}})
		time.Sleep(time.Second)
		first, err := w.pages.get()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if page, err := w.pages.get(); err != nil || page == first {
			t.Errorf("get() a second later = the page whose rest nobody asked for, %v, want a new one", err)
		}
	})
}
