package vm

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// tick is how often the watchdog looks while scripts run.
	tick = 10 * time.Millisecond
	// idleTicks without a run put it to sleep.
	idleTicks = 3
	// mostOfLook is how much of the time since the last look counts for those it
	// looks at: a look collects garbage while memory is over its limit, which
	// takes a while, and a process that was stopped looks again after hours.
	mostOfLook = 10 * tick
	// defaultMemory is the Limit of a Watchdog that was given none.
	defaultMemory = 512 << 20
	// defaultWedgedAfter is the wedgedAfter of a Watchdog that was given none.
	defaultWedgedAfter = 10 * time.Second
	// leakStrikes is how many times in a row the heap must be found too large,
	// with nobody running to blame, until the largest universe is.
	leakStrikes = 3
)

// Watchdog looks after the memory of the process and for universes that are
// stuck. One serves all universes; the zero value is ready to use. It wakes only
// while scripts run.
//
// Over the limit, the run that has computed longest is stopped with
// [ErrMemory]. The limit is on the heap's objects, garbage included: the process
// does well to give [runtime/debug.SetMemoryLimit] the same figure, so that what
// is garbage goes before a run has to.
type Watchdog struct {
	Limit       uint64        // bytes of heap; 0 = 512 MiB
	wedgedAfter time.Duration // without the time that the process was stopped; 0 = 10 s
	// Wedged is told, on a goroutine of its own, of a universe that a Go
	// function never came back from. It is dead by then, and should be replaced.
	Wedged func(u *Universe)
	// Leaked is told of the universe that keeps most memory, when the heap stays
	// over the limit though no run is to blame. It should be loaded afresh.
	Leaked func(u *Universe, heap uint64)

	active  atomic.Bool // a run has started since the last tick
	awake   atomic.Bool // the goroutine is there
	mu      sync.Mutex
	watched map[*Universe]*watched
	looked  time.Time // when it looked last
	strikes int
}

// watched is what the watchdog remembers of a universe from tick to tick.
type watched struct {
	r          *run // who had the baton at the last tick
	generation uint64
	ticks      int           // for how many ticks
	silent     time.Duration // for how long it has not answered
}

func (w *Watchdog) add(u *Universe) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watched == nil {
		w.watched = map[*Universe]*watched{}
	}
	w.watched[u] = &watched{}
}

func (w *Watchdog) remove(u *Universe) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.watched, u)
}

// wake is called whenever a run takes a baton.
func (w *Watchdog) wake() {
	if !w.active.Load() {
		w.active.Store(true)
	}
	if !w.awake.Load() && w.awake.CompareAndSwap(false, true) {
		go w.watch()
	}
}

func (w *Watchdog) watch() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for idle := 0; ; {
		<-ticker.C
		if w.look() || w.active.Swap(false) {
			idle = 0
			continue
		}
		if idle++; idle < idleTicks {
			continue
		}
		w.awake.Store(false)
		if !w.active.Load() || !w.awake.CompareAndSwap(false, true) {
			return // nothing ran in between, or a goroutine was started for it
		}
		idle = 0
	}
}

// look is one tick. It tells whether any run has a baton.
func (w *Watchdog) look() bool {
	hog, busy := w.lookAtRuns()
	limit := cmp.Or(w.Limit, defaultMemory)
	if heap := heapObjects(); heap > limit {
		w.overLimit(hog, limit)
	} else {
		w.strikes = 0
	}
	return busy
}

// lookAtRuns pokes the runs that had their baton at the last tick already, and
// gives the one that has had it longest.
func (w *Watchdog) lookAtRuns() (hog *watched, busy bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	passed := min(now.Sub(w.looked), mostOfLook)
	w.looked = now
	for u, seen := range w.watched {
		r := u.holder.Load()
		if r == nil {
			*seen = watched{}
			continue
		}
		busy = true
		generation := r.generation()
		if seen.r != r || seen.generation != generation {
			*seen = watched{r: r, generation: generation}
			continue
		}
		seen.ticks++
		if !r.poke(generation) {
			seen.silent = 0
		} else if seen.silent += passed; seen.silent > cmp.Or(w.wedgedAfter, defaultWedgedAfter) {
			w.wedged(u)
			continue
		}
		if hog == nil || seen.ticks > hog.ticks {
			hog = seen
		}
	}
	return hog, busy
}

// wedged gives a universe up: its baton will not come back.
func (w *Watchdog) wedged(u *Universe) {
	u.dead.Store(true)
	delete(w.watched, u)
	if w.Wedged != nil {
		go w.Wedged(u)
	}
}

// overLimit stops the hog, if there is one, and collects garbage either way:
// until then nobody else may be blamed for what the hog left.
func (w *Watchdog) overLimit(hog *watched, limit uint64) {
	if hog != nil {
		hog.r.halt(hog.generation, stopMemory)
	}
	runtime.GC()
	heap := heapObjects()
	if heap <= limit {
		w.strikes = 0
		return
	}
	if hog != nil {
		return
	}
	if w.strikes++; w.strikes < leakStrikes {
		return
	}
	w.strikes = 0
	if largest := w.largest(); largest != nil && w.Leaked != nil {
		go w.Leaked(largest, heap)
	}
}

// largest is the universe that keeps most memory.
func (w *Watchdog) largest() *Universe {
	w.mu.Lock()
	universes := slices.Collect(maps.Keys(w.watched))
	w.mu.Unlock()
	var largest *Universe
	most := 0
	for _, u := range universes {
		if n := u.weigh(); largest == nil || n > most {
			largest, most = u, n
		}
	}
	return largest
}
