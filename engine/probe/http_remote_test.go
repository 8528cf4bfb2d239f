package probe

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// httpByCurl makes a request from a place that forwards nothing, with the real
// curl, here. What it asks of that place the real ssh has tests of its own for.
func httpByCurl(req HTTPRequest) HTTPRequest {
	req.Vantage = "web-3"
	req.Dial = func(context.Context, string, string) (net.Conn, error) {
		return nil, &Error{Kind: Vantage, Message: "web-3 forwards nothing", Err: ErrForwardingDenied}
	}
	req.Exec = new(Runner).Exec
	return req
}

// A vantage that denies forwarding gives the same answers by curl.
func TestHTTPByCurl(t *testing.T) {
	httpRealTool(t, "curl")
	ca := newHTTPCA(t)
	s := newHTTPServer(t, httpPages(), nil)
	tells := newHTTPServer(t, httpTells, nil)
	h2 := newHTTPServer(t, httpPages(), httpTLS(t, ca, "127.0.0.1", nil))
	user := strings.Replace(tells.URL, "://", "://joe:pa%3Ass@", 1)
	nasty := "quote\" back\\ line\nend\r\ttab ä @file"
	tests := []HTTPRequest{
		{URL: s.URL + "/plain"},
		{URL: s.URL + "/plain", MaxBody: 100},
		{URL: s.URL + "/plain", MaxBody: -1},
		{URL: s.URL + "/plain", Method: "HEAD"},
		{URL: s.URL + "/slow"},
		{URL: s.URL + "/drip"},
		{URL: s.URL + "/hint"},
		{URL: s.URL + "/gzip"},
		{URL: s.URL + "/gzip", MaxBody: 100},
		{URL: s.URL + "/nowhere"},
		{URL: s.URL + "/redirect/2", Redirects: 3},
		{URL: s.URL + "/redirect/2"},
		{URL: h2.URL + "/plain", Insecure: true},
		{URL: h2.URL + "/redirect/1", Insecure: true, HTTP: "1.1", Redirects: 1},
		{URL: user + "/?to=302,/next", Redirects: 1, Cookies: map[string]string{"id": "7"}},
		{URL: tells.URL, Header: map[string][]string{"Authorization": {"Bearer x"}, "Host": {"other.test"}, "Accept": nil, "Content-Type": {nasty[:13]}}},
		{URL: tells.URL, Method: "POST", Body: []byte(nasty)},
		{URL: tells.URL, Method: "PUT", Body: []byte("@/etc/hostname")},
		{URL: tells.URL, Method: "POST"},
		{URL: tells.URL, Method: "DELETE"},
		{URL: "http://shop.test:" + httpPort(s.URL) + "/plain", Resolve: map[string]string{"shop.test": "127.0.0.1"}},
		{URL: "http://shop.test:" + httpPort(tells.URL) + "/?to=302,http://pay.test:" + httpPort(tells.URL) + "/next", Redirects: 1,
			Resolve: map[string]string{"shop.test": "127.0.0.1", "pay.test": "127.0.0.1"}},
		{URL: "http://shop.test:" + httpPort(s.URL) + "/plain",
			Resolve: map[string]string{"shop.test": "127.0.0.1:1", "shop.test:" + httpPort(s.URL): "127.0.0.1"}},
		{URL: "http://shop.test/plain", Resolve: map[string]string{"shop.test": s.Listener.Addr().String()}},
		{URL: "http://" + httpScripted(t, httpSays("HTTP/1.0 200 OK\r\n\r\nold", false))},
	}
	for _, req := range tests {
		want, err := httpProbe(t, time.Minute, req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := httpProbe(t, time.Minute, httpByCurl(req))
		if err != nil {
			t.Errorf("Do(%s %q) by curl: %v", req.Method, req.URL, err)
			continue
		}
		for _, res := range []*HTTPResult{want, got} {
			checkHTTPTiming(t, req.URL, &res.Timing)
			res.Timing, res.TLS = Timing{}, nil
			res.Header.Del("Date")
			if res.Proto == "1.0" {
				res.Header = nil // none on either side
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Do(%s %q) (-here +by curl):\n%s", req.Method, req.URL, diff)
		}
	}
}

// Where the second host is not to be reached but by curl, it makes the whole
// request, as it was at first; one that may not be made twice it does not.
func TestHTTPByCurlAfterRedirect(t *testing.T) {
	httpRealTool(t, "curl")
	here, there := newHTTPServer(t, httpTells, nil), newHTTPServer(t, httpTells, nil)
	for method, want := range map[string]string{
		"PUT":  "PUT /next host=" + there.Listener.Addr().String() + " auth= cookie=way=307 type=text/plain body=data",
		"POST": "web-3 forwards nothing",
	} {
		req := httpByCurl(HTTPRequest{
			Method: method, URL: here.URL + "/?to=307," + there.URL + "/next", Redirects: 1, Body: []byte("data"),
			Header: map[string][]string{"Authorization": {"Bearer x"}, "Content-Type": {"text/plain"}},
		})
		denied := req.Dial
		req.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == here.Listener.Addr().String() {
				return net.Dial(network, addr)
			}
			return denied(ctx, network, addr)
		}
		var sent string
		req.Exec = func(ctx context.Context, req ExecRequest) (*ExecResult, error) {
			sent = string(req.Stdin)
			return new(Runner).Exec(ctx, req)
		}
		res, err := httpProbe(t, time.Minute, req)
		if method == "POST" {
			if err == nil || err.Kind != Vantage || !strings.Contains(err.Message, want) || sent != "" {
				t.Errorf("%s redirected to where nothing is forwarded = %v, curl got %q, want kind vantage, and no curl", method, err, sent)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if string(res.Body) != want || !strings.Contains(sent, "Bearer x") {
			t.Errorf("%s redirected to where nothing is forwarded arrived as %q by %q, want %q", method, res.Body, sent, want)
		}
	}
}

func TestHTTPByCurlFails(t *testing.T) {
	httpRealTool(t, "curl")
	ca := newHTTPCA(t)
	s := newHTTPServer(t, httpPages(), nil)
	secure := newHTTPServer(t, httpPages(), httpTLS(t, ca, "127.0.0.1", nil))
	noCurl := httpByCurl(HTTPRequest{URL: s.URL})
	noCurl.Exec = func(ctx context.Context, req ExecRequest) (*ExecResult, error) {
		return &ExecResult{Code: 127, Stderr: []byte("sh: curl: not found\n")}, nil
	}
	slow := httpByCurl(HTTPRequest{URL: s.URL})
	slow.Exec = func(ctx context.Context, req ExecRequest) (*ExecResult, error) {
		<-ctx.Done()
		return nil, &Error{Kind: Vantage, Message: "web-3 does not answer"}
	}
	tests := []struct {
		req   HTTPRequest
		kind  Kind
		phase string
		text  string
	}{
		{httpByCurl(HTTPRequest{URL: "http://" + httpRefused(t)}), Refused, "connect", "curl: (7)"},
		{httpByCurl(HTTPRequest{URL: "http://nosuch.invalid"}), DNS, "dns", "curl: (6)"},
		{httpByCurl(HTTPRequest{URL: "http://" + httpScripted(t, httpResets)}), Reset, "wait", "curl: (56)"},
		{httpByCurl(HTTPRequest{URL: "http://" + httpScripted(t, httpHangs)}), Timeout, "wait", "curl: (28)"},
		{httpByCurl(HTTPRequest{URL: secure.URL}), TLS, "connect", "curl: (60)"},
		{httpByCurl(HTTPRequest{URL: s.URL + "/redirect/3", Redirects: 1}), Redirects, "receive", "curl: (47)"},
		{httpByCurl(HTTPRequest{URL: s.URL, CA: ca.roots}), Vantage, "connect", "web-3 forwards nothing, and curl cannot be used there: options ca, cert and key"},
		{httpByCurl(HTTPRequest{URL: s.URL, Method: "PUT", Body: []byte{0}}), Vantage, "connect", "NUL"},
		{noCurl, Vantage, "connect", "web-3 forwards nothing, and curl cannot be used there: there is none"},
		{slow, Vantage, "blocked", "web-3 does not answer"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.kind, " ", tt.text), func(t *testing.T) {
			t.Parallel()
			var got *Error
			if tt.phase == "blocked" {
				_, got = httpProbe(t, 2*time.Second, tt.req)
			} else { // of its time curl leaves half a second to tell of its own
				got = httpFails(t, 10*time.Second, tt.kind, tt.req, func(e *Error) bool { return strings.Contains(e.Message, tt.text) })
			}
			if got == nil || got.Kind != tt.kind || got.Phase != tt.phase || !strings.Contains(got.Message, tt.text) {
				t.Fatalf("Do(%q) by curl = %+v, want kind %q, phase %q, with %q", tt.req.URL, got, tt.kind, tt.phase, tt.text)
			}
			checkHTTPTiming(t, got.Message, got.Timing)
		})
	}
}

// The real thing: a server that runs commands and denies forwarding.
func TestHTTPByCurlOverSSH(t *testing.T) {
	httpRealTool(t, "curl")
	page := newHTTPServer(t, httpPages(), nil)
	d := startSSHD(t, "AllowTcpForwarding no")
	pool := sshTestPool(t, d.stanza("web-3"))
	res, err := httpProbe(t, time.Minute, HTTPRequest{
		URL: page.URL + "/redirect/1", Redirects: 1, Vantage: "web-3",
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return pool.Dial(ctx, "web-3", network, addr)
		},
		Exec: func(ctx context.Context, req ExecRequest) (*ExecResult, error) { return pool.Exec(ctx, "web-3", req) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.Status != 200 || string(res.Body) != "at last" || len(res.Hops) != 1 || res.Timing.Wait < 60*time.Millisecond {
		// The two hops wait for 80 ms, from before curl notes that all was sent.
		t.Errorf("Do from web-3 = %d %q after %v, waiting %v; want 200 %q after one hop, nearly 80ms", res.Status, res.Body, res.Hops, res.Timing.Wait, "at last")
	}
}
