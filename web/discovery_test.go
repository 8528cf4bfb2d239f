package web

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"pharos/engine"
)

// A set says in the snapshot, and on the page before any script runs, that it
// is looking for members, and why it did not find any.
func TestSetTellsOfItsDiscovery(t *testing.T) {
	e := engine.New(engine.Config{Logger: slog.New(slog.DiscardHandler)})
	e.Replace(&engine.Generation{Number: 1, Sets: []engine.Set{{Name: "Fleet", Discover: &engine.Discovery{
		Find: func(context.Context) ([]engine.Watcher, error) { return nil, errors.New("fleet.lua:3: <refused>") },
	}}}})
	s := &snapshots{board: e.Board()}
	look := func() (Set, []byte) {
		sn, err := s.get(e.Board().Rev())
		if err != nil {
			t.Fatal(err)
		}
		return newPageData(&sn.board, nil, time.Now()).set(0), sn.json.plain
	}
	if set, json := look(); set.Note != "looking for members" || !bytes.Contains(json, []byte(`"note":"looking for members"`)) {
		t.Errorf("before: %+v, %s", set, json)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- e.Run(ctx) }()
	for set, json := look(); set.Problem != "fleet.lua:3: <refused>"; set, json = look() {
		if t.Context().Err() != nil {
			t.Fatalf("after: %+v, %s", set, json)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if set, json := look(); set.Note != "" || !bytes.Contains(json, []byte(`"problem":"fleet.lua:3: \u003crefused\u003e"`)) {
		t.Errorf("after: %+v, %s", set, json)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// set gives a section as it is shown, without its tiles.
func (d PageData) set(i int) Set {
	return Set{Name: d.Sets[i].Name, Note: d.Sets[i].Note, Problem: d.Sets[i].Problem}
}
