package vm

import (
	lua "github.com/yuin/gopher-lua"
)

// A MethodCall is a call object:method() in a function, where the object is a
// local of around it, a global, or a field of one.
type MethodCall struct {
	Object  lua.LValue // nil if only the call itself will know it
	Written string     // the object, Shop or pharos.PageGETMetricWatcher
	Method  string
	File    string
	Line    int
}

// MethodCalls finds them. Those of functions within fn are not looked for.
func MethodCalls(fn *lua.LFunction) (calls []MethodCall) {
	if fn.IsG {
		return nil
	}
	for pc, code := range fn.Proto.Code {
		i := decode(code)
		if i.op != lua.OP_SELF {
			continue
		}
		if object, written := objectAt(fn, pc-1, i.b); written != "" {
			calls = append(calls, MethodCall{object, written, keyText(fn.Proto, i.c), fn.Proto.SourceName, fn.Proto.DbgSourcePositions[pc]})
		}
	}
	return calls
}

// objectAt is what the instructions up to pc fetch into a register, and how it is
// written; "" if that cannot be told.
func objectAt(fn *lua.LFunction, pc, register int) (lua.LValue, string) {
	if pc < 0 {
		return nil, ""
	}
	i := decode(fn.Proto.Code[pc])
	if i.a != register {
		return nil, ""
	}
	switch i.op {
	case lua.OP_GETUPVAL:
		if i.b < len(fn.Proto.DbgUpvalues) && i.b < len(fn.Upvalues) {
			return fn.Upvalues[i.b].Value(), fn.Proto.DbgUpvalues[i.b]
		}
	case lua.OP_GETGLOBAL:
		if name, ok := fn.Proto.Constants[i.bx].(lua.LString); ok {
			return fn.Env.RawGetString(string(name)), string(name)
		}
	case lua.OP_GETTABLEKS:
		field := keyText(fn.Proto, i.c)
		if i.b < int(fn.Proto.NumParameters) {
			return nil, fn.Proto.DbgLocals[i.b].Name + "." + field
		}
		of, written := objectAt(fn, pc-1, i.b)
		t, ok := of.(*lua.LTable)
		switch {
		case written == "":
			return nil, ""
		case !ok:
			return nil, written + "." + field
		}
		return t.RawGetString(field), written + "." + field
	}
	return nil, ""
}
