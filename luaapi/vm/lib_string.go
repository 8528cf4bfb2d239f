package vm

import lua "github.com/yuin/gopher-lua"

func (u *Universe) openString(L *lua.LState) {
	L.Push(L.NewFunction(lua.OpenString))
	L.Call(0, 1)
	L.Pop(1)
}
