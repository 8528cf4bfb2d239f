package luaapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/scripts"
)

// exampleNames are the scripts but the default board, which is no card, and
// the tests of examples.
func exampleNames(t *testing.T) []string {
	names, err := fs.Glob(scripts.FS, "*.lua")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return name == "pharos.lua" || strings.HasSuffix(name, TestSuffix)
	})
}

// Every example opens with its card.
func TestScriptsHaveCards(t *testing.T) {
	names := exampleNames(t)
	if len(names) < 20 {
		t.Errorf("%d examples, want at least 20", len(names))
	}
	for _, name := range names {
		text, err := fs.ReadFile(scripts.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(text), "\n\n")
		at := 0
		for _, part := range []string{"-- What:  ", "-- Needs: ", "-- Args:  ", "-- Shows: "} {
			i := strings.Index(head, part)
			if i < at {
				t.Errorf("%s: the card has no %q in its place", name, part)
			}
			at = i
		}
	}
}

// A world is what an example finds outside.
type world struct {
	env  map[string]string
	to   string // where a page led, "" for where it was asked for
	page func(url string, req *probe.HTTPRequest) (status int, body string)
	took time.Duration // of each page; default 50 ms
	run  func(host, command string) (code int, stdout string)
	says func(sent string) string // a line for what was sent over TCP

	lines []string // of a stream
}

func (w world) primitives() primitives {
	p := stubWorld().(fakes)
	if w.to != "" {
		w.page = func(string, *probe.HTTPRequest) (int, string) { return http.StatusOK, "" }
	}
	if w.page != nil {
		p.http = func(_ context.Context, _ string, req *probe.HTTPRequest) (*probe.HTTPResult, error) {
			status, body := w.page(req.URL, req)
			if status == 0 {
				return nil, &probe.Error{Kind: probe.Refused, Phase: "connect", Message: "getting " + req.URL + ": refused"}
			}
			took := max(w.took, time.Millisecond)
			a := answer(status, probe.Timing{Wait: took, Total: took}, body)
			a.URL = cmp.Or(w.to, req.URL)
			a.Cookies = map[string]string{"session": "abc"}
			return a, nil
		}
	}
	if w.run != nil {
		p.exec = func(_ context.Context, host string, req probe.ExecRequest) (*probe.ExecResult, error) {
			code, stdout := w.run(host, req.String())
			return &probe.ExecResult{Code: code, Stdout: []byte(stdout)}, nil
		}
	}
	if w.lines != nil {
		p.lines = func(_ context.Context, sink probe.LineSink) error {
			sink.Up("open")
			for _, line := range w.lines {
				sink.Line([]byte(line))
			}
			return &probe.Error{Kind: probe.Ended, Message: "it ended"}
		}
	}
	if w.says != nil {
		p.dial = func(context.Context, string, probe.TCPRequest) (conversation, error) {
			return &scripted{says: w.says}, nil
		}
	}
	return p
}

// scripted answers what was sent last.
type scripted struct {
	stubConversation
	says func(sent string) string
	sent string
}

func (c *scripted) Send(_ context.Context, b []byte) error {
	c.sent = strings.TrimSpace(string(b))
	return nil
}
func (c *scripted) TLS() *probe.TLSInfo { return &probe.TLSInfo{Version: "1.3"} }
func (c *scripted) Line(context.Context) ([]byte, error) {
	line := c.says(c.sent)
	if line == "" {
		return nil, errors.New("nothing to say")
	}
	return []byte(line), nil
}

// Each example shows what its card says, in a good world and in a bad one.
func TestScripts(t *testing.T) {
	pages := func(status int, body string) func(string, *probe.HTTPRequest) (int, string) {
		return func(string, *probe.HTTPRequest) (int, string) { return status, body }
	}
	prints := func(code int, stdout string) func(string, string) (int, string) {
		return func(string, string) (int, string) { return code, stdout }
	}
	secrets := map[string]string{"CANARY_PASSWORD": "long enough", "KUBE_TOKEN": "long enough"}
	form := func(url string, req *probe.HTTPRequest) (int, string) {
		if req.Method == http.MethodPost && string(req.Body) != "user=canary&password=long+enough&token=t" {
			return 403, ""
		}
		return 200, `<input name="token" value="t"> hello canary`
	}
	df := "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/a 1 1 1 %s /\n/dev/b 1 1 1 12%% /boot\n"
	smtp := func(sent string) string {
		return map[string]string{"EHLO canary": "250 ok", "QUIT": "221 bye"}[sent[:min(len(sent), 11)]]
	}
	untested := map[string]bool{}
	for _, name := range exampleNames(t) {
		untested[name] = true
	}
	for _, test := range []struct {
		script string
		world  world
		want   map[engine.ID]string // status and value, or status alone
	}{
		{"page_phases.lua", world{page: pages(200, ""), took: 50 * time.Millisecond}, map[engine.ID]string{"page": "ok 0.0500"}},
		{"page_phases.lua", world{page: pages(200, ""), took: 400 * time.Millisecond}, map[engine.ID]string{"page": "warning 0.4000"}},
		{"page_phases.lua", world{page: pages(500, "")}, map[engine.ID]string{"page": "critical 0.0010"}},
		{"login_journey.lua", world{env: secrets, page: form}, map[engine.ID]string{"login": "ok"}},
		{"login_journey.lua", world{env: secrets, page: pages(200, "closed")}, map[engine.ID]string{"login": "critical 1/3 form"}},
		{"login_journey.lua", world{env: secrets, page: func(url string, req *probe.HTTPRequest) (int, string) {
			if req.Method == http.MethodPost {
				return 0, ""
			}
			return form(url, req)
		}}, map[engine.ID]string{"login": "critical 2/3 log in"}},
		{"login_journey.lua", world{env: secrets, page: pages(0, "")}, map[engine.ID]string{"login": "critical 1/3 form"}},
		{"api_json.lua", world{page: pages(200, `{"status":"up","queue":{"depth":3}}`)}, map[engine.ID]string{"api": "ok 3"}},
		{"api_json.lua", world{page: pages(200, `{"status":"up","queue":{"depth":300}}`)}, map[engine.ID]string{"api": "warning 300"}},
		{"api_json.lua", world{page: pages(200, `{"status":"down"}`)}, map[engine.ID]string{"api": "critical down"}},
		{"api_json.lua", world{page: pages(200, `<html>`)}, map[engine.ID]string{"api": "critical proto"}},
		{"certificate.lua", world{}, map[engine.ID]string{"localhost443": "ok 30", "localhost587": "ok 30"}},
		{"resolvers.lua", world{}, map[engine.ID]string{"they_agree": "ok yes", "9-9-9-9": "ok 0.0020"}},
		{"replication_lag.lua", world{run: prints(0, "12.5\n")}, map[engine.ID]string{"replication_lag": "warning 12.5"}},
		{"replication_lag.lua", world{run: prints(2, "")}, map[engine.ID]string{"replication_lag": "critical 2"}},
		{"redis_queue.lua", world{says: func(string) string { return ":1500" }}, map[engine.ID]string{"default": "critical 1500", "mail": "critical 1500"}},
		{"redis_queue.lua", world{says: func(string) string { return "-NOAUTH" }}, map[engine.ID]string{"mail": "critical error"}},
		{"disk.lua", world{run: prints(0, fmt.Sprintf(df, "83%"))}, map[engine.ID]string{"web-1": "warning 83 %", "web-2": "warning 83 %"}},
		{"systemd_unit.lua", world{run: prints(0, "ActiveState=active\nSubState=running\nNRestarts=2\n")}, map[engine.ID]string{"sshservice": "ok active"}},
		{"systemd_unit.lua", world{run: prints(0, "ActiveState=failed\nSubState=failed\nNRestarts=2\n")}, map[engine.ID]string{"sshservice": "critical failed"}},
		{"nagios_plugin.lua", world{run: prints(1, "LOAD WARNING | load1=3.5;2;8\n")}, map[engine.ID]string{"load": "warning 3.5", "disk_on_another_host": "warning 3.5"}},
		{"docker.lua", world{page: pages(200, `{"State":{"Status":"running","ExitCode":0,"Health":{"Status":"healthy"}}}`)}, map[engine.ID]string{"web": "ok running"}},
		{"docker.lua", world{page: pages(200, `{"State":{"Status":"exited","ExitCode":137}}`)}, map[engine.ID]string{"web": "critical exited"}},
		{"docker.lua", world{page: pages(500, `{"message":"broken"}`)}, map[engine.ID]string{"web": "unknown HTTP 500"}},
		{"docker.lua", world{page: pages(404, "")}, map[engine.ID]string{"db": "critical missing"}},
		{"kubernetes.lua", world{env: secrets, page: pages(200, `{"spec":{"replicas":3},"status":{"readyReplicas":3}}`)}, map[engine.ID]string{"web": "ok 3/3"}},
		{"kubernetes.lua", world{env: secrets, page: pages(200, `{"spec":{"replicas":3},"status":{"readyReplicas":1}}`)}, map[engine.ID]string{"web": "warning 1/3"}},
		{"kubernetes.lua", world{env: secrets, page: pages(200, `{"spec":{"replicas":3},"status":{}}`)}, map[engine.ID]string{"web": "critical 0/3"}},
		{"backup_age.lua", world{env: map[string]string{"BACKUP": "/nowhere"}}, map[engine.ID]string{"backup_age": "critical missing", "backup_size": "critical missing"}},
		{"ping.lua", world{}, map[engine.ID]string{"127-0-0-1": "ok 1.00 ms"}},
		{"smtp_starttls.lua", world{says: func(sent string) string {
			if strings.HasPrefix(sent, "MAIL") || strings.HasPrefix(sent, "RCPT") {
				return "250 ok"
			}
			return smtp(sent)
		}}, map[engine.ID]string{"mail": "ok"}},
		{"smtp_starttls.lua", world{says: func(sent string) string {
			if strings.HasPrefix(sent, "MAIL") {
				return "451 later"
			}
			return smtp(sent)
		}}, map[engine.ID]string{"mail": "critical 451"}},
		{"canary.lua", world{page: pages(200, "")}, map[engine.ID]string{"canary": "ok 1.0 x"}},
		{"canary.lua", world{page: func(url string, _ *probe.HTTPRequest) (int, string) {
			if strings.Contains(url, "8002") {
				return 500, ""
			}
			return 200, ""
		}}, map[engine.ID]string{"canary": "critical HTTP 500"}},
		{"own_class.lua", world{run: prints(0, "1000\n")}, map[engine.ID]string{"forks": "ok 0"}},
		{"own_class.lua", world{run: prints(0, "oops")}, map[engine.ID]string{"forks": "unknown no number"}},
		{"fleet.lua", world{page: pages(200, "")}, map[engine.ID]string{"web.127-0-0-1_page": "ok 0.0010", "web.127-0-0-1_ssh": "ok", "web.127-0-0-1_disk": "ok 0"}},
		{"vantages.lua", world{page: pages(200, ""), took: 50 * time.Millisecond}, map[engine.ID]string{"page": "ok 0.0500", "slowest_way_to_it": "ok 0"}},
		{"vantages.lua", world{page: pages(500, "")}, map[engine.ID]string{"page": "critical 0.0010"}},
		{"quorum.lua", world{says: func(string) string { return "" }}, map[engine.ID]string{"databases.127-0-0-1-5432": "ok 0.0010", "quorum": "ok 3/3", "slowest_database": "ok 0.001"}},
		{"shadow.lua", world{}, map[engine.ID]string{"uplink": "ok 0.0010", "sites.127-0-0-1-80": "ok 0.0010"}},
		{"slow_motion.lua", world{page: pages(200, "")}, map[engine.ID]string{"page": "ok 0.0010"}},
		{"slow_motion.lua", world{page: pages(503, "")}, map[engine.ID]string{"page": "critical HTTP 503"}},
		{"confirmed.lua", world{page: pages(200, "")}, map[engine.ID]string{"every_blip": "ok 0.0010", "confirmed": "ok 0.0010"}},
		{"discovery.lua", world{page: pages(200, `[{"name":"web-1","address":"192.0.2.1"},{"name":"web-2","address":"192.0.2.2"}]`)}, map[engine.ID]string{"fleet.web-1": "ok 0.0010", "fleet.web-2_ssh": "ok"}},
		{"redirects.lua", world{page: pages(200, "")}, map[engine.ID]string{"to_https": "critical no"}},
		{"redirects.lua", world{to: "https://example.com/"}, map[engine.ID]string{"to_https": "ok https"}},
		{"redirects.lua", world{to: "https://example.com"}, map[engine.ID]string{"to_https": "ok https"}},
		{"redirects.lua", world{to: "https://example.community/"}, map[engine.ID]string{"to_https": "critical no"}},
		{"log_errors.lua", world{env: map[string]string{"LOG": "/dev/null"}}, map[engine.ID]string{"new_errors": "ok 0"}},
		{"log_tail.lua", world{lines: slices.Repeat([]string{`1.2.3.4 - - [x] "GET / HTTP/1.1" 200 12`}, 20)}, map[engine.ID]string{"server_errors": "ok 0.0"}},
		{"log_tail.lua", world{lines: slices.Repeat([]string{`1.2.3.4 - - [x] "GET / HTTP/1.1" 502 12`}, 20)}, map[engine.ID]string{"server_errors": "critical 100.0"}},
		{"log_tail.lua", world{lines: []string{"garbage"}}, map[engine.ID]string{"server_errors": "unknown ended"}},
		{"kernel_log.lua", world{lines: []string{"a: I/O error, dev sda"}}, map[engine.ID]string{"kernel": "critical disk"}},
		{"maintenance.lua", world{env: map[string]string{"MAINTENANCE": "/nowhere"}}, map[engine.ID]string{"maintenance": "ok none", "sites.127-0-0-1-80": "ok 0.0010"}},
		{"office_hours.lua", world{page: pages(503, "")}, map[engine.ID]string{"intranet": "critical"}},
		{"own_normal.lua", world{page: pages(503, "")}, map[engine.ID]string{"page": "critical"}},
		{"prometheus.lua", world{page: pages(200, "go_goroutines 12\nhttp_requests_total{code=\"500\"} 3\n")}, map[engine.ID]string{"goroutines": "ok 12"}},
		{"prometheus.lua", world{page: pages(503, "busy")}, map[engine.ID]string{"goroutines": "critical HTTP 503", "errors": "critical HTTP 503"}},
		{"sample.lua", world{page: pages(200, "")}, map[engine.ID]string{"watch_set_1.is_google_up": "warning 0.0010"}},
	} {
		t.Run(test.script, func(t *testing.T) {
			b := newTestBoard(t)
			b.Options.FS, b.Options.Name = scripts.FS, test.script
			b.primitives = test.world.primitives()
			b.LookupEnv = func(name string) (string, bool) { v, ok := test.world.env[name]; return v, ok }
			if err := b.reload(); err != nil {
				t.Fatal(err)
			}
			b.runAll(test.script)
			for id, want := range test.want {
				got := b.run(id)
				if text := got.Status.String() + " " + got.Value; text != want && got.Status.String() != want {
					t.Errorf("run(%q) = %s %q, want %s", id, text, got.Detail, want)
				}
			}
		})
		delete(untested, test.script)
	}
	if len(untested) > 0 {
		t.Errorf("examples without a test: %v", slices.Sorted(maps.Keys(untested)))
	}
}
