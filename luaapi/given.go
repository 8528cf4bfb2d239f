package luaapi

import lua "github.com/yuin/gopher-lua"

// newGiven is what the chunk of a builtin class gets as its argument:
// given(names), a list or a table with them as its keys, makes a function that
// reads these fields of a watcher, its class and the classes above, and gives
// those that are there as a new table: the options of a primitive. It is in Go
// because a page has eighteen, almost none of them given, through four classes,
// in every run.
func newGiven(L *lua.LState) *lua.LFunction {
	return L.NewFunction(func(L *lua.LState) int {
		var names []lua.LString
		L.CheckTable(1).ForEach(func(k, v lua.LValue) {
			name, ok := k.(lua.LString)
			if !ok {
				name = v.(lua.LString)
			}
			names = append(names, name)
		})
		L.Push(L.NewFunction(func(L *lua.LState) int {
			self, options := L.CheckTable(1), L.CreateTable(0, 0)
			var room [8]*lua.LTable
			chain, plain := classesOf(room[:0], self)
			for _, name := range names {
				v := lua.LValue(lua.LNil)
				for i := 0; i < len(chain) && v == lua.LNil; i++ {
					v = chain[i].RawGetString(string(name))
				}
				if v == lua.LNil && !plain {
					v = L.GetField(self, string(name))
				}
				if v != lua.LNil {
					options.RawSetString(string(name), v)
				}
			}
			L.Push(options)
			return 1
		}))
		return 1
	})
}

// classesOf appends self and the tables that it inherits from. plain tells that
// this is all that a field may come from: no function answers for it.
func classesOf(chain []*lua.LTable, self *lua.LTable) (classes []*lua.LTable, plain bool) {
	for len(chain) < cap(chain) {
		chain = append(chain, self)
		meta, ok := self.Metatable.(*lua.LTable)
		if !ok {
			return chain, true
		}
		above := meta.RawGetString("__index")
		if above == lua.LNil {
			return chain, true
		}
		if self, ok = above.(*lua.LTable); !ok {
			return chain, false
		}
	}
	return chain, false
}
