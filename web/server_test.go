package web

import (
	"bufio"
	"context"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
)

func oneWatcher(r engine.Result) engine.Set {
	c := &check{r: r}
	return engine.Set{Name: "Set", Watchers: []engine.Watcher{watcher("Set", "Is True?", 50*time.Millisecond, c.run)}}
}

func TestRequestsThatAreRefused(t *testing.T) {
	w, addr := tcpWall(t, Config{AllowedHosts: []string{"wall.example.org", "*.lan"}, Host: "wall-1.office"}, oneWatcher(engine.Result{Status: engine.OK}))
	tests := []struct {
		method, path, host, site string
		want                     int
	}{
		{"GET", "/", "localhost:8811", "", 200},
		{"HEAD", "/", "localhost:8811", "", 200},
		{"HEAD", "/events", "localhost:8811", "", 200},
		{"POST", "/", "localhost", "", 405},
		{"PUT", "/api/board", "localhost", "", 405},
		{"DELETE", "/api/watchers/x", "localhost", "", 405},
		{"OPTIONS", "/events", "localhost", "", 405},
		{"TRACE", "/nowhere", "localhost", "", 405},
		{"OPTIONS", "*", "localhost", "", 405}, // which net/http would answer by itself
		{"GET", "/nowhere", "localhost", "", 404},
		{"GET", "/api/board", "127.0.0.1:8811", "", 200},
		{"GET", "/api/board", "[::1]:8811", "", 200},
		{"GET", "/api/board", "192.168.1.7", "", 200},
		{"GET", "/api/board", "LOCALHOST.", "", 200},
		{"GET", "/api/board", "wall.example.org", "", 200},
		{"GET", "/api/board", "a.b.lan:80", "", 200},
		{"GET", "/api/board", "wall-1.office", "", 200},
		{"GET", "/api/board", "wall-1:80", "", 200},
		{"GET", "/api/board", "evil.example.org", "", 421},
		{"GET", "/api/board", "wall.example.org.evil.com", "", 421},
		{"GET", "/api/board", "127.0.0.1.evil.com", "", 421},
		{"GET", "/", "evil.com", "", 421},
		{"GET", "/events", "evil.com", "", 421},
		{"GET", "/static/x", "evil.com", "", 421},
		{"GET", "/healthz", "evil.com", "", 421},
		{"GET", "/nowhere", "evil.com", "", 421},
		{"GET", "/api/board", "localhost", "cross-site", 403},
		{"GET", "/api/watchers/set.is_true", "localhost", "cross-site", 403},
		{"GET", "/events", "localhost", "cross-site", 403},
		{"GET", "/poll/json", "localhost", "cross-site", 403},
		{"GET", "/api/board", "localhost", "same-origin", 200},
		{"GET", "/api/board", "localhost", "none", 200},
		{"GET", "/", "localhost", "cross-site", 200}, // a link to the board
	}
	for _, tt := range tests {
		req, err := http.NewRequest(tt.method, "http://"+addr+strings.TrimSuffix(tt.path, "*"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.path == "*" {
			req.URL.Opaque = tt.path
		}
		req.Host = tt.host
		if tt.site != "" {
			req.Header.Set("Sec-Fetch-Site", tt.site)
		}
		resp, err := w.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.want {
			t.Errorf("%s %s of host %q from %q: status %d, want %d", tt.method, tt.path, tt.host, tt.site, resp.StatusCode, tt.want)
		}
		if tt.want == 405 && resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s %s: Allow = %q, want %q", tt.method, tt.path, resp.Header.Get("Allow"), "GET, HEAD")
		}
		for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Resource-Policy"} {
			if resp.Header.Get(name) == "" {
				t.Errorf("%s %s of host %q: no %s, want one on every answer", tt.method, tt.path, tt.host, name)
			}
		}
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s %s: Access-Control-Allow-Origin = %q, want none", tt.method, tt.path, got)
		}
	}
}

func TestMisdirectedRequestNamesTheFlag(t *testing.T) {
	w, addr := tcpWall(t, Config{})
	req, _ := http.NewRequest("GET", "http://"+addr+"/", nil)
	req.Host = "Board.Example.org:80"
	resp, err := w.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	line, _ := bufio.NewReader(resp.Body).ReadString('\n')
	if want := "--allowed-host board.example.org"; !strings.Contains(line, want) {
		t.Errorf("answer to a foreign host = %q, want it to name %q", line, want)
	}
}

func TestPageFramingIsOffUnlessAsked(t *testing.T) {
	for _, tt := range []struct {
		ancestors []string
		want      string
	}{
		{nil, "frame-ancestors 'none'"},
		{[]string{"https://wall.example.org"}, "frame-ancestors https://wall.example.org"},
	} {
		got := securityHeaders(tt.ancestors)["Content-Security-Policy"]
		if !strings.HasSuffix(got, tt.want) {
			t.Errorf("policy for ancestors %q = %q, want it to end in %q", tt.ancestors, got, tt.want)
		}
		if strings.Contains(got, "unsafe") {
			t.Errorf("policy = %q, want nothing unsafe in it", got)
		}
	}
}

// A body that is announced and never sent must not hold a connection.
func TestBodyIsRefusedAndNotWaitedFor(t *testing.T) {
	_, addr := tcpWall(t, Config{})
	for _, method := range []string{"GET", "POST"} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte(method + " / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s with a body: %v, want an answer", method, err)
		}
		if resp.StatusCode != http.StatusRequestEntityTooLarge && resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s with a body: status %d, want 413 or 405", method, resp.StatusCode)
		}
		buf := make([]byte, 4096)
		for err == nil {
			_, err = conn.Read(buf)
		}
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Errorf("%s with a body: the connection is still open after 30 s, want it closed", method)
		}
	}
}

func TestStaticFiles(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret.txt")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(outside, "secret")
	write(filepath.Join(dir, "own.css"), ".own{}")
	write(filepath.Join(dir, ".hidden"), "secret")
	if err := os.Symlink(outside, filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	w, _ := tcpWall(t, Config{StaticDir: dir})
	for _, tt := range []struct {
		path string
		want int
	}{
		{"/static/own.css", 200},
		{"/static/.hidden", 404},
		{"/static/link.txt", 404},
		{"/static/folder", 404},
		{"/static/", 404},
		{"/static/../server.go", 404},
		{"/static/%2e%2e/server.go", 404},
		{"/static/..%2f..%2fserver.go", 404},
		{"/static/own.css%00", 404},
		{"/static/nothing.js", 404},
	} {
		if got, body := w.get(t, tt.path); got != tt.want {
			t.Errorf("GET %s = %d %.80q, want %d", tt.path, got, body, tt.want)
		}
	}
	resp, err := w.client.Get("http://localhost/static/own.css")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got, want := resp.Header.Get("Content-Type"), "text/css; charset=utf-8"; got != want {
		t.Errorf("Content-Type of own.css = %q, want %q", got, want)
	}
	req, _ := http.NewRequest("GET", "http://localhost/static/own.css", nil)
	req.Header.Set("If-None-Match", resp.Header.Get("ETag"))
	again, err := w.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	again.Body.Close()
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("GET own.css with its ETag: status %d, want 304", again.StatusCode)
	}
}

func TestEmbeddedStaticIsValidatedByETag(t *testing.T) {
	s := newStatic("", quiet())
	if len(s.assets) == 0 {
		t.Fatal("no embedded files, want the page's own")
	}
	w, _ := tcpWall(t, Config{})
	for name, a := range s.assets {
		req, _ := http.NewRequest("GET", "http://localhost/static/"+name, nil)
		req.Header.Set("If-None-Match", "W/"+a.etag)
		resp, err := w.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotModified {
			t.Errorf("GET %s with its ETag: status %d, want 304", name, resp.StatusCode)
		}
		if got := resp.Header.Get("Vary"); a.gzip != nil && got != "Accept-Encoding" {
			t.Errorf("GET %s with its ETag: Vary = %q, want Accept-Encoding, as on the file", name, got)
		}
		if strings.HasPrefix(contentType(name), "application/octet") {
			t.Errorf("contentType(%q) = %q, want a type that browsers show", name, contentType(name))
		}
	}
}

// The page's one style sheet is all there are but for the two that hold at times
// only, those of the operator's folder in their places.
func TestStyleSheetIsAllOfThem(t *testing.T) {
	dir := t.TempDir()
	w, _ := tcpWall(t, Config{StaticDir: dir})
	_, plain := w.get(t, "/static/css/board.css")
	parts, err := fs.Glob(embedded, "static/css/*.css")
	if err != nil || len(parts) < 4 {
		t.Fatalf("embedded style sheets = %q, %v, want several", parts, err)
	}
	_, page := w.get(t, "/")
	for _, name := range parts {
		if strings.Contains(page, name) {
			continue
		}
		text, err := embedded.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plain, string(text)) {
			t.Errorf("board.css lacks %s", name)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "css"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "css", "tokens.css"), []byte(":root { --own: 1; }"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, own := w.get(t, "/static/css/board.css")
	if !strings.HasPrefix(own, ":root { --own: 1; }\n") || !strings.Contains(own, ".tile") || strings.Contains(own, "--ok-bg: #0f1d18") {
		t.Errorf("board.css with an own tokens.css = %.200q, want that and the others", own)
	}
}

func TestCrawlersAreSentAway(t *testing.T) {
	w, _ := tcpWall(t, Config{})
	if code, body := w.get(t, "/robots.txt"); code != 200 || !strings.Contains(body, "\nDisallow: /\n") {
		t.Errorf("GET /robots.txt = %d %q, want 200 and everything disallowed", code, body)
	}
}

// A page of other files is another page, whatever the version says.
func TestPageIDFollowsThePagesFiles(t *testing.T) {
	s := newStatic("", quiet())
	ids := map[string]string{"as it is": s.pageID("v1"), "of another version": s.pageID("v2")}
	if again := newStatic("", quiet()).pageID("v1"); again != ids["as it is"] {
		t.Errorf("pageID of the same = %q and %q, want one", ids["as it is"], again)
	}
	a := s.assets["tile.js"]
	a.etag = `"another"`
	s.assets["tile.js"] = a
	ids["with another tile.js"] = s.pageID("v1")
	for what, id := range ids {
		if len(id) != 16 {
			t.Errorf("pageID %s = %q, want 16 hex digits", what, id)
		}
		for other, same := range ids {
			if what < other && id == same {
				t.Errorf("pageID %s and %s are both %q, want two", what, other, id)
			}
		}
	}
}

func TestDurationWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:      "a moment",
		0:                 "a moment",
		59 * time.Second:  "a moment",
		time.Minute:       "1 minute",
		5 * time.Minute:   "5 minutes",
		119 * time.Minute: "1 hour",
		2 * time.Hour:     "2 hours",
		47 * time.Hour:    "1 day",
		480 * time.Hour:   "20 days",
	} {
		if got := durationWords(d); got != want {
			t.Errorf("durationWords(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"":                      false,
		"gzip":                  true,
		"br, gzip;q=0.5":        true,
		"gzip;q=0":              false,
		"gzip; q=0.0, identity": false,
		"deflate":               false,
		"gzip;q=x":              false,
		"GZip;Q=0":              false,
		"GZIP":                  true,
	} {
		r := &http.Request{Header: http.Header{"Accept-Encoding": {header}}}
		if got := acceptsGzip(r); got != want {
			t.Errorf("acceptsGzip(%q) = %v, want %v", header, got, want)
		}
	}
}

func TestErrorsAreJSON(t *testing.T) {
	w, _ := tcpWall(t, Config{})
	code, body := w.get(t, "/api/watchers/no%2Fsuch%20one")
	if code != 404 {
		t.Errorf("GET an unknown watcher: status %d, want 404", code)
	}
	want := map[string]string{"error": `no watcher "no/such one"`}
	if diff := cmp.Diff(want, decode[map[string]string](t, body)); diff != "" {
		t.Errorf("GET an unknown watcher (-want +got):\n%s", diff)
	}
}

// Who has no patience left, as at a second signal, is not waited for.
func TestShutdownWithoutPatience(t *testing.T) {
	asked, goOn := make(chan struct{}), make(chan struct{})
	w, _ := tcpWall(t, Config{ShowSource: func(engine.Place) ([]SourceLine, bool) {
		close(asked)
		<-goOn
		return nil, false
	}}, moody(engine.Result{}))
	answered := make(chan error)
	go func() {
		resp, err := w.client.Get("http://localhost/api/watchers/set.a")
		if err == nil {
			resp.Body.Close()
		}
		answered <- err
	}()
	<-asked
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown() = %v, want nil", err)
	}
	select {
	case err := <-answered:
		if err == nil {
			t.Error("the request was answered, want its connection closed")
		}
	case <-time.After(time.Minute):
		t.Error("the connection is open, want it closed")
	}
	close(goOn)
}
