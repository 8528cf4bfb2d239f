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
	posted := e.admit(0)
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

// A reload may close a run's configuration after the run began and before its
// check did: the check says so, and the run is made with the newest one. It is
// neither a missed run nor a result.
func TestRunIsMadeAnewWithTheNewestCheck(t *testing.T) {
	generation := func(check Check) *Generation {
		return &Generation{Sets: []Set{{Watchers: []Watcher{{ID: "x", Name: "x", Definition: "same", Interval: time.Second, Check: check}}}}}
	}
	replaced := func() (Result, error) { return failed("gone", KindReplaced), nil }
	e := New(Config{Logger: slog.New(slog.DiscardHandler)})
	newest := func(context.Context) (Result, error) { return Result{Status: OK, Value: "new"}, nil }
	e.Replace(generation(func(context.Context) (Result, error) {
		e.Replace(generation(newest))
		return replaced()
	}))
	e.open(t.Context())
	launch := func() State {
		e.board.mu.Lock()
		en := e.board.entries["x"]
		e.enqueue(en, 0)
		posted := e.admit(0)
		e.board.mu.Unlock()
		if len(posted) != 1 {
			t.Fatalf("%d runs let in, want 1", len(posted))
		}
		e.fly(posted[0].run, nil)
		e.board.mu.Lock()
		defer e.board.mu.Unlock()
		return en.state
	}
	if s := launch(); s.Result.Value != "new" || s.Status != OK || s.Runs != 1 || s.Missed != 0 {
		t.Errorf("value %q, %v, %d runs, %d missed, want new, ok, 1, 0", s.Result.Value, s.Status, s.Runs, s.Missed)
	}

	// Where there is no other check the run is a missed one.
	e.Replace(generation(func(context.Context) (Result, error) { return replaced() }))
	if s := launch(); s.Result.Value != "new" || s.Runs != 1 || s.Missed != 1 {
		t.Errorf("value %q, %d runs, %d missed, want new, 1, 1", s.Result.Value, s.Runs, s.Missed)
	}
}
