package probe

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
)

func mustHTTP(t testing.TB, c *HTTPClient, req HTTPRequest) *HTTPResult {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	res, err := c.Do(ctx, &req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestHTTPConnects(t *testing.T) {
	ca := newHTTPCA(t)
	plain := newHTTPServer(t, httpPages(), nil).URL
	config := httpTLS(t, ca, "127.0.0.1", nil)
	config.NextProtos = []string{"http/1.1"}
	h1, h2 := newHTTPServer(t, httpPages(), config).URL, newHTTPServer(t, httpPages(), httpTLS(t, ca, "127.0.0.1", nil)).URL
	twice := func(req HTTPRequest) []HTTPRequest { return []HTTPRequest{req, req} }
	tests := []struct {
		name string
		reqs []HTTPRequest
		want []int // connections made
	}{
		{"fresh", twice(HTTPRequest{URL: plain + "/plain"}), []int{1, 1}},
		{"kept", twice(HTTPRequest{URL: plain + "/plain", KeepAlive: true}), []int{1, 0}},
		{"kept over TLS", twice(HTTPRequest{URL: h1 + "/plain", CA: ca.roots, KeepAlive: true}), []int{1, 0}},
		{"kept over h2", twice(HTTPRequest{URL: h2 + "/plain", CA: ca.roots, KeepAlive: true}), []int{1, 0}},
		{"fresh over h2", twice(HTTPRequest{URL: h2 + "/plain", CA: ca.roots}), []int{1, 1}},
		{"within a run", twice(HTTPRequest{URL: plain + "/redirect/2", Redirects: 5}), []int{1, 1}},
		{"within a run, kept", twice(HTTPRequest{URL: plain + "/redirect/2", Redirects: 5, KeepAlive: true}), []int{1, 0}},
		{"not from a fresh one", []HTTPRequest{{URL: plain + "/plain"}, {URL: plain + "/plain", KeepAlive: true}}, []int{1, 1}},
		{"not for other options", []HTTPRequest{
			{URL: plain + "/plain", KeepAlive: true}, {URL: plain + "/plain", KeepAlive: true, IP: 4},
			{URL: h1 + "/plain", KeepAlive: true, CA: ca.roots}, {URL: h1 + "/plain", KeepAlive: true, CA: ca.roots, Insecure: true},
			{URL: h1 + "/plain", KeepAlive: true, Insecure: true}, {URL: h1 + "/plain", KeepAlive: true, CA: ca.roots},
		}, []int{1, 1, 1, 1, 1, 0}},
		{"not after a cut body", twice(HTTPRequest{URL: plain + "/heavy", Redirects: 1, KeepAlive: true}), []int{2, 1}},
		{"head", twice(HTTPRequest{URL: plain + "/plain", Method: "HEAD", KeepAlive: true}), []int{1, 0}},
		{"post", twice(HTTPRequest{URL: plain + "/plain", Method: "POST", Body: make([]byte, 20000), KeepAlive: true}), []int{1, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c HTTPClient
			defer c.Close()
			for i, req := range tt.reqs {
				res := mustHTTP(t, &c, req)
				if res.Connects != tt.want[i] {
					t.Errorf("request %d made %d connections, want %d", i, res.Connects, tt.want[i])
				}
				if reused := res.Connects == 0; reused && (res.Timing.Connect != 0 || res.Timing.TLS != 0) {
					t.Errorf("request %d connected nowhere in %v, TLS in %v", i, res.Timing.Connect, res.Timing.TLS)
				}
				checkHTTPTiming(t, fmt.Sprint(i), &res.Timing)
			}
		})
	}
}

// Connections of a named vantage are kept apart from all others.
func TestHTTPPoolVantage(t *testing.T) {
	s := newHTTPServer(t, httpPages(), nil)
	var c HTTPClient
	defer c.Close()
	for _, tt := range []struct {
		vantage string
		want    int
	}{{"", 1}, {"", 1}, {"web-1", 1}, {"web-1", 0}, {"web-2", 1}} {
		res := mustHTTP(t, &c, HTTPRequest{URL: s.URL + "/plain", KeepAlive: true, Vantage: tt.vantage, Dial: new(net.Dialer).DialContext})
		if res.Connects != tt.want {
			t.Errorf("Do from %q made %d connections, want %d", tt.vantage, res.Connects, tt.want)
		}
	}
}

// A server that closed a kept connection, seen or unseen, costs a new
// connection, not an error.
func TestHTTPPoolStale(t *testing.T) {
	var served atomic.Int64
	answer := func(c net.Conn, br *bufio.Reader) bool {
		req, err := http.ReadRequest(br)
		if err != nil {
			return false
		}
		io.Copy(io.Discard, req.Body)
		served.Add(1)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		return true
	}
	closes := httpScripted(t, func(c net.Conn) { answer(c, bufio.NewReader(c)) })
	breaks := httpScripted(t, func(c net.Conn) {
		br := bufio.NewReader(c)
		answer(c, br)
		http.ReadRequest(br) // and no answer to it
	})
	garbles := httpScripted(t, func(c net.Conn) {
		answer(c, bufio.NewReader(c))
		io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\n\r\n")
		httpHangs(c)
	})
	for name, addr := range map[string]string{"closes": closes, "breaks": breaks, "garbles": garbles} {
		var c HTTPClient
		served.Store(0)
		for i := range 4 {
			method := "GET"
			if name == "closes" && i > 1 {
				method = "POST"
			}
			res := mustHTTP(t, &c, HTTPRequest{URL: "http://" + addr, KeepAlive: true, Method: method})
			if res.Status != 200 || res.Connects != 1 {
				t.Errorf("a server that %s: request %d = %d over %d new connections, want 200 over 1", name, i, res.Status, res.Connects)
			}
			if name != "breaks" { // that one does nothing before it is asked
				waitHTTPStale(t, &c)
			}
		}
		if got := served.Load(); got != 4 {
			t.Errorf("a server that %s answered %d requests, want 4", name, got)
		}
		c.Close()
	}
}

// waitHTTPStale waits until what a server did to its idle connection arrived.
func waitHTTPStale(t *testing.T, c *HTTPClient) {
	t.Helper()
	quiet := func() bool {
		c.pool.mu.Lock()
		defer c.pool.mu.Unlock()
		for _, conns := range c.pool.idle {
			for _, conn := range conns {
				if httpQuiet(conn.raw) {
					return true
				}
			}
		}
		return false
	}
	for began := time.Now(); quiet(); time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("the server did nothing to its idle connection")
		}
	}
}

// A server that breaks one request off over HTTP/2 has answered it: to ask again would
// hide that. One that has not looked at it says so (RFC 9113, 8.7).
func TestHTTPPoolAsksNotAgainForAResetStream(t *testing.T) {
	for code, want := range map[http2.ErrCode]int{http2.ErrCodeInternal: 2, http2.ErrCodeCancel: 2, http2.ErrCodeRefusedStream: 3} {
		var asked atomic.Int64
		addr := httpScripted(t, func(c net.Conn) {
			_, _ = io.ReadFull(c, make([]byte, len(http2.ClientPreface)))
			f := http2.NewFramer(c, c)
			_ = f.WriteSettings()
			for {
				frame, err := f.ReadFrame()
				if err != nil {
					return
				}
				head, ok := frame.(*http2.HeadersFrame)
				if !ok {
					continue
				}
				if asked.Add(1) == 2 {
					_ = f.WriteRSTStream(head.StreamID, code)
					continue
				}
				_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: head.StreamID, EndHeaders: true, EndStream: true, BlockFragment: []byte{0x88}}) // :status 200
			}
		})
		var c HTTPClient
		mustHTTP(t, &c, HTTPRequest{URL: "http://" + addr, KeepAlive: true, HTTP: "2"})
		_, err := c.Do(t.Context(), &HTTPRequest{URL: "http://" + addr, KeepAlive: true, HTTP: "2"})
		if got := int(asked.Load()); got != want || (err != nil) != (want == 2) {
			t.Errorf("after a stream reset with %v: %v, and %d requests, want %d", code, err, got, want)
		}
		c.Close()
	}
}

// What is not safe to repeat is not repeated: the server may have acted on it.
func TestHTTPPoolNeverRepeatsPost(t *testing.T) {
	var posts atomic.Int64
	addr := httpScripted(t, func(c net.Conn) {
		br := bufio.NewReader(c)
		for i := range 2 {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			if req.Method == "POST" {
				posts.Add(1)
			}
			if i == 0 {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		}
	})
	var c HTTPClient
	defer c.Close()
	mustHTTP(t, &c, HTTPRequest{URL: "http://" + addr, KeepAlive: true})
	_, err := c.Do(t.Context(), &HTTPRequest{URL: "http://" + addr, KeepAlive: true, Method: "POST"})
	if KindOf(err) != Reset || posts.Load() != 1 {
		t.Errorf("POST over a breaking connection = %v after %d posts, want kind reset after 1", err, posts.Load())
	}
}

func TestHTTPPoolBounds(t *testing.T) {
	var p httpPool
	conn := func() *httpConn {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { theirs.Close() })
		return &httpConn{raw: ours}
	}
	for range httpIdleEach + 5 {
		p.put(conn())
	}
	if p.count != httpIdleEach {
		t.Errorf("pool of one destination holds %d, want %d", p.count, httpIdleEach)
	}
	for i := range httpIdleAll {
		c := conn()
		c.key.port = fmt.Sprint(i)
		p.put(c)
	}
	if p.count != httpIdleAll {
		t.Errorf("pool holds %d, want %d", p.count, httpIdleAll)
	}
	p.closeAll()
	if p.count != 0 || len(p.idle) != 0 || p.timer != nil {
		t.Errorf("closed pool holds %d in %d lists, timer %v", p.count, len(p.idle), p.timer)
	}
}

func TestHTTPPoolExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p httpPool
		early, late := &httpConn{}, &httpConn{}
		late.key.host = "later"
		for _, c := range []*httpConn{early, late} {
			ours, theirs := net.Pipe()
			defer theirs.Close()
			c.raw = ours
			p.put(c)
			time.Sleep(time.Minute)
		}
		time.Sleep(31 * time.Second) // 151 s after the first, 91 s after the second
		if c := p.take(early.key); c != nil {
			t.Error("a connection idle for 151 s was still there")
		}
		time.Sleep(httpIdleTime / 4)
		if c := p.take(late.key); c != nil {
			t.Error("a connection idle for 113 s was still there")
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.timer != nil || p.count != 0 {
			t.Errorf("an empty pool holds %d and has a timer: %v", p.count, p.timer != nil)
		}
	})
}

// A second's first closings are polite, the others spare the ports.
func TestHTTPChurn(t *testing.T) {
	peer := netip.MustParseAddrPort("127.0.0.1:80")
	var churn httpChurn
	for i := range 3 * httpPolite {
		if got, want := churn.busy(peer, 7), i >= httpPolite; got != want {
			t.Fatalf("closing %d in a second: busy = %v, want %v", i, got, want)
		}
	}
	if churn.busy(peer, 8) {
		t.Error("the first closing of the next second: busy = true, want false")
	}
}
