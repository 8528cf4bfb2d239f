package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// parseSSE gives the events of a stream that comes in pieces of step bytes.
func parseSSE(text string, step int, state *SSEState) []SSEEvent {
	var got []SSEEvent
	p := newSSEParser(state, func(e SSEEvent) { got = append(got, e) })
	for len(text) > 0 {
		n := min(step, len(text))
		_, _ = p.Write([]byte(text[:n]))
		text = text[n:]
	}
	return got
}

// The first cases are the examples of the HTML standard, 9.2.6.
func TestSSEParser(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []SSEEvent
	}{
		{"stocks", "data: YHOO\ndata: +2\ndata: 10\n\n", []SSEEvent{{"message", "YHOO\n+2\n10", ""}}},
		{"ids", ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
			[]SSEEvent{{"message", "first event", "1"}, {"message", "second event", ""}, {"message", " third event", ""}}},
		{"empty data", "data\n\ndata\ndata\n\ndata:", []SSEEvent{{"message", "", ""}, {"message", "\n", ""}}},
		{"one space", "data:test\n\ndata: test\n\n", []SSEEvent{{"message", "test", ""}, {"message", "test", ""}}},
		{"line ends", "data: a\rdata: b\r\ndata: c\n\r\ndata: d\r\r", []SSEEvent{{"message", "a\nb\nc", ""}, {"message", "d", ""}}},
		{"byte order mark", "\ufeffdata: a\n\n", []SSEEvent{{"message", "a", ""}}},
		{"type", "event: add\ndata: 1\n\ndata: 2\n\n", []SSEEvent{{"add", "1", ""}, {"message", "2", ""}}},
		{"type without data", "event: add\n\ndata: 2\n\n", []SSEEvent{{"message", "2", ""}}},
		{"unknown fields", "nonsense\nfoo: bar\ndata: a\nData: b\n\n", []SSEEvent{{"message", "a", ""}}},
		{"id with NUL", "id: 1\ndata: a\n\nid: 2\x00\ndata: b\n\n", []SSEEvent{{"message", "a", "1"}, {"message", "b", "1"}}},
		{"id that no header holds", "id: 1\ndata: a\n\nid: 2\x01\ndata: b\n\n", []SSEEvent{{"message", "a", "1"}, {"message", "b", "1"}}},
		{"unfinished", "data: a", nil},
		{"too long", "data: " + strings.Repeat("x", 2*LineMax) + "\ndata: y\n\n", []SSEEvent{{"message", strings.Repeat("x", LineMax-len("data: ")) + "\ny", ""}}},
	} {
		for _, step := range []int{1, 3, 1 << 20} {
			if diff := cmp.Diff(tt.want, parseSSE(tt.text, step, &SSEState{})); diff != "" {
				t.Errorf("%s in pieces of %d: %s", tt.name, step, diff)
			}
		}
	}
}

func TestSSEState(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"":               3 * time.Second,
		"retry: 5000\n":  5 * time.Second,
		"retry: 1\n":     time.Second,
		"retry: 0\n":     time.Second,
		"retry: 9e9\n":   3 * time.Second,
		"retry: -1\n":    3 * time.Second,
		"retry:999999\n": time.Minute,
	} {
		var s SSEState
		parseSSE(text, 1, &s)
		if got := s.pause(); got != want {
			t.Errorf("pause() after %q = %v, want %v", text, got, want)
		}
	}
	var s SSEState
	parseSSE("id: 7\n\nid: 8\n", 1, &s)
	if s.lastID != "7" {
		t.Errorf("last id = %q, want 7: the event of id 8 did not end", s.lastID)
	}
}

// FuzzSSEParser holds that events do not depend on how the stream is cut into
// pieces, and that they are bounded.
func FuzzSSEParser(f *testing.F) {
	f.Add("data: YHOO\ndata: +2\n\n", 1)
	f.Add("\ufeffid: 1\r\nevent: x\rdata\n\r\nretry: 10\n", 2)
	f.Fuzz(func(t *testing.T, text string, step int) {
		var whole, pieces SSEState
		want, got := parseSSE(text, len(text)+1, &whole), parseSSE(text, max(step, 1), &pieces)
		if diff := cmp.Diff(want, got); diff != "" || whole != pieces {
			t.Errorf("in pieces of %d: %s, %+v and %+v", step, diff, whole, pieces)
		}
		for _, e := range got {
			if len(e.Data) > LineMax || len(e.Type) > sseWord || len(e.ID) > sseWord || e.Type == "" {
				t.Errorf("event of %d bytes, type %q, id %q", len(e.Data), e.Type, e.ID)
			}
		}
	})
}

// hearSSE listens to a server's events; a line is "type data id".
func hearSSE(t *testing.T, req HTTPRequest, connect time.Duration) *heard {
	var client HTTPClient
	var state SSEState
	return hear(t, func(ctx context.Context, sink LineSink) error {
		return client.Events(ctx, req, connect, &state, sink.Up, func(e SSEEvent) {
			sink.Line([]byte(e.Type + " " + e.Data + " " + e.ID))
		})
	})
}

func TestEvents(t *testing.T) {
	t.Parallel()
	lastIDs := make(chan string, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/events", http.StatusFound)
			return
		}
		lastIDs <- r.Header.Get("Last-Event-ID") + " " + r.Header.Get("Accept")
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		w.Header().Set("Content-Encoding", "none") // no coding: it keeps a server in between from compressing
		if r.Header.Get("Last-Event-ID") == "" {
			fmt.Fprint(w, "retry: 1000\nid: 41\n\nevent: add\ndata: 1\nid: 42\n\n")
			return // and it is connected to again
		}
		fmt.Fprint(w, "data: 2\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer srv.Close()
	h := hearSSE(t, HTTPRequest{URL: srv.URL, Redirects: 1}, 0)
	if diff := cmp.Diff([]string{"add 1 42", "message 2 42"}, h.until(2)); diff != "" {
		t.Error(diff)
	}
	if a, b := <-lastIDs, <-lastIDs; a != " text/event-stream" || b != "42 text/event-stream" {
		t.Errorf("Last-Event-ID and Accept = %q and %q", a, b)
	}
	if h.stop(); KindOf(h.err) != Cancelled {
		t.Errorf("Events() = %v, want kind cancelled", h.err)
	}
}

func TestEventsThatAreNone(t *testing.T) {
	t.Parallel()
	answers := map[string]http.HandlerFunc{
		"/204":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"/503":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"/html": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"/gzip": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Content-Encoding", "gzip")
		},
		"/silent": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"/loop":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) },
		"/short":  func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/event-stream") },
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answers[r.URL.Path](w, r) }))
	defer srv.Close()
	for path, want := range map[string]struct {
		kind Kind
		text string
	}{
		"/204":    {Proto, "status 204"},
		"/503":    {Proto, "status 503, want 200"},
		"/html":   {Proto, `content type "text/html; charset=utf-8", want text/event-stream`},
		"/gzip":   {Proto, `content encoding "gzip"`},
		"/loop":   {Redirects, "more redirects than allowed (2)"},
		"/silent": {Timeout, "no answer within 200ms"},
		"/short":  {Reset, "the server ended the stream at once"},
	} {
		limit := time.Minute
		if want.kind == Timeout {
			limit = 200 * time.Millisecond
		}
		err := hearSSE(t, HTTPRequest{URL: srv.URL + path, Redirects: 2}, limit).end()
		if KindOf(err) != want.kind || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%s: Events() = %v, want kind %s, %q", path, err, want.kind, want.text)
		}
	}
}
