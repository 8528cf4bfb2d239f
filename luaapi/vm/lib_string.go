package vm

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/pattern"
)

// stride is how many bytes string functions work on between two charges.
const stride = 64 << 10

func (u *Universe) openString(L *lua.LState) {
	t := u.library(L, "string", map[string]lua.LGFunction{
		"byte": stringByte, "char": stringChar, "find": stringFind, "format": stringFormat,
		"gmatch": stringGMatch, "gsub": stringGSub, "len": stringLen, "lower": stringLower,
		"match": stringMatch, "rep": stringRep, "reverse": stringReverse, "sub": stringSub,
		"upper": stringUpper,
	})
	meta := L.CreateTable(0, 9)
	meta.RawSetString("__index", t)
	meta.RawSetString("__metatable", lua.LString("string")) // or a script could change all strings
	openArithmetic(L, meta)
	L.SetMetatable(lua.LString(""), meta)
	u.anchored.compile, u.unanchored.compile = pattern.Compile, pattern.CompileUnanchored
}

// clampRange turns Lua's positions i and j, which count from the end when negative,
// into the bytes s[from:to] of a string of n bytes.
func clampRange(i, j, n int) (from, to int) {
	if i < 0 {
		i = max(n+i+1, 1)
	} else if i == 0 {
		i = 1
	}
	if j < 0 {
		j = n + j + 1
	}
	from, to = i-1, min(j, n)
	if from >= to {
		return 0, 0
	}
	return from, to
}

// part is s[from:to] as a value. A short part of a long string is copied: a
// script that keeps a title must not keep the page.
func part(s string, from, to int) lua.LString {
	t := s[from:to]
	if len(s) > 4<<10 && len(t) < len(s)/4 {
		t = strings.Clone(t)
	}
	return lua.LString(t)
}

func stringLen(L *lua.LState) int {
	L.Push(lua.LNumber(len(checkString(L, 1))))
	return 1
}

func stringSub(L *lua.LState) int {
	s := checkString(L, 1)
	from, to := clampRange(checkInt(L, 2), optInt(L, 3, -1), len(s))
	if to-from > stride {
		runOf(L).charge((to - from) / (16 * bytesPerStep))
	}
	L.Push(part(s, from, to))
	return 1
}

func stringByte(L *lua.LState) int {
	s := checkString(L, 1)
	i := optInt(L, 2, 1)
	from, to := clampRange(i, optInt(L, 3, i), len(s))
	if to-from == 1 {
		L.Push(lua.LNumber(s[from]))
		return 1
	}
	if to-from > maxUnpack {
		L.RaiseError("string slice too long (%d bytes, at most %d)", to-from, maxUnpack)
	}
	if to-from > 8 {
		runOf(L).charge((to - from) / 8)
	}
	for _, c := range []byte(s[from:to]) {
		L.Push(lua.LNumber(c))
	}
	return to - from
}

func stringChar(L *lua.LState) int {
	buf := make([]byte, L.GetTop())
	if len(buf) > 8 {
		runOf(L).charge(len(buf) / 8)
	}
	for i := range buf {
		c := checkInt(L, i+1)
		if c < 0 || c > 255 {
			argError(L, i+1, "invalid value")
		}
		buf[i] = byte(c)
	}
	L.Push(lua.LString(buf))
	return 1
}

// bytewise gives s with each byte put through table.
func bytewise(L *lua.LState, s string, table *[256]byte) int {
	var out strings.Builder
	out.Grow(len(s))
	for from := 0; from < len(s); from += stride {
		part := s[from:min(from+stride, len(s))]
		chargeBytes(L, len(part))
		for i := range len(part) {
			out.WriteByte(table[part[i]])
		}
	}
	L.Push(lua.LString(out.String()))
	return 1
}

// chargeBytes charges work on n bytes. A few of them are part of the
// instruction that calls for it.
func chargeBytes(L *lua.LState, n int) {
	if n > 4*bytesPerStep {
		runOf(L).charge(n / 16)
	}
}

// Lower and upper change ASCII letters only, as in the C locale: a string is
// bytes.
var lowerBytes, upperBytes = asciiCase('A', 'Z', 'a'-'A'), asciiCase('a', 'z', 'A'-'a')

// asciiCase is each byte, with those from low to high moved by so much.
func asciiCase(low, high byte, by int) *[256]byte {
	var table [256]byte
	for i := range table {
		table[i] = byte(i)
		if table[i] >= low && table[i] <= high {
			table[i] = byte(i + by)
		}
	}
	return &table
}

func stringLower(L *lua.LState) int { return bytewise(L, checkString(L, 1), lowerBytes) }

func stringUpper(L *lua.LState) int { return bytewise(L, checkString(L, 1), upperBytes) }

func stringReverse(L *lua.LState) int {
	s := checkString(L, 1)
	var out strings.Builder
	out.Grow(len(s))
	for to := len(s); to > 0; to -= stride {
		part := s[max(to-stride, 0):to]
		chargeBytes(L, len(part))
		for i := len(part) - 1; i >= 0; i-- {
			out.WriteByte(part[i])
		}
	}
	L.Push(lua.LString(out.String()))
	return 1
}

// stringRep is string.rep(s, n [, sep]).
func stringRep(L *lua.LState) int {
	s, n, sep := checkString(L, 1), checkInt(L, 2), ""
	if L.GetTop() > 2 {
		sep = optString(L, 3, "")
	}
	if n <= 0 {
		L.Push(lua.LString(""))
		return 1
	}
	size := int64(n) * int64(len(s)+len(sep))
	if size > int64(maxString+len(sep)) {
		checkSize(L, maxString+1)
	}
	if size > stride {
		L.Push(longRep(L, s, n, sep))
		return 1
	}
	if size > 4*bytesPerStep {
		runOf(L).charge(int(size) / bytesPerStep)
	}
	if sep == "" {
		L.Push(lua.LString(strings.Repeat(s, n)))
	} else {
		L.Push(lua.LString(strings.Repeat(s+sep, n-1) + s))
	}
	return 1
}

// longRep repeats s with charges in between: the system takes its time to give
// memory.
func longRep(L *lua.LState, s string, n int, sep string) lua.LString {
	size := n*len(s) + (n-1)*len(sep)
	unit := s + sep
	unit = strings.Repeat(unit, max(stride/len(unit), 1))
	var out strings.Builder
	out.Grow(size)
	for out.Len() < size {
		part := unit[:min(len(unit), size-out.Len())]
		runOf(L).charge(len(part) / bytesPerStep)
		out.WriteString(part)
	}
	return lua.LString(out.String())
}
