package luaapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
	"pharos/scripts"
)

// runCases runs the test file at path, and gives "name: line: message" of each
// failure.
func (b *testBoard) runCases(path string) []string {
	b.Helper()
	f, err := LoadCases(context.Background(), Options{Path: path, Classes: b.Classes, Probes: b.Probes, slice: b.slice})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var failed []string
	for _, name := range f.Cases() {
		for _, e := range f.Run(context.Background(), name).Failures {
			failed = append(failed, fmt.Sprintf("%s: %d: %s", name, e.Line, e.Message))
		}
	}
	return failed
}

// wantCases runs the test file at path, which must pass.
func (b *testBoard) wantCases(path string) {
	b.Helper()
	if failed := b.runCases(path); len(failed) > 0 {
		b.Errorf("%s:\n%s", path, strings.Join(failed, "\n"))
	}
}

// The tests among the examples pass.
func TestScriptsTests(t *testing.T) {
	names, err := fs.Glob(scripts.FS, "*"+TestSuffix)
	if err != nil || len(names) == 0 {
		t.Fatalf("tests among the examples = %v, %v, want some", names, err)
	}
	for _, name := range names {
		newTestBoard(t).wantCases("../scripts/" + name)
	}
}

const casesBoard = `
local seen = pharos.cache{ ttl = "5m" }
metric_watchers = {
  pharos.PageGETMetricWatcher{ name = "page", url = "http://127.0.0.1/", thresholds = { 0.001, 0.1, 1 } },
  pharos.CommandMetricWatcher{ name = "here", command = { "df", "-P" } },
  pharos.CommandMetricWatcher{ name = "there", command = "df", ssh_host = "web-1" },
  pharos.TLSMetricWatcher{ name = "certificate", address = "127.0.0.1:443", thresholds = { warn = 20, crit = 7 } },
  pharos.DNSMetricWatcher{ name = "name", host = "example.org", expect = { "192.0.2.1" } },
  pharos.PingMetricWatcher{ name = "ping", host = "192.0.2.1" },
  pharos.TCPMetricWatcher{ name = "mail", address = "127.0.0.1:25", send = "QUIT\r\n", expect = "221" },
  pharos.MetricWatcher{ name = "counts", check = function(self)
    self.state.n = (self.state.n or 0) + 1
    local known = seen:get("x")
    seen:set("x", true)
    return self.state.n, tostring(known)
  end },
  pharos.MetricWatcher{ name = "env", check = function() return "ok", pharos.env("WHO", "nobody"), pharos.env("HOME", "no home") end },
  pharos.MetricWatcher{ name = "clock", interval = "3h", timeout = "2h", check = function()
    local unix, os_unix = pharos.time.now(), os.time()
    assert(pharos.time.sleep("1h"))
    return pharos.time.now() - unix, (os.time() - os_unix) .. " " .. os.date("!%F", os.time())
  end },
}`

// What a case can do, told by cases that pass.
func TestCasesPass(t *testing.T) {
	b := newTestBoard(t)
	b.write("pharos.lua", casesBoard)
	b.wantCases(b.write("pharos_test.lua", `
local function fields(r, ...) local t = {} for i, name in ipairs{...} do t[i] = r[name] end return t end
test.case("http", function(t)
  t:load("pharos.lua")
  t:stub("http", function(request)
    t:equal(request.method .. " " .. request.url, "GET http://127.0.0.1/")
    return { status = 200, total = 0.2 }
  end)
  t:equal(fields(t:run("page"), "status", "value"), { "warning", "0.2000" })
  t:stub("http", function() return nil, { kind = "timeout", phase = "wait", message = "too slow" } end)
  t:equal(fields(t:run("page"), "status", "error", "kind"), { "critical", "too slow", "timeout" })
  t:stub("http", function() return { timing = { dns = "10ms", wait = 0.04 } } end)
  local page = pharos.http.get("http://127.0.0.1/")
  t:equal({ page.timing.total, page.timing.time_namelookup }, { 0.05, 0.01 })
end)
test.case("a request is as it is sent", function(t)
  local seen
  t:stub("http", function(request) seen = request return {} end)
  pharos.http.post("http://127.0.0.1/", { form = { a = "1" }, bearer = "token", cookies = { sid = "7", lang = "en" } })
  t:equal({ seen.body, seen.headers.authorization, seen.headers.Cookie }, { "a=1", "Bearer token", "lang=en; sid=7" })
end)
test.case("cookies are kept on the way, and given to go on with", function(t)
  t:stub("http", function(request)
    if request.url == "http://127.0.0.1/next" then return { body = request.headers.Cookie } end
    return { status = 302, headers = { Location = "/next", ["Set-Cookie"] = "sid=8; Path=/" } }
  end)
  local page = pharos.http.get("http://127.0.0.1/login", { redirects = 1, cookies = { lang = "en" } })
  t:equal({ page.body, page.cookies }, { "lang=en; sid=8", { lang = "en", sid = "8" } })
end)
test.case("a header may come more than once", function(t)
  t:stub("http", function() return { headers = { ["set-cookie"] = { "a=1", "b=2; Path=/" }, Age = 7, Via = { "x", "y" } } } end)
  local page = pharos.http.get("http://127.0.0.1/")
  t:equal({ page.cookies, page.headers.via, page.headers.age }, { { a = "1", b = "2" }, "x, y", "7" })
end)
test.case("commands", function(t)
  t:load("pharos.lua")
  t:stub("exec", function(request) t:equal(request.argv, { "df", "-P" }) return { code = 2, stdout = request.command } end)
  t:stub("ssh", function(request) return { stdout = request.ssh_host } end)
  t:equal(fields(t:run("here"), "status", "detail"), { "critical", "df -P" })
  t:equal(fields(t:run("there"), "status", "detail"), { "ok", "web-1" })
end)
test.case("the other protocols", function(t)
  t:load("pharos.lua")
  t:stub("tls", function(request) return { days_left = 10 } end)
  t:equal(t:run("certificate").status, "warning")
  t:stub("dns", function(request) return { values = { "192.0.2.1" } } end)
  t:equal(t:run("name").status, "ok")
  t:stub("ping", function() return { avg = "5ms" } end)
  t:equal(t:run("ping").status, "ok")
  t:stub("file", function(request) t:equal(request, { op = "stat", path = "/backup" }) return { size = 7, age = "2h" } end)
  t:equal({ pharos.file.stat("/backup").size, pharos.file.stat("/backup").age }, { 7, 7200 })
  t:stub("file", function(request) t:equal(request, { op = "newest", path = "/db-*" }) return { path = "/db-7", size = 7 } end)
  t:equal({ pharos.file.newest("/db-*").path, pharos.file.newest("/db-*").size }, { "/db-7", 7 })
  t:stub("file", function(request) if request.op == "read" then return { content = "text" } end end)
  t:equal(pharos.file.read("/x"), "text")
  t:stub("tcp", function() return { greeting = "220 hello\r\n", answer = function(sent) return "221 bye to " .. sent end } end)
  t:equal(t:run("mail").status, "ok")
end)
test.case("state is kept over reloads, not over cases", function(t)
  t:load("pharos.lua")
  t:equal(t:run("counts").value, "1")
  t:equal(fields(t:run("counts"), "value", "detail"), { "2", "true" })
  t:advance("6m")
  t:equal(t:run("counts").detail, "nil", "the cache forgot")
  t:load("pharos.lua")
  t:equal(t:run("counts").value, "4")
end)
test.case("state is a case's own", function(t)
  t:load("pharos.lua")
  t:equal(t:run("counts").value, "1")
end)
test.case("environment", function(t)
  t:load("pharos.lua", { env = { WHO = "me" } })
  t:equal(fields(t:run("env"), "value", "detail"), { "me", "no home" })
end)
test.case("clock", function(t)
  t:load("pharos.lua")
  t:equal(pharos.time.format(pharos.time.now()), "2000-01-01T00:00:00Z")
  t:equal(fields(t:run("clock"), "value", "detail"), { "3600", "3600 2000-01-01" })
end)
test.case("what a run logs", function(t)
  t:ok(not pcall(t.run, t, "page"), "nothing is loaded")
  t:ok(t:match("abc", "b") and t:equal(1, 1))
end)
`))
}

// What is found is there for the case as what is declared, also after a reload.
func TestCasesDiscover(t *testing.T) {
	b := newTestBoard(t)
	b.write("pharos.lua", `
local function events(name)
  return pharos.MetricWatcher{ name = name, events = pharos.file.tail("/x", function(self, line) return line end) }
end
metric_watchers = { pharos.derive{ name = "all", of = "fleet.*" } }
metric_watcher_sets = { pharos.WatcherSet("Fleet", function()
  local list, err = pharos.file.read("/hosts")
  if not list then return nil, err end
  local found = { events("log") }
  for name in list:gmatch("%S+") do
    found[#found + 1] = pharos.CommandMetricWatcher{ name = name, command = { "ping", name } }
  end
  return found
end) }`)
	b.wantCases(b.write("x_test.lua", `
test.case("found", function(t)
  t:load("pharos.lua")
  t:stub("file", function() return { content = "a b" } end)
  t:stub("exec", function(request) return { code = request.argv[2] == "a" and 0 or 1 } end)
  t:match(select(2, pcall(t.run, t, "fleet.a")), 'cannot run "fleet.a": its set has not found it; t:discover%(%) lets it look$')
  t:equal(t:discover(), nil)
  t:equal({ t:run("fleet.a").status, t:run("fleet.b").status }, { "ok", "critical" })
  t:equal(t:feed("fleet.log", "warning").status, "warning")
  t:equal({ t:run("all").status, t:run("all").value }, { "critical", "1/3" })
  t:stub("file", function() return nil, { kind = "missing", message = "no disk" } end)
  t:match(t:discover(), 'set "Fleet": .*no disk; the last 3 members stay$')
  t:load("pharos.lua")
  t:equal(t:run("fleet.a").status, "ok")
  t:stub("file", function() return { content = "b" } end)
  t:equal(t:discover(), nil)
  t:ok(not pcall(t.run, t, "fleet.a"), "it is gone")
  t:equal(t:feed("fleet.log", "ok").status, "ok")
end)
`))
}

// The files that a case loaded are given up with it, also those that found
// members.
func TestCasesLetGo(t *testing.T) {
	b := newTestBoard(t)
	b.write("pharos.lua", discovering("", `return { pharos.MetricWatcher{ name = "a", check = function() return "ok" end } }`))
	path := b.write("x_test.lua", `test.case("found", function(t) t:load("pharos.lua") t:equal(t:discover(), nil) t:equal(t:run("fleet.a").status, "ok") end)`)
	f, err := LoadCases(context.Background(), Options{Path: path, Classes: b.Classes, Probes: b.Probes})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if r := f.Run(context.Background(), "found"); len(r.Failures) > 0 {
		t.Fatalf("failures = %v, want none", r.Failures)
	}
	for _, s := range f.current.config.scripts {
		if !s.universe.Dead() {
			t.Errorf("the universe of %s lives on", s.name)
		}
	}
}

// What a stub prints is the case's, whoever asked it: a watcher's log is its own.
func TestCasesPrint(t *testing.T) {
	b := newTestBoard(t)
	b.write("pharos.lua", `metric_watchers = { pharos.MetricWatcher{ name = "x", check = function() print("asking") return pharos.file.stat("y").size end } }`)
	path := b.write("x_test.lua", `test.case("prints", function(t)
  t:load("pharos.lua")
  t:stub("file", function(request) print("asked for", request.path) return { size = 7 } end)
  print(table.concat(t:run("x").log, "|"))
end)`)
	f, err := LoadCases(context.Background(), Options{Path: path, Classes: b.Classes, Probes: b.Probes})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := f.Run(context.Background(), "prints")
	if len(r.Failures) > 0 || len(r.Log) != 2 || !strings.HasPrefix(r.Log[0], "asked for") || r.Log[1] != "asking" {
		t.Errorf("log = %q, failures %v, want what the stub said, and what the watcher did", r.Log, r.Failures)
	}
}

// What fails a case, and the words for it.
func TestCasesFail(t *testing.T) {
	for _, test := range []struct{ body, want string }{
		{`t:equal(1, "1")`, `case: 2: got 1, want "1"`},
		{`t:equal("a", "b", "letters")`, `case: 2: letters: got "a", want "b"`},
		{`t:equal({ a = { 1, 2 }, b = 3 }, { a = { 1, 3 }, c = 4 })`,
			"case: 2: the tables differ:\n  .a[2]: got 2, want 3\n  .c: got nil, want 4\n  .b: got 3, want nil"},
		{`t:match("abc", "^b")`, `case: 2: got "abc", want a match of "^b"`},
		{`t:match(nil, "^b")`, `case: 2: got nil, want text that matches "^b"`},
		{`t:ok(false, "why")`, `case: 2: why: got false, want what is true`},
		{`error("mine")`, `case: 2: mine`},
		{`t:load("pharos.lua") t:run("here")`,
			`case: 2: cannot do exec df -P: the test has no stub for it; give one with t:stub("exec", function(request) ... end)`},
		{`t:load("pharos.lua") t:run("heer")`, `there is no such watcher (did you mean "here"?`},
		{`t:discover()`, `case: 2: cannot discover: load a configuration first, t:load("pharos.lua")`},
		{`t:load("pharos.lua") t:discover()`, `case: 2: cannot discover: no set of the configuration finds its members`},
		{`t:load("pharos.lua") t:status("here", "pending")`, `case: 2: cannot give "here" the status "pending" (valid: critical, ok, unknown, warning)`},
		{`t:load("other.lua")`, `other.lua: there is no such file or folder`},
		{`t:load("secretive.lua")`, `an environment variable; in a test t:load(path, { env = { ["API_TOKEN"] = "..." } }) gives it`},
		{`t:stub("htp", print)`, `case: 2: cannot stub "htp": there is no such primitive (did you mean "http"?`},
		{`t:stub("exec", function() return { kode = 1 } end) pharos.exec("x")`, `cannot use option "kode" of the answer of the stub exec (did you mean "code"?`},
		{`t:stub("exec", function() return nil, { kind = "tmeout" } end) pharos.exec("x")`, `there is no kind "tmeout" (did you mean "timeout"?`},
		{`t:stub("file", function() end) pharos.file.read("/x")`, `want a table, or nil and { kind =, message = }, got nil and nil`},
		{`t:stub("http", function() return { headers = { A = {{}} } } end) pharos.http.get("http://h/")`, `cannot use option "headers" of the answer of the stub http: want`},
		{`t:stub("exec", function() return 7 end) pharos.exec("x")`, `want a table, or nil and { kind =, message = }, got number`},
		{"t:stub('exec', function()\n error('in the stub') end) pharos.exec('x')", "case: 3: in the stub"},
		{`t:stub("tcp", function() return { greeting = "abc" } end) pharos.tcp.connect("x:1"):read(-1)`, `case: 2: want from 0 to 1048576 bytes to read, got -1`},
		{`t:stub("http", function() return {} end) pharos.http.get("ftp://h/")`, `case: 2: reading URL "ftp://h/"`},
		{`t:stub("http", function() return {} end) pharos.http.request("http://h/", { method = "GET IT" })`, `case: 2: `},
		{`t:stub("dns", function() return {} end) pharos.dns("h", { type = "AAAAA" })`, `case: 2: asking for "h": `},
		{`t:stub("tcp", function() return { greeting = "abc\n" } end) local c = pharos.tcp.connect("x:1") c:close() c:line()`, `case: 2: cannot call line of a connection that is closed`},
		{`t:stub("tcp", function() return {} end) pharos.tcp.connect("example.org")`, `case: 2: connecting to "example.org": `},
		{`t:stub("tls", function() return {} end) pharos.tls("example.org")`, `case: 2: connecting to "example.org": `},
		{`t.run("x")`, `call its methods with a colon, t:run(...)`},
		{`t:eqal(1, 1)`, `cannot use t.eqal: there is no such name (did you mean "equal"?`},
		{`test.case("x", print)`, `cases are declared while the file loads`},
		{`while true do end`, `computed for too long`},
	} {
		b := newTestBoard(t)
		b.slice = vm.DefaultSlice
		b.write("pharos.lua", casesBoard)
		b.write("secretive.lua", `local token = pharos.secret("API_TOKEN")`)
		got := strings.Join(b.runCases(b.write("x_test.lua", "test.case('case', function(t)\n"+test.body+"\nend)")), "\n")
		if !strings.Contains(got, test.want) {
			t.Errorf("%s\nfailures = %s\nwant %s", test.body, got, test.want)
		}
	}
}

// A test file that does not load says where, as a configuration does.
func TestLoadCasesErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "x_test.lua: it has no case"},
		{"x = 1", "x_test.lua:1: "},
		{"test.case('a', print)\ntest.case('a', print)", `x_test.lua:2: cannot use the name "a" twice`},
		{"test.cse('a', print)", `did you mean "case"?`},
		{"pharos.exec('true')", "x_test.lua:1: cannot call pharos.exec while the file loads"},
	} {
		b := newTestBoard(t)
		path := b.write("x_test.lua", test.text)
		_, err := LoadCases(context.Background(), Options{Path: path, Classes: b.Classes, Probes: b.Probes})
		var failed *LoadError
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("LoadCases(%q) = %v, want %s", test.text, err, test.want)
		}
	}
}

// Values as a person reads them: keys sorted, long tables a field a line.
func TestPretty(t *testing.T) {
	L := lua.NewState()
	defer L.Close()
	for _, test := range []struct{ expression, want string }{
		{`nil`, `nil`},
		{`1e15 / 4`, `250000000000000`},
		{`"a\n\"\\\1\255"`, `"a\n\"\\\001` + "\uFFFD" + `"`},
		{`{}`, `{}`},
		{`{ 1, { b = 2, a = 1 }, [10] = true, ["a b"] = "c" }`, `{ 1, { a = 1, b = 2 }, [10] = true, ["a b"] = "c" }`},
		{`{ long = ("x"):rep(60), y = { 1 } }`, "{\n  long = \"" + strings.Repeat("x", 60) + "\",\n  y = { 1 },\n}"},
		{`(function() local t = {} t.t = t return t end)()`, `{ t = { ... } }`},
	} {
		if err := L.DoString("return " + test.expression); err != nil {
			t.Fatal(err)
		}
		if got := pretty(L.Get(-1)); got != test.want {
			t.Errorf("pretty(%s) = %s, want %s", test.expression, got, test.want)
		}
	}
}

// A table of a thousand, each the same one of a thousand, and so on: what a script
// makes at no cost takes no longer than it is worth to write, or to compare.
func TestPrettyIsBounded(t *testing.T) {
	L := lua.NewState()
	defer L.Close()
	if err := L.DoString(`local function wide() local t = {} for i = 1, 5 do local u = {} for j = 1, 1000 do u[j] = t end t = u end return t end return wide(), wide()`); err != nil {
		t.Fatal(err)
	}
	if n := len(pretty(L.Get(1))); n > 100_000 {
		t.Errorf("pretty gave %d bytes", n)
	}
	if err := L.DoString(`local t, long = {}, ("x"):rep(1e5) for i = 1, 900 do t[i] = { [long] = long } end return t`); err != nil {
		t.Fatal(err)
	}
	if n := len(pretty(L.Get(-1))); n > 2_000_000 {
		t.Errorf("pretty of one long text over and over gave %d bytes", n)
	}
	if lines := differences(L.Get(1), L.Get(2)); lines != nil {
		t.Errorf("differences = %q, want none", lines)
	}
}

// What is too old is not counted, whether it was asked for or not.
func TestCacheCount(t *testing.T) {
	b := newTestBoard(t)
	b.wantCases(b.write("cache_test.lua", `test.case("count", function(t)
  local c = pharos.cache{ ttl = 10 }
  c:set("a", 1)
  t:advance(6)
  c:set("b", 2)
  t:equal(c:count(), 2)
  t:advance(6)
  t:equal(c:count(), 1)
  t:equal(c:get("b"), 2)
end)`))
}

// A number that is not equal to itself could never be found again, nor forgotten.
func TestCacheRefusesNaN(t *testing.T) {
	b := newTestBoard(t)
	got := b.check(`pharos.cache():set(0/0, 1) return "ok"`)
	if want := "want a key, got NaN"; !strings.Contains(got.Detail, want) {
		t.Errorf("set(0/0, 1) gave %v, %q, want %q", got.Status, got.Detail, want)
	}
}

// A case that asks for a field that no result has is told so: its nil would pass
// for what is not there.
func TestMisspeltFieldOfResult(t *testing.T) {
	b := newTestBoard(t)
	b.write("pharos.lua", `metric_watchers = { pharos.MetricWatcher{ name = "x", check = function() return 5 end } }`)
	path := b.write("x_test.lua", `test.case("x", function(t)
  t:load("pharos.lua")
  local result = t:run("x")
  t:equal({ result.status, result.error, result.kind, result.shadow, result.again, #result.log }, { "ok", nil, nil, nil, nil, 0 })
  t:equal(result.eror, nil)
end)`)
	want := `x: 5: there is no field "eror" (did you mean "error"? valid: again, detail, error, kind, link, log, output, shadow, status, unit, value)`
	if got := b.runCases(path); len(got) != 1 || got[0] != want {
		t.Errorf("failures = %q, want %q", got, want)
	}
}
