// Package statefile keeps what should outlive the process in one JSON file:
// since when each watcher has its status, and what scripts remember.
//
// The file is replaced atomically, so that a process killed at any moment
// leaves the old or the new one. A file that cannot be read or understood is set
// aside beside its place, with ".bad" after its name, and reported: starting
// without memory is better than not starting.
package statefile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"pharos/engine"
)

const (
	format  = "pharos state"
	version = 1
	// maxBytes bounds what is read: well above what [Write] makes of 10,000
	// watchers that each remember all they may.
	maxBytes = 1 << 30
)

// ErrLeft is part of the error of a [Read] that could not set the file aside:
// whoever writes in its place loses it.
var ErrLeft = errors.New("it is left as it is, and no state is kept")

// State is what the file keeps.
type State struct {
	Watchers map[engine.ID]engine.Saved
	Memory   map[engine.ID]json.RawMessage // what the watcher's script remembers, as JSON
}

// envelope is the file. Fields may be added; a change that an older reader
// would misread counts the version up.
type envelope struct {
	Format   string                        `json:"format"`
	Version  int                           `json:"version"`
	Saved    time.Time                     `json:"saved"`
	Watchers map[engine.ID]engine.Saved    `json:"watchers"`
	Memory   map[engine.ID]json.RawMessage `json:"memory,omitempty"`
}

// Read gives the state in the file at path. No file is an empty state. A file
// that cannot be read, or is no state file of a known version, or not a whole
// one, is renamed to path + ".bad", where it takes the place of one set aside
// before; the error then says so, and the state is empty. What cannot be set
// aside, or is no file at all, stays: that is [ErrLeft]. Read also removes what a
// process killed while writing left beside the file.
func Read(path string) (State, error) {
	sweep(target(path))
	state, err := read(path)
	switch {
	case err == nil:
		return state, nil
	case errors.Is(err, fs.ErrNotExist):
		return State{}, nil
	}
	err = fmt.Errorf("reading the state file %q: %w", path, err)
	if errors.Is(err, errNoFile) {
		return State{}, fmt.Errorf("%w; %w", err, ErrLeft)
	}
	if moved := os.Rename(path, path+".bad"); moved != nil {
		return State{}, fmt.Errorf("%w; setting it aside: %w; %w", err, moved, ErrLeft)
	}
	return State{}, fmt.Errorf("%w; it is set aside as %q", err, path+".bad")
}

var errNoFile = errors.New("want a regular file")

// read reads a regular file; anything else could block, or never end.
func read(path string) (State, error) {
	info, err := os.Stat(path)
	if err != nil {
		return State{}, err
	}
	if !info.Mode().IsRegular() {
		return State{}, fmt.Errorf("it is a %s, %w", kind(info.Mode()), errNoFile)
	}
	if info.Size() > maxBytes {
		return State{}, fmt.Errorf("it has %d bytes, more than %d", info.Size(), maxBytes)
	}
	f, err := os.Open(path)
	if err != nil {
		return State{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes)) // cut off, it is no state
	if err != nil {
		return State{}, err
	}
	return decode(data)
}

func kind(m fs.FileMode) string {
	if m.IsDir() {
		return "folder"
	}
	return "special file"
}

func decode(data []byte) (State, error) {
	var e envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return State{}, err
	}
	if e.Format != format {
		return State{}, fmt.Errorf("format %q, want %q", e.Format, format)
	}
	if e.Version != version {
		return State{}, fmt.Errorf("version %d, want %d", e.Version, version)
	}
	now := time.Now()
	maps.DeleteFunc(e.Watchers, func(_ engine.ID, s engine.Saved) bool {
		// Times ahead of the clock, which was set back since, would show as
		// negative durations.
		return s.Status == engine.Pending || s.Since.IsZero() || s.Since.After(now) || s.Ended.After(now)
	})
	return State{Watchers: e.Watchers, Memory: e.Memory}, nil
}

// Write replaces the file at path by s, atomically, readable by its owner only:
// scripts may remember what is not for everyone.
func Write(path string, s State) error {
	path = target(path)
	data, err := json.Marshal(envelope{Format: format, Version: version, Saved: time.Now(), Watchers: s.Watchers, Memory: s.Memory})
	if err != nil {
		return fmt.Errorf("writing the state file %q: %w", path, err)
	}
	err = renameio.WriteFile(path, data, 0o600, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return fmt.Errorf("writing the state file: %w", err)
	}
	return nil
}

// target follows symbolic links, also to a file that is still to come: renaming
// onto a link would put the state where the link is, not where it leads.
func target(path string) string {
	const most = 40 // as Linux follows
	for range most {
		link, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return path
}

// sweep removes files that renameio had not yet renamed: a dot, the file's
// name, a random number. A file that cannot be removed only takes room.
func sweep(path string) {
	dir, name := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Clean(dir))
	if err != nil {
		return // reading the file will say why
	}
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), "."+name)
		if ok && number != "" && strings.Trim(number, "0123456789") == "" {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
