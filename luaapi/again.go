package luaapi

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
)

// moreFields is what the table may have that ends what check returns:
// return "warning", 7, "seven waiting", { again = "200ms" }.
var moreFields = []string{"again"}

// rest reads what check returned after its first value, from the place n of L's
// stack on: at most that many values, fewer where a table of options ends them.
// What else there is does not count: gsub returns one more than most think of.
func (v *verdict) rest(L *lua.LState, n int, values ...*lua.LValue) error {
	for _, to := range values {
		if t, ok := L.Get(n).(*lua.LTable); ok {
			return v.more(t)
		}
		*to = L.Get(n)
		n++
	}
	if t, ok := L.Get(n).(*lua.LTable); ok {
		return v.more(t)
	}
	return nil
}

func (v *verdict) more(t *lua.LTable) error {
	vm.Plain(t)
	for key, value := t.Next(lua.LNil); key != lua.LNil; key, value = t.Next(key) {
		if key != lua.LString("again") {
			return fmt.Errorf("check returned the option %q %s: a detail is text, not a table", key.String(), unknownName(key.String(), moreFields))
		}
		if err := v.setAgain(value); err != nil {
			return err
		}
	}
	return nil
}

// setAgain asks for the next run. The engine grants no less than 50 ms and no
// more than the interval.
func (v *verdict) setAgain(value lua.LValue) error {
	if err := setPositive(&v.again, value); err != nil {
		return fmt.Errorf("again: %w", err)
	}
	return nil
}
