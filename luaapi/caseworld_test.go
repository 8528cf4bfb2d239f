package luaapi

import (
	"strings"
	"testing"
)

// What stubs answer reaches a script as the real primitive would give it: no more
// of a body than was asked for, no ping without an answer, no distrust without a
// reason, no certificate that ends at another time than in the days it has left,
// and no answer at once that took its time. Else a test passes and the board does
// not.
func TestStubsAnswerAsPrimitivesDo(t *testing.T) {
	b := newTestBoard(t)
	b.write("pharos.lua", `metric_watchers = {
  pharos.PingMetricWatcher{ name = "ping", host = "h", count = 2 },
  pharos.TLSMetricWatcher{ name = "tls", address = "h:443" },
  pharos.MetricWatcher{ name = "page", check = function()
    local page = assert(pharos.http.get("http://h/", { max_body = 10 }))
    return "ok", #page.body, tostring(page.truncated)
  end },
}`)
	b.Path = b.write("world_test.lua", `
test.case("pings", function(t)
  t:load("pharos.lua")
  t:stub("ping", function() return { received = 0 } end)
  local result = t:run("ping")
  t:equal({ result.status, result.kind }, { "critical", "timeout" })
  t:stub("ping", function() return { sent = 3, avg = "1ms" } end)
  t:equal(t:run("ping").status, "ok")
  t:stub("ping", function() return { sent = 3, received = 2, avg = "1ms" } end)
  t:equal(t:run("ping").status, "warning")
end)
test.case("chains", function(t)
  t:load("pharos.lua")
  t:stub("tls", function() return { days_left = 30, verify_error = "it is expired" } end)
  t:equal(t:run("tls").status, "critical")
  t:match(t:run("tls").detail, "it is expired")
  t:stub("tls", function() return { days_left = 30, verified = false } end)
  t:equal(t:run("tls").status, "critical")
end)
test.case("times", function(t)
  local start = pharos.time.monotonic()
  local function days(certificate) return math.round((certificate.not_after - pharos.time.now()) / 86400) end
  t:stub("tls", function() return { days_left = 30, total = 2 } end)
  t:equal(days(pharos.tls("h:443").chain[1]), 30)
  t:equal(pharos.time.monotonic() - start, 2)
  t:stub("dns", function() return { total = 3 } end)
  pharos.dns("h")
  t:equal(pharos.time.monotonic() - start, 5)
  t:stub("http", function() return { tls = { days_left = 40 } } end)
  t:equal(days(pharos.http.get("https://h/").tls), 40)
  t:stub("tcp", function() return { tls = { days_left = 50 } } end)
  t:equal(days(pharos.tcp("h:993", { tls = true }).tls), 50)
end)
test.case("bodies", function(t)
  t:load("pharos.lua")
  t:stub("http", function() return { body = ("x"):rep(11) } end)
  local result = t:run("page")
  t:equal({ result.value, result.detail }, { "10", "true" })
end)`)
	cases, err := LoadCases(t.Context(), b.Options)
	if err != nil {
		t.Fatal(err)
	}
	defer cases.Close()
	for _, name := range cases.Cases() {
		for _, failure := range cases.Run(t.Context(), name).Failures {
			t.Errorf("%s: %s", name, formatLoadError(failure))
		}
	}
}

// Time passes in a case as on the board: what takes longer than a run, or the
// timeout of its own, times out, and leaves nothing to what comes after it.
func TestCasesTakeTheirTime(t *testing.T) {
	b := newTestBoard(t)
	b.write("pharos.lua", `
local function watcher(name, check)
  return pharos.MetricWatcher{ name = name, interval = "10s", timeout = "2s", check = check }
end
metric_watchers = {
  pharos.PageGETMetricWatcher{ name = "page", url = "http://h/", interval = "10s", timeout = "2s" },
  pharos.CommandMetricWatcher{ name = "command", command = "df", interval = "10s", timeout = "2s" },
  pharos.DNSMetricWatcher{ name = "dns", host = "h", interval = "10s", timeout = "2s" },
  pharos.TLSMetricWatcher{ name = "tls", address = "h:443", interval = "10s", timeout = "2s" },
  pharos.TCPMetricWatcher{ name = "tcp", address = "h:25", expect = "220", interval = "10s", timeout = "2s" },
  watcher("sleeps", function() assert(pharos.time.sleep(3)) return "ok" end),
  watcher("sum", function()
    assert(pharos.http.get("http://h/1"))
    assert(pharos.http.get("http://h/2"))
    return "ok"
  end),
  watcher("own", function()
    local before = pharos.time.now()
    local page, err = pharos.http.get("http://h/", { timeout = "1s" })
    return page and "ok" or "warning", err and err.kind, math.floor((pharos.time.now() - before) * 10 + 0.5)
  end),
  watcher("computes", function()
    for i = 1, 5e4 do end
    local page, err = pharos.http.get("http://h/", { timeout = 1.899 })
    return page and "ok" or "warning", err and err.kind
  end),
  watcher("fallback", function()
    local page = pharos.http.get("http://h/1") or pharos.exec("fallback")
    return page and "ok" or "critical"
  end),
  pharos.MetricWatcher{ name = "places", interval = "10s", timeout = "2s", ssh_host = { "a", "b" }, merge = "worst", check = function(self)
    assert(pharos.http.get("http://h/", { ssh_host = self.ssh_host }))
    return "ok"
  end },
}`)
	b.wantCases(b.write("x_test.lua", `
local function took(t, id)
  local before = pharos.time.now()
  local result = t:run(id)
  return { result.status, result.kind, math.floor((pharos.time.now() - before) * 10 + 0.5) }
end
test.case("too long", function(t)
  t:load("pharos.lua")
  t:equal(took(t, "sleeps"), { "critical", "timeout", 19 })
  t:stub("http", function() return { total = 3 } end)
  t:equal(took(t, "page"), { "critical", "timeout", 19 })
  t:stub("exec", function() return { elapsed = "3s" } end)
  t:equal(took(t, "command"), { "critical", "timeout", 19 })
  t:stub("dns", function() return { values = { "192.0.2.1" }, total = 3 } end)
  t:equal(took(t, "dns"), { "critical", "timeout", 19 })
  t:stub("tls", function() return { days_left = 90, total = 3 } end)
  t:equal(took(t, "tls"), { "critical", "timeout", 19 })
  t:stub("tcp", function() return { greeting = "hello" } end)
  t:equal(took(t, "tcp"), { "critical", "timeout", 19 })
  t:stub("http", function() t:advance(3) return {} end)
  t:equal(took(t, "page"), { "critical", "timeout", 30 })
end)
test.case("in time", function(t)
  t:load("pharos.lua")
  t:stub("http", function() return { total = 1.8 } end)
  t:equal(took(t, "page"), { "ok", nil, 18 })
  t:equal(took(t, "page"), { "ok", nil, 18 }, "each run has its own time")
  t:stub("dns", function() return { values = { "192.0.2.1" }, total = 1 } end)
  t:equal(took(t, "dns"), { "ok", nil, 10 })
  t:stub("tls", function() return { days_left = 90, total = 1 } end)
  t:equal(took(t, "tls"), { "ok", nil, 10 })
  t:stub("http", function() return { total = 1.2 } end)
  t:equal(t:run("places").status, "ok", "at the same time")
end)
test.case("a run's time is that of all it does", function(t)
  t:load("pharos.lua")
  t:stub("http", function() return { total = 1 } end)
  t:equal(took(t, "sum"), { "critical", "timeout", 19 })
  t:stub("exec", function() return {} end)
  t:stub("http", function() return nil, { kind = "timeout" } end)
  t:equal(t:run("fallback").status, "critical")
  t:stub("http", function() return nil, { kind = "refused" } end)
  t:equal(t:run("fallback").status, "ok")
end)
test.case("a timeout of its own", function(t)
  t:load("pharos.lua")
  t:stub("http", function() return { total = 1.5 } end)
  local result = t:run("own")
  t:equal({ result.status, result.value, result.detail }, { "warning", "timeout", "10" })
  t:stub("http", function() return { total = 0.5 } end)
  t:equal(t:run("own").detail, "5")
  t:stub("http", function() return { total = 1.8995 } end)
  t:equal(t:run("computes").value, "timeout", "however long the machine took")
  t:stub("http", function(request)
    return { total = 0.4, status = #request.url < 11 and 302 or 200, headers = { Location = request.url .. "x" } }
  end)
  t:equal(select(2, pharos.http.get("http://h/", { timeout = 1, redirects = 3 })).kind, "timeout", "one for all hops")
  t:equal(pharos.http.get("http://h/", { timeout = 1.5, redirects = 3 }).timing.total, 1.2)
  t:stub("http", function() return { total = 0.5 } end)
  local page, err = pharos.http.get("http://h/", { timeout = 0.4 })
  t:equal({ page, err and err.kind }, { nil, "timeout" }, "the case's own request")
  t:ok(pharos.http.get("http://h/"))
end)`))
}

// Redirects are followed, certificates looked at and outputs cut as the real
// primitives do it.
func TestStubsAreFollowedAndDistrusted(t *testing.T) {
	b := newTestBoard(t)
	b.wantCases(b.write("x_test.lua", `
test.case("redirects", function(t)
  local asked = {}
  t:stub("http", function(request)
    asked[#asked + 1] = request.method .. " " .. request.url
    if request.url == "http://h/new" then return { body = "here", total = "20ms" } end
    if request.url == "http://h/loop" then return { status = 301, headers = { Location = "/loop" } } end
    return { status = 302, headers = { Location = "/new" }, total = "10ms" }
  end)
  local page = pharos.http.get("http://h/old")
  t:equal({ page.status, page.redirect_url, page.body }, { 302, "http://h/new", "" })
  page = pharos.http.post("http://h/old", { redirects = 1, body = "x" })
  t:equal({ page.status, page.url, page.body, page.timing.total }, { 200, "http://h/new", "here", 0.03 })
  t:equal(asked, { "GET http://h/old", "POST http://h/old", "GET http://h/new" })
  local none, err = pharos.http.get("http://h/loop", { redirects = 3 })
  t:equal({ none, err and err.kind }, { nil, "redirects" })
end)
test.case("certificates", function(t)
  t:stub("http", function() return { tls = { verified = false } } end)
  local page, err = pharos.http.get("https://h/")
  t:equal({ page, err and err.kind }, { nil, "tls" })
  t:equal(pharos.http.get("https://h/", { insecure = true }).tls.verified, false)
  t:stub("file", function() return { content = "a test has no key" } end)
  page = pharos.http.get("https://h/", { ca = "ca.pem", cert = "c.pem", key = "k.pem", insecure = true })
  t:ok(page)
  t:stub("tcp", function() return { tls = { verify_error = "it is expired" } } end)
  local conn, why = pharos.tcp.connect("h:443", { tls = true })
  t:equal({ conn, why and why.kind }, { nil, "tls" })
  t:match(tostring(why), "it is expired")
  t:stub("tcp", function() return {} end)
  t:equal(pharos.tcp.connect("h:443", { tls = true }):tls().verified, true)
end)
test.case("outputs", function(t)
  t:stub("exec", function() return { stdout = ("a"):rep(50) .. ("b"):rep(50) } end)
  local result = pharos.exec("x", { max_output = 10 })
  t:equal({ result.stdout, result.truncated }, { "aaaaa\n[... 90 bytes left out ...]\nbbbbb", true })
  t:stub("http", function() return { body = "page" } end)
  t:equal(pharos.http.head("http://h/").body, "")
end)`))
}

// Where an assertion fails after a run that did, the author reads why.
func TestFailedRunsAreTold(t *testing.T) {
	b := newTestBoard(t)
	b.write("pharos.lua", `metric_watchers = { pharos.MetricWatcher{ name = "broken", check = function() return nil + 1 end } }`)
	b.Path = b.write("told_test.lua", `test.case("it", function(t) t:load("pharos.lua") t:equal(t:run("broken").status, "ok") end)`)
	cases, err := LoadCases(t.Context(), b.Options)
	if err != nil {
		t.Fatal(err)
	}
	defer cases.Close()
	failures := cases.Run(t.Context(), "it").Failures
	want := "got \"unknown\", want \"ok\"\n  broken failed: " + scriptName(b.dir) + "/pharos.lua:1: attempt to perform arithmetic on a nil value"
	if len(failures) != 1 || !strings.HasPrefix(failures[0].Message, want) {
		t.Errorf("failures = %v, want one: %s", failures, want)
	}
}
