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
	"pharos/luaapi/vm"
)

// options reads the options of every watcher that Go looks at, whatever its
// class; the others are the class's.
func (d *declaration) options(w *watcher, e *engine.Watcher) error {
	for _, option := range [...]struct {
		name string
		set  func(v lua.LValue) error
	}{
		{"id", func(v lua.LValue) error { return d.id(&w.id, v) }},
		{"interval", func(v lua.LValue) error { return d.interval(w, &e.Interval, v) }},
		{"timeout", func(v lua.LValue) error { return setPositive(&e.Timeout, v) }},
		{"ttl", func(v lua.LValue) error { return setPositive(&e.TTL, v) }},
		{"events", func(v lua.LValue) error { return setEvents(&w.stream, v) }},
		{"thresholds", func(v lua.LValue) error { return d.thresholds(w, v) }},
		{"unit", func(v lua.LValue) error { return setText(&w.unit, v) }},
		{"link", func(v lua.LValue) error { return setLink(&w.link, v) }},
		{"ssh_host", func(v lua.LValue) error { return d.vantages(&w.vantages, v) }},
		{"merge", func(v lua.LValue) error { return setMerge(&w.vantages, v) }},
		{"needs", func(v lua.LValue) error { return setPatterns(&e.Needs, v) }},
		{"confirm", func(v lua.LValue) error { return setConfirm(&e.Confirm, v) }},
		{"of", func(v lua.LValue) error { return d.setOf(w, e, v) }},
		{"steps", func(v lua.LValue) error { return setSteps(&w.plan, v) }},
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
		d.warnings = append(d.warnings, engine.LoadError{
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

func (d *declaration) id(to *engine.ID, v lua.LValue) error {
	text, ok := v.(lua.LString)
	if !ok || text == "" || len(text) > 200 || strings.ContainsAny(string(text), "/\\?#%*[] \t\n\x00") {
		return errors.New("want a text of at most 200 bytes without spaces and / \\ ? # % * [ ]")
	}
	*to = engine.ID(text)
	return d.script.mask.inName(string(text))
}

func setLink(to *string, v lua.LValue) error {
	if err := setText(to, v); err != nil {
		return err
	}
	return checkLink(*to)
}

// thresholds warns of a list that turns the judgement round: by name that is
// meant, and a list may just be in the wrong order. It warns of those that no
// number passes, too.
func (d *declaration) thresholds(w *watcher, v lua.LValue) error {
	t := &w.thresholds
	if err := setThresholds(t, v); err != nil {
		return err
	}
	warn := func(format string, args ...any) {
		d.warnings = append(d.warnings, engine.LoadError{File: w.source.File, Line: w.source.Line,
			Message: fmt.Sprintf("thresholds of %q: ", w.name) + fmt.Sprintf(format, args...)})
	}
	turned := t.Warn != nil && t.Crit != nil && *t.Crit < *t.Warn
	if list, ok := v.(*lua.LTable); ok && list.Len() > 0 && turned {
		warn("crit, %s, is below warn, %s, so that low values are bad; if that is meant, write { warn = %[2]s, crit = %[1]s }",
			vm.FormatNumber(*t.Crit), vm.FormatNumber(*t.Warn))
	}
	bad := t.Warn
	if bad == nil {
		bad = t.Crit
	}
	if t.Min != nil && bad != nil && (!turned && *t.Min >= *bad || turned && *t.Min <= *bad) {
		warn("no number is ok between min, %s, and %s", vm.FormatNumber(*t.Min), vm.FormatNumber(*bad))
	}
	return nil
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
