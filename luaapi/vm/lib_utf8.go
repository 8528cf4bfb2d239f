package vm

import (
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
)

func (u *Universe) openUTF8(L *lua.LState) {
	t := u.library(L, "utf8", map[string]lua.LGFunction{
		"char": utf8Char, "len": utf8Len, "codepoint": utf8CodePoint,
	})
	t.RawSetString("charpattern", lua.LString("[%z\x01-\x7f\xc2-\xf4][\x80-\xbf]*"))
}

// utf8Char is utf8.char(code, ...).
func utf8Char(L *lua.LState) int {
	var buf []byte
	runOf(L).charge(L.GetTop() / 8)
	for i := 1; i <= L.GetTop(); i++ {
		c := checkInt(L, i)
		if c < 0 || c > utf8.MaxRune {
			argError(L, i, "value out of range")
		}
		buf = utf8.AppendRune(buf, rune(c))
	}
	L.Push(lua.LString(buf))
	return 1
}

// utf8Len is utf8.len(s [, i [, j]]): the characters that start from byte i to
// byte j, or nil and the position of the first byte that is not UTF-8.
func utf8Len(L *lua.LState) int {
	s := checkString(L, 1)
	from, to := clampRange(optInt(L, 2, 1), optInt(L, 3, -1), len(s))
	r, n := runOf(L), 0
	for i := from; i < to; n++ {
		_, size := utf8.DecodeRuneInString(s[i:])
		if size == 1 && s[i] >= utf8.RuneSelf {
			L.Push(lua.LNil)
			L.Push(lua.LNumber(i + 1))
			return 2
		}
		i += size
		if n%bytesPerStep == 0 {
			r.charge(8)
		}
	}
	L.Push(lua.LNumber(n))
	return 1
}

// utf8CodePoint is utf8.codepoint(s [, i [, j]]).
func utf8CodePoint(L *lua.LState) int {
	s := checkString(L, 1)
	i := optInt(L, 2, 1)
	from, to := clampRange(i, optInt(L, 3, i), len(s))
	if to-from > maxUnpack {
		L.RaiseError("string slice too long (%d bytes, at most %d)", to-from, maxUnpack)
	}
	runOf(L).charge((to - from) / 8)
	n := 0
	for i := from; i < to; n++ {
		c, size := utf8.DecodeRuneInString(s[i:])
		if size == 1 && s[i] >= utf8.RuneSelf {
			L.RaiseError("invalid UTF-8 code")
		}
		L.Push(lua.LNumber(c))
		i += size
	}
	return n
}
