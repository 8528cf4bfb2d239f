package luaapi

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// fed loads a watcher named "x" whose function has that body, and lets it judge
// lines, which come one after the other. Its timeout is one that the guard
// against computing comes before on the slowest machine.
func (b *testBoard) fed(body string, lines ...string) []engine.Result {
	b.Helper()
	b.primitives = fakes{lines: func(ctx context.Context, sink probe.LineSink) error {
		sink.Up("open")
		for _, line := range lines {
			sink.Line([]byte(line))
		}
		return &probe.Error{Kind: probe.Ended, Message: "it ended"}
	}}
	b.load("metric_watchers = { pharos.MetricWatcher{ name = 'x', thresholds = { warn = 10, crit = 20 }, timeout = '60s', events = pharos.exec.stream('x', function(self, line) " + body + " end) } }")
	var results []engine.Result
	err := b.watcher("x").Source(context.Background(), func(r engine.Result) { results = append(results, r) })
	if want := "it ended"; err == nil || err.Error() != want {
		b.Errorf("Source() = %v, want %s", err, want)
	}
	return results
}

func TestEventsAreJudged(t *testing.T) {
	for _, test := range []struct {
		body, line, want string
	}{
		{`return "critical", line, "it says " .. line`, "no", "critical no (it says no)"},
		{`return tonumber(line)`, "12", "warning 12 ()"},
		{`return line == "yes"`, "yes", "ok  ()"},
		{`return nil, line`, "broken pipe", "critical  (broken pipe)"},
		{`self:warning(line)`, "hm", "warning hm ()"},
		{`return { value = 3, unit = "jobs" }`, "", "ok 3 ()"},
		{`error("aua")`, "", "unknown script error ("},
		{`self.status = "critical"`, "", `unknown script error (DIR/pharos.lua:1: cannot set self.status, which is what the run before came to: write return "critical", value`},
		{`return "green"`, "", "unknown script error ("},
		{`return tonumber(line)`, "gone", "unknown script error (DIR/pharos.lua:1: the function of events at DIR/pharos.lua:1 returned nil: want what check returns, or no value at all to leave the status as it is"},
		{`self:warning(line) return nil`, "hm", "warning hm ()"},
		{`while true do end`, "", "unknown paused ("},
		{`return "ok", self.name, pharos.json.encode(self.state)`, "", "ok x ({})"},
	} {
		b := newTestBoard(t)
		b.slice = vm.DefaultSlice
		results := b.fed(test.body, test.line)
		last := results[len(results)-1]
		if got := fmt.Sprintf("%s %s (%s)", last.Status, last.Value, last.Detail); !strings.HasPrefix(got, strings.ReplaceAll(test.want, "DIR", b.dir)) {
			t.Errorf("function(self, %q) %s end = %s, want %s", test.line, test.body, got, test.want)
		}
	}
}

func TestEventsTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		results := newTestBoard(t).fed(`return pharos.time.sleep(100)`, "")
		last := results[len(results)-1]
		if got := fmt.Sprintf("%s %s %s", last.Status, last.Value, last.Elapsed); got != "critical timeout 59.9s" {
			t.Errorf("result = %s, %q, want critical timeout 59.9s", got, last.Detail)
		}
		time.Sleep(time.Second) // until the watchdog sleeps
	})
}

// An event that comes to nothing leaves the status; it is counted all the same.
func TestEventsWithoutVerdict(t *testing.T) {
	b := newTestBoard(t)
	results := b.fed(`if line == "3" then return "ok", line end`, "1", "2", "3", "4")
	var got []string
	seen := uint64(0)
	for _, r := range results {
		got = append(got, r.Status.String()+" "+r.Value+r.Detail)
		seen += r.Events
	}
	if diff := cmp.Diff([]string{"pending open; no event yet", "ok 3"}, got); diff != "" || seen < 3 {
		t.Errorf("%d events seen, reports: %s", seen, diff)
	}
}

func TestServerSentEventIsATable(t *testing.T) {
	b := newTestBoard(t)
	b.primitives = stubWorld()
	b.load(`metric_watchers = { pharos.MetricWatcher{ name = "x", events = pharos.http.sse("http://x/", function(self, e)
		return "ok", e.event .. " " .. e.id, e.data end) } }`)
	if got := b.run("x"); got.Value != "done 7" || !strings.HasPrefix(got.Detail, "{") {
		t.Errorf("result = %q %q, want the event's type and id, its data", got.Value, got.Detail)
	}
}

// What is said wrong is told at its line when the file loads.
func TestEventMistakes(t *testing.T) {
	for source, want := range map[string]string{
		`pharos.MetricWatcher{ name = "x", events = pharos.exec.stream("x") }`:                                       `pharos.lua:1: cannot call pharos.exec.stream: want a function(self, event) as argument 2, got nil`,
		`pharos.MetricWatcher{ name = "x", events = "journalctl" }`:                                                  `pharos.lua:1: cannot use option "events" of MetricWatcher: want what pharos.exec.stream, pharos.http.sse, pharos.tcp.lines or pharos.file.tail gives, got string`,
		`pharos.MetricWatcher{ name = "x", events = pharos.ring(1) }`:                                                `cannot use option "events" of MetricWatcher: want what pharos.exec.stream`,
		`pharos.MetricWatcher{ name = "x", interval = 1, events = pharos.exec.stream("x", print) }`:                  `cannot use option "events" of MetricWatcher: a watcher with events has no interval`,
		`pharos.MetricWatcher{ name = "x", check = print, events = pharos.exec.stream("x", print) }`:                 `a watcher with events is set by them alone, and this MetricWatcher has a check too`,
		`pharos.CommandMetricWatcher{ name = "x", command = "x", events = pharos.exec.stream("x", print) }`:          `this CommandMetricWatcher has a check too`,
		`pharos.MetricWatcher{ name = "x", events = pharos.exec.stream("x", print, { timeout = 1 }) }`:               `cannot use option "timeout" of pharos.exec.stream: it is an option of the watcher itself (valid here: cwd, env, kill_after, ssh_host, user)`,
		`pharos.MetricWatcher{ name = "x", events = pharos.file.tail("x", print, { quiet = "10m" }) }`:               `cannot use option "quiet" of pharos.file.tail: it is an option of the watcher itself (valid here: from)`,
		`pharos.MetricWatcher{ name = "x", events = pharos.file.tail("x", print, { form = "end" }) }`:                `cannot use option "form" of pharos.file.tail (did you mean "from"? valid: from)`,
		`pharos.MetricWatcher{ name = "x", events = pharos.http.sse("http://x/", print, { body = "" }) }`:            `cannot use option "body" of pharos.http.sse`,
		`pharos.MetricWatcher{ name = "x", events = pharos.file.tail("x", print, { from = "middle" }) }`:             `cannot use option "from" of pharos.file.tail: want "start" or "end", got "middle"`,
		`pharos.MetricWatcher{ name = "x", events = pharos.tcp.lines(5, print) }`:                                    `cannot call pharos.tcp.lines: want "host:port"`,
		`pharos.MetricWatcher{ name = "x", events = pharos.exec.steam("x", print) }`:                                 `cannot use pharos.exec.steam: there is no such name (did you mean "stream"?`,
		`pharos.MetricWatcher{ name = "x", check = function() pharos.exec("x") end }, pharos.exec("x")`:              `cannot call pharos.exec while the file loads`,
		`pharos.MetricWatcher{ name = "x", ttl = 0, events = pharos.exec.stream("x", function(self, line) end) }`:    `cannot use option "ttl" of MetricWatcher: want more than 0 seconds`,
		`pharos.MetricWatcher{ name = "x", evens = pharos.exec.stream("x", function(self, line) end) }`:              `(did you mean "events"?`,
		`pharos.MetricWatcher{ name = "x", events = pharos.exec.stream({}, function(self, line) end), timeout = 1 }`: `cannot use command of pharos.exec.stream: the list is empty`,
		`pharos.MetricWatcher{ name = "x", quiet = true, check = function(self) end }`:                               `pharos.lua:1: cannot use option "quiet" of MetricWatcher: it is for a watcher with events`,
		`pharos.MetricWatcher{ name = "x", quiet = 0, events = pharos.exec.stream("x", print) }`:                     `cannot use option "quiet" of MetricWatcher: want more than 0 seconds`,
		`pharos.MetricWatcher{ name = "x", quiet = true, ttl = 9, events = pharos.exec.stream("x", print) }`:         `a watcher with events that is good while it is quiet has no ttl: it is never stale`,
		`pharos.derive{ name = "x", of = "y", quiet = true }`:                                                        `cannot use option "quiet" of a derive`,
	} {
		b := newTestBoard(t)
		err := b.tryLoad("metric_watchers = { " + source + " }")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("loading %s: %v, want %s", source, err, want)
		}
	}
	b := newTestBoard(t)
	if got := b.check(`pharos.exec.stream("x", print)`); !strings.Contains(got.Detail, "cannot call pharos.exec.stream in a run: it makes the option events of a watcher") {
		t.Errorf("in a check: %q", got.Detail)
	}
}

// A log without errors is green while it is followed, and not while it is not
// there.
func TestQuietStream(t *testing.T) {
	b := newTestBoard(t)
	followed := make(chan struct{})
	b.primitives = fakes{lines: func(ctx context.Context, sink probe.LineSink) error {
		sink.Absent("waiting for app.log")
		select {
		case <-followed:
			sink.Up("following app.log")
		case <-ctx.Done():
		}
		<-ctx.Done()
		return &probe.Error{Kind: probe.Cancelled, Message: "cancelled"}
	}}
	s := b.serve(`metric_watchers = { pharos.MetricWatcher{ name = "x", quiet = true, events = pharos.file.tail("app.log", function(self, line) return "critical" end) } }`)
	s.await("x", "waiting", func(v engine.View) bool {
		return v.Status == engine.Pending && strings.HasPrefix(v.Result.Detail, "waiting for app.log")
	})
	close(followed)
	s.await("x", "ok", func(v engine.View) bool {
		return v.Status == engine.OK && v.Result.Value == "quiet" && v.Result.Detail == "following app.log; no event yet"
	})
}

// The function, what it reaches and the options make the watcher what it is.
func TestEventsDefinition(t *testing.T) {
	define := func(source string) string {
		b := newTestBoard(t)
		b.load("\n\nlocal limit = 5\n" + source)
		return b.watcher("x").Definition
	}
	watcher := func(kind, target, body, options string) string {
		return fmt.Sprintf(`metric_watchers = { pharos.MetricWatcher{ name = "x", events = pharos.%s(%q, function(self, e) %s end%s) } }`, kind, target, body, options)
	}
	same := define(watcher("exec.stream", "a", "return e, limit", ""))
	if got := define("\n" + watcher("exec.stream", "a", "return e, limit", "")); got != same {
		t.Error("a line above changes the definition")
	}
	for _, source := range []string{
		watcher("exec.stream", "b", "return e, limit", ""),
		watcher("file.tail", "a", "return e, limit", ""),
		watcher("exec.stream", "a", "return e", ""),
		watcher("exec.stream", "a", "return e, limit", `, { ssh_host = "web-3" }`),
		"limit = 6 " + watcher("exec.stream", "a", "return e, limit", ""),
	} {
		if got := define(source); got == same {
			t.Errorf("the definition stays the same with %s", source)
		}
	}
}

// served is a board whose configuration runs, as the daemon runs it.
type served struct {
	*testBoard
	engine *engine.Engine
}

func (b *testBoard) serve(text string) served {
	b.Helper()
	s := served{b, engine.New(engine.Config{Logger: slog.New(slog.DiscardHandler)})}
	s.take(text)
	b.Cleanup(func() { b.config.Close() }) // the last one that was taken
	b.runs(s.engine)
	return s
}

// take loads text and lets it run in the place of what ran before.
func (s served) take(text string) {
	s.Helper()
	s.write("pharos.lua", text)
	o := s.Options
	o.Prev = s.config
	config, err := Load(context.Background(), o)
	if err != nil {
		s.Fatal(err)
	}
	s.engine.Replace(config.Generation)
	if s.config != nil {
		s.config.Close()
	}
	s.config = config
}

// await waits until the watcher's view is as wanted.
func (b served) await(id engine.ID, what string, is func(v engine.View) bool) engine.View {
	b.Helper()
	return b.testBoard.await(b.engine, id, what, func(v engine.View, there bool) bool { return there && is(v) })
}

// openFiles counts the descriptors of this process; 0 where nobody tells.
func openFiles(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	return len(entries)
}

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.WriteString(f, text); err != nil {
		t.Fatal(err)
	}
}

// TestEventsOverReloads sees the stream of a watcher that did not change stay
// open over a reload of its file, with its events judged by the file as it is
// now, and the stream of one that did change, or went, closed and gone.
func TestEventsOverReloads(t *testing.T) {
	if _, err := exec.LookPath("pgrep"); err != nil {
		if os.Getenv("PHAROS_REQUIRE_REAL") != "" {
			t.Fatal("pgrep is not here, and PHAROS_REQUIRE_REAL is set")
		}
		t.Skip("pgrep is not here")
	}
	b := newTestBoard(t)
	log := filepath.Join(t.TempDir(), "log")
	appendTo(t, log, "old\n")
	word := fmt.Sprintf("9000.%d", os.Getpid())
	source := func(name, body string) string {
		return `local count = 0
metric_watchers = {
  pharos.MetricWatcher{ name = "tail", events = pharos.file.tail("` + log + `", function(self, line) count = count + 1 return "ok", line end) },
  pharos.MetricWatcher{ name = "count", interval = "50ms", check = function() return "ok", count end },
  pharos.MetricWatcher{ name = "` + name + `", events = pharos.exec.stream("echo up; sleep ` + word + `; true", function(self, line) ` + body + ` end) },
}`
	}
	sleepers := func() int {
		out, _ := exec.Command("pgrep", "-fc", "sleep "+word+"$").Output()
		n := 0
		fmt.Sscan(string(out), &n)
		return n
	}
	s := b.serve(source("cmd", `return "ok", line`))
	s.await("cmd", "up", func(v engine.View) bool { return v.Result.Value == "up" })
	s.await("tail", "open", func(v engine.View) bool { return v.Source.Up && v.Status == engine.Pending })
	appendTo(t, log, "one\n")
	s.await("count", "1", func(v engine.View) bool { return v.Result.Value == "1" })
	goroutines, fds := runtime.NumGoroutine(), openFiles(t)
	for range 3 { // the file is loaded afresh: its local begins at 0
		s.take(source("cmd", `return "warning", line`))
		s.await("cmd", "warning", func(v engine.View) bool { return v.Status == engine.Warning })
		s.await("count", "0", func(v engine.View) bool { return v.Result.Value == "0" })
		appendTo(t, log, "two\n")
		s.await("count", "1", func(v engine.View) bool { return v.Result.Value == "1" })
		s.take(source("cmd", `return "critical", line`))
		s.await("cmd", "critical", func(v engine.View) bool { return v.Status == engine.Critical })
	}
	v := s.await("tail", "seen all", func(v engine.View) bool { return v.Source.Events == 4 })
	if v.Source.Restarts != 0 || v.Result.Value != "two" || len(v.Transitions) != 1 {
		t.Errorf("tail: %+v %q, %d transitions, want it open all the time", v.Source, v.Result.Value, len(v.Transitions))
	}
	eventually := func(what string, count func() int, most int) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); count() > most; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("%d %s, want at most %d", count(), what, most)
				return
			}
		}
	}
	eventually("commands run after the reloads", sleepers, 1)
	eventually("goroutines after the reloads", runtime.NumGoroutine, goroutines+3)
	eventually("files are open after the reloads", func() int { return openFiles(t) }, fds+1)
	if n := sleepers(); n != 1 {
		t.Errorf("%d commands run after the reloads, want 1", n)
	}
	s.take("metric_watchers = {}")
	eventually("commands run after their watcher went", sleepers, 0)
}

// TestEventsFlood has a stream of as many lines as a pipe carries beside a check
// of the same file, which must go on.
func TestEventsFlood(t *testing.T) {
	b := newTestBoard(t)
	s := b.serve(`metric_watchers = {
  pharos.MetricWatcher{ name = "flood", events = pharos.exec.stream("yes 'one line of a log as long as they are'", function(self, line)
    self.n = (self.n or 0) + 1
    return "ok", self.n
  end) },
  pharos.MetricWatcher{ name = "beside", interval = "100ms", check = function() return "ok" end },
}`)
	s.await("flood", "flooding", func(v engine.View) bool { return v.Source.Dropped > 10_000 })
	before, rev := s.await("beside", "ok", func(v engine.View) bool { return v.Status == engine.OK }), s.engine.Board().Rev()
	began := time.Now()
	beside := s.await("beside", "run thirty times", func(v engine.View) bool { return v.Runs >= before.Runs+30 })
	flood := s.await("flood", "ok", func(engine.View) bool { return true })
	changes, span := s.engine.Board().Rev()-rev, time.Since(began)
	if most := uint64(80*span.Seconds()) + 2*(beside.Runs-before.Runs) + beside.Missed - before.Missed + 10; changes > most {
		t.Errorf("%d changes of the board in %v, want at most %d: 80 a second and those of the watcher beside", changes, span, most)
	}
	t.Logf("%d events in all, %d dropped, %d judged in %s results", flood.Source.Events, flood.Source.Dropped, flood.Source.Events-flood.Source.Dropped, flood.Result.Value)
}

// Events that come to nothing are counted also while they never stop to come.
func TestEventsFloodWithoutVerdict(t *testing.T) {
	s := newTestBoard(t).serve(`metric_watchers = { pharos.MetricWatcher{ name = "flood", events = pharos.exec.stream("yes", function() pharos.time.sleep("1ms") end) } }`)
	s.await("flood", "counted", func(v engine.View) bool { return v.Source.Dropped > 0 })
}

// TestTCPEventsComeBack stalls, resets and restarts the server.
func TestTCPEventsComeBack(t *testing.T) {
	b := newTestBoard(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	s := b.serve(`metric_watchers = { pharos.MetricWatcher{ name = "x", events = pharos.tcp.lines("` + address + `", function(self, line) return line, line end) } }`)
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	v := s.await("x", "connected", func(v engine.View) bool { return v.Source.Up })
	if v.Status != engine.Pending || v.Result.Detail != "connected to "+address+"; no event yet" {
		t.Errorf("connected: %v %q, want pending, and what is waited for", v.Status, v.Result.Detail)
	}
	fmt.Fprintln(conn, "warning")
	s.await("x", "warning", func(v engine.View) bool { return v.Status == engine.Warning })
	_ = conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
	ln.Close()
	v = s.await("x", "down", func(v engine.View) bool { return v.Status == engine.Unknown })
	if fell := v.Transitions[len(v.Transitions)-1]; fell.Value != "reset" || !strings.Contains(fell.Detail, "; restarting in 1 s") {
		t.Errorf("reset: %q %q, want reset, and when it is tried again", fell.Value, fell.Detail)
	}
	s.await("x", "refused", func(v engine.View) bool { return v.Result.Value == "refused" })
	ln, err = net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err = ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.await("x", "what it was", func(v engine.View) bool { return v.Status == engine.Warning && v.Source.Up })
	fmt.Fprintln(conn, "ok")
	s.await("x", "ok", func(v engine.View) bool { return v.Status == engine.OK })
}
