package vm

import (
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// methodsElsewhere are methods that texts and lists have in other languages, and
// what to write here.
var methodsElsewhere = map[string]string{
	"split": `for part in text:gmatch("[^,]+") do`, "strip": `text:match("^%s*(.-)%s*$")`, "trim": `text:match("^%s*(.-)%s*$")`,
	"replace": "text:gsub(pattern, replacement)", "contains": "text:find(part, 1, true)", "includes": "text:find(part, 1, true)",
	"indexOf": "text:find(part, 1, true)", "index": "text:find(part, 1, true)", "test": "text:match(pattern)", "search": "text:find(pattern)",
	"startswith": "text:sub(1, #start) == start", "startsWith": "text:sub(1, #start) == start",
	"endswith": "text:sub(-#ending) == ending", "endsWith": "text:sub(-#ending) == ending",
	"toLowerCase": "text:lower()", "toUpperCase": "text:upper()", "substring": "text:sub(first, last)", "slice": "text:sub(first, last)",
	"substr": "text:sub(first, last)", "length": "#text", "toString": "tostring(value)",
	"append": "list[#list + 1] = value", "push": "list[#list + 1] = value", "insert": "table.insert(list, value)", "pop": "table.remove(list)",
	"join": `table.concat(list, ", ")`, "concat": `table.concat(list, ", ")`, "sort": "table.sort(list)", "items": "for key, value in pairs(t) do",
	"keys": "for key in pairs(t) do", "new": "Class{ name = ... }, without a method", "forEach": "for i, value in ipairs(list) do", "map": "for i, value in ipairs(list) do",
}

// missingMethod says what was probably meant by the method that the register has
// nil for; "" if it is none, or nothing like it is known. Its object is in the
// next register.
func missingMethod(L *lua.LState, f frame, register int) string {
	name := f.method(register)
	debug, ok := L.GetStack(0)
	if name == "" || !ok {
		return ""
	}
	_, object := L.GetLocal(debug, register+2)
	methods := methodsOf(L, object)
	slices.Sort(methods)
	near := Nearest(name, methods)
	if i := slices.IndexFunc(methods, func(m string) bool { return strings.HasPrefix(m, name) }); near == "" && i >= 0 {
		near = methods[i]
	}
	if near != "" {
		return fmt.Sprintf(": did you mean %q?", near)
	}
	if instead := methodsElsewhere[name]; instead != "" {
		return ": write " + instead
	}
	return ""
}

// method is the name of the method that was looked up for a register, or "".
func (f frame) method(register int) string {
	p := f.proto()
	for pc := f.pc() - 1; pc >= 0; pc-- {
		if i := decode(p.instruction(pc)); i.op == lua.OP_SELF && i.a == register {
			return p.constant(i.c &^ constantBit)
		}
	}
	return ""
}

// maxAncestors bounds the way up the classes of an object.
const maxAncestors = 100

// methodsOf are the functions that an object has by itself or by its classes.
func methodsOf(L *lua.LState, object lua.LValue) (names []string) {
	t, _ := object.(*lua.LTable)
	if _, text := object.(lua.LString); text {
		t, _ = L.G.Global.RawGetString("string").(*lua.LTable)
	}
	for range maxAncestors {
		if t == nil {
			break
		}
		t.ForEach(func(k, v lua.LValue) {
			if name, ok := k.(lua.LString); ok && v.Type() == lua.LTFunction {
				names = append(names, string(name))
			}
		})
		meta, ok := t.Metatable.(*lua.LTable)
		if !ok {
			break
		}
		t, _ = meta.RawGetString("__index").(*lua.LTable)
	}
	return names
}
