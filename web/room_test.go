package web

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
)

// Who connects and says nothing takes no more than the places there are, and only
// until it is cut. Who comes meanwhile waits, and holds up no end of the server.
func TestConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		s := New(Config{Board: engine.New(engine.Config{}).Board(), Logger: quiet()})
		s.maxConns = 2
		served := make(chan error, 1)
		go func() { served <- s.Serve(ln) }()
		connect := func() time.Duration {
			began := time.Now()
			conn, err := ln.dial(context.Background(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			return time.Since(began)
		}
		for i, want := range []time.Duration{0, 0, readHeaderTimeout, 0} {
			if got := connect(); got != want {
				t.Errorf("connection %d waited for %v, want %v", i+1, got, want)
			}
		}
		synctest.Wait() // both places are taken
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown() = %v, want nil", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
	})
}

// Each connection leaves its place, also one of HTTP/2 and one that fails its
// handshake.
func TestConnectionsLeaveTheirPlace(t *testing.T) {
	certFile, keyFile, pool := writePair(t, t.TempDir(), 1)
	certificate, err := NewCertificate(certFile, keyFile, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Board: engine.New(engine.Config{}).Board(), Logger: quiet(), Certificate: certificate})
	s.maxConns = 1
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	for range 3 {
		if conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{}); err == nil {
			conn.Close()
			t.Error("a handshake with a certificate that is not trusted went well")
		}
		for _, h2 := range []bool{true, false} {
			transport := &http.Transport{
				ForceAttemptHTTP2: h2, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost"},
			}
			resp, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Get("https://" + ln.Addr().String() + "/healthz")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if (resp.ProtoMajor == 2) != h2 {
				t.Errorf("asked over %s, want HTTP/2: %t", resp.Proto, h2)
			}
			transport.CloseIdleConnections()
		}
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown() = %v, want nil", err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve() = %v, want nil", err)
	}
}
