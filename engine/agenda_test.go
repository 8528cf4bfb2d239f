package engine

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// A watcher that asks for run after run does not fill the slot of its next tick
// meanwhile, which may be a day away.
func TestAgendaDoesNotGrowWithRunsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(Config{Logger: slog.New(slog.DiscardHandler)})
		e.Replace(&Generation{Sets: []Set{{Watchers: []Watcher{{
			ID: "w", Name: "w", Interval: 2 * time.Hour,
			Check: func(context.Context) (Result, error) { return Result{Status: Warning, Again: time.Second}, nil },
		}}}}})
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Hour)
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx) }()
		for range 19 {
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			e.board.mu.Lock()
			planned := 0
			for _, slot := range e.agenda.slots {
				planned += len(slot.entries)
			}
			e.board.mu.Unlock()
			if planned > 3 {
				t.Fatalf("%d places on the agenda of one watcher, want those of its next run and of its next tick or two", planned)
			}
		}
		if v, _ := e.board.View("w"); v.Runs < 190*60-100 || v.Missed != 0 {
			t.Errorf("runs, missed = %d, %d, want one a second, 0", v.Runs, v.Missed)
		}
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}
