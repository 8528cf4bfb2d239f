package engine

import (
	"runtime"
	"runtime/metrics"
)

// waitingPerCore is how many goroutines may be ready to run, and wait for a
// core, while new runs are still started.
const waitingPerCore = 1

// A gate tells how many runs may start now. Starting more than the cores can
// take up only makes each run take longer, until runs end in timeouts that say
// nothing of what is watched, and the work done for them is lost. Runs that
// wait for the network, a command or a lock are not in the gate's way, however
// many: it counts what waits for a core.
type gate struct {
	sample [1]metrics.Sample
}

func newGate() gate {
	return gate{sample: [1]metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}}}
}

// open gives how many runs may start, 0 or less for none. It costs less than
// 100 ns.
func (g *gate) open() int {
	limit := waitingPerCore * runtime.GOMAXPROCS(0)
	metrics.Read(g.sample[:])
	if g.sample[0].Value.Kind() != metrics.KindUint64 {
		return limit
	}
	return limit - int(g.sample[0].Value.Uint64())
}
