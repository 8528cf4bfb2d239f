package vm

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// tableSort sorts the elements 1 to #t, on a copy: the comparator may lie, and may
// change the table meanwhile.
func tableSort(L *lua.LState) int {
	t := checkTable(L, 1)
	var less *lua.LFunction
	if L.Get(2) != lua.LNil {
		less = checkFunction(L, 2)
	}
	n := t.Len()
	r := runOf(L)
	r.charge(n / 8)
	values := make([]lua.LValue, n)
	for i := range values {
		values[i] = t.RawGetInt(i + 1)
	}
	s := sorter{L: L, r: r, less: less, values: values, scratch: make([]lua.LValue, n)}
	s.sort(0, n)
	for i, v := range values {
		t.RawSetInt(i+1, v)
	}
	return 0
}

// sorter is a merge sort, so equal elements keep their order.
type sorter struct {
	L               *lua.LState
	r               *run
	less            *lua.LFunction
	values, scratch []lua.LValue
}

func (s *sorter) sort(from, to int) {
	if to-from < 12 {
		s.insertion(from, to)
		return
	}
	mid := (from + to) / 2
	s.sort(from, mid)
	s.sort(mid, to)
	if !s.before(s.values[mid], s.values[mid-1]) {
		return // in order already
	}
	copy(s.scratch[from:mid], s.values[from:mid])
	left, right := from, mid
	for i := from; left < mid; i++ {
		if right < to && s.before(s.values[right], s.scratch[left]) {
			s.values[i] = s.values[right]
			right++
		} else {
			s.values[i] = s.scratch[left]
			left++
		}
	}
}

func (s *sorter) insertion(from, to int) {
	for i := from + 1; i < to; i++ {
		v := s.values[i]
		j := i
		for ; j > from && s.before(v, s.values[j-1]); j-- {
			s.values[j] = s.values[j-1]
		}
		s.values[j] = v
	}
}

func (s *sorter) before(a, b lua.LValue) bool {
	s.r.charge(1)
	if s.less != nil {
		L := s.L
		L.Push(s.less)
		L.Push(a)
		L.Push(b)
		L.Call(2, 1)
		yes := lua.LVAsBool(L.Get(-1))
		L.Pop(1)
		return yes
	}
	switch a := a.(type) {
	case lua.LNumber:
		if b, ok := b.(lua.LNumber); ok {
			return a < b
		}
	case lua.LString:
		if b, ok := b.(lua.LString); ok {
			s.r.charge(min(len(a), len(b)) / bytesPerStep)
			return strings.Compare(string(a), string(b)) < 0
		}
	}
	return s.L.LessThan(a, b)
}
