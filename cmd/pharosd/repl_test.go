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

// Ctrl-C drops the line that is typed, where x/term would end.
func TestKeysInterrupt(t *testing.T) {
	k := &keys{Reader: strings.NewReader("abc\x03")}
	terminal := term.NewTerminal(struct {
		*keys
		*strings.Builder
	}{k, &strings.Builder{}}, "")
	line, err := terminal.ReadLine()
	if line != "" || err != nil || !k.interrupted {
		t.Errorf("ReadLine of abc, Ctrl-C = %q, %v, interrupted %t; want an empty line, interrupted", line, err, k.interrupted)
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
