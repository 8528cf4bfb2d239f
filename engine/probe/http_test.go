package probe

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// httpEcho answers with what was asked, and redirects from /away to /here.
var httpEcho = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/away" {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		http.Redirect(w, r, "/here", http.StatusFound)
		return
	}
	fmt.Fprintf(w, "%s %s %s cookie=%s auth=%s", r.Method, r.URL.Path, r.Proto, r.Header.Get("Cookie"), r.Header.Get("Authorization"))
})

func TestHTTPDo(t *testing.T) {
	plain := httptest.NewServer(httpEcho)
	defer plain.Close()
	secure := httptest.NewUnstartedServer(httpEcho)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	tests := []struct {
		name string
		req  HTTPRequest
		want string
	}{
		{"plain", HTTPRequest{URL: plain.URL}, "200 GET / HTTP/1.1 cookie= auth="},
		{"user", HTTPRequest{URL: "http://u:p@" + plain.Listener.Addr().String()}, "200 GET / HTTP/1.1 cookie= auth=Basic dTpw"},
		{"redirect not followed", HTTPRequest{URL: plain.URL + "/away", MaxBody: -1}, "302 "},
		{"redirect", HTTPRequest{URL: plain.URL + "/away", Redirects: 1}, "200 GET /here HTTP/1.1 cookie=seen=1 auth="},
		{"h2", HTTPRequest{URL: secure.URL, Insecure: true}, "200 GET / HTTP/2.0 cookie= auth="},
		{"h1 over TLS", HTTPRequest{URL: secure.URL, Insecure: true, HTTP: "1.1"}, "200 GET / HTTP/1.1 cookie= auth="},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c HTTPClient
			res, err := c.Do(t.Context(), &tt.req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, fmt.Sprintf("%d %s", res.Status, res.Body)); diff != "" {
				t.Errorf("Do(%q): (-want +got)\n%s", tt.req.URL, diff)
			}
		})
	}
}
