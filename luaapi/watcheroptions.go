package luaapi

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
)

// watcherOptions are the options of every watcher that Go looks at, whatever its
// class; the others are the class's.
var watcherOptions = []struct {
	name string
	set  func(r reading, v lua.LValue) error
}{
	{"id", func(r reading, v lua.LValue) error { return r.id(&r.w.id, v) }},
	{"interval", func(r reading, v lua.LValue) error { return r.interval(r.w, &r.e.Interval, v) }},
	{"timeout", func(r reading, v lua.LValue) error { return setPositive(&r.e.Timeout, v) }},
	{"ttl", func(r reading, v lua.LValue) error { return setPositive(&r.e.TTL, v) }},
	{"events", func(r reading, v lua.LValue) error { return setEvents(&r.w.stream, v) }},
	{"quiet", func(r reading, v lua.LValue) error { return setQuiet(r.w, &r.e.Quiet, v) }},
	{"unit", func(r reading, v lua.LValue) error { return setText(&r.w.unit, v) }},
	{"thresholds", func(r reading, v lua.LValue) error { return r.thresholds(r.w, v) }},
	{"link", func(r reading, v lua.LValue) error { return setLink(&r.w.link, v) }},
	{"ssh_host", func(r reading, v lua.LValue) error { return r.vantages(&r.w.vantages, v) }},
	{"merge", func(r reading, v lua.LValue) error { return setMerge(&r.w.vantages, v) }},
	{"needs", func(r reading, v lua.LValue) error { return setPatterns(&r.e.Needs, v) }},
	{"confirm", func(r reading, v lua.LValue) error { return setConfirm(&r.e.Confirm, v) }},
	{"of", func(r reading, v lua.LValue) error { return r.setOf(r.w, r.e, v) }},
	{"steps", func(r reading, v lua.LValue) error { return setSteps(&r.w.plan, v) }},
}

// isWatcherOption tells whether every watcher takes that option.
func isWatcherOption(name string) bool {
	for _, option := range watcherOptions {
		if option.name == name {
			return true
		}
	}
	return false
}

// reading is one watcher being declared: what the options are read into.
type reading struct {
	*declaration
	w *watcher
	e *engine.Watcher
}

func (d *declaration) options(w *watcher, e *engine.Watcher) error {
	r := reading{d, w, e}
	fields := newFieldReader(d.L, w.self)
	for _, option := range watcherOptions {
		if v := fields.get(option.name); v != lua.LNil {
			if err := option.set(r, v); err != nil {
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
		d.warn(w.source, "interval = %s", hint)
	}
	return nil
}

func (d *declaration) id(to *engine.ID, v lua.LValue) error {
	text, ok := v.(lua.LString)
	if !ok || strings.Trim(string(text), ".") == "" || len(text) > nameMaxBytes || strings.ContainsFunc(string(text), notInID) {
		return fmt.Errorf("want a text of at most %d bytes without spaces, control characters and / \\ ? # %% * [ ]", nameMaxBytes)
	}
	*to = engine.ID(text)
	return d.script.own.inName(string(text))
}

// notInID tells of a character that an id cannot have: patterns and addresses
// are made of ids, and two must not look the same.
func notInID(r rune) bool {
	return r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsGraphic(r) || strings.ContainsRune(`/\?#%*[]`, r)
}

// setQuiet takes true, or after how long without a verdict it is quiet again; it
// comes after events.
func setQuiet(w *watcher, to *engine.Quiet, v lua.LValue) error {
	if w.stream == nil {
		return errors.New("it is for a watcher with events")
	}
	to.Good = true
	if on, ok := v.(lua.LBool); ok {
		to.Good = bool(on)
		return nil
	}
	return setPositive(&to.After, v)
}

func setLink(to *string, v lua.LValue) error {
	if err := setText(to, v); err != nil {
		return err
	}
	return checkLink(*to)
}
