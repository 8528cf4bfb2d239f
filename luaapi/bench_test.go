package luaapi

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/engine/probe/httpbench"
)

// fleet declares n page watchers in a loop, as a user would.
const fleet = `metric_watchers = {}
for i = 1, 10000 do
  metric_watchers[i] = pharos.PageGETMetricWatcher{
    name = "page " .. i, url = "http://127.0.0.1/" .. i, interval = "1s", thresholds = { 0, 0.1, 1.0 },
  }
end`

func BenchmarkLoad10000(b *testing.B) {
	board := newTestBoard(b)
	board.write("pharos.lua", fleet)
	b.ReportAllocs()
	for b.Loop() {
		config, err := Load(context.Background(), board.Options)
		if err != nil {
			b.Fatal(err)
		}
		config.Close()
	}
}

// BenchmarkReload10000 loads the fleet again and again; heap-growth is the
// share by which the heap is larger at the end than after the first load.
func BenchmarkReload10000(b *testing.B) {
	board := newTestBoard(b)
	board.write("pharos.lua", fleet)
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	var config *Config
	reload := func() {
		before := config
		var err error
		if config, err = Load(context.Background(), board.Options); err != nil {
			b.Fatal(err)
		}
		if before != nil {
			before.Close()
		}
	}
	reload()
	first := heap()
	for b.Loop() {
		reload()
	}
	b.ReportMetric(100*(heap()/first-1), "%heap-growth")
	runtime.KeepAlive(config)
	config.Close()
}

// sleeper answers every request after a pause, as a page does.
func sleeper(pause time.Duration) fakes {
	return fakes{http: func(ctx context.Context, _ string, _ *probe.HTTPRequest) (*probe.HTTPResult, error) {
		time.Sleep(pause)
		return answer(200, probe.Timing{Total: pause}, ""), nil
	}}
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkRate10000 runs 10,000 watchers of one file once a second each, with
// 50 ms of simulated input and output: runs/s, cores, and how late runs start.
func BenchmarkRate10000(b *testing.B) {
	board := newTestBoard(b)
	board.Primitives = sleeper(50 * time.Millisecond)
	board.load(fleet)
	watchers := board.config.Generation.Sets[0].Watchers
	const seconds = 5
	for b.Loop() {
		var runs atomic.Int64
		var mu sync.Mutex
		var late []time.Duration
		start, cpu := time.Now(), cpuTime()
		var wait sync.WaitGroup
		for tick := range seconds * 100 { // a grid of 10 ms, 100 watchers on each point
			due := start.Add(time.Duration(tick) * 10 * time.Millisecond)
			time.Sleep(time.Until(due))
			for _, w := range watchers[tick%100*100 : tick%100*100+100] {
				wait.Go(func() {
					began := time.Since(due)
					result, _ := w.Check(context.Background())
					if result.Status == engine.OK {
						runs.Add(1)
					}
					mu.Lock()
					late = append(late, began, time.Since(due)-50*time.Millisecond)
					mu.Unlock()
				})
			}
		}
		wait.Wait()
		slices.Sort(late)
		b.ReportMetric(float64(runs.Load())/seconds, "runs/s")
		b.ReportMetric((cpuTime()-cpu).Seconds()/time.Since(start).Seconds(), "cores")
		b.ReportMetric(float64(late[len(late)*99/100].Microseconds())/1000, "ms-late-p99")
	}
}

// BenchmarkHTTP compares a page watcher's runs with a bare loop of net/http
// without keep-alive.
func BenchmarkHTTP(b *testing.B) {
	url := httpbench.Start(b, "TestHTTPBenchServer", nil, nil)
	board := newTestBoard(b)
	board.load(`metric_watchers = {}
for i = 1, 16 do
  metric_watchers[i] = pharos.PageGETMetricWatcher{ name = "w" .. i, url = "` + url + `", thresholds = { 0, 1, 2 } }
end`)
	idle := make(chan engine.Watcher, 16) // a watcher has but one run at a time
	for _, w := range board.config.Generation.Sets[0].Watchers {
		idle <- w
	}
	httpbench.Compare(b, func(ctx context.Context) error {
		w := <-idle
		defer func() { idle <- w }()
		if result, _ := w.Check(ctx); result.Status != engine.OK {
			return fmt.Errorf("%+v", result)
		}
		return nil
	}, httpbench.Bare(url, nil, true))
}

func TestHTTPBenchServer(t *testing.T) { httpbench.Serve(t) }

// BenchmarkRun is a run with no primitive in it.
func BenchmarkRun(b *testing.B) {
	board := newTestBoard(b)
	board.load(`metric_watchers = { pharos.MetricWatcher{ name = "x", thresholds = { warn = 3, crit = 5 }, check = function(self) self.n = (self.n or 0) + 1 return 1, "fine" end } }`)
	w := board.watcher("x")
	b.ReportAllocs()
	for b.Loop() {
		if result, _ := w.Check(context.Background()); result.Status != engine.OK {
			b.Fatalf("%+v", result)
		}
	}
}

// BenchmarkPage is a page watcher's run but for the request itself.
func BenchmarkPage(b *testing.B) {
	board := newTestBoard(b)
	result := answer(200, probe.Timing{Connect: time.Millisecond, Wait: 2 * time.Millisecond, Total: 3 * time.Millisecond}, strings.Repeat("<p>pharos</p>\n", 146))
	result.Header = http.Header{"Content-Type": {"text/html"}, "Content-Length": {"2044"}}
	board.Primitives = fakes{http: func(context.Context, string, *probe.HTTPRequest) (*probe.HTTPResult, error) { return result, nil }}
	board.load(`metric_watchers = { pharos.PageGETMetricWatcher{ name = "x", url = "http://127.0.0.1/", thresholds = { 0, 1, 2 } } }`)
	w := board.watcher("x")
	b.ReportAllocs()
	for b.Loop() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		if result, _ := w.Check(ctx); result.Status != engine.OK {
			b.Fatalf("%+v", result)
		}
		cancel()
	}
}
