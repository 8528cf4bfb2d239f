package luaapi

import lua "github.com/yuin/gopher-lua"

// sshOptions are those of exec, without what the host already says.
var sshOptions = without(execOptions, "ssh_host")

// sshFunction is pharos.ssh(host): an object whose exec runs a command there,
// with the same result as pharos.exec.
func (s *script) sshFunction(L *lua.LState) lua.LValue {
	meta := s.newMethods(L, "pharos.ssh(host)", member{"exec", func(L *lua.LState) int {
		self, ok := L.Get(1).(*lua.LTable)
		host, isText := lua.LValue(lua.LNil), false
		if ok {
			host = self.RawGetString("host")
			_, isText = host.(lua.LString)
		}
		if !isText {
			L.RaiseError("cannot call exec: write pharos.ssh(host):exec(command), with a colon")
		}
		call := readExec(L, "ssh:exec", 2, 3, sshOptions)
		call.host = host.String()
		return s.exec(L, call, "ssh")
	}})
	s.definer.know("ssh", meta)
	return L.NewFunction(func(L *lua.LState) int {
		host := L.CheckString(1)
		if host == "" {
			L.ArgError(1, "want a host, got an empty text")
		}
		if host == string(here) {
			host = ""
		}
		t := L.CreateTable(0, 1)
		t.RawSetString("host", lua.LString(host))
		t.Metatable = meta
		L.Push(t)
		return 1
	})
}
