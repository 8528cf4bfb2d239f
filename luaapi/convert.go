package luaapi

import (
	"fmt"
	"math"
	"strconv"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
)

// typeName is the Lua type of v, also of the Go nil that a value captured by a
// dropped thread can be.
func typeName(v lua.LValue) string {
	if v == nil {
		return "nil"
	}
	return vm.TypeName(v)
}

// isNil tells whether v is Lua's nil, or no value at all.
func isNil(v lua.LValue) bool { return v == nil || v == lua.LNil }

// shortNumber gives n as a tile shows it: six digits are more than anyone
// reads from across a room.
func shortNumber(n float64) string {
	if math.IsNaN(n) || math.IsInf(n, 0) || n == math.Trunc(n) {
		return vm.FormatNumber(n)
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(n, 'g', 6, 64), 64)
	if err != nil || math.Abs(rounded) >= 1e15 || math.Abs(rounded) < 1e-6 {
		return strconv.FormatFloat(n, 'g', 6, 64)
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// textOf gives v as a tile or a log line shows it. Tables and functions are no
// text.
func textOf(v lua.LValue) (string, bool) {
	switch v := v.(type) {
	case lua.LString:
		return string(v), true
	case lua.LNumber:
		return shortNumber(float64(v)), true
	case lua.LBool:
		return v.String(), true
	}
	if isNil(v) {
		return "", true
	}
	return "", false
}

// textsMaxBytes bounds the texts of one table, in all. A script can put one long
// text into it many times at no cost, but a command line or a header made of them
// has them all.
const textsMaxBytes = 16 << 20

// textBytes counts the bytes of the texts of one table.
type textBytes int

func (n *textBytes) add(texts ...string) error {
	for _, text := range texts {
		if *n += textBytes(len(text)); *n > textsMaxBytes {
			return fmt.Errorf("want at most %d bytes of text in all", textsMaxBytes)
		}
	}
	return nil
}

// stringList reads a table as the list of its strings (numbers are taken as
// their text).
func stringList(t *lua.LTable) ([]string, error) {
	n := t.Len()
	list := make([]string, 0, n)
	var total textBytes
	for i := 1; i <= n; i++ {
		switch v := t.RawGetInt(i).(type) {
		case lua.LString:
			list = append(list, string(v))
		case lua.LNumber:
			list = append(list, vm.FormatNumber(float64(v)))
		default:
			return nil, fmt.Errorf("want text at place %d, got %s", i, typeName(v))
		}
		if err := total.add(list[i-1]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// stringMap reads a table as text by name, as of headers or an environment, in
// the order in which the names were given.
func stringMap(v lua.LValue) (names, values []string, err error) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return nil, nil, wantType("a table", v)
	}
	var total textBytes
	for k, v := range vm.Pairs(t) {
		name, isText := k.(lua.LString)
		if !isText {
			return nil, nil, fmt.Errorf("want names with text, got a key that is a %s", typeName(k))
		}
		value, ok := scalarText(v)
		if !ok {
			return nil, nil, fmt.Errorf("want text for %q, got %s", string(name), typeName(v))
		}
		if err := total.add(string(name), value); err != nil {
			return nil, nil, err
		}
		names, values = append(names, string(name)), append(values, value)
	}
	return names, values, nil
}

// scalarText is the exact text of a string, number or boolean.
func scalarText(v lua.LValue) (string, bool) {
	switch v := v.(type) {
	case lua.LString:
		return string(v), true
	case lua.LNumber:
		return vm.FormatNumber(float64(v)), true
	case lua.LBool:
		return v.String(), true
	}
	return "", false
}
