package vm

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxNesting bounds protected calls and coroutines within one another: each has
// a call stack of its own.
const maxNesting = 100

// caught is an error that reached a protected call.
type caught struct {
	value  lua.LValue
	trace  string
	broken bool // the thread is not in the state that an error leaves it in
}

// protect calls the function that lies below nargs arguments on top of L's
// stack, on a thread of its own, and gives that thread with the results on its
// stack. gopher-lua's PCall on the same thread leaves the locals of the caller
// that closures captured pointing into the stack of what failed
// (yuin/gopher-lua#448).
//
// The caller gives the thread back with release when it has taken the results.
// After an error it has none.
func (r *run) protect(L *lua.LState, nargs int, trace bool) (*lua.LState, *caught) {
	r.descend(L)
	th := r.u.borrow()
	th.SetContext(r)
	L.XMoveTo(th, nargs+1)
	r.threads = append(r.threads, th)
	r.u.base.G.CurrentThread = th
	c := r.callOn(th, nargs, trace)
	r.threads = r.threads[:len(r.threads)-1]
	r.u.base.G.CurrentThread = L
	if c != nil && recycle(th, c) {
		r.u.release(th)
	}
	return th, c
}

// descend fails when calls are nested too deep for one more.
func (r *run) descend(L *lua.LState) {
	if len(r.threads) > maxNesting {
		L.RaiseError("stack overflow (more than %d protected calls and coroutines within one another)", maxNesting)
	}
}

// callOn calls what lies below nargs arguments on th's stack.
func (r *run) callOn(th *lua.LState, nargs int, trace bool) (c *caught) {
	depth := len(r.threads)
	defer func() {
		if p := recover(); p != nil {
			r.threads = r.threads[:depth]
			c = r.catch(th, p, trace)
		}
	}()
	th.Call(nargs, lua.MultRet)
	return nil
}

// catch makes an error of what was recovered, while L's frames are still those
// of the place it was raised at.
func (r *run) catch(L *lua.LState, p any, trace bool) *caught {
	c := &caught{}
	if trace {
		c.trace = r.traceback()
	}
	if e, ok := p.(*lua.ApiError); ok {
		c.value = trimmed(e.Object)
		if s, ok := c.value.(lua.LString); ok {
			c.broken = strings.HasSuffix(string(s), "registry overflow")
			c.value = lua.LString(explain(L, string(s)))
		}
		return c
	}
	c.broken = true
	text := fmt.Sprint(p)
	if text == "lua callstack overflow" {
		text = "stack overflow"
	} else {
		text = "internal error: " + text
	}
	c.value = closeFrames(L, text)
	return c
}

// closeFrames raises text on L and catches it again, for what that does on the
// way: a Go panic bypassed it, so closures that live on would look for their
// upvalues on a stack that is gone.
func closeFrames(L *lua.LState, text string) (value lua.LValue) {
	value = lua.LString(text)
	defer func() {
		if e, ok := recover().(*lua.ApiError); ok {
			value = trimmed(e.Object)
		}
	}()
	L.RaiseError("%s", text)
	return value
}

// trimmed takes off the space that gopher-lua leaves where it knows no position.
func trimmed(v lua.LValue) lua.LValue {
	switch v := v.(type) {
	case nil:
		return lua.LNil
	case lua.LString:
		return lua.LString(strings.TrimPrefix(string(v), " "))
	}
	return v
}

// failure is what the caller of the universe gets to see of c.
func (r *run) failure(c *caught) *Error {
	e := &Error{Trace: c.trace, Message: r.describe(c.value)}
	e.Cause, e.Waiting = r.Err(), r.waiting // after what describe may have called
	if ud, ok := c.value.(*lua.LUserData); ok {
		if v, ok := ud.Value.(errorValue); ok {
			e.Value = v.err
		}
	}
	e.Message = clip(e.Message)
	e.split()
	if e.Trace != "" && (e.File == "" || r.builtin(e.File)) {
		at := Error{Message: e.Trace}
		at.split()
		e.File, e.Line = at.File, at.Line
	}
	return e
}

// describe is an error value as text. A table may say it itself, with a
// __tostring that is as little trusted as any other function.
func (r *run) describe(v lua.LValue) string {
	t, ok := v.(*lua.LTable)
	if !ok {
		switch v.(type) {
		case *lua.LNilType:
			return "error without a message (nil)"
		case *lua.LFunction, *lua.LState: // whose text is another each time
			return "error with a " + TypeName(v) + " as its message"
		}
		return plainText(v)
	}
	base := r.u.base
	if fn, ok := base.GetMetaField(t, "__tostring").(*lua.LFunction); ok {
		base.Push(fn)
		base.Push(t)
		th, c := r.protect(base, 1, false)
		if c == nil {
			if s, ok := th.Get(1).(lua.LString); ok {
				return string(s)
			}
		}
	}
	for _, key := range []string{"message", "msg"} {
		if s, ok := Plain(t).RawGetString(key).(lua.LString); ok {
			return string(s)
		}
	}
	return "error with a table as its message"
}

func (u *Universe) borrow() *lua.LState {
	n := len(u.spare)
	if n == 0 {
		return u.newThread()
	}
	th := u.spare[n-1]
	u.spare = u.spare[:n-1]
	return th
}

// release gives the thread of a protected call back, its results taken.
func (u *Universe) release(th *lua.LState) {
	if len(u.spare) < maxSpare {
		th.SetTop(0)
		u.spare = append(u.spare, th)
	}
}

// taken moves the results of a protected call to L, and gives their number.
func (u *Universe) taken(L, th *lua.LState) int {
	n := th.GetTop()
	th.XMoveTo(L, n)
	u.release(th)
	return n
}

func basePCall(L *lua.LState) int {
	nargs := L.GetTop() - 1
	if nargs < 0 {
		argError(L, 1, "value expected")
	}
	if err := uncallable(L, L.Get(1)); err != "" {
		return pushFailure(L, lua.LString(err))
	}
	r := runOf(L)
	th, c := r.protect(L, nargs, false)
	if c != nil {
		return pushFailure(L, c.value)
	}
	L.Push(lua.LTrue)
	return 1 + r.u.taken(L, th)
}

func pushFailure(L *lua.LState, v lua.LValue) int {
	L.Push(lua.LFalse)
	L.Push(v)
	return 2
}

// uncallable says why v cannot be called, or "".
func uncallable(L *lua.LState, v lua.LValue) string {
	if v.Type() == lua.LTFunction {
		return ""
	}
	if _, ok := L.GetMetaField(v, "__call").(*lua.LFunction); ok {
		return ""
	}
	return "attempt to call a " + v.Type().String() + " value"
}

// baseXPCall is xpcall(f, handler, ...). The handler runs when f has been
// unwound, but a traceback made in it is that of the place of the error.
func baseXPCall(L *lua.LState) int {
	handler := checkFunction(L, 2)
	L.Remove(2)
	if err := uncallable(L, L.Get(1)); err != "" {
		return pushFailure(L, lua.LString(err))
	}
	r := runOf(L)
	th, c := r.protect(L, L.GetTop()-1, true)
	if c == nil {
		L.Push(lua.LTrue)
		return 1 + r.u.taken(L, th)
	}
	L.Push(lua.LFalse)
	L.Push(handler)
	L.Push(c.value)
	outer := r.trace
	r.trace = c.trace
	th, failed := r.protect(L, 1, false)
	r.trace = outer
	if failed != nil {
		return pushFailure(L, failed.value)
	}
	return 1 + r.u.taken(L, th)
}
