package vm

import (
	"context"
	"time"

	lua "github.com/yuin/gopher-lua"
)

const (
	weighTimeout = 2 * time.Second
	maxWeighed   = 2_000_000 // values looked at
)

// weigh estimates the memory that a universe's values take, in bytes: good
// enough to find the one that leaks. It is 0 when the baton cannot be had.
func (u *Universe) weigh() int {
	ctx, cancel := context.WithTimeout(context.Background(), weighTimeout)
	defer cancel()
	if u.baton.lock(ctx) != nil {
		return 0
	}
	defer u.baton.unlock()
	s := scale{seen: map[lua.LValue]bool{}}
	s.add(u.env)
	if u.sealed != nil {
		s.add(u.sealed)
	}
	s.add(u.base.G.Registry)
	for _, m := range u.modules {
		if m.value != nil {
			s.add(m.value)
		}
	}
	for n := len(s.todo); n > 0 && len(s.seen) < maxWeighed; n = len(s.todo) {
		v := s.todo[n-1]
		s.todo = s.todo[:n-1]
		s.open(v)
	}
	return s.bytes
}

// Weighed is what the value of a userdata may be that keeps memory which only it
// knows of. It adds the Lua values that it keeps, and gives the bytes of the rest.
type Weighed interface {
	Weigh(add func(lua.LValue)) (bytes int)
}

type scale struct {
	bytes int
	seen  map[lua.LValue]bool
	todo  []lua.LValue
}

// add counts a value, and puts what it holds on the list.
func (s *scale) add(v lua.LValue) {
	switch v := v.(type) {
	case lua.LString:
		s.bytes += 16 + len(v)
	case lua.LNumber:
		s.bytes += 8
	case *lua.LTable, *lua.LFunction, *lua.LUserData, *lua.LState:
		if !s.seen[v] {
			s.seen[v] = true
			s.bytes += 128
			s.todo = append(s.todo, v)
		}
	}
}

func (s *scale) open(v lua.LValue) {
	switch v := v.(type) {
	case *lua.LTable:
		Plain(v).ForEach(func(key, value lua.LValue) {
			s.bytes += 64
			s.add(key)
			s.add(value)
		})
		s.add(v.Metatable)
	case *lua.LFunction:
		for _, up := range v.Upvalues {
			if up != nil {
				s.bytes += 64
				s.add(up.Value())
			}
		}
	case *lua.LUserData:
		s.add(v.Metatable)
		if kept, ok := v.Value.(Weighed); ok {
			s.bytes += kept.Weigh(s.add)
		}
	}
}
