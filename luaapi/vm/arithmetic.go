package vm

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

// gopher-lua takes a text in arithmetic for the number that Go's syntax makes of
// it: "010" is 8, and "1_000" a number. Before it does, it asks for a
// metamethod: so texts have some, which take what tonumber takes.

// openArithmetic puts the metamethods into the metatable of texts.
func openArithmetic(L *lua.LState, meta *lua.LTable) {
	for event, f := range map[string]func(a, b float64) float64{
		"__add": func(a, b float64) float64 { return a + b },
		"__sub": func(a, b float64) float64 { return a - b },
		"__mul": func(a, b float64) float64 { return a * b },
		"__div": func(a, b float64) float64 { return a / b },
		"__mod": modulo,
		"__pow": math.Pow,
	} {
		meta.RawSetString(event, L.NewFunction(func(L *lua.LState) int {
			a, ok := operand(L.Get(1))
			b, also := operand(L.Get(2))
			switch {
			case ok && also:
				L.Push(lua.LNumber(f(a, b)))
				return 1
			case ok:
				return arithmeticOf(L, event, 2, 1)
			}
			return arithmeticOf(L, event, 1, 2)
		}))
	}
	meta.RawSetString("__unm", L.NewFunction(func(L *lua.LState) int {
		a, ok := operand(L.Get(1))
		if !ok {
			return arithmeticOf(L, "__unm", 1, 1)
		}
		L.Push(lua.LNumber(-a))
		return 1
	}))
}

func operand(v lua.LValue) (float64, bool) {
	switch v := v.(type) {
	case lua.LNumber:
		return float64(v), true
	case lua.LString:
		return parseNumber(string(v))
	}
	return 0, false
}

func modulo(a, b float64) float64 {
	m := math.Mod(a, b)
	if m*b < 0 {
		m += b
	}
	return m
}

// insteadOf is what texts have instead of what other languages do with them by
// arithmetic.
var insteadOf = map[string]string{
	"__add": ": .. joins texts, tonumber makes a number of one",
	"__mod": ": write (text):format(...)",
}

// arithmeticOf does what one operand is no number for: it calls the metamethod
// of the other if that is no text, or says that the wrong one is wrong.
func arithmeticOf(L *lua.LState, event string, wrong, other int) int {
	for _, i := range []int{wrong, other} {
		v := L.Get(i)
		if _, text := v.(lua.LString); text {
			continue
		}
		if fn, ok := L.GetMetaField(v, event).(*lua.LFunction); ok {
			L.Push(fn)
			L.Push(L.Get(1))
			L.Push(L.Get(2))
			L.Call(2, 1)
			return 1
		}
	}
	f := topFrame(L).parent()
	i := f.instruction()
	register := i.b
	if wrong == 2 {
		register = i.c
	}
	message := wrongOperand(f, TypeName(L.Get(wrong)), register)
	if _, text := L.Get(wrong).(lua.LString); text {
		message += insteadOf[event]
	}
	L.RaiseError("%s", message)
	return 0
}
