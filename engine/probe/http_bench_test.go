package probe

import (
	"context"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"pharos/engine/probe/httpbench"
)

func BenchmarkHTTPPlain(b *testing.B) {
	s := startHTTPBench(b, false)
	httpbench.Compare(b, s.probe(HTTPRequest{}), s.bare(true))
}

func BenchmarkHTTPTLSHandshake(b *testing.B) {
	s := startHTTPBench(b, true)
	httpbench.Compare(b, s.probe(HTTPRequest{HTTP: "1.1"}), s.bare(true))
}

func BenchmarkHTTPKeepAlivePlain(b *testing.B) {
	s := startHTTPBench(b, false)
	httpbench.Compare(b, s.probe(HTTPRequest{KeepAlive: true}), s.bare(false))
}

func BenchmarkHTTPKeepAliveTLS(b *testing.B) {
	s := startHTTPBench(b, true)
	httpbench.Compare(b, s.probe(HTTPRequest{KeepAlive: true, HTTP: "1.1"}), s.bare(false))
}

// BenchmarkHTTPAgainstCurl compares with what the original did for each check.
// curl may use all cores; "ratio" is by the clock.
func BenchmarkHTTPAgainstCurl(b *testing.B) {
	curl := httpRealTool(b, "curl")
	s := startHTTPBench(b, false)
	ours := httpbench.NewCrew(b, s.probe(HTTPRequest{}))
	command := curl + " -s -o /dev/null -w '%{time_total}' " + s.url
	theirs := httpbench.NewCrew(b, func(ctx context.Context) error { return exec.CommandContext(ctx, "sh", "-c", command).Run() })
	const times, workers = 50, 16 // checks of ours for one of curl's; what makes a round
	var spent [2]time.Duration
	for b.Loop() {
		began := time.Now()
		theirs.Round(1)
		spent[1] += time.Since(began)
		procs := runtime.GOMAXPROCS(1)
		began = time.Now()
		ours.Round(times)
		spent[0] += time.Since(began)
		runtime.GOMAXPROCS(procs)
	}
	checks := float64(b.N * workers)
	b.ReportMetric(times*checks/spent[0].Seconds(), "checks/s")
	b.ReportMetric(checks/spent[1].Seconds(), "curl/s")
	b.ReportMetric(times*spent[1].Seconds()/spent[0].Seconds(), "ratio")
}

// httpBench is a server of 2 kB pages in another process.
type httpBench struct {
	url string
	ca  *httpCA
}

func startHTTPBench(b *testing.B, secure bool) httpBench {
	ca := newHTTPCA(b)
	var cert, key []byte
	if secure {
		cert, key = ca.pem(b, "127.0.0.1")
	}
	return httpBench{url: httpbench.Start(b, "TestHTTPBenchServer", cert, key), ca: ca}
}

func TestHTTPBenchServer(t *testing.T) { httpbench.Serve(t) }

func (s httpBench) probe(req HTTPRequest) func(context.Context) error {
	client := new(HTTPClient)
	req.URL = s.url
	if strings.HasPrefix(s.url, "https") {
		req.CA = s.ca.roots
	}
	return func(ctx context.Context) error {
		_, err := client.Do(ctx, &req)
		return err
	}
}

func (s httpBench) bare(fresh bool) func(context.Context) error {
	return httpbench.Bare(s.url, s.ca.roots, fresh)
}
