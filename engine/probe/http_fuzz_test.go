package probe

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzHTTPAnswer feeds arbitrary bytes as an answer: it must never panic, never
// outlast its deadline, and never keep more than it may.
func FuzzHTTPAnswer(f *testing.F) {
	for _, seed := range []string{
		"", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.0 200\n\nold", "HTTP/1.1 101 Switching Protocols\r\n\r\nx",
		"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: http://%zz@[::1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xcbH\xcd\xc9\xc9\x07\x00\x86\xa6\x106\x05\x00\x00\x00",
		"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/; Domain=..\r\nSet-Cookie: \x00\r\n\r\n", "SSH-2.0-x\r\n", "HTTP/9.9 999 \xff\r\n\r\n",
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, answer []byte, keep bool) {
		var c HTTPClient
		defer c.Close()
		const timeout = time.Minute
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		res, err := c.Do(ctx, &HTTPRequest{
			URL: "http://joe:secret@shop.test/", Redirects: 2, MaxBody: 100, KeepAlive: keep, Vantage: "fuzz",
			Dial: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go func() {
					defer theirs.Close()
					theirs.Read(make([]byte, 4096))
					theirs.Write(answer)
				}()
				return ours, nil
			},
		})
		if KindOf(err) == Timeout {
			t.Errorf("it took its %v, want an end with what was said", timeout)
		}
		if err != nil {
			e := err.(*Error)
			checkHTTPTiming(t, e.Message, e.Timing)
			return
		}
		checkHTTPTiming(t, res.URL, &res.Timing)
		if len(res.Body) > 100 {
			t.Errorf("kept %d bytes, want at most 100", len(res.Body))
		}
	})
}

// FuzzHTTPURL: whatever the URL, nothing of it ends a line of the request, and
// nothing that is shown holds the password.
func FuzzHTTPURL(f *testing.F) {
	for _, seed := range []string{
		"http://shop.test/", "shop.test:8080/a b?c=d e#f", "http://Bücher.example/ü?ü", "http://[::1%25eth0]:80/", "https://u:p@h", "//h/x",
		"http://h/\r\nX: y", "http://h?\n", "http://h/%0d%0a", "http://a@b@c/", "mailto:x@y", "http://:80/", "http://h:99999/", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		target, err := httpParseTarget(raw)
		if err != nil {
			if KindOf(err) != Misuse {
				t.Errorf("httpParseTarget(%q) = %v, want kind misuse", raw, err)
			}
			return
		}
		m := httpMessage{method: "GET"}
		head := m.head(target, nil)
		for i, b := range head {
			if b == '\n' && (i == 0 || head[i-1] != '\r') || b == '\r' && (i+1 == len(head) || head[i+1] != '\n') || b == 0 {
				t.Errorf("httpParseTarget(%q) gives the request %q", raw, head)
			}
		}
		if lines := countHTTPLines(head); lines > 6 {
			t.Errorf("httpParseTarget(%q) gives %d lines: %q", raw, lines, head)
		}
		if utf8.ValidString(raw) && target.String() != RedactURL(target.String()) {
			t.Errorf("%q redacted again is %q", target.String(), RedactURL(target.String()))
		}
	})
}

func countHTTPLines(b []byte) (n int) {
	for _, c := range b {
		if c == '\n' {
			n++
		}
	}
	return n
}

// FuzzHTTPCurlReport feeds arbitrary output of a remote host's curl: what is
// read of it is never negative, and the phases sum up to the total.
func FuzzHTTPCurlReport(f *testing.F) {
	for _, seed := range []string{
		"", "\npharos\t", "body\npharos\t200\t5\t0\t1\t0\t::1\thttp://a/\t\t0.1\t0.2\t0\t0.2\t0.3\t0\t0.4\n",
		"\npharos\t200\t-5\t0\t1\t0\t::1\thttp://a/\t\tNaN\t-1\tInf\t1e300\t0,3\t0\t0.4\n",
		"\npharos\t999999999999999999999\t99999999999999999999\t-1\t-1\t-1\t\t\t\t0\t0\t0\t0\t0\t0\t0\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, output []byte) {
		facts, ok := parseHTTPCurlReport(output)
		if !ok {
			return
		}
		timing := facts.timing
		sum := time.Duration(0)
		for _, phase := range timing.Phases() {
			if phase.Duration < 0 {
				t.Errorf("parseHTTPCurlReport(%q): phase %s takes %v, want nothing negative", output, phase.Name, phase.Duration)
			}
			sum += phase.Duration
		}
		if sum != timing.Total || facts.size < 0 || facts.status < 0 || facts.at < 0 || facts.at > len(output) {
			t.Errorf("parseHTTPCurlReport(%q) = %+v with phases of %v, want a sum of %v and nothing negative", output, facts, sum, timing.Total)
		}
	})
}

// FuzzHTTPProxyAnswer feeds arbitrary bytes as a proxy's answer: it never
// panics, never outlasts the deadline, and never gives a result of a page that
// nobody served.
func FuzzHTTPProxyAnswer(f *testing.F) {
	for _, seed := range []string{
		"", "HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.1 407 No\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50", "\x05\xff", "\x05\x02\x01\x00", "\x04\x5a",
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, answer []byte, socks bool) {
		proxy := "http://joe:secret@proxy.test:3128"
		if socks {
			proxy = "socks5h://joe:secret@proxy.test:1080"
		}
		var c HTTPClient
		defer c.Close()
		const timeout = time.Minute
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		_, err := c.Do(ctx, &HTTPRequest{
			URL: "https://shop.test/", Proxy: proxy,
			Dial: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go func() {
					defer theirs.Close()
					go io.Copy(io.Discard, theirs)
					theirs.Write(answer)
				}()
				return ours, nil
			},
		})
		if KindOf(err) == Timeout {
			t.Errorf("it took its %v, want an end with what was said", timeout)
		}
		if err == nil {
			t.Errorf("a proxy that answers %q gives a page over TLS, want an error", answer)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("error %q holds the proxy's password", err)
		}
	})
}
