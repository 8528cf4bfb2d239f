package vm

import "sync"

// Watchdog looks after the memory of the process and for universes that are
// stuck. One serves all universes.
type Watchdog struct {
	mu        sync.Mutex
	universes map[*Universe]bool
}

func (w *Watchdog) add(u *Universe) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.universes == nil {
		w.universes = map[*Universe]bool{}
	}
	w.universes[u] = true
}

func (w *Watchdog) remove(u *Universe) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.universes, u)
}

func (w *Watchdog) wake() {}
