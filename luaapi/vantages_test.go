package luaapi

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/probe"
)

// hosts answers a command by where it runs: exit code, or an error of a kind.
type hosts map[string]any

func (h hosts) primitives() primitives {
	return fakes{exec: func(_ context.Context, host string, req probe.ExecRequest) (*probe.ExecResult, error) {
		switch answer := h[host].(type) {
		case int:
			return &probe.ExecResult{Code: answer, Stdout: []byte("said by " + host)}, nil
		case probe.Kind:
			return nil, &probe.Error{Kind: answer, Message: fmt.Sprintf("no way to %q", host)}
		}
		return nil, &probe.Error{Kind: probe.Misuse, Message: fmt.Sprintf("nobody expects %q at %q", req.String(), host)}
	}}
}

// The merge rules, over vantages that see it well (0), badly (2), or cannot be
// reached.
func TestVantagesMerge(t *testing.T) {
	const ok, bad, gone = 0, 2, probe.Vantage
	for _, test := range []struct {
		fra, nyc, here any
		want           map[string]engine.Status
	}{
		{ok, ok, ok, map[string]engine.Status{`"worst"`: engine.OK, `"best"`: engine.OK, `pharos.quorum(2)`: engine.OK, `nil`: engine.OK}},
		{ok, ok, bad, map[string]engine.Status{`"worst"`: engine.Critical, `"best"`: engine.OK, `pharos.quorum(2)`: engine.OK, `nil`: engine.Critical}},
		{ok, bad, bad, map[string]engine.Status{`"best"`: engine.OK, `pharos.quorum(2)`: engine.Critical, `pharos.quorum(1)`: engine.OK}},
		{ok, ok, gone, map[string]engine.Status{`"worst"`: engine.Unknown, `"best"`: engine.OK, `pharos.quorum(2)`: engine.OK, `pharos.quorum(3)`: engine.Unknown}},
		{ok, bad, gone, map[string]engine.Status{`"worst"`: engine.Critical, `"best"`: engine.OK, `pharos.quorum(2)`: engine.Unknown}},
		{gone, gone, gone, map[string]engine.Status{`"worst"`: engine.Unknown, `"best"`: engine.Unknown, `pharos.quorum(2)`: engine.Unknown}},
	} {
		for rule, want := range test.want {
			b := newTestBoard(t)
			b.primitives = hosts{"fra": test.fra, "nyc": test.nyc, "": test.here}.primitives()
			b.load(`metric_watchers = { pharos.CommandMetricWatcher{ name = "x", command = "c", timeout = 30, ssh_host = { "fra", "nyc", pharos.here }, merge = ` + rule + ` } }`)
			if got := b.run("x"); got.Status != want {
				t.Errorf("%s of %v, %v, %v = %v, want %v", rule, test.fra, test.nyc, test.here, got.Status, want)
			}
		}
	}
}

// The tile shows the vantage that decides, and a cell for each.
func TestVantagesCells(t *testing.T) {
	b := newTestBoard(t)
	b.primitives = hosts{"fra": 0, "nyc": probe.Vantage, "": 7}.primitives()
	b.load(`metric_watchers = { pharos.CommandMetricWatcher{ name = "x", command = "c", timeout = 30, ssh_host = { "fra", "nyc", pharos.here } } }`)
	got := b.run("x")
	if got.Value != "7" || got.Detail != "from here: said by " {
		t.Errorf("run = %q %q, want what is seen from here", got.Value, got.Detail)
	}
	for i := range got.Cells {
		got.Cells[i].Elapsed = 0
	}
	want := []engine.Cell{
		{Name: "fra", Status: engine.OK, Value: "0", Detail: "said by fra"},
		{Name: "nyc", Status: engine.Unknown, Value: "vantage", Detail: `no way to "nyc"`},
		{Name: "here", Status: engine.Critical, Value: "7", Detail: "said by"},
	}
	if diff := cmp.Diff(want, got.Cells); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	b.primitives = hosts{"fra": 0, "nyc": probe.Vantage, "": 0}.primitives()
	if err := b.tryLoad(`metric_watchers = { pharos.CommandMetricWatcher{ name = "x", command = "cc", timeout = 30, ssh_host = { "fra", "nyc", pharos.here } } }`); err != nil {
		t.Fatal(err)
	}
	got = b.run("x")
	if want := `from nyc: no way to "nyc"`; got.Detail != want || got.Failure == nil || got.Failure.Message != want || got.Failure.Kind != "vantage" {
		t.Errorf("detail of an unreachable vantage = %q, failure %+v, want %q", got.Detail, got.Failure, want)
	}
}

// Each vantage has a self of its own, which persists, and memory of its own,
// which outlives a reload; the watcher's fields are there for all.
func TestVantagesSelf(t *testing.T) {
	b := newTestBoard(t)
	script := func(more string) string {
		return `metric_watchers = { pharos.MetricWatcher{ name = "x", timeout = 30, link = "http://x/", ssh_host = { "fra", pharos.here },
			value = function(self, result) return result.value .. (self.ssh_host == pharos.here and " here" or " " .. self.ssh_host) end,
			check = function(self) ` + more + `
				self.own = (self.own or 0) + 1
				self.state.kept = (self.state.kept or 0) + (self.ssh_host == "fra" and 10 or 1)
				pharos.time.sleep(0.01)
				return "ok", self.own .. " " .. self.state.kept .. " " .. self.status .. " " .. self.id
			end } }`
	}
	for _, test := range []struct{ more, want string }{
		{"", "1 10 pending x fra, 1 1 pending x here"},
		{"", "2 20 ok x fra, 2 2 ok x here"},
		{"-- saved\n local x = 1", "1 30 ok x fra, 1 3 ok x here"},
	} {
		b.load(script(test.more))
		var values []string
		for _, c := range b.run("x").Cells {
			values = append(values, c.Value)
		}
		if got := strings.Join(values, ", "); got != test.want {
			t.Errorf("cells = %s, want %s", got, test.want)
		}
	}
	b.Memory.Retain(func(id engine.ID) bool { return id == "x" })
	if n := len(b.Memory.entries); n != 2 {
		t.Errorf("memory has %d entries, want that of both vantages", n)
	}
	b.Memory.Retain(func(engine.ID) bool { return false })
	if n := len(b.Memory.entries); n != 0 {
		t.Errorf("memory has %d entries of watchers that are no more", n)
	}
}

// The vantages look at the same time, and one that hangs is its own problem.
func TestVantagesRunTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestBoard(t)
		b.load(`metric_watchers = { pharos.MetricWatcher{ name = "x", timeout = 1, ssh_host = { "a", "b", "c", "d" }, merge = "best", check = function(self)
			if self.ssh_host == "d" then return pharos.time.sleep(9) end
			pharos.time.sleep(0.4) return "ok" end } }`)
		began := time.Now()
		got := b.run("x")
		if took := time.Since(began); took > time.Second {
			t.Errorf("four vantages took %v, want what the slowest takes", took)
		}
		var seen []string
		for _, c := range got.Cells {
			seen = append(seen, c.Status.String())
		}
		if want := []string{"ok", "ok", "ok", "critical"}; got.Status != engine.OK || !slices.Equal(seen, want) {
			t.Errorf("run = %v, cells %v, want ok, %v", got.Status, seen, want)
		}
		time.Sleep(time.Second) // until the watchdog sleeps
	})
}

func TestVantagesMistakes(t *testing.T) {
	for _, test := range []struct{ options, want string }{
		{`ssh_host = {}`, `cannot use option "ssh_host" of CommandMetricWatcher: want a list of 1 to 16 hosts, got 0`},
		{`ssh_host = { "a", "b", "a" }`, `"a" is in it twice`},
		{`ssh_host = { "a", "" }`, `host 2: want a host, got an empty text`},
		{`ssh_host = { 7 }`, `host 1: want text`},
		{`ssh_host = { "a", "b" }, merge = "wurst"`, `"wurst" is none (did you mean "worst"? valid: best, pharos.quorum(n), worst)`},
		{`ssh_host = { "a", "b" }, merge = pharos.quorum(3)`, `a quorum of 3 is more than the 2 hosts there are`},
		{`ssh_host = { "a" }, merge = pharos.quorum(0)`, `cannot call pharos.quorum: want a whole number from 1 to 16, got 0`},
		{`ssh_host = "a", merge = "best"`, `there is nothing to merge`},
	} {
		b := newTestBoard(t)
		err := b.tryLoad(`metric_watchers = { pharos.CommandMetricWatcher{ name = "x", command = "c", ` + test.options + ` } }`)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "pharos.lua:1: ") {
			t.Errorf("Load of %s = %v, want %q", test.options, err, test.want)
		}
	}
	b := newTestBoard(t)
	if err := b.tryLoad(`metric_watchers = { pharos.PingMetricWatcher{ name = "x", host = "h", ssh_host = { "a" } } }`); err == nil || !strings.Contains(err.Error(), "looks from here only") {
		t.Errorf("Load of a ping from elsewhere = %v", err)
	}
}

// pharos.here is a host for every primitive, and means none.
func TestHere(t *testing.T) {
	b := newTestBoard(t)
	b.primitives = hosts{"": 0}.primitives()
	if got := b.check(`pharos.ssh(pharos.here):exec("x") return "ok", pharos.exec("x", { ssh_host = pharos.here }).code`); got.Status != engine.OK || got.Value != "0" {
		t.Errorf("exec from pharos.here = %v %q %q, want ok 0", got.Status, got.Value, got.Detail)
	}
}

// From a real vantage, from here, and from one that is not there.
func TestVantagesOverSSH(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }))
	defer page.Close()
	b := newTestBoard(t)
	b.Probes.ssh.Close()
	b.Probes.ssh = startVantage(t)
	b.load(strings.NewReplacer("URL", page.URL, "HOSTS", `{ "vantage", pharos.here, "nowhere.invalid" }`).Replace(`metric_watchers = {
  pharos.CommandMetricWatcher{ name = "command", command = "test -n \"$SSH_CONNECTION\"", ssh_host = HOSTS, timeout = 20, merge = "best" },
  pharos.PageGETMetricWatcher{ name = "page", url = "URL", ssh_host = HOSTS, timeout = 20, merge = pharos.quorum(2) },
  pharos.MetricWatcher{ name = "own", timeout = 20, ssh_host = HOSTS, check = function(self)
    local page, err = pharos.http.get("URL", { ssh_host = self.ssh_host })
    if not page then return nil, err end
    return "ok", page.status
  end },
}`))
	for id, want := range map[engine.ID]string{"command": "ok: ok critical unknown", "page": "ok: ok ok unknown", "own": "unknown: ok ok unknown"} {
		got := b.run(id)
		text := got.Status.String() + ":"
		for _, c := range got.Cells {
			text += " " + c.Status.String()
		}
		if text != want {
			t.Errorf("run(%q) = %s (%q), want %s", id, text, got.Detail, want)
		}
	}
}
