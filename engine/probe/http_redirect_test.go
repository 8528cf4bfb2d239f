package probe

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// httpTells answers with what of a request redirects may change, and redirects
// as its query says: ?to=302,/next
var httpTells = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if code, to, ok := strings.Cut(r.URL.Query().Get("to"), ","); ok {
		var status int
		fmt.Sscan(code, &status)
		w.Header().Set("Location", to)
		http.SetCookie(w, &http.Cookie{Name: "way", Value: code, Path: "/"})
		w.WriteHeader(status)
		return
	}
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s host=%s auth=%s cookie=%s type=%s body=%s", r.Method, r.URL.Path, r.Host,
		r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("Content-Type"), body)
})

func TestHTTPRedirectRules(t *testing.T) {
	here, there := newHTTPServer(t, httpTells, nil), newHTTPServer(t, httpTells, nil)
	secured := func(method string) HTTPRequest {
		return HTTPRequest{
			Method: method, Body: []byte("data"), Cookies: map[string]string{"id": "7"},
			Header: http.Header{"Authorization": {"Bearer x"}, "Content-Type": {"text/plain"}, "X-Kept": {"y"}},
		}
	}
	h, e := here.Listener.Addr().String(), there.Listener.Addr().String()
	const kept = "auth=Bearer x cookie=way=%d; id=7 type=text/plain body=data"
	same := func(line string, code int) string { return fmt.Sprintf(line+" "+kept, code) }
	asGet := func(code int) string {
		return fmt.Sprintf("GET /next host=%s auth=Bearer x cookie=way=%d; id=7 type= body=", h, code)
	}
	tests := []struct {
		method, to string
		want       string
	}{
		{"GET", "301,/next", same("GET /next host="+h, 301)},
		{"POST", "301,/next", asGet(301)},
		{"POST", "302,/next", asGet(302)},
		{"POST", "303,/next", asGet(303)},
		{"PUT", "303,/next", asGet(303)},
		{"PUT", "302,/next", same("PUT /next host="+h, 302)},
		{"POST", "307,/next", same("POST /next host="+h, 307)},
		{"POST", "308,/next", same("POST /next host="+h, 308)},
		{"GET", "302,next", same("GET /a/next host="+h, 302)},
		{"GET", "302,//" + e + "/next", "GET /next host=" + e + " auth= cookie=way=302 type=text/plain body=data"},
		{"GET", "302," + there.URL + "/next", "GET /next host=" + e + " auth= cookie=way=302 type=text/plain body=data"},
	}
	for _, tt := range tests {
		req := secured(tt.method)
		req.URL, req.Redirects = here.URL+"/a/b?to="+tt.to, 3
		res, err := httpProbe(t, time.Minute, req)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, string(res.Body)); diff != "" {
			t.Errorf("%s redirected by %s arrived as (-want +got):\n%s", tt.method, tt.to, diff)
		}
		if len(res.Hops) != 1 || res.Hops[0].URL != req.URL {
			t.Errorf("%s redirected by %s: hops %v, want that of %q", tt.method, tt.to, res.Hops, req.URL)
		}
	}
}

// The user of the URL goes along to where the URL's own origin redirects, as a
// browser's and curl's do, and nowhere else.
func TestHTTPRedirectKeepsUser(t *testing.T) {
	here, there := newHTTPServer(t, httpTells, nil), newHTTPServer(t, httpTells, nil)
	from := strings.Replace(here.URL, "://", "://joe:pass@", 1) + "/?to=302,"
	const joe, ann = "Basic am9lOnBhc3M=", "Basic YW5uOng="
	for to, want := range map[string]string{
		"/next":            joe,
		here.URL + "/next": joe,
		strings.Replace(here.URL, "://", "://ann:x@", 1) + "/next": ann,
		there.URL + "/next": "",
		strings.Replace(there.URL, "://", "://ann:x@", 1) + "/next": ann,
	} {
		res, err := httpProbe(t, time.Minute, HTTPRequest{URL: from + to, Redirects: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, got, _ := strings.Cut(string(res.Body), "auth="); !strings.HasPrefix(got, want+" cookie=") {
			t.Errorf("redirected to %q: %s, want auth=%s", to, res.Body, want)
		}
		if strings.Contains(res.URL, "pass") {
			t.Errorf("redirected to %q: URL = %q, want no password", to, res.URL)
		}
	}
}

// What is for a proxy is for no other origin either.
func TestHTTPRedirectAwayKeepsProxyPassword(t *testing.T) {
	there := httpScripted(t, httpMirror)
	here := newHTTPServer(t, http.RedirectHandler("http://"+there, http.StatusFound), nil)
	res, err := httpProbe(t, time.Minute, HTTPRequest{
		URL: here.URL, Redirects: 1, Header: http.Header{"Proxy-Authorization": {"Basic x"}, "X-Kept": {"y"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(res.Body); strings.Contains(got, "Proxy-Authorization") || !strings.Contains(got, "X-Kept: y") {
		t.Errorf("redirected away, arrived as %q, want no Proxy-Authorization", got)
	}
}

// A redirect is followed only as a redirect, and only where there is one.
func TestHTTPNoRedirect(t *testing.T) {
	s := newHTTPServer(t, httpTells, nil)
	for _, to := range []string{"304,/next", "300,/next", "201,/next", "302,"} {
		res, err := httpProbe(t, time.Minute, HTTPRequest{URL: s.URL + "/?to=" + to, Redirects: 3})
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Hops) != 0 || fmt.Sprint(res.Status) != to[:3] {
			t.Errorf("Do(to=%s) = %d after %v, want that status and no hops", to, res.Status, res.Hops)
		}
	}
}

// An override of the name to verify is not for other hosts.
func TestHTTPRedirectServerName(t *testing.T) {
	ca := newHTTPCA(t)
	there := newHTTPServer(t, httpPages(), httpTLS(t, ca, "there.test", nil))
	here := newHTTPServer(t, http.RedirectHandler("https://there.test:"+httpPort(there.URL)+"/plain", http.StatusFound), httpTLS(t, ca, "here.test", nil))
	res, err := httpProbe(t, time.Minute, HTTPRequest{
		URL: here.URL, ServerName: "here.test", CA: ca.roots, Redirects: 1, Resolve: map[string]string{"there.test": "127.0.0.1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.Status != 200 || res.TLS.Subject != "there.test" {
		t.Errorf("Do = %d from %q, want 200 from there.test", res.Status, res.TLS.Subject)
	}
}
