package luaapi

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pharos/engine"
	"pharos/engine/probe"
)

// The original's rules and texts for a page.
func TestPageGETMetricWatcher(t *testing.T) {
	ms := time.Millisecond
	for _, test := range []struct {
		name        string
		options     string
		code        int
		total       time.Duration
		status      engine.Status
		value, unit string
		detail      string
	}{
		{"good", "thresholds = {0.001, 0.100, 1.0}", 200, 50 * ms, engine.OK, "0.0500", "s", "0.002000 0.030000 0.050000 (200)"},
		{"at warn", "thresholds = {0.001, 0.100, 1.0}", 200, 100 * ms, engine.Warning, "0.1000", "s", "0.002000 0.030000 0.100000 (200)"},
		{"at crit", "thresholds = {0.001, 0.100, 1.0}", 200, 1000 * ms, engine.Critical, "1.0000", "s", "0.002000 0.030000 1.000000 (200)"},
		{"too fast", "thresholds = {0.001, 0.100, 1.0}", 200, ms, engine.Warning, "0.0010", "s", "0.002000 0.030000 0.001000 (200)"},
		{"not 200", "thresholds = {0.001, 0.100, 1.0}", 404, 50 * ms, engine.Critical, "0.0500", "HTTP 404", "0.002000 0.030000 0.050000 (404)"},
		{"redirect is not 200", "", 302, 50 * ms, engine.Critical, "0.0500", "HTTP 302", "0.002000 0.030000 0.050000 (302)"},
		{"no thresholds", "", 200, time.Hour, engine.OK, "3600.0000", "s", "0.002000 0.030000 3600.000000 (200)"},
		{"named thresholds", "thresholds = { crit = 0.01 }", 200, 50 * ms, engine.Critical, "0.0500", "s", "0.002000 0.030000 0.050000 (200)"},
		{"value overridden", "value = function(self, result) return result.value * 1000 end, unit = 'ms'", 200, 50 * ms, engine.OK, "50", "ms", "0.002000 0.030000 0.050000 (200)"},
		{"detail overridden", "detail = function(self, result) return result.status .. ': ' .. result.detail end", 200, 50 * ms, engine.OK, "0.0500", "s", "ok: 0.002000 0.030000 0.050000 (200)"},
		{"output judged", "handle_output = function(self, body, page) if body:find('sorry') then return self:warning(page.status, 'sorry page') end end", 200, 50 * ms, engine.Warning, "200", "", "sorry page"},
		{"output recorded", "handle_output = function(self, body) self:critical('bad') end", 200, 50 * ms, engine.Critical, "bad", "", ""},
		{"output is no number", "handle_output = function(self, body) return tonumber(body) end", 500, 50 * ms, engine.Critical, "0.0500", "HTTP 500", "0.002000 0.030000 0.050000 (500)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newTestBoard(t)
			b.primitives = fakes{http: func(_ context.Context, host string, req *probe.HTTPRequest) (*probe.HTTPResult, error) {
				if req.URL != "http://x/" || req.Method != "GET" || host != "web-3" {
					t.Errorf("request = %s %q from %q, want GET http://x/ from web-3", req.Method, req.URL, host)
				}
				timing := probe.Timing{Connected: 2 * ms, StartTransfer: 30 * ms, Total: test.total}
				return answer(test.code, timing, "so sorry"), nil
			}}
			b.load(`metric_watchers = { pharos.PageGETMetricWatcher{ name = "x", url = "http://x/", ssh_host = "web-3", ` + test.options + `} }`)
			got := b.run("x")
			if got.Status != test.status || got.Value != test.value || got.Unit != test.unit || got.Detail != test.detail {
				t.Errorf("result = %v %q %q %q, want %v %q %q %q", got.Status, got.Value, got.Unit, got.Detail, test.status, test.value, test.unit, test.detail)
			}
		})
	}
}

// The original's rules for a command, with the methods that may be overridden.
func TestCommandMetricWatcher(t *testing.T) {
	for _, test := range []struct {
		name          string
		options       string
		result        probe.ExecResult
		status        engine.Status
		value, detail string
	}{
		{"exit 0", "", probe.ExecResult{Stdout: []byte("fine\n")}, engine.OK, "0", "fine"},
		{"exit 1", "", probe.ExecResult{Code: 1, Stderr: []byte("\nbad\nworse")}, engine.Critical, "1", "bad"},
		{"exit 255", "", probe.ExecResult{Code: 255}, engine.Critical, "255", ""},
		{"signal", "", probe.ExecResult{Code: -1, Signal: "KILL"}, engine.Critical, "-1", "ended by signal KILL"},
		{"returncode overridden", "handle_returncode = function(self, code, result) if code == 3 then return 'warning', code end end",
			probe.ExecResult{Code: 3}, engine.Warning, "3", ""},
		{"output number", "handle_output = function(self, output) return tonumber(output) end, thresholds = { warn = 5, crit = 10 }",
			probe.ExecResult{Stdout: []byte("7"), Code: 1}, engine.Warning, "7", ""},
		{"output decides", "handle_output = function(self, output, result) self:ok(output, result.code) end",
			probe.ExecResult{Stdout: []byte("x"), Code: 9}, engine.OK, "x", "9"},
		{"output decides nothing", "handle_output = function() end", probe.ExecResult{Code: 9}, engine.Critical, "9", ""},
		{"output is no number", "handle_output = function(self, output) return tonumber(output) end", probe.ExecResult{Code: 2, Stderr: []byte("no server")}, engine.Critical, "2", "no server"},
		{"output fails", "handle_output = function() return nil, 'cannot read it' end", probe.ExecResult{}, engine.Critical, "", "cannot read it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newTestBoard(t)
			b.primitives = fakes{exec: func(_ context.Context, host string, req probe.ExecRequest) (*probe.ExecResult, error) {
				if host != "db" || req.Shell != "run x" {
					t.Errorf("command = %q on %q, want %q on db", req.Shell, host, "run x")
				}
				return &test.result, nil
			}}
			b.load(`metric_watchers = { pharos.CommandMetricWatcher{ name = "x", ssh_host = "db",
				command = function(self) return "run " .. self.name end, ` + test.options + `} }`)
			got := b.run("x")
			if got.Status != test.status || got.Value != test.value || got.Detail != test.detail {
				t.Errorf("result = %v %q %q, want %v %q %q", got.Status, got.Value, got.Detail, test.status, test.value, test.detail)
			}
		})
	}
}

func TestDNSMetricWatcher(t *testing.T) {
	a := func(data ...string) *probe.DNSResult {
		r := &probe.DNSResult{Code: "NOERROR", Server: "s:53", Timing: probe.Timing{Total: 20 * time.Millisecond}}
		for _, d := range data {
			r.Records = append(r.Records, probe.DNSRecord{Name: "x", Type: "A", Data: d})
		}
		return r
	}
	for _, test := range []struct {
		options       string
		answer        *probe.DNSResult
		status        engine.Status
		value, detail string
	}{
		{``, a("192.0.2.1"), engine.OK, "0.0200", "192.0.2.1 from s:53"},
		{`expect = "192.0.2.1"`, a("192.0.2.1"), engine.OK, "0.0200", "192.0.2.1 from s:53"},
		{`expect = { "192.0.2.2", "192.0.2.1" }`, a("192.0.2.1", "192.0.2.2"), engine.OK, "0.0200", "192.0.2.1, 192.0.2.2 from s:53"},
		{`expect = "192.0.2.9"`, a("192.0.2.1"), engine.Critical, "wrong", "192.0.2.1, want 192.0.2.9, from s:53"},
		{``, a(), engine.Critical, "no record", `asking s:53 for A of "example.com"`},
		{``, &probe.DNSResult{Code: "NXDOMAIN", Server: "s:53"}, engine.Critical, "NXDOMAIN", `asking s:53 for A of "example.com"`},
		{`thresholds = { warn = 0.01, crit = 1 }`, a("192.0.2.1"), engine.Warning, "0.0200", "192.0.2.1 from s:53"},
	} {
		b := newTestBoard(t)
		b.primitives = fakes{dns: func(context.Context, string, probe.DNSRequest) (*probe.DNSResult, error) { return test.answer, nil }}
		b.load(`metric_watchers = { pharos.DNSMetricWatcher{ name = "x", host = "example.com", ` + test.options + `} }`)
		got := b.run("x")
		if got.Status != test.status || got.Value != test.value || got.Detail != test.detail {
			t.Errorf("%s: result = %v %q %q, want %v %q %q", test.options, got.Status, got.Value, got.Detail, test.status, test.value, test.detail)
		}
	}
}

func TestPingMetricWatcher(t *testing.T) {
	for _, test := range []struct {
		name   string
		result *probe.PingResult
		err    error
		status engine.Status
		value  string
	}{
		{"well", &probe.PingResult{IP: "x", Sent: 3, Received: 3, Avg: 2 * time.Millisecond, Via: "raw"}, nil, engine.OK, "2.00 ms"},
		{"slow", &probe.PingResult{IP: "x", Sent: 3, Received: 3, Avg: 200 * time.Millisecond}, nil, engine.Warning, "200.00 ms"},
		{"lost some", &probe.PingResult{IP: "x", Sent: 3, Received: 2, Avg: 2 * time.Millisecond}, nil, engine.Warning, "2.00 ms"},
		{"lost all", nil, &probe.Error{Kind: probe.Timeout, Message: "no answer"}, engine.Critical, "timeout"},
	} {
		b := newTestBoard(t)
		b.primitives = fakes{ping: func(_ context.Context, req probe.PingRequest) (*probe.PingResult, error) {
			if req.Host != "gateway" || req.Count != 3 {
				t.Errorf("request = %+v, want gateway, 3", req)
			}
			return test.result, test.err
		}}
		b.load(`metric_watchers = { pharos.PingMetricWatcher{ name = "x", host = "gateway", count = 3, thresholds = { warn = 0.1, crit = 1 } } }`)
		if got := b.run("x"); got.Status != test.status || got.Value != test.value {
			t.Errorf("%s: result = %v %q %q, want %v %q", test.name, got.Status, got.Value, got.Detail, test.status, test.value)
		}
	}
}

// The original's sample runs as it is; only the two outside pages are stubs.
func TestSample(t *testing.T) {
	text, err := os.ReadFile("../scripts/sample.lua")
	if err != nil {
		t.Fatal(err)
	}
	b := newTestBoard(t)
	b.primitives = fakes{
		exec: b.Probes.Exec,
		http: func(_ context.Context, _ string, req *probe.HTTPRequest) (*probe.HTTPResult, error) {
			total := map[string]time.Duration{"http://www.google.com/": 50 * time.Millisecond, "http://www.apple.com/": 200 * time.Millisecond}
			return answer(200, probe.Timing{Total: total[req.URL]}, ""), nil
		},
	}
	b.load(string(text))
	g := b.config.Generation
	if g.PageTag != "Watching so you don't have to" || len(g.Sets) != 2 || g.Sets[0].Name != "Watch Set 1" || g.Sets[1].Name != "Watch Set 2" {
		t.Errorf("page_tag %q, %d sets, want the sample's", g.PageTag, len(g.Sets))
	}
	for _, test := range []struct {
		id     engine.ID
		status engine.Status
		value  string
	}{
		{"watch_set_1.is_true", engine.OK, "0"},
		{"watch_set_1.is_false", engine.Critical, "1"},
		{"watch_set_1.is_google_up", engine.OK, "0.0500"},
		{"watch_set_2.also_true", engine.OK, "0"},
		{"watch_set_2.also_false", engine.Critical, "1"},
		{"watch_set_2.is_apple_up", engine.Warning, "0.2000"},
	} {
		if w := b.watcher(test.id); w.Interval != 2*time.Second {
			t.Errorf("interval of %q = %v, want the original's 2s", test.id, w.Interval)
		}
		if got := b.run(test.id); got.Status != test.status || got.Value != test.value {
			t.Errorf("run(%q) = %v %q, want %v %q", test.id, got.Status, got.Value, test.status, test.value)
		}
	}
}

// A class that extends WatcherSet is called as it is.
func TestExtendedWatcherSet(t *testing.T) {
	b := newTestBoard(t)
	b.load(`local Fleet = pharos.WatcherSet:extend{ class_name = "Fleet" }
	local Racks = Fleet:extend{}
	metric_watcher_sets = { Racks("Rack 1", { pharos.CommandMetricWatcher{ name = "a", command = "true" } }) }`)
	if got := b.run("rack_1.a"); got.Status != engine.OK {
		t.Errorf("status = %v, want ok", got.Status)
	}
}

// What judges is what self.thresholds is at that moment: hours of the office, a
// limit that was learned. One that cannot judge is said, and never green.
func TestThresholdsOfTheRun(t *testing.T) {
	for _, test := range []struct {
		options, body string
		status        engine.Status
		detail        string
	}{
		{``, `self.thresholds = { warn = 3 } return 5`, engine.Warning, ""},
		{`thresholds = { warn = 3 }`, `self.thresholds = { warn = 9 } return 5`, engine.OK, ""},
		{`thresholds = { warn = 3 }`, `self.thresholds.warn = 9 return 5`, engine.OK, ""},
		{`thresholds = { warn = 3 }`, `self.thresholds = nil return 5`, engine.OK, ""},
		{``, `self.thresholds = { 0, 1, 2 } return { value = 5 }`, engine.Critical, ""},
		{``, `self.thresholds = { crit = 0 } self:step("a", function() end)`, engine.Critical, "a"},
		{``, `self.thresholds = { warning = 3 } return 5`, engine.Unknown, `cannot use self.thresholds: no threshold is called "warning"`},
		{``, `self.thresholds = 3 return 5`, engine.Unknown, `cannot use self.thresholds: want {min, warn, crit} or {warn = ..., crit = ...}, got number`},
		{``, `self.thresholds = { warning = 3 } return "ok"`, engine.OK, ""},
	} {
		b := newTestBoard(t)
		b.load(`metric_watchers = { pharos.MetricWatcher{ name = "x", check = function(self) ` + test.body + ` end, ` + test.options + ` } }`)
		got := b.run("x")
		if got.Status != test.status || !strings.Contains(got.Detail, test.detail) {
			t.Errorf("%s, %s = %v %q, want %v %q", test.options, test.body, got.Status, got.Detail, test.status, test.detail)
		}
	}
}

// handle_output that returns nothing leaves the verdict to the exit code or the
// status. One that returns nil meant to give a number and has none: never green.
func TestHandleOutputReturnsNil(t *testing.T) {
	for _, class := range []string{
		`CommandMetricWatcher{ command = "x"`, `NagiosMetricWatcher{ command = "x"`,
		`PageGETMetricWatcher{ url = "http://x/"`, `TCPMetricWatcher{ address = "x:1"`,
	} {
		for _, test := range []struct {
			body   string
			status engine.Status
			detail string
		}{
			{`return o:match("nothing of it")`, engine.Unknown, "DIR/pharos.lua:2: handle_output at DIR/pharos.lua:1 returned nil: want what check returns, or no value at all to leave the verdict to the class"},
			{`return nil`, engine.Unknown, "handle_output at DIR/pharos.lua:1 returned nil"},
			{`return nil, "no number"`, engine.Critical, "no number"},
			{`self:warning("slow", "so") return nil`, engine.Warning, "so"},
			{`return`, engine.OK, ""},
			{``, engine.OK, ""},
		} {
			b := newTestBoard(t)
			b.primitives = stubWorld()
			b.load("local function handle(self, o) " + test.body + " end\n" +
				"metric_watchers = { pharos." + class + `, name = "x", handle_output = handle } }`)
			want := strings.ReplaceAll(test.detail, "DIR", b.dir)
			if got := b.run("x"); got.Status != test.status || !strings.Contains(got.Detail, want) {
				t.Errorf("%s, %s: %v %q, want %v %q", class, test.body, got.Status, got.Detail, test.status, want)
			}
		}
	}
}

// What ends inside a class of Pharos, be it for a mistake or because it took too
// long, is told at the line of the script that led there.
func TestEndInsideClass(t *testing.T) {
	for _, test := range []struct {
		name, line, want string
		slice            time.Duration
		above            int // lines above it that are told, as it is gone from the stack
	}{
		{"mistake", `pharos.PageGETMetricWatcher.init(5)`, "attempt to index", time.Minute, 0},
		{"tail call", `do return pharos.WatcherSet(1, 2) end`, "cannot make a WatcherSet", time.Minute, 1},
		{"too long", `pharos.CommandMetricWatcher{ name = "a", command = (" "):rep(8e6) .. "true" }`, "computed for too long", time.Millisecond, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newTestBoard(t)
			b.slice = test.slice
			b.load("metric_watchers = { pharos.MetricWatcher{ name = 'x', check = function()\n" + test.line + "\nend } }")
			got := b.run("x")
			if f := got.Failure; f == nil || f.Line != 2-test.above || f.File != scriptName(b.Path) || !strings.Contains(got.Detail, test.want) {
				t.Errorf("run = %q %+v, want %s at line %d", got.Detail, f, test.want, 2-test.above)
			}
			b.load(discovering("", test.line))
			want := fmt.Sprintf("%s:%d: ", scriptName(b.Path), 3-test.above)
			if _, err := b.discover(); err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("discovery = %v, want %s...%s", err, want, test.want)
			}
		})
	}
	b := newTestBoard(t)
	err := b.tryLoad("\npharos.PageGETMetricWatcher.init(5)\nmetric_watchers = {}")
	if want := scriptName(b.Path) + ":2: "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("load = %v, want it at %s", err, want)
	}
}
