package luaapi

import (
	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
)

// tlsTable makes the table of what a TLS handshake showed.
func tlsTable(L *lua.LState, info *probe.TLSInfo) *lua.LTable {
	t := L.CreateTable(0, 8)
	t.RawSetString("version", lua.LString(info.Version))
	t.RawSetString("cipher", lua.LString(info.Cipher))
	t.RawSetString("subject", lua.LString(info.Subject))
	t.RawSetString("issuer", lua.LString(info.Issuer))
	t.RawSetString("not_after", lua.LNumber(info.NotAfter.Unix()))
	t.RawSetString("days_left", lua.LNumber(info.DaysLeft))
	t.RawSetString("verified", lua.LBool(info.Verified))
	if info.VerifyError != "" {
		t.RawSetString("verify_error", lua.LString(info.VerifyError))
	}
	return t
}
