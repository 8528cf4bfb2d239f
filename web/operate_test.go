package web

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
)

// requireReal gives the path of a program that a test needs, and skips the
// test without it, save where everything must be there.
func requireReal(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	switch {
	case err == nil:
		return path
	case os.Getenv("PHAROS_REQUIRE_REAL") == "1":
		t.Fatalf("looking for %s: %v", program, err)
	default:
		t.Skipf("%s is not installed", program)
	}
	return ""
}

func moody(results ...engine.Result) engine.Set {
	set := engine.Set{Name: `Se"t\`}
	for i, r := range results {
		c := &check{r: r}
		set.Watchers = append(set.Watchers, watcher(set.Name, string(rune('a'+i))+"\n", 100*time.Millisecond, c.run))
	}
	return set
}

func TestMetrics(t *testing.T) {
	var text string
	synctest.Test(t, func(t *testing.T) {
		w, _ := pipeWall(t, Config{Version: "v1"}, moody(engine.Result{Status: engine.OK}, engine.Result{Status: engine.Critical}))
		w.watch(t).until(t, named("beat"))
		var code int
		if code, text = w.get(t, "/metrics"); code != 200 {
			t.Fatalf("/metrics: status %d, want 200", code)
		}
	})
	for _, want := range []string{
		`pharos_watcher_status{id="set.a",set="Se\"t\\",name="a\n",status="ok"} 1`,
		`pharos_watcher_status{id="set.b",set="Se\"t\\",name="b\n",status="ok"} 0`,
		`pharos_watcher_status{id="set.b",set="Se\"t\\",name="b\n",status="critical"} 1`,
		`pharos_watchers{status="critical"} 1`,
		`pharos_watchers{status="pending"} 0`,
		`pharos_viewers 1`,
		`pharos_config_generation 1`,
		`pharos_config_last_reload_successful 1`,
		`pharos_runs_missed_total 0`,
		`# TYPE pharos_run_duration_seconds histogram`,
		`pharos_run_duration_seconds_sum 0`,
		`process_start_time_seconds 9.466848e+08`, // when a bubble begins
	} {
		if !strings.Contains("\n"+text, "\n"+want+"\n") {
			t.Errorf("/metrics has no line %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	promtool := requireReal(t, "promtool")
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("promtool check metrics: %v, %s, want nothing to remark", err, out)
	}
}

func TestMood(t *testing.T) {
	tile := func(s engine.Status, stale bool) Tile { return Tile{Status: s, Stale: stale} }
	for _, tt := range []struct {
		tiles []Tile
		want  engine.Status
	}{
		{nil, engine.Pending},
		{[]Tile{tile(engine.OK, false), tile(engine.Pending, false)}, engine.OK},
		{[]Tile{tile(engine.OK, false), tile(engine.Warning, false)}, engine.Warning},
		{[]Tile{tile(engine.Unknown, false), tile(engine.Warning, false)}, engine.Unknown},
		{[]Tile{tile(engine.Unknown, false), tile(engine.Critical, true)}, engine.Critical},
		{[]Tile{tile(engine.OK, true)}, engine.Unknown},
		{[]Tile{tile(engine.Warning, true)}, engine.Warning},
	} {
		if got := moodOf(&Board{Sets: []Set{{Tiles: tt.tiles}}}); got != tt.want {
			t.Errorf("moodOf(%v) = %v, want %v", tt.tiles, got, tt.want)
		}
	}
}

func TestReadiness(t *testing.T) {
	stale, fresh := []Set{{Tiles: []Tile{{Stale: true}}}}, []Set{{Tiles: []Tile{{Stale: true}, {}}}}
	loaded := ConfigState{Generation: 1}
	for _, tt := range []struct {
		name  string
		b     Board
		ready bool
	}{
		{"nothing loaded", Board{}, false},
		{"an empty board", Board{Config: loaded}, true},
		{"some in time", Board{Config: loaded, Sets: fresh}, true},
		{"none in time", Board{Config: loaded, Sets: stale}, false},
	} {
		if why := notReady(&tt.b); (why == "") != tt.ready {
			t.Errorf("notReady(%s) = %q, want ready %v", tt.name, why, tt.ready)
		}
	}
}

func TestWordsForMachines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := pipeWall(t, Config{}, moody(engine.Result{Status: engine.Warning}))
		time.Sleep(time.Second)
		for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n", "/mood": "warning\n"} {
			if code, body := w.get(t, path); code != 200 || body != want {
				t.Errorf("GET %s = %d %q, want 200 %q", path, code, body, want)
			}
		}
		w.hub.close()
		if code, body := w.get(t, "/readyz"); code != 503 {
			t.Errorf("GET /readyz while shutting down = %d %q, want 503", code, body)
		}
	})
}

func TestBadge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := pipeWall(t, Config{}, moody(engine.Result{Status: engine.Critical, Value: "<1>&", Unit: "s"}))
		time.Sleep(time.Second)
		code, body := w.get(t, "/badge/set.a.svg")
		if code != 200 || !strings.Contains(body, "critical &lt;1&gt;&amp; s</text>") {
			t.Errorf("GET /badge/set.a.svg = %d %s, want a picture that says critical", code, body)
		}
		for _, path := range []string{"/badge/set.a", "/badge/nothing.svg", "/badge/"} {
			if code, _ := w.get(t, path); code != 404 {
				t.Errorf("GET %s = %d, want 404", path, code)
			}
		}
	})
	for _, text := range hostile {
		tile := Tile{Name: bound(text, maxShortText), Value: bound(text, maxShortText), Status: engine.OK}
		svg := drawBadge(&tile)
		if strings.Contains(string(svg), "<script") {
			t.Errorf("badge of %.60q holds a script", text)
		}
		for dec := xml.NewDecoder(bytes.NewReader(svg)); ; {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("badge of %.60q is not XML: %v", text, err)
				break
			}
		}
	}
}

// However wide its letters are, what a badge says stays within its colours.
func TestBadgeHoldsItsText(t *testing.T) {
	for _, name := range []string{"a", "WWWWWWWWWWWWWWWWWWWW", "データベース", strings.Repeat("宽", 60)} {
		svg := string(drawBadge(&Tile{Name: name, Status: engine.OK, Value: "1"}))
		boxes := regexp.MustCompile(`<rect x="(\d+)" width="(\d+)"`).FindStringSubmatch(svg)
		lengths := regexp.MustCompile(`textLength="(\d+)"`).FindAllStringSubmatch(svg, -1)
		if boxes == nil || len(lengths) != 2 {
			t.Errorf("badge of %.20q tells no length of its two texts: %s", name, svg)
			continue
		}
		for i, text := range lengths {
			room, _ := strconv.Atoi(boxes[i+1])
			if length, _ := strconv.Atoi(text[1]); length >= room {
				t.Errorf("badge of %.20q: text %d is %d wide, want less than its box of %d", name, i, length, room)
			}
		}
	}
	if got := badgeWidth("illi.fill"); got > 9*5+2*badgeMargin {
		t.Errorf("badgeWidth of nine narrow letters = %d, want at most %d: they would be drawn out", got, 9*5+2*badgeMargin)
	}
	if narrow, wide := badgeWidth("database"), badgeWidth("データベース和"); wide-2*badgeMargin < 7*11 || wide <= narrow {
		t.Errorf("badgeWidth of seven wide letters = %d, want at least %d: each is as wide as the text is high", wide, 7*11+2*badgeMargin)
	}
}

// What is old news says nothing about a shadow, on a badge as on the board.
func TestBadgeOfAStaleShadow(t *testing.T) {
	svg := string(drawBadge(&Tile{Name: "a", Status: engine.Critical, Stale: true, Shadow: "wan"}))
	if !strings.Contains(svg, ">stale<") {
		t.Errorf("badge = %s, want it to say stale, as the tile does", svg)
	}
}

// A process that takes connections and says nothing must not hold them.
func TestSlowRequestsAreCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ln := pipeWall(t, Config{})
		for _, sent := range []string{"", "GET / HT", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "} {
			conn, err := ln.dial(context.Background(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, sent); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			_, _ = io.Copy(io.Discard, conn)
			if took := time.Since(began); took > readHeaderTimeout+time.Second {
				t.Errorf("connection that sent %q was held for %v, want %v", sent, took, readHeaderTimeout)
			}
		}
	})
}

func TestLargeHeadersAreRefused(t *testing.T) {
	w, addr := tcpWall(t, Config{})
	req, _ := http.NewRequest("GET", "http://"+addr+"/", nil)
	req.Header.Set("X-Large", strings.Repeat("x", 64<<10))
	resp, err := w.client.Do(req)
	if err != nil {
		return // cut while the header was still being sent
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("64 KiB of headers: status %d, want 431", resp.StatusCode)
	}
}

// Only watchers that are set by events have series of their stream.
func TestStreamMetrics(t *testing.T) {
	var m exposition
	m.streams(&Board{Sets: []Set{{Tiles: []Tile{{ID: "fed", Events: &Events{Up: true, Restarts: 2, Count: 9, Dropped: 4}}, {ID: "run"}}}}})
	for _, want := range []string{
		`pharos_watcher_stream_up{id="fed"} 1`, `pharos_watcher_stream_restarts_total{id="fed"} 2`,
		`pharos_watcher_events_total{id="fed"} 9`, `pharos_watcher_events_dropped_total{id="fed"} 4`,
	} {
		if !strings.Contains(m.String(), want+"\n") {
			t.Errorf("streams() has no line %q:\n%s", want, m.String())
		}
	}
	if strings.Contains(m.String(), `id="run"`) {
		t.Errorf("streams() tells of a watcher without one:\n%s", m.String())
	}
}
