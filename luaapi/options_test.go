package luaapi

import (
	"context"
	"strings"
	"testing"

	"pharos/engine"
	"pharos/engine/probe"
)

// 0 is no time to do anything in. It must not mean the default, or nothing at all.
func TestNoTimeIsRefused(t *testing.T) {
	for call, option := range map[string]string{
		`exec("true", { timeout = 0 })`:                    "timeout",
		`exec("true", { kill_after = "0s" })`:              "kill_after",
		`ssh("h"):exec("true", { timeout = 0 })`:           "timeout",
		`http.get("http://127.0.0.1:1/", { timeout = 0 })`: "timeout",
		`tcp("127.0.0.1:1", { timeout = 0 })`:              "timeout",
		`tls("127.0.0.1:1", { timeout = 0 })`:              "timeout",
		`dns("a.example", { timeout = 0 })`:                "timeout",
		`ping("127.0.0.1", { timeout = "0ms" })`:           "timeout",
		`ping("127.0.0.1", { interval = 0 })`:              "interval",
		`ping("127.0.0.1", { wait = 0 })`:                  "wait",
		`cache{ ttl = 0 }`:                                 "ttl",
		`tcp.connect("127.0.0.1:1", { timeout = 0 })`:      "timeout",
	} {
		b := newTestBoard(t)
		b.primitives = fakes{}
		got := b.check(`return "ok", pharos.` + call)
		if got.Status != engine.Unknown || !strings.Contains(got.Detail, `cannot use option "`+option+`" of `) || !strings.Contains(got.Detail, "want more than 0 seconds") {
			t.Errorf("pharos.%s = %v %q, want unknown: %s wants more than 0 seconds", call, got.Status, got.Detail, option)
		}
	}
}

// max_body = 0 keeps nothing of a body, and not as much as without it.
func TestMaxBodyNone(t *testing.T) {
	b := newTestBoard(t)
	var max int
	b.primitives = fakes{http: func(_ context.Context, _ string, req *probe.HTTPRequest) (*probe.HTTPResult, error) {
		max = req.MaxBody
		return answer(200, probe.Timing{}, ""), nil
	}}
	b.check(`return "ok", pharos.http.get("http://127.0.0.1/", { max_body = 0 }).body`)
	if max >= 0 {
		t.Errorf("max_body = 0 asks for MaxBody = %d, want a negative one, which keeps none", max)
	}
}

// What a watcher is about is never empty: the shell does well with no command, and
// the folder of the script is a file that was changed just now.
func TestNothingToWatchIsRefused(t *testing.T) {
	for options, want := range map[string]string{
		`CommandMetricWatcher{ name = "x", command = "" }`:                                          "without a command",
		`CommandMetricWatcher{ name = "x", command = " \n" }`:                                       "without a command",
		`CommandMetricWatcher{ name = "x", command = {} }`:                                          "without a command",
		`NagiosMetricWatcher{ name = "x", command = { "", "-w" } }`:                                 "without a command",
		`PageGETMetricWatcher{ name = "x", url = "" }`:                                              "without a url",
		`TCPMetricWatcher{ name = "x", address = "" }`:                                              "without an address",
		`TLSMetricWatcher{ name = "x", address = "" }`:                                              "without an address",
		`DNSMetricWatcher{ name = "x", host = "" }`:                                                 "without a host",
		`DNSMetricWatcher{ name = "x", host = "h", expect = {} }`:                                   "want the data of a record at least",
		`DNSMetricWatcher{ name = "x", host = "h", expect = "" }`:                                   "want the data of a record at least",
		`PingMetricWatcher{ name = "x", host = "" }`:                                                "without a host",
		`FileMetricWatcher{ name = "x", path = "" }`:                                                "without a path",
		`MetricWatcher{ name = "x", events = pharos.exec.stream("", type) }`:                        "cannot use command of pharos.exec.stream: the text is empty",
		`MetricWatcher{ name = "x", events = pharos.http.sse("http://h/", type, { timeout = 0 }) }`: `cannot use option "timeout" of pharos.http.sse: want more than 0 seconds`,
	} {
		err := newTestBoard(t).tryLoad("metric_watchers = { pharos." + options + " }")
		if err == nil || !strings.Contains(err.Error(), "pharos.lua:1: cannot ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("Load(%s) = %v, want it to end in %q", options, err, want)
		}
	}
	for call, want := range map[string]string{
		`exec("")`:           "the text is empty",
		`exec(" \n")`:        "the text is empty",
		`nagios("")`:         "the text is empty",
		`exec({ "", "-l" })`: "the list is empty, or its first text",
	} {
		if got := newTestBoard(t).check("return pharos." + call); got.Status != engine.Unknown || !strings.Contains(got.Detail, want) {
			t.Errorf("pharos.%s = %v %q, want unknown, %s", call, got.Status, got.Detail, want)
		}
	}
}

// of makes a derive. A class of the script's own may call an option so.
func TestOfIsDerivesOnly(t *testing.T) {
	b := newTestBoard(t)
	b.load(`local Mine = pharos.MetricWatcher:extend{ options = { of = "string" }, check = function(self) return "ok", self.name, self.of end }
metric_watchers = { Mine{ name = "x", of = "nobody" } }`)
	if got := b.run("x"); got.Value != "x" || got.Detail != "nobody" {
		t.Errorf("run = %v %q %q, want x, nobody", got.Status, got.Value, got.Detail)
	}
}

// The type of an option is one of Lua's, or what a source of events is called here.
func TestOptionsOfAnyType(t *testing.T) {
	b := newTestBoard(t)
	b.load(`local Mine = pharos.MetricWatcher:extend{ options = { recent = "userdata", old = "number | userdata" } }
function Mine:check() return self.recent:count() + self.old:count() end
metric_watchers = { Mine{ name = "x", recent = pharos.ring(3), old = pharos.cache() } }`)
	if got := b.run("x"); got.Value != "0" {
		t.Errorf("run = %v %q %q, want 0", got.Status, got.Value, got.Detail)
	}
}

// What a file declares is read once. A run that sets it would wait for nothing.
func TestDeclarationsAreReadOnce(t *testing.T) {
	for _, name := range globals {
		b := newTestBoard(t)
		b.load(`page_tag = "T"
metric_watchers = {
  pharos.MetricWatcher{ name = "reads", check = function() return "ok", page_tag .. #metric_watchers, type(metric_watcher_sets) end },
  pharos.MetricWatcher{ name = "sets", check = function() ` + name + ` = nil return "ok" end },
}`)
		if got := b.run("reads"); got.Value != "T2" || got.Detail != "nil" {
			t.Errorf("run = %v %q %q, want T2, nil", got.Status, got.Value, got.Detail)
		}
		want := `cannot set global "` + name + `" in a run: it was read when the file had loaded`
		if got := b.run("sets"); got.Status != engine.Unknown || !strings.Contains(got.Detail, want) {
			t.Errorf("setting %s in a run = %v %q, want unknown, %s", name, got.Status, got.Detail, want)
		}
	}
}

// Thresholds of a time are written as times are everywhere else.
func TestThresholdsAsDurations(t *testing.T) {
	for options, want := range map[string]engine.Status{
		`thresholds = { warn = "200ms", crit = "1s" }`: engine.Warning,
		`thresholds = { "1ms", "600ms", 2 }`:           engine.OK,
		`thresholds = { warn = "1m", crit = 0.5 }`:     engine.Critical,
		`unit = "s", thresholds = { crit = "100ms" }`:  engine.Critical,
		`thresholds = { warn = "1d" }`:                 engine.OK,
	} {
		b := newTestBoard(t)
		b.load(`metric_watchers = { pharos.MetricWatcher{ name = "x", check = function(self) return 0.5 end, ` + options + ` } }`)
		b.run("x")
		if got := b.run("x"); got.Status != want {
			t.Errorf("%s: 0.5 = %v %q, want %v", options, got.Status, got.Detail, want)
		}
	}
	for thresholds, want := range map[string]string{
		`{ warn = "80%" }`:               `cannot use option "thresholds" of MetricWatcher: warn is "80%": want a number, or a time such as "250ms", "26h"`,
		`{ warn = "10", crit = "20" }`:   `is a text: write `,
		`{ warn = "5d" }, unit = "days"`: `warn is "5d", a time, and the values are in "days": write a number`,
		`{ warn = {} }`:                  "want a number for warn, got table",
	} {
		err := newTestBoard(t).tryLoad("metric_watchers = { pharos.MetricWatcher{ name = 'x', thresholds = " + thresholds + ", check = print } }")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("thresholds = %s: %v, want %s", thresholds, err, want)
		}
	}
}

// Options that are called otherwise elsewhere are known, and thresholds show their
// forms.
func TestOptionsByOtherNames(t *testing.T) {
	for options, want := range map[string]string{
		`cmd = "true"`:                                    `did you mean "command"?`,
		`command = "true", every = "5s"`:                  `did you mean "interval"?`,
		`command = "true", cdw = "/"`:                     `did you mean "cwd"?`,
		`command = "true", thresholds = 80`:               `"thresholds" of CommandMetricWatcher: want { min, warn, crit } or { warn = ..., crit = ... }, got number`,
		`command = "true", thresholds = { warning = 80 }`: `no threshold is called "warning" (did you mean "warn"?`,
	} {
		err := newTestBoard(t).tryLoad("metric_watchers = { pharos.CommandMetricWatcher{ name = 'x', " + options + " } }")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", options, err, want)
		}
	}
}
