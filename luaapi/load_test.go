package luaapi

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pharos/builtin"
	"pharos/engine"
)

// testBoard loads configurations and runs their watchers by id.
type testBoard struct {
	testing.TB
	Options
	dir    string
	config *Config

	found    *engine.Generation // config's, with the members that were found
	problems []engine.LoadError // of the discoveries
}

// newTestBoard has no environment, a silent log and, unless fakes are given,
// real primitives.
func newTestBoard(t testing.TB) *testBoard {
	b := &testBoard{TB: t, Options: Options{
		Classes:   builtin.FS,
		Probes:    NewProbes(slog.New(slog.DiscardHandler)),
		Memory:    NewMemory(),
		Logger:    slog.New(slog.DiscardHandler),
		LookupEnv: func(string) (string, bool) { return "", false },
		// A busy machine may take the processor away for longer than the usual
		// ones, which tests of them ask for.
		slice:       time.Minute,
		loadTimeout: time.Minute,
	}}
	t.Cleanup(b.Probes.Close)
	return b
}

// write puts a file into the board's folder.
func (b *testBoard) write(name, text string) string {
	b.Helper()
	if b.dir == "" {
		b.dir = b.TempDir()
		b.Path = filepath.Join(b.dir, "pharos.lua")
	}
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	return path
}

// tryLoad loads text as pharos.lua after what was loaded before.
func (b *testBoard) tryLoad(text string) error {
	b.Helper()
	b.write("pharos.lua", text)
	return b.reload()
}

func (b *testBoard) reload() error {
	b.Helper()
	o := b.Options
	o.Prev = b.config
	o.Number++
	config, err := Load(context.Background(), o)
	if err != nil {
		return err
	}
	b.Cleanup(config.Close)
	b.Options.Number, b.config = o.Number, config
	b.found, b.problems = engine.Discover(context.Background(), config.Generation)
	return nil
}

func (b *testBoard) load(text string) {
	b.Helper()
	if err := b.tryLoad(text); err != nil {
		b.Fatalf("Load: %v", err)
	}
}

func (b *testBoard) watcher(id engine.ID) engine.Watcher {
	b.Helper()
	for _, set := range b.found.Sets {
		for _, w := range set.Watchers {
			if w.ID == id {
				return w
			}
		}
	}
	b.Fatalf("no watcher %q", id)
	return engine.Watcher{}
}

// run runs a watcher once, as the engine does.
func (b *testBoard) run(id engine.ID) engine.Result {
	b.Helper()
	b.watcher(id)
	e := engine.New(engine.Config{})
	e.Replace(b.found)
	var result engine.Result
	for _, round := range b.found.Rounds(func(w engine.Watcher) bool { return w.ID == id }) {
		for _, w := range round {
			result, _ = e.Once(context.Background(), w.ID)
		}
	}
	return result
}

// check loads a watcher named "x" with the given body of its check, and runs
// it.
func (b *testBoard) check(body string) engine.Result {
	b.Helper()
	b.load("metric_watchers = { pharos.MetricWatcher{ name = 'x', timeout = 30, check = function(self) " + body + " end } }")
	return b.run("x")
}

func TestDefaultBoard(t *testing.T) {
	b := newTestBoard(t)
	text, err := os.ReadFile("../scripts/pharos.lua")
	if err != nil {
		t.Fatal(err)
	}
	b.load(string(text))
	for id, want := range map[engine.ID]engine.Status{
		"first_steps.is_true":  engine.OK,
		"first_steps.is_false": engine.Critical,
	} {
		if got := b.run(id); got.Status != want {
			t.Errorf("run(%q).Status = %v, want %v (%+v)", id, got.Status, want, got)
		}
	}
}

func TestLoadErrorType(t *testing.T) {
	b := newTestBoard(t)
	err := b.tryLoad("x = 1")
	var failed *LoadError
	if !errors.As(err, &failed) || failed.Line != 1 || !strings.HasSuffix(failed.File, "pharos.lua") {
		t.Errorf("Load = %v, want a *LoadError at pharos.lua:1", err)
	}
}

func TestCheckResults(t *testing.T) {
	for _, test := range []struct {
		body   string
		status engine.Status
		value  string
		detail string
	}{
		{`return "ok", 1, "d"`, engine.OK, "1", "d"},
		{`return "warning", "w"`, engine.Warning, "w", ""},
		{`return true, "fine"`, engine.OK, "", "fine"},
		{`return false`, engine.Critical, "", ""},
		{`return 3.25, "d"`, engine.OK, "3.25", "d"},
		{`self:critical("v", "d")`, engine.Critical, "v", "d"},
		{`return self:warning(2)`, engine.Warning, "2", ""},
		{`self:ok() return "critical"`, engine.Critical, "", ""},
		{`return { status = "unknown", value = 7, detail = "d" }`, engine.Unknown, "7", "d"},
		{`return { value = 7 }`, engine.OK, "7", ""},
		{`return nil, "no luck"`, engine.Critical, "", "no luck"},
		{`return nil`, engine.Unknown, "script error", "FILE:1: check returned nil, as of a field that is not there, or a text that is no number: want a status, a number, a boolean, a table, or nil and an error"},
		{`self:step("a", function() end) return nil`, engine.Unknown, "script error", "FILE:1: check returned nil, as of a field that is not there, or a text that is no number: want a status, a number, a boolean, a table, or nil and an error"},
		{`return "warn"`, engine.Unknown, "script error", `FILE:1: check gave the status "warn" (did you mean "warning"? valid: critical, ok, unknown, warning)`},
		{`return { statuz = "ok" }`, engine.Unknown, "script error", `FILE:1: check returned a table with "statuz" (did you mean "status"? valid: again, detail, link, status, unit, value)`},
		{`return 0 / 0`, engine.Unknown, "nan", "nan is no number that could be judged: 0 / 0, or what was made of it"},
		{`return { value = 0 / 0 }`, engine.Unknown, "nan", "nan is no number that could be judged: 0 / 0, or what was made of it"},
		{`return 0 / 0, "no samples yet"`, engine.Unknown, "nan", "no samples yet"},
		{`return "ok", 0 / 0`, engine.OK, "nan", ""},
		{`return "ok", 1, { code = 3 }`, engine.Unknown, "script error", `FILE:1: check returned the option "code" (valid: again): value and detail are text or numbers, not tables`},
		{`local r = pharos.exec({ "/no/such/program" }) return r.code`, engine.Unknown, "script error",
			`FILE:1: attempt to index a nil value (local 'r') with key 'code' (just before: running "/no/such/program": command not found)`},
		{`pharos.exec({ "/no/such/program" }) pharos.exec("true") return nil .. ""`, engine.Unknown, "script error", "FILE:1: attempt to concatenate a nil value"},
		{`local _, err = pharos.exec({ "/no/such/program" }) error("no luck: " .. tostring(err))`, engine.Unknown, "script error",
			`FILE:1: no luck: running "/no/such/program": command not found`},
		{`error("broken")`, engine.Unknown, "script error", "FILE:1: broken"},
		{`return { status = 5, value = 3 }`, engine.Unknown, "script error", "FILE:1: check gave a status that is a number (valid: critical, ok, unknown, warning)"},
		{`return {}, 1`, engine.Unknown, "script error", "FILE:1: check returned a table with neither a status nor a number as its value"},
		// A command that starts later than its time, on a busy machine, is Pharos's
		// fault and unknown: there is time enough to start.
		{`local r, err = pharos.exec("sleep 5", {timeout = "500ms"}) return r, err`, engine.Critical, "timeout", "ANY"},
		{`assert(pharos.exec("sleep 5", {timeout = "500ms"}))`, engine.Critical, "timeout", "ANY"},
		{`assert(pharos.exec({"/no/such/program"}))`, engine.Unknown, "spawn", "ANY"},
		{`return self.status, self.id`, engine.Pending, "x", ""},
		{`local v = assert(pharos.json.decode("[1,"))`, engine.Critical, "proto", "decoding JSON: line 1, column 4: the text ends too early"},
	} {
		b := newTestBoard(t)
		got := b.check(test.body)
		want := strings.ReplaceAll(test.detail, "FILE", scriptName(b.Path))
		if got.Status != test.status || got.Value != test.value || want != "ANY" && got.Detail != want {
			t.Errorf("check %q = %v %q %q, want %v %q %q", test.body, got.Status, got.Value, got.Detail, test.status, test.value, want)
		}
	}
}

// A board whose files set no page_tag has the original's; one set to "" has none.
func TestDefaultPageTag(t *testing.T) {
	b := newTestBoard(t)
	for text, want := range map[string]string{
		"metric_watchers = {}":                    "Keeps watch...",
		"metric_watchers = {} page_tag = ''":      "",
		"metric_watchers = {} page_tag = 'Mine.'": "Mine.",
	} {
		b.load(text)
		if got := b.config.Generation.PageTag; got != want {
			t.Errorf("the page_tag of %q = %q, want %q", text, got, want)
		}
	}
}
