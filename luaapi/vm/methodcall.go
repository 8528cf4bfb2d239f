package vm

import (
	lua "github.com/yuin/gopher-lua"
)

// A MethodCall is a call object:method() in a function, where the object is a
// local of around it, a global, or a field of one; or self.super.method().
type MethodCall struct {
	Object  lua.LValue // nil if only the call itself will know it
	Written string     // the object, Shop or pharos.PageGETMetricWatcher
	Method  string
	Super   bool // it is self.super.method(), with a dot
	File    string
	Line    int
}

// code is what is known of a function: of one within another, which is made when
// that runs, only those upvalues that are the other's too.
type code struct {
	proto    *lua.FunctionProto
	upvalues []lua.LValue // nil if not known
	env      *lua.LTable
}

// MethodCalls finds them, those of functions within fn too.
func MethodCalls(fn *lua.LFunction) []MethodCall {
	if fn.IsG {
		return nil
	}
	upvalues := make([]lua.LValue, len(fn.Upvalues))
	for i, up := range fn.Upvalues {
		upvalues[i] = up.Value()
	}
	return code{fn.Proto, upvalues, fn.Env}.methodCalls(nil)
}

func (c code) methodCalls(calls []MethodCall) []MethodCall {
	for pc, word := range c.proto.Code {
		switch i := decode(word); i.op {
		case lua.OP_SELF:
			if object, written := c.objectAt(pc-1, i.b); written != "" {
				calls = append(calls, MethodCall{Object: object, Written: written, Method: fieldName(c.proto, pc), File: c.proto.SourceName, Line: c.proto.DbgSourcePositions[pc]})
			}
		case lua.OP_GETTABLEKS:
			if _, written := c.objectAt(pc-1, i.b); written == "self.super" {
				calls = append(calls, MethodCall{Written: written, Method: fieldName(c.proto, pc), Super: true, File: c.proto.SourceName, Line: c.proto.DbgSourcePositions[pc]})
			}
		case lua.OP_CLOSURE:
			calls = c.within(pc, c.proto.FunctionPrototypes[i.bx]).methodCalls(calls)
		}
	}
	return calls
}

// A FieldSet is a field that a function sets of its first parameter.
type FieldSet struct {
	Parameter, Field, File string
	Line                   int
}

// FieldsSet finds them.
func FieldsSet(fn *lua.LFunction) (sets []FieldSet) {
	if fn.IsG || fn.Proto.NumParameters == 0 {
		return nil
	}
	c := code{proto: fn.Proto}
	for pc, word := range fn.Proto.Code {
		if i := decode(word); i.op == lua.OP_SETTABLEKS && i.a == 0 {
			sets = append(sets, FieldSet{fn.Proto.DbgLocals[0].Name, c.key(pc, i.b), fn.Proto.SourceName, fn.Proto.DbgSourcePositions[pc]})
		}
	}
	return sets
}

// key is the text that a field is set by at pc; "?" if it is none. It is put into a
// register first, and the value may be computed after it.
func (c code) key(pc, rk int) string {
	if rk&constantBit != 0 {
		return constantText(c.proto, rk&^constantBit)
	}
	for pc--; pc >= 0; pc-- {
		switch i := decode(c.proto.Code[pc]); {
		case i.a != rk:
		case i.op == lua.OP_LOADK:
			return constantText(c.proto, i.bx)
		default:
			return "?"
		}
	}
	return "?"
}

// within is the function that the instruction at pc makes. An instruction for each
// of its upvalues comes after that one.
func (c code) within(pc int, proto *lua.FunctionProto) code {
	upvalues := make([]lua.LValue, proto.NumUpvalues)
	for n := range upvalues {
		if i := decode(c.proto.Code[pc+1+n]); i.op == lua.OP_GETUPVAL && i.b < len(c.upvalues) {
			upvalues[n] = c.upvalues[i.b]
		}
	}
	return code{proto, upvalues, c.env}
}

// objectAt is what the instructions up to pc fetch into a register, and how it is
// written; "" if that cannot be told.
func (c code) objectAt(pc, register int) (lua.LValue, string) {
	if pc < 0 {
		return nil, ""
	}
	i := decode(c.proto.Code[pc])
	if i.a != register {
		return nil, ""
	}
	switch i.op {
	case lua.OP_GETUPVAL:
		if i.b < len(c.proto.DbgUpvalues) && i.b < len(c.upvalues) {
			return c.upvalues[i.b], c.proto.DbgUpvalues[i.b]
		}
	case lua.OP_GETGLOBAL:
		if name, ok := c.proto.Constants[i.bx].(lua.LString); ok {
			return c.env.RawGetString(string(name)), string(name)
		}
	case lua.OP_GETTABLEKS:
		field := fieldName(c.proto, pc)
		if i.b < int(c.proto.NumParameters) {
			return nil, c.proto.DbgLocals[i.b].Name + "." + field
		}
		of, written := c.objectAt(pc-1, i.b)
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
