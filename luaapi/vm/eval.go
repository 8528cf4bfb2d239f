package vm

import (
	"context"
	"errors"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Eval runs what a person typed, as [Universe.Call] does. Unlike a file it may
// set any global, kept in the universe's [Scope]; it may require
// modules; and only ctx bounds the time it computes.
func (u *Universe) Eval(ctx context.Context, name string, src []byte, conv func(L *lua.LState, n int) error) error {
	c, err := compileChunk(name, src, defaultLoadTimeout)
	if err != nil {
		return err
	}
	r, err := u.enter(ctx)
	if err != nil {
		return err
	}
	r.typed, r.slice = true, 0
	L := r.threads[0]
	f := L.NewFunctionFromProto(c.proto)
	f.Env = u.scopeOf(L)
	L.Push(f)
	return u.finish(r, 0, conv)
}

// Scope is the table of what the lines of [Universe.Eval] set. What is not in
// it is looked up among the globals. L is of a run of the universe.
func Scope(L *lua.LState) *lua.LTable { return runOf(L).u.scopeOf(L) }

func (u *Universe) scopeOf(L *lua.LState) *lua.LTable {
	if u.scope == nil {
		u.scope = L.CreateTable(0, 0)
		meta := L.CreateTable(0, 1)
		meta.RawSetString("__index", u.env)
		u.scope.Metatable = meta
	}
	return u.scope
}

// Typed tells whether L runs what a person typed.
func Typed(L *lua.LState) bool { return runOf(L).typed }

// Incomplete tells whether err is that the source ends too early: with more of
// it there may be none.
func Incomplete(err error) bool {
	var e *Error
	return errors.As(err, &e) && strings.Contains(e.Message, nearEnd) && !strings.HasPrefix(e.Message, "unterminated string")
}
