package luaapi

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// declaredSet is a set as one file declares it.
type declaredSet struct {
	name     string
	watchers []engine.Watcher
	discover *engine.Discovery // nil where its members are given
	place    engine.Place
}

// nameMaxBytes bounds every name, and page_tag.
const nameMaxBytes = 200

// checkName is why a text cannot be a name.
func (s *script) checkName(text string) error {
	if len(text) > nameMaxBytes {
		return fmt.Errorf("want at most %d bytes, got %d", nameMaxBytes, len(text))
	}
	return s.own.inName(text)
}

// declare reads page_tag, metric_watchers and metric_watcher_sets: the unnamed
// set comes first. It stops at the first mistake.
func (s *script) declare(L *lua.LState) error {
	d := declaration{script: s, L: L, definer: s.definer, seen: make(map[*lua.LTable]bool), spelt: make(map[*lua.LTable]bool)}
	defer func() { s.watchers, s.warnings = d.watchers, append(s.warnings, d.warnings...) }()
	if err := d.pageTag(L.G.Global.RawGetString("page_tag")); err != nil {
		return err
	}
	watchers := L.G.Global.RawGetString("metric_watchers")
	sets := L.G.Global.RawGetString("metric_watcher_sets")
	if isNil(watchers) && isNil(sets) {
		return s.errorAt(engine.Place{}, "declares nothing: set metric_watchers = { ... } or metric_watcher_sets = { ... }, without local (metric_watchers = {} is an empty board); a module that others require belongs in lib/")
	}
	if !isNil(watchers) {
		if err := d.set("", "metric_watchers", s.assigned["metric_watchers"], watchers); err != nil {
			return err
		}
	}
	if !isNil(sets) {
		if err := d.list("metric_watcher_sets", s.assigned["metric_watcher_sets"], sets, d.namedSet); err != nil {
			return err
		}
	}
	d.forgotten()
	return nil
}

// forgotten warns of watchers that the script made and has in no list. A module makes
// them for whoever wants them; what finds the members of a set, or another watcher's
// function, may have a use for those that it sees.
func (d *declaration) forgotten() {
	left := slices.DeleteFunc(d.script.made, func(t *lua.LTable) bool { return d.seen[t] || sourceOf(t).File != d.script.name })
	if len(left) == 0 {
		return
	}
	used := reached{known: d.definer.known, seen: make(map[lua.LValue]bool)}
	for t := range d.seen {
		used.add(t)
	}
	for _, find := range d.finds {
		used.add(find)
	}
	for _, t := range left {
		if name, ok := d.L.GetField(t, "name").(lua.LString); ok && !used.seen[t] {
			d.script.warn(sourceOf(t), "%q is made and in no list: put it into metric_watchers, or into a set of metric_watcher_sets", probe.CleanText(vm.Brief(string(name))))
		}
	}
}

// reached is what a script's functions and tables lead to, without Pharos's.
type reached struct {
	known map[lua.LValue]string
	seen  map[lua.LValue]bool
}

// add adds a value, and what it leads to.
func (r *reached) add(v lua.LValue) {
	for next := []lua.LValue{v}; len(next) > 0; {
		v, next = next[len(next)-1], next[:len(next)-1]
		if r.seen[v] || r.known[v] != "" {
			continue
		}
		switch v := v.(type) {
		case *lua.LFunction:
			r.seen[v] = true
			for _, up := range v.Upvalues {
				next = append(next, up.Value())
			}
		case *lua.LTable:
			r.seen[v] = true
			next = append(next, v.Metatable)
			for k, field := range vm.Pairs(v) {
				next = append(next, k, field)
			}
		}
	}
}

// declaration reads watchers of Lua values: of a file that was loaded, or of
// what a discovery found.
type declaration struct {
	script   *script
	L        *lua.LState
	definer  *definer
	seen     map[*lua.LTable]bool
	before   map[*lua.LTable]*hold // those that are known already: runs have changed them since
	spelt    map[*lua.LTable]bool  // classes that misspelt has looked at; nil: it is not asked
	listed   []*lua.LTable         // what members read last
	finds    []*lua.LFunction      // that find the members of sets
	needs    []engine.Pattern      // of the set, for those of its members that have none of their own
	watchers []*watcher
	warnings []engine.LoadError
}

// errorAt is a mistake in the script, at a place in it if that is known.
func (s *script) errorAt(at engine.Place, format string, args ...any) error {
	if at.File == "" {
		at.File = s.name
	}
	return &LoadError{LoadError: mistake(at, format, args...)}
}

// mistake is what is wrong at a place.
func mistake(at engine.Place, format string, args ...any) engine.LoadError {
	return engine.LoadError{File: at.File, Line: at.Line, Message: fmt.Sprintf(format, args...)}
}

// brokenAt is an error that a script ended in: at its line, else at the place.
func brokenAt(at engine.Place, err error) engine.LoadError {
	if e, ok := errors.AsType[*vm.Error](err); ok {
		if e.File != "" {
			at = engine.Place{File: e.File, Line: e.Line}
		}
		return mistake(at, "%s", e.Message)
	}
	return mistake(at, "%s", err)
}

// warn notes what is taken, but probably not meant.
func (d *declaration) warn(at engine.Place, format string, args ...any) {
	d.warnings = append(d.warnings, mistake(at, format, args...))
}

func (d *declaration) pageTag(v lua.LValue) error {
	if isNil(v) {
		return nil
	}
	text, ok := v.(lua.LString)
	if !ok {
		return d.script.errorAt(d.script.assigned["page_tag"], "cannot use page_tag: want a text of at most %d bytes, got a %s", nameMaxBytes, typeName(v))
	}
	if err := d.script.checkName(string(text)); err != nil {
		return d.script.errorAt(d.script.assigned["page_tag"], "cannot use page_tag: %s", err)
	}
	d.script.pageTag = new(string(text))
	return nil
}

// list calls each for every entry of a list, which has no other keys. at is where
// the list is, for what is wrong with an entry that has no place of its own.
func (d *declaration) list(of string, at engine.Place, v lua.LValue, each func(of string, v lua.LValue) error) error {
	t, ok := v.(*lua.LTable)
	if !ok {
		return d.script.errorAt(at, "cannot use %s: want a list, { ... }, got a %s", of, typeName(v))
	}
	if isInstance(t) {
		return d.script.errorAt(cmp.Or(sourceOf(t), at), "cannot use %s: want a list, put braces around it: { ... }", of)
	}
	entries, last := 0, lua.LNumber(0)
	for k, v := range vm.Pairs(t) {
		n, ok := k.(lua.LNumber)
		if !ok {
			return d.script.errorAt(at, "cannot use %s: want a list without names, got the name %q", of, k.String())
		}
		entries, last = entries+1, max(last, n)
		if err := each(of+"["+k.String()+"]", v); err != nil {
			return err
		}
	}
	if last > lua.LNumber(entries) {
		hole := 1
		for !isNil(t.RawGetInt(hole)) {
			hole++
		}
		d.warn(engine.Place{File: cmp.Or(at.File, d.script.name), Line: at.Line}, "%s[%d] is nil: a watcher is missing there", of, hole)
	}
	return nil
}

func (d *declaration) namedSet(of string, v lua.LValue) error {
	t, ok := v.(*lua.LTable)
	if !ok || !d.is(t, "WatcherSet") {
		return d.script.errorAt(cmp.Or(sourceOfAny(v), d.script.assigned["metric_watcher_sets"]), "cannot use %s: want a pharos.WatcherSet(\"name\", { ... }), got %s", of, d.describe(v))
	}
	name, ok := d.L.GetField(t, "name").(lua.LString)
	if !ok || strings.TrimSpace(string(name)) == "" {
		return d.script.errorAt(sourceOf(t), "cannot use WatcherSet: want a name as its first argument")
	}
	if len(name) > nameMaxBytes {
		return d.script.errorAt(sourceOf(t), "cannot use WatcherSet: want a name of at most %d bytes, got %d", nameMaxBytes, len(name))
	}
	if err := d.script.own.inName(string(name)); err != nil {
		return d.script.errorAt(sourceOf(t), "cannot use WatcherSet: %s", err)
	}
	watchers := d.L.GetField(t, "watchers")
	find, ok := watchers.(*lua.LFunction)
	if !ok {
		d.needs = nil
		err := d.setOptions(string(name), t, func(option string, v lua.LValue) error {
			switch {
			case option == "needs":
				return setPatterns(&d.needs, v)
			case slices.Contains(discoveryOptions, option):
				return errors.New("it is for a function that finds its members")
			}
			return errNoOption
		})
		if err != nil {
			return err
		}
		return d.set(string(name), fmt.Sprintf("the watchers of WatcherSet %q", string(name)), sourceOf(t), watchers)
	}
	d.finds = append(d.finds, find)
	discover, err := d.discovery(string(name), t, find)
	d.script.sets = append(d.script.sets, declaredSet{name: probe.CleanText(string(name)), discover: discover, place: sourceOf(t)})
	return err
}

func (d *declaration) set(name, of string, at engine.Place, watchers lua.LValue) error {
	members, err := d.members(name, of, at, watchers)
	d.script.sets = append(d.script.sets, declaredSet{name: probe.CleanText(name), watchers: members})
	return err
}

// members reads a list of watchers.
func (d *declaration) members(set, of string, at engine.Place, watchers lua.LValue) (members []engine.Watcher, err error) {
	d.listed = nil
	if t, ok := watchers.(*lua.LTable); ok {
		members = make([]engine.Watcher, 0, t.Len()) // each is some 500 bytes: growing would copy them all again and again
	}
	err = d.list(of, at, watchers, func(of string, v lua.LValue) error {
		t, ok := v.(*lua.LTable)
		if !ok || !d.is(t, "MetricWatcher") {
			return d.script.errorAt(cmp.Or(sourceOfAny(v), at), "cannot use %s: want a watcher, got %s", of, d.describe(v))
		}
		if d.seen[t] {
			return d.script.errorAt(sourceOf(t), "cannot use one watcher in two places: make another one for %s", of)
		}
		d.seen[t] = true
		var w engine.Watcher
		if h := d.before[t]; h != nil {
			w = h.Watcher
		} else if w, err = d.watcher(set, t); err != nil {
			return err
		}
		d.listed = append(d.listed, t)
		members = append(members, w)
		return nil
	})
	return members, err
}

// watcher reads the options that the engine needs.
func (d *declaration) watcher(set string, self *lua.LTable) (engine.Watcher, error) {
	w := &watcher{script: d.script, self: self, source: sourceOf(self)}
	var e engine.Watcher
	name, ok := d.L.GetField(self, "name").(lua.LString)
	if !ok || strings.TrimSpace(string(name)) == "" {
		return e, d.optionError(w, "name", errors.New("want a text that is not empty"))
	}
	if err := d.script.checkName(string(name)); err != nil {
		return e, d.optionError(w, "name", err)
	}
	w.name, w.id = probe.CleanText(string(name)), engine.MakeID(set, string(name))
	if err := d.options(w, &e); err != nil {
		return e, err
	}
	e.ID, e.Name, e.Place, e.Check = w.id, w.name, w.source, w.check
	if e.Needs == nil { // of the set; one of the set may be what the others need
		e.Needs = slices.DeleteFunc(slices.Clone(d.needs), func(p engine.Pattern) bool { return engine.ID(p) == w.id })
	}
	if w.stream != nil {
		if mistake := d.eventsMistake(w, &e); mistake != "" {
			return e, d.optionError(w, "events", errors.New("a watcher with events "+mistake))
		}
		w.sse, e.Check, e.Source = new(probe.SSEState), nil, w.events
	}
	e.Lane = w.script.universe
	e = e.WithDefaults()
	w.timeout = e.Timeout
	e.Definition = d.definer.define(self)
	if d.spelt != nil {
		d.misspelt(w)
	}
	w.definition = e.Definition
	self.RawSetString("id", lua.LString(w.id))
	d.watchers = append(d.watchers, w)
	if w.vantages.names != nil {
		w.vantages.split(d.L, w)
		d.watchers = append(d.watchers, w.vantages.parts...)
		e.Check = w.vantages.check
	}
	return e, nil
}

// is tells whether t is an instance of the built-in class, or of one that
// extends it.
func (d *declaration) is(t *lua.LTable, class string) bool {
	return isInstance(t) && isSubclass(t.Metatable, d.script.pharos.RawGetString(class))
}

// isInstance tells whether a class made t: its metatable is a class.
func isInstance(t *lua.LTable) bool {
	meta, ok := t.Metatable.(*lua.LTable)
	return ok && isClass(meta)
}

func isClass(t *lua.LTable) bool {
	return !isNil(t.RawGetString("super")) && t.RawGetString("__index") == lua.LValue(t)
}

// lineage gives a class and those above it.
func lineage(class lua.LValue) iter.Seq[*lua.LTable] {
	const most = 100
	return func(yield func(*lua.LTable) bool) {
		for range most {
			t, ok := class.(*lua.LTable)
			if !ok || !yield(t) {
				return
			}
			class = t.RawGetString("super")
		}
	}
}

// kin gives a watcher's own table, its class and those above it.
func kin(self *lua.LTable) iter.Seq[*lua.LTable] {
	return func(yield func(*lua.LTable) bool) {
		if yield(self) {
			lineage(self.Metatable)(yield)
		}
	}
}

func isSubclass(class, of lua.LValue) bool {
	for t := range lineage(class) {
		if lua.LValue(t) == of {
			return true
		}
	}
	return false
}

// describe says what v is instead of what was wanted.
func (d *declaration) describe(v lua.LValue) string {
	t, ok := v.(*lua.LTable)
	switch {
	case !ok:
		return "a " + typeName(v)
	case isClass(t):
		name := d.L.GetField(t, "class_name").String()
		return fmt.Sprintf("the class %s itself: write pharos.%s{ ... }", name, name)
	case isInstance(t):
		return "a " + d.L.GetField(t, "class_name").String()
	}
	return "a plain table: write pharos.CommandMetricWatcher{ ... } or another class"
}

// sourceOf reads where a watcher was made, which its constructor noted.
func sourceOf(t *lua.LTable) engine.Place {
	place, _ := t.RawGetString("source").(lua.LString)
	colon := strings.LastIndexByte(string(place), ':')
	if colon < 0 {
		return engine.Place{}
	}
	line, err := strconv.Atoi(string(place[colon+1:]))
	if err != nil {
		return engine.Place{}
	}
	return engine.Place{File: string(place[:colon]), Line: line}
}

func sourceOfAny(v lua.LValue) engine.Place {
	if t, ok := v.(*lua.LTable); ok {
		return sourceOf(t)
	}
	return engine.Place{}
}

// adopt gives the script's watchers the memory that outlives them.
func (s *script) adopt(m *Memory) {
	s.memory, s.adopted = m, true
	for _, w := range s.watchers {
		m.adopt(w)
	}
}
