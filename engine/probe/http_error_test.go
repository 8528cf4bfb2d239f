package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// httpProbe makes one request with a client of its own.
func httpProbe(t testing.TB, timeout time.Duration, req HTTPRequest) (*HTTPResult, *Error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	var c HTTPClient
	defer c.Close()
	res, err := c.Do(ctx, &req)
	if err == nil {
		return res, nil
	}
	var failed *Error
	if !errors.As(err, &failed) {
		t.Fatalf("Do(%q) failed with a %T, want *Error: %v", req.URL, err, err)
	}
	return res, failed
}

// httpFails makes a request that fails, within a minute or, if it is to fail by its
// timeout, with that. A busy machine may need longer until the request is where it
// has to time out, as the words of came tell, and gets longer.
func httpFails(t testing.TB, timeout time.Duration, kind Kind, req HTTPRequest, came func(*Error) bool) *Error {
	t.Helper()
	if kind != Timeout {
		timeout = time.Minute
	}
	for {
		_, got := httpProbe(t, timeout, req)
		if got == nil || got.Kind != Timeout || came(got) || timeout > 20*time.Second {
			if kind == Timeout && got != nil && got.Timing.Total > timeout+time.Minute {
				t.Errorf("Do(%q) took %v, want its deadline of %v", req.URL, got.Timing.Total, timeout)
			}
			return got
		}
		timeout *= 2
	}
}

func TestHTTPErrors(t *testing.T) {
	ca, other := newHTTPCA(t), newHTTPCA(t)
	secure := func(authority *httpCA, host string, edit func(*x509.Certificate)) string {
		return newHTTPServer(t, httpPages(), httpTLS(t, authority, host, edit)).URL
	}
	plain := newHTTPServer(t, httpPages(), nil).URL
	exact := secure(ca, "127.0.0.1", nil)
	wantsCert := httpTLS(t, ca, "127.0.0.1", nil)
	wantsCert.ClientAuth, wantsCert.NextProtos = tls.RequireAnyClientCert, []string{"http/1.1"}
	old := httpTLS(t, ca, "127.0.0.1", nil)
	old.MinVersion, old.MaxVersion = tls.VersionTLS11, tls.VersionTLS11
	says := func(text string) string { return "http://" + httpScripted(t, httpSays(text, false)) }
	refused := httpRefused(t)

	tests := []struct {
		name  string
		req   HTTPRequest
		kind  Kind
		phase string
		text  string // found in the message
	}{
		{"no such host", HTTPRequest{URL: "http://nosuch.invalid/"}, DNS, "dns", `resolving "nosuch.invalid": no such host`},
		{"refused", HTTPRequest{URL: "http://" + refused}, Refused, "connect", "connecting to " + refused + ": connection refused"},
		{"refused by name", HTTPRequest{URL: "http://localhost:" + httpPort(refused)}, Refused, "connect", "connection refused"},
		{"no socket", HTTPRequest{URL: "http://x/", Unix: filepath.Join(t.TempDir(), "none")}, Refused, "connect", "no such file"},
		{"reset", HTTPRequest{URL: "http://" + httpScripted(t, httpResets)}, Reset, "wait", "the connection broke waiting for the answer"},
		{"empty", HTTPRequest{URL: says("")}, Reset, "wait", "the connection broke waiting for the answer"},
		{"cut head", HTTPRequest{URL: says("HTTP/1.1 200 OK\r\nA: b")}, Reset, "wait", "the connection broke"},
		{"cut body", HTTPRequest{URL: says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")}, Reset, "receive", "receiving the body, after 3 bytes"},
		{"cut chunks", HTTPRequest{URL: says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")}, Reset, "receive", "after 2 bytes"},
		{"no HTTP", HTTPRequest{URL: says("SSH-2.0-OpenSSH_9.2\r\n")}, Proto, "wait", `malformed HTTP`},
		{"bad chunk", HTTPRequest{URL: says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")}, Proto, "receive", "chunk"},
		{"bad gzip", HTTPRequest{URL: says("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nplain text")}, Proto, "receive", "decoding the gzip body"},
		{"endless head", HTTPRequest{URL: "http://" + httpScripted(t, httpEndlessHead)}, TooBig, "wait", "headers over 64 KiB"},
		{"endless hints", HTTPRequest{URL: "http://" + httpScripted(t, func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"); err != nil {
					return
				}
			}
		})}, TooBig, "wait", "headers over 64 KiB"},
		{"no answer", HTTPRequest{URL: "http://" + httpScripted(t, httpHangs)}, Timeout, "wait", "timed out after "},
		{"silent TLS", HTTPRequest{URL: "https://" + httpScripted(t, httpHangs)}, Timeout, "tls", "in the TLS handshake"},
		{"endless drip", HTTPRequest{URL: "http://" + httpScripted(t, func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			for {
				if _, err := c.Write([]byte{'.'}); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		})}, Timeout, "receive", "receiving the body"},
		{"upload not read", HTTPRequest{
			URL: "http://" + httpScripted(t, func(c net.Conn) { <-t.Context().Done() }), Method: "PUT", Body: make([]byte, 32<<20),
		}, Timeout, "send", "sending the request"},
		{"no TLS", HTTPRequest{URL: strings.Replace(plain, "http:", "https:", 1)}, TLS, "tls", "does not speak TLS"},
		{"unknown authority", HTTPRequest{URL: secure(other, "127.0.0.1", nil), CA: ca.roots}, TLS, "tls", "signed by unknown authority"},
		{"other name", HTTPRequest{URL: secure(ca, "elsewhere.test", nil), CA: ca.roots}, TLS, "tls", "certificate"},
		{"other of many names", HTTPRequest{URL: secure(ca, "a.test", func(c *x509.Certificate) {
			for i := range 90 {
				c.DNSNames = append(c.DNSNames, fmt.Sprintf("host-number-%d.example.org", i))
			}
		}), CA: ca.roots, ServerName: "www.test"}, TLS, "tls",
			"certificate is valid for a.test, host-number-0.example.org, host-number-1.example.org and 88 more, not www.test"},
		{"expired", HTTPRequest{URL: secure(ca, "127.0.0.1", func(c *x509.Certificate) {
			c.NotAfter = time.Now().Add(-75 * time.Hour)
		}), CA: ca.roots}, TLS, "tls", "tls: certificate expired 3 days ago"},
		{"not yet valid", HTTPRequest{URL: secure(ca, "127.0.0.1", func(c *x509.Certificate) {
			c.NotBefore = time.Now().Add(time.Hour)
		}), CA: ca.roots}, TLS, "tls", "certificate not valid before"},
		{"client certificate wanted", HTTPRequest{URL: newHTTPServer(t, httpPages(), wantsCert).URL, CA: ca.roots}, TLS, "wait", "certificate required"},
		{"old TLS", HTTPRequest{URL: newHTTPServer(t, httpPages(), old).URL, CA: ca.roots}, TLS, "tls", "protocol version"},
		{"no h2", HTTPRequest{URL: newHTTPServer(t, httpPages(), func() *tls.Config {
			c := httpTLS(t, ca, "127.0.0.1", nil)
			c.NextProtos = []string{"http/1.1"}
			return c
		}()).URL, CA: ca.roots, HTTP: "2"}, TLS, "tls", "application protocol"},
		{"redirects", HTTPRequest{URL: plain + "/redirect/3", Redirects: 2}, Redirects, "receive", "more redirects than allowed (2)"},
		{"redirect to a file", HTTPRequest{
			URL: says("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"), Redirects: 2,
		}, Proto, "receive", `want http or https`},
		{"over h2", HTTPRequest{URL: exact + "/hang", CA: ca.roots}, Timeout, "wait", "waiting for the answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := httpFails(t, 1500*time.Millisecond, tt.kind, tt.req, func(e *Error) bool { return e.Phase == tt.phase })
			if got == nil {
				t.Fatalf("Do(%q) succeeded, want kind %q", tt.req.URL, tt.kind)
			}
			if got.Kind != tt.kind || got.Phase != tt.phase || !strings.Contains(got.Message, tt.text) {
				t.Errorf("Do(%q) = kind %q, phase %q, message %q; want %q, %q, with %q",
					tt.req.URL, got.Kind, got.Phase, got.Message, tt.kind, tt.phase, tt.text)
			}
			if got.Timing == nil || got.Timing.Total <= 0 {
				t.Errorf("Do(%q) failed with timing %+v, want a partial one", tt.req.URL, got.Timing)
			}
		})
	}
}

// Over HTTP/2 the hook that tells that a request is written also tells that it was
// given up.
func TestHTTPUploadNotReadOverH2(t *testing.T) {
	ca := newHTTPCA(t)
	hangs := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	req := HTTPRequest{
		URL: newHTTPServer(t, hangs, httpTLS(t, ca, "127.0.0.1", nil)).URL, CA: ca.roots,
		Method: "PUT", Body: make([]byte, 32<<20),
	}
	for range 10 {
		got := httpFails(t, 100*time.Millisecond, Timeout, req, func(e *Error) bool { return e.Timing.TLS > 0 && e.Phase != "tls" })
		if got == nil || got.Kind != Timeout || got.Phase != "send" || got.Timing.Wait != 0 {
			t.Fatalf("Do = %v, want a timeout in phase send, without a wait", got)
		}
	}
}

func TestHTTPMisuse(t *testing.T) {
	inject := "a\r\nX-Evil: 1"
	tests := []struct {
		name string
		req  HTTPRequest
		text string
	}{
		{"empty", HTTPRequest{}, "it names no host"},
		{"no host", HTTPRequest{URL: "/path"}, "it names no host"},
		{"scheme", HTTPRequest{URL: "ftp://host/"}, `its scheme is "ftp", want http or https`},
		{"port", HTTPRequest{URL: "http://host:port/"}, "its port is not a number"},
		{"port too large", HTTPRequest{URL: "http://host:65536/"}, "its port is 65536"},
		{"URL with a line end", HTTPRequest{URL: "http://host/" + inject}, "control character"},
		{"host with a space", HTTPRequest{URL: "http://ho st/"}, "invalid character"},
		{"method", HTTPRequest{URL: "http://host/", Method: "GET " + inject}, "method"},
		{"connect", HTTPRequest{URL: "http://host/", Method: "CONNECT"}, "method"},
		{"header name", HTTPRequest{URL: "http://host/", Header: http.Header{inject: {"v"}}}, "header name"},
		{"header value", HTTPRequest{URL: "http://host/", Header: http.Header{"X": {inject}}}, "control character"},
		{"host header", HTTPRequest{URL: "http://host/", Header: http.Header{"Host": {inject}}}, "control character"},
		{"host header with a path", HTTPRequest{URL: "http://host/", Header: http.Header{"Host": {"a/b c"}}}, "want one host"},
		{"cookie name", HTTPRequest{URL: "http://host/", Cookies: map[string]string{inject: "v"}}, "cookie name"},
		{"cookie value", HTTPRequest{URL: "http://host/", Cookies: map[string]string{"c": inject}}, "cookie"},
		{"second cookie", HTTPRequest{URL: "http://host/", Cookies: map[string]string{"c": "1; d=2"}}, "semicolon"},
		{"length", HTTPRequest{URL: "http://host/", Body: []byte("abc"), Header: http.Header{"Content-Length": {"2"}}}, "Content-Length"},
		{"chunked", HTTPRequest{URL: "http://host/", Header: http.Header{"transfer-encoding": {"chunked"}}}, "Transfer-Encoding"},
		{"ip", HTTPRequest{URL: "http://host/", IP: 5}, "option ip is 5"},
		{"other family", HTTPRequest{URL: "http://127.0.0.1/", IP: 6}, "wanted address family"},
		{"http", HTTPRequest{URL: "http://host/", HTTP: "3"}, "option http"},
		{"proxy", HTTPRequest{URL: "http://host/", Proxy: "ftp://proxy"}, "option proxy"},
		{"ca", HTTPRequest{URL: "http://host/", CA: []byte("nothing")}, "option ca"},
		{"cert", HTTPRequest{URL: "http://host/", Cert: []byte("nothing")}, "options cert and key"},
		{"key alone", HTTPRequest{URL: "http://host/", Key: []byte("nothing")}, "needs option cert"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got := httpProbe(t, time.Second, tt.req)
			if got == nil || got.Kind != Misuse || !strings.Contains(got.Message, tt.text) {
				t.Errorf("Do(%+v) = %v, want misuse with %q", tt.req, got, tt.text)
			}
		})
	}
}

// Out of descriptors, out of ports: that is not the watched site's fault.
func TestHTTPOverload(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS, syscall.EADDRNOTAVAIL} {
		_, got := httpProbe(t, time.Second, HTTPRequest{
			URL: "http://host/",
			Dial: func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: errno}
			},
		})
		if got == nil || got.Kind != Overload || !strings.Contains(got.Message, errno.Error()) {
			t.Errorf("Do with dial failing by %v = %v, want kind overload", errno, got)
		}
	}
	if got := overloaded(&net.DNSError{Err: "dial udp 127.0.0.1:53: socket: too many open files"}); got == "" {
		t.Errorf("overloaded(DNS error for want of a socket) = %q, want a reason", got)
	}
}

// With no descriptor left neither an address nor a name can be connected to,
// and kept connections are given up. It takes a process of its own.
func TestHTTPOutOfDescriptors(t *testing.T) {
	const child = "PHAROS_HTTP_NO_DESCRIPTORS"
	if os.Getenv(child) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestHTTPOutOfDescriptors$", "-test.v")
		cmd.Env = append(os.Environ(), child+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("the process without descriptors: %v\n%s", err, out)
		}
		return
	}
	s := newHTTPServer(t, httpPages(), nil)
	var c HTTPClient
	mustHTTP(t, &c, HTTPRequest{URL: s.URL + "/plain", KeepAlive: true})
	_, fds := held(t)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(fds), Max: 20000}); err != nil {
		t.Fatal(err)
	}
	var filled []*os.File // descriptors below the limit that are free after all
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		filled = append(filled, f)
	}
	overloaded := func(url string) {
		_, err := c.Do(t.Context(), &HTTPRequest{URL: url})
		if KindOf(err) != Overload || !strings.Contains(err.Error(), "too many open files") {
			t.Errorf("Do(%q) without descriptors = %v, want kind overload", url, err)
		}
	}
	overloaded(s.URL)
	if c.pool.count != 0 {
		t.Errorf("the pool holds %d connections, want none", c.pool.count)
	}
	for given := 0; given < 2; { // both ends of what the pool gave up
		if f, err := os.Open(os.DevNull); err == nil {
			filled = append(filled, f)
			given++
		} else {
			time.Sleep(time.Millisecond)
		}
	}
	overloaded("http://shop.test/")
	for _, f := range filled {
		f.Close()
	}
	mustHTTP(t, &c, HTTPRequest{URL: s.URL + "/plain"})
}

// A vantage knows best what went wrong at its end.
func TestHTTPVantageErrors(t *testing.T) {
	silent := &Error{Kind: Vantage, Message: "the host does not answer"}
	synctest.Test(t, func(t *testing.T) {
		_, got := httpProbe(t, 20*time.Millisecond, HTTPRequest{
			URL: "http://host/",
			Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, silent
			},
		})
		if got == nil || got.Kind != Vantage || !strings.Contains(got.Message, silent.Message) || got.Phase != "connect" {
			t.Errorf("Do through a silent vantage = %v, want kind vantage", got)
		}
	})
}

// Cancelling ends a request, wherever it hangs. A busy machine gets longer to come
// to that.
func TestHTTPCancel(t *testing.T) {
	hangs := httpScripted(t, httpHangs)
	for _, tt := range []struct{ url, phase string }{
		{"http://" + hangs, "wait"},
		{"https://" + hangs, "tls"},
		{"http://" + httpScripted(t, func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
			httpHangs(c)
		}), "receive"},
	} {
		var got *Error
		for after := 300 * time.Millisecond; after < 20*time.Second && (got == nil || got.Phase != tt.phase); after *= 2 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(after, cancel)
			_, err := new(HTTPClient).Do(ctx, &HTTPRequest{URL: tt.url})
			if !errors.As(err, &got) || got.Kind != Cancelled {
				t.Fatalf("Do(%q) cancelled = %v, want kind cancelled", tt.url, err)
			}
		}
		if got.Phase != tt.phase {
			t.Errorf("Do(%q) cancelled = %v, in phase %q, want %q", tt.url, got, got.Phase, tt.phase)
		}
	}
}

// Nothing that is shown or wrapped repeats a password.
func TestHTTPRedacts(t *testing.T) {
	const secret = "hunter2"
	ca := newHTTPCA(t)
	plain := newHTTPServer(t, httpPages(), nil)
	h2 := newHTTPServer(t, httpPages(), httpTLS(t, ca, "127.0.0.1", nil))
	with := func(url string) string { return strings.Replace(url, "://", "://joe:"+secret+"@", 1) }
	leaks := "http://" + httpScripted(t, httpSays("HTTP/1.1 302 Found\r\nLocation: ftp://joe:"+secret+"@h/\r\nContent-Length: 0\r\n\r\n", false))
	tests := []HTTPRequest{
		{URL: with(plain.URL) + "/plain"},
		{URL: with(plain.URL) + "/redirect/2", Redirects: 5},
		{URL: with(plain.URL) + "/redirect/2", Redirects: 1},
		{URL: with(plain.URL) + "/redirect/1"},
		{URL: with(h2.URL) + "/plain", CA: ca.roots},
		{URL: with(h2.URL) + "/redirect/1", CA: ca.roots, Redirects: 1},
		{URL: with(h2.URL) + "/plain"},
		{URL: with("http://" + httpRefused(t))},
		{URL: with("http://" + httpScripted(t, httpResets))},
		{URL: with("http://nosuch.invalid/")},
		{URL: with("http://host:port/")},
		{URL: with("http://ho st/")},
		{URL: with("ftp://host/")},
		{URL: "http://joe:" + secret + "/raw@host/"},
		{URL: "http://joe:" + secret + "%zz@host/"},
		{URL: "http://joe:" + secret + "\n@host/"},
		{URL: "joe:" + secret + "@host:port"},
		{URL: "http://" + secret + "@" + httpRefused(t)},
		{URL: leaks, Redirects: 1},
		{URL: plain.URL + "/plain", Proxy: with("http://" + httpRefused(t))},
		{URL: plain.URL + "/plain", Proxy: with("socks5://" + httpRefused(t))},
		{URL: plain.URL + "/plain", Proxy: with("http://ho st:1")},
		{URL: plain.URL + "/plain", Proxy: with("gopher://host")},
	}
	for _, req := range tests {
		res, failed := httpProbe(t, time.Minute, req)
		var shown string
		if failed != nil {
			for err := error(failed); err != nil; err = errors.Unwrap(err) {
				shown += fmt.Sprintf("%v %+v\n", err, err)
			}
		} else {
			res.Header, res.Body = nil, nil // the server's own words
			shown = fmt.Sprintf("%+v", *res)
		}
		if strings.Contains(shown, secret) {
			t.Errorf("Do(%q) with proxy %q shows the password: %s", req.URL, req.Proxy, shown)
		}
	}
}
