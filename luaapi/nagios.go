package luaapi

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// nagiosStatuses is the verdict of a plugin by its exit code (Monitoring
// Plugins Development Guidelines); any other code is unknown.
var nagiosStatuses = [...]engine.Status{engine.OK, engine.Warning, engine.Critical}

// nagios is pharos.nagios(command, options): runs a monitoring plugin
// as pharos.exec does, and takes what it printed apart.
func (s *script) nagios(L *lua.LState) int {
	result, err := s.runCommand(L, readExec(L, "pharos.nagios", 1, 2, execOptions), "nagios")
	if err != nil {
		return s.pushError(L, err)
	}
	result.status = engine.Unknown
	if code := result.Code; code >= 0 && code < len(nagiosStatuses) {
		result.status = nagiosStatuses[code]
	}
	vm.Charge(L, len(result.stdout)/8)
	result.said = probe.ParseNagios(result.stdout)
	L.Push(vm.LazyTable(L, nagiosFields, result))
	return 1
}

var nagiosFields = append(slices.Clone(commandFields),
	textField("status", func(r *commandResult) string { return r.status.String() }),
	textField("text", func(r *commandResult) string { return r.said.Text }),
	textField("long", func(r *commandResult) string { return r.said.Long }),
	tableField("perf", func(r *commandResult) **lua.LTable { return &r.perf }, func(L *lua.LState, r *commandResult) *lua.LTable {
		return tables(L, metricFields, r.said.Perf)
	}),
)

// metricFields are those of one item of performance data. What was not printed, or
// not known, is nil.
var metricFields = []vm.Field[probe.NagiosMetric]{
	textField("label", func(m *probe.NagiosMetric) string { return m.Label }),
	maybeNumber("value", func(m *probe.NagiosMetric) (float64, bool) { return m.Value, m.Known }),
	maybeText("unit", func(m *probe.NagiosMetric) string { return m.Unit }),
	maybeText("warn", func(m *probe.NagiosMetric) string { return m.Warn }),
	maybeText("crit", func(m *probe.NagiosMetric) string { return m.Crit }),
	maybeNumber("min", func(m *probe.NagiosMetric) (float64, bool) { return bound(m.Min) }),
	maybeNumber("max", func(m *probe.NagiosMetric) (float64, bool) { return bound(m.Max) }),
}

func bound(b *float64) (float64, bool) {
	if b == nil {
		return 0, false
	}
	return *b, true
}
