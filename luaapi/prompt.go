package luaapi

import (
	"context"
	"regexp"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
)

// Prompt runs Lua as a person types it, with all that scripts have. It is for
// one goroutine.
type Prompt struct {
	script *script
	conns  []conversation // opened by lines, for the lines after
}

// promptName is what errors call the typed lines.
const promptName = "prompt"

// NewPrompt makes a prompt whose modules and files are looked for in dir. Of o
// it needs Classes and Probes. It must be closed.
func NewPrompt(o Options, dir string) (*Prompt, error) {
	o.setDefaults()
	s, err := newScript(&o, promptName, dir, nil)
	if err != nil {
		return nil, err
	}
	s.definer = nil // nothing is declared here
	s.retain()
	return &Prompt{script: s}, nil
}

// Close gives up what the lines made.
func (p *Prompt) Close() {
	closeAll(p.conns)
	p.script.release()
}

// A local lasts for a line; typed at a prompt it is meant to stay.
var (
	promptLocal    = regexp.MustCompile(`^\s*local\s+([A-Za-z_][A-Za-z0-9_]*\s*(?:,\s*[A-Za-z_][A-Za-z0-9_]*\s*)*=[^=])`)
	promptFunction = regexp.MustCompile(`^\s*local\s+function\b`)
)

// Eval runs what was typed: an expression, whose values it gives as a person
// reads them, or statements. Names stay for the lines after, those of locals
// too; "_" is the last value. more says that the text is the beginning of
// something. The deadline of ctx is the line's; see [WithTrace] for what it
// does and prints.
func (p *Prompt) Eval(ctx context.Context, text string) (values []string, more bool, err error) {
	r := &run{typed: true, trace: traceOf(ctx)}
	ctx = context.WithValue(ctx, runKey{}, r)
	defer func() { p.conns = append(p.conns, r.conns...) }()
	take := func(L *lua.LState, n int) error {
		for i := 1; i <= n; i++ {
			values = append(values, p.script.mask.clean(pretty(L.Get(i))))
		}
		if n > 0 {
			vm.Scope(L).RawSetString("_", L.Get(1))
		}
		return nil
	}
	expression := "return " + strings.TrimPrefix(strings.TrimSpace(text), "=")
	if _, err := vm.Compile(promptName, []byte(expression)); err == nil {
		err := p.script.universe.Eval(ctx, promptName, []byte(expression), take)
		return values, false, p.script.mask.err(err)
	}
	text = promptLocal.ReplaceAllString(text, "$1")
	text = promptFunction.ReplaceAllString(text, "function")
	err = p.script.universe.Eval(ctx, promptName, []byte(text), take)
	if vm.Incomplete(err) {
		return nil, true, nil
	}
	return values, false, p.script.mask.err(err)
}

var completable = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*(?:[.:][A-Za-z_][A-Za-z0-9_]*)*[.:]?$`)

// Complete gives what the name that text ends in may be the beginning of, each
// whole and sorted, and where in text it begins.
func (p *Prompt) Complete(ctx context.Context, text string) (names []string, start int) {
	word := completable.FindString(text)
	if word == "" {
		return nil, len(text)
	}
	last := strings.LastIndexAny(word, ".:") + 1
	// A universe that is closed has nothing to offer.
	_ = p.script.universe.Do(ctx, func(L *lua.LState) error {
		scope := vm.Scope(L)
		tables := []*lua.LTable{scope, L.G.Global}
		if last > 0 {
			tables = tablesOf(scope, L.G.Global, strings.FieldsFunc(word[:last], func(r rune) bool { return r == '.' || r == ':' }))
		}
		for _, t := range tables {
			t.ForEach(func(k, _ lua.LValue) {
				name := k.String()
				if strings.HasPrefix(name, word[last:]) && plainKey.MatchString(name) && (last > 0 || !hiddenName(name)) {
					names = append(names, word[:last]+name)
				}
			})
		}
		return nil
	})
	slices.Sort(names)
	return slices.Compact(names), len(text) - len(word)
}

func hiddenName(name string) bool { return strings.HasPrefix(name, "_") }

// tablesOf walks along the path to a value, and gives the tables that its names
// are in: it and those that it inherits from.
func tablesOf(scope, global *lua.LTable, path []string) []*lua.LTable {
	v := scope.RawGetString(path[0])
	if isNil(v) {
		v = global.RawGetString(path[0])
	}
	for _, name := range path[1:] {
		found := lua.LValue(lua.LNil)
		for _, t := range chainOf(v) {
			if found = t.RawGetString(name); !isNil(found) {
				break
			}
		}
		v = found
	}
	return chainOf(v)
}

// chainOf is a table, or none, and the tables of its __index.
func chainOf(v lua.LValue) []*lua.LTable {
	var chain []*lua.LTable
	for range 10 {
		meta := lua.LValue(lua.LNil)
		switch v := v.(type) {
		case *lua.LTable:
			chain, meta = append(chain, vm.Plain(v)), v.Metatable
		case *lua.LUserData:
			meta = v.Metatable
		}
		t, ok := meta.(*lua.LTable)
		if !ok {
			break
		}
		v = t.RawGetString("__index")
	}
	return chain
}
