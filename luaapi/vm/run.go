package vm

import (
	"context"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Why a run was stopped; the low byte of run.stop.
const (
	running uint64 = iota // goes on
	poked                 // not stopped: asked to look at the clock now
	stopDeadline
	stopCancelled
	stopCPU
	stopMemory
)

var stopErrors = [...]error{stopDeadline: ErrDeadline, stopCancelled: ErrCancelled, stopCPU: ErrCPU, stopMemory: ErrMemory}

// run is one execution. It is pooled with its thread, and it is the context of
// the Lua threads it executes on: gopher-lua calls Done before every
// instruction, on the goroutine that executes it, with the baton held.
type run struct {
	u       *Universe
	threads []*lua.LState   // the run's own, then one for each protected call and coroutine in progress
	ctx     context.Context // the caller's
	wait    context.Context // for primitives: ctx with an earlier deadline; made when first needed
	unwait  context.CancelFunc
	// stop is generation<<8 | reason. The generation counts the uses of a pooled
	// run, so that a stop meant for one never hits the next.
	stop     atomic.Uint64
	left     int // steps to the next look at the clock
	meter    meter
	slice    int64 // longest to compute without a pause; 0 = no limit
	start    int64
	deadline int64 // 0 = none
	loading  bool
	typed    bool   // by a person: see Eval
	waiting  bool   // the run ended in a primitive
	trace    string // where the error being handled by xpcall was raised
}

// Done is the instruction hook. The nil channel says "go on".
func (r *run) Done() <-chan struct{} {
	r.left--
	if r.left < 0 || uint8(r.stop.Load()) != 0 {
		r.poll()
	}
	return nil
}

// Err is why the run was stopped, or nil.
func (r *run) Err() error { return stopErrors[r.stop.Load()&0xff] }

// Deadline is the caller's.
func (r *run) Deadline() (time.Time, bool) { return r.ctx.Deadline() }

// Value is the caller's.
func (r *run) Value(key any) any { return r.ctx.Value(key) }

// halt stops the run if it is still the one of this generation and nothing has
// stopped it before.
func (r *run) halt(generation, reason uint64) {
	for {
		old := r.stop.Load()
		if old>>8 != generation || old&0xff > poked {
			return
		}
		if r.stop.CompareAndSwap(old, generation<<8|reason) {
			return
		}
	}
}

func (r *run) generation() uint64 { return r.stop.Load() >> 8 }

// stopped tells whether the script may not go on.
func (r *run) stopped() bool { return r.stop.Load()&0xff > poked }

// poll looks at the clock, and raises an error in the script if the run is over.
func (r *run) poll() {
	if !r.stopped() {
		r.look()
	}
	if r.stopped() {
		r.left = 0 // again at the next instruction: pcall cannot swallow it
		r.raise()
	}
	r.left = r.meter.window
}

// look takes the time and stops the run if it has none left.
func (r *run) look() {
	now := r.u.now()
	r.meter.add(now, r.meter.window-r.left)
	if old := r.stop.Load(); old&0xff == poked {
		r.stop.CompareAndSwap(old, old&^0xff)
	}
	switch {
	case r.deadline != 0 && now >= r.deadline:
		r.halt(r.generation(), stopDeadline)
	case r.ctx.Err() != nil:
		r.halt(r.generation(), stopFor(r.ctx.Err()))
	case r.slice != 0 && r.meter.over(r.slice):
		r.halt(r.generation(), stopCPU)
	}
}

func stopFor(err error) uint64 {
	if err == context.DeadlineExceeded {
		return stopDeadline
	}
	return stopCancelled
}

// raise throws the run's end as an error of the instruction being executed.
func (r *run) raise() {
	r.current().RaiseError("%s", r.Err().Error())
}

// current is the thread that executes.
func (r *run) current() *lua.LState { return r.threads[len(r.threads)-1] }

// rest starts a new slice: the run has just been given the baton.
func (r *run) rest() {
	r.meter.start(r.u.now())
	r.left = r.meter.window
}

// charge counts steps done in Go.
func (r *run) charge(steps int) {
	r.left -= steps
	if r.left < 0 || uint8(r.stop.Load()) != 0 {
		r.poll()
	}
}

// runOf gives the run that executes on L.
func runOf(L *lua.LState) *run {
	r, _ := L.Context().(*run)
	if r == nil {
		panic("vm: a Lua thread used outside a run")
	}
	return r
}

// Charge counts work that a Go function does for a script, one step for an
// element or for some 64 bytes. It raises an error in the script when the run
// is over, so work of unknown length charges as it goes along.
func Charge(L *lua.LState, steps int) { runOf(L).charge(steps) }

// Loading tells whether the file's main chunk is running, when primitives that
// reach out must refuse.
func Loading(L *lua.LState) bool { return runOf(L).loading }

// Context is the context that the run's caller gave, for its values. Primitives
// that wait use the one that [Block] hands them.
func Context(L *lua.LState) context.Context { return runOf(L).ctx }

// poke asks the run to look at the clock before its next instruction. It tells
// whether the run has not yet done what it was asked the last time, or has been
// stopped and is still there.
func (r *run) poke(generation uint64) (unanswered bool) {
	if old := r.stop.Load(); old>>8 == generation && old&0xff != running {
		return true
	}
	r.stop.CompareAndSwap(generation<<8, generation<<8|poked)
	return false
}
