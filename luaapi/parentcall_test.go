package luaapi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A parent's method that is called with a colon works on the class: that is found
// without a run, and the tile of a run that broke says it.
func TestParentCalledWithColon(t *testing.T) {
	b := newTestBoard(t)
	b.load(`local Base = pharos.CommandMetricWatcher:extend{ class_name = "Base" }
function Base:check() return "ok", self.command .. "" end
local Child = Base:extend{}
function Child:check()
  return Base:check()
end
function Child:handle_output(output) return Base:handle_output(output) end
local Good = Base:extend{}
function Good:check() Base:register() return Base.check(self) end
function Base:register() end
local Super = Base:extend{}
function Super:check() return self.super:check() end
function Super:detail() return self:step("x", function() return Base:detail(), (function() return self.super:value() end)() end) end
local Deep = pharos.CommandMetricWatcher:extend{ command = "true" }
function Deep:check() return self.super.check(self) end
function Deep:value() return (function() return self.super.value(self, 1) end)() end
local Deeper = Deep:extend{}
function Deeper:detail(r) return self.super.detail(self, r) end
metric_watchers = {
  Deep{ name = "f" }, Deeper{ name = "g", timeout = "100ms" },
  Child{ name = "a", command = "true" }, Child{ name = "b", command = "true" }, Good{ name = "c", command = "true" },
  Super{ name = "d", command = "true" },
  pharos.CommandMetricWatcher{ name = "h", command = "true", check = function(self) return self.super.check(self) end },
  pharos.MetricWatcher{ name = "e", check = function(self) return pharos.CommandMetricWatcher:check() end },
}`)
	got := lines(b.config.Lint(t.Context()))
	want := []string{
		"5: Base:check(...) works on the class and not on this watcher: write Base.check(self, ...), with a dot",
		"7: Base:handle_output(...) works on the class and not on this watcher: write Base.handle_output(self, ...), with a dot",
		"12: self.super:check(...) works on the class and not on this watcher: write Parent.check(self, ...), with a dot",
		"13: Base:detail(...) works on the class and not on this watcher: write Base.detail(self, ...), with a dot",
		"13: self.super:value(...) works on the class and not on this watcher: write Parent.value(self, ...), with a dot",
		"15: self.super.check(...) is of the class above this watcher's own, which is another: write Parent.check(self, ...)",
		"16: self.super.value(...) is of the class above this watcher's own, which is another: write Parent.value(self, ...)",
		"23: self.super.check(...) is of the class above this watcher's own, which is another: write Parent.check(self, ...)",
		"24: pharos.CommandMetricWatcher:check(...) works on the class and not on this watcher: write pharos.CommandMetricWatcher.check(self, ...), with a dot",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if got, want := b.run("a").Detail, "(field 'command') ("+b.Path+":5: Base:check(...) works on the class"; !strings.Contains(got, want) {
		t.Errorf("the tile says %q, want it to say %q", got, want)
	}
	if got, want := b.run("g").Detail, "still computing when its timeout of 100ms ended (self.super.check(...) is of the class"; !strings.Contains(got, want) {
		t.Errorf("the tile of endless calls says %q, want it to say %q", got, want)
	}
	if got := b.run("c"); got.Value != "true" {
		t.Errorf("a parent called with a dot gives %+v", got)
	}
}
