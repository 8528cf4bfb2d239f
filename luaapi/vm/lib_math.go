package vm

import (
	"math"
	"math/rand/v2"

	lua "github.com/yuin/gopher-lua"
)

func (u *Universe) openMath(L *lua.LState) {
	t := u.library(L, "math", map[string]lua.LGFunction{
		"abs": of1(math.Abs), "acos": of1(math.Acos), "asin": of1(math.Asin), "atan": of1(math.Atan),
		"ceil": of1(math.Ceil), "cos": of1(math.Cos), "cosh": of1(math.Cosh), "exp": of1(math.Exp),
		"floor": mathFloor, "log10": of1(math.Log10), "sin": of1(math.Sin),
		"sinh": of1(math.Sinh), "sqrt": of1(math.Sqrt), "tan": of1(math.Tan), "tanh": of1(math.Tanh),
		"deg":   of1(func(x float64) float64 { return x * (180 / math.Pi) }),
		"rad":   of1(func(x float64) float64 { return x * (math.Pi / 180) }),
		"round": of1(math.Round),
		"atan2": of2(math.Atan2), "fmod": of2(math.Mod), "pow": of2(math.Pow),
		"log": mathLog, "modf": mathModf,
		"max":   most(func(x, best float64) bool { return x > best }),
		"min":   most(func(x, best float64) bool { return x < best }),
		"frexp": mathFrexp, "ldexp": mathLdexp, "random": mathRandom, "randomseed": mathRandomSeed,
	})
	t.RawSetString("pi", lua.LNumber(math.Pi))
	t.RawSetString("huge", lua.LNumber(math.Inf(1)))
}

func of1(f func(float64) float64) lua.LGFunction {
	return func(L *lua.LState) int {
		L.Push(lua.LNumber(f(checkNumber(L, 1))))
		return 1
	}
}

func of2(f func(x, y float64) float64) lua.LGFunction {
	return func(L *lua.LState) int {
		L.Push(lua.LNumber(f(checkNumber(L, 1), checkNumber(L, 2))))
		return 1
	}
}

// mathLog is math.log(x [, base]).
func mathLog(L *lua.LState) int {
	x := checkNumber(L, 1)
	switch base := optNumber(L, 2, math.E); base {
	case math.E:
		x = math.Log(x)
	case 2:
		x = math.Log2(x)
	case 10:
		x = math.Log10(x)
	default:
		x = math.Log(x) / math.Log(base)
	}
	L.Push(lua.LNumber(x))
	return 1
}

// mathFloor is apart for its speed: Go has an instruction for it, if it knows
// what it calls.
func mathFloor(L *lua.LState) int {
	L.Push(lua.LNumber(math.Floor(checkNumber(L, 1))))
	return 1
}

// most is the one of its arguments that is better than all before it.
func most(better func(x, best float64) bool) lua.LGFunction {
	return func(L *lua.LState) int {
		best, n := checkNumber(L, 1), L.GetTop()
		for i := 2; i <= n; i++ {
			if x := checkNumber(L, i); better(x, best) {
				best = x
			}
		}
		L.Push(lua.LNumber(best))
		return 1
	}
}

func mathModf(L *lua.LState) int {
	x := checkNumber(L, 1)
	whole := math.Trunc(x)
	fraction := x - whole
	if math.IsInf(x, 0) {
		fraction = 0
	}
	L.Push(lua.LNumber(whole))
	L.Push(lua.LNumber(fraction))
	return 2
}

func mathFrexp(L *lua.LState) int {
	fraction, exponent := math.Frexp(checkNumber(L, 1))
	L.Push(lua.LNumber(fraction))
	L.Push(lua.LNumber(exponent))
	return 2
}

func mathLdexp(L *lua.LState) int {
	L.Push(lua.LNumber(math.Ldexp(checkNumber(L, 1), checkInt(L, 2))))
	return 1
}

// mathRandom is math.random([m [, n]]).
func mathRandom(L *lua.LState) int {
	low, high := 1.0, 0.0
	switch L.GetTop() {
	case 0:
		L.Push(lua.LNumber(rand.Float64()))
		return 1
	case 1:
		high = math.Floor(checkNumber(L, 1))
	default:
		low, high = math.Floor(checkNumber(L, 1)), math.Floor(checkNumber(L, 2))
	}
	span := high - low // of infinities it is no number
	switch {
	case !(low <= high):
		argError(L, L.GetTop(), "interval is empty")
	case !(span < 1<<53):
		argError(L, L.GetTop(), "interval is too large")
	}
	L.Push(lua.LNumber(low + float64(rand.Int64N(int64(span)+1))))
	return 1
}

// mathRandomSeed does nothing: the generator is the process's, and seeded well.
func mathRandomSeed(*lua.LState) int { return 0 }
