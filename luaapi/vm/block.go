package vm

import (
	"context"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// A primitive's deadline is the run's minus a reserve, in which the script may
// look at what came of it: a twentieth of the run's time within these bounds.
const (
	minReserve = 10 * time.Millisecond
	maxReserve = 100 * time.Millisecond
)

// Reserve is what of a run's time is kept from its primitives.
func Reserve(total time.Duration) time.Duration {
	return min(max(total/20, minReserve), maxReserve)
}

// Block runs f without the baton: every primitive that waits does its waiting
// in it, so that other runs of the file go on meanwhile. f gets a context with
// the primitive's deadline. It must touch no Lua value: what it needs is copied
// before, and what it gives is made into Lua values after.
//
// Block raises an error in the script if the run was over before. When the run
// ends during f, Block returns, and the error is raised as soon as the binding
// does.
func Block(L *lua.LState, f func(ctx context.Context)) {
	r := runOf(L)
	r.left = -1
	r.poll()
	r.giveWay(L, f)
	r.look()
	if r.u.dead.Load() {
		r.halt(r.generation(), stopCancelled)
	}
	if r.stopped() {
		r.waiting = true
	}
}

func (r *run) giveWay(L *lua.LState, f func(ctx context.Context)) {
	u, ctx := r.u, r.waitContext()
	r.meter.release()
	u.holder.Store(nil)
	u.baton.unlock()
	defer func() {
		p := recover()
		u.baton.relock() // not to be cancelled: unwinding Lua needs the baton too
		r.rest()
		u.hold(r, L)
		if p != nil {
			L.RaiseError("internal error in a primitive: %v", p)
		}
	}()
	f(ctx)
}

// waitContext is the context of all primitives of this run.
func (r *run) waitContext() context.Context {
	if r.deadline == 0 {
		return r.ctx
	}
	if r.wait == nil {
		total := time.Duration(r.deadline - r.start)
		end := r.u.epoch.Add(time.Duration(r.deadline) - Reserve(total))
		r.wait, r.unwait = context.WithDeadline(r.ctx, end)
	}
	return r.wait
}
