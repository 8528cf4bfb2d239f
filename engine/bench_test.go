package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// cpu gives the CPU time this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// run runs watchers for d.
func run(d time.Duration, watchers []engine.Watcher) *engine.Board {
	e := engine.New(engine.Config{Logger: slog.New(slog.DiscardHandler)})
	e.Replace(enginetest.Generation(1, watchers...))
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	if err := e.Run(ctx); err != nil {
		panic(err)
	}
	return e.Board()
}

// BenchmarkSchedule gives the CPU time of 1,000 empty runs at an interval of
// one second, beside that of a loop of one goroutine and one time.Ticker for
// each watcher, phases spread evenly. Each op is three seconds.
func BenchmarkSchedule(b *testing.B) {
	const span = 3 * time.Second
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprintf("watchers=%d", n), func(b *testing.B) {
			var ours, raw time.Duration
			var runs, ticks atomic.Int64
			var lag engine.Lag
			for b.Loop() {
				used := cpu()
				check := func(context.Context) (engine.Result, error) {
					runs.Add(1)
					return engine.Result{Status: engine.OK}, nil
				}
				lag = run(span, enginetest.Watchers(n, time.Second, check)).Lag()
				ours += cpu() - used

				used = cpu()
				tickers(n, span, func() { ticks.Add(1) })
				raw += cpu() - used
			}
			perRun := float64(ours.Microseconds()) / float64(runs.Load())
			perTick := float64(raw.Microseconds()) / float64(ticks.Load())
			b.ReportMetric(perRun, "cpu-ms/1000runs")
			b.ReportMetric(perTick, "raw-cpu-ms/1000runs")
			b.ReportMetric(perRun/perTick, "ratio")
			b.ReportMetric(float64(lag.P99.Microseconds()), "lag-p99-us")
			b.ReportMetric(float64(lag.Max.Microseconds()), "lag-max-us")
			b.ReportMetric(float64(lag.Missed), "missed")
		})
	}
}

// tickers is the raw loop: what a scheduler without a grid costs.
func tickers(n int, span time.Duration, tick func()) {
	var wg sync.WaitGroup
	stop := time.After(span)
	done := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * time.Second / time.Duration(n))
			ticker := time.NewTicker(time.Second)
			defer ticker.Stop()
			for {
				select {
				case <-ticker.C:
					tick()
				case <-done:
					return
				}
			}
		})
	}
	<-stop
	close(done)
	wg.Wait()
}

// burn computes for about d on one core.
func burn(spins int) {
	x := uint64(1)
	for range spins {
		x = x*6364136223846793005 + 1442695040888963407
	}
	sink.Store(x)
}

var sink atomic.Uint64

// spinsFor calibrates burn.
func spinsFor(d time.Duration) int {
	best := time.Hour
	for range 20 {
		t := time.Now()
		burn(100_000)
		best = min(best, time.Since(t))
	}
	return int(float64(100_000) * float64(d) / float64(best))
}

// BenchmarkOverload offers twice what the machine can do and gives the share
// of the most it can do that still ended well. The most is measured by a
// closed loop of two goroutines for each core in the same run.
func BenchmarkOverload(b *testing.B) {
	for _, shape := range []struct {
		name     string
		work     time.Duration // of each part
		parts    int
		pause    time.Duration // between parts, waiting and not computing
		interval time.Duration
	}{
		{"compute=100us", 100 * time.Microsecond, 1, 0, time.Second},
		{"request=5x20us", 20 * time.Microsecond, 5, time.Millisecond, time.Second},
		{"compute=5ms", 5 * time.Millisecond, 1, 0, time.Second},
		{"compute=50ms", 50 * time.Millisecond, 1, 0, time.Second},
		{"compute=300ms", 300 * time.Millisecond, 1, 0, time.Second},
	} {
		b.Run(shape.name, func(b *testing.B) {
			const span = 5 * time.Second
			spins := spinsFor(shape.work)
			loops := 2 * runtime.GOMAXPROCS(0)
			if shape.pause > 0 {
				loops *= 64 // to hide the pauses
			}
			var ok, late atomic.Int64
			check := func(ctx context.Context) (engine.Result, error) {
				for i := range shape.parts {
					if i > 0 {
						time.Sleep(shape.pause)
					}
					burn(spins)
					if ctx.Err() != nil {
						late.Add(1)
						return engine.Result{}, ctx.Err()
					}
				}
				ok.Add(1)
				return engine.Result{Status: engine.OK}, nil
			}
			used := cpu()
			most := closedLoop(loops, span/2, check)
			perCPU := most * (span / 2).Seconds() / (cpu() - used).Seconds()
			var goodput, ourPerCPU float64
			var lag engine.Lag
			for b.Loop() {
				ok.Store(0)
				late.Store(0)
				n := int(2 * most * shape.interval.Seconds())
				used = cpu()
				lag = run(span, enginetest.Watchers(n, shape.interval, check)).Lag()
				goodput = float64(ok.Load()) / span.Seconds()
				ourPerCPU = float64(ok.Load()) / (cpu() - used).Seconds()
			}
			b.ReportMetric(most, "most/s")
			b.ReportMetric(goodput, "goodput/s")
			b.ReportMetric(goodput/most, "share")
			b.ReportMetric(ourPerCPU/perCPU, "share-per-cpu")
			b.ReportMetric(float64(late.Load()), "timeouts")
			b.ReportMetric(float64(lag.Missed), "missed")
			b.ReportMetric(float64(lag.P99.Milliseconds()), "lag-p99-ms")
		})
	}
}

// closedLoop gives how many checks a second the machine can do.
func closedLoop(loops int, span time.Duration, check engine.Check) float64 {
	var n atomic.Int64
	var wg sync.WaitGroup
	stop := time.Now().Add(span)
	for range loops {
		wg.Go(func() {
			for time.Now().Before(stop) {
				if _, err := check(context.Background()); err == nil {
					n.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return float64(n.Load()) / span.Seconds()
}
