package luaapi

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/engine/probe"
)

// declaredSet is a set as one file declares it.
type declaredSet struct {
	name     string
	watchers []engine.Watcher
}

const pageTagMaxBytes = 200

// declare reads page_tag, metric_watchers and metric_watcher_sets: the unnamed
// set comes first. It stops at the first mistake.
func (s *script) declare(L *lua.LState) error {
	d := declaration{script: s, L: L, seen: make(map[*lua.LTable]engine.Source)}
	if err := d.pageTag(L.G.Global.RawGetString("page_tag")); err != nil {
		return err
	}
	watchers := L.G.Global.RawGetString("metric_watchers")
	sets := L.G.Global.RawGetString("metric_watcher_sets")
	if isNil(watchers) && isNil(sets) {
		return s.errorAt(engine.Source{}, "declares nothing: set metric_watchers = { ... } or metric_watcher_sets = { ... } (metric_watchers = {} is an empty board)")
	}
	if !isNil(watchers) {
		if err := d.set("", "metric_watchers", watchers); err != nil {
			return err
		}
	}
	if !isNil(sets) {
		return d.list("metric_watcher_sets", sets, d.namedSet)
	}
	return nil
}

type declaration struct {
	script *script
	L      *lua.LState
	seen   map[*lua.LTable]engine.Source
}

// errorAt is a mistake in the script, at a place in it if that is known.
func (s *script) errorAt(at engine.Source, format string, args ...any) error {
	if at.File == "" {
		at.File = s.name
	}
	return &LoadError{LoadError: engine.LoadError{File: at.File, Line: at.Line, Message: fmt.Sprintf(format, args...)}}
}

func (d *declaration) pageTag(v lua.LValue) error {
	if isNil(v) {
		return nil
	}
	text, ok := v.(lua.LString)
	if !ok || len(text) > pageTagMaxBytes {
		return d.script.errorAt(engine.Source{}, "cannot use page_tag: want a text of at most %d bytes, got a %s", pageTagMaxBytes, typeName(v))
	}
	d.script.pageTag = string(text)
	return nil
}

// list calls each for every entry of a list, which has no other keys.
func (d *declaration) list(of string, v lua.LValue, each func(of string, v lua.LValue) error) error {
	t, ok := v.(*lua.LTable)
	if !ok {
		return d.script.errorAt(engine.Source{}, "cannot use %s: want a list, { ... }, got a %s", of, typeName(v))
	}
	if isInstance(t) {
		return d.script.errorAt(sourceOf(t), "cannot use %s: want a list, put braces around it: { ... }", of)
	}
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if _, ok := k.(lua.LNumber); !ok {
			return d.script.errorAt(engine.Source{}, "cannot use %s: want a list without names, got the name %q", of, k.String())
		}
		if err := each(of+"["+k.String()+"]", v); err != nil {
			return err
		}
	}
	return nil
}

func (d *declaration) namedSet(of string, v lua.LValue) error {
	t, ok := v.(*lua.LTable)
	if !ok || !d.is(t, "WatcherSet") {
		return d.script.errorAt(sourceOfAny(v), "cannot use %s: want a pharos.WatcherSet(\"name\", { ... }), got %s", of, d.describe(v))
	}
	name, ok := d.L.GetField(t, "name").(lua.LString)
	if !ok || strings.TrimSpace(string(name)) == "" {
		return d.script.errorAt(sourceOf(t), "cannot use WatcherSet: want a name as its first argument")
	}
	return d.set(string(name), fmt.Sprintf("the watchers of WatcherSet %q", string(name)), d.L.GetField(t, "watchers"))
}

func (d *declaration) set(name, of string, watchers lua.LValue) error {
	set := declaredSet{name: probe.Clean([]byte(name))}
	err := d.list(of, watchers, func(of string, v lua.LValue) error {
		t, ok := v.(*lua.LTable)
		if !ok || !d.is(t, "MetricWatcher") {
			return d.script.errorAt(sourceOfAny(v), "cannot use %s: want a watcher, got %s", of, d.describe(v))
		}
		if before, twice := d.seen[t]; twice {
			return d.script.errorAt(before, "cannot use one watcher in two places: make another one for %s", of)
		}
		d.seen[t] = sourceOf(t)
		w, err := d.watcher(name, t)
		set.watchers = append(set.watchers, w)
		return err
	})
	d.script.sets = append(d.script.sets, set)
	return err
}

// watcher reads the options that the engine needs.
func (d *declaration) watcher(set string, self *lua.LTable) (engine.Watcher, error) {
	w := &watcher{script: d.script, self: self, args: []lua.LValue{self}, source: sourceOf(self)}
	var e engine.Watcher
	name, ok := d.L.GetField(self, "name").(lua.LString)
	if !ok || strings.TrimSpace(string(name)) == "" {
		return e, d.optionError(w, "name", errors.New("want a text that is not empty"))
	}
	w.name, w.id = probe.Clean([]byte(name)), engine.MakeID(set, string(name))
	if err := d.options(w, &e); err != nil {
		return e, err
	}
	e.ID, e.Name, e.Source, e.Check = w.id, w.name, w.source, w.check
	e.Lane = w.script.universe
	e = e.WithDefaults()
	w.timeout = e.Timeout
	e.Definition = d.script.definer.define(self)
	self.RawSetString("id", lua.LString(w.id))
	d.script.watchers = append(d.script.watchers, w)
	return e, nil
}

func (d *declaration) options(w *watcher, e *engine.Watcher) error {
	for _, option := range [...]struct {
		name string
		set  func(v lua.LValue) error
	}{
		{"id", func(v lua.LValue) error { return setID(&w.id, v) }},
		{"interval", func(v lua.LValue) error { return d.interval(w, &e.Interval, v) }},
		{"timeout", func(v lua.LValue) error { return setPositive(&e.Timeout, v) }},
		{"ttl", func(v lua.LValue) error { return setPositive(&e.TTL, v) }},
		{"thresholds", func(v lua.LValue) error { return setThresholds(&w.thresholds, v) }},
		{"unit", func(v lua.LValue) error { return setText(&w.unit, v) }},
		{"link", func(v lua.LValue) error { return setLink(&w.link, v) }},
	} {
		if v := d.L.GetField(w.self, option.name); !isNil(v) {
			if err := option.set(v); err != nil {
				return d.optionError(w, option.name, err)
			}
		}
	}
	return nil
}

func (d *declaration) optionError(w *watcher, option string, err error) error {
	class := d.L.GetField(w.self, "class_name").String()
	return d.script.errorAt(w.source, "cannot use option %q of %s: %s", option, class, err)
}

func (d *declaration) interval(w *watcher, to *time.Duration, v lua.LValue) error {
	if err := setPositive(to, v); err != nil {
		return err
	}
	if *to < engine.MinInterval {
		return fmt.Errorf("want at least %s, got %s", engine.MinInterval, *to)
	}
	if hint := millisecondsHint(v); hint != "" {
		d.script.warnings = append(d.script.warnings, engine.LoadError{
			File: w.source.File, Line: w.source.Line, Message: fmt.Sprintf("interval = %s", hint),
		})
	}
	return nil
}

func setPositive(to *time.Duration, v lua.LValue) error {
	if err := setDuration(to, v); err != nil {
		return err
	}
	if *to <= 0 {
		return errors.New("want more than 0 seconds")
	}
	return nil
}

func setID(to *engine.ID, v lua.LValue) error {
	text, ok := v.(lua.LString)
	if !ok || text == "" || len(text) > 200 || strings.ContainsAny(string(text), "/\\?#%*[] \t\n\x00") {
		return errors.New("want a text of at most 200 bytes without spaces and / \\ ? # % * [ ]")
	}
	*to = engine.ID(text)
	return nil
}

func setLink(to *string, v lua.LValue) error {
	if err := setText(to, v); err != nil {
		return err
	}
	return checkLink(*to)
}

var thresholdNames = []string{"min", "warn", "crit"}

// setThresholds reads {min, warn, crit}, or the same by name.
func setThresholds(to *engine.Thresholds, v lua.LValue) error {
	t, ok := v.(*lua.LTable)
	if !ok {
		return wantType("{min, warn, crit} or {warn = ..., crit = ...}", v)
	}
	places := [...]**float64{&to.Min, &to.Warn, &to.Crit}
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		place := -1
		for i, name := range thresholdNames {
			if k == lua.LNumber(i+1) || k == lua.LString(name) {
				place = i
			}
		}
		if place < 0 {
			return fmt.Errorf("no threshold is called %s %s", strconv.Quote(k.String()), unknownName(k.String(), thresholdNames))
		}
		n, ok := v.(lua.LNumber)
		if !ok || math.IsNaN(float64(n)) {
			return wantType("a number for "+thresholdNames[place], v)
		}
		if *places[place] != nil {
			return fmt.Errorf("%s is given twice", thresholdNames[place])
		}
		limit := float64(n)
		*places[place] = &limit
	}
	if list := t.Len(); list > 0 && list != 3 {
		return fmt.Errorf("want three numbers, {min, warn, crit}, got %d; by name any may be left out", list)
	}
	return nil
}

// is tells whether t is an instance of the built-in class, or of one that
// extends it.
func (d *declaration) is(t *lua.LTable, class string) bool {
	pharos := d.L.G.Global.RawGetString("pharos").(*lua.LTable)
	return isInstance(t) && isSubclass(t.Metatable, pharos.RawGetString(class))
}

// isInstance tells whether a class made t: its metatable is a class.
func isInstance(t *lua.LTable) bool {
	meta, ok := t.Metatable.(*lua.LTable)
	return ok && isClass(meta)
}

func isClass(t *lua.LTable) bool {
	return !isNil(t.RawGetString("super")) && t.RawGetString("__index") == lua.LValue(t)
}

const classMaxDepth = 100

func isSubclass(class, of lua.LValue) bool {
	for range classMaxDepth {
		t, ok := class.(*lua.LTable)
		if !ok {
			return false
		}
		if class == of {
			return true
		}
		class = t.RawGetString("super")
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
func sourceOf(t *lua.LTable) engine.Source {
	place, _ := t.RawGetString("source").(lua.LString)
	colon := strings.LastIndexByte(string(place), ':')
	if colon < 0 {
		return engine.Source{}
	}
	line, err := strconv.Atoi(string(place[colon+1:]))
	if err != nil {
		return engine.Source{}
	}
	return engine.Source{File: string(place[:colon]), Line: line}
}

func sourceOfAny(v lua.LValue) engine.Source {
	if t, ok := v.(*lua.LTable); ok {
		return sourceOf(t)
	}
	return engine.Source{}
}

// adopt gives the script's watchers the memory that outlives them.
func (s *script) adopt(m *Memory) {
	for _, w := range s.watchers {
		w.memory = m
	}
}
