package statefile

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"time"
)

// A Keeper writes the state file again and again, whenever something changed.
type Keeper struct {
	Path    string
	Every   time.Duration          // default 5 s
	Collect func() (State, uint64) // the state, and a number that differs when it does
	Logger  *slog.Logger           // default slog.Default
}

// Run writes until ctx ends, and once more then, also what did not change. A file
// that cannot be written (a full disk, a read-only folder) is logged when that
// begins and when it is over, and tried again each time: it never stops anything
// else. A file that someone else writes too is logged once: of two that keep theirs
// in one, the last has it.
func (k *Keeper) Run(ctx context.Context) {
	logger := cmp.Or(k.Logger, slog.Default())
	ticker := time.NewTicker(cmp.Or(k.Every, 5*time.Second))
	defer ticker.Stop()
	var written uint64
	var ours os.FileInfo // as it was written here last
	first, failing, shared := true, false, false
	write := func(last bool) {
		state, rev := k.Collect()
		if rev == written && !first && !failing && !last {
			return
		}
		if !shared && ours != nil && differs(k.Path, ours) {
			shared = true
			logger.Warn("the state file is written by someone else too; what that kept is lost", "path", k.Path)
		}
		err := Write(k.Path, state)
		if err == nil {
			ours, _ = os.Stat(k.Path) // nil: nothing to compare with
		}
		switch {
		case err != nil && !failing:
			logger.Error("state is not kept", "error", err)
		case err == nil && failing:
			logger.Warn("state is kept again", "path", k.Path)
		}
		written, first, failing = rev, false, err != nil
	}
	for {
		select {
		case <-ctx.Done():
			write(true) // until when all was so has changed
			return
		case <-ticker.C:
			write(false)
		}
	}
}

// differs tells whether there is another file at path than was.
func differs(path string, was os.FileInfo) bool {
	is, err := os.Stat(path)
	return err == nil && !(os.SameFile(is, was) && is.ModTime().Equal(was.ModTime()))
}
