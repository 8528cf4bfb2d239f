package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Lines typed come back in the next session, the latest first, none twice in a
// row.
func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pharos", "history")
	h := newHistory(path)
	for _, line := range []string{"a", "b", "b", "  ", "c"} {
		h.add(line)
	}
	h = newHistory(path)
	if text := strings.Join(h.lines, " "); text != "a b c" {
		t.Errorf("history after a, b, b, blank, c = %s, want a b c", text)
	}
}

// A history that grew is cut to what is brought back.
func TestHistoryIsTrimmed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	var text strings.Builder
	for i := range 2 * historyMost {
		fmt.Fprintln(&text, i)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	newHistory(path).add("last")
	kept, err := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(kept)), "\n")
	if first, want := lines[0], strconv.Itoa(historyMost); err != nil || first != want || len(lines) != historyMost+1 || lines[historyMost] != "last" {
		t.Errorf("the file has %d lines from %q to %q, %v; want %d from %q to \"last\"", len(lines), first, lines[len(lines)-1], err, historyMost+1, want)
	}
}

func TestCommonPrefix(t *testing.T) {
	for _, test := range []struct {
		names []string
		want  string
	}{{nil, ""}, {[]string{"pharos"}, "pharos"}, {[]string{"get", "getenv", "gexp"}, "ge"}} {
		if got := commonPrefix(test.names); got != test.want {
			t.Errorf("commonPrefix(%v) = %q, want %q", test.names, got, test.want)
		}
	}
}
