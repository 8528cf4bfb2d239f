package luaapi

import (
	lua "github.com/yuin/gopher-lua"
)

// env is pharos.env(name, default): an environment variable of the
// daemon, else the default, else nil. Its value is not masked; see secret.
func (s *script) env(L *lua.LState) int {
	if value, ok := s.lookupEnv(L.CheckString(1)); ok {
		L.Push(lua.LString(value))
		return 1
	}
	L.Push(L.Get(2))
	return 1
}
