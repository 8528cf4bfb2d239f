package luaapi

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// Who is blamed for what, whichever way the error arrives.
func TestBlame(t *testing.T) {
	for _, test := range []struct {
		kind probe.Kind
		want engine.Status
	}{
		{probe.Timeout, engine.Critical}, {probe.Refused, engine.Critical}, {probe.DNS, engine.Critical},
		{probe.Reset, engine.Critical}, {probe.TLS, engine.Critical}, {probe.TooBig, engine.Critical},
		{probe.Spawn, engine.Unknown}, {probe.Overload, engine.Unknown}, {probe.Vantage, engine.Unknown},
		{probe.Auth, engine.Unknown}, {probe.Cancelled, engine.Unknown},
	} {
		for _, body := range []string{
			`return pharos.exec("x")`,
			`local r, err = pharos.exec("x") return nil, err`,
			`assert(pharos.exec("x"))`,
			`local r, err = pharos.exec("x") error(err)`,
			`pcall(function() end) local ok, err = pcall(function() assert(pharos.exec("x")) end) error(err, 0)`,
		} {
			b := newTestBoard(t)
			b.primitives = fakes{exec: func(context.Context, string, probe.ExecRequest) (*probe.ExecResult, error) {
				return nil, &probe.Error{Kind: test.kind, Message: "running \"x\": no"}
			}}
			got := b.check(body)
			if got.Status != test.want || got.Failure == nil || got.Failure.Kind != string(test.kind) || got.Detail != "running \"x\": no" {
				t.Errorf("check %q with a %s error = %v %q %+v, want %v", body, test.kind, got.Status, got.Detail, got.Failure, test.want)
			}
		}
	}
}

func TestErrorFields(t *testing.T) {
	b := newTestBoard(t)
	b.primitives = fakes{http: func(context.Context, string, *probe.HTTPRequest) (*probe.HTTPResult, error) {
		return nil, &probe.Error{Kind: probe.Timeout, Phase: "wait", Message: "no answer", Timing: &probe.Timing{DNS: time.Second, Total: 2 * time.Second}}
	}}
	got := b.check(`local _, err = pharos.http.get("http://x/")
		return "ok", err.kind .. " " .. err.phase .. " " .. err.timing.total, tostring(err) .. "!"`)
	if got.Value != "timeout wait 2" || got.Detail != "no answer!" {
		t.Errorf("fields of err = %q %q, want timeout wait 2, no answer!", got.Value, got.Detail)
	}
	if len(got.Timing) != 7 || got.Timing[1] != (engine.Phase{Name: "dns", Duration: time.Second}) {
		t.Errorf("Timing = %v, want the failure's partial timing", got.Timing)
	}
}

// A script's own error names its place, with a traceback of its own lines.
func TestScriptError(t *testing.T) {
	b := newTestBoard(t)
	b.load(`local function inner() local x = nil; return x.y end
metric_watchers = { pharos.CommandMetricWatcher{ name = "x", command = "true", handle_output = function()
  inner()
end } }`)
	got := b.run("x")
	f := got.Failure
	if got.Status != engine.Unknown || f == nil || f.Kind != "script" || f.Line != 1 || f.File != scriptName(b.Path) {
		t.Fatalf("result = %+v, failure %+v, want unknown, script, line 1", got, f)
	}
	if !strings.Contains(f.Trace, "pharos.lua:3") || strings.Contains(f.Trace, "builtin/") {
		t.Errorf("Trace = %q, want pharos.lua:3 and nothing of builtin/", f.Trace)
	}
}

// What a class of Pharos's own raises because of what a script gave it is told
// at the script's watcher.
func TestErrorInsideClass(t *testing.T) {
	b := newTestBoard(t)
	b.load("metric_watchers = {\n pharos.CommandMetricWatcher{ name = 'x', command = function() return 5 end } }")
	got := b.run("x")
	if got.Failure == nil || got.Failure.Line != 2 || !strings.HasSuffix(got.Failure.File, "pharos.lua") {
		t.Errorf("failure = %+v, want pharos.lua:2", got.Failure)
	}
	b.load("metric_watchers = {\n\n pharos.MetricWatcher{ name = 'x', check = function(self) return self.ok('fine') end } }")
	got = b.run("x")
	if want := `cannot call ok of a string: write self:ok(...), with a colon`; got.Failure == nil || got.Failure.Line != 3 || got.Failure.Message != want {
		t.Errorf("failure = %+v, want %q at line 3", got.Failure, want)
	}
}

// A primitive ends a share of the timeout before the run, so that the script can
// still say what it makes of that. The clock is the bubble's: how soon a command
// starts, is gone when it was killed, and the script is back, is up to the
// machine.
func TestTimeoutsEndRuns(t *testing.T) {
	const killing = 90 * time.Millisecond // of the 100 that are left then
	for _, test := range []struct {
		body   string
		want   engine.Status
		detail string
		took   time.Duration
	}{
		{`pharos.exec("sleep 10") return "ok"`, engine.OK, "", 1900*time.Millisecond + killing},
		{`assert(pharos.exec("sleep 10"))`, engine.Critical, "sleep 10", 1900*time.Millisecond + killing},
		{`repeat local r = pharos.exec("sleep 10") until r`, engine.Critical, "sleep 10", 1900*time.Millisecond + 2*killing},
		{`return pharos.time.sleep(10)`, engine.Critical, "sleeping 10s", 1900 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newTestBoard(t)
			b.primitives = fakes{exec: func(ctx context.Context, _ string, req probe.ExecRequest) (*probe.ExecResult, error) {
				<-ctx.Done()
				time.Sleep(killing)
				return nil, &probe.Error{Kind: probe.Timeout, Message: req.String()}
			}}
			b.load("metric_watchers = { pharos.MetricWatcher{ name = 'x', timeout = '2s', check = function(self) " + test.body + " end } }")
			start := time.Now()
			got := b.run("x")
			if took := time.Since(start); took != test.took {
				t.Errorf("%s took %v, want %v", test.body, took, test.took)
			}
			if got.Status != test.want || !strings.Contains(got.Detail, test.detail) {
				t.Errorf("%s = %v %q, want %v %q", test.body, got.Status, got.Detail, test.want, test.detail)
			}
			time.Sleep(time.Second) // until the watchdog sleeps
		})
	}
}

// A real command is ended when the run's time is over, by whoever is to blame.
func TestTimeoutEndsCommand(t *testing.T) {
	b := newTestBoard(t)
	b.load("metric_watchers = { pharos.MetricWatcher{ name = 'x', timeout = '2s', check = function(self) assert(pharos.exec('sleep 600')) end } }")
	if got := b.run("x"); !strings.Contains(got.Detail, "sleep 600") || got.Failure == nil || got.Failure.Kind != string(probe.Timeout) && got.Failure.Kind != engine.KindOverload {
		t.Errorf("result = %v %q %+v, want the command not finished in time", got.Status, got.Detail, got.Failure)
	}
}

// What is watched is not blamed when Pharos itself was too late: to start the
// command, or to take its answer.
func TestTimeoutsOfPharos(t *testing.T) {
	const timeout = 200 * time.Millisecond
	for _, test := range []struct {
		name   string
		result *probe.ExecResult
		err    error
		want   engine.Status
		kind   string
	}{
		{"late to start", nil, &probe.Error{Kind: probe.Overload, Message: "Pharos was late"}, engine.Unknown, engine.KindOverload},
		{"late to go on", &probe.ExecResult{}, nil, engine.Unknown, engine.KindOverload},
		{"refused at the end", nil, &probe.Error{Kind: probe.Refused, Message: "refused"}, engine.Critical, string(probe.Refused)},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newTestBoard(t)
			b.primitives = fakes{exec: func(context.Context, string, probe.ExecRequest) (*probe.ExecResult, error) {
				time.Sleep(timeout + 50*time.Millisecond)
				return test.result, test.err
			}}
			b.load("metric_watchers = { pharos.MetricWatcher{ name = 'x', timeout = '200ms', check = function(self) pharos.exec('x') return 'ok' end } }")
			got := b.run("x")
			if got.Status != test.want || got.Failure == nil || got.Failure.Kind != test.kind {
				t.Errorf("%s: result = %v %q %+v, want %v of kind %s", test.name, got.Status, got.Detail, got.Failure, test.want, test.kind)
			}
			time.Sleep(time.Second) // until the watchdog sleeps
		})
	}
}

// A watcher that computes without end is stopped, pauses, and says so.
func TestHogPauses(t *testing.T) {
	b := newTestBoard(t)
	b.slice = vm.DefaultSlice
	b.load("metric_watchers = { pharos.MetricWatcher{ name = 'x', timeout = 60, check = function(self) while true do end end } }")
	got := b.run("x")
	if got.Status != engine.Unknown || got.Value != "paused" || !strings.Contains(got.Detail, "computed for too long") || !strings.Contains(got.Detail, "next try in 1s") {
		t.Fatalf("result = %v %q %q, want unknown, paused, a reason", got.Status, got.Value, got.Detail)
	}
	w := b.config.scripts[0].watchers[0]
	w.hog.until = time.Now().Add(time.Hour)
	if got := b.run("x"); got.Value != "paused" || w.hog.pause != time.Second {
		t.Errorf("the next run = %q, pause %v, want paused without another try", got.Value, w.hog.pause)
	}
	for _, want := range []time.Duration{2, 4, 8, 16, 32, 60, 60} {
		w.hog.until = time.Time{}
		b.run("x")
		if w.hog.pause != want*time.Second {
			t.Errorf("pause = %v, want %v", w.hog.pause, want*time.Second)
		}
	}
}

// A secret shows nowhere: not in the result, its evidence, the trace or the log.
func TestSecretsAreMasked(t *testing.T) {
	const secret = `s3cret/pass "word`
	b := newTestBoard(t)
	b.LookupEnv = func(name string) (string, bool) { return secret, name == "TOKEN" }
	var logged bytes.Buffer
	b.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.load(`local token = pharos.secret("TOKEN")
metric_watchers = {
  pharos.MetricWatcher{ name = "result", check = function() print(token) pharos.log.warn("a", token) pharos.exec({ "echo", token }) return "ok", token, "x " .. token end },
  pharos.MetricWatcher{ name = "error", check = function() error(token) end },
  pharos.MetricWatcher{ name = "failure", check = function() return pharos.http.get("http://user:" .. "s3cret%2Fpass%20%22word" .. "@127.0.0.1:1/?q=s3cret%2Fpass+%22word") end },
  pharos.MetricWatcher{ name = "quoted", check = function() return nil, ("cannot use %q"):format(token) .. pharos.json.encode({ token }) end },
}`)
	var events []string
	for _, id := range []engine.ID{"result", "error", "failure", "quoted"} {
		w := b.watcher(id)
		ctx := WithTrace(context.Background(), func(e Event) { events = append(events, e.Text, e.Outcome) })
		got, err := w.Check(ctx)
		if err != nil {
			t.Fatal(err)
		}
		shown := append(slices.Clone(got.Log), got.Value, got.Detail, got.Output)
		if got.Failure != nil {
			shown = append(shown, got.Failure.Message, got.Failure.Trace)
		}
		for _, text := range append(shown, events...) {
			if strings.Contains(text, "s3cret") {
				t.Errorf("run of %q shows the secret: %q", id, text)
			}
		}
	}
	if len(events) == 0 || strings.Contains(logged.String(), "s3cret") {
		t.Errorf("%d events; log %q, want some events and no secret", len(events), logged.String())
	}
	if !strings.Contains(b.run("result").Detail, maskText) {
		t.Errorf("Detail = %q, want a mask in it", b.run("result").Detail)
	}
}

// What is wrong with a file is said on the board too.
func TestSecretsAreMaskedInLoadErrors(t *testing.T) {
	const key = "-----BEGIN KEY-----\nc2VjcmV0\nbGluZXM=\n-----END KEY-----"
	for _, text := range []string{
		`error("no " .. token)`,
		`metric_watchers = { pharos.CommandMetricWatcher{ name = "x", command = "true", [token] = 1 } }`,
		`metric_watchers = { pharos.CommandMetricWatcher{ name = "x", command = { token } } }`,
		`metric_watchers = { pharos.MetricWatcher{ name = token, check = print }, pharos.MetricWatcher{ name = token, check = print } }`,
		`error(token:match("\n(.-)\n"))`,
	} {
		b := newTestBoard(t)
		b.LookupEnv = func(string) (string, bool) { return key, true }
		b.write("pharos.lua", `local token = pharos.secret("TOKEN") `+text)
		config, err := Load(t.Context(), b.Options)
		var found []engine.LoadError
		if err == nil {
			defer config.Close()
			found = append(config.Warnings, config.Lint(t.Context())...)
		}
		if said := fmt.Sprint(found, err); strings.Contains(said, "c2VjcmV0") || !strings.Contains(said, maskText) {
			t.Errorf("%s: %s, want the secret masked", text, said)
		}
	}
}

// A run that was still on its way to a vantage when its time ended says so: what
// it would have looked at is not to blame, however late the script hears of it.
func TestTimeEndsOnTheWayToAVantage(t *testing.T) {
	b := newTestBoard(t)
	b.primitives = fakes{exec: func(ctx context.Context, host string, _ probe.ExecRequest) (*probe.ExecResult, error) {
		<-ctx.Done()
		return nil, &probe.Error{Kind: probe.Vantage, Message: "still connecting to " + host}
	}}
	b.load(`metric_watchers = { pharos.MetricWatcher{ name = "x", timeout = "200ms", check = function()
		while true do pharos.exec("true", { ssh_host = "far" }) end
	end } }`)
	if got := b.run("x"); got.Status != engine.Unknown || got.Detail != "still connecting to far" {
		t.Errorf("result = %v %q %q, want unknown, still connecting to far", got.Status, got.Value, got.Detail)
	}
}

// Text from outside stays text: what turns the direction of writing, escape
// sequences and control characters do not reach the board.
func TestShownTextIsClean(t *testing.T) {
	b := newTestBoard(t)
	b.load("metric_watcher_sets = { pharos.WatcherSet('S\u202eet', { pharos.MetricWatcher{ name = 'a\u202eb', id = 'x', check = function()\n" +
		"return { status = 'ok', value = '\u202e321', unit = 'm\x1b[31ms', detail = 'x\\0\u2066y' } end } }) }")
	got := b.run("x")
	if got.Value != "321" || got.Unit != "ms" || got.Detail != "xy" {
		t.Errorf("result = %q %q %q, want %q %q %q", got.Value, got.Unit, got.Detail, "321", "ms", "xy")
	}
	if set := b.config.Generation.Sets[0]; set.Name != "Set" || set.Watchers[0].Name != "ab" {
		t.Errorf("names = %q %q, want %q %q", set.Name, set.Watchers[0].Name, "Set", "ab")
	}
}

// An empty host to look from is no vantage: it is not here either.
func TestEmptyVantage(t *testing.T) {
	for _, call := range []string{
		`pharos.exec("true", { ssh_host = "" })`, `pharos.http.get("http://x/", { ssh_host = "" })`, `pharos.tcp("x:1", { ssh_host = "" })`,
		`pharos.tls("x:1", { ssh_host = "" })`, `pharos.dns("x", { ssh_host = "" })`, `pharos.ssh("")`,
	} {
		b := newTestBoard(t)
		b.primitives = fakes{}
		if got := b.check("return " + call); got.Status != engine.Unknown || !strings.Contains(got.Detail, "want a host, got an empty text") {
			t.Errorf("%s = %v %q, want unknown, as no host is named", call, got.Status, got.Detail)
		}
	}
}

// A path that was forgotten is not the folder of the script, which is always there.
func TestEmptyPath(t *testing.T) {
	for _, call := range []string{`pharos.file.read("")`, `pharos.file.stat("")`, `pharos.file.newest("")`} {
		b := newTestBoard(t)
		if got := b.check("return " + call + " ~= nil"); got.Status != engine.Unknown || !strings.Contains(got.Detail, "want a path, got an empty text") {
			t.Errorf("%s = %v %q, want unknown, as no path is given", call, got.Status, got.Detail)
		}
	}
	if err := newTestBoard(t).tryLoad(`metric_watchers = { pharos.MetricWatcher{ name = "x", events = pharos.file.tail("", print) } }`); err == nil || !strings.Contains(err.Error(), "want a path, got an empty text") {
		t.Errorf("loading file.tail(\"\") gives %v, want an error, as no path is given", err)
	}
}

// Evidence of a run: what it logged, printed and measured.
func TestEvidence(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("hello " + r.Method + " " + r.Header.Get("X-Test")))
	}))
	defer server.Close()
	b := newTestBoard(t)
	got := b.check(`print("one", 2) pharos.log("three") pharos.log.debug("four")
		local page = assert(pharos.http.get("` + server.URL + `", { headers = { ["x-test"] = "y" } }))
		return page.body, page.status .. " " .. page.headers["Content-Type"]`)
	if got.Status != engine.Unknown { // "hello GET y" is no status
		t.Errorf("Status = %v, want unknown", got.Status)
	}
	if want := []string{"one\t2", "three", "four"}; !slices.Equal(got.Log, want) {
		t.Errorf("Log = %q, want %q", got.Log, want)
	}
	if got.Output != "hello GET y" {
		t.Errorf("Output = %q, want the page's first lines", got.Output)
	}
	var sum time.Duration
	for _, p := range got.Timing {
		sum += p.Duration
	}
	if len(got.Timing) != 7 || sum <= 0 {
		t.Errorf("Timing = %v, want seven phases", got.Timing)
	}
}

func TestLogIsBounded(t *testing.T) {
	b := newTestBoard(t)
	got := b.check(`for i = 1, 1000 do print(("x"):rep(100)) end return "ok"`)
	total := 0
	for _, line := range got.Log {
		total += len(line)
	}
	if total > logMaxBytes+200 || got.Log[len(got.Log)-1] != logDropped {
		t.Errorf("%d bytes in %d lines, the last %q; want at most %d and %q", total, len(got.Log), got.Log[len(got.Log)-1], logMaxBytes, logDropped)
	}
}

// The trace tells each primitive as it ends, with what came of it.
func TestTrace(t *testing.T) {
	b := newTestBoard(t)
	b.primitives = stubWorld()
	b.load(`metric_watchers = { pharos.MetricWatcher{ name = "x", check = function()
		pharos.exec({ "df", "-P" }, { ssh_host = "web-1" })
		pharos.http.post("http://user:password@x/")
		pharos.dns("example.com", { type = "MX" })
		print("done")
		return true
	end } }`)
	var got []string
	ctx := WithTrace(context.Background(), func(e Event) { got = append(got, strings.Join([]string{e.Kind, e.Host, e.Text, e.Outcome}, "|")) })
	if _, err := b.watcher("x").Check(ctx); err != nil {
		t.Fatal(err)
	}
	want := []string{"exec|web-1|df -P|exit 0", "http||POST http://user:xxxxx@x/|200", "dns||MX example.com|NOERROR", "log||done|"}
	if !slices.Equal(got, want) {
		t.Errorf("events = %q, want %q", got, want)
	}
}

// The unit of a watcher goes with numbers; a result's own with anything.
func TestUnit(t *testing.T) {
	for body, want := range map[string]string{
		`return 5`:                     "5 ms",
		`return "ok", "0.50"`:          "0.50 ms",
		`return "critical", "refused"`: "refused ",
		`return { status = "ok", value = "x", unit = "y" }`: "x y",
	} {
		b := newTestBoard(t)
		b.load(`metric_watchers = { pharos.MetricWatcher{ name = "x", unit = "ms", timeout = 30, check = function() ` + body + ` end } }`)
		if got := b.run("x"); got.Value+" "+got.Unit != want {
			t.Errorf("%s = %q %q, want %q", body, got.Value, got.Unit, want)
		}
	}
}
