package luaapi

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
)

// A script has one long text a thousand times at no cost. What Go makes of the
// list must not be as long as they are together.
func TestTextsAreBoundedTogether(t *testing.T) {
	const list = `local s, t, named = ("x"):rep(1e6), {}, {} for i = 1, 1000 do t[i], named["n" .. i] = s, s end `
	const most = 100 << 20 // bytes made in all; a thousand texts have ten times as many
	for _, test := range []struct{ name, body, want string }{
		{"log", list + `pharos.log(unpack(t)) return "critical", "logged"`, "logged"},
		{"print", list + `print(unpack(t)) return "critical", "printed"`, "printed"},
		{"command", list + `return pharos.exec(t)`, "bytes of text in all"},
		{"command elsewhere", list + `return pharos.ssh("web-1"):exec(t)`, "bytes of text in all"},
		{"environment", list + `return pharos.exec("true", { env = named })`, "bytes of text in all"},
		{"form", list + `return pharos.http.post("http://x/", { form = named })`, "bytes of text in all"},
		{"cookies", list + `return pharos.http.get("http://x/", { cookies = named })`, "bytes of text in all"},
		{"headers", list + `return pharos.http.get("http://x/", { headers = named })`, "bytes of text in all"},
		{"header", list + `return pharos.http.get("http://x/", { headers = { a = t } })`, "bytes of text in all"},
		{"names", list + `return "critical", pharos.suggest("abc", t)`, "bytes of text in all"},
		{"name", `return "critical", pharos.suggest("abcdef", { ("x"):rep(2e6) }):sub(1, 7)`, "(valid:"},
		{"JSON", `return "critical", pharos.json.encode(("\1"):rep(9e6))`, "more than 8388608 bytes"},
		{"key that cannot be encoded", `local t = { [("\128"):rep(1e6)] = print } for i = 1, 60 do t = { t } end return "critical", pharos.json.encode(t)`, "a function is no plain data"},
		{"key without a value", `return "critical", tostring(select(2, pharos.json.decode('{"' .. ("\128"):rep(4e6) .. '" 1}')))`, "after the key"},
		{"number that is none", `return "critical", tostring(select(2, pharos.json.decode("0" .. ("1"):rep(4e6))))`, "want a number"},
		{"field of a result", `return pharos.exec("x")[("\1"):rep(9e6)]`, "there is no field"},
		{"option", `return pharos.exec("x", { [("\1"):rep(9e6)] = 1 })`, "cannot use option"},
		{"option of a class", `return pharos.MetricWatcher{ [("\1"):rep(9e6)] = 1 }`, "cannot use option"},
		{"name of a module", `return pharos[("\1"):rep(9e6)]`, "a text of 9000000 bytes: there is no such name"},
		{"step", `self:step(("x"):rep(1e7), function() end)`, "want a name of at most 200 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newTestBoard(t)
			b.primitives = stubWorld()
			b.load("metric_watchers = { pharos.MetricWatcher{ name = 'x', timeout = 30, check = function(self) " + test.body + " end } }")
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := b.run("x")
			runtime.ReadMemStats(&after)
			if !strings.Contains(got.Value+got.Detail, test.want) {
				t.Errorf("result = %.100q %.300q, want %q in it", got.Value, got.Detail, test.want)
			}
			if made := after.TotalAlloc - before.TotalAlloc; made > most {
				t.Errorf("made %d MB, want at most %d", made>>20, most>>20)
			}
		})
	}
}

// looks counts how often a run looks whether it is over.
type looks struct {
	context.Context
	n int
}

func (l *looks) Err() error {
	l.n++
	return l.Context.Err()
}

// Encoding JSON takes time for every value, and a few tables may have millions.
func TestEncodingIsCharged(t *testing.T) {
	const tables = `local t = {} for i = 1, 12 do t = { t, t } end `
	for _, body := range []string{
		`return "ok", #pharos.json.encode(t)`,
		`return pharos.http.post("http://x/", { json = t }) and "ok"`,
	} {
		b := newTestBoard(t)
		b.primitives = fakes{http: func(context.Context, string, *probe.HTTPRequest) (*probe.HTTPResult, error) {
			return answer(200, probe.Timing{}, ""), nil
		}}
		b.load("metric_watchers = { pharos.MetricWatcher{ name = 'x', timeout = 30, check = function(self) " + tables + body + " end } }")
		l := &looks{Context: t.Context()}
		if got, _ := b.watcher("x").Check(l); got.Failure != nil {
			t.Fatalf("%s: %v", body, got.Failure)
		}
		if l.n < 20 { // 8,191 values, of which it may do 256 between two looks
			t.Errorf("%s: looked %d times, want 20 or more", body, l.n)
		}
	}
}

// self.state is read after every run, when no run is charged for it: what is too
// large is found out before it is gone through.
func TestLargeStateIsRefusedAtOnce(t *testing.T) {
	b := newTestBoard(t)
	b.inLua(func(L *lua.LState, _ *lua.LTable) {
		for name, key := range map[string]func(i int) lua.LValue{
			"names":   func(i int) lua.LValue { return lua.LString(strings.Repeat("k", i%50) + lua.LNumber(i).String()) },
			"numbers": func(i int) lua.LValue { return lua.LNumber(i + 1) },
		} {
			large := L.CreateTable(0, 0)
			for i := range 200_000 {
				large.RawSet(key(i), lua.LTrue)
			}
			e := jsonEncoder{strict: true, limit: stateMaxBytes, path: make(map[*lua.LTable]bool)}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := e.value(large, 0)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), "more than 65536 bytes") {
				t.Errorf("%s: err = %v, want more than 65536 bytes", name, err)
			}
			if made := after.TotalAlloc - before.TotalAlloc; made > 4<<20 {
				t.Errorf("%s: made %d kB for a state of at most 64", name, made>>10)
			}
		}
	})
}

// lineCounter counts the lines of a log.
type lineCounter struct {
	slog.Handler
	n int
}

func (c *lineCounter) Enabled(context.Context, slog.Level) bool { return true }

func (c *lineCounter) Handle(context.Context, slog.Record) error {
	c.n++
	return nil
}

// The daemon's log gets no more of a run than its tile does.
func TestDaemonLogIsBounded(t *testing.T) {
	b := newTestBoard(t)
	lines := &lineCounter{Handler: slog.DiscardHandler}
	b.Logger = slog.New(lines)
	b.check(`for i = 1, 1000 do pharos.log.error("again") end return "ok"`)
	if lines.n != logMaxLines+1 { // and that more was said
		t.Errorf("the daemon logged %d lines, want %d", lines.n, logMaxLines+1)
	}
}

// A connection is used by one run at a time, and ends with it.
func TestConnectionOfAnotherRun(t *testing.T) {
	b := newTestBoard(t)
	b.primitives = fakes{dial: func(context.Context, string, probe.TCPRequest) (conversation, error) { return stubConversation{}, nil }}
	b.load(`local shared
	metric_watchers = {
		pharos.MetricWatcher{ name = "maker", check = function() shared = assert(pharos.tcp.connect("127.0.0.1:25")) return "ok", shared:line() end },
		pharos.MetricWatcher{ name = "taker", check = function() return "ok", shared:line() end },
	}`)
	if got := b.run("maker"); got.Value != "220 hello" {
		t.Errorf("its own run: %q %q, want 220 hello", got.Value, got.Detail)
	}
	if got := b.run("taker"); !strings.Contains(got.Detail, "cannot use a connection in another run than the one that made it") {
		t.Errorf("another run: %q %q, want that it is another's", got.Value, got.Detail)
	}
}

// Watchers may have the same stream, each of which reads its certificates when it
// connects; go test -race watches.
func TestOneStreamForMany(t *testing.T) {
	b := newTestBoard(t)
	b.write("ca.pem", "-----BEGIN CERTIFICATE-----")
	world := fakes{lines: func(context.Context, probe.LineSink) error { return nil }}
	b.primitives = world
	b.load(`local lines = pharos.tcp.lines("127.0.0.1:1", function() end, { tls = true, ca = "ca.pem" })
	local events = pharos.http.sse("https://127.0.0.1:1/", function() end, { ca = "ca.pem" })
	metric_watchers = {
		pharos.MetricWatcher{ name = "a", events = lines }, pharos.MetricWatcher{ name = "b", events = lines },
		pharos.MetricWatcher{ name = "c", events = events }, pharos.MetricWatcher{ name = "d", events = events },
	}`)
	var wg sync.WaitGroup
	for _, w := range b.config.scripts[0].watchers {
		wg.Go(func() {
			if err := w.stream.listen(t.Context(), world, w.sse, eventSink{}); err != nil {
				t.Errorf("%s: %v", w.id, err)
			}
		})
	}
	wg.Wait()
}
