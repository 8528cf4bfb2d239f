package probe

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// httpStays waits until no more is held than before.
func httpStays(t testing.TB, goroutines, fds int) {
	t.Helper()
	var g, f int
	for range 6000 {
		if g, f = held(t); g <= goroutines && f <= fds {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	t.Errorf("%d goroutines and %d descriptors are held, want %d and %d\n%.4000s", g, f, goroutines, fds, stacks)
}

// After 10,000 runs of all sorts nothing is left. The servers are in this
// process too, and are held to the same.
func TestHTTPLeavesNothing(t *testing.T) {
	ca := newHTTPCA(t)
	quiet := httpTLS(t, ca, "127.0.0.1", nil)
	h1 := quiet.Clone()
	h1.NextProtos = []string{"http/1.1"}
	plain := newHTTPServer(t, httpPages(), nil)
	overH1, overH2 := newHTTPServer(t, httpPages(), h1), newHTTPServer(t, httpPages(), quiet)
	hangs, resets, refused := httpScripted(t, httpHangs), httpScripted(t, httpResets), httpRefused(t)
	const soon = 3 * time.Millisecond
	sorts := []struct {
		runs    int
		timeout time.Duration
		req     HTTPRequest
		fails   bool
	}{
		{5200, time.Minute, HTTPRequest{URL: plain.URL + "/plain"}, false},
		{2000, time.Minute, HTTPRequest{URL: plain.URL + "/plain", KeepAlive: true}, false},
		{500, time.Minute, HTTPRequest{URL: plain.URL + "/plain", Method: "POST", Body: make([]byte, 200000)}, false},
		{100, time.Minute, HTTPRequest{URL: overH1.URL + "/plain", CA: ca.roots}, false},
		{100, time.Minute, HTTPRequest{URL: overH2.URL + "/plain", CA: ca.roots}, false},
		{300, time.Minute, HTTPRequest{URL: overH2.URL + "/plain", CA: ca.roots, KeepAlive: true}, false},
		{200, time.Minute, HTTPRequest{URL: strings.Replace(plain.URL, "127.0.0.1", "localhost", 1) + "/plain"}, false},
		{600, time.Minute, HTTPRequest{URL: "http://" + refused}, true},
		{500, time.Minute, HTTPRequest{URL: "http://" + resets}, true},
		{200, soon, HTTPRequest{URL: "http://" + hangs}, true},
		{100, soon, HTTPRequest{URL: "https://" + hangs}, true},
		{50, soon, HTTPRequest{URL: plain.URL + "/endless"}, true},
		{50, soon, HTTPRequest{URL: overH2.URL + "/hang", CA: ca.roots}, true},
		{50, soon, HTTPRequest{URL: "http://" + hangs, Method: "PUT", Body: make([]byte, 8<<20)}, true},
		{50, time.Minute, HTTPRequest{URL: overH1.URL + "/plain"}, true},
	}
	var c HTTPClient
	goroutines, fds := held(t)
	for _, s := range sorts {
		var wg sync.WaitGroup
		var next atomic.Int64
		for range 8 {
			wg.Go(func() {
				for next.Add(1) <= int64(s.runs) {
					ctx, cancel := context.WithTimeout(t.Context(), s.timeout)
					_, err := c.Do(ctx, &s.req)
					cancel()
					if (err != nil) != s.fails {
						t.Errorf("Do(%q) = %v, want failure %v", s.req.URL, err, s.fails)
					}
				}
			})
		}
		wg.Wait()
	}
	c.Close()
	for _, s := range []interface{ CloseClientConnections() }{plain, overH1, overH2} {
		s.CloseClientConnections()
	}
	httpStays(t, goroutines, fds)
}

// A run in flight takes its own goroutine and no other, whatever it waits for;
// one more while a long body is sent.
func TestHTTPGoroutinesInFlight(t *testing.T) {
	const runs = 100
	var arrived atomic.Int64
	ready := make(chan struct{})
	server := httpSilent(t, func() {
		if arrived.Add(1) == runs {
			ready <- struct{}{}
		}
	})
	for _, tt := range []struct {
		name string
		url  string
		body int
		each int
	}{
		{"waiting", "http://" + server, 0, 1},
		{"handshaking", "https://" + server, 0, 1},
		{"sending", "http://" + server, 16 << 20, 2},
	} {
		arrived.Store(0)
		before := runtime.NumGoroutine()
		ctx, cancel := context.WithCancel(t.Context())
		var c HTTPClient
		var wg sync.WaitGroup
		body := make([]byte, tt.body)
		for range runs {
			wg.Go(func() { c.Do(ctx, &HTTPRequest{URL: tt.url, Method: "PUT", Body: body}) })
		}
		<-ready
		if got := runtime.NumGoroutine() - before; got > tt.each*runs {
			t.Errorf("%d runs %s take %d goroutines, want at most %d each", runs, tt.name, got, tt.each)
		}
		cancel()
		wg.Wait()
	}
}

// httpSilent accepts, reads a first byte, calls arrived, and goes silent. It
// takes one goroutine for all connections, not to be in the count.
func httpSilent(t testing.TB, arrived func()) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			io.ReadFull(conn, make([]byte, 1))
			arrived()
		}
	}()
	return ln.Addr().String()
}
