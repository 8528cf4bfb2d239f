package web

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pharos/engine"
)

const (
	benchViewers = 1000
	benchAddrEnv = "PHAROS_BENCH_VIEWERS_OF"
)

// TestMain lets a benchmark run this binary again as its viewers, in a process
// of their own, so that the server's processor time is told from theirs.
func TestMain(m *testing.M) {
	if addr := os.Getenv(benchAddrEnv); addr != "" {
		os.Exit(beViewers(addr))
	}
	os.Exit(m.Run())
}

func beViewers(addr string) int {
	for range benchViewers {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if _, err := io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		go func() { _, _ = io.Copy(io.Discard, conn) }()
	}
	select {} // until killed
}

// BenchmarkFanOut sends 1 KB frames, ten a second, to a thousand viewers, and
// reports the processor time for each frame and viewer, beats
// included: through the hub and r3labs, and by a loop written by hand, the least that net/http allows.
func BenchmarkFanOut(b *testing.B) {
	b.Run("hub", func(b *testing.B) {
		c := engine.Watcher{Check: func(context.Context) (engine.Result, error) {
			return engine.Result{Status: engine.OK, Detail: strings.Repeat("d", 600)}, nil
		}}
		w, addr := tcpWall(b, Config{}, engine.Set{Watchers: []engine.Watcher{watcher("", "a", 100*time.Millisecond, c.Check)}})
		fanOut(b, addr, func() int { return w.Viewers() })
	})
	b.Run("hand", func(b *testing.B) {
		h := &handLoop{viewers: map[chan []byte]struct{}{}}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		server := &http.Server{Handler: h, ReadHeaderTimeout: time.Second}
		go func() { _ = server.Serve(viewerListener{ln}) }()
		stop := make(chan struct{})
		go h.run(stop)
		b.Cleanup(func() { close(stop); server.Close() })
		fanOut(b, ln.Addr().String(), h.count)
	})
}

// fanOut lets the viewers come, then measures b.N tenths of a second.
func fanOut(b *testing.B, addr string, viewers func() int) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), benchAddrEnv+"="+addr)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for i := 0; viewers() < benchViewers; i++ {
		if i > 1000 {
			b.Fatalf("%d viewers after 10 s, want %d", viewers(), benchViewers)
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(time.Second)
	b.ResetTimer()
	before := cpuTime(b)
	time.Sleep(time.Duration(b.N) * 100 * time.Millisecond)
	used := cpuTime(b) - before
	b.StopTimer()
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N*benchViewers)/1000, "cpu-µs/frame")
	b.ReportMetric(0, "ns/op")
}

func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// handLoop is the baseline: a channel for each viewer, one write and one flush
// for each frame, under a deadline.
type handLoop struct {
	mu      sync.Mutex
	viewers map[chan []byte]struct{}
}

func (h *handLoop) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.viewers)
}

func (h *handLoop) run(stop <-chan struct{}) {
	update := []byte("id: 1\ndata: " + strings.Repeat("d", 1000) + "\nevent: update\n\n")
	beat := []byte("id: 1\ndata: " + strings.Repeat("d", 100) + "\nevent: beat\n\n")
	updates, beats := time.NewTicker(100*time.Millisecond), time.NewTicker(beatEvery)
	defer updates.Stop()
	defer beats.Stop()
	for {
		frame := update
		select {
		case <-stop:
			return
		case <-updates.C:
		case <-beats.C:
			frame = beat
		}
		h.mu.Lock()
		for v := range h.viewers {
			select {
			case v <- frame:
			default:
			}
		}
		h.mu.Unlock()
	}
}

func (h *handLoop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	frames := make(chan []byte, 4)
	h.mu.Lock()
	h.viewers[frames] = struct{}{}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.viewers, frames)
		h.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	for {
		select {
		case <-r.Context().Done():
			return
		case frame := <-frames:
			_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
			if _, err := w.Write(frame); err != nil {
				return
			}
			if err := control.Flush(); err != nil {
				return
			}
		}
	}
}

// BenchmarkSnapshot makes and compresses the board of 10,000 watchers, as is
// done once for all who ask.
func BenchmarkSnapshot(b *testing.B) {
	e := engine.New(engine.Config{Logger: quiet()})
	e.Replace(&engine.Generation{Number: 1, Sets: manySets(10_000)})
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := e.Run(ctx); err != nil {
		b.Fatal(err)
	}
	s := New(Config{Board: e.Board(), Logger: quiet()})
	var sn *snapshot
	b.Run("make", func(b *testing.B) {
		for b.Loop() {
			var err error
			if sn, err = s.snapshots.make(time.Now()); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(sn.json.plain)), "bytes")
	})
	b.Run("page", func(b *testing.B) {
		var size int
		for b.Loop() {
			data := newPageData(&sn.board, sn.json.plain, sn.made)
			size = 0
			for _, part := range []string{"top", "rest"} {
				text, err := renderPage(s.pages.template, part, data)
				if err != nil {
					b.Fatal(err)
				}
				size += len(text)
			}
		}
		b.ReportMetric(float64(size), "bytes")
	})
	b.Run("gzip", func(b *testing.B) {
		var size int
		for b.Loop() {
			size = len(sn.json.gzip())
		}
		b.ReportMetric(float64(size), "bytes")
	})
}

// manySets gives n HTTP-like watchers in sets of 100, with the variety that
// real ones have.
func manySets(n int) []engine.Set {
	sets := make([]engine.Set, n/100)
	for i := range sets {
		sets[i].Name = fmt.Sprint("Data centre ", i)
		for j := range 100 {
			ms := time.Duration(1+(i*7919+j*104729)%997) * 100 * time.Microsecond
			r := engine.Result{
				Status: engine.OK, Value: fmt.Sprintf("%.4f", ms.Seconds()), Unit: "s",
				Detail: fmt.Sprintf("%.4f %.4f %.4f (200)", ms.Seconds()/4, ms.Seconds()/2, ms.Seconds()),
				Timing: []engine.Phase{{Name: "connect", Duration: ms / 4}, {Name: "wait", Duration: ms / 2}, {Name: "receive", Duration: ms / 4}},
			}
			sets[i].Watchers = append(sets[i].Watchers, watcher(sets[i].Name, fmt.Sprint("host-", j, " page"), time.Second,
				func(context.Context) (engine.Result, error) { return r, nil }))
		}
	}
	return sets
}
