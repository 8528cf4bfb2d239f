package vm

import (
	"runtime/metrics"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// bytesPerStep is how much text a step of Go code works on.
const bytesPerStep = 64

func (u *Universe) openBase(L *lua.LState) {
	functions := map[string]lua.LGFunction{
		"assert": baseAssert, "error": baseError, "pcall": basePCall, "xpcall": baseXPCall,
		"type": baseType, "tostring": baseToString, "tonumber": baseToNumber, "select": baseSelect,
		"next": baseNext, "rawget": baseRawGet, "rawset": baseRawSet, "rawequal": baseRawEqual,
		"getmetatable": baseGetMetatable, "setmetatable": baseSetMetatable,
		"collectgarbage": baseCollectGarbage, "print": u.basePrint, "unpack": tableUnpack,
	}
	for _, name := range sortedKeys(functions) {
		u.env.RawSetString(name, L.NewFunction(functions[name]))
	}
	next := L.NewFunction(pairsNext)
	u.env.RawSetString("pairs", L.NewFunction(func(L *lua.LState) int {
		t := checkTable(L, 1)
		L.Push(next)
		L.Push(t)
		L.Push(lua.LNil)
		return 3
	}))
	inext := L.NewFunction(ipairsNext)
	u.env.RawSetString("ipairs", L.NewFunction(func(L *lua.LState) int {
		t := checkTable(L, 1)
		L.Push(inext)
		L.Push(t)
		L.Push(lua.LNumber(0))
		return 3
	}))
	u.env.RawSetString("_VERSION", lua.LString(lua.LuaVersion))
	u.library(L, "debug", map[string]lua.LGFunction{"traceback": debugTraceback})
}

func baseAssert(L *lua.LState) int {
	if lua.LVAsBool(checkAny(L, 1)) {
		return L.GetTop()
	}
	if L.Get(2) != lua.LNil {
		L.Error(L.Get(2), 0)
	}
	L.Error(lua.LString(Position(L, 1)+"assertion failed!"), 0)
	return 0
}

func baseError(L *lua.LState) int {
	v, level := L.Get(1), optInt(L, 2, 1)
	if s, ok := v.(lua.LString); ok && level > 0 {
		v = lua.LString(Position(L, level)) + s
	}
	L.Error(v, 0)
	return 0
}

// typeNames are the names of all types, made once: type is called for every
// option of every watcher.
var typeNames = func() (names [lua.LTChannel + 1]lua.LValue) {
	for i := range names {
		names[i] = lua.LString(lua.LValueType(i).String())
	}
	return names
}()

func baseType(L *lua.LState) int {
	L.Push(typeNames[checkAny(L, 1).Type()])
	return 1
}

func baseToString(L *lua.LState) int {
	L.Push(lua.LString(toString(L, checkAny(L, 1))))
	return 1
}

// toString is tostring: it may call the value's __tostring.
func toString(L *lua.LState, v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return FormatNumber(float64(v))
	case *lua.LTable, *lua.LUserData:
		meta := L.GetMetaField(v, "__tostring")
		if meta == lua.LNil {
			break
		}
		L.Push(meta)
		L.Push(v)
		L.Call(1, 1)
		s := L.Get(-1)
		L.Pop(1)
		if s, ok := s.(lua.LString); ok {
			return string(s)
		}
		L.RaiseError("'tostring' must return a string, not a %s", s.Type().String())
	}
	return plainText(v)
}

func baseSelect(L *lua.LState) int {
	n := L.GetTop()
	if s, ok := L.Get(1).(lua.LString); ok && s == "#" {
		L.Push(lua.LNumber(n - 1))
		return 1
	}
	i := checkInt(L, 1)
	if i < 0 {
		i += n
	}
	if i < 1 {
		argError(L, 1, "index out of range")
	}
	return max(n-i, 0)
}

func baseNext(L *lua.LState) int {
	t := checkTable(L, 1)
	L.SetTop(2)
	key, value := t.Next(L.Get(2))
	if key == lua.LNil {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(key)
	L.Push(value)
	return 2
}

func pairsNext(L *lua.LState) int {
	key, value := checkTable(L, 1).Next(L.Get(2))
	if key == lua.LNil {
		return 0
	}
	L.Push(key)
	L.Push(value)
	return 2
}

func ipairsNext(L *lua.LState) int {
	i := checkInt(L, 2) + 1
	v := checkTable(L, 1).RawGetInt(i)
	if v == lua.LNil {
		return 0
	}
	L.Push(lua.LNumber(i))
	L.Push(v)
	return 2
}

func baseRawGet(L *lua.LState) int {
	L.Push(checkTable(L, 1).RawGet(checkAny(L, 2)))
	return 1
}

func baseRawSet(L *lua.LState) int {
	L.RawSet(checkTable(L, 1), checkAny(L, 2), checkAny(L, 3))
	L.SetTop(1)
	return 1
}

func baseRawEqual(L *lua.LState) int {
	L.Push(lua.LBool(L.RawEqual(checkAny(L, 1), checkAny(L, 2))))
	return 1
}

func baseGetMetatable(L *lua.LState) int {
	v := checkAny(L, 1)
	if t, ok := v.(*lua.LTable); ok {
		Plain(t)
	}
	L.Push(L.GetMetatable(v))
	return 1
}

// baseSetMetatable takes tables only: gopher-lua's would change the metatable
// of all strings.
func baseSetMetatable(L *lua.LState) int {
	t, meta := checkTable(L, 1), L.Get(2)
	if L.GetTop() < 2 || meta != lua.LNil && meta.Type() != lua.LTTable {
		typeError(L, 2, "nil or table")
	}
	if old, ok := t.Metatable.(*lua.LTable); ok && old.RawGetString("__metatable") != lua.LNil {
		L.RaiseError("cannot change a protected metatable")
	}
	t.Metatable = meta
	L.SetTop(1)
	return 1
}

// baseCollectGarbage only answers "count": a collection stops every other
// script too.
func baseCollectGarbage(L *lua.LState) int {
	if optString(L, 1, "collect") != "count" {
		L.Push(lua.LNumber(0))
		return 1
	}
	L.Push(lua.LNumber(float64(heapObjects()) / 1024))
	return 1
}

// heapObjects is the memory of live and not yet swept objects, in bytes. Unlike
// runtime.ReadMemStats it does not stop the world.
func heapObjects() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func (u *Universe) basePrint(L *lua.LState) int {
	line := Line(L, 1, "\t")
	if u.opts.Print != nil {
		u.opts.Print(runOf(L).ctx, line)
	}
	return 0
}

// maxLine bounds a [Line], in bytes.
const maxLine = 8 << 10

// Line is the text of L's arguments from number first on, with between in
// between: what a script logs. It is clipped, and dots say where: what is cut may
// be a secret, the rest of which is looked for beside them.
func Line(L *lua.LState, first int, between string) string {
	var b strings.Builder
	for i := first; i <= L.GetTop(); i++ {
		if i > first {
			b.WriteString(between)
		}
		s := toString(L, L.Get(i))
		runOf(L).charge(1 + len(s)/bytesPerStep)
		if left := max(maxLine-b.Len(), 0); len(s) > left {
			b.WriteString(strings.ToValidUTF8(s[:left], ""))
			b.WriteString("...")
			break
		}
		b.WriteString(s)
	}
	return b.String()
}

// debugTraceback is debug.traceback([message]). In a handler of xpcall it is
// the traceback of the error.
func debugTraceback(L *lua.LState) int {
	r := runOf(L)
	trace := r.trace
	if trace == "" {
		trace = r.traceback()
	}
	if L.GetTop() > 0 && L.Get(1) != lua.LNil {
		if L.Get(1).Type() != lua.LTString && L.Get(1).Type() != lua.LTNumber {
			L.SetTop(1)
			return 1
		}
		trace = checkString(L, 1) + "\nstack traceback:\n" + trace
	} else {
		trace = "stack traceback:\n" + trace
	}
	L.Push(lua.LString(trace))
	return 1
}
