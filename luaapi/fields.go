package luaapi

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
)

// The fields of results, by what is in them.

func textField[T any](name string, of func(*T) string) vm.Field[T] {
	return vm.Field[T]{Name: name, Of: func(_ *lua.LState, from *T) lua.LValue { return lua.LString(of(from)) }}
}

// maybeText is nil if there is no text.
func maybeText[T any](name string, of func(*T) string) vm.Field[T] {
	return vm.Field[T]{Name: name, Of: func(_ *lua.LState, from *T) lua.LValue {
		if text := of(from); text != "" {
			return lua.LString(text)
		}
		return lua.LNil
	}}
}

func number[T any](name string, of func(*T) float64) vm.Field[T] {
	return vm.Field[T]{Name: name, Of: func(_ *lua.LState, from *T) lua.LValue { return lua.LNumber(of(from)) }}
}

// maybeNumber is nil if it is not there.
func maybeNumber[T any](name string, of func(*T) (n float64, there bool)) vm.Field[T] {
	return vm.Field[T]{Name: name, Of: func(_ *lua.LState, from *T) lua.LValue {
		if n, there := of(from); there {
			return lua.LNumber(n)
		}
		return lua.LNil
	}}
}

func seconds[T any](name string, of func(*T) time.Duration) vm.Field[T] {
	return number(name, func(from *T) float64 { return of(from).Seconds() })
}

func boolean[T any](name string, of func(*T) bool) vm.Field[T] {
	return vm.Field[T]{Name: name, Of: func(_ *lua.LState, from *T) lua.LValue { return lua.LBool(of(from)) }}
}

// tableField is a table that is made when it is first asked for, and kept where keep
// says: it is the same one each time. It is nil if make gives nil.
func tableField[T any](name string, keep func(*T) **lua.LTable, make func(L *lua.LState, from *T) *lua.LTable) vm.Field[T] {
	return vm.Field[T]{Name: name, Of: func(L *lua.LState, from *T) lua.LValue {
		kept := keep(from)
		if *kept == nil {
			*kept = make(L, from)
		}
		if *kept == nil {
			return lua.LNil
		}
		return *kept
	}}
}

// tables makes a list of tables with these fields.
func tables[T any](L *lua.LState, fields []vm.Field[T], list []T) *lua.LTable {
	t := L.CreateTable(len(list), 0)
	for i := range list {
		t.Append(vm.LazyTable(L, fields, &list[i]))
	}
	return t
}
