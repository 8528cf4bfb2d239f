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
	// yields is how often the schedule steps behind before it naps: a few times,
	// for what is ready is mostly started within them. Standing in line all the
	// time is no good where cores are short: a core whose own line is empty takes
	// the schedule again and again, instead of somebody who waits elsewhere, and
	// did so some thirty times for each run, with a tenth of all its time.
	yields = 3
	// crowdedNap is how long it sleeps then, unless there is reason to look
	// before: by then those that waited have had a core.
	crowdedNap = 100 * time.Microsecond
)

// A gate tells how many runs may start now. Starting more than the cores can
// take up only makes each run take longer, until runs end in timeouts that say
// nothing of what is watched, and the work done for them is lost. Runs that
// wait for the network, a command or a lock are not in the gate's way, however
// many: it counts what waits for a core.
//
// Others than runs wait for cores too, as what serves the viewers does, and may
// do so all the time. So one run starts past a closed gate if none is in flight,
// or none has started for a beat: each watcher is run, if late.
type gate struct {
	limit    int
	patience time.Duration // a beat
	started  time.Duration // when the last run was let through, by the schedule's clock
	sample   [1]metrics.Sample
}

func newGate() gate {
	g := gate{patience: beat, sample: [1]metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}}}
	g.adjust()
	return g
}

// adjust follows the number of cores, which may change.
func (g *gate) adjust() { g.limit = waitingPerCore * runtime.GOMAXPROCS(0) }

// open gives how many runs the cores can take up, 0 or less for none. It costs
// less than 100 ns.
func (g *gate) open() int {
	metrics.Read(g.sample[:])
	if g.sample[0].Value.Kind() != metrics.KindUint64 {
		return g.limit
	}
	return g.limit - int(g.sample[0].Value.Uint64())
}

// leave gives how many runs may start beside those in flight.
func (g *gate) leave(running int, now time.Duration) int {
	n := g.open()
	if n <= 0 && (running == 0 || now-g.started >= g.patience) {
		return 1
	}
	return n
}

// yield steps behind all that waits for a core, so that whoever is in flight
// goes first, and tells whether the gate opened meanwhile.
func (g *gate) yield() bool {
	for range yields {
		runtime.Gosched()
		if g.open() > 0 {
			return true
		}
	}
	return false
}

// naps gives channels that are closed when a nap is over. Its goroutine is the
// package's: so a nap is one of the machine, whose cores are short, and not of a
// test's bubble, whose clock would run on with each.
var naps = func() <-chan chan struct{} {
	offered := make(chan chan struct{})
	go func() {
		for {
			over := make(chan struct{})
			offered <- over
			time.Sleep(crowdedNap)
			close(over)
		}
	}()
	return offered
}()
