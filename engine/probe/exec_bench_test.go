package probe

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// execBatch runs n commands from the given number of goroutines.
func execBatch(b *testing.B, parallel, n int, run func() error) time.Duration {
	var wg sync.WaitGroup
	began := time.Now()
	for range parallel {
		wg.Go(func() {
			for range n / parallel {
				if err := run(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// BenchmarkExecSpawn compares with bare os/exec, in turns: of_bare is our rate
// over that of exec.Command(...).Output() of the same argv, p99 the time from
// the grant of the starting slot to the result.
func BenchmarkExecSpawn(b *testing.B) {
	argv := []string{"/bin/true"}
	for _, heap := range []int{0, 1 << 30} {
		for _, parallel := range []int{1, 4, 64} {
			b.Run("parallel="+strconv.Itoa(parallel)+"/heap="+strconv.Itoa(heap>>20)+"MB", func(b *testing.B) {
				ballast := make([]byte, heap)
				for i := 0; i < len(ballast); i += os.Getpagesize() {
					ballast[i] = 1
				}
				benchmarkExecPairs(b, parallel, argv)
				if heap > 0 && ballast[0] != 1 {
					b.Error("the ballast is gone")
				}
			})
		}
	}
}

func benchmarkExecPairs(b *testing.B, parallel int, argv []string) {
	const batch = 256
	var runner Runner
	var mu sync.Mutex
	var times []time.Duration
	var ours, bare time.Duration
	n := 0
	for b.Loop() {
		ours += execBatch(b, parallel, batch, func() error {
			began := time.Now()
			res, err := runner.Exec(context.Background(), ExecRequest{Argv: argv})
			if err == nil {
				took := time.Since(began) - res.Queued
				mu.Lock()
				times = append(times, took)
				mu.Unlock()
			}
			return err
		})
		bare += execBatch(b, parallel, batch, func() error {
			_, err := exec.Command(argv[0], argv[1:]...).Output()
			return err
		})
		n += batch / parallel * parallel
	}
	slices.Sort(times)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(n)/ours.Seconds(), "spawns/s")
	b.ReportMetric(float64(n)/bare.Seconds(), "bare/s")
	b.ReportMetric(bare.Seconds()/ours.Seconds(), "of_bare")
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
}
