package luaapi

import (
	"fmt"
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
metric_watchers = {
  Child{ name = "a", command = "true" }, Child{ name = "b", command = "true" }, Good{ name = "c", command = "true" },
  Super{ name = "d", command = "true" },
  pharos.MetricWatcher{ name = "e", check = function(self) return pharos.CommandMetricWatcher:check() end },
}`)
	var got []string
	for _, finding := range b.config.Lint(t.Context()) {
		got = append(got, fmt.Sprintf("%d: %s", finding.Line, finding.Message))
	}
	want := []string{
		"5: Base:check(...) works on the class and not on this watcher: write Base.check(self, ...), with a dot",
		"7: Base:handle_output(...) works on the class and not on this watcher: write Base.handle_output(self, ...), with a dot",
		"12: self.super:check(...) works on the class and not on this watcher: write Parent.check(self, ...), with a dot",
		"16: pharos.CommandMetricWatcher:check(...) works on the class and not on this watcher: write pharos.CommandMetricWatcher.check(self, ...), with a dot",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if got, want := b.run("a").Detail, "(field 'command') ("+b.Path+":5: Base:check(...) works on the class"; !strings.Contains(got, want) {
		t.Errorf("the tile says %q, want it to say %q", got, want)
	}
	if got := b.run("c"); got.Value != "true" {
		t.Errorf("a parent called with a dot gives %+v", got)
	}
}
