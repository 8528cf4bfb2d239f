package vm

import (
	"fmt"
	"regexp"
	"strings"

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
		hint := ""
		if meant := moduleOfPath(name); meant != "" {
			hint = fmt.Sprintf(": write require %q", meant)
		}
		L.RaiseError("cannot require %q: a module name is letters, digits, - and _, with dots between folders%s", name, hint)
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
	v := u.runModule(L, name, c)
	if v == lua.LNil {
		v = lua.LTrue
		u.gaveNothing(L, name, file)
	}
	u.modules[name].value = v
	L.Push(v)
	return 1
}

// moduleOfPath is the module that a file is for require; "" if it is none.
func moduleOfPath(path string) string {
	name := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(path, "./"), ".lua"), "/", ".")
	if name == path || !moduleName.MatchString(name) {
		return ""
	}
	return name
}

// gaveNothing warns of a module that returns nothing, where its value is taken.
func (u *Universe) gaveNothing(L *lua.LState, name, file string) {
	f := topFrame(L).parent()
	if u.opts.Warn == nil || !f.ok() || f.isGo() {
		return
	}
	if i := f.instruction(); i.op == lua.OP_CALL && i.c != 1 {
		u.opts.Warn(Error{File: f.file(), Line: f.line(), Message: fmt.Sprintf(
			"require %q gives true: %s returns nothing, end it with return and what it is for", name, file)})
	}
}

func (u *Universe) runModule(L *lua.LState, name string, c *chunk) lua.LValue {
	ran := false
	u.modules[name] = &module{}
	defer func() {
		if !ran {
			delete(u.modules, name) // failed: it may be tried again
		}
	}()
	L.Push(L.NewFunctionFromProto(c.proto))
	L.Push(lua.LString(name))
	L.Call(1, 1)
	v := L.Get(-1)
	L.Pop(1)
	ran = true
	return v
}
