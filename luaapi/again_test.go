package luaapi

import (
	"context"
	"strings"
	"testing"
	"time"

	"pharos/engine/probe"
)

func TestAgain(t *testing.T) {
	for body, want := range map[string]time.Duration{
		`return "warning", 7, { again = "200ms" }`:                        200 * time.Millisecond,
		`return "warning", 7, "seven", { again = 0.2 }`:                   200 * time.Millisecond,
		`return "warning", { again = "200ms" }`:                           200 * time.Millisecond,
		`return 7, { again = "1s" }`:                                      time.Second,
		`return 7, "seven", { again = "1s" }`:                             time.Second,
		`return false, { again = "1s" }`:                                  time.Second,
		`return nil, "broken", { again = "1s" }`:                          time.Second,
		`local r, err = pharos.exec("x") return r, err, { again = "1s" }`: time.Second,
		`return { status = "ok", again = "1s" }`:                          time.Second,
		`self:warning(7, "seven", { again = "1s" })`:                      time.Second,
		`return self:critical(7, { again = "1s" })`:                       time.Second,
		`return "ok", ("x"):gsub("x", "y")`:                               0,
		`return 5, ("x"):gsub("x", "y")`:                                  0,
		`return "ok", 1, {}`:                                              0,
	} {
		b := newTestBoard(t)
		b.Primitives = fakes{exec: func(context.Context, string, probe.ExecRequest) (*probe.ExecResult, error) {
			return nil, &probe.Error{Kind: probe.Timeout, Message: "too late"}
		}}
		got := b.check(body)
		if got.Again != want || strings.Contains(got.Value, "script") {
			t.Errorf("%s: again = %v, %q %q, want %v", body, got.Again, got.Value, got.Detail, want)
		}
	}
	for body, want := range map[string]string{
		`return "ok", 1, { again = "0s" }`:       "again: want more than 0 seconds",
		`return "ok", 1, { again = "soon" }`:     `again: "soon" is no duration`,
		`return "ok", 1, { again = 1, x = 2 }`:   `check returned the option "x"`,
		`return { status = "ok", again = {} }`:   "again: want a number of seconds",
		`self:ok(1, "one", { later = "200ms" })`: `"later" (`,
	} {
		b := newTestBoard(t)
		if got := b.check(body); got.Value != "script error" || !strings.Contains(got.Detail, want) {
			t.Errorf("%s = %q %q, want a script error: %s", body, got.Value, got.Detail, want)
		}
	}
}

func TestAgainFromAnOverride(t *testing.T) {
	b := newTestBoard(t)
	b.load(`metric_watchers = { pharos.CommandMetricWatcher{ name = "x", command = "true",
		handle_output = function() return "warning", 1, "one", { again = "300ms" } end } }`)
	b.Primitives = stubWorld()
	if got := b.run("x"); got.Again != 300*time.Millisecond || got.Detail != "one" {
		t.Errorf("again, detail = %v, %q, want 300ms, one", got.Again, got.Detail)
	}
}
