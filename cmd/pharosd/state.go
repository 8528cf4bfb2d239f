package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"pharos/engine"
	"pharos/engine/statefile"
	"pharos/luaapi"
)

// stateEvery is how often the state file is written: what a crash may forget.
const stateEvery = 10 * time.Second

// defaultStatePath is in the folder that systemd's StateDirectory= makes
// (systemd.exec(5)); "" without one.
func defaultStatePath() string {
	if dir := os.Getenv("STATE_DIRECTORY"); dir != "" {
		return filepath.Join(filepath.SplitList(dir)[0], "state.json")
	}
	return ""
}

// keeper keeps the state file; a nil one keeps nothing.
type keeper struct{ *statefile.Keeper }

// newKeeper restores what the file at path holds, and keeps it from then on. A
// file that cannot be used is reported and never stops the daemon; one that is
// still there is not written over.
func newKeeper(path string, eng *engine.Engine, memory *luaapi.Memory, logger *slog.Logger) *keeper {
	if path == "" {
		return nil
	}
	state, err := statefile.Read(path)
	if err != nil {
		logger.Error("starting without memory of the last run", "error", err)
	}
	if errors.Is(err, statefile.ErrLeft) {
		return nil
	}
	eng.Restore(state.Watchers)
	memory.Restore(state.Memory)
	return &keeper{&statefile.Keeper{
		Path: path, Every: stateEvery, Logger: logger,
		Collect: func() (statefile.State, uint64) {
			rev := eng.Board().Rev()
			states, stateRev := memory.States()
			return statefile.State{Watchers: eng.Board().Save(), Memory: states}, rev + stateRev
		},
	}}
}

func (k *keeper) run(ctx context.Context) error {
	if k == nil {
		<-ctx.Done()
		return nil
	}
	k.Keeper.Run(ctx)
	return nil
}
