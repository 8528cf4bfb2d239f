package main

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pharos/engine"
	"pharos/luaapi"
)

// What lies where the state file should be and is none stays: it is not written
// over, not even at the end.
func TestKeeperLeavesWhatIsNoStateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	k := newKeeper(path, engine.New(engine.Config{}), luaapi.NewMemory(), slog.New(slog.NewTextHandler(&log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.run(ctx); err != nil {
		t.Errorf("run() = %v, want nil", err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("after it: %v, %v, want the pipe that it was", info.Mode(), err)
	}
	if !strings.Contains(log.String(), "want a regular file; it is left as it is, and no state is kept") {
		t.Errorf("log = %s, want that no state is kept", &log)
	}
}
