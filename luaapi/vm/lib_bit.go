package vm

import (
	"fmt"
	"math"
	"math/bits"

	lua "github.com/yuin/gopher-lua"
)

// openBit opens bit, the operators that Lua 5.1 lacks, as LuaJIT has them: on 32
// bits, with signed results.
func (u *Universe) openBit(L *lua.LState) {
	u.library(L, "bit", map[string]lua.LGFunction{
		"tobit":   bitFold(func(a, _ uint32) uint32 { return a }),
		"band":    bitFold(func(a, b uint32) uint32 { return a & b }),
		"bor":     bitFold(func(a, b uint32) uint32 { return a | b }),
		"bxor":    bitFold(func(a, b uint32) uint32 { return a ^ b }),
		"bnot":    bitShift(func(a uint32, _ int) uint32 { return ^a }),
		"lshift":  bitShift(func(a uint32, n int) uint32 { return a << n }),
		"rshift":  bitShift(func(a uint32, n int) uint32 { return a >> n }),
		"arshift": bitShift(func(a uint32, n int) uint32 { return uint32(int32(a) >> n) }),
		"rol":     bitShift(func(a uint32, n int) uint32 { return bits.RotateLeft32(a, n) }),
		"ror":     bitShift(func(a uint32, n int) uint32 { return bits.RotateLeft32(a, -n) }),
		"tohex":   bitToHex,
	})
}

// checkBits is an argument modulo 2^32.
func checkBits(L *lua.LState, n int) uint32 {
	f := checkNumber(L, n)
	if f != f || math.IsInf(f, 0) {
		argError(L, n, "number has no bits")
	}
	return uint32(int64(math.Mod(math.Floor(f), 1<<32)))
}

func bitFold(f func(a, b uint32) uint32) lua.LGFunction {
	return func(L *lua.LState) int {
		a := checkBits(L, 1)
		for i := 2; i <= L.GetTop(); i++ {
			a = f(a, checkBits(L, i))
		}
		L.Push(lua.LNumber(int32(a)))
		return 1
	}
}

func bitShift(f func(a uint32, n int) uint32) lua.LGFunction {
	return func(L *lua.LState) int {
		a, n := checkBits(L, 1), 0
		if L.GetTop() > 1 {
			n = int(checkBits(L, 2) & 31)
		}
		L.Push(lua.LNumber(int32(f(a, n))))
		return 1
	}
}

// bitToHex is bit.tohex(a [, digits]); a negative number of digits means capitals.
func bitToHex(L *lua.LState) int {
	a, n := checkBits(L, 1), optInt(L, 2, 8)
	digits := fmt.Sprintf("%08x", a)
	if n < 0 {
		n, digits = -n, fmt.Sprintf("%08X", a)
	}
	L.Push(lua.LString(digits[8-min(n, 8):]))
	return 1
}
