package luaapi

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/probe"
)

// refusing answers "true" at once, and refuses everything else.
func refusing() fakes {
	return fakes{exec: func(_ context.Context, _ string, req probe.ExecRequest) (*probe.ExecResult, error) {
		if req.String() == "true" {
			return &probe.ExecResult{}, nil
		}
		return nil, &probe.Error{Kind: probe.Refused, Phase: "connect", Message: "refused"}
	}}
}

// A step fails by what it gives or raises; the first that does ends the run,
// decides it and is named.
func TestJourneyFails(t *testing.T) {
	for _, test := range []struct {
		step, value string
		status      engine.Status
		detail      string
		phase       string // of the failure; "-" = there is none
	}{
		{`return self:critical("down", "nobody")`, "2/3 two", engine.Critical, "down: nobody", "-"},
		{`return self:warning(7)`, "2/3 two", engine.Warning, "7", "-"},
		{`self:unknown("who", "knows")`, "2/3 two", engine.Unknown, "who: knows", "-"},
		{`return "critical", "gone"`, "2/3 two", engine.Critical, "gone", "-"},
		{`return { status = "critical", detail = "so" }`, "2/3 two", engine.Critical, "so", "-"},
		{`return false, "no"`, "2/3 two", engine.Critical, "no", "-"},
		{`return pharos.exec("x")`, "2/3 two", engine.Critical, "refused", "connect"},
		{`assert(pharos.exec("x"))`, "2/3 two", engine.Critical, "refused", "connect"},
		{`return nil, "text"`, "2/3 two", engine.Critical, "text", "two"},
		{`error("broke")`, "2/3 two", engine.Unknown, "pharos.lua:2: broke", "two"},
		{`self:step("inner", function() end)`, "2/3 two", engine.Unknown, `inside the step "two"`, "two"},
		{`while true do pharos.time.sleep(60) end`, "2/3 two", engine.Critical, "the run's time ended", "two"},
	} {
		b := newTestBoard(t)
		b.primitives = refusing()
		b.load(`metric_watchers = { pharos.MetricWatcher{ name = "x", timeout = 1, unit = "s", steps = 3, check = function(self)
			self:step("one", function() assert(pharos.exec("true")) end) self:step("two", function() ` + test.step + ` end)
			self:step("three", function() self.went_on = true end) return "ok" end } }`)
		got := b.run("x")
		if got.Value != test.value || got.Unit != "" || got.Status != test.status || !strings.Contains(got.Detail, test.detail) {
			t.Errorf("run of %s = %v %q %q %q, want %v %q %q", test.step, got.Status, got.Value, got.Unit, got.Detail, test.status, test.value, test.detail)
		}
		phase := "-"
		if got.Failure != nil {
			phase = got.Failure.Phase
		}
		if phase != test.phase {
			t.Errorf("run of %s failed in phase %q, want %q", test.step, phase, test.phase)
		}
		if len(got.Timing) != 2 || got.Timing[0].Name != "one" || got.Timing[1].Name != "two" {
			t.Errorf("run of %s = phases %v, want one and two", test.step, got.Timing)
		}
	}
}

// What a step returns is the script's, whatever status it has.
func TestJourneyReturns(t *testing.T) {
	for _, test := range []struct{ step, want string }{
		{`return 1, 2, 3`, "1 2 3"},
		{`return { status = 500, body = "x" }`, "table"},
		{`return { status = "critical", name = "an alert of another system" }`, "table"},
		{`return true`, "true"},
		{`return "warning signs"`, "warning signs"},
		{`return self:ok(1)`, "table"},
		{``, ""},
		{`return nil`, "nil"},
	} {
		b := newTestBoard(t)
		got := b.check(`local got = { self:step("s", function() ` + test.step + ` end) }
			for i = 1, #got do if type(got[i]) == "table" then got[i] = "table" end got[i] = tostring(got[i]) end
			return "ok", table.concat(got, " ")`)
		if want := strings.TrimSuffix(test.want, "nil"); got.Status != engine.OK || got.Value != want {
			t.Errorf("a step with %q gave %v %q %q, want %q", test.step, got.Status, got.Value, got.Detail, want)
		}
	}
}

// A script that catches a failed step's error does not undo it.
func TestJourneyCaught(t *testing.T) {
	for _, test := range []struct {
		step   string
		status engine.Status
		detail string
	}{
		{`return self:critical("down")`, engine.Critical, "down"},
		{`assert(pharos.exec("x"))`, engine.Critical, "refused"},
		{`error("broke")`, engine.Unknown, "broke"},
	} {
		b := newTestBoard(t)
		b.primitives = refusing()
		got := b.check(`pcall(function() self:step("a", function() ` + test.step + ` end) end)
			pcall(function() self:step("b", function() end) end) return "ok"`)
		if got.Status != test.status || got.Value != "1 a" || !strings.Contains(got.Detail, test.detail) {
			t.Errorf("run of %s = %v %q %q, want %v 1 a %q", test.step, got.Status, got.Value, got.Detail, test.status, test.detail)
		}
	}
}

// How many steps there are is learned from a journey that went well, and is
// known still after the file was changed.
func TestJourneyTotal(t *testing.T) {
	b := newTestBoard(t)
	script := func(fails string) string {
		return `metric_watchers = { pharos.MetricWatcher{ name = "x", timeout = 30, check = function(self)
			for _, name in ipairs{ "a", "b", "c" } do self:step(name, function() return name ~= "` + fails + `" end) end end } }`
	}
	for _, test := range []struct{ fails, want string }{{"b", "2 b"}, {"", ""}, {"b", "2/3 b"}, {"c", "3/3 c"}} {
		b.load(script(test.fails))
		if got := b.run("x"); test.want != "" && got.Value != test.want {
			t.Errorf("a journey that fails in %q shows %q, want %q", test.fails, got.Value, test.want)
		}
	}
	b.load(strings.Replace(script("b"), "timeout = 30", "steps = { 'a', 'b', 'x', 'c' }", 1))
	if got := b.run("x"); got.Value != "2/4 b" {
		t.Errorf("a journey whose steps are named shows %q, want 2/4 b", got.Value)
	}
	b.load(strings.Replace(script("c"), "timeout = 30", "steps = { 'a', 'ba', 'c' }", 1))
	if got := b.run("x"); got.Status != engine.Unknown || !strings.Contains(got.Detail, `cannot take the step "b" (valid: a, ba, c)`) {
		t.Errorf("a step that steps does not name = %v %q", got.Status, got.Detail)
	}
}

// A journey that went well shows its time, judged by the thresholds, unless
// check says something else.
func TestJourneyArrives(t *testing.T) {
	steps := `self:step("a", function() pharos.time.sleep(0.02) end) self:step("b", function() end)`
	for _, test := range []struct {
		options, ret string
		status       engine.Status
		unit, detail string
	}{
		{``, ``, engine.OK, "s", "a, b"},
		{`thresholds = { warn = 0.01, crit = 30 },`, ``, engine.Warning, "s", "a, b"},
		{``, `return "ok", 5, "five"`, engine.OK, "", "five"},
		{``, `self:warning(5, "rec")`, engine.Warning, "", "rec"},
	} {
		b := newTestBoard(t)
		b.load(`metric_watchers = { pharos.MetricWatcher{ name = "x", timeout = 30, ` + test.options + ` check = function(self) ` + steps + test.ret + ` end } }`)
		got := b.run("x")
		if got.Status != test.status || got.Unit != test.unit || got.Detail != test.detail {
			t.Errorf("%s%s = %v %q %q %q, want %v, %q %q", test.options, test.ret, got.Status, got.Value, got.Unit, got.Detail, test.status, test.unit, test.detail)
		}
		if len(got.Timing) != 2 || got.Timing[0].Duration < 20*time.Millisecond {
			t.Errorf("phases = %v, want a of 20 ms and b", got.Timing)
		}
	}
}

// Steps belong to a run, and come one after the other.
func TestJourneyMisuse(t *testing.T) {
	for _, test := range []struct{ body, want string }{
		{`self.step("a", function() end)`, "cannot take a step here"},
		{`self:step("a")`, "cannot take a step with a string and a nil"},
		{`self:step("", function() end)`, "cannot take a step with a string and a function"},
		{`for i = 1, 65 do self:step("s", function() end) end`, "cannot take more than 64 steps"},
	} {
		b := newTestBoard(t)
		if got := b.check(test.body); got.Status != engine.Unknown || !strings.Contains(got.Detail, test.want) {
			t.Errorf("%s = %v %q, want unknown, %q", test.body, got.Status, got.Detail, test.want)
		}
	}
	for _, test := range []struct{ option, want string }{
		{`steps = 0`, "want a whole number from 1 to 64"}, {`steps = {}`, "want 1 to 64 names, got 0"}, {`steps = "x"`, "want number or table"},
	} {
		b := newTestBoard(t)
		err := b.tryLoad(`metric_watchers = { pharos.MetricWatcher{ name = "x", ` + test.option + `, check = function() end } }`)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Load of %s = %v, want %q", test.option, err, test.want)
		}
	}
}

func TestJourneyTraced(t *testing.T) {
	b := newTestBoard(t)
	b.load(`metric_watchers = { pharos.MetricWatcher{ name = "x", timeout = 30, steps = 2, check = function(self)
		self:step("a", function() end) self:step("b", function() return false end) end } }`)
	var told []string
	ctx := WithTrace(context.Background(), func(e Event) { told = append(told, e.Kind+" "+e.Text+" "+e.Outcome) })
	if _, err := b.watcher("x").Check(ctx); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(told, ", "); got != "step 1/2 a ok, step 2/2 b failed" {
		t.Errorf("events = %s, want the two steps", got)
	}
}

// A step that is not among those that the watcher says it has is told when the
// file loads: a run may come to it once a year.
func TestMisspeltSteps(t *testing.T) {
	b := newTestBoard(t)
	b.write("lib/shop.lua", `return function(self)
  self:step("confrim", print)
end`)
	b.load(`local finish = require("shop")
local function pay(self, again)
  self:step("pya", print)
  if again then pay(self) end
end
local Shop = pharos.MetricWatcher:extend{}
function Shop:look() self:step("look", print) self:step("loook", print) end
function Shop:check()
  self:look()
  pay(self) finish(self) self:step("open" .. "s", print)
end
metric_watchers = {
  Shop{ name = "a", steps = { "open", "look", "pay", "confirm" } },
  Shop{ name = "b", steps = 4 },
  pharos.MetricWatcher{ name = "c", steps = { "one" }, check = function(self) self:step("two", print) end },
  pharos.MetricWatcher{ name = "d", steps = { "one" }, check = function(self) self:step("one", print) end }, pharos.MetricWatcher{ name = "e", steps = { "two" }, check = function(self) self:step("two", print) end },
  pharos.MetricWatcher{ name = "f", check = function(self) self:step("any", print) end },
}`)
	var got []string
	for _, w := range b.config.Warnings {
		got = append(got, fmt.Sprintf("%s:%d: %s", filepath.Base(w.File), w.Line, w.Message))
	}
	slices.Sort(got)
	want := []string{
		`pharos.lua:15: the steps of "c" have no "two" (valid: one)`,
		`pharos.lua:3: the steps of "a" have no "pya" (did you mean "pay"? valid: confirm, look, open, pay)`,
		`pharos.lua:7: the steps of "a" have no "loook" (did you mean "look"? valid: confirm, look, open, pay)`,
		`shop.lua:2: the steps of "a" have no "confrim" (did you mean "confirm"? valid: confirm, look, open, pay)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}
