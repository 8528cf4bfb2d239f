package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// httpCurl is what `curl -w '%{json}'` tells, as far as Pharos tells it too.
type httpCurl struct {
	Exit        int    `json:"exitcode"`
	Status      int    `json:"http_code"`
	Size        int64  `json:"size_download"`
	Proto       string `json:"http_version"`
	RemoteIP    string `json:"remote_ip"`
	Redirects   int    `json:"num_redirects"`
	Connects    int    `json:"num_connects"`
	URL         string `json:"url_effective"`
	RedirectURL string `json:"redirect_url"`
	ContentType string `json:"content_type"`

	NameLookup    float64 `json:"time_namelookup"`
	Connected     float64 `json:"time_connect"`
	AppConnect    float64 `json:"time_appconnect"`
	PreTransfer   float64 `json:"time_pretransfer"`
	StartTransfer float64 `json:"time_starttransfer"`
	Redirect      float64 `json:"time_redirect"`
	Total         float64 `json:"time_total"`
}

// facts is what must agree exactly.
func (c httpCurl) facts() httpCurl {
	c.NameLookup, c.Connected, c.AppConnect, c.PreTransfer = 0, 0, 0, 0
	c.StartTransfer, c.Redirect, c.Total = 0, 0, 0
	return c
}

// times is what must agree within a tolerance. Of several runs the least of
// each counts: what the machine adds is noise.
func (c httpCurl) times() map[string]float64 {
	return map[string]float64{
		"time_namelookup": c.NameLookup, "time_connect": c.Connected, "time_appconnect": c.AppConnect,
		"time_pretransfer": c.PreTransfer, "time_starttransfer": c.StartTransfer,
		"time_redirect": c.Redirect, "time_total": c.Total,
	}
}

// realTool finds a real counterpart. Where the environment promises them all,
// a missing one is a failure.
func httpRealTool(t testing.TB, name string) string {
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("PHAROS_REQUIRE_REAL") == "1" {
		t.Fatalf("finding %s: %v", name, err)
	}
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

func runHTTPCurl(t *testing.T, curl string, args ...string) httpCurl {
	args = append([]string{"-q", "-s", "-o", os.DevNull, "-A", "Pharos", "-w", "%{json}", "--noproxy", "*"}, args...)
	cmd := exec.Command(curl, args...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("running %q: %v", cmd.Args, err)
	}
	var got httpCurl
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("reading the output of %q: %v in %q", cmd.Args, err, out)
	}
	return got
}

// httpExits is which kinds belong to which of curl's exit codes.
var httpExits = map[Kind][]int{
	"":        {0},
	DNS:       {6},
	Refused:   {7},
	Timeout:   {28},
	Reset:     {52, 56, 18},
	TLS:       {35, 60},
	Redirects: {47},
	TooBig:    {56, 100}, // 100 since curl 8.6
}

// runHTTPProbe puts our result in curl's words.
func runHTTPProbe(t *testing.T, c *HTTPClient, timeout time.Duration, req HTTPRequest) (httpCurl, Kind) {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	res, err := c.Do(ctx, &req)
	var got httpCurl
	var timing Timing
	if err != nil {
		timing = *err.(*Error).Timing
	} else {
		timing = res.Timing
		got = httpCurl{
			Status: res.Status, Size: res.Size, Proto: res.Proto, RemoteIP: res.RemoteIP,
			Redirects: len(res.Hops), Connects: res.Connects, URL: res.URL, RedirectURL: res.RedirectURL,
			ContentType: res.Header.Get("Content-Type"),
		}
		if got.Proto == "1.0" {
			got.Proto = "1" // curl says it so
		}
	}
	got.NameLookup, got.Connected = timing.NameLookup.Seconds(), timing.Connected.Seconds()
	got.AppConnect, got.PreTransfer = timing.AppConnect.Seconds(), timing.PreTransfer.Seconds()
	got.StartTransfer, got.Redirect = timing.StartTransfer.Seconds(), timing.Redirect.Seconds()
	got.Total = timing.Total.Seconds()
	return got, KindOf(err)
}

func TestHTTPAgreesWithCurl(t *testing.T) {
	curl := httpRealTool(t, "curl")
	ca := newHTTPCA(t)
	other := newHTTPCA(t)
	dir := t.TempDir()
	caFile := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(caFile, ca.roots, 0o600); err != nil {
		t.Fatal(err)
	}
	secured := func(edit func(*tls.Config)) *httptest.Server {
		config := httpTLS(t, ca, "127.0.0.1", nil)
		edit(config)
		return newHTTPServer(t, httpPages(), config)
	}
	plain := newHTTPServer(t, httpPages(), nil)
	h2 := secured(func(*tls.Config) {})
	tls12 := secured(func(c *tls.Config) { c.MaxVersion, c.NextProtos = tls.VersionTLS12, []string{"http/1.1"} })
	tls13 := secured(func(c *tls.Config) { c.MinVersion, c.NextProtos = tls.VersionTLS13, []string{"http/1.1"} })
	stranger := newHTTPServer(t, httpPages(), httpTLS(t, other, "127.0.0.1", nil))
	misnamed := newHTTPServer(t, httpPages(), httpTLS(t, ca, "elsewhere.test", nil))
	expired := newHTTPServer(t, httpPages(), httpTLS(t, ca, "127.0.0.1", func(c *x509.Certificate) {
		c.NotAfter = time.Now().Add(-72 * time.Hour)
	}))
	socket := filepath.Join(dir, "web.sock")
	serveHTTPUnix(t, socket)
	refused := httpRefused(t)

	tests := []struct {
		name    string
		req     HTTPRequest
		args    []string // beside the URL, for curl
		timeout time.Duration
	}{
		{name: "plain", req: HTTPRequest{URL: plain.URL + "/plain"}},
		{name: "empty path", req: HTTPRequest{URL: plain.URL}},
		{name: "name", req: HTTPRequest{URL: strings.Replace(plain.URL, "127.0.0.1", "localhost", 1) + "/slow", IP: 4}, args: []string{"-4"}},
		{name: "resolve", req: HTTPRequest{
			URL:     strings.Replace(plain.URL, "127.0.0.1", "shop.test", 1) + "/slow",
			Resolve: map[string]string{"shop.test": "127.0.0.1"},
		}, args: []string{"--resolve", "shop.test:" + httpPort(plain.URL) + ":127.0.0.1"}},
		{name: "head", req: HTTPRequest{URL: plain.URL + "/slow", Method: "HEAD"}, args: []string{"-I"}},
		{name: "post", req: HTTPRequest{URL: plain.URL + "/plain", Method: "POST", Body: []byte("a=b")}, args: []string{"-d", "a=b"}},
		{name: "not found", req: HTTPRequest{URL: plain.URL + "/nowhere"}},
		{name: "no content", req: HTTPRequest{URL: plain.URL + "/status/204"}},
		{name: "server error", req: HTTPRequest{URL: plain.URL + "/status/503"}},
		{name: "tls 1.2", req: HTTPRequest{URL: tls12.URL + "/slow", CA: ca.roots}},
		{name: "tls 1.3", req: HTTPRequest{URL: tls13.URL + "/slow", CA: ca.roots}},
		{name: "h2", req: HTTPRequest{URL: h2.URL + "/slow", CA: ca.roots}},
		{name: "h2 refused by the client", req: HTTPRequest{URL: h2.URL + "/slow", CA: ca.roots, HTTP: "1.1"}, args: []string{"--http1.1"}},
		{name: "h2 drip", req: HTTPRequest{URL: h2.URL + "/drip", CA: ca.roots}},
		{name: "redirect not followed", req: HTTPRequest{URL: plain.URL + "/redirect/1"}},
		{name: "redirects", req: HTTPRequest{URL: plain.URL + "/redirect/3", Redirects: 5}, args: []string{"-L"}},
		{name: "redirects over h2", req: HTTPRequest{URL: h2.URL + "/redirect/2", CA: ca.roots, Redirects: 5}, args: []string{"-L"}},
		{name: "too many redirects", req: HTTPRequest{URL: plain.URL + "/redirect/3", Redirects: 2}, args: []string{"-L", "--max-redirs", "2"}},
		{name: "unix socket", req: HTTPRequest{URL: "http://app.test/slow", Unix: socket}, args: []string{"--unix-socket", socket}},
		{name: "slow headers", req: HTTPRequest{URL: plain.URL + "/slow"}},
		{name: "dripping body", req: HTTPRequest{URL: plain.URL + "/drip"}},
		{name: "early hints", req: HTTPRequest{URL: plain.URL + "/hint"}},
		{name: "gzip", req: HTTPRequest{URL: plain.URL + "/gzip"}},
		{name: "100 MB", req: HTTPRequest{URL: plain.URL + "/big"}},
		{name: "http 1.0", req: HTTPRequest{URL: "http://" + httpScripted(t, httpSays("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold", false))}},
		{name: "chunked", req: HTTPRequest{URL: "http://" + httpScripted(t, httpSays("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n1\r\n!\r\n0\r\nT: 1\r\n\r\n", true))}},
		{name: "refused", req: HTTPRequest{URL: "http://" + refused}},
		{name: "reset", req: HTTPRequest{URL: "http://" + httpScripted(t, httpResets)}},
		{name: "empty reply", req: HTTPRequest{URL: "http://" + httpScripted(t, httpSays("", false))}},
		{name: "cut short", req: HTTPRequest{URL: "http://" + httpScripted(t, httpSays("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", false))}},
		{name: "no answer", req: HTTPRequest{URL: "http://" + httpScripted(t, httpHangs)}, timeout: 150 * time.Millisecond},
		{name: "silent TLS", req: HTTPRequest{URL: "https://" + httpScripted(t, httpHangs)}, timeout: 150 * time.Millisecond},
		{name: "endless headers", req: HTTPRequest{URL: "http://" + httpScripted(t, httpEndlessHead)}},
		{name: "endless body", req: HTTPRequest{URL: plain.URL + "/endless"}, timeout: 50 * time.Millisecond},
		{name: "drip too slow", req: HTTPRequest{URL: plain.URL + "/drip"}, timeout: 50 * time.Millisecond},
		{name: "unknown authority", req: HTTPRequest{URL: stranger.URL + "/slow", CA: ca.roots}},
		{name: "unknown authority, insecure", req: HTTPRequest{URL: stranger.URL + "/slow", CA: ca.roots, Insecure: true}, args: []string{"-k"}},
		{name: "other name", req: HTTPRequest{URL: misnamed.URL + "/slow", CA: ca.roots}},
		{name: "expired", req: HTTPRequest{URL: expired.URL + "/slow", CA: ca.roots}},
		{name: "expired, insecure", req: HTTPRequest{URL: expired.URL + "/slow", CA: ca.roots, Insecure: true}, args: []string{"-k"}},
		{name: "no TLS there", req: HTTPRequest{URL: strings.Replace(plain.URL, "http:", "https:", 1), CA: ca.roots}},
	}
	var client HTTPClient
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			timeout := tt.timeout
			if timeout == 0 {
				timeout = time.Minute
			}
			args := append([]string{"-m", fmt.Sprint(timeout.Seconds())}, tt.args...)
			if len(tt.req.CA) > 0 {
				args = append(args, "--cacert", caFile)
			}
			compareHTTP(t, curl, append(args, tt.req.URL), &client, timeout, tt.req)
		})
	}
}

// compareHTTP runs both sides in turns until they agree, or will not: a busy machine
// has a minute for a moment in which it lets both of them run.
func compareHTTP(t *testing.T, curl string, args []string, c *HTTPClient, timeout time.Duration, req HTTPRequest) {
	const fewest, most = 2, 25
	var theirs, ours map[string]float64
	var apart string
	for run, began := 0, time.Now(); run < most || time.Since(began) < time.Minute; run++ {
		want := runHTTPCurl(t, curl, args...)
		got, kind := runHTTPProbe(t, c, timeout, req)
		if !httpSameExit(kind, want.Exit) {
			t.Fatalf("Do(%q) failed as %q, curl exited with %d", req.URL, kind, want.Exit)
		}
		if kind == "" {
			want.Exit = 0
			if req.Unix != "" {
				want.RemoteIP = "" // curl 7.88 gives a piece of the path
			}
			if diff := cmp.Diff(want.facts(), got.facts()); diff != "" {
				t.Fatalf("Do(%q) (-curl +pharos):\n%s", req.URL, diff)
			}
		}
		theirs, ours = httpLeast(theirs, want.times()), httpLeast(ours, got.times())
		if apart = httpApart(theirs, ours, kind != ""); apart == "" && run+1 >= fewest {
			return
		}
	}
	t.Errorf("Do(%q): %s", req.URL, apart)
}

func httpSameExit(kind Kind, exit int) bool {
	for _, e := range httpExits[kind] {
		if e == exit {
			return true
		}
	}
	return false
}

func httpLeast(least, times map[string]float64) map[string]float64 {
	for name, v := range times {
		if before, ok := least[name]; ok {
			times[name] = min(before, v)
		}
	}
	return times
}

// httpApart says which times differ by more than 5 ms or 10 %. A time that
// one side has and the other has not is a difference whatever its size.
// But when it failed, curl drops the marks of an attempt (time_connect when
// TLS fails) that Pharos keeps.
func httpApart(theirs, ours map[string]float64, failed bool) string {
	var apart []string
	for name, want := range theirs {
		got := ours[name]
		if diff := max(got-want, want-got); diff > max(0.005, 0.1*want) || !failed && (got == 0) != (want == 0) {
			apart = append(apart, fmt.Sprintf("%s = %.6f, curl says %.6f", name, got, want))
		}
	}
	return strings.Join(apart, "; ")
}

func serveHTTPUnix(t *testing.T, path string) {
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(httpPages())
	s.Listener.Close()
	s.Listener = ln
	s.Start()
	t.Cleanup(s.Close)
}

// httpRefused is an address where nobody listens: a socket that only has it keeps
// it from everyone else.
func httpRefused(t testing.TB) string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	syscall.CloseOnExec(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", at.(*syscall.SockaddrInet4).Port)
}

func httpPort(url string) string { return url[strings.LastIndexByte(url, ':')+1:] }
