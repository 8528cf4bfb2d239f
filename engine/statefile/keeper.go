package statefile

import (
	"context"
	"log/slog"
	"time"
)

// A Keeper writes the state file again and again, whenever something changed.
type Keeper struct {
	Path    string
	Every   time.Duration          // default 5 s
	Collect func() (State, uint64) // the state, and a number that differs when it does
	Logger  *slog.Logger           // default slog.Default
}

// Run writes until ctx ends, and once more then. A file that cannot be written
// (a full disk, a read-only folder) is logged when that begins and when it is
// over, and tried again each time: it never stops anything else.
func (k *Keeper) Run(ctx context.Context) {
	every, logger := k.Every, k.Logger
	if every <= 0 {
		every = 5 * time.Second
	}
	if logger == nil {
		logger = slog.Default()
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var written uint64
	first, failing := true, false
	write := func() {
		state, rev := k.Collect()
		if rev == written && !first && !failing {
			return
		}
		err := Write(k.Path, state)
		switch {
		case err != nil && !failing:
			logger.Error("state is not kept", "error", err)
		case err == nil && failing:
			logger.Info("state is kept again", "path", k.Path)
		}
		written, first, failing = rev, false, err != nil
	}
	for {
		select {
		case <-ctx.Done():
			write()
			return
		case <-ticker.C:
			write()
		}
	}
}
