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
// A number beyond them does not count, as gsub returns one more than most think
// of; a text would be lost unseen.
func (v *verdict) rest(L *lua.LState, n int, values ...*lua.LValue) error {
	for _, to := range values {
		if _, ends := L.Get(n).(*lua.LTable); ends {
			break
		}
		*to = L.Get(n)
		n++
	}
	switch more := L.Get(n).(type) {
	case *lua.LTable:
		return v.more(more)
	case lua.LString:
		return fmt.Errorf("check returned one text too many, %.60q: want a status, its value and detail, or a number and its detail", string(more))
	}
	return nil
}

// lacks are the places of value and detail that a result left open, self:ok(7).
func (v *verdict) lacks() (places []*lua.LValue) {
	for _, place := range []*lua.LValue{&v.value, &v.detail} {
		if isNil(*place) {
			places = append(places, place)
		}
	}
	return places
}

func (v *verdict) more(t *lua.LTable) error {
	for key, value := range vm.Pairs(t) {
		if key != lua.LString("again") {
			return fmt.Errorf("check returned the option %q %s: value and detail are text or numbers, not tables", key.String(), unknownName(key.String(), moreFields))
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
