package luaapi

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
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
	board.Options.loadTimeout = time.Hour // of a thousand loads on a busy machine one takes long
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
// 50 ms of simulated input and output: runs/s, cores, how late runs start, and
// the memory that the file takes: what is resident beyond the same runs of a
// Go function that only waits.
func BenchmarkRate10000(b *testing.B) {
	const pause, seconds = 50 * time.Millisecond, 5
	bare := onGrid(seconds, pause, func(int) bool { time.Sleep(pause); return true })
	board := newTestBoard(b)
	board.primitives = sleeper(pause)
	board.load(fleet)
	watchers := board.config.Generation.Sets[0].Watchers
	for b.Loop() {
		start, cpu := time.Now(), cpuTime()
		g := onGrid(seconds, pause, func(i int) bool {
			result, _ := watchers[i].Check(context.Background())
			return result.Status == engine.OK
		})
		b.ReportMetric(float64(g.runs)/seconds, "runs/s")
		b.ReportMetric((cpuTime()-cpu).Seconds()/time.Since(start).Seconds(), "cores")
		b.ReportMetric(float64(g.late[len(g.late)*99/100].Microseconds())/1000, "ms-late-p99")
		b.ReportMetric(g.resident-bare.resident, "MB")
		b.ReportMetric(g.live-bare.live, "MB-live")
		b.ReportMetric(g.stacks-bare.stacks, "MB-stacks")
	}
}

// grid is what came of runs on a grid.
type grid struct {
	runs     int64           // that went well
	late     []time.Duration // by which runs began, and ended, after they should have; sorted
	resident float64         // MB of this process at the end
	live     float64         // MB that the last garbage collection found in use
	stacks   float64         // MB of goroutines' stacks
}

// onGrid runs check(i), which takes so long, for each i below 10,000 once a
// second, on a grid of 10 ms. As in the engine, the goroutine that was done with
// a run last takes the next one.
func onGrid(seconds int, takes time.Duration, check func(i int) bool) (g grid) {
	type run struct {
		i   int
		due time.Time
	}
	var runs atomic.Int64
	var mu sync.Mutex // for idle and g.late
	var idle []chan run
	var wait sync.WaitGroup // for runs
	work := func(next chan run) {
		for r := range next {
			began := time.Since(r.due)
			if check(r.i) {
				runs.Add(1)
			}
			mu.Lock()
			g.late = append(g.late, began, time.Since(r.due)-takes)
			idle = append(idle, next)
			mu.Unlock()
			wait.Done()
		}
	}
	start := func(r run) {
		wait.Add(1)
		mu.Lock()
		defer mu.Unlock()
		if len(idle) == 0 {
			next := make(chan run, 1)
			go work(next)
			idle = append(idle, next)
		}
		last := len(idle) - 1
		idle[last] <- r
		idle = idle[:last]
	}
	debug.FreeOSMemory() // what came before is not what the runs take
	began := time.Now()
	for tick := range seconds * 100 {
		due := began.Add(time.Duration(tick) * 10 * time.Millisecond)
		time.Sleep(time.Until(due))
		for i := tick % 100 * 100; i < tick%100*100+100; i++ {
			start(run{i, due})
		}
	}
	g.resident, g.live, g.stacks = residentMB(), metricMB("/gc/heap/live:bytes"), metricMB("/memory/classes/heap/stacks:bytes")
	wait.Wait()
	for _, next := range idle {
		close(next)
	}
	g.runs = runs.Load()
	slices.Sort(g.late)
	return g
}

// residentMB is this process's memory, 0 where proc(5) does not tell.
func residentMB() float64 {
	text, _ := os.ReadFile("/proc/self/statm")
	var size, resident float64
	_, _ = fmt.Sscan(string(text), &size, &resident)
	return resident * float64(os.Getpagesize()) / 1e6
}

func metricMB(name string) float64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return float64(sample[0].Value.Uint64()) / 1e6
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
	board.primitives = fakes{http: func(context.Context, string, *probe.HTTPRequest) (*probe.HTTPResult, error) { return result, nil }}
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
