package probe

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// httpMirror answers with the request as it came over the wire.
func httpMirror(conn net.Conn) {
	br := bufio.NewReader(conn)
	for {
		var raw bytes.Buffer
		req, err := http.ReadRequest(bufio.NewReader(io.TeeReader(br, &raw)))
		if err != nil {
			return
		}
		io.Copy(io.Discard, req.Body)
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", raw.Len(), raw.Bytes())
	}
}

// What goes over the wire, byte for byte.
func TestHTTPOnTheWire(t *testing.T) {
	addr := httpScripted(t, httpMirror)
	host := map[string]string{"shop.test:80": addr, "xn--bcher-kva.example:80": addr, "shop.test:8080": addr, "[fe80::1%eth0]:80": addr}
	const rest = "User-Agent: Pharos\r\nAccept: */*\r\n"
	tests := []struct {
		name string
		req  HTTPRequest
		want string
	}{
		{"plain", HTTPRequest{URL: "http://shop.test/a/b?c=d"}, "GET /a/b?c=d HTTP/1.1\r\nHost: shop.test\r\n" + rest},
		{"no scheme, no path, fragment", HTTPRequest{URL: "shop.test#here"}, "GET / HTTP/1.1\r\nHost: shop.test\r\n" + rest},
		{"query alone", HTTPRequest{URL: "http://shop.test?a=b"}, "GET /?a=b HTTP/1.1\r\nHost: shop.test\r\n" + rest},
		{"port", HTTPRequest{URL: "http://shop.test:8080/"}, "GET / HTTP/1.1\r\nHost: shop.test:8080\r\n" + rest},
		{"usual port", HTTPRequest{URL: "http://shop.test:80/"}, "GET / HTTP/1.1\r\nHost: shop.test\r\n" + rest},
		{"international", HTTPRequest{URL: "http://Bücher.example/straße?q=ö ä"}, "GET /stra%C3%9Fe?q=%C3%B6%20%C3%A4 HTTP/1.1\r\nHost: xn--bcher-kva.example\r\n" + rest},
		{"address with a zone", HTTPRequest{URL: "http://[fe80::1%25eth0]/"}, "GET / HTTP/1.1\r\nHost: [fe80::1]\r\n" + rest},
		{"escapes kept", HTTPRequest{URL: "http://shop.test/a%2Fb c"}, "GET /a%2Fb%20c HTTP/1.1\r\nHost: shop.test\r\n" + rest},
		{"user", HTTPRequest{URL: "http://joe:pa%3Ass@shop.test/"}, "GET / HTTP/1.1\r\nHost: shop.test\r\n" + rest + "Authorization: Basic am9lOnBhOnNz\r\n"},
		{"own authorization wins", HTTPRequest{URL: "http://joe@shop.test/", Header: http.Header{"authorization": {"Bearer x"}}},
			"GET / HTTP/1.1\r\nHost: shop.test\r\n" + rest + "Authorization: Bearer x\r\n"},
		{"headers", HTTPRequest{URL: "http://shop.test/", Header: http.Header{"Host": {"other.test"}, "Accept": nil, "User-Agent": {"me"}, "X-B": {"1", "2"}, "X-A": {"ä"}}},
			"GET / HTTP/1.1\r\nHost: other.test\r\nUser-Agent: me\r\nX-A: ä\r\nX-B: 1\r\nX-B: 2\r\n"},
		{"cookies", HTTPRequest{URL: "http://shop.test/", Cookies: map[string]string{"b": "2", "a": "1"}},
			"GET / HTTP/1.1\r\nHost: shop.test\r\n" + rest + "Cookie: a=1; b=2\r\n"},
		{"body", HTTPRequest{URL: "http://shop.test/", Method: "PUT", Body: []byte("abc")},
			"PUT / HTTP/1.1\r\nHost: shop.test\r\n" + rest + "Content-Length: 3\r\n"},
		{"empty body", HTTPRequest{URL: "http://shop.test/", Method: "POST"},
			"POST / HTTP/1.1\r\nHost: shop.test\r\n" + rest + "Content-Length: 0\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.Resolve = host
			res, err := httpProbe(t, time.Minute, tt.req)
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want + "\r\n" + string(tt.req.Body)
			if diff := cmp.Diff(want, string(res.Body)); diff != "" {
				t.Errorf("Do(%q) sent (-want +got):\n%s", tt.req.URL, diff)
			}
		})
	}
}

func TestHTTPBodies(t *testing.T) {
	zip := func(n int) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, strings.Repeat("z", n))
		z.Close()
		return b.String()
	}
	whole := func(head, body string) string {
		return "HTTP/1.1 200 OK\r\nContent-Length: " + fmt.Sprint(len(body)) + "\r\n" + head + "\r\n" + body
	}
	bomb := zip(5 << 20)
	tests := []struct {
		name      string
		answer    string
		req       HTTPRequest
		body      string
		size      int
		truncated bool
	}{
		{"whole", whole("", "hello"), HTTPRequest{}, "hello", 5, false},
		{"just", whole("", "hello"), HTTPRequest{MaxBody: 5}, "hello", 5, false},
		{"cut", whole("", "hello"), HTTPRequest{MaxBody: 4}, "hell", 5, true},
		{"none kept", whole("", "hello"), HTTPRequest{MaxBody: -1}, "", 5, true},
		{"none there", whole("", ""), HTTPRequest{MaxBody: -1}, "", 0, false},
		{"cut at 64 KiB", whole("", strings.Repeat("x", 100000)), HTTPRequest{}, strings.Repeat("x", 65536), 100000, true},
		{"head", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Encoding: gzip\r\n\r\n", HTTPRequest{Method: "HEAD"}, "", 0, false},
		{"not modified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n", HTTPRequest{}, "", 0, false},
		{"no length", "HTTP/1.1 200 OK\r\n\r\nuntil the end", HTTPRequest{}, "until the end", 13, false},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", HTTPRequest{}, "abcde", 5, false},
		{"chunks cut", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", HTTPRequest{MaxBody: 3}, "abc", 5, true},
		{"gzip", whole("Content-Encoding: gzip\r\n", zip(1000)), HTTPRequest{}, strings.Repeat("z", 1000), len(zip(1000)), false},
		{"gzip, none kept", whole("Content-Encoding: gzip\r\n", zip(1000)), HTTPRequest{MaxBody: -1}, "", len(zip(1000)), true},
		{"gzip, just", whole("Content-Encoding: GZIP\r\n", zip(1000)), HTTPRequest{MaxBody: 1000}, strings.Repeat("z", 1000), len(zip(1000)), false},
		{"gzip, cut", whole("Content-Encoding: x-gzip\r\n", zip(1000)), HTTPRequest{MaxBody: 10}, strings.Repeat("z", 10), len(zip(1000)), true},
		{"gzip, empty", whole("Content-Encoding: gzip\r\n", ""), HTTPRequest{}, "", 0, false},
		{"gzip bomb", whole("Content-Encoding: gzip\r\n", bomb), HTTPRequest{}, strings.Repeat("z", 65536), len(bomb), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.URL = "http://" + httpScripted(t, httpSays(tt.answer, false))
			res, err := httpProbe(t, time.Minute, tt.req)
			if err != nil {
				t.Fatal(err)
			}
			if string(res.Body) != tt.body || res.Size != int64(tt.size) || res.Truncated != tt.truncated {
				t.Errorf("Do = %d bytes %.20q, size %d, truncated %v; want %d bytes %.20q, size %d, truncated %v",
					len(res.Body), res.Body, res.Size, res.Truncated, len(tt.body), tt.body, tt.size, tt.truncated)
			}
		})
	}
}

func TestHTTPEndlessBody(t *testing.T) {
	s := newHTTPServer(t, httpPages(), nil)
	res, err := httpProbe(t, time.Minute, HTTPRequest{URL: s.URL + "/endless"})
	if err != nil {
		t.Fatal(err)
	}
	if !res.Truncated || res.Size < httpCountMax || res.Size > httpCountMax+httpDrainSize || len(res.Body) != httpKeepDefault {
		t.Errorf("Do(endless) = size %d, %d bytes kept, truncated %v; want size %d, %d kept, truncated", res.Size, len(res.Body), res.Truncated, httpCountMax, httpKeepDefault)
	}
}

// A server may answer in the middle of an upload, and stop reading.
func TestHTTPAnswerBeforeUploadEnds(t *testing.T) {
	read := make(chan struct{})
	defer close(read)
	url := "http://" + httpScripted(t, func(c net.Conn) {
		http.ReadRequest(bufio.NewReader(c))
		io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
		<-read // closing would reset, and could take the answer along
	})
	res, err := httpProbe(t, time.Minute, HTTPRequest{URL: url, Method: "POST", Body: make([]byte, 64<<20), KeepAlive: true})
	if err != nil {
		t.Fatal(err)
	}
	if res.Status != 413 || res.Timing.Wait != 0 {
		t.Errorf("Do(64 MiB) = %d after waiting %v, want 413 after 0", res.Status, res.Timing.Wait)
	}
	checkHTTPTiming(t, "early answer", &res.Timing)
}

func TestHTTPLongUpload(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 1<<20)
	ca := newHTTPCA(t)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, len(got), bytes.Equal(got, body))
	})
	for name, url := range map[string]string{
		"plain": newHTTPServer(t, handler, nil).URL,
		"h2":    newHTTPServer(t, handler, httpTLS(t, ca, "127.0.0.1", nil)).URL,
	} {
		res, err := httpProbe(t, time.Minute, HTTPRequest{URL: url, Method: "POST", Body: body, CA: ca.roots})
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprint(len(body), true); string(res.Body) != want {
			t.Errorf("Do(%s, 10 MiB) = %q, want %q", name, res.Body, want)
		}
		checkHTTPTiming(t, name, &res.Timing)
	}
}

func TestHTTPInfo(t *testing.T) {
	ca, other := newHTTPCA(t), newHTTPCA(t)
	clientCert, clientKey := ca.pem(t, "client")
	config := httpTLS(t, ca, "shop.test", nil)
	config.ClientAuth, config.MaxVersion = tls.RequestClientCert, tls.VersionTLS12
	s := newHTTPServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.ServerName, " ", len(r.TLS.PeerCertificates))
	}), config)
	base := HTTPRequest{URL: s.URL, HTTP: "1.1", ServerName: "shop.test"}
	with := func(edit func(*HTTPRequest)) HTTPRequest { r := base; edit(&r); return r }
	tests := []struct {
		name     string
		req      HTTPRequest
		body     string
		verified bool
		problem  string
	}{
		{"verified", with(func(r *HTTPRequest) { r.CA = ca.roots }), "shop.test 0", true, ""},
		{"insecure but good", with(func(r *HTTPRequest) { r.CA, r.Insecure = ca.roots, true }), "shop.test 0", true, ""},
		{"insecure, other authority", with(func(r *HTTPRequest) { r.CA, r.Insecure = other.roots, true }), "shop.test 0", false, "unknown authority"},
		{"insecure, other name", with(func(r *HTTPRequest) { r.CA, r.Insecure, r.ServerName = ca.roots, true, "x.test" }), "x.test 0", false, "valid for shop.test"},
		{"client certificate", with(func(r *HTTPRequest) { r.CA, r.Cert, r.Key = ca.roots, clientCert, clientKey }), "shop.test 1", true, ""},
		{"client certificate in one file", with(func(r *HTTPRequest) { r.CA, r.Cert = ca.roots, append(clientCert, clientKey...) }), "shop.test 1", true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, err := httpProbe(t, time.Minute, tt.req)
			if err != nil {
				t.Fatal(err)
			}
			got := *res.TLS
			if string(res.Body) != tt.body || got.Verified != tt.verified || !strings.Contains(got.VerifyError, tt.problem) || (got.VerifyError == "") != tt.verified {
				t.Errorf("Do = %q, verified %v, %q; want %q, %v, %q", res.Body, got.Verified, got.VerifyError, tt.body, tt.verified, tt.problem)
			}
			if got.Version != "1.2" || got.Subject != "shop.test" || got.Issuer != "Test CA" || got.DaysLeft < 29.9 || got.DaysLeft > 30.1 || !strings.HasPrefix(got.Cipher, "TLS_") {
				t.Errorf("TLS = %+v, want version 1.2, shop.test by Test CA, some 30 days left", got)
			}
		})
	}
}

func TestHTTPUnencryptedH2(t *testing.T) {
	s := httptest.NewUnstartedServer(httpPages())
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	defer s.Close()
	res, err := httpProbe(t, time.Minute, HTTPRequest{URL: s.URL + "/slow", HTTP: "2"})
	if err != nil {
		t.Fatal(err)
	}
	if res.Proto != "2" || string(res.Body) != "at last" {
		t.Errorf("Do(http 2) = %q over %s, want %q over 2", res.Body, res.Proto, "at last")
	}
}

// checkHTTPTiming holds a timing against what is promised of all of them.
func checkHTTPTiming(t *testing.T, name string, timing *Timing) {
	t.Helper()
	var sum time.Duration
	for _, p := range timing.Phases() {
		if p.Duration < 0 {
			t.Errorf("%s: phase %s took %v", name, p.Name, p.Duration)
		}
		sum += p.Duration
	}
	if sum != timing.Total {
		t.Errorf("%s: phases sum to %v, total is %v: %+v", name, sum, timing.Total, timing)
	}
	at := time.Duration(0)
	for _, mark := range []time.Duration{timing.NameLookup, timing.Connected, timing.AppConnect, timing.PreTransfer, timing.StartTransfer} {
		// With redirects each is a sum over hops, some of which had no such mark.
		if mark != 0 && mark < at && timing.Redirect == 0 {
			t.Errorf("%s: marks go backwards: %+v", name, timing)
		}
		at = max(at, mark)
	}
	if timing.StartTransfer > timing.Total || timing.Redirect > timing.Total {
		t.Errorf("%s: a mark lies behind the total: %+v", name, timing)
	}
}

// Whatever is asked, and whenever it ends, the phases are disjoint and sum to
// the total.
func TestHTTPPhasesSum(t *testing.T) {
	ca := newHTTPCA(t)
	plain, h2 := newHTTPServer(t, httpPages(), nil), newHTTPServer(t, httpPages(), httpTLS(t, ca, "127.0.0.1", nil))
	urls := []string{plain.URL, h2.URL, strings.Replace(plain.URL, "127.0.0.1", "localhost", 1), "http://" + httpRefused(t), "http://nosuch.invalid", "https://" + httpScripted(t, httpHangs), "http://" + httpScripted(t, httpResets)}
	paths := []string{"/plain", "/slow", "/drip", "/hint", "/gzip", "/redirect/2", "/nowhere"}
	var c HTTPClient
	defer c.Close()
	for range 300 {
		req := HTTPRequest{
			URL: urls[rand.IntN(len(urls))] + paths[rand.IntN(len(paths))], CA: ca.roots,
			Redirects: rand.IntN(4), KeepAlive: rand.IntN(2) == 0, HTTP: []string{"", "1.1"}[rand.IntN(2)],
			Body: make([]byte, rand.IntN(3)*40000), Method: []string{"", "HEAD", "POST"}[rand.IntN(3)],
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(60000))*time.Microsecond)
		began := time.Now()
		res, err := c.Do(ctx, &req)
		took := time.Since(began)
		cancel()
		var timing *Timing
		if err != nil {
			timing = err.(*Error).Timing
		} else {
			timing = &res.Timing
		}
		name := fmt.Sprintf("%+v: %v", req.URL, err)
		checkHTTPTiming(t, name, timing)
		if timing.Total > took {
			t.Errorf("%s: total is %v, took only %v by the clock", name, timing.Total, took)
		}
	}
}

// Each phase holds the delay that was put there. What a busy machine adds or, by
// noting a mark late, takes, it does not each time: what came nearest counts.
func TestHTTPPhases(t *testing.T) {
	const delay = 60 * time.Millisecond
	ca := newHTTPCA(t)
	config := httpTLS(t, ca, "127.0.0.1", nil)
	slow := config.Clone()
	slow.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		time.Sleep(delay)
		return config, nil
	}
	pages := newHTTPServer(t, httpPages(), slow)
	far := func(ctx context.Context, network, addr string) (net.Conn, error) {
		time.Sleep(delay)
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	drips := httpScripted(t, func(c net.Conn) {
		br := bufio.NewReader(c)
		http.ReadRequest(br)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
		time.Sleep(delay)
		io.WriteString(c, "b")
	})
	tests := []struct {
		req    HTTPRequest
		phases []string
	}{
		{HTTPRequest{URL: pages.URL + "/slow", CA: ca.roots, Dial: far}, []string{"connect", "tls", "wait"}},
		{HTTPRequest{URL: "http://" + drips}, []string{"receive"}},
	}
	for _, tt := range tests {
		nearest := map[string]time.Duration{}
		var wrong string
		for run, began := 0, time.Now(); run == 0 || wrong != "" && (run < 25 || time.Since(began) < time.Minute); run++ {
			res, err := httpProbe(t, time.Minute, tt.req)
			if err != nil {
				t.Fatal(err)
			}
			wrong = ""
			for _, p := range res.Timing.Phases() {
				want := time.Duration(0)
				if slices.Contains(tt.phases, p.Name) {
					want = delay
				}
				if before, ok := nearest[p.Name]; !ok || (p.Duration-want).Abs() < (before-want).Abs() {
					nearest[p.Name] = p.Duration
				}
				// A server may act on what is sent before the client knows it as sent.
				if got := nearest[p.Name]; got < want-5*time.Millisecond || got > want+30*time.Millisecond {
					wrong += fmt.Sprintf(" phase %s = %v, want %v;", p.Name, got, want)
				}
			}
		}
		if wrong != "" {
			t.Errorf("Do(%q):%s", tt.req.URL, wrong)
		}
	}
}

func TestHTTPPhaseDNS(t *testing.T) {
	const delay = 60 * time.Millisecond
	c := HTTPClient{resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		time.Sleep(delay)
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}}}
	_, err := c.Do(t.Context(), &HTTPRequest{URL: "http://shop.test/"})
	got := err.(*Error)
	if got.Phase != "dns" || got.Kind != DNS || got.Timing.DNS < delay || got.Timing.Connect != 0 {
		t.Errorf("Do with a slow resolver = %v, phase %q, %+v; want kind dns, all time in dns", got, got.Phase, got.Timing)
	}
}
