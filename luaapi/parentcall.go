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

// calledMethods are the methods and options that a class calls in a run.
var calledMethods = []string{"address", "check", "command", "detail", "handle_output", "handle_returncode", "run", "url", "value"}

// parentCalls finds where a method of w, or of its classes in the script, calls
// one of a class with a colon, Shop:check(): that works on the class, of which
// every watcher has a part, and not on this one. So is self.super.check(self), but
// in a method of the watcher's own class: in one of a class above, it is that
// method itself.
func (w *watcher) parentCalls() (found []engine.LoadError) {
	for _, m := range w.methods() {
		found = append(found, parentCallsIn(m.name, m.function, m.of == w.self.Metatable)...)
	}
	return found
}

// A method is a function that the script gives a watcher or one of its classes.
type method struct {
	of       *lua.LTable
	name     string
	function *lua.LFunction
}

// methods are those of w, in the order of the file.
func (w *watcher) methods() (all []method) {
	for t := range kin(w.self) {
		vm.Plain(t).ForEach(func(k, v lua.LValue) { // in no order
			if f, ok := v.(*lua.LFunction); ok && !f.IsG && !strings.HasPrefix(f.Proto.SourceName, builtinPrefix) {
				all = append(all, method{t, k.String(), f})
			}
		})
	}
	slices.SortStableFunc(all, func(a, b method) int {
		return cmp.Or(cmp.Compare(a.function.Proto.SourceName, b.function.Proto.SourceName), cmp.Compare(a.function.Proto.LineDefined, b.function.Proto.LineDefined))
	})
	return all
}

// loadOptions are options that are read when the file loads and never again, and what
// to do in a run instead.
var loadOptions = map[string]string{
	"interval": "", "timeout": "", "ttl": "", "needs": "", "confirm": "", "steps": "", "quiet": "", "merge": "", "name": "", "id": "",
	"unit": " (a check returns { value = 5, unit = ... })", "link": " (a check returns { status = \"ok\", link = ... })",
}

// runMethods are those that a run comes to: the ones that a class or an option is
// called by, and what is named in them. Any other is called when the file loads, by
// init most often, or by nobody.
func (w *watcher) runMethods() (come []method) {
	left := w.methods()
	for n := -1; n < len(come); {
		n = len(come)
		left = slices.DeleteFunc(left, func(m method) bool {
			comes := m.name != "init" && (slices.Contains(calledMethods, m.name) || slices.ContainsFunc(come, func(caller method) bool {
				return names(caller.function.Proto, m.name)
			}))
			if comes {
				come = append(come, m)
			}
			return comes
		})
	}
	return come
}

// lateOptions finds where a method of w, or of its classes in the script, sets one in
// a run.
func (w *watcher) lateOptions() (found []engine.LoadError) {
	for _, m := range w.runMethods() {
		for _, set := range vm.FieldsSet(m.function) {
			if hint, ok := loadOptions[set.Field]; ok && set.Parameter == "self" {
				found = append(found, mistake(engine.Place{File: set.File, Line: set.Line},
					"self.%s is read when the file loads: to set it in a run changes nothing%s", set.Field, hint))
			}
		}
	}
	return found
}

// initCalls finds the init of a class of w in the script that neither names nor
// holds the one of the class above, also one of the script's, that is called no more.
func (w *watcher) initCalls() (found []engine.LoadError) {
	for class := range lineage(w.self.Metatable) {
		own, ok := class.RawGetString("init").(*lua.LFunction)
		if !ok || own.IsG || names(own.Proto, "init") {
			continue
		}
		for above := range lineage(class.RawGetString("super")) {
			hidden, ok := above.RawGetString("init").(*lua.LFunction)
			if !ok {
				continue
			}
			held := slices.ContainsFunc(own.Upvalues, func(up *lua.Upvalue) bool { return up.Value() == lua.LValue(hidden) })
			if !held && !hidden.IsG && !strings.HasPrefix(hidden.Proto.SourceName, builtinPrefix) {
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

// names tells whether the code of a function has that name in it.
func names(p *lua.FunctionProto, name string) bool {
	return slices.Contains(p.Constants, lua.LValue(lua.LString(name))) ||
		slices.ContainsFunc(p.FunctionPrototypes, func(within *lua.FunctionProto) bool { return names(within, name) })
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
