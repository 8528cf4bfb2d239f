package luaapi

import (
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/luaapi/vm"
)

// read hears of each field that the script's files read, before they run. It
// warns of names that the table pharos does not have, and of those that are called with
// a colon: in a function it may take long until somebody calls it.
func (s *script) read(use vm.FieldUse) {
	if s.reads == nil {
		return // what a person types now says it when it runs
	}
	s.reads[use.Path[len(use.Path)-1]] = true
	if use.Path[0] != "pharos" || len(use.Path) == 1 {
		return
	}
	at, place := lua.LValue(s.pharos), engine.Place{File: use.File, Line: use.Line}
	for i, name := range use.Path[1:] {
		t, ok := at.(*lua.LTable)
		if !ok {
			return
		}
		owner, last := strings.Join(use.Path[:i+1], "."), i+2 == len(use.Path)
		switch at = t.RawGetString(name); {
		case !last && at != lua.LNil:
			continue
		case !last || !isModule(t):
		case at == lua.LNil && !optional(owner, name):
			s.warn(place, "%s", noSuchName(t, owner, name))
		case at != lua.LNil && use.Colon:
			s.warn(place, "%s", noColon(owner+"."+name))
		}
		return
	}
}

// optionsAt is where the options of a function are, and which.
type optionsAt struct {
	argument int
	names    []string
}

// calledWithOptions are functions of the table pharos that take options.
var calledWithOptions = map[string]optionsAt{
	"pharos.exec":         {2, execOptions},
	"pharos.nagios":       {2, execOptions},
	"pharos.http.get":     {2, httpOptions},
	"pharos.http.head":    {2, httpOptions},
	"pharos.http.post":    {2, httpOptions},
	"pharos.http.put":     {2, httpOptions},
	"pharos.http.patch":   {2, httpOptions},
	"pharos.http.delete":  {2, httpOptions},
	"pharos.http.request": {2, httpOptions},
	"pharos.tcp":          {2, exchangeOptions},
	"pharos.tcp.connect":  {2, tcpOptions},
	"pharos.tls":          {2, tlsOptions},
	"pharos.dns":          {2, dnsOptions},
	"pharos.ping":         {2, pingOptions},
	"pharos.file.read":    {2, []string{"max"}},
	"pharos.cache":        {1, []string{"max", "ttl"}},
}

// passed hears of each option that the functions of the script's files pass, and
// warns of those that there are not: it may take long until somebody calls them. So
// it is of what a set is made of that finds its members.
func (s *script) passed(use vm.OptionUse) {
	if s.reads == nil {
		return // see read
	}
	at, place := calledWithOptions[use.Function], engine.Place{File: use.File, Line: use.Line}
	if use.Argument == at.argument && !slices.Contains(at.names, use.Name) {
		s.warn(place, "%s", noOption(use.Function, vm.Brief(use.Name), at.names))
		return
	}
	name, _ := strings.CutPrefix(use.Function, "pharos.")
	class, ok := s.pharos.RawGetString(name).(*lua.LTable)
	if !ok || !isClass(class) || use.Argument != 1 || declaredTypes(class, use.Name) != "" {
		return
	}
	known := false
	for class := range lineage(class) {
		known = known || class.RawGetString(use.Name) != lua.LNil
	}
	if !known || slices.Contains(reservedFields, use.Name) {
		s.warn(place, "cannot use option %q of %s %s", vm.Brief(use.Name), name, unknownName(vm.Brief(use.Name), optionsOf(class)))
	}
}

func (s *script) warn(at engine.Place, format string, args ...any) {
	s.warnings = append(s.warnings, mistake(at, format, args...))
}

// misspelt warns of what the script's own classes of w have that nothing reads
// and that is called almost as an option or a method is: extend{ inteval = "5s" }.
// Of an instance that is an error, but a class may have fields of any name.
func (d *declaration) misspelt(w *watcher) {
	class, _ := w.self.Metatable.(*lua.LTable)
	w.self.ForEach(func(k, _ lua.LValue) { // what the class has not was set after it was made
		field := k.String()
		if d.script.reads[field] || slices.Contains(reservedFields, field) || declaredTypes(class, field) != "" || !isNil(d.L.GetField(class, field)) {
			return
		}
		if near := vm.Nearest(field, optionsOf(class)); near != "" {
			d.script.warn(w.source, "%q has %q, which nothing reads (did you mean %q?)", w.name, vm.Brief(field), near)
		}
	})
	if !d.spelt[class] { // or a thousand of one class would all say it
		d.overwritten(w, w.self)
	}
	for class := range lineage(class) {
		if d.spelt[class] || d.definer.known[class] != "" {
			return
		}
		d.spelt[class] = true
		d.overwritten(w, class)
		names := append(classNames(class.RawGetString("super")), "init", "construct")
		names = append(names, namesOfAny(class.RawGetString("options"))...)
		known := make(map[string]bool, len(names))
		for _, name := range names {
			known[name] = true
		}
		class.ForEach(func(k, v lua.LValue) {
			field := k.String()
			if known[field] || d.script.reads[field] || strings.HasPrefix(field, "__") {
				return
			}
			if near := vm.Nearest(field, names); near != "" {
				at := w.source
				if f, ok := v.(*lua.LFunction); ok && !f.IsG {
					at = engine.Place{File: f.Proto.SourceName, Line: f.Proto.LineDefined}
				}
				d.script.warn(at, "the class of %q has %q, which nothing reads (did you mean %q?)", w.name, field, near)
			}
		})
	}
}

// overwritten warns of what a watcher or its class has by a name that each run sets:
// the script would never see it again.
func (d *declaration) overwritten(w *watcher, t *lua.LTable) {
	for _, name := range setInRuns {
		v := t.RawGetString(name)
		if list, ok := v.(*lua.LTable); ok && name == "state" {
			if first, _ := vm.Plain(list).Next(lua.LNil); first == lua.LNil {
				continue // as it begins anyway
			}
		}
		switch {
		case v == lua.LNil, t != w.self && w.self.RawGetString(name) != lua.LNil: // or the latter was told
		case name == "state":
			d.script.warn(w.source, "%q has a state, which each run sets to what was kept: what it begins with is for check, self.state.n = self.state.n or 0", w.name)
		default:
			d.script.warn(w.source, "%q has %q, which each run sets anew: give it another name", w.name, name)
		}
	}
}

// classNames are the fields, methods and options of a class and those above it.
func classNames(class lua.LValue) (names []string) {
	for t := range lineage(class) {
		names = append(append(names, namesOf(t)...), namesOfAny(t.RawGetString("options"))...)
	}
	return names
}

func namesOfAny(v lua.LValue) []string {
	if t, ok := v.(*lua.LTable); ok {
		return namesOf(t)
	}
	return nil
}
