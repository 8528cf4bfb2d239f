package web

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pharos/engine"
)

// A handler that panics is a fault of Pharos's own: it is told of in the log,
// and to who asked.
func TestPanicIsLoggedAndAnswered(t *testing.T) {
	var log bytes.Buffer
	e := engine.New(engine.Config{Logger: quiet()})
	e.Replace(&engine.Generation{Number: 1, Sets: []engine.Set{moody(engine.Result{})}})
	s := New(Config{Board: e.Board(), Logger: slog.New(slog.NewTextHandler(&log, nil)), ShowSource: func(engine.Place) ([]SourceLine, bool) {
		panic("no such line")
	}})
	r, w := httptest.NewRequest("GET", "http://localhost/api/watchers/set.a", nil), httptest.NewRecorder()
	func() {
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("the panic %q is left to net/http, want it answered", p)
			}
		}()
		s.Handler().ServeHTTP(w, r)
	}()
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "no such line") {
		t.Errorf("GET = %d %s, want 500 and nothing of why", w.Code, w.Body)
	}
	for _, want := range []string{"level=ERROR", "no such line", "/api/watchers/set.a", "routes_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, &log)
		}
	}
}

// tornWriter panics where it is first written to.
type tornWriter struct {
	*httptest.ResponseRecorder
	writes int
}

func (w *tornWriter) SetWriteDeadline(time.Time) error { return nil }

func (w *tornWriter) Write(p []byte) (int, error) {
	if w.writes++; w.writes == 1 {
		panic("torn")
	}
	return w.ResponseRecorder.Write(p)
}

// A stream that has begun is cut by a panic, and says nothing of another kind.
func TestPanicCutsAStream(t *testing.T) {
	s := New(Config{Board: engine.New(engine.Config{Logger: quiet()}).Board(), Logger: quiet()})
	w := &tornWriter{ResponseRecorder: httptest.NewRecorder()}
	func() {
		defer func() {
			if got := recover(); got != http.ErrAbortHandler {
				t.Errorf("panic = %v, want the connection aborted", got)
			}
		}()
		s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/events", nil))
	}()
	if got := w.Body.String(); got != "" {
		t.Errorf("after the panic the stream says %q, want nothing", got)
	}
	if got := s.Viewers(); got != 0 {
		t.Errorf("viewers after the panic = %d, want none", got)
	}
}
