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

func noColon(function string) string {
	return fmt.Sprintf("cannot call %s with a colon: write %s(...), with a dot", function, function)
}

// guardColons guards what is in the module of that name against being called with a
// colon, as pharos:dns(...) and pharos.json:decode(...): the module would be taken
// for the first argument.
func guardColons(L *lua.LState, module *lua.LTable, name string) {
	guard := func(of string, n int, f *lua.LFunction) *lua.LFunction {
		call := f.GFunction
		return L.NewFunction(func(L *lua.LState) int {
			if L.Get(n) == module {
				L.RaiseError("%s", noColon(of))
			}
			return call(L)
		})
	}
	for _, member := range namesOf(module) {
		of := name + "." + member
		switch v := module.RawGetString(member).(type) {
		case *lua.LFunction:
			module.RawSetString(member, guard(of, 1, v))
		case *lua.LTable:
			meta := v.Metatable.(*lua.LTable)
			if f, ok := meta.RawGetString("__call").(*lua.LFunction); ok {
				meta.RawSetString("__call", guard(of, 2, f)) // behind what is called
			} else {
				meta.RawSetString("__call", L.NewFunction(func(L *lua.LState) int {
					L.RaiseError("cannot call %s: it is none itself, call one of its functions (valid: %s)", of, strings.Join(slices.Sorted(slices.Values(namesOf(v))), ", "))
					return 0
				}))
			}
			guardColons(L, v, of)
		}
	}
}

// isModule tells whether newModule made t.
func isModule(t *lua.LTable) bool {
	meta, ok := t.Metatable.(*lua.LTable)
	return ok && meta.RawGetString("__index").Type() == lua.LTFunction
}

func optional(module, name string) bool { return module == "pharos" && name == optionalNames }

func noSuchName(t *lua.LTable, module, name string) string {
	name = vm.Brief(name)
	valid := without(namesOf(t), internal...)
	hint := unknownName(name, valid)
	if meant := elsewhere(module, name); meant != "" {
		hint = fmt.Sprintf("(did you mean %q? valid: %s)", meant, strings.Join(slices.Sorted(slices.Values(valid)), ", "))
	}
	return fmt.Sprintf("cannot use %s.%s: there is no such name %s", module, name, hint)
}

// namesElsewhere are what others call what is here, by the name that it has.
var namesElsewhere = map[string][]string{
	"pharos.http.get":     {"pharos.get", "pharos.fetch", "pharos.curl", "pharos.url_get", "pharos.http.fetch"},
	"pharos.http.post":    {"pharos.post"},
	"pharos.http.request": {"pharos.request", "pharos.requests"},
	"pharos.http.sse":     {"pharos.sse", "pharos.http.stream", "pharos.http.events"},
	"pharos.exec":         {"pharos.run", "pharos.shell", "pharos.system", "pharos.popen", "pharos.execute", "pharos.command", "pharos.cmd", "pharos.spawn", "pharos.sh"},
	"pharos.tcp":          {"pharos.socket", "pharos.connect", "pharos.port"},
	"pharos.tls":          {"pharos.ssl", "pharos.cert", "pharos.certificate"},
	"pharos.dns":          {"pharos.resolve", "pharos.lookup", "pharos.nslookup", "pharos.dig"},
	"pharos.ping":         {"pharos.icmp"},
	"pharos.time.sleep":   {"pharos.sleep", "pharos.wait", "pharos.time.wait"},
	"pharos.time.now":     {"pharos.now", "pharos.time.time"},
	"pharos.time.seconds": {"pharos.duration", "pharos.seconds", "pharos.time.duration"},
	"pharos.json.decode":  {"pharos.json.parse", "pharos.json.loads", "pharos.json.load", "pharos.json.read", "pharos.decode", "pharos.parse"},
	"pharos.json.encode":  {"pharos.json.stringify", "pharos.json.dumps", "pharos.json.dump", "pharos.encode"},
	"pharos.file.read":    {"pharos.read", "pharos.read_file", "pharos.readfile", "pharos.open", "pharos.file.open", "pharos.file.lines", "pharos.file.load"},
	"pharos.file.stat":    {"pharos.stat", "pharos.file.exists", "pharos.file.size", "pharos.file.age"},
	"pharos.file.newest":  {"pharos.glob", "pharos.file.glob", "pharos.file.list"},
	"pharos.file.tail":    {"pharos.tail", "pharos.file.follow", "pharos.file.watch"},
	"pharos.env":          {"pharos.getenv", "pharos.environ"},
	"pharos.log":          {"pharos.print", "pharos.debug", "pharos.info"},

	"pharos.PageGETMetricWatcher": {"pharos.HTTP", "pharos.HTTPS", "pharos.URL", "pharos.Web", "pharos.Page", "pharos.PageGet", "pharos.Website", "pharos.API"},
	"pharos.CommandMetricWatcher": {"pharos.Command", "pharos.Exec", "pharos.Shell", "pharos.Script", "pharos.Process", "pharos.SSH", "pharos.Cmd"},
	"pharos.NagiosMetricWatcher":  {"pharos.Plugin", "pharos.Nagios"},
	"pharos.TCPMetricWatcher":     {"pharos.Port", "pharos.Socket", "pharos.SMTP", "pharos.Redis", "pharos.TCP"},
	"pharos.TLSMetricWatcher":     {"pharos.SSL", "pharos.Cert", "pharos.Certificate", "pharos.TLS"},
	"pharos.DNSMetricWatcher":     {"pharos.DNS"},
	"pharos.PingMetricWatcher":    {"pharos.ICMP", "pharos.Ping", "pharos.Host"},
	"pharos.FileMetricWatcher":    {"pharos.File", "pharos.Heartbeat"},
	"pharos.MetricWatcher":        {"pharos.Metric", "pharos.Watcher", "pharos.Function"},
	"pharos.WatcherSet":           {"pharos.Set", "pharos.Group", "pharos.MetricWatcherSet"},
	"pharos.derive":               {"pharos.Derived", "pharos.DerivedMetricWatcher", "pharos.Derive"},
}

// elsewhere is what was probably meant by a name that a module does not have; "" if
// nothing like it is known. Of a class the end of its name does not count.
func elsewhere(module, name string) string {
	full := module + "." + name
	stem := strings.TrimSuffix(strings.TrimSuffix(full, "Watcher"), "Metric")
	for meant, names := range namesElsewhere {
		isClass := stem != full && strings.HasSuffix(meant, "Watcher")
		if slices.Contains(names, full) || isClass && slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, stem) }) {
			return meant
		}
	}
	return ""
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
