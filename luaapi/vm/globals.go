package vm

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// openLibraries fills the global table.
func (u *Universe) openLibraries(L *lua.LState) {
	u.openBase(L)
	u.openString(L)
	u.openTable(L)
	u.openMath(L)
	u.openOS(L)
	u.openUTF8(L)
	u.openBit(L)
	u.openCoroutine(L)
	u.env.RawSetString(concatName, L.NewFunction(concat))
	u.env.RawSetString(throughName, L.NewFunction(through))
	if u.opts.Find != nil {
		u.env.RawSetString("require", L.NewFunction(u.require))
	}
}

// library makes a global table of functions.
func (u *Universe) library(L *lua.LState, name string, functions map[string]lua.LGFunction) *lua.LTable {
	t := L.CreateTable(0, len(functions))
	for _, name := range sortedKeys(functions) { // pairs gives the order of insertion
		t.RawSetString(name, L.NewFunction(functions[name]))
	}
	u.env.RawSetString(name, t)
	u.libraries[name] = t
	return t
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// makeStrict makes reading or writing a global that nobody declared an error.
func (u *Universe) makeStrict(L *lua.LState) {
	u.env.ForEach(func(k, _ lua.LValue) { u.names[k.String()] = true })
	meta := L.CreateTable(0, 3)
	meta.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		name := plainText(L.Get(2))
		if !u.names[name] {
			L.RaiseError("%s", u.undeclared(name, false))
		}
		if u.sealed != nil {
			L.Push(u.sealed.RawGetString(name))
			return 1
		}
		return 0
	}))
	meta.RawSetString("__newindex", L.NewFunction(func(L *lua.LState) int {
		name := plainText(L.Get(2))
		if !u.names[name] {
			L.RaiseError("%s", u.undeclared(name, true))
		}
		if u.sealed != nil && slices.Contains(u.opts.Globals, name) {
			L.RaiseError("cannot set global %q in a run: it was read when the file had loaded", name)
		}
		u.env.RawSet(L.Get(2), L.Get(3))
		return 0
	}))
	meta.RawSetString("__metatable", lua.LFalse)
	u.env.Metatable = meta
}

// Seal says that what [Options.Globals] name has been read: from now on they can
// be read, and setting one, which nobody would look at, is an error. L is of a run
// of the universe.
func Seal(L *lua.LState) {
	u := runOf(L).u
	u.sealed = L.CreateTable(0, len(u.opts.Globals))
	for _, name := range u.opts.Globals { // what is not in env is asked of its metatable
		u.sealed.RawSetString(name, u.env.RawGetString(name))
		u.env.RawSetString(name, lua.LNil)
	}
}

// absent are names that Lua programmers know and a script must do without.
var absent = map[string]string{
	"io":         "files are read with pharos.file.read",
	"load":       "code comes only from files",
	"loadstring": "code comes only from files",
	"dofile":     "use require",
	"loadfile":   "use require",
	"module":     "let the file return a table, and use require",
	"package":    "modules are looked for beside the script and in lib",
	"getfenv":    "functions keep the environment they were made in",
	"setfenv":    "functions keep the environment they were made in",
	"newproxy":   "use a table with a metatable",
	"_G":         "globals are declared, not looked up",
	"_ENV":       "this is Lua 5.1",
	"bit32":      "it is called bit",
	"null":       "it is called nil",
	"None":       "it is called nil",
	"True":       "it is called true",
	"False":      "it is called false",
	"channel":    "watchers share the file's locals",
}

// elsewhere are names of other languages, and of what is here a field of
// something: what to write instead of reading them.
var elsewhere = map[string]string{
	"undefined": "it is called nil",
	"this":      "it is called self",
	"self":      "a method is written function Class:name(), with a colon, or name = function(self)",
	"str":       "it is called tostring",
	"int":       "tonumber(text) makes a number, math.floor(n) a whole one",
	"float":     "it is called tonumber",
	"len":       "#x is the length of a list or a text",
	"range":     "write for i = 1, n do",
	"enumerate": "write for i, value in ipairs(list) do",
	"typeof":    "it is called type",
	"super":     "write Parent.check(self, ...), where the class extends Parent",
	"await":     "leave it out: who calls a primitive waits, and other watchers run on",
	"async":     "leave it out: who calls a primitive waits, and other watchers run on",
	"raise":     "it is called error",
	"throw":     "it is called error",
	"try":       "pcall(function() ... end) catches errors",
	"state":     "it is called self.state",
	"sleep":     "it is called pharos.time.sleep",
	"Math":      "it is called math",
	"JSON":      "it is called pharos.json",
	"console":   "print writes to the log of the run",
	"printf":    "write print((\"%d jobs\"):format(n))",
	"fetch":     "it is called pharos.http.get",
	"requests":  "it is called pharos.http",
	"test":      "tests are in files of their own, *_test.lua, which pharosd test runs",
	"ok":        "write return \"ok\", or return self:ok(value, detail)",
	"warning":   "write return \"warning\", or return self:warning(value, detail)",
	"critical":  "write return \"critical\", or return self:critical(value, detail)",
	"unknown":   "write return \"unknown\", or return self:unknown(value, detail)",
}

func (u *Universe) undeclared(name string, write bool) string {
	if hint, ok := absent[name]; ok {
		return fmt.Sprintf("cannot use %q: it does not exist here (%s)", name, hint)
	}
	what := fmt.Sprintf("cannot read undeclared global %q", name)
	if write {
		what = fmt.Sprintf("cannot set undeclared global %q", name)
	}
	if line := u.below[name]; line > 0 && !write {
		return fmt.Sprintf("%s (the local of line %d is there below it only: move that up)", what, line)
	}
	if hint := elsewhere[name]; hint != "" && !write && !slices.Contains(u.locals[name], name) {
		return fmt.Sprintf("%s (%s)", what, hint)
	}
	if owners := u.owners(name); len(owners) > 0 && !write {
		return fmt.Sprintf("%s (did you mean %s?)", what, strings.Join(owners, " or "))
	}
	if near := Nearest(name, append(slices.Clone(u.locals[name]), sortedKeys(u.names)...)); near != "" {
		return fmt.Sprintf("%s (did you mean %q?)", what, near)
	}
	if write {
		return what + " (is a \"local\" missing?)"
	}
	return what
}

// owners are the given tables that have a field of that name, "math.floor".
func (u *Universe) owners(name string) (owners []string) {
	for _, global := range sortedKeys(u.names) {
		if t, ok := u.env.RawGetString(global).(*lua.LTable); ok && t.RawGetString(name) != lua.LNil {
			owners = append(owners, global+"."+name)
		}
	}
	return owners
}

// Nearest is the one of names that name is most likely a misspelling of, or "".
func Nearest(name string, names []string) string {
	best, least := "", min(len(name)/3, 3)+1
	for _, n := range names {
		if len(n)-len(name) >= least || len(name)-len(n) >= least {
			continue // so many letters to insert or to drop
		}
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is the number of letters to insert, drop, change or swap with their
// neighbour to get from a to b (optimal string alignment).
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
