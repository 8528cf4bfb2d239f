package probe

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Each benchmark here compares with a raw loop in the same process, in turns
// of a few milliseconds, so that both meet the same machine. Both run on one
// core (GOMAXPROCS 1); the server is a process of its own. They report
// checks/s of both sides and their ratio, by the clock ("ratio") and by the
// CPU time of this process ("cpu-ratio"), which other load disturbs less.

const (
	httpBenchEnv     = "PHAROS_HTTP_BENCH_SERVER"
	httpBenchWorkers = 16
	httpBenchTurn    = 8 // requests of one worker in one turn
)

func BenchmarkHTTPPlain(b *testing.B) {
	s := startHTTPBench(b, false)
	httpCompare(b, s.probe(HTTPRequest{}), s.bare(true))
}

func BenchmarkHTTPTLSHandshake(b *testing.B) {
	s := startHTTPBench(b, true)
	httpCompare(b, s.probe(HTTPRequest{HTTP: "1.1"}), s.bare(true))
}

func BenchmarkHTTPKeepAlivePlain(b *testing.B) {
	s := startHTTPBench(b, false)
	httpCompare(b, s.probe(HTTPRequest{KeepAlive: true}), s.bare(false))
}

func BenchmarkHTTPKeepAliveTLS(b *testing.B) {
	s := startHTTPBench(b, true)
	httpCompare(b, s.probe(HTTPRequest{KeepAlive: true, HTTP: "1.1"}), s.bare(false))
}

// BenchmarkHTTPAgainstCurl compares with what the original did for each check.
// curl may use all cores; "ratio" is by the clock.
func BenchmarkHTTPAgainstCurl(b *testing.B) {
	curl := httpRealTool(b, "curl")
	s := startHTTPBench(b, false)
	ours := s.probe(HTTPRequest{})
	command := curl + " -s -o /dev/null -w '%{time_total}' " + s.url
	theirs := func(ctx context.Context) error { return exec.CommandContext(ctx, "sh", "-c", command).Run() }
	const times = 50 // checks of ours for one of curl's
	var spent [2]time.Duration
	for b.Loop() {
		began := time.Now()
		httpBenchRound(b, theirs, 1)
		spent[1] += time.Since(began)
		procs := runtime.GOMAXPROCS(1)
		began = time.Now()
		httpBenchRound(b, ours, times)
		spent[0] += time.Since(began)
		runtime.GOMAXPROCS(procs)
	}
	checks := float64(b.N * httpBenchWorkers)
	b.ReportMetric(times*checks/spent[0].Seconds(), "checks/s")
	b.ReportMetric(checks/spent[1].Seconds(), "curl/s")
	b.ReportMetric(times*spent[1].Seconds()/spent[0].Seconds(), "ratio")
}

// httpCompare runs ours and theirs in turns, b.N requests of each.
func httpCompare(b *testing.B, ours, theirs func(context.Context) error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	sides := [2]struct {
		do        func(context.Context) error
		wall, cpu time.Duration
	}{{do: ours}, {do: theirs}}
	for i := range sides { // connections, caches, buffers
		httpBenchRound(b, sides[i].do, 1)
	}
	b.ResetTimer()
	done := 0
	for first := 0; done < b.N; first = 1 - first {
		each := min(httpBenchTurn, (b.N-done+httpBenchWorkers-1)/httpBenchWorkers)
		for _, i := range [2]int{first, 1 - first} {
			wall, cpu := time.Now(), httpBenchCPU()
			httpBenchRound(b, sides[i].do, each)
			sides[i].wall += time.Since(wall)
			sides[i].cpu += httpBenchCPU() - cpu
		}
		done += each * httpBenchWorkers
	}
	b.StopTimer()
	b.ReportMetric(float64(done)/sides[0].wall.Seconds(), "checks/s")
	b.ReportMetric(float64(done)/sides[1].wall.Seconds(), "bare/s")
	b.ReportMetric(sides[1].wall.Seconds()/sides[0].wall.Seconds(), "ratio")
	b.ReportMetric(sides[1].cpu.Seconds()/sides[0].cpu.Seconds(), "cpu-ratio")
	b.ReportMetric(1e6*sides[0].cpu.Seconds()/float64(done), "cpu-µs/check")
}

func httpBenchRound(b *testing.B, do func(context.Context) error, each int) {
	var wg sync.WaitGroup
	for range httpBenchWorkers {
		wg.Go(func() {
			for range each {
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				if err := do(ctx); err != nil {
					b.Error(err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
}

func httpBenchCPU() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// httpBench is a server of 2 kB pages in another process.
type httpBench struct {
	url string
	ca  *httpCA
}

func startHTTPBench(b *testing.B, secure bool) httpBench {
	ca := newHTTPCA(b)
	cmd := exec.Command(os.Args[0], "-test.run=^TestHTTPBenchServer$")
	cmd.Env = append(os.Environ(), httpBenchEnv+"=1", "GOMAXPROCS=1")
	scheme := "http"
	if secure {
		scheme = "https"
		cert, key := ca.pem(b, "127.0.0.1")
		cmd.Env = append(cmd.Env, "BENCH_CERT="+string(cert), "BENCH_KEY="+string(key))
	}
	in, _ := cmd.StdinPipe()
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); cmd.Wait() })
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("reading the address of the server: %v", err)
	}
	return httpBench{url: scheme + "://" + strings.TrimSpace(addr) + "/page", ca: ca}
}

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

// bare is the loop one would write with net/http alone.
func (s httpBench) bare(fresh bool) func(context.Context) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.ca.roots)
	transport := &http.Transport{
		DisableKeepAlives:   fresh,
		MaxIdleConnsPerHost: httpBenchWorkers,
		TLSClientConfig:     &tls.Config{RootCAs: roots},
	}
	return func(ctx context.Context) error {
		var marks [6]time.Time
		if fresh {
			ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
				ConnectStart:         func(_, _ string) { marks[0] = time.Now() },
				ConnectDone:          func(_, _ string, _ error) { marks[1] = time.Now() },
				TLSHandshakeDone:     func(tls.ConnectionState, error) { marks[2] = time.Now() },
				GotConn:              func(httptrace.GotConnInfo) { marks[3] = time.Now() },
				WroteRequest:         func(httptrace.WroteRequestInfo) { marks[4] = time.Now() },
				GotFirstResponseByte: func() { marks[5] = time.Now() },
			})
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
		if err != nil {
			return err
		}
		res, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}
}

// TestHTTPBenchServer is the server's process; as a test it does nothing.
func TestHTTPBenchServer(t *testing.T) {
	if os.Getenv(httpBenchEnv) == "" {
		t.Skip("it serves the benchmarks")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString(ln.Addr().String() + "\n")
	if cert := os.Getenv("BENCH_CERT"); cert != "" {
		pair, err := tls.X509KeyPair([]byte(cert), []byte(os.Getenv("BENCH_KEY")))
		if err != nil {
			t.Fatal(err)
		}
		ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{pair}})
	}
	go httpBenchServe(ln)
	io.Copy(io.Discard, os.Stdin) // until the benchmark is over
	os.Exit(0)
}

func httpBenchServe(ln net.Listener) {
	page := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2048\r\n\r\n" + strings.Repeat("x", 2048))
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			buf := make([]byte, 2048)
			for {
				n, err := conn.Read(buf)
				if err != nil {
					return
				}
				conn.Write(page)
				if bytes.Contains(buf[:n], []byte("Connection: close")) {
					return
				}
			}
		}()
	}
}
