package luaapi

import (
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/luaapi/vm"
)

// maxPatterns bounds the list of what a watcher leans on.
const maxPatterns = 1000

// setPatterns reads an id or a pattern of ids, or a list of them.
func setPatterns(to *[]engine.Pattern, v lua.LValue) error {
	var texts []string
	switch v := v.(type) {
	case lua.LString:
		texts = []string{string(v)}
	case *lua.LTable:
		for i := 1; i <= v.Len(); i++ {
			text, ok := v.RawGetInt(i).(lua.LString)
			if !ok {
				return fmt.Errorf("want ids, \"set.name\", got a %s at place %d", typeName(v.RawGetInt(i)), i)
			}
			texts = append(texts, string(text))
		}
		if k, _ := v.Next(lua.LNil); len(texts) == 0 && k != lua.LNil {
			return fmt.Errorf("want a list of ids, got the name %q", k.String())
		}
	default:
		return wantType("an id or a list of ids", v)
	}
	if len(texts) == 0 || len(texts) > maxPatterns || slices.Contains(texts, "") {
		return fmt.Errorf("want 1 to %d ids, none of them empty, got %d", maxPatterns, len(texts))
	}
	for _, text := range texts {
		*to = append(*to, engine.Pattern(text))
	}
	return nil
}

// setConfirm reads 2, or {2, of = 3}.
func setConfirm(to *engine.Confirm, v lua.LValue) error {
	t, ok := v.(*lua.LTable)
	if !ok {
		return setCount(&to.Seen, v, 1, engine.TrailLength)
	}
	for k, v := range vm.Pairs(t) {
		var err error
		switch {
		case k == lua.LNumber(1):
			err = setCount(&to.Seen, v, 1, engine.TrailLength)
		case k == lua.LString("of"):
			err = setCount(&to.Of, v, 1, engine.TrailLength)
		default:
			err = fmt.Errorf("want { 2, of = 3 }, got %q in it", k.String())
		}
		if err != nil {
			return err
		}
	}
	switch {
	case to.Seen == 0:
		return fmt.Errorf("want { 2, of = 3 }: how often it must be seen comes first")
	case to.Of != 0 && to.Of < to.Seen:
		return fmt.Errorf("%d of %d runs is more than there are", to.Seen, to.Of)
	}
	return nil
}

// tangles tells what is wrong in how watchers lean on each other, as their
// author reads it.
func tangles(g *engine.Generation, scripts []*script) []engine.LoadError {
	var ids []string
	there := map[string]bool{}
	for _, set := range g.Sets {
		for _, w := range set.Watchers {
			ids = append(ids, string(w.ID))
			there[string(w.ID)] = true
		}
	}
	var errors []engine.LoadError
	for _, e := range g.Relations() {
		reason := e.Reason()
		if e.Cycle == nil {
			reason += " " + nearestID(string(e.Pattern), ids)
		}
		errors = append(errors, mistake(e.Watcher.Place, "cannot use option %q of %q: %s", e.Option, e.Watcher.ID, reason))
	}
	for _, s := range scripts {
		for _, ask := range s.asks {
			if !there[ask.Text] && !g.MayFind(engine.Pattern(ask.Text)) {
				errors = append(errors, mistake(engine.Place{File: ask.File, Line: ask.Line},
					"cannot ask for the status of %q: there is no such watcher %s", ask.Text, nearestID(ask.Text, ids)))
			}
		}
	}
	return errors
}

// nearestID is unknownName for ids: of many it lists a few, and it knows who is
// meant by a name without its set, misspelt or not.
func nearestID(name string, ids []string) string {
	near := Nearest(name, ids)
	if near == "" {
		bare := make([]string, len(ids))
		for i, id := range ids {
			bare[i] = id[strings.IndexByte(id, '.')+1:]
		}
		for _, slug := range []string{engine.Slug(name), vm.Nearest(engine.Slug(name), bare)} {
			if i := slices.Index(bare, slug); near == "" && i >= 0 {
				near = ids[i]
			}
		}
	}
	const most = 8
	list := strings.Join(slices.Sorted(slices.Values(ids))[:min(len(ids), most)], ", ")
	if len(ids) > most {
		list += fmt.Sprintf(" and %d more", len(ids)-most)
	}
	if near != "" {
		return fmt.Sprintf("(did you mean %q? valid: %s)", near, list)
	}
	return "(valid: " + list + ")"
}
