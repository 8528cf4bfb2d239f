package luaapi

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
)

func TestLint(t *testing.T) {
	b := newTestBoard(t)
	b.load(`local function command(o) o.name = "n" .. pharos.where(2):match("%d+$") return pharos.CommandMetricWatcher(o) end
metric_watchers = {
  command{ command = "true" },
  command{ command = "no-such-program-here --flag | cat" },
  command{ command = { "no-such-program-here" } },
  command{ command = "no-such-program-here", ssh_host = "elsewhere" },
  command{ command = "if true; then exit 3; fi" },
  command{ command = "A=1 no-such-program-here" },
  command{ command = function() return "no-such-program-here" end },
  command{ command = "true", interval = "1s", timeout = "5s" },
  pharos.PageGETMetricWatcher{ name = "bad", url = "http://name.invalid/" },
  pharos.PageGETMetricWatcher{ name = "good", url = "http://127.0.0.1/" },
  pharos.TCPMetricWatcher{ name = "local", address = "localhost:1" },
  pharos.PageGETMetricWatcher{ name = "no url", url = "ftp://127.0.0.1/" },
  pharos.MetricWatcher{ name = "idle" },
  pharos.MetricWatcher{ name = "tail", events = pharos.exec.stream("no-such-program-here -f", print) },
  pharos.MetricWatcher{ name = "sse", timeout = "1m", events = pharos.http.sse("http://name.invalid/", print) },
  command{ command = "true", handle_output = function(output) return "ok" end },
  command{ command = "true", handle_output = function(self, output) return "ok" end, value = function() return 1 end },
  pharos.MetricWatcher{ name = "there", events = pharos.exec.stream("no-such-program-here -f", print, { ssh_host = "elsewhere" }) },
  pharos.TCPMetricWatcher{ name = "no port", address = "127.0.0.1" },
  pharos.TLSMetricWatcher{ name = "tls", address = "127.0.0.1:" },
  pharos.TCPMetricWatcher{ name = "unix", address = "/run/x" },
  pharos.TCPMetricWatcher:extend{ check = print }{ name = "own", address = "12 High Street" },
  command{ command = "true", interval = "1m", ttl = "30s" },
  pharos.DNSMetricWatcher{ name = "dns", host = "example.com", type = "AX", server = "127.0.0.1" },
  pharos.DNSMetricWatcher{ name = "dns2", host = "example.com", type = "mx", server = "127.0.0.1", ssh_host = { "fra", "nyc" } },
  pharos.TCPMetricWatcher{ name = "mail", address = "127.0.0.1:25", starttls = "gopher" },
  pharos.TLSMetricWatcher{ name = "tls2", address = "127.0.0.1:25", starttls = "smtp", ip = 5 },
  pharos.PageGETMetricWatcher{ name = "page", url = "http://127.0.0.1/", http = "3", ssh_host = "elsewhere" },
  pharos.PingMetricWatcher{ name = "ping", host = "127.0.0.1", size = 8 },
  command{ command = "true", max_output = 0 },
  command{ command = { "true" }, kill_after = 0 },
  command{ command = function() return "true" end, env = { ["A=B"] = "1" } },
  pharos.PingMetricWatcher{ name = "ping2", host = "127.0.0.1", count = 3 },
  pharos.PageGETMetricWatcher{ name = "page2", url = "https://127.0.0.1/", cert = "mine.crt", key = "-----BEGIN PRIVATE KEY-----" },
  pharos.TLSMetricWatcher{ name = "url", address = "https://127.0.0.1" },
  pharos.TCPMetricWatcher{ name = "url2", address = "http://[::1]:8080/x" },
  command{ command = "echo 95", thresholds = { warn = 80 } },
  command{ command = "echo 95", thresholds = { warn = 80 }, handle_output = function(self, output) return tonumber(output) end },
  pharos.NagiosMetricWatcher{ name = "plugin", command = "true", thresholds = { warn = 80 } },
  pharos.PageGETMetricWatcher{ name = "page4", url = "http://127.0.0.1/", thresholds = { 1, 500, 1000 } },
  pharos.PageGETMetricWatcher{ name = "page5", url = "http://127.0.0.1/", thresholds = { "1ms", "500ms", 2 } },
  pharos.PageGETMetricWatcher{ name = "page6", url = "http://127.0.0.1/", thresholds = { warn = 500 }, handle_output = function() return 400 end },
  pharos.PageGETMetricWatcher{ name = "page3", url = "https://127.0.0.1/", key = "mine.key", cert = "-----BEGIN CERTIFICATE-----" },
  pharos.FileMetricWatcher{ name = "home", path = "~/x" },
  command{ command = { "true", timeout = 1 } },
  command{ command = { "true", true } },
  pharos.PageGETMetricWatcher{ name = "slow", url = "http://127.0.0.1/", thresholds = { 0.001, 1, 5 } },
}`)
	var got []string
	for _, f := range b.config.Lint(context.Background()) {
		got = append(got, strings.TrimPrefix(formatLoadError(f), scriptName(b.Path)+":"))
	}
	want := []string{
		`4: the command "no-such-program-here" is not here`,
		`5: the command "no-such-program-here" is not here`,
		`10: the timeout of "n10" is 5s, above its interval of 1s: a slow run misses ticks`,
		`11: the name "name.invalid" does not resolve`,
		`14: reading URL "ftp://127.0.0.1/": its scheme is "ftp", want http or https`,
		`15: "idle" has no check: give it check = function(self) ... end, or events`,
		`16: the command "no-such-program-here" is not here`,
		`17: the name "name.invalid" does not resolve`,
		`18: handle_output of "n18" takes output first, where the watcher comes: write function Class:handle_output(output), with a colon, or handle_output = function(self, output)`,
		`21: the address "127.0.0.1" has no port: write "127.0.0.1:443" or whichever it is`,
		`22: the address "127.0.0.1:" has no port: write "127.0.0.1:443" or whichever it is`,
		`25: the ttl of "n25" is 30s, below its interval of 1m0s: it is stale before its next run`,
		`26: asking for "example.com": type = "AX", want one such as A, AAAA, CNAME, MX, TXT, NS, SOA, SRV, CAA or PTR`,
		`28: cannot use option "starttls" of "mail": there is no protocol "gopher" (valid: ftp, imap, pop3, postgres, smtp, xmpp)`,
		`29: cannot use option "ip" of "tls2": want 4 or 6, got 5`,
		`30: getting "http://127.0.0.1/": option http is "3", want 1.1 or 2`,
		`31: cannot use option "size" of "ping": want a whole number from 16 to 65000, got 8`,
		`32: cannot use option "max_output" of "n32": want a whole number from 1 to 8388608, got 0`,
		`33: cannot use option "kill_after" of "n33": want more than 0 seconds`,
		`34: cannot use option "env" of "n34": "A=B" is no name of a variable`,
		`37: the address "https://127.0.0.1" is a URL: write "127.0.0.1:443", or whichever port it is`,
		`38: the address "http://[::1]:8080/x" is a URL: write "[::1]:8080", or whichever port it is`,
		`39: the thresholds of "n39" judge nothing: the exit code decides; give it handle_output = function(self, output) return tonumber(output) end, or the like`,
		`41: the thresholds of "plugin" judge nothing: the exit code decides; give it handle_output = function(self, output) return tonumber(output) end, or the like`,
		`42: the thresholds of "page4": warn is 500 seconds, and a run ends after its timeout of 2s: milliseconds are written "500ms"`,
		`46: the path "~/x" is taken as it is: ~ is a shell's word for pharos.env("HOME")`,
		`47: cannot use option "command" of "n47": its list has the name "timeout": options do not belong in it`,
		`48: cannot use option "command" of "n48": want text at place 2, got boolean`,
		`49: the thresholds of "slow": crit is 5 seconds, and a run ends after its timeout of 2s: no answer is ever that slow, raise the timeout`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Lint (-want +got):\n%s", diff)
	}
}

// Names are asked for at once, and told of in an order that does not depend on
// who answers first.
func TestLintIsInOrder(t *testing.T) {
	b := newTestBoard(t)
	b.load(`metric_watchers = {} for host in ("a b c d e f g h"):gmatch("%S") do metric_watchers[#metric_watchers + 1] = pharos.PageGETMetricWatcher{ name = host, url = "http://" .. host .. ".invalid/" } end`)
	var got []string
	for _, f := range b.config.Lint(context.Background()) {
		got = append(got, f.Message)
	}
	if len(got) != 8 || !slices.IsSorted(got) {
		t.Errorf("Lint = %q, want eight names in order", got)
	}
}

// After its time is over Lint complains of nothing that it could not find out.
func TestLintGivesUp(t *testing.T) {
	b := newTestBoard(t)
	b.load(`metric_watchers = { pharos.PageGETMetricWatcher{ name = "bad", url = "http://name.invalid/" } }`)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := b.config.Lint(ctx); len(got) != 0 {
		t.Errorf("Lint with a context that has ended = %v, want nothing", got)
	}
}

// What a class has by mistake, and what a function that nobody calls yet would
// stumble over, is told when the file loads.
func TestMisspeltNames(t *testing.T) {
	b := newTestBoard(t)
	b.write("lib/base.lua", `return pharos.CommandMetricWatcher:extend{ treshold = 3 }`)
	b.load(`local Disk = require("base"):extend{
  class_name = "Disk", inteval = "5s", units = "%", hosts = {}, limit = 90, options = { unite = "string" }, unite = "x",
}
function Disk:init() end
function Disk:handle_outputt(o) return self.units end
function Disk:handle_output(o) return #self.hosts, pharos.htpp.get("x") end
function Disk:detail() return self:values(), pharos.json.decoed("x"), pharos.url, pharos.MetricWatcher.mine end
function Disk:values() end
function Disk.other() local pharos = {} pharos:dns() return pharos.htpp, pharos.http:get() end
function Disk:own() pharos.here:x() pharos.Class:extend{} return pharos:dns("x"), pharos.http:get("x"), pharos.http:got("x"), pharos.url:match("x") end
metric_watchers = { Disk{ name = "a", command = "true" }, Disk{ name = "b", command = "true" } }`)
	var got []string
	for _, w := range b.config.Warnings {
		message, _, _ := strings.Cut(w.Message, " valid: ")
		got = append(got, fmt.Sprintf("%s:%d: %s", filepath.Base(w.File), w.Line, message))
	}
	slices.Sort(got)
	want := []string{
		"pharos.lua:10: cannot call pharos.dns with a colon: write pharos.dns(...), with a dot",
		"pharos.lua:10: cannot call pharos.http.get with a colon: write pharos.http.get(...), with a dot",
		`pharos.lua:10: cannot use pharos.http.got: there is no such name (did you mean "get"?`,
		`pharos.lua:11: the class of "a" has "inteval", which nothing reads (did you mean "interval"?)`,
		`pharos.lua:11: the class of "a" has "treshold", which nothing reads (did you mean "thresholds"?)`,
		`pharos.lua:5: the class of "a" has "handle_outputt", which nothing reads (did you mean "handle_output"?)`,
		`pharos.lua:6: cannot use pharos.htpp: there is no such name (did you mean "http"?`,
		`pharos.lua:7: cannot use pharos.json.decoed: there is no such name (did you mean "decode"?`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// A function that takes its arguments in another order, or a URL for a host, is
// found by check; of events also when the file loads.
func TestLintOfArguments(t *testing.T) {
	b := newTestBoard(t)
	b.load(`metric_watchers = {
  pharos.MetricWatcher{ name = "a", events = pharos.exec.stream("true", function(line) return "ok", line end) },
  pharos.MetricWatcher{ name = "b", events = pharos.http.sse("http://127.0.0.1/", function(event) return "ok" end) },
  pharos.MetricWatcher{ name = "c", events = pharos.exec.stream("true", function(self) return "ok" end) },
  pharos.derive{ name = "d", of = "a", check = function(self, board) return board:worst() end },
  pharos.derive{ name = "e", of = "a", check = function(b, self) return b:worst() end },
  pharos.PingMetricWatcher{ name = "f", host = "http://127.0.0.1:80/x" },
  pharos.DNSMetricWatcher{ name = "g", host = "https://example.com" },
  pharos.CommandMetricWatcher{ name = "h", command = { "echo 5 | wc -l" } },
}`)
	got := lines(append(b.config.Warnings, b.config.Lint(t.Context())...))
	want := []string{
		`2: the function of pharos.exec.stream takes line first, where the watcher comes: write function(self, line)`,
		`3: the function of pharos.http.sse takes event first, where the watcher comes: write function(self, event)`,
		`5: check of "d" takes self first, where the board comes: write check = function(board, self)`,
		`7: the host "http://127.0.0.1:80/x" is a URL: write "127.0.0.1"`,
		`8: the host "https://example.com" is a URL: write "example.com"`,
		`9: the command "echo 5 | wc -l" is not here (a list is run as it is; without the braces it is for the shell)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// What is written as a regular expression is, and as a pattern finds nothing, is
// found when the file loads.
func TestRegularExpressions(t *testing.T) {
	for pattern, want := range map[string]string{
		`load (\\d+)`:   `a pattern has no \d: "%d" is a digit`,
		`%d{3}`:         `a pattern has no {3}: write what is repeated as often as it comes, or a + behind it`,
		`[a-f]{1,4}`:    `a pattern has no {1,4}: write`,
		`(error|fatal)`: `a pattern has no |: look for one after the other, text:match(a) or text:match(b)`,
		`error|warn`:    `a pattern has no |: look for one after the other, text:match(a) or text:match(b)`,
		`(?i)error`:     `a pattern has no (?i`,
		`(?:a)b`:        `a pattern has no (?:`,
		`(.-)|(.-)|`:    ``,
		`([^|]*)|?`:     ``,
		`{(%d+)}`:       ``,
		`^%s*{%s*"a"`:   ``,
		`(%?)x`:         ``,
		`C:\\dir`:       ``,
		`a%|b`:          ``,
	} {
		b := newTestBoard(t)
		b.load("metric_watchers = { pharos.MetricWatcher{ name = 'x', check = function() return (''):match('" + pattern + "') end } }")
		var got []string
		for _, w := range b.config.Warnings {
			got = append(got, w.Message)
		}
		if text := strings.Join(got, "; "); (text == "") != (want == "") || !strings.Contains(text, want) {
			t.Errorf("warnings of the pattern %s = %q, want %q", pattern, text, want)
		}
	}
}

// A watcher that is made and in no list, and what is set in one by mistake, are told
// when the file loads.
func TestForgottenWatchers(t *testing.T) {
	b := newTestBoard(t)
	b.write("lib/shared.lua", `return { gate = pharos.PingMetricWatcher{ name = "for another file", host = "127.0.0.1" } }`)
	b.load(`local a = pharos.CommandMetricWatcher{ name = "a", command = "true" } require "shared"
metric_watchers = { a, pharos.CommandMetricWatcher{ name = "b", command = "true" } }
metric_watchers = { a }
pharos.WatcherSet("lost", { pharos.PingMetricWatcher{ name = "c", host = "127.0.0.1" } })
metric_watcher_sets = { pharos.WatcherSet("found", { pharos.TCPMetricWatcher{ name = "d", address = "127.0.0.1:1", ssh_host = { "x", pharos.here } } }) }
local e = pharos.Class:extend{}{}
a.intervall = "5s"
a.own = 5
pcall(function() local none = pharos.CommandMetricWatcher{ name = "was never made" } return none end)
local base = pharos.CommandMetricWatcher{ name = "for another's check", command = "true" }
table.insert(metric_watchers, pharos.MetricWatcher{ name = "f", check = function() return base.check(base) end })
local known = { g = pharos.CommandMetricWatcher{ name = "g", command = "true" } }
table.insert(metric_watcher_sets, pharos.WatcherSet("finds", function() return { known.g } end))
`)
	got := lines(b.config.Warnings)
	slices.Sort(got)
	want := []string{
		`1: "a" has "intervall", which nothing reads (did you mean "interval"?)`,
		`2: "b" is made and in no list: put it into metric_watchers, or into a set of metric_watcher_sets`,
		`4: "c" is made and in no list: put it into metric_watchers, or into a set of metric_watcher_sets`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// What a class has by a name that each run sets is lost: that is told when the file
// loads.
func TestFieldsThatRunsSet(t *testing.T) {
	b := newTestBoard(t)
	b.load(`local A = pharos.MetricWatcher:extend{ duration = "1m", state = {} }
function A:status() return "up" end
function A:check() return self:status(), self.duration .. self.state.n end
local B = pharos.MetricWatcher:extend{}
function B:init() self.state = { n = 0 } end
function B:check() return self.state.n end
metric_watchers = { A{ name = "a", duration = "5m" }, A{ name = "b" }, B{ name = "c" }, B{ name = "d" } }
metric_watchers[1].verdict = nil`)
	got := lines(b.config.Warnings)
	want := []string{
		`7: "a" has "duration", which each run sets anew: give it another name`,
		`7: "a" has "status", which each run sets anew: give it another name`,
		`7: "c" has a state, which each run sets to what was kept: what it begins with is for check, self.state.n = self.state.n or 0`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// To set what is read when the file loads changes nothing in a run: check says so.
func TestOptionsSetInRuns(t *testing.T) {
	b := newTestBoard(t)
	b.load(`local A = pharos.MetricWatcher:extend{}
function A:init() self:defaults() self.interval = "5s" end
function A:defaults() self.unit = "jobs" end
function A:called(name) self.name = name return self end
function A:slower() self.interval = "1m" end
function A:check()
  if self.own == 3 then self:slower() end
  self.interval = "10s"
  self.own, self.thresholds = 1, { warn = 5 }
  local other = {}
  other.interval = 5
  return 1
end
metric_watchers = { A{ name = "a" }, A{}:called("b"), pharos.MetricWatcher{ name = "c", check = function(self)
  if self.own then self.unit = "s" end
  return 1
end } }`)
	got := lines(b.config.Lint(t.Context()))
	want := []string{
		"5: self.interval is read when the file loads: to set it in a run changes nothing",
		"8: self.interval is read when the file loads: to set it in a run changes nothing",
		"15: self.unit is read when the file loads: to set it in a run changes nothing (a check returns { value = 5, unit = ... })",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// An init that does not call that of the class it extends is found by check.
func TestInitWithoutParents(t *testing.T) {
	b := newTestBoard(t)
	b.load(`local A = pharos.CommandMetricWatcher:extend{ class_name = "A" }
function A:init() self.command = "true" end
local B = A:extend{ class_name = "B" }
function B:init() self.own = 1 end
local C = A:extend{}
function C:init()
  A.init(self)
end
local D = B:extend{}
local E, init = A:extend{}, A.init
function E:init() init(self) end
metric_watchers = { E{ name = "e" }, A{ name = "a" }, B{ name = "b", command = "true" }, B{ name = "b2", command = "true" }, C{ name = "c" }, D{ name = "d", command = "true" } }`)
	got := lines(b.config.Lint(t.Context()))
	want := []string{"4: this init is called instead of that of A, which the class extends: write A.init(self) in it"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// An option that there is not, passed in a function, is found when the file loads
// and not when somebody calls it.
func TestMisspeltOptionsInFunctions(t *testing.T) {
	b := newTestBoard(t)
	b.load(`local http = { get = print }
metric_watchers = { pharos.MetricWatcher{ name = "a", check = function(self)
  pharos.http.get("http://x/", { timout = 1, headers = { timout = 1 }, ["body"] = "x" })
  pharos.exec({ "df", timeout = 1 }, { timeout = 1, interval = 5 })
  pharos.tcp.connect("x:1", { send = "x" })
  pharos.dns("x", { kind = "MX", server = "y" })
  self:step("x", function() return assert(pharos.file.read("x", { maximum = 5 })) end)
  http.get("x", { timout = 1 })
end } }
metric_watcher_sets = { pharos.WatcherSet("found", function()
  return { pharos.PageGETMetricWatcher{ name = "x", uri = "http://x/", handle_output = function() end, source = "x" } }
end) }`)
	want := []string{
		`3: cannot use option "timout" of pharos.http.get (did you mean "timeout"?`,
		`4: cannot use option "interval" of pharos.exec: it is an option of the watcher itself (valid here: `,
		`5: cannot use option "send" of pharos.tcp.connect (valid: `,
		`6: cannot use option "kind" of pharos.dns (valid: `,
		`7: cannot use option "maximum" of pharos.file.read (valid: max)`,
		`11: cannot use option "uri" of PageGETMetricWatcher (did you mean "url"?`,
		`11: cannot use option "source" of PageGETMetricWatcher (valid: `,
	}
	got := b.config.Warnings
	for i, w := range got {
		if text := fmt.Sprintf("%d: %s", w.Line, w.Message); i >= len(want) || !strings.HasPrefix(text, want[i]) {
			t.Errorf("warning %d is %q, want one of %q", i, text, want)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d warnings, want %d", len(got), len(want))
	}
}

// lines are findings as texts, each with the number of its line.
func lines(findings []engine.LoadError) (texts []string) {
	for _, f := range findings {
		texts = append(texts, fmt.Sprintf("%d: %s", f.Line, f.Message))
	}
	return texts
}
