package probe

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNextCookies(t *testing.T) {
	had := map[string]string{"lang": "en", "old": "1"}
	for _, tt := range []struct {
		set  string // of lines
		want map[string]string
	}{
		{"", had},
		{"session=a=b; Path=/; HttpOnly\ntoken=x", map[string]string{"lang": "en", "old": "1", "session": "a=b", "token": "x"}},
		{"session=1\nsession=2", map[string]string{"lang": "en", "old": "1", "session": "2"}},
		{"old=; Max-Age=0", map[string]string{"lang": "en"}},
		{"old=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", map[string]string{"lang": "en"}},
		{"old=2; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", map[string]string{"lang": "en", "old": "2"}},
		{"old=\"two words\"", map[string]string{"lang": "en", "old": `"two words"`}},
		{"old=", map[string]string{"lang": "en", "old": ""}},
		{"nameless\n=x\n\x00=1", had},
	} {
		header := http.Header{}
		for line := range strings.Lines(tt.set) {
			header.Add("Set-Cookie", strings.TrimSuffix(line, "\n"))
		}
		if diff := cmp.Diff(tt.want, NextCookies(had, header)); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", tt.set, diff)
		}
	}
	if diff := cmp.Diff(map[string]string{"lang": "en", "old": "1"}, had); diff != "" {
		t.Errorf("what was had has changed:\n%s", diff)
	}
}

// A session that is over is taken away by the redirect to the login, which would
// redirect back who still has it.
func TestHTTPCookieTakenAwayByARedirect(t *testing.T) {
	s := newHTTPServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			io.WriteString(w, r.Header.Get("Cookie"))
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", MaxAge: -1, Path: "/"})
		w.Header().Add("Set-Cookie", `lang="de, at"; Path=/`) // the quotes are part of it (RFC 6265, 5.2)
		http.Redirect(w, r, "/login", http.StatusFound)
	}), nil)
	res, err := httpProbe(t, time.Minute, HTTPRequest{
		URL: s.URL, Redirects: 3, Cookies: map[string]string{"session": "over", "lang": "en", "id": "7"},
	})
	if err != nil || string(res.Body) != `lang="de, at"; id=7` {
		t.Errorf("the login was sent %q, %v, want lang=\"de, at\"; id=7", res.Body, err)
	}
}

// A login answers with a redirect most often, and it is the redirect that sets the
// cookie.
func TestHTTPCookiesOfRedirects(t *testing.T) {
	s := newHTTPServer(t, httpTells, nil)
	request := HTTPRequest{URL: s.URL + "/?to=302,/next", Cookies: map[string]string{"id": "7"}}
	for _, request.Redirects = range []int{0, 1} {
		res, err := httpProbe(t, time.Minute, request)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"id": "7", "way": "302"}, res.Cookies); diff != "" {
			t.Errorf("cookies after %d redirects (-want +got):\n%s", len(res.Hops), diff)
		}
	}
}
