package web

import (
	"context"
	"encoding/json"
	"html/template"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
)

// hostile is text that breaks out of JSON, event streams, HTML or UTF-8 where
// it is not treated as text.
var hostile = []string{
	"", "plain", "\n", "\r", "\r\n\r\n", "a\n\nevent: board\ndata: {}\n\n", ": comment", "data: x",
	"\u2028\u2029", "</script><script>alert(1)</script>", "<!--<script>", "\x00\x1b[31m", "\xff\xfe\xf0\x9f", "\u202ereversed",
	"{}", `"`, `\`, strings.Repeat("é", 50_000), strings.Repeat("\xff", 100_000),
}

func hostileView(text string) engine.View {
	return engine.View{
		ID: engine.ID(text), Name: text, Set: text,
		State: engine.State{
			Status: engine.Critical, Since: time.Unix(1, 0),
			Result: engine.Result{
				Value: text, Unit: text, Detail: text, Link: text, Output: text, Log: []string{text},
				Timing:  []engine.Phase{{Name: text, Duration: time.Second}},
				Failure: &engine.Failure{Message: text, Kind: "script", File: text, Trace: text},
				Cells:   []engine.Cell{{Name: text, Value: text, Unit: text, Detail: text}},
			},
			Transitions: []engine.Transition{{Value: text, Unit: text, Detail: text}},
		},
	}
}

// checkFraming sends one update holding text through r3labs and reads back
// exactly that event, with every text valid and bounded.
func checkFraming(t *testing.T, text string) {
	t.Helper()
	v := hostileView(text)
	tile := newTile(&v, time.Unix(2, 0))
	ev := newEvent("update", 7, update{Rev: 7, Tiles: []Tile{tile}})
	if strings.ContainsAny(string(ev.Data), "\n\r") {
		t.Fatalf("update of %.80q holds a line break, want none: it breaks the framing", text)
	}
	if !utf8.Valid(ev.Data) {
		t.Fatalf("update of %.80q is not UTF-8", text)
	}
	if strings.ContainsAny(string(ev.Data), "<>&\u2028\u2029") {
		t.Fatalf("update of %.80q holds characters that HTML or script would read", text)
	}
	var back update
	if err := json.Unmarshal(ev.Data, &back); err != nil || len(back.Tiles) != 1 {
		t.Fatalf("update of %.80q reads back as %d tiles, %v, want 1", text, len(back.Tiles), err)
	}
	if got := len(back.Tiles[0].Detail); got > maxDetail {
		t.Errorf("detail of %d bytes on the wire, want at most %d", got, maxDetail)
	}
	for _, short := range []string{back.Tiles[0].Name, back.Tiles[0].Value, back.Tiles[0].Unit, back.Tiles[0].Set, back.Tiles[0].Cells[0].Detail} {
		if len(short) > maxShortText {
			t.Errorf("short text of %d bytes on the wire, want at most %d", len(short), maxShortText)
		}
	}
	d, err := json.Marshal(newDetail(&v, time.Unix(2, 0)))
	if err != nil || !utf8.Valid(d) {
		t.Errorf("detail of %.80q: %v, want valid JSON", text, err)
	}
}

func TestHostileTextStaysFramed(t *testing.T) {
	for _, text := range hostile {
		checkFraming(t, text)
	}
}

func FuzzFraming(f *testing.F) {
	for _, text := range hostile[:len(hostile)-2] {
		f.Add(text)
	}
	f.Fuzz(checkFraming)
}

// The same text through the whole of it: engine, hub, r3labs and a reader.
func TestHostileTextThroughTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &check{}
		w, _ := pipeWall(t, Config{}, engine.Set{Watchers: []engine.Watcher{watcher("", "a\nevent: x", 50*time.Millisecond, c.run)}})
		viewer := w.watch(t)
		for _, text := range hostile {
			c.set(engine.Result{Status: engine.OK, Value: text})
			for from, runs := runsNow(w), uint64(0); runs < from+2; {
				ev, err := viewer.next()
				if err != nil {
					t.Fatalf("reading the stream: %v", err)
				}
				switch ev.name {
				case "board", "beat":
				case "update":
					tiles := decode[update](t, ev.data).Tiles
					if len(tiles) != 1 || tiles[0].Name != "a\nevent: x" {
						t.Fatalf("update %q, want the one tile", ev.data)
					}
					runs = tiles[0].Runs
				default:
					t.Fatalf("event %q, want only those that were sent", ev.name)
				}
			}
		}
	})
}

// runsNow is how often the first watcher has run.
func runsNow(w *wall) uint64 { return w.engine.Board().Snapshot().Sets[0].Watchers[0].Runs }

func TestHostileTextInThePage(t *testing.T) {
	tmpl := template.Must(template.ParseFS(pages, "*.html"))
	for _, text := range hostile {
		v := hostileView(text)
		b := Board{PageTag: bound(text, maxShortText), Sets: []Set{{Name: bound(text, maxShortText), Tiles: []Tile{newTile(&v, time.Unix(2, 0))}}}}
		snapshot, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		var html []byte
		for _, part := range []string{"top", "rest"} {
			body, err := renderPage(tmpl, part, newPageData(&b, snapshot, time.Unix(60, 0)))
			if err != nil {
				t.Fatalf("rendering %.80q: %v", text, err)
			}
			html = append(html, body...)
		}
		if strings.Contains(string(html), "<script>alert") {
			t.Errorf("page with %.80q holds it as a script", text)
		}
		if !utf8.Valid(html) {
			t.Errorf("page with %.80q is not UTF-8", text)
		}
		_, rest, ok := strings.Cut(string(html), `id="snapshot">`)
		data, _, closed := strings.Cut(rest, "</script>")
		if !ok || !closed || !json.Valid([]byte(data)) {
			t.Errorf("page with %.80q: its snapshot is no JSON: %.200q", text, data)
		}
	}
}

func TestBound(t *testing.T) {
	for _, tt := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 8, ""},
		{"12345678", 8, "12345678"},
		{"123456789", 8, "12345…"},
		{"ééééé", 8, "éé…"},
		{"1234\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 8, "1234…"},
		{"a\xffb", 8, "a\uFFFDb"},
		{strings.Repeat("\xffa", 20), 8, "\uFFFDa…"},
	} {
		if got := bound(tt.in, tt.limit); got != tt.want {
			t.Errorf("bound(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

func TestSafeLink(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"https://example.org/a?b=c": "https://example.org/a?b=c",
		"http://x":                  "http://x",
		"javascript:alert(1)":       "",
		"JAVASCRIPT:alert(1)":       "",
		"data:text/html,x":          "",
		"//example.org":             "",
		"/relative":                 "",
		"https:":                    "",
		"http://[::1":               "",
		" https://example.org":      "",
		"https://x/" + strings.Repeat("a", maxLink): "",
	} {
		if got := safeLink(in); got != want {
			t.Errorf("safeLink(%.60q) = %.60q, want %q", in, got, want)
		}
	}
}

func TestSecondsStayJSON(t *testing.T) {
	for d, want := range map[time.Duration]float64{0: 0, 1500 * time.Nanosecond: 0.000002, time.Second: 1, -time.Second: -1} {
		if got := seconds(d); math.Abs(got-want) > 1e-9 {
			t.Errorf("seconds(%v) = %v, want %v", d, got, want)
		}
	}
}

func TestPollShape(t *testing.T) {
	now := time.Unix(10_000, 0)
	tile := func(s engine.Status, since time.Duration) Tile {
		return Tile{ID: "set.a", Name: "A", Status: s, Value: "0", Detail: "d", Since: unixTime(now.Add(-since))}
	}
	b := Board{Sets: []Set{{Tiles: []Tile{tile(engine.OK, 0), tile(engine.Warning, time.Minute)}}, {Tiles: []Tile{
		tile(engine.Critical, 5*time.Minute), tile(engine.Unknown, 2*time.Hour), tile(engine.Pending, 0)}}}}
	got, err := json.MarshalIndent(poll(&b, now), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	line := func(ok, warning, critical, duration, status string) string {
		return " {\n  \"id\": \"set.a\",\n  \"name\": \"A\",\n  \"status_ok\": " + ok + ",\n  \"status_warning\": " + warning +
			",\n  \"status_critical\": " + critical + ",\n  \"value\": \"0\",\n  \"detail\": \"d\",\n  \"duration\": \"" + duration +
			"\",\n  \"status\": \"" + status + "\"\n }"
	}
	want := "[\n" + strings.Join([]string{
		line("true", "false", "false", "a moment", "ok"),
		line("false", "true", "false", "1 minute", "warning"),
		line("false", "false", "true", "5 minutes", "critical"),
		line("false", "false", "false", "2 hours", "unknown"),
		line("false", "false", "false", "a moment", "pending"),
	}, ",\n") + "\n]"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("poll (-want +got):\n%s", diff)
	}
}

func TestEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &check{r: engine.Result{Status: engine.Warning, Value: "7", Output: "full output", Log: []string{"said"},
			Failure: &engine.Failure{Message: "no", File: "pharos.lua", Line: 9}}}
		show := func(src engine.Place) ([]SourceLine, bool) {
			return []SourceLine{{Line: src.Line, Text: "-- here"}}, true
		}
		w, _ := pipeWall(t, Config{ShowSource: show}, engine.Set{Name: "Set", Watchers: []engine.Watcher{watcher("Set", "A/B", time.Second, c.run)}})
		time.Sleep(1500 * time.Millisecond)
		code, body := w.get(t, "/api/watchers/set.ab")
		d := decode[Detail](t, body)
		want := Detail{
			Output: "full output", Log: []string{"said"}, Source: engine.Place{File: "pharos.lua", Line: 1},
			SourceLines: []SourceLine{{Line: 9, Text: "-- here"}}, SourceAt: engine.Place{File: "pharos.lua", Line: 9},
			Transitions: []Transition{{At: d.Since, From: engine.Pending, To: engine.Warning, Value: "7"}},
			Tile:        d.Tile,
		}
		if diff := cmp.Diff(want, d); code != 200 || diff != "" {
			t.Errorf("/api/watchers/set.ab: status %d (-want +got):\n%s", code, diff)
		}
		if d.Value != "7" || d.Name != "A/B" || d.Status != engine.Warning {
			t.Errorf("/api/watchers/set.ab = %s, want the tile's fields beside the others", body)
		}
		_, body = w.get(t, "/poll/json")
		list := decode[map[string][]map[string]any](t, body)["metric_watchers"]
		if len(list) != 1 || list[0]["status_warning"] != true || list[0]["duration"] != "a moment" {
			t.Errorf("/poll/json = %s, want the one watcher in warning", body)
		}
		w.engine.Board().LoadFailed(engine.LoadError{File: "pharos.lua", Line: 3, Message: "no"})
		_, body = w.get(t, "/api/config")
		if diff := cmp.Diff(`{"generation":1,"loaded_at":946684800,"error":{"file":"pharos.lua","line":3,"message":"no"}}`, body); diff != "" {
			t.Errorf("/api/config (-want +got):\n%s", diff)
		}
		if _, body = w.get(t, "/healthz"); body != "ok\n" {
			t.Errorf("/healthz = %q, want ok", body)
		}
		for _, theme := range []string{"", "?theme=dark", "?theme=%22%3E%3Cscript%3E"} {
			if code, body = w.get(t, "/"+theme); code != 200 || !strings.Contains(body, "A/B") || !strings.Contains(body, "pharos.lua:3") {
				t.Errorf("GET /%s: status %d, want a page with the watcher and the load error:\n%s", theme, code, body)
			}
		}
	})
}

// A tile goes stale by the clock alone: no revision tells of it.
func TestStaleIsComputedWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := func(ctx context.Context) (engine.Result, error) { <-ctx.Done(); return engine.Result{}, ctx.Err() }
		slow := watcher("", "slow", time.Hour, block)
		slow.Timeout, slow.TTL = time.Hour, 700*time.Millisecond
		w, _ := pipeWall(t, Config{}, engine.Set{Watchers: []engine.Watcher{slow}})
		began := time.Now()
		for _, tt := range []struct {
			at   time.Duration
			want bool
		}{{600, false}, {701, true}} {
			time.Sleep(time.Until(began.Add(tt.at * time.Millisecond)))
			_, body := w.get(t, "/api/board")
			if got := decode[Board](t, body).Sets[0].Tiles[0].Stale; got != tt.want {
				t.Errorf("stale %d ms after the start = %v, want %v", tt.at, got, tt.want)
			}
		}
	})
}
