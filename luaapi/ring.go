package luaapi

import (
	"fmt"
	"math"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
)

const ringMaxSize = 10_000

// ring is pharos.ring(n): the last n numbers that were pushed. It lives in Go
// because a Lua table whose keys keep changing never gives memory back here.
type ring struct {
	size    int
	numbers []float64
	next    int // where the next goes, once full
}

func (r *ring) definition() string { return fmt.Sprintf("ring %d", r.size) }

// Weigh implements [vm.Weighed].
func (r *ring) Weigh(func(lua.LValue)) (bytes int) { return 8 * cap(r.numbers) }

func (r *ring) push(n float64) {
	if len(r.numbers) < r.size {
		r.numbers = append(r.numbers, n)
		return
	}
	r.numbers[r.next] = n
	r.next = (r.next + 1) % r.size
}

// ordered gives the numbers, oldest first.
func (r *ring) ordered() []float64 {
	return append(slices.Clone(r.numbers[r.next:]), r.numbers[:r.next]...)
}

// quantile gives the least number that a share p of them does not exceed
// (nearest rank).
func (r *ring) quantile(p float64) float64 {
	sorted := slices.Sorted(slices.Values(r.numbers))
	rank := int(math.Ceil(p*float64(len(sorted)) - 1e-9)) // 0.07 * 100 is a little more than 7
	return sorted[max(rank, 1)-1]
}

func (r *ring) sum() float64 {
	total := 0.0
	for _, n := range r.numbers {
		total += n
	}
	return total
}

// ringFunction makes pharos.ring. The methods that measure give nil while the
// ring is empty.
func (s *script) ringFunction(L *lua.LState) lua.LValue {
	measure := func(f func(r *ring) float64) lua.LGFunction {
		return func(L *lua.LState) int {
			r := checkRing(L)
			if len(r.numbers) == 0 {
				L.Push(lua.LNil)
				return 1
			}
			vm.Charge(L, len(r.numbers)/16)
			L.Push(lua.LNumber(f(r)))
			return 1
		}
	}
	meta := s.newMethods(L, "ring",
		member{"push", func(L *lua.LState) int {
			checkRing(L).push(vm.CheckNumber(L, 2))
			return 0
		}},
		member{"count", func(L *lua.LState) int {
			L.Push(lua.LNumber(len(checkRing(L).numbers)))
			return 1
		}},
		member{"last", measure(func(r *ring) float64 { return r.numbers[(r.next+len(r.numbers)-1)%len(r.numbers)] })},
		member{"min", measure(func(r *ring) float64 { return slices.Min(r.numbers) })},
		member{"max", measure(func(r *ring) float64 { return slices.Max(r.numbers) })},
		member{"sum", measure((*ring).sum)},
		member{"mean", measure(func(r *ring) float64 { return r.sum() / float64(len(r.numbers)) })},
		member{"quantile", func(L *lua.LState) int {
			p := vm.CheckNumber(L, 2)
			if !(p >= 0 && p <= 1) {
				L.ArgError(2, "want 0 to 1")
			}
			return measure(func(r *ring) float64 { return r.quantile(p) })(L)
		}},
		member{"values", func(L *lua.LState) int {
			values := checkRing(L).ordered()
			vm.Charge(L, len(values)/16)
			t := L.CreateTable(len(values), 0)
			for i, n := range values {
				t.RawSetInt(i+1, lua.LNumber(n))
			}
			L.Push(t)
			return 1
		}},
	)
	return L.NewFunction(func(L *lua.LState) int {
		size := L.CheckInt(1)
		if size < 1 || size > ringMaxSize {
			L.ArgError(1, fmt.Sprintf("want a size from 1 to %d", ringMaxSize))
		}
		L.Push(&lua.LUserData{Value: &ring{size: size}, Metatable: meta})
		return 1
	})
}

func checkRing(L *lua.LState) *ring {
	if r, ok := object[*ring](L.Get(1)); ok {
		return r
	}
	L.ArgError(1, "want a ring: call its methods with a colon, ring:push(1)")
	return nil
}
