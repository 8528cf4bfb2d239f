package engine

import (
	"context"
	"log/slog"
	"testing"
	"time"
)

// A run that was let in, and begins after its configuration was replaced by one
// with the same watcher, makes that one's check: what the old one's needs may
// be closed by then.
func TestRunBeginsWithTheNewestCheck(t *testing.T) {
	generation := func(value string) *Generation {
		return &Generation{Sets: []Set{{Watchers: []Watcher{{
			ID: "x", Name: "x", Definition: "same", Interval: time.Second,
			Check: func(context.Context) (Result, error) { return Result{Status: OK, Value: value}, nil },
		}}}}}
	}
	e := New(Config{Logger: slog.New(slog.DiscardHandler)})
	e.Replace(generation("old"))
	e.open(t.Context())
	e.board.mu.Lock()
	e.enqueue(e.board.entries["x"], 0)
	posted := e.admit()
	e.board.mu.Unlock()
	if len(posted) != 1 {
		t.Fatalf("%d runs let in, want 1", len(posted))
	}
	e.Replace(generation("new"))
	r := posted[0].run
	ctx, ok := e.begin(r, nil)
	if !ok {
		t.Fatal("the run was dropped: its watcher is the same")
	}
	if got := perform(ctx, r.check).Value; got != "new" {
		t.Errorf("value = %q, want that of the newest check", got)
	}
	e.finish(r, Result{Status: OK}, nil)
}
