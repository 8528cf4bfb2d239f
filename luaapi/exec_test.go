package luaapi

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pharos/engine"
	"pharos/engine/probe"
)

// A name that no variable can have would set another one.
func TestExecEnvironmentNames(t *testing.T) {
	for _, name := range []string{"", "A=B"} {
		b := newTestBoard(t)
		b.primitives = fakes{}
		want := fmt.Sprintf(`cannot use option "env" of pharos.exec: %q is no name of a variable`, name)
		if got := b.check(fmt.Sprintf(`return pharos.exec("true", { env = { [%q] = "1" } })`, name)); got.Status != engine.Unknown || !strings.Contains(got.Detail, want) {
			t.Errorf("env with %q = %v %q, want unknown, %s", name, got.Status, got.Detail, want)
		}
	}
}

func TestExec(t *testing.T) {
	for _, test := range []struct{ call, want string }{
		{`exec("echo a; echo b >&2; exit 3")`, "3||a\n|b\n|false"},
		{`exec({ "printf", "%s", "a b;c" })`, "0||a b;c||false"},
		{`exec("cat", { stdin = "in" })`, "0||in||false"},
		{`exec("echo $A-$PHAROS_X", { env = { A = 1 } })`, "0||1-\n||false"},
		{`exec("pwd", { cwd = "/" })`, "0||/\n||false"},
		{`exec("kill -9 $$; true")`, "-1|KILL|||false"},
		{`exec({ "printf", "a\27[31mb\1c" })`, "0||abc||false"},
	} {
		b := newTestBoard(t)
		got := b.check(`local r = assert(pharos.` + test.call + `) return "ok", table.concat({ r.code, r.signal or "", r.stdout, r.stderr, tostring(r.truncated) }, "|")`)
		if got.Value != test.want {
			t.Errorf("%s = %q %s, want %q", test.call, got.Value, got.Detail, test.want)
		}
	}
}

func TestExecMisuse(t *testing.T) {
	for call, want := range map[string]string{
		`exec()`:                                    "cannot use command of pharos.exec: want text or a list, got nil",
		`exec({})`:                                  "cannot use command of pharos.exec: the list is empty",
		`exec({ "a", {} })`:                         "cannot use command of pharos.exec: want text at place 2, got table",
		`exec("true", { tiemout = 1 })`:             `cannot use option "tiemout" of pharos.exec (did you mean "timeout"?`,
		`exec("true", { env = { 1 } })`:             "want names with text, got a key that is a number",
		`exec("true", { max_output = 1e9 })`:        "want a whole number from 1 to 8388608, got 1000000000",
		`ssh("x").exec("true")`:                     "cannot call exec: write pharos.ssh(host):exec(command), with a colon",
		`ssh("x"):exec("true", { ssh_host = "y" })`: `cannot use option "ssh_host" of ssh:exec`,
	} {
		b := newTestBoard(t)
		if got := b.check("return pharos." + call); !strings.Contains(got.Detail, want) {
			t.Errorf("pharos.%s = %v %q, want %q", call, got.Status, got.Detail, want)
		}
	}
}

// A real monitoring plugin, and one made up for the rest of the protocol.
func TestNagios(t *testing.T) {
	b := newTestBoard(t)
	plugin := filepath.Join(t.TempDir(), "check_it")
	script := "#!/bin/sh\necho \"IT WARNING - slow | 'time taken'=1.5s;1;2;0 size=10KB n=U\"\necho long text\nexit 1\n"
	if err := os.WriteFile(plugin, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	b.load(`metric_watchers = { pharos.NagiosMetricWatcher{ name = "x", command = "` + plugin + `" } }`)
	if got := b.run("x"); got.Status != engine.Warning || got.Value != "1.5" || got.Unit != "s" || got.Detail != "IT WARNING - slow" {
		t.Errorf("run = %v %q %q %q, want warning 1.5 s, the first line", got.Status, got.Value, got.Unit, got.Detail)
	}
	for _, test := range []struct{ command, detail string }{ // one that says nothing to us still says why
		{plugin + "_not", "not found"}, {"echo; echo no library >&2; exit 127", "no library"}, {"kill -9 $$", "ended by signal KILL"},
	} {
		b.load(`metric_watchers = { pharos.NagiosMetricWatcher{ name = "x", command = "` + test.command + `" } }`)
		if got := b.run("x"); got.Status != engine.Unknown || !strings.Contains(got.Detail, test.detail) {
			t.Errorf("plugin %q = %v %q, want unknown, %q", test.command, got.Status, got.Detail, test.detail)
		}
	}
	b.load(`metric_watchers = { pharos.MetricWatcher{ name = "y", check = function() local r = pharos.nagios{ "` + plugin + `" }
			return r.status, #r.perf, table.concat({ r.code, r.text, r.long, r.perf[1].label, r.perf[1].warn, r.perf[2].unit, tostring(r.perf[3].value) }, "|") end } }`)
	if got := b.run("y"); got.Detail != "1|IT WARNING - slow|long text|time taken|1|KB|nil" || got.Value != "3" {
		t.Errorf("run = %q %q, want its parts", got.Value, got.Detail)
	}
}

func TestNagiosRealPlugin(t *testing.T) {
	const dummy = "/usr/lib/nagios/plugins/check_dummy"
	if _, err := os.Stat(dummy); err != nil {
		if os.Getenv("PHAROS_REQUIRE_REAL") == "1" {
			t.Fatalf("no %s: install monitoring-plugins-basic", dummy)
		}
		t.Skipf("no %s (Debian: monitoring-plugins-basic)", dummy)
	}
	for code, want := range []engine.Status{engine.OK, engine.Warning, engine.Critical, engine.Unknown} {
		b := newTestBoard(t)
		b.load(`metric_watchers = { pharos.NagiosMetricWatcher{ name = "x", command = { "` + dummy + `", "` + string(rune('0'+code)) + `", "said so" } } }`)
		if got := b.run("x"); got.Status != want || !strings.Contains(got.Detail, "said so") {
			t.Errorf("check_dummy %d = %v %q, want %v", code, got.Status, got.Detail, want)
		}
	}
}

// What a command waited for Pharos here is Pharos's lateness; what it waited for
// another host is not.
func TestExecQueued(t *testing.T) {
	b := newTestBoard(t)
	b.primitives = fakes{exec: func(context.Context, string, probe.ExecRequest) (*probe.ExecResult, error) {
		return &probe.ExecResult{Queued: 2 * time.Second}, nil
	}}
	if got := b.check(`pharos.exec("a") pharos.exec("b") pharos.exec("c", { ssh_host = "web-3" }) return "ok"`).Queued; got != 4*time.Second {
		t.Errorf("Queued = %v, want 4s", got)
	}
}
