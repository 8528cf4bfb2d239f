package luaapi

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/luaapi/vm"
)

var thresholdNames = []string{"min", "warn", "crit"}

// limits are the thresholds in a table of a script. They are kept with it, because
// each run judges by them and they seldom change.
type limits struct {
	engine.Thresholds
	table *lua.LTable // nil if there are none
}

// readLimits reads {min, warn, crit}, the same by name, or nil, for values of the
// unit.
func readLimits(v lua.LValue, unit string) (limits, error) {
	if isNil(v) {
		return limits{}, nil
	}
	t, ok := v.(*lua.LTable)
	if !ok {
		return limits{}, wantType("{min, warn, crit} or {warn = ..., crit = ...}", v)
	}
	l := limits{table: t}
	places := [...]**float64{&l.Min, &l.Warn, &l.Crit}
	for k, v := range vm.Pairs(t) {
		place := -1
		switch k := k.(type) {
		case lua.LString:
			place = slices.Index(thresholdNames, string(k))
		case lua.LNumber:
			place = slices.Index([]lua.LNumber{1, 2, 3}, k)
		}
		if place < 0 {
			return limits{}, fmt.Errorf("no threshold is called %s %s", strconv.Quote(k.String()), unknownName(k.String(), thresholdNames))
		}
		limit, err := readLimit(thresholdNames[place], v, unit)
		if err != nil {
			return limits{}, err
		}
		if *places[place] != nil {
			return limits{}, fmt.Errorf("%s is given twice", thresholdNames[place])
		}
		*places[place] = &limit
	}
	if list := t.Len(); list > 0 && list != 3 {
		return limits{}, fmt.Errorf("want three numbers, {min, warn, crit}, got %d; by name any may be left out", list)
	}
	return l, nil
}

// readLimit reads one of them. A time is in seconds, as durations are everywhere.
func readLimit(name string, v lua.LValue, unit string) (float64, error) {
	switch v := v.(type) {
	case lua.LNumber:
		if math.IsNaN(float64(v)) {
			return 0, fmt.Errorf("want a number for %s, got nan: 0 / 0, or what was made of it", name)
		}
		return float64(v), nil
	case lua.LString:
		if _, err := strconv.ParseFloat(string(v), 64); err == nil {
			return 0, fmt.Errorf("%s is a text: write %s, without quotes, or tonumber(...) of what is one", name, v)
		}
		d, err := parseDuration(string(v))
		switch {
		case err != nil:
			return 0, fmt.Errorf("%s is %.40q: want a number, or a time such as \"250ms\", \"26h\"", name, string(v))
		case unit != "" && unit != "s":
			return 0, fmt.Errorf("%s is %q, a time, and the values are in %q: write a number", name, string(v), unit)
		}
		return d.Seconds(), nil
	}
	return 0, wantType("a number for "+name, v)
}

// hold tells whether reading v would give l again. Of a table that is the same it
// looks at the three limits only.
func (l *limits) hold(v lua.LValue) bool {
	t, ok := v.(*lua.LTable)
	if !ok || t != l.table {
		return isNil(v) && l.table == nil
	}
	for i, limit := range [...]*float64{l.Min, l.Warn, l.Crit} {
		v := t.RawGetInt(i + 1)
		if v == lua.LNil {
			v = t.RawGetString(thresholdNames[i])
		}
		switch v := v.(type) {
		case lua.LNumber:
			if limit == nil || float64(v) != *limit {
				return false
			}
		case lua.LString:
			if d, err := parseDuration(string(v)); limit == nil || err != nil || d.Seconds() != *limit {
				return false
			}
		default:
			if limit != nil || !isNil(v) {
				return false
			}
		}
	}
	return true
}

// thresholds warns of a list that turns the judgement round: by name that is
// meant, and a list may just be in the wrong order. It warns of those that no
// number passes, too.
func (d *declaration) thresholds(w *watcher, v lua.LValue) error {
	var err error
	if w.limits, err = readLimits(v, w.unit); err != nil {
		return err
	}
	t := w.limits.Thresholds
	warn := func(format string, args ...any) {
		d.warn(w.source, "thresholds of %q: %s", w.name, fmt.Sprintf(format, args...))
	}
	turned := t.Warn != nil && t.Crit != nil && *t.Crit < *t.Warn
	if list, ok := v.(*lua.LTable); ok && list.Len() > 0 && turned {
		warn("crit, %s, is below warn, %s, so that low values are bad; if that is meant, write { warn = %[2]s, crit = %[1]s }",
			vm.FormatNumber(*t.Crit), vm.FormatNumber(*t.Warn))
		return nil // in the right order, min may be right as well
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
