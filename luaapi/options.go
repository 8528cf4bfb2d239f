package luaapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
)

// readOptions hands every option of the table at argument n, which may be left
// out, to set.
func readOptions(L *lua.LState, n int, of string, valid []string, set func(name string, v lua.LValue) error) {
	switch v := L.Get(n).(type) {
	case *lua.LTable:
		eachOption(L, v, of, valid, set)
	default:
		if !isNil(v) {
			L.RaiseError("cannot call %s: want a table of options as argument %d, got %s", of, n, typeName(v))
		}
	}
}

// eachOption hands every option in t to set. One that is not in valid, or that
// set has no use for, raises at the caller's line, with the nearest valid name
// and all of them; so does an error of set.
func eachOption(L *lua.LState, t *lua.LTable, of string, valid []string, set func(name string, v lua.LValue) error) {
	for k, v := range vm.Pairs(t) {
		name, ok := k.(lua.LString)
		if !ok {
			L.RaiseError("cannot use option %s of %s: options have names (valid: %s)", k, of, strings.Join(valid, ", "))
		}
		setOption(L, of, valid, set, string(name), v)
	}
}

// setOption hands one option to set, as eachOption does.
func setOption(L *lua.LState, of string, valid []string, set func(name string, v lua.LValue) error, name string, v lua.LValue) {
	name = vm.Brief(name)
	err := errNoOption
	if slices.Contains(valid, name) {
		err = set(name, v)
	}
	switch {
	case errors.Is(err, errNoOption):
		L.RaiseError("%s", noOption(of, name, valid))
	case err != nil:
		L.RaiseError("cannot use option %q of %s: %s", name, of, err)
	}
}

// noOption says that name is none of the valid options of what is called of.
func noOption(of, name string, valid []string) string {
	if isWatcherOption(name) {
		return fmt.Sprintf("cannot use option %q of %s: it is an option of the watcher itself (valid here: %s)", name, of, strings.Join(slices.Sorted(slices.Values(valid)), ", "))
	}
	return fmt.Sprintf("cannot use option %q of %s %s", name, of, unknownName(name, valid))
}

// errNoOption is what a set of eachOption returns for a name it does not know.
var errNoOption = errors.New("no such option")

func wantType(want string, got lua.LValue) error {
	return fmt.Errorf("want %s, got %s", want, typeName(got))
}

func setText(to *string, v lua.LValue) error {
	text, ok := v.(lua.LString)
	if !ok {
		return wantType("text", v)
	}
	*to = string(text)
	return nil
}

// setHost takes a host to look from. Empty text is a mistake: it would look
// from here, and the board would not show it.
func setHost(to *string, v lua.LValue) error {
	switch v {
	case here:
		*to = ""
		return nil
	case lua.LString(""):
		return errors.New("want a host, got an empty text")
	}
	return setText(to, v)
}

func setBytes(to *[]byte, v lua.LValue) error {
	var text string
	if err := setText(&text, v); err != nil {
		return err
	}
	*to = []byte(text)
	return nil
}

func setBool(to *bool, v lua.LValue) error {
	b, ok := v.(lua.LBool)
	if !ok {
		return wantType("true or false", v)
	}
	*to = bool(b)
	return nil
}

// setCount takes a whole number from low to high.
func setCount[N int | int64](to *N, v lua.LValue, low, high N) error {
	n, ok := v.(lua.LNumber)
	switch {
	case !ok:
		return wantType("a whole number", v)
	case float64(n) != float64(N(n)) || N(n) < low || N(n) > high:
		return fmt.Errorf("want a whole number from %d to %d, got %s", low, high, vm.FormatNumber(float64(n)))
	}
	*to = N(n)
	return nil
}

// setFamily takes the number of an address family.
func setFamily(to *int, v lua.LValue) error {
	n, ok := v.(lua.LNumber)
	switch {
	case !ok:
		return wantType("4 or 6", v)
	case n != 4 && n != 6:
		return fmt.Errorf("want 4 or 6, got %s", vm.FormatNumber(float64(n)))
	}
	*to = int(n)
	return nil
}

func setDuration(to *time.Duration, v lua.LValue) error {
	d, err := durationOf(v)
	if err != nil {
		return err
	}
	*to = d
	return nil
}

// setPositive takes a duration where 0 would not be one, but stand for another:
// the default, or none.
func setPositive(to *time.Duration, v lua.LValue) error {
	if err := setDuration(to, v); err != nil {
		return err
	}
	if *to <= 0 {
		return errors.New("want more than 0 seconds")
	}
	return nil
}
