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
		`return self:warning(7), { again = "1s" }`:                        time.Second,
		`return self:warning(7), "seven", { again = "1s" }`:               time.Second,
	} {
		b := newTestBoard(t)
		b.primitives = fakes{exec: func(context.Context, string, probe.ExecRequest) (*probe.ExecResult, error) {
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
	b.primitives = stubWorld()
	if got := b.run("x"); got.Again != 300*time.Millisecond || got.Detail != "one" {
		t.Errorf("again, detail = %v, %q, want 300ms, one", got.Again, got.Detail)
	}
}

// What follows a result fills in what that lacks, and no text is lost.
func TestBehindAResult(t *testing.T) {
	for body, want := range map[string][2]string{
		`return self:ok(1), "one"`:                                {"1", "one"},
		`return self:ok(), 1, "one"`:                              {"1", "one"},
		`return self:ok(), 1`:                                     {"1", ""},
		`return self:ok(nil, "one"), 1`:                           {"1", "one"},
		`return { status = "ok", value = 1 }, "one"`:              {"1", "one"},
		`return { value = 1 }, "one"`:                             {"1", "one"},
		`return self:ok(1), ("one!"):gsub("!", "")`:               {"1", "one"},
		`return self:ok(1, ("one!"):gsub("!", ""))`:               {"1", "one"},
		`return 1, ("one!"):gsub("!", "")`:                        {"1", "one"},
		`return self:ok(1, "one"), "two"`:                         {"script error", `one text too many, "two"`},
		`return self:ok(1), "one", "two"`:                         {"script error", `one text too many, "two"`},
		`return 1, "jobs", "one"`:                                 {"script error", `one text too many, "one"`},
		`return "ok", 1, "jobs", "one"`:                           {"script error", `one text too many, "one"`},
		`return self:ok(1, "jobs", "one")`:                        {"script error", `one text too many, "one"`},
		`return true, "one", "two"`:                               {"script error", `one text too many, "two"`},
		`return nil, "one", "two"`:                                {"", "one"},
		`self:step("a", function() return nil, "one", "two" end)`: {"1 a", "one"},
	} {
		b := newTestBoard(t)
		if got := b.check(body); got.Value != want[0] || !strings.Contains(got.Detail, want[1]) || want[1] == "" && got.Detail != "" {
			t.Errorf("%s = %q %q, want %q", body, got.Value, got.Detail, want)
		}
	}
}
