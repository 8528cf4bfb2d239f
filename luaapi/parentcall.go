package luaapi

import (
	"cmp"
	"fmt"
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
	t := w.self
	for range classMaxDepth {
		if t == nil {
			break
		}
		from := len(found)
		vm.Plain(t).ForEach(func(k, v lua.LValue) { // in no order
			if f, ok := v.(*lua.LFunction); ok && !f.IsG && !strings.HasPrefix(f.Proto.SourceName, builtinPrefix) {
				found = append(found, parentCallsIn(k.String(), f, t == w.self.Metatable)...)
			}
		})
		slices.SortFunc(found[from:], func(a, b engine.LoadError) int {
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
		})
		super := t.RawGetString("super")
		if t == w.self {
			super = t.Metatable
		}
		t, _ = super.(*lua.LTable)
	}
	return found
}

// loadOptions are options that are read when the file loads and never again, and what
// to do in a run instead.
var loadOptions = map[string]string{
	"interval": "", "timeout": "", "ttl": "", "needs": "", "confirm": "", "steps": "", "quiet": "", "merge": "", "name": "", "id": "",
	"unit": " (a check returns { value = 5, unit = ... })", "link": " (a check returns { status = \"ok\", link = ... })",
}

// lateOptions finds where a method of w, or of its classes in the script, sets one.
func (w *watcher) lateOptions() (found []engine.LoadError) {
	t, class := w.self, w.self.Metatable
	for range classMaxDepth {
		vm.Plain(t).ForEach(func(k, v lua.LValue) {
			f, ok := v.(*lua.LFunction)
			if !ok || k == lua.LString("init") || strings.HasPrefix(k.String(), "__") || !f.IsG && strings.HasPrefix(f.Proto.SourceName, builtinPrefix) {
				return
			}
			for _, set := range vm.FieldsSet(f) {
				if hint, ok := loadOptions[set.Field]; ok && set.Parameter == "self" {
					found = append(found, engine.LoadError{File: set.File, Line: set.Line, Message: fmt.Sprintf(
						"self.%s is read when the file loads: to set it in a run changes nothing%s", set.Field, hint)})
				}
			}
		})
		next, ok := class.(*lua.LTable)
		if !ok {
			break
		}
		t, class = next, next.RawGetString("super")
	}
	return found
}

// initCalls finds the init of a class of w in the script that does not name the one
// of the class above, also one of the script's, that is called no more.
func (w *watcher) initCalls() (found []engine.LoadError) {
	class, _ := w.self.Metatable.(*lua.LTable)
	ancestors(class, func(class *lua.LTable) bool {
		own, _ := class.RawGetString("init").(*lua.LFunction)
		if own == nil || own.IsG || namesInit(own.Proto) {
			return true
		}
		super, _ := class.RawGetString("super").(*lua.LTable)
		ancestors(super, func(above *lua.LTable) bool {
			hidden, _ := above.RawGetString("init").(*lua.LFunction)
			if hidden != nil && !hidden.IsG && !strings.HasPrefix(hidden.Proto.SourceName, builtinPrefix) {
				name := above.RawGetString("class_name")
				if name == lua.LNil {
					name = lua.LString("Parent")
				}
				found = append(found, engine.LoadError{File: own.Proto.SourceName, Line: own.Proto.LineDefined, Message: fmt.Sprintf(
					"this init is called instead of that of %s, which the class extends: write %s.init(self) in it", name, name)})
			}
			return hidden == nil
		})
		return true
	})
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
				found = append(found, engine.LoadError{File: call.File, Line: call.Line, Message: fmt.Sprintf(
					"self.super.%s(...) is of the class above this watcher's own, which is another: write Parent.%s(self, ...)", call.Method, call.Method)})
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
		found = append(found, engine.LoadError{File: call.File, Line: call.Line, Message: fmt.Sprintf(
			"%s:%s(...) works on the class and not on this watcher: write %s.%s(self, ...), with a dot", call.Written, call.Method, class, call.Method)})
	}
	return found
}
