package luaapi

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

const (
	prettyWidth = 72      // a table that fits is one line
	prettyDepth = 8       // of tables in tables
	prettyItems = 1000    // in all
	prettyBytes = 1 << 20 // of texts in all; what goes beyond is shown by its start
)

// pretty writes v as a person reads it: tables as Lua would have them, keys
// sorted, long ones a field a line.
func pretty(v lua.LValue) string {
	p := printer{left: prettyItems, room: prettyBytes}
	return p.value(v, "", nil)
}

// printer writes one value. A table, or a text, may be in others any number of times.
type printer struct {
	left int // items that may still be written
	room int // bytes of texts that may
}

func (p *printer) value(v lua.LValue, indent string, above []*lua.LTable) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case lua.LString:
		return p.text(string(v))
	case lua.LNumber:
		return vm.FormatNumber(float64(v))
	case *lua.LFunction:
		if v.Proto != nil {
			return fmt.Sprintf("function (%s:%d)", v.Proto.SourceName, v.Proto.LineDefined)
		}
		return "function"
	case *lua.LTable:
		if len(above) >= prettyDepth || slices.Contains(above, v) {
			return "{ ... }"
		}
		if name, ok := v.RawGetString("class_name").(lua.LString); ok && len(above) > 0 && isClass(v) {
			return "class " + string(name) // each holds all that it extends
		}
		return p.table(v, indent, append(above, v))
	case *lua.LUserData:
		return prettyObject(v)
	}
	return v.String()
}

func (p *printer) text(s string) string {
	const start = 100
	if len(s) > start && len(s) > p.room {
		return prettyString(strings.ToValidUTF8(s[:start], "")) + "..."
	}
	p.room -= len(s)
	return prettyString(s)
}

// prettyObject names what Go made for a script.
func prettyObject(v *lua.LUserData) string {
	if err, ok := vm.ErrorOf(v); ok {
		if kind := probe.KindOf(err); kind != "" {
			return fmt.Sprintf("error (%s): %s", kind, err)
		}
		return "error: " + err.Error()
	}
	switch v := v.Value.(type) {
	case *stream:
		return v.kind + ": " + v.what
	case *cache:
		return "cache"
	case *ring:
		return "ring"
	case *connection:
		return "connection"
	case nil:
		return "null" // JSON's
	}
	return v.String()
}

func (p *printer) table(t *lua.LTable, indent string, above []*lua.LTable) string {
	inner := indent + "  "
	vm.Plain(t)
	var items []string
	add := func(name string, v lua.LValue) (more bool) {
		if p.left--; p.left < 0 {
			items = append(items, "...")
			return false
		}
		items = append(items, name+p.value(v, inner, above))
		return true
	}
	n := 0 // the items of the list
	for t.RawGetInt(n+1) != lua.LNil && add("", t.RawGetInt(n+1)) {
		n++
	}
	for _, key := range sortedTableKeys(t) {
		if i, ok := key.(lua.LNumber); ok && float64(i) == float64(int(i)) && i >= 1 && int(i) <= n {
			continue // written by its place
		}
		if p.left < 0 || !add(p.key(key)+" = ", t.RawGet(key)) {
			break
		}
	}
	if len(items) == 0 {
		return "{}"
	}
	line := "{ " + strings.Join(items, ", ") + " }"
	if len(indent)+len(line) <= prettyWidth && !strings.Contains(line, "\n") {
		return line
	}
	return "{\n" + inner + strings.Join(items, ",\n"+inner) + ",\n" + indent + "}"
}

var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (p *printer) key(k lua.LValue) string {
	if s, ok := k.(lua.LString); ok && len(s) <= prettyWidth && plainKey.MatchString(string(s)) {
		return string(s)
	}
	return "[" + p.value(k, "", make([]*lua.LTable, prettyDepth)) + "]"
}

// prettyString quotes text as Lua does, bytes that are no text by their number.
func prettyString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\%03d`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// sortedTableKeys gives numbers first, then text, then the rest.
func sortedTableKeys(t *lua.LTable) []lua.LValue {
	var keys []lua.LValue
	t.ForEach(func(k, _ lua.LValue) { keys = append(keys, k) })
	rank := func(v lua.LValue) int {
		switch v.Type() {
		case lua.LTNumber:
			return 0
		case lua.LTString:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(keys, func(a, b lua.LValue) int {
		if c := cmp.Compare(rank(a), rank(b)); c != 0 {
			return c
		}
		if x, ok := a.(lua.LNumber); ok {
			return cmp.Compare(x, b.(lua.LNumber))
		}
		if x, ok := a.(lua.LString); ok {
			return cmp.Compare(x, b.(lua.LString))
		}
		return 0
	})
	return keys
}

// differences lists where got is not want, a line each; none if they are equal.
// Tables are equal if their fields are.
func differences(got, want lua.LValue) []string {
	d := differ{compared: make(map[[2]*lua.LTable]bool)}
	d.compare("", got, want)
	return d.lines
}

const (
	differMost  = 20  // lines; the first ones tell what is wrong
	differDepth = 100 // of tables in tables
)

type differ struct {
	lines    []string
	depth    int
	compared map[[2]*lua.LTable]bool // a table may be in others any number of times
}

func (d *differ) compare(path string, got, want lua.LValue) {
	g, isTable := got.(*lua.LTable)
	w, wantTable := want.(*lua.LTable)
	if !isTable || !wantTable {
		if got != want {
			d.add(path, got, want)
		}
		return
	}
	pair := [2]*lua.LTable{g, w}
	if g == w || d.depth >= differDepth || d.compared[pair] {
		return
	}
	d.compared[pair] = true
	d.depth++
	defer func() { d.depth-- }()
	vm.Plain(g)
	vm.Plain(w)
	for _, key := range sortedTableKeys(w) {
		d.compare(path+pathKey(key), g.RawGet(key), w.RawGet(key))
	}
	for _, key := range sortedTableKeys(g) {
		if w.RawGet(key) == lua.LNil {
			d.compare(path+pathKey(key), g.RawGet(key), lua.LNil)
		}
	}
}

func (d *differ) add(path string, got, want lua.LValue) {
	switch {
	case len(d.lines) > differMost:
		return
	case len(d.lines) == differMost:
		d.lines = append(d.lines, "...")
		return
	}
	line := fmt.Sprintf("got %s, want %s", pretty(got), pretty(want))
	if path != "" {
		line = path + ": " + line
	}
	d.lines = append(d.lines, line)
}

func pathKey(k lua.LValue) string {
	if s, ok := k.(lua.LString); ok && plainKey.MatchString(string(s)) {
		return "." + string(s)
	}
	p := printer{room: prettyBytes}
	return p.key(k)
}
