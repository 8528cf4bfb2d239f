// Package httpbench compares ways of making HTTP requests with the raw loop one
// would write with net/http alone. Both sides make their requests in turns of a
// few milliseconds, so that they meet the same machine; both run on one core
// (GOMAXPROCS 1); the server is a process of its own, so that what it takes is
// on neither side.
package httpbench

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

const (
	workers = 16
	turn    = 8 // requests of one worker in one turn

	serverEnv = "PHAROS_HTTP_BENCH_SERVER"
	certEnv   = "PHAROS_HTTP_BENCH_CERT"
	keyEnv    = "PHAROS_HTTP_BENCH_KEY"
)

// Compare runs ours and theirs in turns, b.N requests of each. It reports
// requests a second of both sides and their ratio, by the clock ("ratio") and
// by the CPU time of this process ("cpu-ratio"), which other load disturbs less.
func Compare(b *testing.B, ours, theirs func(context.Context) error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	sides := [2]struct {
		crew      *Crew
		wall, cpu time.Duration
	}{{crew: NewCrew(b, ours)}, {crew: NewCrew(b, theirs)}}
	for i := range sides { // connections, caches, buffers
		sides[i].crew.Round(1)
	}
	b.ResetTimer()
	done := 0
	for first := 0; done < b.N; first = 1 - first {
		each := min(turn, (b.N-done+workers-1)/workers)
		for _, i := range [2]int{first, 1 - first} {
			wall, cpu := time.Now(), cpuTime()
			sides[i].crew.Round(each)
			sides[i].wall += time.Since(wall)
			sides[i].cpu += cpuTime() - cpu
		}
		done += each * workers
	}
	b.StopTimer()
	b.ReportMetric(float64(done)/sides[0].wall.Seconds(), "checks/s")
	b.ReportMetric(float64(done)/sides[1].wall.Seconds(), "bare/s")
	b.ReportMetric(sides[1].wall.Seconds()/sides[0].wall.Seconds(), "ratio")
	b.ReportMetric(sides[1].cpu.Seconds()/sides[0].cpu.Seconds(), "cpu-ratio")
	b.ReportMetric(1e6*sides[0].cpu.Seconds()/float64(done), "cpu-µs/check")
}

// Crew is 16 goroutines that make requests. They last as long as the benchmark:
// a loop's and a daemon's do, and in new ones the deeper side would mostly grow
// their stacks.
type Crew struct {
	orders [workers]chan int
	done   sync.WaitGroup
}

// NewCrew starts a crew that ends with the benchmark.
func NewCrew(b *testing.B, do func(context.Context) error) *Crew {
	c := new(Crew)
	for i := range c.orders {
		orders := make(chan int)
		c.orders[i] = orders
		b.Cleanup(func() { close(orders) })
		go func() {
			for each := range orders {
				for range each {
					ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
					if err := do(ctx); err != nil {
						b.Error(err)
					}
					cancel()
				}
				c.done.Done()
			}
		}()
	}
	return c
}

// Round lets all of them make so many requests each, of 5 s at most.
func (c *Crew) Round(each int) {
	c.done.Add(workers)
	for _, orders := range c.orders {
		orders <- each
	}
	c.done.Wait()
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Bare is the loop's body one would write with net/http alone, for a fresh
// connection each time with all moments noted, or for a kept one without. roots
// are the certificates to trust, as PEM.
func Bare(url string, roots []byte, fresh bool) func(context.Context) error {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(roots)
	transport := &http.Transport{
		DisableKeepAlives:   fresh,
		MaxIdleConnsPerHost: workers,
		TLSClientConfig:     &tls.Config{RootCAs: pool},
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
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
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

// Start starts this test binary again as a server of 2 kB pages, over TLS with
// that certificate and key (PEM) if there are any, and gives the address of a
// page. The binary needs a test of the given name that calls [Serve].
func Start(b *testing.B, server string, cert, key []byte) (url string) {
	cmd := exec.Command(os.Args[0], "-test.run=^"+server+"$")
	cmd.Env = append(os.Environ(), serverEnv+"=1", "GOMAXPROCS=1", certEnv+"="+string(cert), keyEnv+"="+string(key))
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); cmd.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("reading the address of the server: %v", err)
	}
	scheme := "http://"
	if len(cert) > 0 {
		scheme = "https://"
	}
	return scheme + strings.TrimSpace(address) + "/page"
}

// Serve is the server's process, until its standard input ends. Called by
// anyone but [Start], it skips the test.
func Serve(t *testing.T) {
	if os.Getenv(serverEnv) == "" {
		t.Skip("it serves the benchmarks")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString(ln.Addr().String() + "\n")
	if cert := os.Getenv(certEnv); cert != "" {
		pair, err := tls.X509KeyPair([]byte(cert), []byte(os.Getenv(keyEnv)))
		if err != nil {
			t.Fatal(err)
		}
		ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{pair}})
	}
	go serve(ln)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the benchmark is over
	os.Exit(0)
}

func serve(ln net.Listener) {
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
				if _, err := conn.Write(page); err != nil || bytes.Contains(buf[:n], []byte("Connection: close")) {
					return
				}
			}
		}()
	}
}
