package luaapi

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pharos/engine"
	"pharos/engine/probe"
)

// lineServer answers each line with "+line", and "QUIT" by hanging up.
func lineServer(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				lines := bufio.NewScanner(conn)
				for lines.Scan() && lines.Text() != "QUIT" {
					fmt.Fprintf(conn, "+%s\r\n", lines.Text())
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func TestTCP(t *testing.T) {
	address := lineServer(t)
	for _, test := range []struct{ body, value, detail string }{
		{`local r = assert(pharos.tcp(address, { send = "a\nb\nc\n", expect = "+a", lines = 2 })) return "ok", r.reply .. "|" .. r.lines[2], r.remote_ip`, "+a|+b", "127.0.0.1"},
		{`local c = assert(pharos.tcp.connect(address)) assert(c:send("x\ny\n")) local one = c:line() local two = c:expect("y") c:close() return "ok", one .. two, tostring(c:timing().connect > 0)`, "+x+y", "true"},
		{`local c = assert(pharos.tcp.connect(address)) assert(c:send("x\ny\n")) c:expect("y") c:close() c:close() return "ok", c:line()`, "script error", "ANY"},
		{`local c = assert(pharos.tcp.connect(address)) c:send("QUIT\n") return c:line()`, "reset", "ANY"},
		{`return pharos.tcp("127.0.0.1:1")`, "refused", "ANY"},
		{`return pharos.tcp(address, { send = "a\n", expect = "never", timeout = "100ms" })`, "timeout", "ANY"},
		{`return pharos.tcp(address, { sned = "a" })`, "script error", "ANY"},
		{`return pharos.tcp("nonsense")`, "script error", "ANY"},
	} {
		b := newTestBoard(t)
		got := b.check(`local address = "` + address + `" ` + test.body)
		if got.Value != test.value || test.detail != "ANY" && got.Detail != test.detail {
			t.Errorf("%s = %q %q, want %q %q", test.body, got.Value, got.Detail, test.value, test.detail)
		}
	}
}

func TestTCPMetricWatcher(t *testing.T) {
	address := lineServer(t)
	b := newTestBoard(t)
	b.load(`local function tcp(o) o.address = "` + address + `" return pharos.TCPMetricWatcher(o) end
metric_watchers = {
  tcp{ name = "good", send = "PING\n", expect = "+PING" },
  tcp{ name = "slow", thresholds = { crit = 0 } },
  tcp{ name = "wrong", send = "PING\n", expect = "+PONG", timeout = "200ms" },
  tcp{ name = "own", send = "PING\n", lines = 1, handle_output = function(self, output) return "warning", output end },
  tcp{ name = "number", send = "PING\n", lines = 1, handle_output = function(self, output) return #output end },
}`)
	if got, want := b.run("good"), regexp.MustCompile(`^\d+\.\d{4}$`); !want.MatchString(got.Value) || got.Unit != "s" {
		t.Errorf("value = %q %q, want seconds with four digits, as a page's", got.Value, got.Unit)
	}
	if got := b.run("number"); got.Value != "5" || got.Unit != "" {
		t.Errorf("value = %q %q, want 5: it is no time", got.Value, got.Unit)
	}
	for id, want := range map[engine.ID]engine.Status{"good": engine.OK, "slow": engine.Critical, "wrong": engine.Critical, "own": engine.Warning} {
		if got := b.run(id); got.Status != want {
			t.Errorf("run(%q) = %v %q %q, want %v", id, got.Status, got.Value, got.Detail, want)
		}
	}
}

// A connection that a script forgets is closed when the run ends.
func TestConnectionsEndWithTheRun(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	b := newTestBoard(t)
	b.check(`assert(pharos.tcp.connect("` + listener.Addr().String() + `")) return "ok"`)
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
		t.Errorf("reading from the run's connection = %d, %v, want its end", n, err)
	}
}

func TestTLSMetricWatcher(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	b := newTestBoard(t)
	b.load(`local function tls(o) o.address = "` + strings.TrimPrefix(server.URL, "https://") + `" return pharos.TLSMetricWatcher(o) end
metric_watchers = {
  tls{ name = "untrusted" },
  tls{ name = "days", insecure = true },
  tls{ name = "soon", insecure = true, thresholds = { warn = 1e6, crit = 3 } },
}`)
	for id, want := range map[engine.ID]engine.Status{"untrusted": engine.Critical, "days": engine.OK, "soon": engine.Warning} {
		if got := b.run(id); got.Status != want || got.Unit != "days" || !strings.Contains(got.Detail, "TLS 1.3") {
			t.Errorf("run(%q) = %v %q %q %q, want %v, days", id, got.Status, got.Value, got.Unit, got.Detail, want)
		}
	}
}

func TestFileMetricWatcher(t *testing.T) {
	b := newTestBoard(t)
	path := b.write("backup", strings.Repeat("x", 3000))
	old := time.Now().Add(-3 * time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	b.write("backup.tmp", "")
	b.write("back?p", "four")
	b.load(`metric_watchers = {
  pharos.FileMetricWatcher{ name = "newest", path = "*ckup", measure = "size" },
  pharos.FileMetricWatcher{ name = "as it is", path = "back\\?p", measure = "size" },
  pharos.FileMetricWatcher{ name = "none of them", path = "./back?p.gz" },
  pharos.FileMetricWatcher{ name = "age", path = "backup", thresholds = { warn = 3600, crit = 86400 } },
  pharos.FileMetricWatcher{ name = "size", path = "backup", measure = "size", thresholds = { warn = 5000, crit = 1000 } },
  pharos.FileMetricWatcher{ name = "none", path = "none" },
  pharos.MetricWatcher{ name = "read", check = function() return "ok", #assert(pharos.file.read("backup")), select(2, pharos.file.read("backup", { max = 10 })).kind end },
}`)
	for id, want := range map[engine.ID]engine.Result{
		"age":  {Status: engine.Warning, Value: "3.0 hours"},
		"size": {Status: engine.Warning, Value: "3.0 kB"},
		"newest": {Status: engine.OK, Value: "3.0 kB",
			Detail: "backup, 3000 bytes, changed " + old.UTC().Truncate(time.Second).Format(time.RFC3339)},
		"as_it_is": {Status: engine.OK, Value: "4 bytes"},
		"none_of_them": {Status: engine.Critical, Value: "missing",
			Detail: fmt.Sprintf("looking for %q: no file of such a name", filepath.Join(b.dir, "back?p.gz"))},
		"none": {Status: engine.Critical, Value: "missing", Detail: fmt.Sprintf("looking at %q: no such file or directory", filepath.Join(b.dir, "none"))},
		"read": {Status: engine.OK, Value: "3000", Detail: "toobig"},
	} {
		got := b.run(id)
		if got.Status != want.Status || got.Value != want.Value || want.Detail != "" && got.Detail != want.Detail {
			t.Errorf("run(%q) = %v %q %q, want %v %q %q", id, got.Status, got.Value, got.Detail, want.Status, want.Value, want.Detail)
		}
	}
}

// farewell is a connection whose end has to wait for the other side.
type farewell struct {
	stubConversation
	begun chan<- struct{} // of two: the run closes what the script has closed
	over  <-chan struct{}
}

func (f farewell) Close() error {
	f.begun <- struct{}{}
	<-f.over
	return nil
}

// To close a connection may take long, over TLS or a vantage; the file's other
// watchers run meanwhile.
func TestConnectionClosesBesideOthers(t *testing.T) {
	b := newTestBoard(t)
	begun, over := make(chan struct{}, 2), make(chan struct{})
	b.primitives = fakes{dial: func(context.Context, string, probe.TCPRequest) (conversation, error) {
		return farewell{begun: begun, over: over}, nil
	}}
	b.load(`metric_watchers = {
  pharos.MetricWatcher{ name = "closing", timeout = "1m", check = function() pharos.tcp.connect("x:1"):close() return "ok" end },
  pharos.MetricWatcher{ name = "other", check = function() return "ok" end },
}`)
	closing := make(chan engine.Result, 1)
	go func() { closing <- b.run("closing") }()
	<-begun
	other := b.run("other")
	close(over)
	if got := (<-closing).Status; other.Status != engine.OK || got != engine.OK {
		t.Errorf("while a connection is being closed another watcher is %v (%s), and then the first %v, want ok and ok", other.Status, other.Detail, got)
	}
}
