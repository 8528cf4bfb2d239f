package luaapi

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pharos/engine"
)

// Every mistake is one line that says where, what, and what would be valid.
func TestBadInput(t *testing.T) {
	const empty = "metric_watchers = {}\n"
	watcher := func(options string) string {
		return "metric_watchers = {\n  pharos.CommandMetricWatcher{" + options + "}\n}"
	}
	for _, test := range []struct {
		name, text string
		want       string // begins with F for the file's name
	}{
		{"unknown option", `metric_watchers = {
  pharos.PageGETMetricWatcher{ name = "x", url = "http://x/", treshold = {1, 2, 3} } }`,
			`F:2: cannot use option "treshold" of PageGETMetricWatcher (did you mean "thresholds"? valid: `},
		{"unknown option of a subclass", "local Mine = pharos.CommandMetricWatcher:extend{ limit = 1 }\nMine{ name = 'x', command = 'true', limits = 3 }" + "\n" + empty,
			`F:2: cannot use option "limits" of CommandMetricWatcher (did you mean "limit"? valid: `},
		{"wrong type", watcher(`name = "x", command = 5`), `F:2: cannot use option "command" of CommandMetricWatcher: want string or table or function, got number`},
		{"option without a name", watcher(`"x", command = "true"`), `F:2: cannot use option [1] of CommandMetricWatcher: options have names, { name = ... }`},
		{"no name", watcher(`command = "true"`), `F:2: cannot use option "name" of CommandMetricWatcher: want a text that is not empty`},
		{"no command", watcher(`name = "x"`), `F:2: cannot make a CommandMetricWatcher without a command`},
		{"no command, by way of an own init", "local Mine = pharos.CommandMetricWatcher:extend{}\nfunction Mine:init()\n pharos.CommandMetricWatcher.init(self) end\nlocal Its = Mine:extend{}\nfunction Its:init()\n Mine.init(self) end\n" + empty + "Its{ name = 'x' }",
			`F:8: cannot make a CommandMetricWatcher without a command`},
		{"a file that is not there", empty + "local h = pharos.file.read('none.txt'):gmatch('x')", `F:2: attempt to index a nil value (what read gave) with key 'gmatch' (just before: reading "`},
		{"JSON that is none", empty + "local h = pharos.json.decode('[1,').hosts", `F:2: attempt to index a nil value (what decode gave) with key 'hosts' (just before: decoding JSON: line 1, column 4: the text ends too early)`},
		{"a module of elsewhere", empty + "local json = require('cjson')", `F:2: cannot require "cjson": pharos.json is there without it (no such file: tried `},
		{"a module of elsewhere for the web", empty + "local http = require('socket.http')", `F:2: cannot require "socket.http": pharos.http is there without it (no such file: tried `},
		{"a module by its file", empty + "local m = require('shop.lua')", `F:2: cannot require "shop.lua": write require "shop" (no such file: tried `},
		{"an option of no type at all", empty + "pharos.MetricWatcher:extend{ options = { limit = 'string|bool' } }", `F:2: cannot declare option "limit": there is no type "bool" (did you mean "boolean"? valid: boolean, function, number, `},
		{"a class without its pharos", `metric_watchers = { MetricWatcher{ name = "x" } }`, `F:1: cannot read undeclared global "MetricWatcher" (did you mean pharos.MetricWatcher?)`},
		{"a class with a colon", "\nmetric_watchers = { pharos:MetricWatcher{ name = 'x' } }", `F:2: cannot make a MetricWatcher with a colon: write pharos.MetricWatcher{ name = ... }, with a dot`},
		{"options that are a text", empty + "pharos.MetricWatcher:extend{ options = 'limit' }", `F:2: cannot declare options: want a table, got a string`},
		{"options that are a list", empty + "pharos.MetricWatcher:extend{ options = { 'limit' } }", `F:2: cannot declare option [1] = limit: want name = "its Lua types"`},
		{"options that are defaults", empty + "pharos.MetricWatcher:extend{ options = { limit = 5 } }", `F:2: cannot declare option [limit] = 5: want name = "its Lua types"`},
		{"an option of no Lua type", empty + "pharos.MetricWatcher:extend{ options = { limit = 'string|integer' } }", `F:2: cannot declare option "limit": there is no type "integer" (did you mean "number"? valid: boolean, function, number, `},
		{"not a table", `metric_watchers = { pharos.MetricWatcher("x") }`, `F:1: cannot make a MetricWatcher of a string: write MetricWatcher{ name = ... }`},
		{"bad interval", watcher(`name = "x", command = "true", interval = "2 sec"`), `F:2: cannot use option "interval" of CommandMetricWatcher: "2 sec" is no duration`},
		{"interval without unit", watcher(`name = "x", command = "true", interval = "2"`), `F:2: cannot use option "interval" of CommandMetricWatcher: "2" has no unit: write "2s" or "2ms"`},
		{"interval too short", watcher(`name = "x", command = "true", interval = "10ms"`), `F:2: cannot use option "interval" of CommandMetricWatcher: want at least 50ms, got 10ms`},
		{"negative timeout", watcher(`name = "x", command = "true", timeout = -1`), `F:2: cannot use option "timeout" of CommandMetricWatcher: want 0 to 31622400 seconds, got -1`},
		{"bad threshold", watcher(`name = "x", command = "true", thresholds = { warm = 1 }`), `F:2: cannot use option "thresholds" of CommandMetricWatcher: no threshold is called "warm" (did you mean "warn"? valid: crit, min, warn)`},
		{"two thresholds", watcher(`name = "x", command = "true", thresholds = { 1, 2 }`), `F:2: cannot use option "thresholds" of CommandMetricWatcher: want three numbers, {min, warn, crit}, got 2`},
		{"a threshold that is no number", watcher(`name = "x", command = "true", thresholds = { warn = 0 / 0 }`), `F:2: cannot use option "thresholds" of CommandMetricWatcher: want a number for warn, got nan`},
		{"bad link", watcher(`name = "x", command = "true", link = "javascript:alert(1)"`), `F:2: cannot use option "link" of CommandMetricWatcher: the link "javascript:alert(1)" is no http or https URL`},
		{"an id that is no UTF-8", watcher(`name = "x", command = "true", id = "a\255"`), `F:2: cannot use option "id" of CommandMetricWatcher: want a text of at most 200 bytes without spaces, control characters and / \ ? # % * [ ]`},
		{"an id with a direction mark", watcher(`name = "x", command = "true", id = "a\226\128\174b"`), `F:2: cannot use option "id" of CommandMetricWatcher: want a text of at most 200 bytes without spaces, control characters and / \ ? # % * [ ]`},
		{"an id of dots", watcher(`name = "x", command = "true", id = ".."`), `F:2: cannot use option "id" of CommandMetricWatcher: want a text of at most 200 bytes without spaces, control characters and / \ ? # % * [ ]`},
		{"an id that is a pattern", watcher(`name = "x", command = "true", id = "a*"`), `F:2: cannot use option "id" of CommandMetricWatcher: want a text of at most 200 bytes without spaces, control characters and / \ ? # % * [ ]`},
		{"undeclared global", "local x = 1\nmetric_watcher = {}", `F:2: `},
		{"undeclared global read", empty + "local x = htpp", `F:2: `},
		{"a given global set", empty + "pharos = nil", `F:2: cannot set global "pharos": it is given (is a "local" missing?)`},
		{"a given global set in a function", empty + "local function f()\n type = 'x' end", `F:3: cannot set global "type": it is given (is a "local" missing?)`},
		{"unknown primitive", "local x = pharos.htpp", `F:1: cannot use pharos.htpp: there is no such name (did you mean "http"? valid: `},
		{"unknown member", "local x = pharos.http.fetch", `F:1: cannot use pharos.http.fetch: there is no such name (`},
		{"page_tag in the wrong place", "pharos.page_tag = 'x'", `F:1: cannot set pharos.page_tag: it is a global, page_tag = ...`},
		{"a long page_tag", "\npage_tag = ('x'):rep(201)\n" + empty, `F:2: cannot use page_tag: want at most 200 bytes, got 201`},
		{"page_tag of another type", "\npage_tag = {}\n" + empty, `F:2: cannot use page_tag: want a text of at most 200 bytes, got a table`},
		{"duplicate name", "metric_watchers = {\n pharos.CommandMetricWatcher{ name = 'a', command = 'true' },\n pharos.CommandMetricWatcher{ name = 'a', command = 'false' } }",
			`F:3: cannot use the name "a" twice: F:2 has it already`},
		{"duplicate id", "metric_watchers = {\n pharos.CommandMetricWatcher{ name = 'a b', command = 'true' },\n pharos.CommandMetricWatcher{ name = 'A_B', command = 'false' } }",
			`F:3: cannot use the name "A_B": its id "a_b" is that of "a b" at F:2`},
		{"duplicate name with ids", "metric_watchers = {\n pharos.CommandMetricWatcher{ name = 'a', id = 'x', command = 'true' },\n pharos.CommandMetricWatcher{ name = 'a', id = 'y', command = 'false' } }",
			`F:3: cannot use the name "a" twice: F:2 has it already`},
		{"duplicate name in a set", "metric_watcher_sets = { pharos.WatcherSet('Web', {\n pharos.CommandMetricWatcher{ name = 'a', command = 'true' },\n pharos.CommandMetricWatcher{ name = 'a', command = 'false' } }) }",
			`F:3: cannot use the name "a" twice in the set "Web": F:2 has it already`},
		{"duplicate id in two sets", "metric_watcher_sets = { pharos.WatcherSet('Web', {\n pharos.CommandMetricWatcher{ name = 'a', command = 'true' } }), pharos.WatcherSet('web', {\n pharos.CommandMetricWatcher{ name = 'a', command = 'false' } }) }",
			`F:3: cannot use the name "a" in the set "web": its id "web.a" is that of "a" in the set "Web" at F:2`},
		{"one watcher twice", "local w = pharos.CommandMetricWatcher{ name = 'a', command = 'true' }\nmetric_watchers = { w, w }", `F:1: cannot use one watcher in two places`},
		{"options that inherit", "pharos.CommandMetricWatcher(setmetatable({ name = 'a' }, { __index = { command = 'true' } }))", `F:1: cannot make a CommandMetricWatcher of a table with a metatable, which the class takes the place of: copy what it inherits into the table`},
		{"one table twice", "local o = { name = 'a', command = 'true' }\nlocal a = pharos.CommandMetricWatcher(o)\nlocal b = pharos.CommandMetricWatcher(o)", `F:3: cannot make a CommandMetricWatcher of a table that is one already`},
		{"nothing declared", "local x = 1", `F: declares nothing: set metric_watchers = { ... } or metric_watcher_sets = { ... }`},
		{"empty file", "", `F: declares nothing`},
		{"a class in the list", "\nmetric_watchers = { pharos.CommandMetricWatcher }", `F:2: cannot use metric_watchers[1]: want a watcher, got the class CommandMetricWatcher itself: write pharos.CommandMetricWatcher{ ... }`},
		{"a table in the list", "metric_watchers = { { name = 'x' } }", `F:1: cannot use metric_watchers[1]: want a watcher, got a plain table`},
		{"a text in a set's list", "metric_watcher_sets = {\n pharos.WatcherSet('x', { 'y' }) }", `F:2: cannot use the watchers of WatcherSet "x"[1]: want a watcher, got a string`},
		{"names in the list", "metric_watchers = {\n a = pharos.CommandMetricWatcher{ name = 'x', command = 'true' } }", `F:1: cannot use metric_watchers: want a list without names, got the name "a"`},
		{"a function for the list", "local x\nmetric_watchers = print", `F:2: cannot use metric_watchers: want a list, { ... }, got a function`},
		{"a long name", watcher(`name = ("x"):rep(201), command = "true"`), `F:2: cannot use option "name" of CommandMetricWatcher: want at most 200 bytes, got 201`},
		{"a long name of a set", "metric_watcher_sets = {\n pharos.WatcherSet(('x'):rep(201), {}) }", `F:2: cannot use WatcherSet: want a name of at most 200 bytes, got 201`},
		{"an option that is none, in a function that makes one", "local function make(name)\n return pharos.MetricWatcher{ name = name, chek = print }\nend\nmetric_watchers = {\n make('x') }", `F:2: cannot use option "chek" of MetricWatcher (did you mean "check"?`},
		{"the same of an own class", "local Own = pharos.MetricWatcher:extend{}\nlocal function make(name)\n return Own{ name = name, chek = print }\nend\nmetric_watchers = {\n make('x') }", `F:3: cannot use option "chek" of MetricWatcher (did you mean "check"?`},
		{"a function for the events", "metric_watchers = {\n pharos.MetricWatcher{ name = 'x', events = print } }", `F:2: cannot use option "events" of MetricWatcher: want what pharos.exec.stream, pharos.http.sse, pharos.tcp.lines or pharos.file.tail gives, got function`},
		{"a method with a dot", empty + "local http = pharos.http:get('http://x/')", `F:2: cannot call pharos.http.get with a colon: write pharos.http.get(...), with a dot`},
		{"a set in the list", "metric_watchers = { pharos.WatcherSet('x', {}) }", `F:1: cannot use metric_watchers[1]: want a watcher, got a WatcherSet`},
		{"a watcher for the list", "metric_watchers = pharos.CommandMetricWatcher{ name = 'x', command = 'true' }", `F:1: cannot use metric_watchers: want a list, put braces around it`},
		{"a watcher among the sets", "metric_watcher_sets = { pharos.CommandMetricWatcher{ name = 'x', command = 'true' } }", `F:1: cannot use metric_watcher_sets[1]: want a pharos.WatcherSet("name", { ... }), got a CommandMetricWatcher`},
		{"a set without watchers", "metric_watcher_sets = { pharos.WatcherSet('x') }", `F:1: cannot make a WatcherSet of a string and a nil`},
		{"a primitive at load", "pharos.exec('true')", `F:1: cannot call pharos.exec while the file loads`},
		{"an option of a primitive", empty + "pharos.cache{ size = 3 }", `F:2: cannot use option "size" of pharos.cache (valid: max, ttl)`},
		{"syntax", "metric_watchers = {\n  pharos.MetricWatcher{ name = \"x\"\n", `F:`},
		{"python", "import pharos\n\nmetric_watchers = [\n]", `F:1: cannot read Python: `},
		{"python call", "\nmetric_watchers = [\n    pharos.CommandMetricWatcher(name=\"x\", command=\"true\"),\n]", `F:2: cannot read Python: `},
		{"python list", "# the shop\n\nmetric_watchers = []", `F:3: cannot read Python: `},
		{"long string", "metric_watchers = [[x]]", `F:1: cannot use metric_watchers: want a list`},
		{"extend with a dot", empty + "local Mine = pharos.CommandMetricWatcher.extend{ command = 'df' }", `F:2: cannot extend a table that is no class: write pharos.MetricWatcher:extend{ ... }, with a colon`},
		{"extend with nothing", empty + "local Mine = pharos.CommandMetricWatcher.extend()", `F:2: cannot extend a nil that is no class: write pharos.MetricWatcher:extend{ ... }, with a colon`},
		{"extend with a text", empty + "local Mine = pharos.CommandMetricWatcher:extend('df')", `F:2: cannot extend CommandMetricWatcher by what is no plain table: write CommandMetricWatcher:extend{ ... }`},
		{"extend with a class", empty + "local A = pharos.CommandMetricWatcher:extend{}\nlocal B = pharos.PageGETMetricWatcher:extend(A)", `F:3: cannot extend PageGETMetricWatcher by what is no plain table`},
		{"error", "error('stop here')", `F:1: stop here`},
		{"missing module", "local x = require 'no.such'", `F:1: cannot require "no.such": `},
		{"short secret", "local x = pharos.secret('SHORT')", `F:1: cannot use secret: "SHORT" has 3 bytes, fewer than 8`},
		{"missing secret", "local x = pharos.secret('NONE')", `F:1: cannot use secret: "NONE" is neither a file in $CREDENTIALS_DIRECTORY nor an environment variable`},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newTestBoard(t)
			b.LookupEnv = func(name string) (string, bool) { return "abc", name == "SHORT" }
			err := b.tryLoad(test.text)
			if err == nil {
				t.Fatalf("Load(%q) = nil, want an error", test.text)
			}
			got := strings.ReplaceAll(err.Error(), scriptName(b.Path), "F")
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("Load(%q)\n got %q\nwant %q", test.text, got, test.want)
			}
			if strings.Contains(got, "\n") {
				t.Errorf("Load(%q) = %q, want one line", test.text, got)
			}
		})
	}
}

func TestBadPaths(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "boards")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.lua"): "none.lua: there is no such file or folder",
		folder:                         "boards: the folder has no *.lua file",
		"/dev/null":                    "/dev/null: reading \"/dev/null\": not a file",
	} {
		b := newTestBoard(t)
		b.Path = path
		config, err := Load(context.Background(), b.Options)
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("Load(%q) = %v, want %q", path, err, want)
		}
		if len(config.Inputs) == 0 {
			t.Errorf("Load(%q).Inputs is empty: nothing to watch for mending", path)
		}
	}
}

func TestMillisecondsWarning(t *testing.T) {
	b := newTestBoard(t)
	b.load("metric_watchers = {\n pharos.CommandMetricWatcher{ name = 'x', command = 'true', interval = 2000 } }")
	if len(b.config.Warnings) != 1 {
		t.Fatalf("Warnings = %v, want one", b.config.Warnings)
	}
	got := b.config.Warnings[0]
	want := `interval = 2000 is 33 minutes; the original's milliseconds are written "2000ms"`
	if got.Message != want || got.Line != 2 {
		t.Errorf("Warnings[0] = %+v, want line 2: %s", got, want)
	}
}

// A list whose crit is below its warn turns the judgement round, which may not be
// meant; by name it is.
func TestTurnedThresholdsAreWarnedOf(t *testing.T) {
	for thresholds, want := range map[string]string{
		"{ 1, 0.1, 0.001 }":               `thresholds of "x": crit, 0.001, is below warn, 0.1, so that low values are bad; if that is meant, write { warn = 0.1, crit = 0.001 }`,
		"{ warn = 0.1, crit = 0.001 }":    "",
		"{ 0.001, 0.1, 1 }":               "",
		"{ 0, 95, 90 }":                   `thresholds of "x": crit, 90, is below warn, 95, so that low values are bad; if that is meant, write { warn = 95, crit = 90 }`,
		"{ min = 0, warn = 9, crit = 3 }": `thresholds of "x": no number is ok between min, 0, and 9`,
		"{ 5, 5, 9 }":                     `thresholds of "x": no number is ok between min, 5, and 5`,
	} {
		b := newTestBoard(t)
		b.load("metric_watchers = {\n pharos.CommandMetricWatcher{ name = 'x', command = 'true', thresholds = " + thresholds + " } }")
		var got string
		for _, w := range b.config.Warnings {
			got += w.Message
		}
		if got != want {
			t.Errorf("%s: warnings = %q, want %q", thresholds, got, want)
		}
	}
}

// What a class does when it is asked for a field is part of loading.
func TestDeclaringLoops(t *testing.T) {
	b := newTestBoard(t)
	b.loadTimeout = 3 * time.Second // for the file itself too, on a busy machine
	err := b.tryLoad(`local Odd = pharos.MetricWatcher:extend{}
local w = Odd{ name = "x", check = function() end }
setmetatable(Odd, { __index = function() while true do end end })
metric_watchers = { w }`)
	if err == nil || !strings.Contains(err.Error(), "pharos.lua:3: still loading after 3s") {
		t.Errorf("Load = %v, want pharos.lua:3: still loading after 3s", err)
	}
}

// A script that loops while it loads ends, and says where.
func TestLoadLoops(t *testing.T) {
	b := newTestBoard(t)
	b.loadTimeout = 100 * time.Millisecond
	err := b.tryLoad("local n = 0\nwhile true do n = n + 1 end")
	if err == nil || !strings.Contains(err.Error(), "pharos.lua:2: still loading after 100ms") {
		t.Errorf("Load of an endless loop = %v, want pharos.lua:2: still loading after 100ms", err)
	}
}

// A place of a list that is nil is a watcher that is not on the board: a variable
// of another name, most often. It is warned of.
func TestHolesInListsAreWarnedOf(t *testing.T) {
	b := newTestBoard(t)
	b.load(`local function watcher(name) return pharos.CommandMetricWatcher{ name = name, command = "true" } end
local a, b, c = watcher "a", watcher "b"
metric_watchers = {
  a, c, b,
}
metric_watcher_sets = { pharos.WatcherSet("S", { nil, watcher "d" }), pharos.WatcherSet("T", { watcher "e", watcher "f" }) }`)
	var got []string
	for _, w := range b.config.Warnings {
		got = append(got, formatLoadError(engine.LoadError{File: filepath.Base(w.File), Line: w.Line, Message: w.Message}))
	}
	want := []string{
		`pharos.lua:3: metric_watchers[2] is nil: a watcher is missing there`,
		`pharos.lua:6: the watchers of WatcherSet "S"[1] is nil: a watcher is missing there`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("warnings = %q, want %q", got, want)
	}
}
