package web

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// lookAgain is how often files are looked at for a change, at most.
const lookAgain = time.Second

// watchedFile is one or more files that are read again when one of them
// changes. They are looked at when they are used, so that nothing runs
// meanwhile. What cannot be read or used is logged, and the old stays.
type watchedFile struct {
	paths []string
	take  func(content [][]byte) error
	log   *slog.Logger

	mu     sync.Mutex
	looked time.Time
	seen   []fileState
	gone   bool   // one was not there when last looked at
	failed string // why they could not be read when last looked at
}

// fileState is what tells a file from what it was.
type fileState struct {
	size     int64
	modified time.Time
	regular  bool
}

// watchFiles reads the files and hands them to take, both then and after a
// change.
func watchFiles(log *slog.Logger, take func([][]byte) error, paths ...string) (*watchedFile, error) {
	f := &watchedFile{paths: paths, take: take, log: log, looked: time.Now()}
	states, err := f.stat()
	if err != nil {
		return nil, err
	}
	f.seen = states
	content, err := f.read()
	if err != nil {
		return nil, err
	}
	if err := take(content); err != nil {
		return nil, fmt.Errorf("reading %q: %w", paths[0], err)
	}
	return f, nil
}

// check reads the files anew if they changed.
func (f *watchedFile) check() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) < lookAgain {
		return
	}
	f.looked = time.Now()
	states, err := f.stat()
	wasGone := f.gone
	f.gone = err != nil
	switch {
	case f.gone:
		if wasGone { // longer than who replaces it takes
			f.tell(err)
		}
		return // what was read is still good
	case same(states, f.seen):
		f.failed = ""
		return
	case slices.ContainsFunc(states, fileState.emptied):
		return // being written
	}
	content, err := f.readAgain(states)
	if err != nil { // such as for want of descriptors: looked at again, as they still differ from what was seen
		f.tell(err)
		return
	}
	f.seen, f.failed = states, ""
	if err := f.take(content); err != nil {
		f.log.Error("reading again what changed: the old stays", "files", f.paths, "error", err)
		return
	}
	f.log.Info("read again what changed", "files", f.paths)
}

// tell logs why the files cannot be read, once.
func (f *watchedFile) tell(err error) {
	if err.Error() != f.failed {
		f.failed = err.Error()
		f.log.Error("reading again what changed: the old stays until that works", "files", f.paths, "error", err)
	}
}

// emptied tells whether a file has lost all it held just now: who writes it anew
// in place begins so.
func (s fileState) emptied() bool {
	return s.size == 0 && time.Since(s.modified).Abs() < lookAgain
}

func (f *watchedFile) stat() ([]fileState, error) {
	states := make([]fileState, len(f.paths))
	for i, path := range f.paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		states[i] = fileState{info.Size(), info.ModTime(), info.Mode().IsRegular()}
	}
	return states, nil
}

// readAgain reads files only: a pipe, such as the shell's <(command) is at the
// start, may keep whoever reads it waiting, and every request with it.
func (f *watchedFile) readAgain(states []fileState) ([][]byte, error) {
	for i, s := range states {
		if !s.regular {
			return nil, fmt.Errorf("reading %q: not a file any more", f.paths[i])
		}
	}
	return f.read()
}

func (f *watchedFile) read() (content [][]byte, err error) {
	content = make([][]byte, len(f.paths))
	for i, path := range f.paths {
		if content[i], err = os.ReadFile(path); err != nil {
			return nil, err
		}
		content[i] = bytes.TrimPrefix(content[i], []byte("\uFEFF")) // some editors begin a file with it
	}
	return content, nil
}

func same(a, b []fileState) bool {
	for i := range a {
		if a[i].size != b[i].size || !a[i].modified.Equal(b[i].modified) {
			return false
		}
	}
	return true
}
