package luaapi

import (
	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// nagiosStatuses is the verdict of a plugin by its exit code (Monitoring
// Plugins Development Guidelines); any other code is unknown.
var nagiosStatuses = [...]engine.Status{engine.OK, engine.Warning, engine.Critical}

// nagiosFunction is pharos.nagios(command, options): runs a monitoring plugin
// as pharos.exec does, and takes what it printed apart.
func (s *script) nagiosFunction(L *lua.LState) lua.LValue {
	return L.NewFunction(func(L *lua.LState) int {
		t, err := s.execTable(L, readExec(L, "pharos.nagios", 1, execOptions), "nagios")
		if err != nil {
			return s.pushError(L, err)
		}
		status := engine.Unknown
		if code, ok := t.RawGetString("code").(lua.LNumber); ok && code >= 0 && int(code) < len(nagiosStatuses) {
			status = nagiosStatuses[int(code)]
		}
		stdout := lua.LVAsString(t.RawGetString("stdout"))
		vm.Charge(L, len(stdout)/8)
		output := probe.ParseNagios(stdout)
		t.RawSetString("status", lua.LString(status.String()))
		t.RawSetString("text", lua.LString(output.Text))
		t.RawSetString("long", lua.LString(output.Long))
		perf := L.CreateTable(len(output.Perf), 0)
		for _, metric := range output.Perf {
			perf.Append(metricTable(L, metric))
		}
		t.RawSetString("perf", perf)
		L.Push(t)
		return 1
	})
}

// metricTable makes the table of one item of performance data. What was not
// printed, or not known, is nil.
func metricTable(L *lua.LState, m probe.NagiosMetric) *lua.LTable {
	t := L.CreateTable(0, 7)
	t.RawSetString("label", lua.LString(m.Label))
	if m.Known {
		t.RawSetString("value", lua.LNumber(m.Value))
	}
	for _, text := range [...]struct{ name, value string }{{"unit", m.Unit}, {"warn", m.Warn}, {"crit", m.Crit}} {
		if text.value != "" {
			t.RawSetString(text.name, lua.LString(text.value))
		}
	}
	for _, bound := range [...]struct {
		name  string
		value *float64
	}{{"min", m.Min}, {"max", m.Max}} {
		if bound.value != nil {
			t.RawSetString(bound.name, lua.LNumber(*bound.value))
		}
	}
	return t
}
