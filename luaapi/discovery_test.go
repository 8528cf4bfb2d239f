package luaapi

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// discovering has one set that finds its members by the body of its function.
func discovering(before, body string) string {
	return before + "\nmetric_watcher_sets = { pharos.WatcherSet('Fleet', function()\n" + body + "\nend, { interval = 1 }) }"
}

// discover calls the set's function once more.
func (b *testBoard) discover() ([]engine.Watcher, error) {
	b.Helper()
	return b.discoverWithin(time.Minute)
}

func (b *testBoard) discoverWithin(limit time.Duration) ([]engine.Watcher, error) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return b.config.Generation.Sets[0].Discover.Find(ctx)
}

// What is found again is what it was, whatever runs did to it meanwhile and to
// what it refers to; other options are another definition.
func TestDiscoveryDefinitions(t *testing.T) {
	for _, test := range []struct {
		name, before, body string
		same               bool
	}{
		{"plain", ``, `return { pharos.CommandMetricWatcher{ name = "a", command = "true" } }`, true},
		{"its own check", ``, `local host = "h" return { pharos.MetricWatcher{ name = "a", check = function() return "ok", host end } }`, true},
		{"a counter of the file", `local n = 0`, `return { pharos.MetricWatcher{ name = "a", check = function() n = n + 1 return n end } }`, true},
		{"a table of the file", `local seen = {}`, `return { pharos.MetricWatcher{ name = "a", check = function() seen[#seen + 1] = 1 return #seen end } }`, true},
		{"a maker of the file", `local n = 0 local function make() return pharos.MetricWatcher{ name = "a", check = function() n = n + 1 return n end } end
			local static = make()`, `return { make() }`, true},
		{"the same object", `local w = pharos.MetricWatcher{ name = "a", check = function(self) self.own = (self.own or 0) + 1 return "ok" end }`, `return { w }`, true},
		{"a class of the file", `local Own = pharos.MetricWatcher:extend{} function Own:check() Own.count = (Own.count or 0) + 1 return 1 end`, `return { Own{ name = "a" } }`, true},
		{"an option that changes", `local n = 0`, `n = n + 1 return { pharos.CommandMetricWatcher{ name = "a", command = "echo " .. n } }`, false},
		{"a local that changes", `local n = 0`, `n = n + 1 local k = n return { pharos.MetricWatcher{ name = "a", check = function() return k end } }`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newTestBoard(t)
			b.primitives = stubWorld()
			b.load(discovering(test.before, test.body))
			first, err := b.discover()
			if err != nil || len(first) != 1 || first[0].ID != "fleet.a" {
				t.Fatalf("Find() = %v, %v, want fleet.a", first, err)
			}
			if got, err := first[0].Check(context.Background()); err != nil || got.Status != engine.OK {
				t.Fatalf("Check() = %+v, %v, want ok", got, err)
			}
			second, err := b.discover()
			if err != nil || len(second) != 1 || (second[0].Definition == first[0].Definition) != test.same {
				t.Errorf("found again: the same definition = %v, %v, want %v", !test.same, err, test.same)
			}
		})
	}
}

// What a primitive gave is part of what a member is, as any table would be.
func TestDiscoveryDefinitionOfAResult(t *testing.T) {
	b := newTestBoard(t)
	says := ""
	b.primitives = fakes{exec: func(context.Context, string, probe.ExecRequest) (*probe.ExecResult, error) {
		return &probe.ExecResult{Stdout: []byte(says)}, nil
	}}
	b.load(discovering(``, `local said = pharos.exec("x") return { pharos.MetricWatcher{ name = "a", check = function() return "ok", said.stdout end } }`))
	var definitions []string
	for _, says = range []string{"a", "b", "b"} {
		found, err := b.discover()
		if err != nil || len(found) != 1 {
			t.Fatalf("Find() = %v, %v, want one member", found, err)
		}
		definitions = append(definitions, found[0].Definition)
	}
	if definitions[0] == definitions[1] || definitions[1] != definitions[2] {
		t.Errorf("definitions = %q, want another one where the result is another, and the same one where it is not", definitions)
	}
}

// A watcher that was refused, or left, has its memory when it is found again and
// admitted; one that is a member goes on when what was found again is let go of.
func TestDiscoveryRemembers(t *testing.T) {
	b := newTestBoard(t)
	b.load(discovering(`local w = pharos.MetricWatcher{ name = "a", check = function(self)
			self.state.n = (self.state.n or 0) + 1
			return "ok", self.state.n
		end }
		local e = pharos.MetricWatcher{ name = "e", events = pharos.exec.stream("x", function(self, line) end) }`, `return { w, e }`))
	find := func() []engine.Watcher {
		found, err := b.discover()
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	run := func(w engine.Watcher, want string) {
		t.Helper()
		if got, err := w.Check(context.Background()); err != nil || got.Value != want {
			t.Errorf("Check() = %+v, %v, want %s", got, err, want)
		}
		if states, _ := b.Memory.States(); string(states["fleet.a"]) != `{"n":`+want+`}` || len(b.Memory.fed("fleet.e")) != 1 {
			t.Errorf("kept = %s, %d with events, want n = %s, and 1", states["fleet.a"], len(b.Memory.fed("fleet.e")), want)
		}
	}
	let := func(found []engine.Watcher, gone bool) {
		for _, w := range found {
			w.Released(gone)
		}
	}
	let(find(), true) // over the limit
	b.found.Release() // what loading found
	members := find()
	run(members[0], "1")
	again := find()
	if again[0].Definition != members[0].Definition {
		t.Error("the same watcher found again has another definition")
	}
	let(again, false)
	run(members[0], "2")
	let(members, false) // their ids are others' now
	b.Memory.Retain(func(engine.ID) bool { return false })
	members = find()
	run(members[0], "1")
	let(members, true)
	if n, fed := len(b.Memory.entries), len(b.Memory.feeding); n+fed != 0 {
		t.Errorf("memory keeps %d watchers, %d with events, want none", n, fed)
	}
}

// What was found and is not on the board yet has its memory, whoever tidies up
// before it is admitted: after a reload, or since another watcher of its id left.
func TestDiscoveryRemembersBeforeAdmission(t *testing.T) {
	const own = `check = function(self) self.state.n = (self.state.n or 0) + 1 return "ok", self.state.n end }`
	for _, test := range []struct {
		name, before, body string
		meanwhile          func(b *testBoard, before []engine.Watcher)
	}{
		{"a reload", ``, `return { pharos.MetricWatcher{ name = "a", ` + own + ` }`, func(b *testBoard, _ []engine.Watcher) {
			b.Memory.Retain(func(engine.ID) bool { return false })
		}},
		{"another one left", `local n = 0`, `n = n + 1 return { pharos.MetricWatcher{ name = "a", link = "http://x/" .. n, ` + own + ` }`, func(_ *testBoard, before []engine.Watcher) {
			before[0].Released(true)
		}},
		{"it left while it was found again", `local Slow = pharos.MetricWatcher:extend{}
			getmetatable(Slow).__index = function(_, name) if name == "confirm" then pharos.exec("x") end return pharos.MetricWatcher[name] end
			local a = pharos.MetricWatcher{ name = "a", ` + own + `
			local n = 0`, `n = n + 1 if n < 3 then return { a } end return { a, Slow{ name = "b" } }`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newTestBoard(t)
			var before []engine.Watcher
			left := false
			b.primitives = fakes{exec: func(context.Context, string, probe.ExecRequest) (*probe.ExecResult, error) {
				before[0].Released(true)
				left = true
				return &probe.ExecResult{}, nil
			}}
			b.load(discovering(test.before, test.body))
			b.found.Release()
			find := func() []engine.Watcher {
				found, err := b.discover()
				if err != nil {
					t.Fatal(err)
				}
				return found
			}
			before = find()
			found := find()
			if test.meanwhile != nil {
				test.meanwhile(b, before)
			} else if !left {
				t.Fatal("nobody left meanwhile")
			}
			if got, err := found[0].Check(context.Background()); err != nil || got.Value != "1" {
				t.Fatalf("Check() = %+v, %v, want 1", got, err)
			}
			if states, _ := b.Memory.States(); string(states["fleet.a"]) != `{"n":1}` {
				t.Errorf("States() = %s, want n = 1", states)
			}
		})
	}
}

// Whatever goes wrong is told with its place.
func TestDiscoveryErrors(t *testing.T) {
	for _, test := range []struct{ body, want string }{
		{`error("broke")`, "F:3: broke"},
		{`local x = nil; return x.y`, "F:3: attempt to index"},
		{`for _ in ipairs(pharos.json.decode("<html>")) do end`, "F:3: bad argument #1 to 'ipairs' (table expected, got nil) (just before: decoding JSON: "},
		{`return nil, "text"`, "F:2: text"},
		{`return pharos.exec("x")`, "F:2: refused"},
		{`assert(pharos.exec("x"))`, "refused"},
		{`return pharos.CommandMetricWatcher{ name = "a", command = "true" }`, `F:3: cannot use what the function of WatcherSet "Fleet" gave: want a list, put braces around it`},
		{`return 5`, `F:2: the function of WatcherSet "Fleet" gave a number: want a list of watchers, or nil and an error`},
		{``, `F:2: the function of WatcherSet "Fleet" gave a nil`},
		{`return { 5 }`, `F:2: cannot use what the function of WatcherSet "Fleet" gave[1]: want a watcher, got a number`},
		{`return { pharos.CommandMetricWatcher{ name = "a" } }`, "F:3: cannot make a CommandMetricWatcher without a command"},
		{`return { pharos.CommandMetricWatcher{ name = "a", command = "c", interval = "1ms" } }`, `F:3: cannot use option "interval" of CommandMetricWatcher: want at least 50ms, got 1ms`},
		{`while true do end`, "computed for too long"},
		{`return nil, token`, "F:2: "},
	} {
		b := newTestBoard(t)
		b.slice = vm.DefaultSlice
		b.primitives = refusing()
		b.LookupEnv = func(string) (string, bool) { return "a long secret", true }
		b.load(discovering(`local token = pharos.secret("TOKEN")`, test.body))
		found, err := b.discover()
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), scriptName(b.Path), "F"), test.want) {
			t.Errorf("Find of %s = %v, %v, want %q", test.body, found, err, test.want)
		} else if strings.Contains(err.Error(), "a long secret") {
			t.Errorf("Find of %s = %v: the secret shows", test.body, err)
		}
	}
}

// One that waits too long is ended with its time.
func TestDiscoveryTimesOut(t *testing.T) {
	b := newTestBoard(t)
	b.load(discovering("", `while true do pharos.time.sleep(9) end`))
	if found, err := b.discoverWithin(time.Second); err == nil || !strings.Contains(err.Error(), "the run") {
		t.Errorf("Find = %v, %v, want the run's end", found, err)
	}
}

func TestDiscoveryMistakes(t *testing.T) {
	const find = "function() return {} end"
	for _, test := range []struct{ set, want string }{
		{`pharos.WatcherSet("x", ` + find + `, { intervall = 3 })`, `cannot use option "intervall" of WatcherSet (did you mean "interval"? valid: interval, limit, needs, timeout)`},
		{`pharos.WatcherSet("x", ` + find + `, { interval = "200ms" })`, `cannot use option "interval" of WatcherSet "x": want at least 1s, got 200ms`},
		{`pharos.WatcherSet("x", ` + find + `, { limit = 0 })`, `cannot use option "limit" of WatcherSet "x": want a whole number from 1 to 10000, got 0`},
		{`pharos.WatcherSet("x", {}, { limit = 5 })`, `cannot use option "limit" of WatcherSet "x": it is for a function that finds its members`},
		{`pharos.WatcherSet("x", {}, { need = "y" })`, `cannot use option "need" of WatcherSet (did you mean "needs"?`},
		{`pharos.WatcherSet("x", {}, { needs = 5 })`, `cannot use option "needs" of WatcherSet "x": want an id or a list of ids, got number`},
		{`pharos.WatcherSet("x", {}, "y")`, `cannot use the options of WatcherSet "x": they are a table`},
		{`pharos.WatcherSet("x", 7)`, `cannot make a WatcherSet of a string and a number`},
		{`pharos.WatcherSet("x", ` + find + `), pharos.WatcherSet("x", ` + find + `)`, `cannot find members for WatcherSet "x" twice: `},
	} {
		b := newTestBoard(t)
		err := b.tryLoad("metric_watcher_sets = { " + test.set + " }")
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "pharos.lua:1: ") {
			t.Errorf("Load of %s = %v, want %q", test.set, err, test.want)
		}
	}
}

// What a set needs, its members do that have no need of their own, but for the one
// that it is.
func TestNeedsOfASet(t *testing.T) {
	members := `{ pharos.MetricWatcher{ name = "uplink", check = print }, pharos.MetricWatcher{ name = "a", check = print }, pharos.MetricWatcher{ name = "b", check = print, needs = "shop.a" } }`
	for name, watchers := range map[string]string{"a list": members, "a discovery": "function() return " + members + " end"} {
		b := newTestBoard(t)
		b.load(`metric_watcher_sets = { pharos.WatcherSet("Shop", ` + watchers + `, { needs = "shop.uplink" }),
			pharos.WatcherSet("Other", { pharos.MetricWatcher{ name = "c", check = print } }) }`)
		for id, want := range map[engine.ID]string{"shop.uplink": "[]", "shop.a": "[shop.uplink]", "shop.b": "[shop.a]", "other.c": "[]"} {
			if got := fmt.Sprint(b.watcher(id).Needs); got != want {
				t.Errorf("of %s, %s needs %s, want %s", name, id, got, want)
			}
		}
		if len(b.problems) > 0 {
			t.Errorf("of %s: %v", name, b.problems)
		}
	}
}

// runs lets an engine run until the test ends.
func (b *testBoard) runs(e *engine.Engine) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- e.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Errorf("Run() = %v, want nil", err)
		}
	})
}

// await waits until the condition holds for the watcher.
func (b *testBoard) await(e *engine.Engine, id engine.ID, what string, holds func(v engine.View, there bool) bool) engine.View {
	b.Helper()
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		v, there := e.Board().View(id)
		if holds(v, there) {
			return v
		}
		if time.Since(start) > time.Minute {
			b.Fatalf("%s: not %s in a minute: %v %q %q; %+v", id, what, v.Status, v.Result.Value, v.Result.Detail, e.Board().Snapshot().Sets)
		}
	}
}

// A member that is found again keeps its self. Over a reload the old ones run
// in their universe until the new discovery answered: no result is missed,
// self.state is kept, and then the old universe is closed.
func TestDiscoveryOverReload(t *testing.T) {
	b := newTestBoard(t)
	answers := make(chan string, 100)
	b.primitives = fakes{exec: func(ctx context.Context, _ string, req probe.ExecRequest) (*probe.ExecResult, error) {
		select {
		case names := <-answers:
			return &probe.ExecResult{Stdout: []byte(names)}, nil
		case <-ctx.Done():
			return nil, &probe.Error{Kind: probe.Timeout, Message: "no answer"}
		}
	}}
	script := func(version int) string {
		return fmt.Sprintf(`metric_watcher_sets = { pharos.WatcherSet("Fleet", function()
			local watchers = {}
			local list = assert(pharos.exec("list")).stdout
			for name in list:gmatch("%%S+") do
				watchers[#watchers + 1] = pharos.MetricWatcher{ name = name, interval = "50ms", timeout = 5, check = function(self)
					self.own = (self.own or 0) + 1
					self.state.total = (self.state.total or 0) + 1
					return "ok", "v%d " .. self.own, self.state.total
				end }
			end
			return watchers
		end, { interval = 1, timeout = 5 }) }`, version)
	}
	b.write("pharos.lua", script(1))
	load := func() *Config {
		o := b.Options
		o.Prev, o.Number = b.config, b.Options.Number+1
		config, err := Load(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		b.Options.Number, b.config = o.Number, config
		return config
	}
	old := load()
	e := engine.New(engine.Config{Logger: b.Logger})
	e.Replace(b.config.Generation)
	b.runs(e)
	answers <- "a b"
	b.await(e, "fleet.a", "run three times", func(v engine.View, there bool) bool { return v.Runs >= 3 })
	answers <- "a"
	b.await(e, "fleet.b", "gone", func(_ engine.View, there bool) bool { return !there })
	before := b.await(e, "fleet.a", "there", func(_ engine.View, there bool) bool { return there })
	if !strings.HasPrefix(before.Result.Value, "v1 ") || before.Result.Value == "v1 1" {
		t.Errorf("value of a member that was found again = %q, want one of the same self", before.Result.Value)
	}
	b.await(e, "fleet.b", "forgotten", func(engine.View, bool) bool { // soon after it left the board
		b.Memory.mu.Lock()
		defer b.Memory.mu.Unlock()
		return b.Memory.entries["fleet.b"] == nil
	})

	b.write("pharos.lua", script(2))
	config := load()
	t.Cleanup(config.Close)
	e.Replace(config.Generation)
	old.Close()
	b.Memory.Retain(e.Board().Expects)
	runs := before.Runs
	during := b.await(e, "fleet.a", "run on", func(v engine.View, _ bool) bool { return v.Runs > runs+5 })
	if during.Status != engine.OK || !strings.HasPrefix(during.Result.Value, "v1 ") {
		t.Errorf("before the new discovery answered: %v %q, want ok by the old script", during.Status, during.Result.Value)
	}
	if old.scripts[0].universe.Dead() {
		t.Error("the old universe is closed while its members run")
	}
	answers <- "a"
	after := b.await(e, "fleet.a", "the new one", func(v engine.View, _ bool) bool { return strings.HasPrefix(v.Result.Value, "v2 ") })
	if len(after.Transitions) != 1 || after.Result.Detail < "6" && len(after.Result.Detail) < 2 {
		t.Errorf("after it: %d transitions, state %q, want 1 and the state of before", len(after.Transitions), after.Result.Detail)
	}
	for start := time.Now(); !old.scripts[0].universe.Dead(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatal("the old universe is never closed")
		}
	}
}
