package main

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/term"
)

// Lines typed come back in the next session, the latest first, none twice in a
// row.
func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pharos", "history")
	var h term.History = newHistory(path)
	for _, line := range []string{"a", "b", "b", "  ", "c"} {
		h.Add(line)
	}
	h = newHistory(path)
	var got []string
	for i := range h.Len() {
		got = append(got, h.At(i))
	}
	if text := strings.Join(got, " "); text != "c b a" {
		t.Errorf("history after a, b, b, blank, c = %s, want c b a", text)
	}
}

// Ctrl-C drops the line that is typed, where x/term would end, and neither the
// line before nor the one after.
func TestKeysInterrupt(t *testing.T) {
	k := &keys{Reader: strings.NewReader("one\rabc\x03two\r")}
	terminal := term.NewTerminal(struct {
		*keys
		*strings.Builder
	}{k, &strings.Builder{}}, "")
	for _, want := range []struct {
		line        string
		interrupted bool
	}{{"one", false}, {"", true}, {"two", false}} {
		line, err := terminal.ReadLine()
		if line != want.line || err != nil || k.interrupted != want.interrupted {
			t.Errorf("ReadLine() = %q, %v, interrupted %t; want %q, interrupted %t", line, err, k.interrupted, want.line, want.interrupted)
		}
		k.interrupted = false
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
