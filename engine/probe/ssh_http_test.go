package probe

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sshPages is a server of pages whose results can be foretold.
func sshPages(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/slow":
		time.Sleep(60 * time.Millisecond)
		fmt.Fprint(w, "head")
		w.(http.Flusher).Flush()
		time.Sleep(40 * time.Millisecond)
		fmt.Fprint(w, "tail")
	case "/redirect":
		http.Redirect(w, r, "/echo?from=redirect", http.StatusFound)
	case "/big":
		w.Write(bytes.Repeat([]byte("0123456789"), 100_000))
	case "/hang":
		<-r.Context().Done()
	default:
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", "yes")
		fmt.Fprintf(w, "%s %s host=%s body=%q", r.Method, r.URL, r.Host, body)
		for _, name := range []string{"User-Agent", "Accept", "Authorization", "Cookie", "X-Quote", "Content-Type", "Expect"} {
			fmt.Fprintf(w, "\n%s: %q", name, r.Header.Values(name))
		}
	}
}

// sshHTTP makes a request that leaves from a host.
func sshHTTP(ctx context.Context, p *SSHPool, host string, req HTTPRequest) (*HTTPResult, error) {
	if err := p.Ready(ctx, host); err != nil {
		return nil, err
	}
	req.Vantage = host
	req.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		return p.Dial(ctx, host, network, addr)
	}
	req.Exec = func(ctx context.Context, e ExecRequest) (*ExecResult, error) { return p.Exec(ctx, host, e) }
	return new(HTTPClient).Do(ctx, &req)
}

// What leaves from a host, and what its curl does where it denies forwarding,
// must look like the same request made here.
func TestSSHHTTP(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(sshPages))
	defer web.Close()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(sshPages))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	secure.StartTLS()
	defer secure.Close()
	socket := filepath.Join(t.TempDir(), "web")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	local := &http.Server{Handler: http.HandlerFunc(sshPages)}
	go local.Serve(listener)
	defer local.Close()

	sshNeed(t, "curl")
	open, strict := startSSHD(t), startSSHD(t, "AllowTcpForwarding no", "AllowStreamLocalForwarding no")
	p := sshTestPool(t, open.stanza("open"), strict.stanza("strict"))
	requests := map[string]HTTPRequest{
		"plain":    {URL: web.URL + "/echo?a=b"},
		"post":     {URL: web.URL, Method: "POST", Body: []byte("line 1\nline \"2\" é"), Header: http.Header{"Content-Type": {"text/plain"}}},
		"redirect": {URL: web.URL + "/redirect", Redirects: 3},
		"big":      {URL: web.URL + "/big", MaxBody: 1000},
		"unix":     {URL: "http://localhost/echo", Unix: socket},
		"insecure": {URL: secure.URL, Insecure: true},
	}
	for name, req := range requests {
		want, err := new(HTTPClient).Do(sshWithin(t, time.Minute), &req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, host := range []string{"open", "strict"} {
			got, err := sshHTTP(sshWithin(t, time.Minute), p, host, req)
			if err != nil {
				t.Errorf("%s: HTTP(%s, %s) = %v, want no error", name, host, req.URL, err)
				continue
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(HTTPResult{}, "Timing", "RemoteIP", "TLS"),
				cmpopts.IgnoreMapEntries(func(name string, _ []string) bool { return name == "Date" })); diff != "" {
				t.Errorf("%s: HTTP(%s, %s): -here +there\n%s", name, host, req.URL, diff)
			}
		}
	}
}

func TestSSHHTTPTiming(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(sshPages))
	defer web.Close()
	sshNeed(t, "curl")
	open, strict := startSSHD(t), startSSHD(t, "AllowTcpForwarding no")
	p := sshTestPool(t, open.stanza("open"), strict.stanza("strict"))
	for _, host := range []string{"open", "strict"} {
		res, err := sshHTTP(sshWithin(t, time.Minute), p, host, HTTPRequest{URL: web.URL + "/slow"})
		if err != nil {
			t.Fatal(err)
		}
		timing := res.Timing
		var sum time.Duration
		for _, phase := range timing.Phases() {
			sum += phase.Duration
		}
		if sum != timing.Total {
			t.Errorf("%s: phases sum to %v, want %v", host, sum, timing.Total)
		}
		// No closer than what even a busy machine keeps: the server's own sleeps.
		if timing.StartTransfer < 60*time.Millisecond || timing.Total < 100*time.Millisecond || timing.Total > 5*time.Second {
			t.Errorf("%s: StartTransfer %v, Total %v, want at least 60ms and 100ms", host, timing.StartTransfer, timing.Total)
		}
	}
}

func TestSSHHTTPErrors(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(sshPages))
	defer web.Close()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(sshPages))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	secure.StartTLS()
	defer secure.Close()
	sshNeed(t, "curl")
	open, strict := startSSHD(t), startSSHD(t, "AllowTcpForwarding no")
	down := startSSHD(t)
	down.kill(down.cmd)
	p := sshTestPool(t, open.stanza("open"), strict.stanza("strict"), down.stanza("down"))
	tests := []struct {
		hosts string
		req   HTTPRequest
		kind  Kind
		phase string
	}{
		{"open strict", HTTPRequest{URL: "http://" + httpRefused(t)}, Refused, "connect"},
		{"strict", HTTPRequest{URL: "http://no-such-host.invalid"}, DNS, "dns"},
		{"open", HTTPRequest{URL: "http://no-such-host.invalid"}, DNS, "connect"},
		{"open", HTTPRequest{URL: web.URL + "/hang"}, Timeout, "wait"},
		{"strict", HTTPRequest{URL: web.URL + "/hang"}, Timeout, ""},
		{"open", HTTPRequest{URL: secure.URL}, TLS, "tls"},
		{"strict", HTTPRequest{URL: secure.URL}, TLS, ""},
		{"strict", HTTPRequest{URL: secure.URL, ServerName: "x"}, Vantage, ""},
		{"down", HTTPRequest{URL: web.URL}, Vantage, ""},
	}
	for _, tt := range tests {
		for host := range strings.FieldsSeq(tt.hosts) {
			limit := time.Minute
			if tt.kind == Timeout {
				limit = 2 * time.Second
			}
			_, err := sshHTTP(sshWithin(t, limit), p, host, tt.req)
			for KindOf(err) == Timeout && tt.phase != "" && err.(*Error).Phase != tt.phase && limit < 20*time.Second {
				limit *= 2 // a busy machine needs longer to come to that phase
				_, err = sshHTTP(sshWithin(t, limit), p, host, tt.req)
			}
			e, ok := err.(*Error)
			if !ok || e.Kind != tt.kind || tt.phase != "" && e.Phase != tt.phase {
				t.Errorf("HTTP(%s, %s) = %#v (%v), want kind %q in phase %q", host, tt.req.URL, e, err, tt.kind, tt.phase)
			}
		}
	}
}
