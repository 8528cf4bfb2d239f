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

// verdictsElsewhere are what the verdicts of a watcher, which are methods of it, are
// called by others.
var verdictsElsewhere = map[string]string{
	"okay": "ok", "success": "ok", "succeed": "ok", "pass": "ok", "passed": "ok", "good": "ok", "green": "ok", "up": "ok",
	"yellow": "warning", "degraded": "warning",
	"error": "critical", "err": "critical", "fail": "critical", "failed": "critical", "failure": "critical", "alert": "critical", "down": "critical", "red": "critical",
}

// missing says what was probably meant by the method or field that the register has
// nil for; "" if it is none, or nothing like it is known.
func missing(L *lua.LState, f frame, register int) string {
	name, of, isMethod := f.member(L, register)
	if name == "" {
		return ""
	}
	if hint := runOf(L).u.absence(of, name); hint != "" {
		return ": " + hint
	}
	methods := methodsOf(L, of)
	slices.Sort(methods)
	near := Nearest(name, methods)
	if i := slices.IndexFunc(methods, func(m string) bool { return strings.HasPrefix(m, name) }); near == "" && i >= 0 {
		near = methods[i]
	}
	if verdict := verdictsElsewhere[name]; near == "" && slices.Contains(methods, verdict) {
		near = verdict
	}
	t, isTable := of.(*lua.LTable)
	switch {
	case near != "" && !isMethod && isTable && t.RawGetString(near) == lua.LNil: // it is its class's
		return fmt.Sprintf(": did you mean %q, with a colon?", ":"+near)
	case near != "":
		return fmt.Sprintf(": did you mean %q?", near)
	case (isMethod || name == "new") && methodsElsewhere[name] != "":
		return ": write " + methodsElsewhere[name]
	}
	return ""
}

// member is the name of the method or field that was looked up for a register, and
// what it was looked up in; "" if there is none, or that is not there any more.
func (f frame) member(L *lua.LState, register int) (name string, of lua.LValue, isMethod bool) {
	debug, ok := L.GetStack(0)
	if !ok {
		return "", nil, false
	}
	local := func(register int) lua.LValue {
		_, v := L.GetLocal(debug, register+1)
		return v
	}
	p := f.proto()
	for pc := f.pc() - 1; pc >= 0; pc-- {
		i, before := instructionAt(p, pc), instructionAt(p, pc-1)
		switch {
		case i.a != register:
		case i.op == lua.OP_SELF:
			return fieldName(p, pc), local(register + 1), true
		case i.op == lua.OP_GETTABLEKS && f.origin(register) != "":
			name = fieldName(p, pc)
			if i.c&constantBit == 0 { // that is what the instruction before is for
				before = instructionAt(p, pc-2)
			}
			switch {
			case before.a != register:
			case before.op == lua.OP_GETGLOBAL:
				return name, L.G.Global.RawGetString(constantText(p, before.bx)), false
			case before.op == lua.OP_MOVE:
				return name, local(before.b), false
			}
			if i.b != register {
				return name, local(i.b), false
			}
			if upvalues := f.function().Upvalues; before.op == lua.OP_GETUPVAL && before.a == register && before.b < len(upvalues) {
				return name, upvalues[before.b].Value(), false
			}
			return "", nil, false
		}
	}
	return "", nil, false
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
