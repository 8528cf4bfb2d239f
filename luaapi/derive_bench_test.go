package luaapi

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"pharos/engine"
)

// BenchmarkDerive gives what 1,000 derived tiles over 10,000 watchers cost, in
// cores: the CPU time of a board with them, less that of the same board without
// them, both in turns, by the clock. The watchers run once a second, and cost
// next to nothing themselves. Each op is two times five seconds.
func BenchmarkDerive(b *testing.B) {
	const tiles, per = 1000, 10
	count := `function(board) return board:count("ok") >= 8, board:count("ok") .. " of " .. board:total() end`
	sum := `function(board) return board:sum() end`
	steady := func(_ uint64) (engine.Status, uint64) { return engine.OK, 1 }
	changing := func(n uint64) (engine.Status, uint64) { return engine.OK, n }
	flickering := func(n uint64) (engine.Status, uint64) { // each run of a hundred starts or ends an outage
		return []engine.Status{engine.OK, engine.Critical}[n/100%2], n
	}
	for _, test := range []struct {
		name, of, check string
		result          func(n uint64) (engine.Status, uint64)
	}{
		{"nothing-changes", `"set_" .. i .. ".*"`, count, steady},
		{"values-change/statuses-read", `"set_" .. i .. ".*"`, count, changing},
		{"values-change/values-read", `"set_" .. i .. ".*"`, sum, changing},
		{"values-change/values-read/all-of-all", `"set_*"`, sum, changing},
		{"100-statuses-change-a-second", `"set_" .. i .. ".*"`, count, flickering},
		{"100-statuses-change-a-second/all-of-all", `"set_*"`, count, flickering},
	} {
		b.Run(test.name, func(b *testing.B) {
			board := newTestBoard(b)
			board.load(fmt.Sprintf(`metric_watchers, metric_watcher_sets = {}, {}
for i = 1, %d do
  metric_watchers[i] = pharos.derive{ name = "tile " .. i, of = %s, check = %s }
  local members = {}
  for j = 1, %d do members[j] = pharos.MetricWatcher{ name = "w" .. j, interval = "1s" } end
  metric_watcher_sets[i] = pharos.WatcherSet("set " .. i, members)
end`, tiles, test.of, test.check, per))
			with := *board.config.Generation
			with.Sets = append([]engine.Set(nil), with.Sets...)
			for i := range with.Sets {
				for j := range with.Sets[i].Watchers {
					w := &with.Sets[i].Watchers[j]
					if w.Derive != nil {
						continue
					}
					w.Lane = nil
					var n atomic.Uint64
					n.Store(uint64(i*per + j)) // a hundredth of them change each second
					w.Check = func(context.Context) (engine.Result, error) {
						status, value := test.result(n.Add(1))
						return engine.Result{Status: status, Value: strconv.FormatUint(value, 10)}, nil
					}
				}
			}
			without := with
			without.Sets = with.Sets[1:]
			var cost, base time.Duration
			var runs uint64
			for b.Loop() {
				used, ran := runFor(&with)
				cost, runs = cost+used, runs+ran
				used, _ = runFor(&without)
				base += used
			}
			seconds := float64(b.N) * benchSpan.Seconds()
			b.ReportMetric((cost-base).Seconds()/seconds, "cores")
			b.ReportMetric(base.Seconds()/seconds, "cores-without")
			b.ReportMetric(float64(runs)/seconds, "derived-runs/s")
		})
	}
}

const benchSpan = 5 * time.Second

// runFor runs a board and gives the CPU time it used after its first seconds,
// and how often derived watchers ran in that time.
func runFor(gen *engine.Generation) (used time.Duration, runs uint64) {
	e := engine.New(engine.Config{Logger: slog.New(slog.DiscardHandler)})
	e.Replace(gen)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	derived := func() (n uint64) {
		for _, w := range gen.Sets[0].Watchers {
			if w.Derive != nil {
				v, _ := e.Board().View(w.ID)
				n += v.Runs
			}
		}
		return n
	}
	time.Sleep(2500 * time.Millisecond)
	before, ran := cpuTime(), derived()
	time.Sleep(benchSpan)
	used, runs = cpuTime()-before, derived()-ran
	cancel()
	if err := <-done; err != nil {
		panic(err)
	}
	return used, runs
}
