package luaapi

import (
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
)

// modules is every name in the table pharos that Go provides. The names of
// their members are in the file of each.
var modules = []struct {
	name string
	make func(s *script, L *lua.LState) lua.LValue
}{
	{"exec", (*script).execModule},
	{"ssh", (*script).sshFunction},
	{"nagios", function((*script).nagios)},
	{"http", (*script).httpModule},
	{"tcp", (*script).tcpModule},
	{"tls", function((*script).tls)},
	{"dns", function((*script).dns)},
	{"ping", function((*script).ping)},
	{"json", (*script).jsonModule},
	{"log", (*script).logModule},
	{"env", function((*script).env)},
	{"secret", function((*script).secret)},
	{"time", (*script).timeModule},
	{"file", (*script).fileModule},
	{"ring", (*script).ringFunction},
	{"cache", (*script).cacheFunction},
	{"where", (*script).whereFunction},
	{"status", function((*script).status)},
	{"suggest", function((*script).suggest)},
	{"here", func(*script, *lua.LState) lua.LValue { return here }},
	{"quorum", function((*script).quorum)},
}

// builtinClasses is every class, in the order in which they build on each
// other. Each file returns its class.
var builtinClasses = []struct{ name, file string }{
	{"Class", "class.lua"},
	{"MetricWatcher", "metric.lua"},
	{"CommandMetricWatcher", "command.lua"},
	{"NagiosMetricWatcher", "nagios.lua"},
	{"PageGETMetricWatcher", "page.lua"},
	{"TCPMetricWatcher", "tcp.lua"},
	{"TLSMetricWatcher", "tls.lua"},
	{"DNSMetricWatcher", "dns.lua"},
	{"PingMetricWatcher", "ping.lua"},
	{"FileMetricWatcher", "file.lua"},
	{"derive", "derive.lua"},
	{"WatcherSet", "set.lua"},
}

// optionalNames may be missing from the table pharos without being a mistake.
const optionalNames = "url"

// function makes a name that is a function.
func function(call func(s *script, L *lua.LState) int) func(s *script, L *lua.LState) lua.LValue {
	return func(s *script, L *lua.LState) lua.LValue {
		return L.NewFunction(func(L *lua.LState) int { return call(s, L) })
	}
}

// member is one function of a module.
type member struct {
	name string
	call lua.LGFunction
}

// internal are names in the table pharos that the builtin classes need, and
// nobody is told of.
var internal = []string{"where", "suggest"}

// newModule makes a table of functions that refuses names which it does not
// have, instead of giving nil.
func (s *script) newModule(L *lua.LState, name string, members ...member) *lua.LTable {
	t := L.CreateTable(0, len(members))
	for _, m := range members {
		t.RawSetString(m.name, L.NewFunction(m.call))
	}
	meta := L.CreateTable(0, 2)
	meta.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		key := L.Get(2).String()
		if !optional(name, key) {
			L.RaiseError("%s", noSuchName(t, name, key))
		}
		return 0
	}))
	meta.RawSetString("__newindex", L.NewFunction(func(L *lua.LState) int {
		L.RaiseError("cannot set %s.%s: %s", name, L.Get(2), adviceForSetting(L.Get(2).String()))
		return 0
	}))
	t.Metatable = meta
	return t
}

// newMethods makes the metatable of objects that have these methods.
func (s *script) newMethods(L *lua.LState, name string, members ...member) *lua.LTable {
	meta := L.CreateTable(0, 1)
	meta.RawSetString("__index", s.newModule(L, name, members...))
	return meta
}

// object gives what Go keeps in v, if that is a T.
func object[T any](v lua.LValue) (T, bool) {
	if ud, ok := v.(*lua.LUserData); ok {
		of, ok := ud.Value.(T)
		return of, ok
	}
	var none T
	return none, false
}

// isModule tells whether newModule made t.
func isModule(t *lua.LTable) bool {
	meta, ok := t.Metatable.(*lua.LTable)
	return ok && meta.RawGetString("__index").Type() == lua.LTFunction
}

func optional(module, name string) bool { return module == "pharos" && name == optionalNames }

func noSuchName(t *lua.LTable, module, name string) string {
	name = vm.Brief(name)
	return fmt.Sprintf("cannot use %s.%s: there is no such name %s", module, name, unknownName(name, without(namesOf(t), internal...)))
}

func namesOf(t *lua.LTable) []string {
	var names []string
	t.ForEach(func(k, _ lua.LValue) { names = append(names, k.String()) })
	return names
}

func adviceForSetting(name string) string {
	if slices.Contains(globals, name) {
		return fmt.Sprintf("it is a global, %s = ...", name)
	}
	return "keep what is yours in a local"
}

// whereFunction is pharos.where(level): "file:line" of the function at that
// level of the stack, as error() counts them.
func (s *script) whereFunction(L *lua.LState) lua.LValue {
	last, text := lua.LValue(lua.LNil), "" // those that a loop makes have one place, and one text for it
	return L.NewFunction(func(L *lua.LState) int {
		at := strings.TrimSuffix(vm.Position(L, L.OptInt(1, 1)), ": ")
		if at != text || last == lua.LNil {
			last, text = lua.LString(at), at
		}
		L.Push(last)
		return 1
	})
}

// suggest is pharos.suggest(name, valid): `(did you mean "b"? valid:
// a, b)`, the end of a message about an unknown name.
func (s *script) suggest(L *lua.LState) int {
	valid, err := stringList(L.CheckTable(2))
	if err != nil {
		L.ArgError(2, err.Error())
	}
	L.Push(lua.LString(unknownName(L.CheckString(1), valid)))
	return 1
}
