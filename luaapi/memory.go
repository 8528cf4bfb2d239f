package luaapi

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"pharos/engine"
)

// stateMaxBytes bounds one watcher's self.state, as JSON.
const stateMaxBytes = 64 << 10

// Memory keeps what scripts remember across reloads, by watcher id: self.state,
// and what self.status, self.duration and self.last_updated show. It is safe
// for concurrent use and outlives every [Config].
type Memory struct {
	mu      sync.Mutex
	entries map[engine.ID]*memory
	rev     uint64
	feeding map[engine.ID][]*watcher // those with events of the configurations in use, oldest first
}

// memory is what is kept of one watcher, guarded by the lock of its Memory. A
// watcher has hold of its own, so that a run which ends after the watcher was
// forgotten does not bring it back.
type memory struct {
	state  []byte // JSON; nil when empty
	status engine.Status
	since  time.Time // when status began
	last   time.Time // when the last run ended
	steps  int       // of the last journey that went well; 0 = none has
	users  int       // watchers that have hold of it, of configurations in use or found
	found  int       // of them, those that were found
}

// NewMemory makes an empty memory.
func NewMemory() *Memory { return &Memory{entries: make(map[engine.ID]*memory)} }

// States gives every watcher's self.state as JSON, and a number that grows
// whenever one of them changes: what a state file saves.
func (m *Memory) States() (states map[engine.ID]json.RawMessage, rev uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	states = make(map[engine.ID]json.RawMessage)
	for id, e := range m.entries {
		if e.state != nil {
			states[id] = bytes.Clone(e.state)
		}
	}
	return states, m.rev
}

// Restore sets states that [Memory.States] gave, as of an earlier process.
// What is no JSON or over 64 KiB is left out.
func (m *Memory) Restore(states map[engine.ID]json.RawMessage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, state := range states {
		if len(state) <= stateMaxBytes && json.Valid(state) {
			m.entry(id).state = bytes.Clone(state)
		}
	}
}

// Retain forgets every watcher that keep refuses, so that a board whose names
// change with time does not grow. Those that a discovery found stay until they are
// let go of: they may be on their way to the board.
func (m *Memory) Retain(keep func(engine.ID) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.entries, func(id engine.ID, e *memory) bool {
		of, _, _ := strings.Cut(string(id), " ") // of a vantage: see split
		return e.found == 0 && !keep(engine.ID(of))
	})
}

// entry gives what is kept of a watcher, made if nothing is yet.
func (m *Memory) entry(id engine.ID) *memory {
	e := m.entries[id]
	if e == nil {
		e = &memory{}
		m.entries[id] = e
	}
	return e
}

// get gives a copy of e.
func (m *Memory) get(e *memory) memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *e
}

// ended records a run's status and end.
func (m *Memory) ended(e *memory, status engine.Status, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.status != status {
		e.status, e.since = status, at
	}
	e.last = at
}

// adopt gives w what is kept of it, to be kept for it until it leaves, and notes it
// if it has events.
func (m *Memory) adopt(w *watcher) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w.memory = m
	if len(w.vantages.parts) == 0 { // or each of them has its own
		w.kept = m.entry(w.id)
		w.kept.users++
		if w.found {
			w.kept.found++
		}
	}
	if w.stream == nil {
		return
	}
	if m.feeding == nil {
		m.feeding = make(map[engine.ID][]*watcher)
	}
	m.feeding[w.id] = append(m.feeding[w.id], w)
}

// leave is the end of adopt: w is in use no more. gone tells that nobody on the
// board has its id: what is kept is forgotten then, unless another one that is on
// its way there has hold of it.
func (m *Memory) leave(w *watcher, gone bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.kept != nil {
		w.kept.users--
		if w.found {
			w.kept.found--
		}
		if gone && w.kept.users == 0 {
			delete(m.entries, w.id)
		}
	}
	rest := slices.DeleteFunc(m.feeding[w.id], func(other *watcher) bool { return other == w })
	if len(rest) > 0 {
		m.feeding[w.id] = rest
	} else {
		delete(m.feeding, w.id)
	}
}

// fed gives the watchers with events of that id, oldest first.
func (m *Memory) fed(id engine.ID) []*watcher {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.feeding[id])
}

// setSteps keeps how many steps a journey has.
func (m *Memory) setSteps(e *memory, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e.steps = n
}

// setState keeps a state, nil for none.
func (m *Memory) setState(e *memory, state []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if bytes.Equal(e.state, state) {
		return
	}
	e.state = bytes.Clone(state)
	m.rev++
}
