package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tlsServe serves TLS with config until the test ends.
func tlsServe(t *testing.T, config *tls.Config) string {
	t.Helper()
	return tcpServe(t, func(conn net.Conn) { _ = tls.Server(conn, config).HandshakeContext(context.Background()) })
}

func TestInspectTLS(t *testing.T) {
	const day = 24 * time.Hour
	authority, stranger := newTLSAuthority(t), newTLSAuthority(t)
	now := time.Now()
	good := authority.tlsYear(t)
	for _, tt := range []struct {
		name     string
		cert     tls.Certificate
		server   string
		verified bool
		problem  string
		days     float64
	}{
		{"good", good, "", true, "", 365},
		{"good for its name", good, "localhost", true, "", 365},
		{"another name", good, "example.org", false, "certificate is valid for localhost, not example.org", 365},
		{"expired", authority.server(t, now.Add(-10*day), now.Add(-3*day-time.Hour)), "", false, "certificate expired 3 days ago", -3.04},
		{"not yet", authority.server(t, now.Add(2*day), now.Add(4*day)), "", false, "certificate not valid before ", 4},
		{"of a stranger", stranger.tlsYear(t), "", false, `certificate signed by unknown authority "CN=Test Authority"`, 365},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := tlsServe(t, &tls.Config{Certificates: []tls.Certificate{tt.cert}, NextProtos: []string{"h2"}})
			req := TLSRequest{TCPRequest: TCPRequest{Addr: addr, CA: authority.pem(), ServerName: tt.server, ALPN: []string{"h2", "http/1.1"}}}
			res, err := InspectTLS(tcpWithin(t, time.Minute), req)
			if err != nil {
				t.Fatalf("InspectTLS = %v, want no error", err)
			}
			if res.Verified != tt.verified || !strings.HasPrefix(res.VerifyError, tt.problem) || (tt.problem == "") != (res.VerifyError == "") {
				t.Errorf("InspectTLS = verified %t, %q, want %t, %q", res.Verified, res.VerifyError, tt.verified, tt.problem)
			}
			if d := res.DaysLeft - tt.days; d < -0.1 || d > 0.1 {
				t.Errorf("InspectTLS = %.2f days left, want %.2f", res.DaysLeft, tt.days)
			}
			if d := res.ChainDaysLeft - res.DaysLeft; d < -0.01 || d > 0.01 { // the authority lasts longer
				t.Errorf("InspectTLS = %.2f days left of the chain, want %.2f", res.ChainDaysLeft, res.DaysLeft)
			}
			if res.Version != "1.3" || res.ALPN != "h2" || res.RemoteIP != "127.0.0.1" || res.Timing.TLS == 0 {
				t.Errorf("InspectTLS = %+v, want 1.3, h2, the address and the timing", res)
			}
		})
	}
}

// An interface behind an address is of this machine: no certificate names it.
func TestTLSOfAddressWithZone(t *testing.T) {
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	ca := newHTTPCA(t)
	server := httptest.NewUnstartedServer(httpPages())
	server.Listener.Close()
	server.Listener, server.TLS = ln, httpTLS(t, ca, "::1", nil)
	server.StartTLS()
	defer server.Close()
	zoned := "[::1%lo]:" + httpPort(server.URL)
	if res, err := httpProbe(t, time.Minute, HTTPRequest{URL: "https://" + strings.Replace(zoned, "%", "%25", 1) + "/plain", CA: ca.roots}); err != nil || res.Status != 200 {
		t.Errorf("Do = %+v, %v, want 200", res, err)
	}
	c, err := DialTCP(tcpWithin(t, time.Minute), TCPRequest{Addr: zoned, TLS: true, CA: ca.roots})
	if err != nil {
		t.Errorf("DialTCP = %v, want no error", err)
	} else {
		c.Close()
	}
	res, err := InspectTLS(tcpWithin(t, time.Minute), TLSRequest{TCPRequest: TCPRequest{Addr: zoned, CA: ca.roots}})
	if err != nil || !res.Verified {
		t.Errorf("InspectTLS = %+v, %v, want it verified", res, err)
	}
}

func TestInspectTLSChainExpiresFirst(t *testing.T) {
	short := &tlsAuthority{}
	short.cert, short.key = short.issue(t, "Short", time.Now().Add(-time.Hour), time.Now().Add(48*time.Hour), true)
	addr := tlsServe(t, &tls.Config{Certificates: []tls.Certificate{short.tlsYear(t)}})
	res, err := InspectTLS(tcpWithin(t, time.Minute), TLSRequest{TCPRequest: TCPRequest{Addr: addr, CA: short.pem()}})
	if err != nil || !res.Verified || res.DaysLeft < 364 || res.ChainDaysLeft > 2 || res.ChainDaysLeft < 1.9 {
		t.Errorf("InspectTLS with an authority of two days = %+v, %v, want 2 days left of the chain", res, err)
	}
}

func TestInspectTLSVersions(t *testing.T) {
	cert := newTLSAuthority(t).tlsYear(t)
	for _, tt := range []struct {
		min, max uint16
		want     []string
	}{
		{tls.VersionTLS10, tls.VersionTLS13, []string{"1.0", "1.1", "1.2", "1.3"}},
		{tls.VersionTLS12, tls.VersionTLS12, []string{"1.2"}},
		{tls.VersionTLS13, tls.VersionTLS13, []string{"1.3"}},
		{tls.VersionTLS10, tls.VersionTLS10, []string{"1.0"}},
	} {
		addr := tlsServe(t, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tt.min, MaxVersion: tt.max})
		res, err := InspectTLS(tcpWithin(t, time.Minute), TLSRequest{TCPRequest: TCPRequest{Addr: addr}, Versions: true})
		if err != nil {
			t.Errorf("InspectTLS = %v, want no error", err)
			continue
		}
		if diff := cmp.Diff(tt.want, res.Versions); diff != "" {
			t.Errorf("InspectTLS(...).Versions (-want +got):\n%s", diff)
		}
		if got, want := res.Version, tt.want[len(tt.want)-1]; got != want {
			t.Errorf("InspectTLS(...).Version = %s, want the highest, %s", got, want)
		}
	}
}

// A server that wants a certificate of the client shows its own before it refuses,
// and with TLS 1.2 refuses within the handshake.
func TestInspectTLSOfWhoWantsACertificate(t *testing.T) {
	a := newTLSAuthority(t)
	for _, tt := range []struct {
		from, to uint16
		want     []string
	}{
		{tls.VersionTLS12, tls.VersionTLS12, []string{"1.2"}},
		{tls.VersionTLS12, tls.VersionTLS13, []string{"1.2", "1.3"}},
	} {
		addr := tlsServe(t, &tls.Config{
			Certificates: []tls.Certificate{a.tlsYear(t)}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tt.from, MaxVersion: tt.to,
		})
		res, err := InspectTLS(tcpWithin(t, time.Minute), TLSRequest{TCPRequest: TCPRequest{Addr: addr, CA: a.pem()}, Versions: true})
		if err != nil {
			t.Errorf("InspectTLS of a server that wants a certificate = %v, want what it shows", err)
			continue
		}
		if diff := cmp.Diff(tt.want, res.Versions); diff != "" || !res.Verified || res.DaysLeft < 364 || res.Version == "" || res.Cipher == "" || res.RemoteIP != "127.0.0.1" {
			t.Errorf("InspectTLS = %+v, want its certificate verified, and versions (-want +got):\n%s", res, diff)
		}
	}
}

func TestInspectTLSErrors(t *testing.T) {
	plain := tcpServe(t, func(conn net.Conn) { _, _ = conn.Write([]byte("220 hello there, no TLS\r\n")) })
	a := newTLSAuthority(t)
	anothers := a.tlsYear(t)
	anothers.PrivateKey = a.tlsYear(t).PrivateKey
	for _, tt := range []struct {
		addr string
		kind Kind
		text string
	}{
		{"127.0.0.1:" + nagiosClosedPort(t), Refused, "connection refused"},
		{plain, TLS, "does not speak TLS"},
		{tlsServe(t, &tls.Config{Certificates: []tls.Certificate{anothers}, ClientAuth: tls.RequestClientCert}), TLS, `": tls: invalid signature`},
		{"127.0.0.1", Misuse, "host:port"},
	} {
		res, err := InspectTLS(tcpWithin(t, time.Minute), TLSRequest{TCPRequest: TCPRequest{Addr: tt.addr}})
		if KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("InspectTLS(%q) = %v, %v, want kind %s and %q", tt.addr, res, err, tt.kind, tt.text)
		}
	}
}

// TestInspectTLSOpenSSL compares with what openssl says of a certificate that
// a real openssl s_server serves.
func TestInspectTLSOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		execMissing(t, "openssl")
	}
	dir := t.TempDir()
	run := func(args ...string) string { return tlsOpenSSL(t, args...) }
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/O=Test/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example,IP:127.0.0.1", "-keyout", key, "-out", cert)
	port := sshFreePort(t)
	server := exec.Command("openssl", "s_server", "-accept", "127.0.0.1:"+port, "-cert", cert, "-key", key, "-quiet", "-tls1_2")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	var res *TLSResult
	eventually(t, "s_server answers", func() (ok bool) {
		var err error
		res, err = InspectTLS(tcpWithin(t, time.Minute), TLSRequest{TCPRequest: TCPRequest{Addr: "127.0.0.1:" + port}})
		return err == nil
	})
	got := map[string]string{"SHA256": res.Chain[0].SHA256, "Serial": res.Chain[0].Serial, "NotAfter": res.Chain[0].NotAfter.UTC().Format("Jan _2 15:04:05 2006 GMT"),
		"Key": res.Chain[0].Key, "Names": strings.Join(res.Chain[0].Names, " "), "Subject": res.Chain[0].Subject, "Version": res.Version, "Verified": res.VerifyError}
	field := func(option string) string {
		_, value, _ := strings.Cut(run("x509", "-in", cert, "-noout", option), "=")
		return value
	}
	fingerprint := run("x509", "-in", cert, "-noout", "-fingerprint", "-sha256")
	_, fingerprint, _ = strings.Cut(fingerprint, "=")
	want := map[string]string{"SHA256": strings.ToLower(strings.ReplaceAll(fingerprint, ":", "")), "Serial": strings.ToLower(strings.TrimLeft(field("-serial"), "0")), "NotAfter": field("-enddate"),
		"Key": "RSA 2048", "Names": "shop.example 127.0.0.1", "Subject": "shop.example", "Version": "1.2", "Verified": `certificate signed by unknown authority "CN=shop.example,O=Test"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("InspectTLS (-openssl +got):\n%s", diff)
	}
	roots, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	if block, _ := pem.Decode(roots); block == nil {
		t.Fatalf("openssl wrote %q, want a certificate", roots)
	}
	res, err = InspectTLS(tcpWithin(t, time.Minute), TLSRequest{TCPRequest: TCPRequest{Addr: "127.0.0.1:" + port, CA: roots}})
	if err != nil || !res.Verified {
		t.Errorf("InspectTLS with that certificate as root = %+v, %v, want it verified", res, err)
	}
}

func tlsOpenSSL(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("openssl", args...).Output()
	if err != nil {
		t.Fatalf("openssl %v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

// A server may ask for a new handshake once it has seen the request, as some do that
// want a client certificate for one path only.
func TestTLSRenegotiation(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		execMissing(t, "openssl")
	}
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	tlsOpenSSL(t, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=shop.example", "-keyout", key, "-out", cert)
	port := sshFreePort(t)
	server := exec.Command("openssl", "s_server", "-accept", "127.0.0.1:"+port, "-cert", cert, "-key", key, "-tls1_2")
	said, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	typed, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	ready := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(said)
		for lines.Scan() {
			switch {
			case lines.Text() == "ACCEPT":
				close(ready)
			case strings.HasPrefix(lines.Text(), "GET "):
				_, _ = io.WriteString(typed, "R\n") // ask for a new handshake
			case strings.HasPrefix(lines.Text(), "SSL_do_handshake"):
				_, _ = io.WriteString(typed, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\n")
			}
		}
	}()
	<-ready
	res, failed := httpProbe(t, time.Minute, HTTPRequest{URL: "https://127.0.0.1:" + port + "/", Insecure: true})
	if failed != nil || string(res.Body) != "ok" {
		t.Errorf("Do with a server that renegotiates = %+v, %v, want its answer", res, failed)
	}
}

// An operator who reads "expired" looks at the server's own certificate, and one who
// reads "unknown authority" at the list of those: neither may be where the fault is.
func TestTLSProblemIsOfAnAuthority(t *testing.T) {
	now := time.Now()
	a, namesake := newTLSAuthority(t), newTLSAuthority(t)
	old := &tlsAuthority{}
	old.cert, old.key = old.issue(t, "Old Authority", now.Add(-100*time.Hour), now.Add(-50*time.Hour), true)
	expired := old.tlsYear(t)
	itself := tls.Certificate{Certificate: [][]byte{old.cert.Raw}, PrivateKey: old.key} // as openssl req -x509 makes one
	roots := slices.Concat(a.pem(), old.pem())
	for want, pair := range map[string]tls.Certificate{
		`certificate of authority "CN=Old Authority" expired 2 days ago`:                                       expired,
		`certificate expired 2 days ago`:                                                                       itself,
		`certificate signed by unknown authority "CN=Test Authority" (possibly because of "ECDSA verification`: namesake.tlsYear(t),
	} {
		addr := tlsServe(t, &tls.Config{Certificates: []tls.Certificate{pair}})
		res, err := InspectTLS(tcpWithin(t, time.Minute), TLSRequest{TCPRequest: TCPRequest{Addr: addr, CA: roots}})
		if err != nil || !strings.HasPrefix(res.VerifyError, want) {
			t.Errorf("InspectTLS: %v, verify error %q, want it to begin with %q", err, res.VerifyError, want)
		}
	}
}
