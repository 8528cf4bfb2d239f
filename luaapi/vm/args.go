package vm

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

// Arguments are checked here rather than with gopher-lua's Check functions for
// their texts, and because those take no numeric string for an integer.

// argError raises "bad argument #n to 'f' (...)". Of a method's arguments, self
// is not counted.
func argError(L *lua.LState, n int, text string) {
	name := "?"
	if f := topFrame(L); f.ok() {
		if c := f.callee(); c != "" {
			name = c
		}
		if caller := f.parent(); caller.ok() && !caller.isGo() && f.tailCalls() == 0 && caller.callsMethod() {
			n--
		}
	}
	if n == 0 {
		L.RaiseError("calling '%s' on bad self (%s)", name, text)
	}
	L.RaiseError("bad argument #%d to '%s' (%s)", n, name, text)
}

func typeError(L *lua.LState, n int, want string) {
	got := "no value"
	if n <= L.GetTop() {
		got = L.Get(n).Type().String()
	}
	argError(L, n, want+" expected, got "+got)
}

func checkAny(L *lua.LState, n int) lua.LValue {
	if n > L.GetTop() {
		argError(L, n, "value expected")
	}
	return L.Get(n)
}

func checkString(L *lua.LState, n int) string {
	switch v := L.Get(n).(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return FormatNumber(float64(v))
	}
	typeError(L, n, "string")
	return ""
}

func optString(L *lua.LState, n int, otherwise string) string {
	switch v := L.Get(n).(type) {
	case lua.LString:
		return string(v)
	case *lua.LNilType:
		return otherwise
	}
	return checkString(L, n)
}

// CheckNumber is argument n, a number or a text that tonumber takes for one. To
// gopher-lua's own, "010" is 8.
func CheckNumber(L *lua.LState, n int) float64 { return checkNumber(L, n) }

func checkNumber(L *lua.LState, n int) float64 {
	switch v := L.Get(n).(type) {
	case lua.LNumber:
		return float64(v)
	case lua.LString:
		if f, ok := parseNumber(string(v)); ok {
			return f
		}
	}
	typeError(L, n, "number")
	return 0
}

func optNumber(L *lua.LState, n int, otherwise float64) float64 {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return checkNumber(L, n)
}

// checkInt is the number without its fraction, within the range of int32 so
// that sums of two cannot overflow.
func checkInt(L *lua.LState, n int) int {
	if v, ok := L.Get(n).(lua.LNumber); ok && v > -math.MaxInt32 && v < math.MaxInt32 {
		return int(v)
	}
	return toInt(checkNumber(L, n))
}

func optInt(L *lua.LState, n, otherwise int) int {
	switch v := L.Get(n).(type) {
	case lua.LNumber:
		if v > -math.MaxInt32 && v < math.MaxInt32 {
			return int(v)
		}
	case *lua.LNilType:
		return otherwise
	}
	return checkInt(L, n)
}

// toInt clamps rather than overflows; NaN is 0.
func toInt(f float64) int {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt32:
		return math.MaxInt32
	case f <= -math.MaxInt32:
		return -math.MaxInt32
	}
	return int(f)
}

func checkTable(L *lua.LState, n int) *lua.LTable {
	t, ok := L.Get(n).(*lua.LTable)
	if !ok {
		typeError(L, n, "table")
	}
	return Plain(t)
}

func checkFunction(L *lua.LState, n int) *lua.LFunction {
	fn, ok := L.Get(n).(*lua.LFunction)
	if !ok {
		typeError(L, n, "function")
	}
	return fn
}
