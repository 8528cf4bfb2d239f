package engine

import (
	"maps"
	"time"
)

// Saved is what outlives the process of a watcher's state.
type Saved struct {
	Status Status    `json:"status"`
	Since  time.Time `json:"since"`
	Ended  time.Time `json:"ended"` // when it was last seen so
	Approx bool      `json:"approx,omitempty"`
}

// Save gives what is worth keeping of every watcher that has a status. A
// watcher that was restored and has not run yet is given as it was, also one
// that a discovery may still find.
func (b *Board) Save() map[ID]Saved {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now().Round(0)
	saved := make(map[ID]Saved, len(b.entries))
	for id, en := range b.entries {
		s := &en.state
		switch {
		case s.Status != Pending:
			ended := s.Ended
			if en.Derive != nil || s.Source != nil { // it was true to this moment, however long ago it ran
				ended = now
			}
			saved[id] = Saved{Status: s.Status, Since: s.Since, Ended: ended, Approx: s.SinceApprox}
		case en.saved != nil:
			saved[id] = *en.saved
		}
	}
	if b.seeking {
		maps.Copy(saved, b.saved)
	}
	return saved
}

// Expects tells whether a watcher of that id is on the board, or may come once
// every set has found its members: whether what is kept of it is to stay.
func (b *Board) Expects(id ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seeking || b.entries[id] != nil
}

// Restore hands in what an earlier process saved. A watcher stays pending until
// its first result; if that is of the saved status, the saved since stands,
// marked approximate when the time nobody watched is longer than the watcher's
// TTL. It is called once, before or after the first [Engine.Replace]; what is
// saved of watchers that are not there is kept for those that come.
func (e *Engine) Restore(saved map[ID]Saved) {
	b := e.board
	b.mu.Lock()
	defer b.mu.Unlock()
	b.saved = make(map[ID]Saved, len(saved))
	for id, s := range saved {
		if en := b.entries[id]; en == nil {
			b.saved[id] = s
		} else if en.state.Status == Pending {
			en.saved = &s
		}
	}
}
