package vm

import (
	"regexp"

	lua "github.com/yuin/gopher-lua"
)

// module is one that was required; value is nil while it loads.
type module struct{ value lua.LValue }

var moduleName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// require gives what a module returned. It loads a module once, and only while
// the main file loads: a generation that runs never reads the disk again.
func (u *Universe) require(L *lua.LState) int {
	name := checkString(L, 1)
	if m, ok := u.modules[name]; ok {
		if m.value == nil {
			L.RaiseError("cannot require %q: it is still loading (modules that require each other)", name)
		}
		L.Push(m.value)
		return 1
	}
	if !moduleName.MatchString(name) {
		L.RaiseError("cannot require %q: a module name is letters, digits, - and _, with dots between folders", name)
	}
	if !Loading(L) && !Typed(L) {
		L.RaiseError("cannot require %q: modules are loaded while the file loads, not in a run", name)
	}
	file, src, err := u.opts.Find(name)
	if err != nil {
		L.RaiseError("cannot require %q: %v", name, err)
	}
	c, err := u.compile(file, src)
	if err != nil {
		L.Error(lua.LString(err.Error()), 0)
	}
	L.Push(u.runModule(L, name, c))
	return 1
}

func (u *Universe) runModule(L *lua.LState, name string, c *chunk) lua.LValue {
	m := &module{}
	u.modules[name] = m
	defer func() {
		if m.value == nil {
			delete(u.modules, name) // failed: it may be tried again
		}
	}()
	L.Push(L.NewFunctionFromProto(c.proto))
	L.Push(lua.LString(name))
	L.Call(1, 1)
	v := L.Get(-1)
	L.Pop(1)
	if v == lua.LNil {
		v = lua.LTrue
	}
	m.value = v
	return v
}
