package vm

import lua "github.com/yuin/gopher-lua"

const (
	callDepth = 400  // nested Lua calls on one thread
	maxFree   = 4096 // runs kept for reuse, some 4 kB each
	maxSpare  = 128  // threads of protected calls kept for reuse
	trimEvery = int64(10e9)
)

// take gives a run from the pool. The baton is held.
func (u *Universe) take() *run {
	n := len(u.free)
	if n == 0 {
		u.low = 0
		return &run{u: u, threads: []*lua.LState{u.newThread()}}
	}
	r := u.free[n-1]
	u.free[n-1] = nil
	u.free = u.free[:n-1]
	u.low = min(u.low, n-1)
	return r
}

// put gives a run back.
func (u *Universe) put(r *run, c *caught) {
	if c == nil {
		r.threads[0].SetTop(0)
	} else if !recycle(r.threads[0], c) {
		r.threads[0] = u.newThread()
	}
	r.threads = r.threads[:1]
	r.ctx, r.wait, r.unwait = nil, nil, nil
	r.deadline, r.loading, r.typed, r.waiting, r.trace = 0, false, false, false, ""
	r.stop.Store(r.generation() << 8)
	if len(u.free) < maxFree {
		u.free = append(u.free, r)
	}
	if r.meter.last-u.trimmed > trimEvery {
		u.trim(r.meter.last)
	}
}

// trim drops half of the runs that nobody needed since the last time: after a
// burst the pool shrinks to what is used.
func (u *Universe) trim(now int64) {
	drop := u.low / 2
	clear(u.free[len(u.free)-drop:])
	u.free = u.free[:len(u.free)-drop]
	u.low, u.trimmed = len(u.free), now
}

func (u *Universe) newThread() *lua.LState {
	L, _ := u.base.NewThread()
	L.Panic = throw
	return L
}

// throw is how an error leaves Lua. gopher-lua's own builds a traceback for
// every error, with a line for each tail call ever made.
func throw(L *lua.LState) {
	panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: L.Get(-1), StackTrace: "-"})
}
