package luaapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pharos/engine"
	"pharos/engine/probe"
)

// echoServer answers with what it was asked.
func echoServer(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Add("X-Twice", "1")
		w.Header().Add("X-Twice", "2")
		fmt.Fprintf(w, "%s %s auth=%q type=%q body=%q cookie=%q test=%q", r.Method, r.URL, r.Header.Get("Authorization"),
			r.Header.Get("Content-Type"), body, r.Header.Get("Cookie"), r.Header["X-Test"])
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo", http.StatusFound) })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(5 * time.Second):
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestHTTPOptions(t *testing.T) {
	server := echoServer(t)
	for _, test := range []struct{ call, want string }{
		{`get(url)`, `GET /echo auth="" type="" body="" cookie="" test=[]`},
		{`post(url, { body = "x" })`, `POST /echo auth="" type="" body="x" cookie="" test=[]`},
		{`put(url, { json = { a = { 1, 2 } } })`, `PUT /echo auth="" type="application/json" body="{\"a\":[1,2]}" cookie="" test=[]`},
		{`patch(url, { form = { q = "a b&c" } })`, `PATCH /echo auth="" type="application/x-www-form-urlencoded" body="q=a+b%26c" cookie="" test=[]`},
		{`delete(url, { headers = { ["x-test"] = { "1", "2" } } })`, `DELETE /echo auth="" type="" body="" cookie="" test=["1" "2"]`},
		{`request(url, { method = "options", basic = "u:p" })`, `OPTIONS /echo auth="Basic dTpw" type="" body="" cookie="" test=[]`},
		{`get(url, { basic = { "u", "p" } })`, `GET /echo auth="Basic dTpw" type="" body="" cookie="" test=[]`},
		{`get(url, { bearer = "t0ken", cookies = { a = "b" } })`, `GET /echo auth="Bearer t0ken" type="" body="" cookie="a=b" test=[]`},
		{`post(url, { json = {}, headers = { ["content-type"] = "x/y" } })`, `POST /echo auth="" type="x/y" body="{}" cookie="" test=[]`},
	} {
		b := newTestBoard(t)
		got := b.check(`local url = "` + server.URL + `/echo" local page = assert(pharos.http.` + test.call + `) return "ok", page.body`)
		if got.Value != test.want {
			t.Errorf("http.%s = %s %s, want %s", test.call, got.Value, got.Detail, test.want)
		}
	}
}

func TestHTTPAnswer(t *testing.T) {
	server := echoServer(t)
	for _, test := range []struct{ expression, want string }{
		{`page.status`, "200"},
		{`page.headers["X-TWICE"]`, "1, 2"},
		{`page.headers.nothing`, ""},
		{`page.timing.total == page.timing.time_total and page.timing.total > 0`, "true"},
		{`page.timing.first_byte == page.timing.time_starttransfer`, "true"},
		{`pharos.json.encode(page.timing):find("time_connect", 1, true) ~= nil`, "true"},
		{`page.url`, server.URL + "/echo"},
		{`#page.hops .. page.hops[1].status`, "1302"},
		{`page.http .. " " .. page.remote_ip`, "1.1 127.0.0.1"},
		{`page.size == #page.body and not page.truncated`, "true"},
		{`page.tls`, ""},
	} {
		b := newTestBoard(t)
		got := b.check(`local page = assert(pharos.http.get("` + server.URL + `/redirect", { redirects = 3 })) return "ok", ` + test.expression)
		if got.Status != engine.OK || got.Value != test.want {
			t.Errorf("%s = %q %s, want %q", test.expression, got.Value, got.Detail, test.want)
		}
	}
}

func TestHTTPFailures(t *testing.T) {
	server := echoServer(t)
	for _, test := range []struct{ call, value, detail string }{
		{`get("` + server.URL + `/slow", { timeout = "100ms" })`, "timeout", ""},
		{`get("http://127.0.0.1:1/")`, "refused", ""},
		{`get("http://name.invalid/", { timeout = 2 })`, "dns", ""},
		{`get("ftp://x/")`, "script error", "pharos.lua:1: "},
		{`get(5)`, "script error", "cannot call pharos.http.get: want a URL, got number"},
		{`get("http://x/", { redirect = 1 })`, "script error", `cannot use option "redirect" of pharos.http.get (did you mean "redirects"?`},
		{`get("http://x/", { timeout = "1" })`, "script error", `cannot use option "timeout" of pharos.http.get: "1" has no unit`},
		{`get("http://x/", { redirects = -1 })`, "script error", "want a whole number from 0 to 50, got -1"},
		{`get("http://x/", { method = "POST" })`, "script error", "use pharos.http.request"},
		{`post("http://x/", { body = "a", json = {} })`, "script error", "want one of body, form and json, got 2"},
		{`get("http://x/", { headers = { [1] = "a" } })`, "script error", "want names with text, got number"},
		{`get("http://x/", { headers = { accept = "a/b", Accept = "c/d" } })`, "script error", `"accept" and "Accept" are one header: want it once, with a list for several values`},
		{`get("http://x/", 5)`, "script error", "want a table of options as argument 2, got number"},
	} {
		b := newTestBoard(t)
		got := b.check(`return pharos.http.` + test.call)
		if got.Value != test.value || !strings.Contains(got.Detail, test.detail) {
			t.Errorf("http.%s = %q %q, want %q %q", test.call, got.Value, got.Detail, test.value, test.detail)
		}
	}
}

// Certificates are given as text or as the path of a file, relative to the
// script's folder.
func TestCertificateFiles(t *testing.T) {
	b := newTestBoard(t)
	const pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
	b.write("ca.pem", pem)
	var got string
	f := fakes{
		http: func(_ context.Context, _ string, req *probe.HTTPRequest) (*probe.HTTPResult, error) {
			got = string(req.CA)
			return answer(200, probe.Timing{}, ""), nil
		},
		dial: func(_ context.Context, _ string, req probe.TCPRequest) (conversation, error) {
			got = string(req.CA)
			return stubConversation{}, nil
		},
	}
	b.primitives = f
	for _, call := range []string{
		`pharos.http.get("https://x/", { ca = "ca.pem" })`,
		`pharos.http.get("https://x/", { ca = pharos.file.read("ca.pem") })`,
		`pharos.tcp("x:1", { tls = true, ca = "ca.pem" })`,
		`pharos.tcp.connect("x:1", { tls = true, ca = "ca.pem" })`,
	} {
		got = ""
		if result := b.check(call + " return 'ok'"); got != pem || result.Status != engine.OK {
			t.Errorf("%s: CA %q, %v %s, want that of the file", call, got, result.Status, result.Detail)
		}
	}
	for option, want := range map[string]string{
		`ca = "none.pem"`:             `cannot use option "ca": reading "` + filepath.Join(b.dir, "none.pem") + `": no such file or directory`,
		`key = "a\nb"`:                `cannot use option "key" of pharos.http.get: want text in PEM form, -----BEGIN ..., or the path of a file with it`,
		`cert = ""`:                   `cannot use option "cert" of pharos.http.get: want text in PEM form`,
		`basic = "a:b", bearer = "c"`: `cannot call pharos.http.get: want one of basic, bearer and the header Authorization, got 2`,
		`basic = "a:b", headers = { authorization = "c" }`: `want one of basic, bearer and the header Authorization, got 2`,
	} {
		if got := b.check(`pharos.http.get("https://x/", { ` + option + ` }) return "ok"`); got.Status != engine.Unknown || !strings.Contains(got.Detail, want) {
			t.Errorf("%s: %v %q, want unknown, %s", option, got.Status, got.Detail, want)
		}
	}
}

// Names to resolve are those of the URL, however they are written.
func TestResolveUnicode(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) }))
	defer srv.Close()
	address := srv.Listener.Addr().String()
	_, port, _ := strings.Cut(address, ":")
	for _, name := range []string{"bücher.example", "BÜCHER.example:" + port, "xn--bcher-kva.example"} {
		b := newTestBoard(t)
		got := b.check(`return "ok", assert(pharos.http.get("http://bücher.example:` + port + `/", { resolve = { ["` + name + `"] = "` + address + `" } })).body`)
		if got.Value != "xn--bcher-kva.example:"+port {
			t.Errorf("resolve %q: %v %q %s, want the server's answer", name, got.Status, got.Value, got.Detail)
		}
	}
}
