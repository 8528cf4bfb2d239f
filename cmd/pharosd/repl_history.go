package main

import (
	"os"
	"path/filepath"
	"strings"
)

// historyMost is how many lines are brought back.
const historyMost = 1000

// history is the lines typed, latest last, kept in a file. What cannot be read
// or written is not kept: that must not stop anyone.
type history struct {
	path  string
	lines []string
}

func historyPath() string {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "pharos", "history")
}

// newHistory reads the file at path, and shortens one of twice the lines that are
// brought back.
func newHistory(path string) *history {
	h := &history{path: path}
	text, err := os.ReadFile(path)
	if err != nil {
		return h
	}
	all := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	h.lines = all[max(0, len(all)-historyMost):]
	if len(all) < 2*historyMost {
		return h
	}
	next := path + ".next"
	if os.WriteFile(next, []byte(strings.Join(h.lines, "\n")+"\n"), 0o600) == nil {
		_ = os.Rename(next, path)
	}
	return h
}

// add keeps a line, unless it is empty or the one before.
func (h *history) add(line string) {
	if strings.TrimSpace(line) == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	if h.path == "" || os.MkdirAll(filepath.Dir(h.path), 0o700) != nil {
		return
	}
	f, err := os.OpenFile(h.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	f.WriteString(line + "\n")
}
