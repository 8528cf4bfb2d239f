package web

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pharos/engine"
)

// writePair makes a certificate of one name and its key.
func writePair(t *testing.T, dir string, serial int64) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "wall"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(cert)
	return certFile, keyFile, pool
}

// Over TLS the stream is HTTP/2, many to a connection, and a certificate that
// was renewed is used for the next one.
func TestHTTPSWithHTTP2AndRenewal(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile, pool := writePair(t, dir, 1)
	certificate, err := NewCertificate(certFile, keyFile, quiet())
	if err != nil {
		t.Fatal(err)
	}
	w, addr := tcpWall(t, Config{Certificate: certificate}, oneWatcher(engine.Result{Status: engine.OK}))
	visit := func(pool *x509.CertPool) *http.Client {
		transport := &http.Transport{
			ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool},
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", addr)
			},
		}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	viewer := visit(pool)
	for range 10 { // more than a browser's six connections to one host
		resp, err := viewer.Get("https://localhost/events")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.ProtoMajor != 2 {
			t.Fatalf("stream over TLS is %s, want HTTP/2", resp.Proto)
		}
		stream := newEventReader(resp.Body)
		stream.until(t, named("board"))
		stream.until(t, named("update"))
	}
	if got := w.Viewers(); got != 10 {
		t.Errorf("Viewers() = %d, want 10", got)
	}

	_, _, renewed := writePair(t, dir, 2)
	future := time.Now().Add(time.Minute)
	if err := os.Chtimes(certFile, future, future); err != nil {
		t.Fatal(err)
	}
	certificate.files.mu.Lock()
	certificate.files.looked = time.Time{} // a second has gone by
	certificate.files.mu.Unlock()
	again := visit(renewed)
	resp, err := again.Get("https://localhost/healthz")
	if err != nil {
		t.Fatalf("asking with the renewed certificate trusted: %v", err)
	}
	resp.Body.Close()
}

func TestCertificateThatCannotBe(t *testing.T) {
	certFile, _, _ := writePair(t, t.TempDir(), 1)
	_, otherKey, _ := writePair(t, t.TempDir(), 2)
	for name, key := range map[string]string{"another's key": otherKey, "no key": "no/such/file", "a certificate as key": certFile} {
		if _, err := NewCertificate(certFile, key, quiet()); err == nil {
			t.Errorf("NewCertificate with %s = nil, want an error", name)
		}
	}
}

// A certificate that nobody takes today is served, as its clock may be right, and
// told of.
func TestCertificateOfAnotherDayIsToldOf(t *testing.T) {
	certFile, keyFile, _ := writePair(t, t.TempDir(), 1) // from an hour ago, for two
	for _, tt := range []struct {
		after time.Duration
		want  string
	}{
		{0, ""},
		{24 * time.Hour, "it expired on"},
		{-24 * time.Hour, "not valid yet"},
	} {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			t.Fatal(err)
		}
		got := outOfDate(&pair, time.Now().Add(tt.after))
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("outOfDate(%v from now) = %q, want %q", tt.after, got, tt.want)
		}
	}
}

// A stuck stream shares its connection with others: it is cut alone.
func TestStuckStreamOfHTTP2IsCutAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		certFile, keyFile, pool := writePair(t, t.TempDir(), 1)
		certificate, err := NewCertificate(certFile, keyFile, quiet())
		if err != nil {
			t.Fatal(err)
		}
		c := &check{r: engine.Result{Status: engine.OK, Detail: strings.Repeat("x", 2000)}}
		set := engine.Set{}
		for i := range 10 {
			set.Watchers = append(set.Watchers, watcher("", fmt.Sprint(i), 50*time.Millisecond, c.run))
		}
		w, ln := pipeWall(t, Config{Certificate: certificate}, set)
		transport := &http.Transport{
			ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool}, DialContext: ln.dial,
			HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10},
		}
		defer transport.CloseIdleConnections()
		open := func() *http.Response {
			resp, err := (&http.Client{Transport: transport}).Get("https://localhost/events")
			if err != nil {
				t.Fatal(err)
			}
			return resp
		}
		stuck, healthy := open(), open()
		defer stuck.Body.Close()
		defer healthy.Body.Close()
		stream := newEventReader(healthy.Body)
		stream.until(t, named("board"))
		began := time.Now()
		for i := 1; i <= 9; i++ {
			stream.until(t, named("beat"))
			if got, want := time.Since(began).Round(time.Second), time.Duration(i)*time.Second; got != want {
				t.Errorf("beat %d came after %v, want %v", i, got, want)
			}
		}
		if got := w.Viewers(); got != 1 {
			t.Errorf("Viewers() = %d after 9 s, want the stuck one gone", got)
		}
	})
}

// A connection of HTTP/2 that takes nothing any more is closed with its streams.
func TestStuckConnectionOfHTTP2IsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		certFile, keyFile, pool := writePair(t, t.TempDir(), 1)
		certificate, err := NewCertificate(certFile, keyFile, quiet())
		if err != nil {
			t.Fatal(err)
		}
		w, ln := pipeWall(t, Config{Certificate: certificate}, oneWatcher(engine.Result{Status: engine.OK}))
		held := &heldConn{free: make(chan struct{})}
		transport := &http.Transport{
			ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool},
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				held.Conn, err = ln.dial(ctx, network, addr)
				return held, err
			},
		}
		defer transport.CloseIdleConnections()
		defer held.release()
		var streams []*eventReader
		for range 2 {
			resp, err := (&http.Client{Transport: transport}).Get("https://localhost/events")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.ProtoMajor != 2 {
				t.Fatalf("asked over %s, want HTTP/2", resp.Proto)
			}
			streams = append(streams, newEventReader(resp.Body))
			streams[0].until(t, named("beat"))
		}
		before := w.Viewers()
		held.hold.Store(true)
		time.Sleep(writeTimeout - time.Second)
		synctest.Wait()
		if got := w.Viewers(); before != 2 || got != 2 {
			t.Errorf("Viewers() = %d, and %d before they were given their time, want 2", before, got)
		}
		time.Sleep(4 * time.Second) // until a beat that is not taken; the cut; the closing
		synctest.Wait()
		if got := w.Viewers(); got != 0 {
			t.Errorf("Viewers() = %d after %v, want none", got, writeTimeout+3*time.Second)
		}
	})
}
