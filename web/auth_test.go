package web

import (
	"bytes"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"pharos/engine"
)

const viewerToken = "a-token-of-a-wall-in-the-office"

func hashOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	// As htpasswd -B spells it.
	return strings.Replace(string(hash), "$2a$", "$2y$", 1)
}

// lines makes a file.
func lines(t *testing.T, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// cookieOf gives the header that a viewer of the token comes back with.
func cookieOf(token string) string {
	known := newToken([]byte(token))
	return known.cookieName + "=" + known.cookie
}

func newTestAuth(t *testing.T, cfg AuthConfig) *Auth {
	t.Helper()
	cfg.Logger = quiet()
	a, err := NewAuth(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAuthLetsInWhoIsKnown(t *testing.T) {
	file := lines(t, "# viewers", "", "ada:"+hashOf(t, "right"))
	w, _ := tcpWall(t, Config{Auth: newTestAuth(t, AuthConfig{PasswordFile: file, TokenFile: lines(t, "# walls", "another token, 16+", viewerToken)})})
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	basic := func(name, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(name, password) }
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, tt := range []struct {
		name, path string
		with       func(*http.Request)
		want       int
	}{
		{"nobody", "/", nil, 401},
		{"nobody, stream", "/events", nil, 401},
		{"nobody, API", "/api/board", nil, 401},
		{"nobody, static", "/static/main.js", nil, 401},
		{"nobody, metrics", "/metrics", nil, 401},
		{"nobody, badge", "/badge/x.svg", nil, 401},
		{"nobody, unknown route", "/nowhere", nil, 401},
		{"nobody, health", "/healthz", nil, 200},
		{"password", "/api/board", basic("ada", "right"), 200},
		{"password again", "/api/board", basic("ada", "right"), 200},
		{"wrong password", "/api/board", basic("ada", "wrong"), 401},
		{"no password", "/api/board", basic("ada", ""), 401},
		{"unknown user", "/api/board", basic("eve", "right"), 401},
		{"name and password moved", "/api/board", basic("ad", "a:right"), 401},
		{"bearer", "/api/board", header("Authorization", "Bearer "+viewerToken), 200},
		{"bearer in lower case", "/api/board", header("Authorization", "bearer "+viewerToken), 200},
		{"another scheme", "/api/board", header("Authorization", "Digest "+viewerToken), 401},
		{"wrong bearer", "/api/board", header("Authorization", "Bearer "+viewerToken[1:]), 401},
		{"empty bearer", "/api/board", header("Authorization", "Bearer "), 401},
		{"cookie of a guess", "/api/board", header("Cookie", newToken([]byte(viewerToken)).cookieName+"=00"), 401},
		{"cookie", "/api/board", header("Cookie", cookieOf(viewerToken)), 200},
		{"cookie under another's name", "/api/board", header("Cookie", newToken([]byte(viewerToken)).cookieName+"="+newToken([]byte("another token, 16+")).cookie), 401},
		{"cookie after one of a guess", "/api/board", header("Cookie", newToken([]byte(viewerToken)).cookieName+"=00; "+cookieOf(viewerToken)), 200},
		{"the token as cookie", "/api/board", header("Cookie", newToken([]byte(viewerToken)).cookieName+"="+viewerToken), 401},
		{"token for the API", "/api/board?token=" + viewerToken, nil, 200},
		{"token for a page", "/?kiosk=1&token=" + viewerToken, nil, 303},
		{"wrong token", "/?token=" + viewerToken[1:], nil, 401},
	} {
		req, err := http.NewRequest("GET", "http://localhost"+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.with != nil {
			tt.with(req)
		}
		resp, err := w.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.want {
			t.Errorf("%s: GET %s = %d, want %d", tt.name, tt.path, resp.StatusCode, tt.want)
		}
		if challenge := resp.Header.Get("WWW-Authenticate"); (resp.StatusCode == 401) != strings.HasPrefix(challenge, "Basic ") {
			t.Errorf("%s: status %d with WWW-Authenticate %q", tt.name, resp.StatusCode, challenge)
		}
	}
}

// A bookmark with a token leaves a cookie that the stream then comes with, and
// that is good at the server's next start too; the token leaves the address.
func TestTokenLeavesACookie(t *testing.T) {
	var cookie *http.Cookie
	for range 2 {
		w, _ := tcpWall(t, Config{Auth: newTestAuth(t, AuthConfig{TokenFile: lines(t, viewerToken)})})
		w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		if cookie == nil {
			resp, err := w.client.Get("http://localhost/?kiosk=1&token=" + viewerToken)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if got, want := resp.Header.Get("Location"), "./?kiosk=1"; got != want {
				t.Errorf("Location after a token = %q, want %q", got, want)
			}
			if len(resp.Cookies()) != 1 {
				t.Fatalf("cookies after a token = %v, want one", resp.Cookies())
			}
			cookie = resp.Cookies()[0]
			if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || strings.Contains(cookie.Value, viewerToken) {
				t.Errorf("cookie = %v, want one for this site's requests only that does not hold the token", cookie)
			}
		}
		req, _ := http.NewRequest("GET", "http://localhost/events", nil)
		req.AddCookie(cookie)
		resp, err := w.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("stream with the cookie: status %d, want 200", resp.StatusCode)
		}
	}
}

// Behind a proxy that speaks TLS the cookie is for TLS only, too. Who says so
// without one only keeps a cookie of his own from being sent.
func TestCookieBehindTLS(t *testing.T) {
	s := New(Config{Board: engine.New(engine.Config{}).Board(), Auth: newTestAuth(t, AuthConfig{TokenFile: lines(t, viewerToken)})})
	for proto, want := range map[string]bool{"": false, "http": false, "https": true} {
		r := httptest.NewRequest(http.MethodGet, "http://localhost/?token="+viewerToken, nil)
		r.Header.Set("X-Forwarded-Proto", proto)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if cookies := w.Result().Cookies(); len(cookies) != 1 || cookies[0].Secure != want {
			t.Errorf("asked for over %q: cookies = %v, want one, secure %t", proto, cookies, want)
		}
	}
}

// A browser sends its cookies to every port of a machine: two boards with tokens
// of their own do not shut each other's viewers out.
func TestBoardsOfOneMachineKeepTheirCookies(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	viewer := &http.Client{Jar: jar}
	defer viewer.CloseIdleConnections()
	var boards []string
	for _, token := range []string{viewerToken, "a-token-of-another-board"} {
		_, addr := tcpWall(t, Config{Auth: newTestAuth(t, AuthConfig{TokenFile: lines(t, token)})})
		boards = append(boards, "http://"+addr+"/")
		resp, err := viewer.Get("http://" + addr + "/?token=" + token)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	for i, board := range boards {
		resp, err := viewer.Get(board)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("board %d, after both were opened: status %d, want 200", i+1, resp.StatusCode)
		}
	}
}

// What could not be read, as while there are no descriptors left, is read when
// it can be: a revoked token would stay good for ever.
func TestUnreadableFileIsReadLater(t *testing.T) {
	file := lines(t, viewerToken)
	tokens, err := readTokens(file, quiet())
	if err != nil {
		t.Fatal(err)
	}
	knows := func(token string) bool {
		tokens.file.mu.Lock()
		tokens.file.looked = time.Time{} // a second has gone by
		tokens.file.mu.Unlock()
		_, ok := tokens.find(token)
		return ok
	}
	const next = "a-token-that-came-later-on"
	if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700)); err != nil { // can be looked at, but not read
		t.Fatal(err)
	}
	if !knows(viewerToken) {
		t.Error("while the file cannot be read its token is refused, want what was read to stay")
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	text := next + strings.Repeat("\n", max(0, int(info.Size())-len(next))) // as long as the folder, and as old
	if err := errors.Join(os.Remove(file), os.WriteFile(file, []byte(text), 0o600), os.Chtimes(file, time.Time{}, info.ModTime())); err != nil {
		t.Fatal(err)
	}
	if knows(viewerToken) || !knows(next) {
		t.Error("once the file can be read again the old token is taken or the new one refused")
	}
}

// A file that is gone lets in who was let in before, which whoever removed it may
// not have meant: the log says so, once for each time.
func TestFileThatIsGoneIsToldOf(t *testing.T) {
	file := lines(t, viewerToken)
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		tokens, err := readTokens(file, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		look := func(n int) {
			for range n {
				time.Sleep(lookAgain)
				tokens.current()
			}
		}
		told := func() int { return strings.Count(log.String(), "level=ERROR") }
		for round := 1; round <= 2; round++ {
			if err := os.Rename(file, file+".away"); err != nil {
				t.Fatal(err)
			}
			look(1) // it may be about to be replaced
			if got := told(); got != round-1 {
				t.Errorf("round %d: %d errors in the log of a file that is gone for a moment, want %d:\n%s", round, got, round-1, log.String())
			}
			look(3)
			if got := told(); got != round {
				t.Errorf("round %d: %d errors in the log of a file that is gone, want %d:\n%s", round, got, round, log.String())
			}
			if err := os.Rename(file+".away", file); err != nil {
				t.Fatal(err)
			}
			look(2)
		}
	})
}

// Who writes a file anew in place empties it first: that locks nobody out, and
// an empty file lets nobody in.
func TestFileThatIsBeingWritten(t *testing.T) {
	file := lines(t, viewerToken)
	synctest.Test(t, func(t *testing.T) {
		tokens, err := readTokens(file, quiet())
		if err != nil {
			t.Fatal(err)
		}
		knows := func() bool {
			time.Sleep(lookAgain)
			_, ok := tokens.find(viewerToken)
			return ok
		}
		write := func(text string, modified time.Time) {
			t.Helper()
			if err := errors.Join(os.WriteFile(file, []byte(text), 0o600), os.Chtimes(file, time.Time{}, modified)); err != nil {
				t.Fatal(err)
			}
		}
		write("", time.Now().Add(time.Millisecond))
		if !knows() {
			t.Error("the token of a file that was emptied just now is refused, want it taken until it is written")
		}
		if knows() {
			t.Error("the token of a file that stays empty is taken, want nobody let in")
		}
		write(viewerToken, time.Now())
		if !knows() {
			t.Error("the token of a file that was written again is refused")
		}
		for _, modified := range []time.Time{time.Now().Add(-time.Hour), time.Now().Add(time.Hour)} {
			write(viewerToken, time.Now())
			write("", modified)
			if knows() {
				t.Errorf("the token of a file that was emptied at %v is taken at %v, want it refused", modified, time.Now())
			}
		}
	})
}

func TestPasswordFileIsReadAgain(t *testing.T) {
	file := lines(t, "ada:"+hashOf(t, "old"))
	a := newTestAuth(t, AuthConfig{PasswordFile: file})
	ask := func(password string) bool {
		a.passwords.mu.Lock()
		a.passwords.looked = time.Time{} // a second has gone by
		a.passwords.mu.Unlock()
		r, _ := http.NewRequest("GET", "/", nil)
		_, err := a.passwordIs(r, "ada", password)
		return err == nil
	}
	for range 2 { // hashed, and then remembered
		if !ask("old") {
			t.Fatal("the first password is refused, want it taken")
		}
	}
	write := func(text string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	write("ada:nonsense", time.Hour)
	if !ask("old") {
		t.Error("after a broken password file the old password is refused, want the old to stay")
	}
	write("ada:"+hashOf(t, "new")+"\n", time.Minute)
	if ask("old") || !ask("new") {
		t.Error("after a change the old password is taken or the new one refused")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if !ask("new") {
		t.Error("while the file is gone its password is refused, want what was read to stay")
	}
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if !ask("new") { // nobody writes into it: reading it would not return
		t.Error("while a pipe is in the file's place its password is refused, want what was read to stay")
	}
}

func TestAuthThatCannotBe(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  AuthConfig
		want string
	}{
		{"nothing", AuthConfig{}, "neither a password file nor a token"},
		{"no token", AuthConfig{TokenFile: lines(t, "# nothing")}, "holds no token"},
		{"a short token", AuthConfig{TokenFile: lines(t, "short")}, "want at least 16"},
		{"no file", AuthConfig{PasswordFile: "no/such/file"}, "no such file"},
		{"another hash", AuthConfig{PasswordFile: lines(t, "", "ada:$apr1$x$y")}, `line 2: the hash of "ada" is not bcrypt's`},
		{"more than a hash", AuthConfig{PasswordFile: lines(t, "ada:"+hashOf(t, "right")+":Ada Lovelace")}, `line 1: the hash of "ada" is not bcrypt's`},
		{"no hash", AuthConfig{PasswordFile: lines(t, "ada")}, "line 1: want name:hash"},
		{"no user", AuthConfig{PasswordFile: lines(t, "# nothing")}, "holds no user"},
		{"a user twice", AuthConfig{PasswordFile: lines(t, "ada:"+hashOf(t, "old"), "ada:"+hashOf(t, "new"))}, `line 2: "ada" has a line already`},
		{"a hash that takes days", AuthConfig{PasswordFile: lines(t, "ada:$2y$31$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy")}, "line 1: checking a hash of cost 31 would hold up everybody: want at most 15"},
	} {
		_, err := NewAuth(tt.cfg)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("NewAuth(%s) = %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}

// Files come with any line end, and with a mark at their beginning.
func TestFilesOfOtherEditors(t *testing.T) {
	const mark = "\uFEFF"
	a := newTestAuth(t, AuthConfig{
		PasswordFile: lines(t, mark+"wall:"+hashOf(t, "secret")+"\r", ""),
		TokenFile:    lines(t, mark+viewerToken+"\r", ""),
	})
	r, _ := http.NewRequest("GET", "/", nil)
	if _, err := a.passwordIs(r, "wall", "secret"); err != nil {
		t.Error("a hash in a file of a mark and CRLF is refused, want it taken")
	}
	if _, ok := a.tokens.find(viewerToken); !ok {
		t.Error("a token in a file of a mark and CRLF is refused, want it taken")
	}
}

// Who is no longer let in sees no more, though his stream was open before.
func TestRevokedViewersAreCut(t *testing.T) {
	const otherToken = "a-token-of-a-wall-at-home"
	passwords := lines(t, "ada:"+hashOf(t, "right"), "bob:"+hashOf(t, "right"))
	tokens := lines(t, viewerToken, otherToken)
	w, addr := tcpWall(t, Config{Auth: newTestAuth(t, AuthConfig{PasswordFile: passwords, TokenFile: tokens})})
	watch := func(name, value string) *eventReader {
		req, err := http.NewRequest("GET", "http://"+addr+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(name, value)
		resp, err := w.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		r := newEventReader(resp.Body)
		r.until(t, named("board"))
		return r
	}
	basic := func(name string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":right"))
	}
	stay := []*eventReader{
		watch("Authorization", basic("ada")),
		watch("Authorization", "Bearer "+viewerToken),
		watch("Cookie", cookieOf(viewerToken)),
	}
	leave := []*eventReader{
		watch("Authorization", basic("bob")),
		watch("Authorization", "Bearer "+otherToken),
		watch("Cookie", cookieOf(otherToken)),
	}
	kept, err := os.ReadFile(passwords)
	if err != nil {
		t.Fatal(err)
	}
	kept, _, _ = bytes.Cut(kept, []byte("\n"))
	for file, text := range map[string][]byte{passwords: kept, tokens: []byte(viewerToken + "\n")} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	for i, r := range leave {
		for beats := 0; ; { // seconds of the server, however slow the machine
			ev, err := r.next()
			if err != nil {
				break
			}
			if ev.name == "beat" {
				beats++
			}
			if beats > 10 {
				t.Fatalf("revoked viewer %d still sees the board after %d beats, want it cut within seconds", i, beats)
			}
		}
	}
	t.Logf("revoked viewers were cut after %v", time.Since(began))
	for _, r := range stay {
		r.until(t, named("beat"))
		r.until(t, named("beat"))
	}
	if got, want := w.Viewers(), len(stay); got != want {
		t.Errorf("Viewers() = %d after others were revoked, want %d", got, want)
	}
}

// Who guesses is told of in the log, with the address and nothing of the guess, at
// most once a minute.
func TestGuessesAreLogged(t *testing.T) {
	var log bytes.Buffer
	tokens := lines(t, viewerToken)
	synctest.Test(t, func(t *testing.T) {
		auth, err := NewAuth(AuthConfig{TokenFile: tokens, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		handler := New(Config{Board: engine.New(engine.Config{Logger: quiet()}).Board(), Auth: auth, Logger: quiet()}).Handler()
		ask := func(target, authorization string) {
			r := httptest.NewRequest("GET", target, nil)
			r.RemoteAddr = "192.0.2.7:1234"
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			handler.ServeHTTP(httptest.NewRecorder(), r)
		}
		ask("http://localhost/", "") // has brought nothing, as every browser at first
		ask("http://localhost/?token="+viewerToken, "")
		if log.Len() > 0 {
			t.Errorf("log without a guess = %q, want nothing", log.String())
		}
		ask("http://localhost/api/board", "Bearer wrong-secret")
		ask("http://localhost/api/board?token=wrong-secret", "")
		ask("http://localhost/api/board", "Basic d3Jvbmc6c2VjcmV0")
		time.Sleep(time.Minute)
		ask("http://localhost/api/board", "Bearer wrong-secret")
	})
	got := regexp.MustCompile(`time=\S+ `).ReplaceAllString(log.String(), "")
	want := `level=WARN msg="a wrong password or token was tried" address=192.0.2.7 times=1
level=WARN msg="a wrong password or token was tried" address=192.0.2.7 times=3
`
	if got != want {
		t.Errorf("log of guesses = %q, want %q", got, want)
	}
}
