package vm

import (
	"fmt"
	"math"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

func (u *Universe) openOS(L *lua.LState) {
	functions := map[string]lua.LGFunction{
		"time": u.osTime, "clock": u.osClock, "difftime": osDiffTime, "date": u.osDate,
	}
	for name, hint := range absentFunctions {
		name, ok := strings.CutPrefix(name, "os.")
		if !ok {
			continue
		}
		functions[name] = func(L *lua.LState) int {
			L.RaiseError("cannot use os.%s: it does not exist here (%s)", name, hint)
			return 0
		}
	}
	library := u.library(L, "os", functions)
	for name := range functions {
		if _, absent := absentFunctions["os."+name]; absent {
			u.stubs[library.RawGetString(name)] = true
		}
	}
}

// osClock is the time since the file was loaded: the CPU time of the process,
// which it is elsewhere, says nothing about a script.
func (u *Universe) osClock(L *lua.LState) int {
	L.Push(lua.LNumber(u.opts.Now().Sub(u.made).Seconds()))
	return 1
}

func osDiffTime(L *lua.LState) int {
	L.Push(lua.LNumber(checkNumber(L, 1) - optNumber(L, 2, 0)))
	return 1
}

// osTime is os.time([table]): in seconds, local time.
func (u *Universe) osTime(L *lua.LState) int {
	if L.Get(1) == lua.LNil {
		L.Push(lua.LNumber(u.opts.Now().Unix()))
		return 1
	}
	t := checkTable(L, 1)
	field := func(name string) int { return dateField(L, t, name) }
	at := time.Date(field("year"), time.Month(field("month")), field("day"),
		field("hour"), field("min"), field("sec"), 0, time.Local)
	L.Push(lua.LNumber(at.Unix()))
	return 1
}

// FirstSecond and LastSecond bound what is written as a date, in Unix seconds:
// the years 0 to 9999, UTC.
const (
	FirstSecond = -62_167_219_200
	LastSecond  = 253_402_300_799
)

// dateField is a field of the table given to os.time. Without an hour it is
// noon, so that a day stays the day it is whatever the season's clock.
func dateField(L *lua.LState, t *lua.LTable, name string) int {
	switch v := t.RawGetString(name).(type) {
	case lua.LNumber:
		return dateNumber(L, name, float64(v))
	case lua.LString:
		if f, ok := parseNumber(string(v)); ok {
			return dateNumber(L, name, f)
		}
	}
	switch name {
	case "hour":
		return 12
	case "min", "sec":
		return 0
	}
	L.RaiseError("field '%s' missing in date table", name)
	return 0
}

// dateNumber bounds a field as C's int does.
func dateNumber(L *lua.LState, name string, n float64) int {
	if !(math.Abs(n) <= math.MaxInt32) {
		L.RaiseError("field '%s' is out of bounds", name)
	}
	return int(n)
}

// maxDateFormat bounds a format of os.date, in bytes: two of them may take as
// long as many steps do.
const maxDateFormat = 4096

// osDate is os.date([format [, time]]).
func (u *Universe) osDate(L *lua.LState) int {
	format := optString(L, 1, "%c")
	at := u.opts.Now()
	if L.Get(2) != lua.LNil {
		seconds := float64(checkNumber(L, 2))
		if !(seconds >= FirstSecond && seconds <= LastSecond) {
			argError(L, 2, "the year is not 0 to 9999")
		}
		at = time.Unix(int64(seconds), 0)
	}
	if len(format) > 0 && format[0] == '!' {
		format, at = format[1:], at.UTC()
	}
	if len(format) >= 2 && format[:2] == "*t" {
		L.Push(dateTable(L, at))
		return 1
	}
	if len(format) > maxDateFormat {
		argError(L, 1, fmt.Sprintf("format too long (%d bytes, at most %d)", len(format), maxDateFormat))
	}
	runOf(L).charge(len(format))
	text, bad := strftime(nil, format, at)
	if bad != "" {
		argError(L, 1, "invalid conversion specifier '"+bad+"'")
	}
	L.Push(lua.LString(text))
	return 1
}

func dateTable(L *lua.LState, at time.Time) *lua.LTable {
	t := L.CreateTable(0, 9)
	for _, field := range []struct {
		name  string
		value int
	}{
		{"year", at.Year()}, {"month", int(at.Month())}, {"day", at.Day()},
		{"hour", at.Hour()}, {"min", at.Minute()}, {"sec", at.Second()},
		{"wday", int(at.Weekday()) + 1}, {"yday", at.YearDay()},
	} {
		t.RawSetString(field.name, lua.LNumber(field.value))
	}
	t.RawSetString("isdst", lua.LBool(at.IsDST()))
	return t
}
