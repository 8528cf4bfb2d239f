package luaapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"weak"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/probe"
)

func replaceOnce(t *testing.T, text, old, new string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("the text has no %q to edit", old)
	}
	return strings.Replace(text, old, new, 1)
}

// A folder is one universe for each file; sets of one name are put together, in
// the order of the files.
func TestFolder(t *testing.T) {
	b := newTestBoard(t)
	set := func(name string) string {
		return `local n = 0
metric_watcher_sets = { pharos.WatcherSet("S", { pharos.MetricWatcher{ name = "` + name + `", check = function(self) n = n + 1 return n end } }) }`
	}
	b.write("a.lua", set("a"))
	b.write("b.lua", set("b")+"\nmetric_watchers = { pharos.CommandMetricWatcher{ name = 'top', command = 'true' } }\npage_tag = 'from b'")
	b.write("lib/unused.lua", "error('only through require')")
	b.Path = b.dir
	if err := b.reload(); err != nil {
		t.Fatal(err)
	}
	g := b.config.Generation
	var got []string
	for _, s := range g.Sets {
		for _, w := range s.Watchers {
			got = append(got, s.Name+"/"+w.Name)
		}
	}
	if want := []string{"/top", "S/a", "S/b"}; !slices.Equal(got, want) || g.PageTag != "from b" {
		t.Errorf("sets = %v, page_tag %q, want %v, %q", got, g.PageTag, want, "from b")
	}
	b.run("s.a")
	b.run("s.a")

	// Only what changed is loaded again: the counter of a.lua goes on.
	b.write("b.lua", set("b2"))
	if err := b.reload(); err != nil {
		t.Fatal(err)
	}
	if got := b.run("s.a").Value; got != "3" {
		t.Errorf("value of s.a after a reload of b.lua = %s, want 3", got)
	}
	if got := b.run("s.b2").Value; got != "1" {
		t.Errorf("value of s.b2 = %s, want 1", got)
	}
}

// What a file reads, requires or looks for in vain is an input; a change of any
// of them loads the file again.
func TestInputs(t *testing.T) {
	b := newTestBoard(t)
	b.write("lib/shop.lua", "return { name = 'shop' }")
	b.write("hosts.txt", "a\nb\n")
	b.load(`
local shop = require "shop"
local hosts = assert(pharos.file.read("hosts.txt"))
local extra = pharos.file.read("extra.txt")
metric_watchers = { pharos.MetricWatcher{ name = shop.name, check = function(self) return "ok", hosts, extra end } }`)
	got := map[string]bool{}
	for _, input := range b.config.Inputs {
		rel, err := filepath.Rel(b.dir, input.Path)
		if err != nil {
			t.Fatal(err)
		}
		got[filepath.ToSlash(rel)] = input.Exists
	}
	want := map[string]bool{
		"pharos.lua": true, "lib/shop.lua": true, "shop.lua": false, "shop/init.lua": false,
		"hosts.txt": true, "extra.txt": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Inputs (-want +got):\n%s", diff)
	}
	for _, name := range []string{"lib/shop.lua", "hosts.txt", "extra.txt", "shop.lua"} {
		before := b.config.scripts[0]
		if err := b.reload(); err != nil || b.config.scripts[0] != before {
			t.Fatalf("reload without a change = %v, script carried over %v, want nil, true", err, b.config.scripts[0] == before)
		}
		b.write(name, "return { name = 'changed' }")
		if err := b.reload(); err != nil || b.config.scripts[0] == before {
			t.Errorf("reload after a change of %s = %v, script carried over %v, want nil, false", name, err, b.config.scripts[0] == before)
		}
	}
}

// A failed load leaves the configuration before it as it was, and says what to
// watch.
func TestFailedLoad(t *testing.T) {
	b := newTestBoard(t)
	b.load("local n = 0 metric_watchers = { pharos.MetricWatcher{ name = 'x', check = function() n = n + 1 return n end } }")
	b.run("x")
	before := b.config
	for _, text := range []string{"", "metric_watchers = {", "x = 1", "metric_watchers = 5"} {
		if err := b.tryLoad(text); err == nil {
			t.Errorf("Load(%q) = nil, want an error", text)
		}
	}
	if err := os.Remove(b.Path); err != nil {
		t.Fatal(err)
	}
	if err := b.reload(); err == nil {
		t.Error("Load of a removed file = nil, want an error")
	}
	if b.config != before {
		t.Error("a failed load replaced the configuration")
	}
	if got := b.run("x").Value; got != "2" {
		t.Errorf("value after failed loads = %s, want 2", got)
	}
}

// A pipe in the place of the file is refused like a folder: to wait for its
// writer would end all reloads.
func TestPipeIsNoFile(t *testing.T) {
	b := newTestBoard(t)
	b.Path = filepath.Join(t.TempDir(), "pharos.lua")
	if err := syscall.Mkfifo(b.Path, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- b.reload() }()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "not a file") {
			t.Errorf("Load of a pipe = %v, want not a file", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Load of a pipe waits for its writer")
	}
}

// The loaded generation does not read the disk: modules, sources and the
// classes are what they were.
func TestGenerationIsASnapshot(t *testing.T) {
	b := newTestBoard(t)
	b.write("mod.lua", "return { word = 'old' }")
	b.load("local m = require 'mod'\nmetric_watchers = { pharos.MetricWatcher{ name = 'x', check = function() return 'ok', require('mod').word end },\n" +
		"pharos.MetricWatcher{ name = 'y', check = function() return require('late') end } }")
	b.write("mod.lua", "return { word = 'new' }")
	b.write("late.lua", "return 'ok'")
	b.write("pharos.lua", "-- gone")
	if got := b.run("x").Value; got != "old" {
		t.Errorf("value = %q, want old", got)
	}
	if got := b.run("y"); got.Status != engine.Unknown || !strings.Contains(got.Detail, "while the file loads") {
		t.Errorf("require in a run = %v %q, want unknown, refused", got.Status, got.Detail)
	}
	if got := b.config.SourceLine(scriptName(b.Path), 1); got != "local m = require 'mod'" {
		t.Errorf("SourceLine(1) = %q, want the line as it was loaded", got)
	}
}

func TestState(t *testing.T) {
	b := newTestBoard(t)
	counter := "metric_watchers = { pharos.MetricWatcher{ name = 'x', check = function(self) self.state.n = (self.state.n or 0) + 1 self.own = (self.own or 0) + 1 return 'ok', self.state.n .. ' ' .. self.own end } }"
	b.load(counter)
	b.run("x")
	if got := b.run("x").Value; got != "2 2" {
		t.Errorf("value = %q, want 2 2", got)
	}
	b.load(counter + "\n-- changed")
	if got := b.run("x").Value; got != "3 1" {
		t.Errorf("value after a reload = %q, want 3 1: state goes on, self starts fresh", got)
	}
	states, rev := b.Memory.States()
	if want := map[engine.ID]json.RawMessage{"x": json.RawMessage(`{"n":3}`)}; !cmp.Equal(states, want) || rev == 0 {
		t.Errorf("States() = %s, %d, want %s", states, rev, want)
	}
	restored := newTestBoard(t)
	restored.Memory.Restore(states)
	restored.load(counter)
	if got := restored.run("x").Value; got != "4 1" {
		t.Errorf("value after a restart = %q, want 4 1", got)
	}
}

func TestStateRefuses(t *testing.T) {
	for body, want := range map[string]string{
		`self.state.f = function() end return "ok"`: `cannot keep self.state: at "f": a function is no plain data`,
		`self.state[1.5] = 1 return "ok"`:           `cannot keep self.state: a key is a number (1.5)`,
		`self.state.s = self.state return "ok"`:     `cannot keep self.state: at "s": a table holds itself`,
		`self.state.big = ("x"):rep(70000)`:         `cannot keep self.state: at "big": more than 65536 bytes`,
		`self.state = 5 return "ok"`:                `cannot keep self.state: it is no table any more`,
		`self.state.n = 0/0 error("broken")`:        `broken`,
	} {
		b := newTestBoard(t)
		got := b.check(body)
		if got.Status != engine.Unknown || !strings.Contains(got.Detail, want) {
			t.Errorf("check %q = %v %q, want unknown %q", body, got.Status, got.Detail, want)
		}
	}
}

func TestSelfReads(t *testing.T) {
	b := newTestBoard(t)
	b.load("metric_watchers = { pharos.MetricWatcher{ name = 'A b', check = function(self) return 'ok', self.status, self.id .. ' ' .. self.name .. ' ' .. type(self.last_updated) .. ' ' .. type(self.duration) end } }")
	if got := b.run("a_b"); got.Value != "pending" || got.Detail != "a_b A b nil nil" {
		t.Errorf("first run = %q %q, want pending, a_b A b nil nil", got.Value, got.Detail)
	}
	if got := b.run("a_b"); got.Value != "ok" || got.Detail != "a_b A b number number" {
		t.Errorf("second run = %q %q, want ok, a_b A b number number", got.Value, got.Detail)
	}
}

// A run fills in what a file of the script names, in whatever way; what none does
// takes no room in self.
func TestSelfHasWhatFilesName(t *testing.T) {
	b := newTestBoard(t)
	b.write("lib/look.lua", `local words = { "status", "duration" }
return function(self)
  local got = {}
  for _, word in ipairs(words) do got[#got + 1] = type(self[word]) end
  return table.concat(got, " ")
end`)
	b.load(`local look = require "look"
metric_watchers = { pharos.MetricWatcher{ name = "x", check = function(self)
  local names = {}
  for name in pairs(self) do names[#names + 1] = name end
  table.sort(names)
  return "ok", look(self), table.concat(names, " ")
end } }`)
	b.run("x")
	if got, want := b.run("x"), "check duration id name source status"; got.Value != "string number" || got.Detail != want {
		t.Errorf("self has %q and %q, want a string, a number and %q", got.Value, got.Detail, want)
	}
}

func TestLoadCancelled(t *testing.T) {
	b := newTestBoard(t)
	b.write("pharos.lua", "while true do end")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Load(ctx, b.Options); err == nil {
		t.Error("Load with a cancelled context = nil, want an error")
	}
	var failed *LoadError
	if _, err := Load(ctx, b.Options); !errors.As(err, &failed) {
		t.Errorf("Load with a cancelled context = %v, want a *LoadError", err)
	}
}

// A universe that the watchdog gave up is not carried over.
func TestWornScriptIsLoadedAfresh(t *testing.T) {
	b := newTestBoard(t)
	b.load("local n = 0 metric_watchers = { pharos.MetricWatcher{ name = 'x', check = function() n = n + 1 return n end } }")
	b.run("x")
	b.config.scripts[0].universe.Close()
	if err := b.reload(); err != nil {
		t.Fatal(err)
	}
	if got := b.run("x"); got.Value != "1" {
		t.Errorf("run after its universe died = %q %q, want 1", got.Value, got.Detail)
	}
	b.Probes.leaked.Store(b.config.scripts[0].universe, true)
	if err := b.reload(); err != nil {
		t.Fatal(err)
	}
	if got := b.run("x"); got.Value != "1" {
		t.Errorf("run after its universe leaked = %q %q, want 1", got.Value, got.Detail)
	}
}

func TestDefaultScriptMemory(t *testing.T) {
	got := defaultScriptMemory()
	if total := memoryIn(machineMemory); got == 0 || got > scriptMemoryMost || total > 0 && got > total/4 {
		t.Errorf("defaultScriptMemory() = %d of %d, want at most a quarter", got, total)
	}
}

// A run in flight ends as it would have: closing the configuration that it
// belongs to, after a reload, waits for it.
func TestRunInFlightSurvivesReload(t *testing.T) {
	b := newTestBoard(t)
	started, goOn := make(chan bool), make(chan bool)
	b.primitives = fakes{exec: func(context.Context, string, probe.ExecRequest) (*probe.ExecResult, error) {
		started <- true
		<-goOn
		return &probe.ExecResult{Stdout: []byte("done")}, nil
	}}
	text := "metric_watchers = { pharos.CommandMetricWatcher{ name = 'x', command = 'true' } }"
	b.load(text)
	w, s := b.watcher("x"), b.config.scripts[0]
	results := make(chan engine.Result)
	go func() {
		result, _ := w.Check(context.Background())
		results <- result
	}()
	<-started
	old := b.config
	b.load("-- moved\n" + text)
	old.scripts[0].release() // as Close does; the board closes it once more at the end
	old.scripts = nil
	if s.universe.Dead() {
		t.Error("the universe died under a run in flight")
	}
	close(goOn)
	if got := <-results; got.Status != engine.OK || got.Detail != "done" {
		t.Errorf("the run in flight = %v %q, want ok, done", got.Status, got.Detail)
	}
	if !s.universe.Dead() {
		t.Error("the universe of a closed configuration lives on after its last run")
	}
	if got, _ := w.Check(context.Background()); got.Status != engine.Unknown || got.Failure.Kind != engine.KindReplaced {
		t.Errorf("a run after that = %v %+v, want unknown, replaced", got.Status, got.Failure)
	}
}

// A configuration that was replaced is let go of, scripts and all.
func TestReplacedConfigurationIsLetGo(t *testing.T) {
	board := newTestBoard(t)
	var before weak.Pointer[Config]
	var config *Config
	for edition := range 3 {
		board.write("pharos.lua", fmt.Sprintf(`metric_watchers = { pharos.MetricWatcher{ name = "w%d", check = function() return "ok" end } }`, edition))
		options := board.Options
		options.Prev = config
		next, err := Load(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		if config != nil {
			config.Close()
			before = weak.Make(config)
		}
		config = next
	}
	for range 10 {
		if runtime.GC(); before.Value() == nil {
			break
		}
	}
	if before.Value() != nil {
		t.Error("the configuration before is still held by the one that runs, want it let go of")
	}
	runtime.KeepAlive(config)
	config.Close()
}

// A run that comes to its check after its configuration was closed says so, and
// nothing else: the engine makes it anew with the check of the next one.
func TestCheckOfAClosedConfiguration(t *testing.T) {
	b := newTestBoard(t)
	b.write("pharos.lua", `
metric_watchers = {
  pharos.MetricWatcher{ name = "one", check = function() return "ok" end },
  pharos.MetricWatcher{ name = "many", ssh_host = { pharos.here, "b" }, check = function() return "ok" end },
}`)
	config, err := Load(t.Context(), b.Options)
	if err != nil {
		t.Fatal(err)
	}
	watchers := config.Generation.Sets[0].Watchers
	config.Close()
	for _, w := range watchers {
		r, err := w.Check(t.Context())
		if err != nil || r.Failure == nil || r.Failure.Kind != engine.KindReplaced {
			t.Errorf("check of %s = %+v, %v, want a failure of kind %s", w.ID, r, err, engine.KindReplaced)
		}
	}
}
