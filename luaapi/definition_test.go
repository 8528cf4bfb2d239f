package luaapi

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
)

func (b *testBoard) definitions() map[engine.ID]string {
	definitions := map[engine.ID]string{}
	for _, set := range b.config.Generation.Sets {
		for _, w := range set.Watchers {
			definitions[w.ID] = w.Definition
		}
	}
	return definitions
}

const definitionBoard = `
local limits = { queue = 3, deep = { 1, 2, { x = 1 } } }
local function classify(n)
  if n > limits.queue then return "critical" end
  return "ok"
end
local Queue = pharos.MetricWatcher:extend{ options = { queue = "string" } }
function Queue:check() return classify(#self.queue) end
local Loud = Queue:extend{}
function Loud:detail(result) return Loud.super.detail(self, result) end
local hosts = { "a", "b" }
metric_watchers = {
  Queue{ name = "queue", queue = "jobs" },
  Loud{ name = "loud", queue = "jobs", thresholds = { 1, 2, 3 } },
  pharos.CommandMetricWatcher{ name = "command", command = { "true", "x" } },
  pharos.MetricWatcher{ name = "own", check = function(self) return 1 end },
  pharos.MetricWatcher{ name = "format", check = function(self) return string.format("%d", 1) end },
}
for i, host in ipairs(hosts) do
  table.insert(metric_watchers, pharos.MetricWatcher{ name = host, check = function(self) return "ok", host end })
end
local up = string.upper
table.insert(metric_watchers, pharos.MetricWatcher{ name = "upvalue", check = function(self) return up("ok") end })
`

// An edit changes the definitions of the watchers that it is about, and of no
// other.
func TestDefinitionFollowsEdits(t *testing.T) {
	for _, test := range []struct {
		name     string
		old, new string
		changed  []engine.ID
	}{
		{"lines moved", "\nlocal limits", "\n\n-- a comment\n\nlocal limits", nil},
		{"local renamed", "local function classify(n)\n  if n >", "local function classify(m)\n  if m >", nil},
		{"option", `{ "true", "x" }`, `{ "true", "y" }`, []engine.ID{"command"}},
		{"option added", `queue = "jobs" }`, `queue = "jobs", interval = 3 }`, []engine.ID{"queue"}},
		{"threshold", "{ 1, 2, 3 }", "{ 1, 2, 4 }", []engine.ID{"loud"}},
		{"constant", "return 1 end", "return 2 end", []engine.ID{"own"}},
		{"code", "return 1 end", "return -1 end", []engine.ID{"own"}},
		{"nested constant", `"%d"`, `"%i"`, []engine.ID{"format"}},
		{"method of a class", "classify(#self.queue)", "classify(#self.queue + 1)", []engine.ID{"loud", "queue"}},
		{"function called by a method", `"critical"`, `"warning"`, []engine.ID{"loud", "queue"}},
		{"upvalue's table", "queue = 3", "queue = 4", []engine.ID{"loud", "queue"}},
		{"deep in an upvalue", "x = 1", "x = 2", []engine.ID{"loud", "queue"}},
		{"subclass", "return Loud.super.detail(self, result)", "return 'x'", []engine.ID{"loud"}},
		{"loop variable", `{ "a", "b" }`, `{ "a", "c" }`, []engine.ID{"b", "c"}},
		{"library function", "string.upper", "string.lower", []engine.ID{"upvalue"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newTestBoard(t)
			b.load(definitionBoard)
			before := b.definitions()
			edited := replaceOnce(t, definitionBoard, test.old, test.new)
			b.load(edited)
			after := b.definitions()
			var changed []engine.ID
			all := maps.Clone(before)
			maps.Copy(all, after)
			for id := range all {
				if before[id] != after[id] {
					changed = append(changed, id)
				}
			}
			slices.Sort(changed)
			if diff := cmp.Diff(test.changed, changed); diff != "" {
				t.Errorf("changed definitions (-want +got):\n%s", diff)
			}
		})
	}
}

// A watcher that runs leaves its definition alone: what a reload computes does
// not depend on what happened before.
func TestDefinitionIgnoresRuns(t *testing.T) {
	b := newTestBoard(t)
	text := `metric_watchers = { pharos.MetricWatcher{ name = "x", check = function(self) self.state.n = (self.state.n or 0) + 1 return "ok" end } }`
	b.load(text)
	before := b.watcher("x").Definition
	b.run("x")
	b.load(text + "\n")
	if after := b.watcher("x").Definition; after != before {
		t.Errorf("Definition = %s after a run and a reload, want %s", after, before)
	}
}

// Tables and functions that refer back to themselves, and to each other, end.
func TestDefinitionOfCycles(t *testing.T) {
	text := `
local a, b = {}, {}
a.b, b.a, a.self = b, a, a
local function even(n) return n == 0 end
local function odd(n) return n ~= 0 and even(n - 1) end
a.f = function() return a, b, odd end
local w
w = pharos.MetricWatcher{ name = "x", check = function(self) return w == self, a.f end }
metric_watchers = { w, pharos.MetricWatcher{ name = "y", check = function(self) return a.f end } }`
	b := newTestBoard(t)
	b.load(text)
	before := b.definitions()
	b.load("-- moved\n" + text)
	if diff := cmp.Diff(before, b.definitions()); diff != "" {
		t.Errorf("definitions moved with the lines (-before +after):\n%s", diff)
	}
}

// Tables and functions that all refer to one another are walked through once, not by
// every way that leads through them: of ten there are millions.
func TestDefinitionOfATangle(t *testing.T) {
	define := func(last string) string {
		b := newTestBoard(t)
		b.load(`local all = {}
for i = 1, 300 do all[i] = { n = i } end
all[300].n = ` + last + `
for i = 1, #all do for j = 1, #all do all[i][j] = all[j] end end
local walk = {}
for i = 1, 50 do walk[i] = function(n) return walk[n](i) end end
metric_watchers = { pharos.MetricWatcher{ name = "x", check = function() return "ok", #all + #walk end } }`)
		return b.config.Generation.Sets[0].Watchers[0].Definition
	}
	if first, again := define("7"), define("7"); first != again {
		t.Errorf("definitions = %v and %v, want the same for the same file", first, again)
	}
	if first, other := define("7"), define("8"); first == other {
		t.Errorf("definition = %v, want another one where a table has another number", first)
	}
}
