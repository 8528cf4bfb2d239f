package vm

import (
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// coroutineDepth bounds nested calls in a coroutine. Its stack is of a fixed
// size: only such a one overflows with an error that closes upvalues, and
// between the resumes of a coroutine there is no Go code of ours to do it.
const coroutineDepth = 200

// openCoroutine lays guards around gopher-lua's functions. Theirs trust that a
// coroutine is resumed by the run that made it, and that nobody yields across a
// Go function or a metamethod.
func (u *Universe) openCoroutine(L *lua.LState) {
	L.Push(L.NewFunction(lua.OpenCoroutine))
	L.Call(0, 1)
	stock := L.Get(-1).(*lua.LTable)
	L.Pop(1)
	create := stock.RawGetString("create").(*lua.LFunction).GFunction
	resume := stock.RawGetString("resume").(*lua.LFunction).GFunction
	u.library(L, "coroutine", map[string]lua.LGFunction{
		"create":  func(L *lua.LState) int { return u.coCreate(L, create) },
		"resume":  func(L *lua.LState) int { return u.coResume(L, checkThread(L, 1), resume) },
		"wrap":    func(L *lua.LState) int { return u.coWrap(L, create, resume) },
		"status":  u.coStatus,
		"running": u.coRunning,
		"yield":   coYield,
	})
}

func checkThread(L *lua.LState, n int) *lua.LState {
	th, ok := L.Get(n).(*lua.LState)
	if !ok {
		typeError(L, n, "coroutine")
	}
	return th
}

func (u *Universe) coCreate(L *lua.LState, create lua.LGFunction) int {
	if fn := checkFunction(L, 1); fn.IsG {
		argError(L, 1, "Lua function expected")
	}
	r := runOf(L)
	r.charge(16)
	L.RemoveContext() // or the thread would be given a child of it
	options := L.Options
	L.Options.MinimizeStackMemory, L.Options.CallStackSize = false, coroutineDepth
	n := create(L)
	L.Options = options
	L.SetContext(r)
	return n
}

func (u *Universe) coResume(L, th *lua.LState, resume lua.LGFunction) int {
	if th.Dead {
		return pushFailure(L, lua.LString("cannot resume dead coroutine"))
	}
	if th.Parent != nil || u.own(L, th) {
		return pushFailure(L, lua.LString("cannot resume non-suspended coroutine"))
	}
	r := runOf(L)
	r.descend(L)
	depth := len(r.threads)
	defer func() {
		r.threads = r.threads[:depth]
		th.RemoveContext()
		u.base.G.CurrentThread = L
	}()
	th.SetContext(r)
	if !topFrame(th).ok() {
		th.SetContext(&beginning{r, th})
	}
	r.threads = append(r.threads, th)
	u.base.G.CurrentThread = L
	return resume(L)
}

// beginning is the run for a coroutine that begins: gopher-lua, which has just given
// it a Panic of its own, asks before the first instruction.
type beginning struct {
	*run
	th *lua.LState
}

func (b *beginning) Done() <-chan struct{} {
	b.th.Panic = throwExplained
	b.th.SetContext(b.run)
	return b.run.Done()
}

// throwExplained is how an error leaves a coroutine. Who catches it, unlike catch,
// sees no more of the frames that explain it.
func throwExplained(L *lua.LState) {
	v := L.Get(-1)
	if text, ok := v.(lua.LString); ok {
		v = lua.LString(explain(L, string(text)))
	}
	panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: v, StackTrace: "-"})
}

// own tells whether th is a thread of the run itself rather than a coroutine.
func (u *Universe) own(L, th *lua.LState) bool {
	return slices.Contains(runOf(L).threads, th)
}

// coWrap is coroutine.wrap: a function that resumes, and raises what fails.
func (u *Universe) coWrap(L *lua.LState, create, resume lua.LGFunction) int {
	u.coCreate(L, create)
	th := L.Get(-1).(*lua.LState)
	L.Push(L.NewFunction(func(L *lua.LState) int {
		L.Insert(th, 1)
		n := u.coResume(L, th, resume)
		if L.Get(-n) == lua.LFalse {
			L.Error(trimmed(L.Get(-1)), 0)
		}
		return n - 1
	}))
	return 1
}

func (u *Universe) coStatus(L *lua.LState) int {
	th := checkThread(L, 1)
	status := "suspended"
	switch {
	case th.Dead:
		status = "dead"
	case th == L:
		status = "running"
	case th.Parent != nil || u.own(L, th):
		status = "normal"
	}
	L.Push(lua.LString(status))
	return 1
}

// coRunning never hands out a thread that is not a coroutine: it is pooled.
func (u *Universe) coRunning(L *lua.LState) int {
	if L.Parent == nil {
		L.Push(lua.LNil)
	} else {
		L.Push(L)
	}
	return 1
}

// coYield fails where gopher-lua would go wrong: outside a coroutine, and when
// a function between it and the coroutine was not called by a script but by Go,
// a metamethod or a for loop.
func coYield(L *lua.LState) int {
	if L.Parent == nil {
		L.RaiseError("attempt to yield from outside a coroutine")
	}
	for f := topFrame(L); f.parent().ok(); f = f.parent() {
		p := f.parent()
		if p.isGo() || !calls(p) {
			L.RaiseError("attempt to yield across a metamethod, a for loop's iterator or a library function")
		}
		if p.index() == 0 && p.instruction().op == lua.OP_TAILCALL {
			L.RaiseError("attempt to yield as the last thing that a coroutine does (write \"local x = yield() return x\")")
		}
	}
	return -1
}

// through gives its arguments back. It stands between a return and a yield: a
// coroutine of gopher-lua's cannot be resumed after a yield in a tail call.
func through(L *lua.LState) int { return L.GetTop() }

// calls tells whether the frame is at a call, and not at an instruction that
// calls a function on the side.
func calls(f frame) bool {
	op := f.instruction().op
	return op == lua.OP_CALL || op == lua.OP_TAILCALL
}
