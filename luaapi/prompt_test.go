package luaapi

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func newTestPrompt(t *testing.T) *Prompt {
	b := newTestBoard(t)
	p, err := NewPrompt(Options{Classes: b.Classes, Probes: b.Probes, Logger: b.Logger}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestPromptEval(t *testing.T) {
	p := newTestPrompt(t)
	for _, test := range []struct {
		text, want string // the values, "..." for more, or a part of the error
	}{
		{"1, 'a'", `1 "a"`},
		{"x = 1", ""},
		{"local y, z = x + 1, 3", ""},
		{"y + z", "5"},
		{"_ * 2", "10"},
		{"local function f()", "..."},
		{"local function f()\nreturn pharos.time.seconds('1m') end", ""},
		{"f()", "60"},
		{"x == 1", "true"},
		{"x = 'abc", "unterminated string"},
		{"missing", "undeclared global"},
		{"pharos.exec{}", "prompt:1: cannot use command"},
		{"pharos.exec{ cmd = 'ls' }", `cannot use command of pharos.exec: its list has the name "cmd": options do not belong in it`},
		{"pharos.exec{ 'ls', timeout = 1 }", `its list has the name "timeout": options`},
		{"{ pharos.WatcherSet }", "{ class WatcherSet }"},
	} {
		values, more, err := p.Eval(context.Background(), test.text)
		got := strings.Join(values, " ")
		if more {
			got = "..."
		}
		if err != nil && strings.Contains(err.Error(), test.want) {
			continue
		}
		if err != nil || got != test.want {
			t.Errorf("Eval(%q) = %q, %v, want %q", test.text, got, err, test.want)
		}
	}
}

func TestPromptComplete(t *testing.T) {
	p := newTestPrompt(t)
	if _, _, err := p.Eval(context.Background(), "mine = { first = 1, second = { deep = 1 } }"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		text  string
		names []string
		start int
	}{
		{"x = pharos.http.p", []string{"pharos.http.patch", "pharos.http.post", "pharos.http.put"}, 4},
		{"phar", []string{"pharos"}, 0},
		{"mine.", []string{"mine.first", "mine.second"}, 0},
		{"mine.second.d", []string{"mine.second.deep"}, 0},
		{"pharos.PageGETMetricWatcher:ext", []string{"pharos.PageGETMetricWatcher:extend"}, 0},
		{"nothing.here", nil, 0},
		{"1 + ", nil, 4},
	} {
		names, start := p.Complete(context.Background(), test.text)
		if diff := cmp.Diff(test.names, names); diff != "" || start != test.start {
			t.Errorf("Complete(%q) starts at %d, want %d; names (-want +got):\n%s", test.text, start, test.start, diff)
		}
	}
}
