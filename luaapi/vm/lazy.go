package vm

import (
	"iter"

	lua "github.com/yuin/gopher-lua"
)

// A Field is one field of a table that [LazyTable] makes of a T.
type Field[T any] struct {
	Name string
	Of   func(L *lua.LState, from *T) lua.LValue // lua.LNil leaves the field out
}

// LazyTable gives a table with the fields of from, which must not change any
// more. To a script it is a table like any other, except that as long as nothing
// was set in it, reading a field that it does not have raises. It costs next to
// nothing until it is asked for more than the values of some fields: a table of
// gopher-lua's takes two map entries for each key, and most scripts look at one
// or two fields of an answer.
//
// Go code that reads a script's table other than by [lua.LState.GetField] must
// see it through [Plain]. A field that is a table must be the same one whenever
// it is asked for, so Of keeps it in from.
func LazyTable[T any](L *lua.LState, fields []Field[T], from *T) *lua.LTable {
	l := &struct {
		lazyTable
		source[T]
	}{
		lazyTable{meta: *L.G.Registry.RawGetString(lazyMeta).(*lua.LTable), L: L.G.MainThread},
		source[T]{fields, from},
	}
	l.lazyTable.fields = &l.source
	l.table.Metatable = &l.meta
	l.meta.Metatable = &l.self
	l.self.Value = &l.lazyTable
	return &l.table
}

// Plain gives t, with everything in it that it shows to a script.
func Plain(t *lua.LTable) *lua.LTable {
	if l := lazyOf(t); l != nil {
		t.Metatable = lua.LNil
		l.fields.fill(l.L, t)
	}
	return t
}

// Pairs gives the keys and values of t in the order that pairs does, and with
// everything in it that it shows to a script.
func Pairs(t *lua.LTable) iter.Seq2[lua.LValue, lua.LValue] {
	Plain(t)
	return func(yield func(key, value lua.LValue) bool) {
		for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
			if !yield(k, v) {
				return
			}
		}
	}
}

// lazyTable is a table that is still empty. Its metatable leads back to it: no
// script can see that, since to ask for a metatable makes the table a plain one.
type lazyTable struct {
	table, meta lua.LTable
	self        lua.LUserData
	L           *lua.LState // to make tables with, whoever asks
	fields      interface {
		get(L *lua.LState, name string) (v lua.LValue, known bool)
		names() []string
		fill(L *lua.LState, t *lua.LTable)
	}
}

func lazyOf(t *lua.LTable) *lazyTable {
	meta, ok := t.Metatable.(*lua.LTable)
	if !ok {
		return nil
	}
	self, ok := meta.Metatable.(*lua.LUserData)
	if !ok {
		return nil
	}
	return self.Value.(*lazyTable)
}

type source[T any] struct {
	fields []Field[T]
	from   *T
}

func (s *source[T]) get(L *lua.LState, name string) (lua.LValue, bool) {
	for i := range s.fields {
		if s.fields[i].Name == name {
			return s.fields[i].Of(L, s.from), true
		}
	}
	return lua.LNil, false
}

func (s *source[T]) names() []string {
	names := make([]string, len(s.fields))
	for i := range s.fields {
		names[i] = s.fields[i].Name
	}
	return names
}

func (s *source[T]) fill(L *lua.LState, t *lua.LTable) {
	for i := range s.fields {
		if v := s.fields[i].Of(L, s.from); v != lua.LNil {
			t.RawSetString(s.fields[i].Name, v)
		}
	}
}

// lazyMeta is where the registry has what the metatables of lazy tables are
// copies of.
const lazyMeta = "lazy table"

func (u *Universe) openLazyTables(L *lua.LState) {
	meta := L.CreateTable(0, 2)
	meta.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		t := L.Get(1).(*lua.LTable)
		if name, ok := L.Get(2).(lua.LString); ok {
			if l := lazyOf(t); l != nil {
				v, known := l.fields.get(l.L, string(name))
				if !known {
					called := Brief(string(name))
					L.RaiseError("there is no field %q %s", called, u.opts.Unknown(called, l.fields.names()))
				}
				L.Push(v)
				return 1
			}
		}
		return 0
	}))
	meta.RawSetString("__newindex", L.NewFunction(func(L *lua.LState) int {
		L.SetTable(Plain(L.Get(1).(*lua.LTable)), L.Get(2), L.Get(3))
		return 0
	}))
	L.G.Registry.RawSetString(lazyMeta, meta)
}
