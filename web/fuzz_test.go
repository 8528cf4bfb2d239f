package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pharos/engine"
)

// Whatever a request holds, it is answered without an error of ours, and only
// what a browser may read of any board is ever in the answer's headers.
func FuzzRequest(f *testing.F) {
	for _, path := range []string{"/", "/static/main.js", "/static/..%2f", "/api/watchers/a%2Fb", "/api/watchers/%ff", "/badge/x.svg", "/poll/json", "//", "/%00"} {
		f.Add("GET", path, "localhost", "gzip;q=0", "theme=dark")
	}
	f.Add("POST", "/api/board", "[::1]:80", "", "token=x")
	f.Add("HEAD", "/events", "evil:80:80", "gzip", "%zz")
	e := engine.New(engine.Config{Logger: quiet()})
	e.Replace(&engine.Generation{Number: 1, Sets: []engine.Set{oneWatcher(engine.Result{})}})
	handler := New(Config{Board: e.Board(), Logger: quiet()}).Handler()
	f.Fuzz(func(t *testing.T, method, path, host, encoding, query string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || (method == http.MethodGet && u.Path == "/events") {
			t.Skip() // refused by net/http, or without end
		}
		u.RawQuery = query
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Method, r.URL, r.Host = method, u, host
		r.Header.Set("Accept-Encoding", encoding)
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		if rec.Code >= 500 {
			t.Errorf("%s %q of host %q = %d %s, want no error of ours", method, path, host, rec.Code, rec.Body)
		}
		if method != http.MethodGet && method != http.MethodHead && rec.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s %q = %d, want 405", method, path, rec.Code)
		}
		if !strings.Contains(rec.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s %q: no policy on the answer", method, path)
		}
	})
}
