package luaapi

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/luaapi/vm"
)

// missteps warns of the steps that are written in a watcher's functions and are
// none of its option steps: a run may come to them once a year.
func (s *script) missteps() {
	if len(s.steps) == 0 {
		return
	}
	takers := make([]*watcher, len(s.steps)) // one that has not planned the step
	planned := make([]bool, len(s.steps))
	for _, w := range s.watchers {
		if w.plan.names == nil {
			continue
		}
		reach := functions{known: s.definer.known, seen: make(map[*lua.LFunction]bool)}
		reach.of(w.self)
		for i, step := range s.steps {
			switch {
			case !reach.has(step):
			case slices.Contains(w.plan.names, step.Text):
				planned[i] = true
			case takers[i] == nil:
				takers[i] = w
			}
		}
	}
	for i, step := range s.steps {
		if w := takers[i]; w != nil && !planned[i] {
			s.warn(engine.Place{File: step.File, Line: step.Line}, "the steps of %q have no %q %s", w.name, step.Text, unknownName(step.Text, w.plan.names))
		}
	}
}

// functions are those that a watcher's own functions lead to, without Pharos's.
type functions struct {
	known map[lua.LValue]string
	seen  map[*lua.LFunction]bool
}

// of adds the functions of a watcher and its classes.
func (f *functions) of(self *lua.LTable) {
	for t := range kin(self) {
		if f.known[t] != "" {
			return
		}
		t.ForEach(func(_, v lua.LValue) { f.add(v) })
	}
}

// add adds a function, and those that it has for upvalues.
func (f *functions) add(v lua.LValue) {
	function, ok := v.(*lua.LFunction)
	if !ok || function.IsG || f.seen[function] || f.known[function] != "" {
		return
	}
	f.seen[function] = true
	for _, up := range function.Upvalues {
		f.add(up.Value())
	}
}

// has tells whether a call is written in one of them.
func (f *functions) has(call vm.TextCall) bool {
	for function := range f.seen {
		p := function.Proto
		if p.SourceName == call.File && p.LineDefined <= call.Line && call.Line <= p.LastLineDefined {
			return true
		}
	}
	return false
}
