package vm

import (
	lua "github.com/yuin/gopher-lua"
)

const (
	maxString = 16 << 20 // bytes of a string that a library function makes
	maxUnpack = 8000     // values that unpack gives
)

func (u *Universe) openTable(L *lua.LState) {
	u.library(L, "table", map[string]lua.LGFunction{
		"concat": tableConcat, "insert": tableInsert, "remove": tableRemove, "sort": tableSort,
		"unpack": tableUnpack, "pack": tablePack, "maxn": tableMaxN,
	})
}

func tableConcat(L *lua.LState) int {
	t, sep := checkTable(L, 1), optString(L, 2, "")
	from, to := optInt(L, 3, 1), 0
	if L.Get(4) == lua.LNil {
		to = t.Len()
	} else {
		to = checkInt(L, 4)
	}
	r, total := runOf(L), 0
	for i := from; i <= to; i++ {
		switch v := t.RawGetInt(i).(type) {
		case lua.LString:
			total += len(v) + len(sep)
		case lua.LNumber:
			total += 8 + len(sep)
		default:
			L.RaiseError("invalid value (%s) at index %d in table for 'concat'", v.Type().String(), i)
		}
		checkSize(L, total-len(sep))
		r.charge(1)
	}
	r.charge(total / bytesPerStep)
	buf := make([]byte, 0, total)
	for i := from; i <= to; i++ {
		switch v := t.RawGetInt(i).(type) {
		case lua.LString:
			buf = append(buf, v...)
		case lua.LNumber:
			buf = appendNumber(buf, float64(v))
		}
		if i < to {
			buf = append(buf, sep...)
		}
	}
	L.Push(lua.LString(buf))
	return 1
}

// checkSize fails when a string gets longer than any may be.
func checkSize(L *lua.LState, n int) {
	if n > maxString {
		L.RaiseError("string too long (a string may have %d MB)", maxString>>20)
	}
}

func tableInsert(L *lua.LState) int {
	t := checkTable(L, 1)
	n := t.MaxN()
	if n+1 >= lua.MaxArrayIndex {
		L.RaiseError("table too long (a list may have %d elements)", lua.MaxArrayIndex-1)
	}
	switch L.GetTop() {
	case 2:
		t.Append(L.Get(2))
	case 3:
		pos := checkInt(L, 2)
		if pos >= 1 && pos <= n {
			runOf(L).charge((n - pos) / 8)
			t.Insert(pos, L.Get(3))
			return 0
		}
		t.RawSetInt(pos, L.Get(3))
	default:
		L.RaiseError("wrong number of arguments to 'insert'")
	}
	return 0
}

func tableRemove(L *lua.LState) int {
	t := checkTable(L, 1)
	n := t.MaxN()
	pos := optInt(L, 2, n)
	if n == 0 || pos < 1 || pos > n {
		L.Push(lua.LNil)
		return 1
	}
	if pos < n {
		runOf(L).charge((n - pos) / 8)
	}
	L.Push(t.Remove(pos))
	return 1
}

func tableMaxN(L *lua.LState) int {
	t, r := checkTable(L, 1), runOf(L)
	max := lua.LNumber(0)
	for key := range Pairs(t) {
		r.charge(1)
		if n, ok := key.(lua.LNumber); ok && n > max {
			max = n
		}
	}
	L.Push(max)
	return 1
}

func tableUnpack(L *lua.LState) int {
	t := checkTable(L, 1)
	from, to := optInt(L, 2, 1), 0
	if L.Get(3) == lua.LNil {
		to = t.Len()
	} else {
		to = checkInt(L, 3)
	}
	n := to - from + 1
	if n <= 0 {
		return 0
	}
	if n > maxUnpack {
		L.RaiseError("too many results to unpack (%d, at most %d)", n, maxUnpack)
	}
	if n > 8 {
		runOf(L).charge(n)
	}
	for i := from; i <= to; i++ {
		L.Push(t.RawGetInt(i))
	}
	return n
}

func tablePack(L *lua.LState) int {
	n := L.GetTop()
	runOf(L).charge(n)
	t := L.CreateTable(n, 1)
	for i := 1; i <= n; i++ {
		t.RawSetInt(i, L.Get(i))
	}
	t.RawSetString("n", lua.LNumber(n))
	L.Push(t)
	return 1
}
