package luaapi

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/luaapi/vm"
)

// read hears of each field that the script's files read, before they run. It
// warns of names that the table pharos does not have: in a function it may take
// long until somebody calls it.
func (s *script) read(use vm.FieldUse) {
	if s.reads == nil {
		return // what a person types now says it when it runs
	}
	s.reads[use.Path[len(use.Path)-1]] = true
	if use.Path[0] != "pharos" || len(use.Path) == 1 {
		return
	}
	at := lua.LValue(s.pharos)
	for i, name := range use.Path[1:] {
		t, ok := at.(*lua.LTable)
		if !ok {
			return
		}
		if at = t.RawGetString(name); at != lua.LNil {
			continue
		}
		owner := strings.Join(use.Path[:i+1], ".")
		if last := i+2 == len(use.Path); last && isModule(t) && !optional(owner, name) {
			s.warn(engine.Place{File: use.File, Line: use.Line}, "%s", noSuchName(t, owner, name))
		}
		return
	}
}

func (s *script) warn(at engine.Place, format string, args ...any) {
	s.warnings = append(s.warnings, mistake(at, format, args...))
}

// misspelt warns of what the script's own classes of w have that nothing reads
// and that is called almost as an option or a method is: extend{ inteval = "5s" }.
// Of an instance that is an error, but a class may have fields of any name.
func (d *declaration) misspelt(w *watcher) {
	for class := range lineage(w.self.Metatable) {
		if d.spelt[class] || d.definer.known[class] != "" {
			return
		}
		d.spelt[class] = true
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
