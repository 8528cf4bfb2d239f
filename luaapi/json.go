package luaapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// jsonKinds are the values that let JSON come back as it was: what null is,
// and the metatable that says that a table is an array also when it is empty.
type jsonKinds struct {
	null  *lua.LUserData
	array *lua.LTable
}

func newJSONKinds(L *lua.LState) jsonKinds {
	k := jsonKinds{null: L.NewUserData(), array: L.CreateTable(0, 0)}
	meta := L.CreateTable(0, 1)
	meta.RawSetString("__tostring", L.NewFunction(func(L *lua.LState) int {
		L.Push(lua.LString("null"))
		return 1
	}))
	meta.RawSetString("__name", lua.LString("null of JSON"))
	k.null.Metatable = meta
	return k
}

func (s *script) jsonModule(L *lua.LState) lua.LValue {
	t := s.newModule(L, "pharos.json",
		member{"encode", s.jsonEncode},
		member{"decode", s.jsonDecode},
		member{"array", func(L *lua.LState) int {
			list := vm.Plain(L.OptTable(1, L.CreateTable(0, 0)))
			if !isNil(list.Metatable) && list.Metatable != s.json.array {
				L.ArgError(1, "want a plain table: this one has a metatable already")
			}
			list.Metatable = s.json.array
			L.Push(list)
			return 1
		}},
	)
	t.RawSetString("null", s.json.null)
	return t
}

// jsonEncode is pharos.json.encode(value): JSON text, keys sorted. What JSON
// cannot say raises.
func (s *script) jsonEncode(L *lua.LState) int {
	e := jsonEncoder{kinds: s.json, L: L, path: make(map[*lua.LTable]bool)}
	if err := e.value(L.CheckAny(1), 0); err != nil {
		L.RaiseError("cannot encode JSON: %s", err)
	}
	L.Push(lua.LString(e.out))
	return 1
}

// jsonDecode is pharos.json.decode(text): the value, or nil and an error of
// kind proto. Long texts are read with the baton released.
func (s *script) jsonDecode(L *lua.LState) int {
	text := L.CheckString(1)
	v, err := s.decodeOutside(L, text)
	if err != nil {
		err = &probe.Error{Kind: probe.Proto, Message: "decoding JSON: " + err.Error()}
		runOf(L).failure = err
		return s.pushError(L, err)
	}
	L.Push(s.json.toLua(L, v))
	return 1
}

// jsonShort is the length below which releasing the baton costs more than
// decoding does.
const jsonShort = 4 << 10

func (s *script) decodeOutside(L *lua.LState, text string) (v any, err error) {
	vm.Charge(L, len(text)/8)
	if len(text) < jsonShort || vm.Loading(L) {
		return decodeJSON(text)
	}
	vm.Block(L, func(context.Context) { v, err = decodeJSON(text) })
	return v, err
}

// toLua makes Lua values of what decodeJSON gave.
func (k jsonKinds) toLua(L *lua.LState, v any) lua.LValue {
	switch v := v.(type) {
	case bool:
		return lua.LBool(v)
	case float64:
		return lua.LNumber(v)
	case string:
		return lua.LString(v)
	case jsonArray:
		vm.Charge(L, len(v))
		t := L.CreateTable(len(v), 0)
		for i, item := range v {
			t.RawSetInt(i+1, k.toLua(L, item))
		}
		t.Metatable = k.array
		return t
	case *jsonObject:
		vm.Charge(L, len(v.keys))
		t := L.CreateTable(0, len(v.keys))
		for i, key := range v.keys {
			t.RawSetString(key, k.toLua(L, v.values[i]))
		}
		return t
	}
	return k.null
}

// jsonEncoder writes Lua values as JSON. Only a cycle is refused, not a table
// that is met twice.
type jsonEncoder struct {
	kinds  jsonKinds
	L      *lua.LState // is charged for it; nil = nobody, where the limit is low
	strict bool        // refuse keys that would come back as text: for self.state
	limit  int         // bytes of text; 0 is jsonMaxBytes
	out    []byte
	path   map[*lua.LTable]bool
}

// charge counts so many values, or comparisons of keys.
func (e *jsonEncoder) charge(n int) {
	if e.L != nil {
		vm.Charge(e.L, n)
	}
}

// room fails if so many bytes more are too many: before the work that they take,
// since a table may have any number of keys.
func (e *jsonEncoder) room(bytes int) error {
	if limit := cmp.Or(e.limit, jsonMaxBytes); len(e.out)+bytes > limit {
		return fmt.Errorf("more than %d bytes", limit)
	}
	return nil
}

func (e *jsonEncoder) value(v lua.LValue, depth int) error {
	e.charge(1)
	switch v := v.(type) {
	case lua.LBool:
		e.out = strconv.AppendBool(e.out, bool(v))
	case lua.LNumber:
		if err := e.number(float64(v)); err != nil {
			return err
		}
	case lua.LString:
		if err := e.room(len(v)); err != nil {
			return err
		}
		e.charge(len(v) / 8)
		e.out = appendJSONString(e.out, string(v))
	case *lua.LTable:
		if err := e.table(v, depth); err != nil {
			return err
		}
	case *lua.LUserData:
		if v != e.kinds.null {
			return errors.New("a userdata is no plain data")
		}
		e.out = append(e.out, "null"...)
	default:
		if !isNil(v) {
			return fmt.Errorf("a %s is no plain data", typeName(v))
		}
		e.out = append(e.out, "null"...)
	}
	return e.room(0)
}

func (e *jsonEncoder) number(n float64) error {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return fmt.Errorf("JSON has no %s", vm.FormatNumber(n))
	}
	if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
		e.out = strconv.AppendFloat(e.out, n, 'f', -1, 64)
	} else {
		e.out = strconv.AppendFloat(e.out, n, 'g', -1, 64)
	}
	return nil
}

func (e *jsonEncoder) table(t *lua.LTable, depth int) error {
	if depth > jsonMaxDepth {
		return fmt.Errorf("nested deeper than %d", jsonMaxDepth)
	}
	if e.path[t] {
		return errors.New("a table holds itself")
	}
	e.path[t] = true
	defer delete(e.path, t)
	length, ok, err := e.isArray(t)
	switch {
	case err != nil:
		return err
	case ok:
		return e.array(t, length, depth)
	}
	return e.object(t, depth)
}

// The least that an element or a field can take: "0," and "\"\":0,".
const (
	jsonElementBytes = 2
	jsonFieldBytes   = 5
)

// isArray tells whether t's keys are exactly 1 to length. An empty table is an
// array if it was one when it was decoded, or was made one by json.array.
func (e *jsonEncoder) isArray(t *lua.LTable) (length int, ok bool, err error) {
	count, last := 0, lua.LNumber(0)
	for k := range vm.Pairs(t) {
		n, isNumber := k.(lua.LNumber)
		if !isNumber || n < 1 || n != lua.LNumber(math.Trunc(float64(n))) {
			return 0, false, nil
		}
		count, last = count+1, max(last, n)
		if err := e.room(count * jsonElementBytes); err != nil {
			return 0, false, err
		}
	}
	e.charge(count / 8)
	if count == 0 {
		return 0, t.Metatable == e.kinds.array, nil
	}
	return count, last == lua.LNumber(count), nil
}

func (e *jsonEncoder) array(t *lua.LTable, length, depth int) error {
	e.out = append(e.out, '[')
	for i := 1; i <= length; i++ {
		if i > 1 {
			e.out = append(e.out, ',')
		}
		if err := e.value(t.RawGetInt(i), depth+1); err != nil {
			return fmt.Errorf("at [%d]: %w", i, err)
		}
	}
	e.out = append(e.out, ']')
	return nil
}

func (e *jsonEncoder) object(t *lua.LTable, depth int) error {
	type entry struct {
		name  string
		value lua.LValue
	}
	var entries []entry
	for k, v := range vm.Pairs(t) {
		name, isText := k.(lua.LString)
		if number, isNumber := k.(lua.LNumber); isNumber && !e.strict {
			name, isText = lua.LString(vm.FormatNumber(float64(number))), true
		}
		if !isText {
			return fmt.Errorf("a key is a %s (%s): keys are text, or exactly 1 to n", typeName(k), k)
		}
		entries = append(entries, entry{string(name), v})
		if err := e.room(len(entries) * jsonFieldBytes); err != nil {
			return err
		}
		e.charge(1)
	}
	slices.SortFunc(entries, func(a, b entry) int {
		e.charge(1)
		return strings.Compare(a.name, b.name)
	})
	e.out = append(e.out, '{')
	for i, entry := range entries {
		if i > 0 {
			if entry.name == entries[i-1].name { // 1 and "1"
				return fmt.Errorf("two keys are %s", quoted(entry.name))
			}
			e.out = append(e.out, ',')
		}
		if err := e.room(len(entry.name)); err != nil {
			return err
		}
		e.out = append(appendJSONString(e.out, entry.name), ':')
		if err := e.value(entry.value, depth+1); err != nil {
			return fmt.Errorf("at %s: %w", quoted(entry.name), err)
		}
	}
	e.out = append(e.out, '}')
	return nil
}

// appendJSONString appends text in quotes. Bytes that are no UTF-8 become
// U+FFFD.
func appendJSONString(out []byte, text string) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\t':
			out = append(out, `\t`...)
		case r == '\r':
			out = append(out, `\r`...)
		case r < 0x20:
			out = append(out, `\u00`...)
			out = append(out, hex[r>>4], hex[r&15])
		default:
			out = append(out, string(r)...)
		}
	}
	return append(out, '"')
}
