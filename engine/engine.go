package engine

import (
	"log/slog"
)

// Config configures an [Engine]. Its zero value works.
type Config struct {
	Logger   *slog.Logger // default slog.Default
	Observer Observer     // told of each transition; default none
	// MaxRunning bounds the runs in flight; a watcher due above it waits its
	// turn, first come first served, and what it waited counts as late.
	// Default 4096.
	MaxRunning int
}

// Observer is told what happens to watchers. It is called by the goroutine
// that records the result, with no lock held, and must not block.
type Observer interface {
	Transition(Transition)
}
