package engine

import (
	"runtime"
	"runtime/metrics"
)

const (
	// waitingPerCore is how many goroutines may be ready to run, and wait for
	// a core, while new runs are still started. One is enough to keep a core
	// busy; with four, checks that compute for 50 ms took so long together that
	// a third of them ended in their timeouts.
	waitingPerCore = 1
	// yields is how often the schedule steps behind before it looks around
	// again: what is due meanwhile would only wait too.
	yields = 16
)

// A gate tells how many runs may start now. Starting more than the cores can
// take up only makes each run take longer, until runs end in timeouts that say
// nothing of what is watched, and the work done for them is lost. Runs that
// wait for the network, a command or a lock are not in the gate's way, however
// many: it counts what waits for a core.
type gate struct {
	limit  int
	sample [1]metrics.Sample
}

func newGate() gate {
	g := gate{sample: [1]metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}}}
	g.adjust()
	return g
}

// adjust follows the number of cores, which may change.
func (g *gate) adjust() { g.limit = waitingPerCore * runtime.GOMAXPROCS(0) }

// open gives how many runs may start, 0 or less for none. It costs less than
// 100 ns.
func (g *gate) open() int {
	metrics.Read(g.sample[:])
	if g.sample[0].Value.Kind() != metrics.KindUint64 {
		return g.limit
	}
	return g.limit - int(g.sample[0].Value.Uint64())
}

// yield steps behind all that waits for a core, so that whoever is in flight
// goes first, until the gate opens.
func (g *gate) yield() {
	for range yields {
		runtime.Gosched()
		if g.open() > 0 {
			return
		}
	}
}
