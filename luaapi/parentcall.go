package luaapi

import (
	"cmp"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/luaapi/vm"
)

// watcherMethods are those that want a watcher whichever class they are of.
var watcherMethods = []string{
	"check", "critical", "detail", "handle_output", "handle_returncode", "ok", "step", "unknown", "value", "warning",
}

// parentCalls finds where a method of w, or of its classes in the script, calls
// one of a class with a colon, Shop:check(): that works on the class, of which
// every watcher has a part, and not on this one. So is self.super.check(self), but
// in a method of the watcher's own class: in one of a class above, it is that
// method itself.
func (w *watcher) parentCalls() (found []engine.LoadError) {
	for t := range kin(w.self) {
		from := len(found)
		vm.Plain(t).ForEach(func(k, v lua.LValue) { // in no order
			if f, ok := v.(*lua.LFunction); ok && !f.IsG && !strings.HasPrefix(f.Proto.SourceName, builtinPrefix) {
				found = append(found, parentCallsIn(k.String(), f, t == w.self.Metatable)...)
			}
		})
		slices.SortFunc(found[from:], func(a, b engine.LoadError) int {
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
		})
	}
	return found
}

// initCalls finds the init of a class of w in the script that does not name the one
// of the class above, also one of the script's, that is called no more.
func (w *watcher) initCalls() (found []engine.LoadError) {
	for class := range lineage(w.self.Metatable) {
		own, ok := class.RawGetString("init").(*lua.LFunction)
		if !ok || own.IsG || namesInit(own.Proto) {
			continue
		}
		for above := range lineage(class.RawGetString("super")) {
			hidden, ok := above.RawGetString("init").(*lua.LFunction)
			if !ok {
				continue
			}
			if !hidden.IsG && !strings.HasPrefix(hidden.Proto.SourceName, builtinPrefix) {
				name := above.RawGetString("class_name")
				if name == lua.LNil {
					name = lua.LString("Parent")
				}
				found = append(found, mistake(engine.Place{File: own.Proto.SourceName, Line: own.Proto.LineDefined},
					"this init is called instead of that of %s, which the class extends: write %s.init(self) in it", name, name))
			}
			break
		}
	}
	return found
}

// namesInit tells whether the code of a function has the name init.
func namesInit(p *lua.FunctionProto) bool {
	return slices.Contains(p.Constants, lua.LValue(lua.LString("init"))) || slices.ContainsFunc(p.FunctionPrototypes, namesInit)
}

func parentCallsIn(method string, f *lua.LFunction, ofOwnClass bool) (found []engine.LoadError) {
	for _, call := range vm.MethodCalls(f) {
		if call.Super {
			if !ofOwnClass {
				found = append(found, mistake(engine.Place{File: call.File, Line: call.Line},
					"self.super.%s(...) is of the class above this watcher's own, which is another: write Parent.%s(self, ...)", call.Method, call.Method))
			}
			continue
		}
		if call.Method != method && !slices.Contains(watcherMethods, call.Method) {
			continue
		}
		class := call.Written
		switch {
		case strings.HasSuffix(class, ".super"):
			class = "Parent"
		default:
			if t, ok := call.Object.(*lua.LTable); !ok || !isClass(t) {
				continue
			}
		}
		found = append(found, mistake(engine.Place{File: call.File, Line: call.Line},
			"%s:%s(...) works on the class and not on this watcher: write %s.%s(self, ...), with a dot", call.Written, call.Method, class, call.Method))
	}
	return found
}
