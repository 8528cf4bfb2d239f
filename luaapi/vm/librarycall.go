package vm

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// A libraryCall is a call of a function of a global table, as it is written:
// string.len(s).
type libraryCall struct {
	table, name, file string
	line              int
	guarded           bool // its file asks elsewhere whether there is one
}

// guardCalls notes which calls are of a field that their file reads more often
// than it calls it: that is how a script asks whether it exists.
func guardCalls(calls []libraryCall, uses []FieldUse) {
	reads := map[[2]string]int{}
	for _, use := range uses {
		if len(use.Path) == 2 {
			reads[[2]string(use.Path)]++
		}
	}
	for _, c := range calls {
		reads[[2]string{c.table, c.name}]--
	}
	for i, c := range calls {
		calls[i].guarded = reads[[2]string{c.table, c.name}] > 0
	}
}

// absentFunctions are functions that Lua programmers know and a script must do
// without.
var absentFunctions = map[string]string{
	"os.exit":        "a script cannot end the process; return from the function",
	"os.execute":     "use pharos.exec",
	"os.getenv":      "use pharos.env",
	"os.remove":      "a script changes no files",
	"os.rename":      "a script changes no files",
	"os.tmpname":     "a script changes no files",
	"os.setlocale":   "the locale is the process's",
	"table.getn":     "write #t",
	"table.foreach":  "write for k, v in pairs(t)",
	"table.foreachi": "write for i, v in ipairs(t)",
	"string.gfind":   "it is called string.gmatch",
	"math.mod":       "it is called math.fmod",
	"math.pow":       "write a ^ b",
	"math.type":      "all numbers are floats: n == math.floor(n) is true of a whole one",
	"math.tointeger": "write math.floor(n)",
	"math.trunc":     "write math.floor(n)",
	"math.clamp":     "write math.max(low, math.min(n, high))",
	"os.sleep":       "use pharos.time.sleep",
	"table.append":   "write list[#list + 1] = value",
	"table.push":     "write list[#list + 1] = value",
	"table.pop":      "write table.remove(list)",
	"table.join":     "it is called table.concat",
	"table.length":   "write #t",
	"table.len":      "write #t",
	"table.size":     "write #t",
	"table.keys":     "write for key in pairs(t) do",
	"table.move":     "write a loop: for i = first, last do to[i] = from[i] end",
	"utf8.codes":     "write for character in text:gmatch(utf8.charpattern) do",
	"utf8.offset":    "write for character in text:gmatch(utf8.charpattern) do",
}

// absence is what to write instead of a function that a library does not have; ""
// if of is none, or nothing like it is known.
func (u *Universe) absence(of lua.LValue, name string) string {
	for _, library := range sortedKeys(u.libraries) {
		if u.libraries[library] != of {
			continue
		}
		if hint := absentFunctions[library+"."+name]; hint != "" {
			return hint
		}
		if hint := methodsElsewhere[name]; hint != "" && library == "string" {
			return "write " + hint
		}
	}
	return ""
}

// missingFunctions warns of calls of what the libraries do not have, which are
// found out late in a function that is seldom called. A file may add to them, so
// it is asked after the file ran.
func (u *Universe) missingFunctions() {
	for _, call := range u.libraryCalls {
		library, ok := u.libraries[call.table]
		if !ok || u.opts.Warn == nil {
			continue
		}
		name := call.table + "." + call.name
		v := library.RawGetString(call.name)
		if v == lua.LNil && call.guarded || v != lua.LNil && !u.stubs[v] {
			continue
		}
		hint := u.absence(library, call.name)
		if hint == "" {
			var names []string
			library.ForEach(func(k, _ lua.LValue) {
				if _, absent := absentFunctions[call.table+"."+k.String()]; !absent {
					names = append(names, k.String())
				}
			})
			if hint = Nearest(call.name, names); hint != "" {
				hint = fmt.Sprintf("did you mean %q?", hint)
			}
		}
		message := fmt.Sprintf("cannot use %s: it does not exist here", name)
		if hint != "" {
			message += " (" + hint + ")"
		}
		u.opts.Warn(Error{File: call.file, Line: call.line, Message: message})
	}
	u.libraryCalls = nil
}
