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
