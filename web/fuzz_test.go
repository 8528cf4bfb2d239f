package web

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
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

// Whatever the password and token files hold, they are read or refused, and
// let in nobody who does not show what they hold.
func FuzzAccessFiles(f *testing.F) {
	costly := regexp.MustCompile(`\$2[a-z]?\$(?:[1-9]|0[6-9])`)
	const hash = "$2y$05$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
	for _, text := range []string{"", "# nothing\n", "wall:" + hash + "\r\n", "wall:", ":" + hash, "a:$2y$99$", "0123456789abcdef\n\n\x00\xff", strings.Repeat("x", 70_000)} {
		f.Add([]byte(text), "wall")
	}
	f.Fuzz(func(t *testing.T, content []byte, shown string) {
		list := &tokens{}
		if err := list.take([][]byte{content}); err == nil {
			for _, known := range list.list {
				if known.cookie == shown {
					t.Errorf("the file %q lets in its own cookie %q", content, shown)
				}
			}
			sum := sha256.Sum256([]byte(shown))
			isLine := slices.ContainsFunc(bytes.Split(content, []byte("\n")), func(line []byte) bool {
				return string(bytes.TrimSpace(line)) == shown && len(shown) >= minTokenBytes && shown[0] != '#'
			})
			if found := slices.ContainsFunc(list.list, func(known token) bool { return known.sum == sum }); found != isLine {
				t.Errorf("the file %q knows the token %q: %v, want %v", content, shown, found, isLine)
			}
		}
		a := &Auth{}
		if !costly.Match(content) { // that takes its time, by design
			if err := a.takePasswords([][]byte{content}); err == nil && a.users[""] != nil {
				t.Errorf("the file %q has a user without a name", content)
			}
		}
	})
}
