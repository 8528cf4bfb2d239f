package engine

import (
	"runtime"
	"runtime/metrics"
	"time"
)

const (
	// waitingPerCore is how many goroutines may be ready to run, and wait for
	// a core, while new runs are still started. One is enough to keep a core
	// busy; with four, checks that compute for 50 ms took so long together that
	// a third of them ended in their timeouts.
	waitingPerCore = 1
	// promptPerCore is how many may while runs that were let in begin within
	// promptly, as those do that soon wait for the network: to let them in two by
	// two took as much processor time as all else that the engine does for them.
	promptPerCore = 16
	promptly      = 2 * time.Millisecond
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
	tardy  bool // a run did not begin promptly since the last adjust
	sample [1]metrics.Sample
}

func newGate() gate {
	g := gate{sample: [1]metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}}}
	g.limit = waitingPerCore * runtime.GOMAXPROCS(0)
	return g
}

// adjust widens the gate step by step while all begin promptly. It follows the
// number of cores, which may change.
func (g *gate) adjust() {
	cores := runtime.GOMAXPROCS(0)
	g.limit = min(2*g.limit, promptPerCore*cores)
	if g.tardy {
		g.limit = waitingPerCore * cores
	}
	g.tardy = false
}

// began notes how long a run that was let in waited for a core. The first that
// waits long narrows the gate.
func (g *gate) began(wait time.Duration) {
	if wait > promptly && !g.tardy {
		g.tardy = true
		g.limit = waitingPerCore * runtime.GOMAXPROCS(0)
	}
}

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
