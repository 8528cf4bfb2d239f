package web

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
)

// A stream that is down goes stale no more: the snapshot that says so is true for
// whoever asks next, as any other is.
func TestSnapshotWithAStreamDownIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		fed := engine.Watcher{ID: "fed", Name: "fed", Definition: "1", TTL: 10 * time.Second,
			Source: func(ctx context.Context, report func(engine.Result)) error {
				if opened++; opened == 1 {
					report(engine.Result{Status: engine.OK})
					return errors.New("cut")
				}
				<-ctx.Done() // it does not come back
				return nil
			}}
		w, _ := pipeWall(t, Config{}, engine.Set{Watchers: []engine.Watcher{fed}})
		time.Sleep(time.Minute)
		first, err := w.snapshots.get(0)
		if err != nil {
			t.Fatal(err)
		}
		if tile := first.board.Sets[0].Tiles[0]; tile.Stale || tile.Status != engine.Unknown {
			t.Fatalf("status, stale = %v, %v, want unknown, false", tile.Status, tile.Stale)
		}
		time.Sleep(snapshotMaxAge / 2)
		if sn, err := w.snapshots.get(0); err != nil || sn != first {
			t.Errorf("get(0) = another one, %v, want the one of half a second before", err)
		}
	})
}
