package luaapi

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// sourceMaxBytes bounds every file that is read while a configuration loads.
const sourceMaxBytes = 8 << 20

// Input is a file or folder that a configuration was made from, or looked for:
// when it changes, loading again may give something else.
type Input struct {
	Path   string
	Glob   bool     // a folder of which the names of its *.lua files count
	Exists bool     // as it was when the configuration loaded
	Hash   [32]byte // SHA-256 of the content, or of the names; zero if it could not be read
}

// Unread tells whether the input was there and could not be read.
func (in Input) Unread() bool { return in.Exists && in.Hash == [32]byte{} }

// Changed reads the input again and tells whether it is still as it was.
func (in Input) Changed() bool {
	now := Input{Path: in.Path, Glob: in.Glob}
	if in.Glob {
		_, _ = now.readGlob()
	} else {
		_, _ = now.read()
	}
	return now != in
}

// read reads the file and fills Exists and Hash in.
func (in *Input) read() ([]byte, error) {
	// Not to wait for someone to write into a pipe.
	file, err := os.OpenFile(in.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		in.Exists = !errors.Is(err, fs.ErrNotExist)
		return nil, err
	}
	defer file.Close()
	in.Exists = true
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %q: not a file", in.Path)
	}
	data, err := io.ReadAll(io.LimitReader(file, sourceMaxBytes+1))
	if err != nil {
		return nil, err
	}
	in.Hash = sha256.Sum256(data)
	if len(data) > sourceMaxBytes {
		return nil, fmt.Errorf("reading %q: more than %d bytes", in.Path, sourceMaxBytes)
	}
	return data, nil
}

// TestSuffix ends the name of a test of scripts, which is no configuration.
const TestSuffix = "_test.lua"

// readGlob lists the *.lua files of the folder, sorted, hidden ones and tests
// left out.
func (in *Input) readGlob() ([]string, error) {
	entries, err := os.ReadDir(in.Path)
	if err != nil {
		in.Exists = !errors.Is(err, fs.ErrNotExist)
		return nil, err
	}
	in.Exists = true
	var names []string
	for _, e := range entries {
		name := e.Name()
		if strings.HasSuffix(name, ".lua") && !strings.HasSuffix(name, TestSuffix) && !strings.HasPrefix(name, ".") && !e.IsDir() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	in.Hash = sha256.Sum256([]byte(strings.Join(names, "\x00")))
	return names, nil
}

// inputs records what one script reads while it loads. Afterwards it is
// closed: a generation never reads its files again.
type inputs struct {
	fsys fs.FS  // read from here instead of the disk; nothing is recorded
	dir  string // relative paths start here

	mu      sync.Mutex
	closed  bool
	list    []Input
	sources map[string][]byte // Lua files by chunk name
}

var errLoaded = errors.New("files are read only while the configuration loads")

// resolve gives the path of a file named in a script: relative to the folder
// of the script.
func (in *inputs) resolve(path string) string {
	if in.fsys != nil || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(in.dir, path)
}

// read reads a file, which becomes an input also when it is missing.
func (in *inputs) read(path string) ([]byte, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return nil, errLoaded
	}
	if in.fsys != nil {
		return fs.ReadFile(in.fsys, path)
	}
	input := Input{Path: path}
	data, err := input.read()
	if !slices.Contains(in.list, input) {
		in.list = append(in.list, input)
	}
	return data, err
}

// source reads a Lua file and keeps it under its chunk name.
func (in *inputs) source(name, path string) ([]byte, error) {
	data, err := in.read(path)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	in.keep(name, data)
	return data, nil
}

func (in *inputs) keep(name string, data []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.sources == nil {
		in.sources = make(map[string][]byte)
	}
	in.sources[name] = data
}

// name tells whether the word is in any of the Lua files.
func (in *inputs) name(word string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, source := range in.sources {
		if bytes.Contains(source, []byte(word)) {
			return true
		}
	}
	return false
}

func (in *inputs) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
}

// changed tells whether any input is no longer as it was.
func (in *inputs) changed() bool {
	in.mu.Lock()
	list := slices.Clone(in.list)
	in.mu.Unlock()
	return slices.ContainsFunc(list, Input.Changed)
}
