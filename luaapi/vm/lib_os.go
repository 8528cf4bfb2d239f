package vm

import (
	"time"

	lua "github.com/yuin/gopher-lua"
)

func (u *Universe) openOS(L *lua.LState) {
	u.library(L, "os", map[string]lua.LGFunction{
		"time": osTime, "clock": u.osClock, "difftime": osDiffTime,
	})
}

// osClock is the time since the file was loaded: the CPU time of the process,
// which it is elsewhere, says nothing about a script.
func (u *Universe) osClock(L *lua.LState) int {
	L.Push(lua.LNumber(time.Duration(u.now()).Seconds()))
	return 1
}

func osDiffTime(L *lua.LState) int {
	L.Push(lua.LNumber(checkNumber(L, 1) - optNumber(L, 2, 0)))
	return 1
}

// osTime is os.time([table]).
func osTime(L *lua.LState) int {
	if L.Get(1) == lua.LNil {
		L.Push(lua.LNumber(time.Now().Unix()))
		return 1
	}
	t := checkTable(L, 1)
	field := func(name string, otherwise int) int {
		v, ok := t.RawGetString(name).(lua.LNumber)
		if !ok {
			if otherwise < 0 {
				L.RaiseError("field '%s' missing in date table", name)
			}
			return otherwise
		}
		return toInt(float64(v))
	}
	at := time.Date(field("year", -1), time.Month(field("month", -1)), field("day", -1),
		field("hour", 12), field("min", 0), field("sec", 0), 0, time.Local)
	L.Push(lua.LNumber(at.Unix()))
	return 1
}
