package luaapi

import (
	"testing"
	"time"

	"pharos/engine"
)

// A run that ends after its watcher was forgotten does not bring it back: a
// fleet whose names change with time would grow for ever.
func TestForgottenWatcherStaysForgotten(t *testing.T) {
	m := NewMemory()
	w := &watcher{id: "fleet.b"}
	m.adopt(w)
	m.leave(w, true)
	m.ended(w.kept, engine.OK, time.Now())
	m.setState(w.kept, []byte("{}"))
	m.setSteps(w.kept, 3)
	if n := len(m.entries); n != 0 {
		t.Errorf("memory keeps %d watchers, want none", n)
	}
}
