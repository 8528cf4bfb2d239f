package luaapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"pharos/engine"
	"pharos/engine/probe"
)

// An answer and its timing are made into tables as they are asked for. No
// script can tell: each of these gets the same from them as from plain tables.
func TestAnswerIsAPlainTable(t *testing.T) {
	world := fakes{http: func(_ context.Context, _ string, req *probe.HTTPRequest) (*probe.HTTPResult, error) {
		r := answer(200, probe.Timing{Wait: 250 * time.Millisecond, Total: 500 * time.Millisecond}, "hello")
		r.Header.Set("X-Sent", strings.Join(req.Header["X-Sent"], ""))
		r.Hops = []probe.HTTPHop{{URL: "http://a/", Status: 302}}
		return r, nil
	}}
	for name, check := range map[string]string{
		"type":           `return type(page) .. type(page.timing), "tabletable"`,
		"field":          `return page.status + page.timing.total, 200.5`,
		"nofield":        `return tostring(page[1]) .. tostring(page.tls), "nilnil"`,
		"same":           `return rawequal(page.timing, page.timing) and page.headers == page.headers and page.hops == page.hops, true`,
		"sameafter":      `local t, h = page.timing, page.headers; next(page); return t == page.timing and h == page.headers, true`,
		"different":      `return page == pharos.http.get("http://b/"), false`,
		"length":         `return #page + #page.timing, 0`,
		"pairs":          `local n = 0 for k in pairs(page) do n = n + 1 end return n, 12`,
		"pairs timing":   `local s = 0 for k, v in pairs(page.timing) do s = s + v end return s, 0.25 + 3 * 0.5 - 0.5`,
		"next":           `return next(page), "status"`,
		"next value":     `return select(2, next(page.timing)), 0`,
		"pairs of other": `local f = pairs({}); return f(page), "status"`,
		"rawget":         `return rawget(page, "body") .. rawget(page.timing, "wait"), "hello0.25"`,
		"rawset":         `rawset(page, "body", "x"); return page.body .. page.status, "x200"`,
		"set":            `page.status = 1; page.extra = 2; return page.status + page.extra + page.size, 8`,
		"set to nil":     `page.body = nil; page.timing.wait = nil; return tostring(page.body) .. tostring(page.timing.wait) .. page.status, "nilnil200"`,
		"set index":      `page[1] = "a"; table.insert(page, "b"); return table.concat(page) .. #page .. page.status, "ab2200"`,
		"set in headers": `page.headers.x = 1; return page.headers.x .. page.headers["X-SENT"], "1"`,
		"getmetatable":   `return tostring(getmetatable(page)) .. tostring(getmetatable(page.timing)), "nilnil"`,
		"setmetatable":   `return setmetatable(page.timing, { __index = { a = 1 } }).a + page.timing.total, 1.5`,
		"json":           `return pharos.json.encode({ page.timing, page.hops, page.status }):gsub(',"time_[a-z]+":[0-9.]+', ""), '[{"blocked":0,"connect":0,"dns":0,"first_byte":0,"receive":0,"send":0,"tls":0,"total":0.5,"wait":0.25},[{"status":302,"url":"http://a/"}],200]'`,
		"json of it":     `return pharos.json.encode(page):match('"timing":{"blocked":0,') ~= nil, true`,
		"headers option": `return pharos.http.get("http://b/", { headers = pharos.http.get("http://b/", { headers = { ["X-Sent"] = "s" } }).headers }).headers["x-sent"], "s"`,
		"form option":    `return pharos.http.post("http://b/", { form = page.timing }).status, 200`,
		"wrong option":   `return select(2, pcall(pharos.http.get, "http://b/", page.timing)):match('option "blocked"'), 'option "blocked"'`,
		"call":           `return select(2, pcall(function() page() end)):match("call"), "call"`,
		"arithmetic":     `return (pcall(function() return page + 1 end)), false`,
		"compare":        `return (pcall(function() return page < page.timing end)), false`,
		"concat":         `return (pcall(function() return "" .. page end)), false`,
		"gsub":           `return (("body size"):gsub("%a+", page)), "hello 5"`,
		"tostring":       `return tostring(page):match("^table: ") and tostring(page) == tostring(page), true`,
		"key":            `local t = { [page] = 1 }; next(page); return t[page], 1`,
		"for next":       `local n = 0 for k, v in next, page.timing do n = n + 1 end return n, 16`,
		"coroutine":      `return coroutine.wrap(function() coroutine.yield(page.timing) end)().total, 0.5`,
		"ring":           `local r = pharos.ring(2); r:push(1); return page.timing.total, 0.5`,
		"error":          `local ok, e = pcall(error, page.timing); return e.total, 0.5`,
	} {
		t.Run(name, func(t *testing.T) {
			board := newTestBoard(t)
			board.primitives = world
			board.load(`
local function probe(page) ` + check + ` end
metric_watchers = { pharos.MetricWatcher{ name = "x", check = function()
  local got, want = probe(pharos.http.get("http://a/"))
  if got == want then return "ok" end
  return "critical", tostring(got), tostring(want)
end } }`)
			if r := board.run("x"); r.Status != engine.OK {
				t.Errorf("%s\ngot %q, want %q %+v", check, r.Value, r.Detail, r.Failure)
			}
		})
	}
}

// What the Go side reads of a script's tables it reads of these too.
func TestAnswerAsState(t *testing.T) {
	board := newTestBoard(t)
	board.primitives = fakes{http: func(context.Context, string, *probe.HTTPRequest) (*probe.HTTPResult, error) {
		return &probe.HTTPResult{Status: 200, Header: http.Header{}, Timing: probe.Timing{Total: time.Second}}, nil
	}}
	board.load(`metric_watchers = {
  pharos.MetricWatcher{ name = "state", check = function(self)
    self.state.last = pharos.http.get("http://a/").timing
    return "ok"
  end },
  pharos.MetricWatcher{ name = "verdict", check = function() return pharos.http.get("http://a/") end },
  pharos.MetricWatcher{ name = "raised", check = function() error(pharos.http.get("http://a/").timing) end },
}`)
	if r := board.run("state"); r.Status != engine.OK {
		t.Fatalf("%+v", r)
	}
	states, _ := board.Options.Memory.States()
	if got, want := string(states["state"]), `"total":1,"wait":0}}`; !strings.HasSuffix(got, want) {
		t.Errorf("kept state = %s, want it to end in %s", got, want)
	}
	if r := board.run("verdict"); !strings.Contains(r.Detail, `check returned an answer of pharos.http: return`) {
		t.Errorf("detail = %q, want it to say what to return", r.Detail)
	}
	if r := board.run("raised"); !strings.Contains(r.Detail, "error with a table as its message") {
		t.Errorf("detail = %q, want it to tell of a table", r.Detail)
	}
}

// pairs shows headers in the same order each time, and so does a detail that is
// made of them.
func TestHeadersAreInOrder(t *testing.T) {
	b := newTestBoard(t)
	page := answer(200, probe.Timing{}, "")
	for _, name := range []string{"E", "B", "D", "A", "C", "F"} {
		page.Header.Set(name, "x")
	}
	b.primitives = fakes{http: func(context.Context, string, *probe.HTTPRequest) (*probe.HTTPResult, error) { return page, nil }}
	got := b.check(`local names = "" for name in pairs(pharos.http.get("http://x/").headers) do names = names .. name end return "ok", names`)
	if got.Value != "abcdef" {
		t.Errorf("headers = %q %s, want abcdef", got.Value, got.Detail)
	}
}
