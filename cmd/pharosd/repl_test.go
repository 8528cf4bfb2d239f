package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// typeLines types lines at an editor that keeps them in history.
func typeLines(t *testing.T, history string, typed ...string) {
	t.Helper()
	lines, _ := typing(t, strings.NewReader(strings.Join(typed, "\r")+"\r"), history)
	for _, want := range typed {
		if line, err := lines.read(true); line != want || err != nil {
			t.Fatalf("read() = %q, %v, want %q", line, err, want)
		}
	}
	lines.Close()
}

// Lines typed come back in the next session, the latest first, none twice in a
// row, and nobody else may read them.
func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pharos", "history")
	typeLines(t, path, "a", "b", "b", "  ", "c")
	const up = "\x1b[A"
	lines, _ := typing(t, strings.NewReader(up+up+up+"!\r"), path)
	if line, err := lines.read(true); line != "a!" || err != nil {
		t.Errorf("three lines back from a, b, b, blank, c is %q, %v, want the first, a", line, err)
	}
	if mode := modeOf(t, path); mode != 0o600 {
		t.Errorf("the history has mode %v, want it for its owner alone", mode)
	}
}

// A history that grew is cut to what is brought back, and stays its owner's.
func TestHistoryIsTrimmed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	var text strings.Builder
	for i := range 2 * historyMost {
		fmt.Fprintln(&text, i)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	typeLines(t, path, "last")
	kept, err := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(kept)), "\n")
	if first, want := lines[0], strconv.Itoa(historyMost); err != nil || first != want || len(lines) != historyMost+1 || lines[historyMost] != "last" {
		t.Errorf("the file has %d lines from %q to %q, %v; want %d from %q to \"last\"", len(lines), first, lines[len(lines)-1], err, historyMost+1, want)
	}
	if mode := modeOf(t, path); mode != 0o600 {
		t.Errorf("the history has mode %v, want it for its owner alone", mode)
	}
}

func modeOf(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}
