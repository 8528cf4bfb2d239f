package luaapi

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// timingFields are the disjoint phases and curl's marks, all plain fields in
// seconds, so that json.encode shows them.
var timingFields = []vm.Field[probe.Timing]{
	seconds("blocked", func(t *probe.Timing) time.Duration { return t.Blocked }),
	seconds("dns", func(t *probe.Timing) time.Duration { return t.DNS }),
	seconds("connect", func(t *probe.Timing) time.Duration { return t.Connect }),
	seconds("tls", func(t *probe.Timing) time.Duration { return t.TLS }),
	seconds("send", func(t *probe.Timing) time.Duration { return t.Send }),
	seconds("wait", func(t *probe.Timing) time.Duration { return t.Wait }),
	seconds("receive", func(t *probe.Timing) time.Duration { return t.Receive }),
	seconds("total", func(t *probe.Timing) time.Duration { return t.Total }),
	seconds("first_byte", func(t *probe.Timing) time.Duration { return t.StartTransfer }),
	seconds("time_namelookup", func(t *probe.Timing) time.Duration { return t.NameLookup }),
	seconds("time_connect", func(t *probe.Timing) time.Duration { return t.Connected }),
	seconds("time_appconnect", func(t *probe.Timing) time.Duration { return t.AppConnect }),
	seconds("time_pretransfer", func(t *probe.Timing) time.Duration { return t.PreTransfer }),
	seconds("time_starttransfer", func(t *probe.Timing) time.Duration { return t.StartTransfer }),
	seconds("time_redirect", func(t *probe.Timing) time.Duration { return t.Redirect }),
	seconds("time_total", func(t *probe.Timing) time.Duration { return t.Total }),
}

// timingTable makes the table "timing" of what t is now.
func timingTable(L *lua.LState, t *probe.Timing) *lua.LTable {
	return vm.LazyTable(L, timingFields, new(*t))
}
