package luaapi

import (
	"cmp"
	"context"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

var dnsOptions = []string{"type", "server", "tcp", "dnssec", "direct", "timeout", "ssh_host"}

// dnsCall is one call of pharos.dns.
type dnsCall struct {
	probe.DNSRequest
	calling
}

func (c *dnsCall) set(name string, v lua.LValue) error {
	switch name {
	case "type":
		return setText(&c.Type, v)
	case "server":
		return setText(&c.Server, v)
	case "tcp":
		return setBool(&c.TCP, v)
	case "dnssec":
		return setBool(&c.DNSSEC, v)
	case "direct":
		return setBool(&c.Direct, v)
	}
	return c.calling.set(name, v)
}

// dns is pharos.dns(name, options): the answer of a name server, also
// that there is no such name; nil and an error when there is no answer.
func (s *script) dns(L *lua.LState) int {
	call := &dnsCall{DNSRequest: probe.DNSRequest{Name: L.CheckString(1)}}
	readOptions(L, 2, "pharos.dns", dnsOptions, call.set)
	e := &Event{Kind: "dns", Host: call.host, Text: cmp.Or(call.Type, "A") + " " + call.Name}
	result, err := reach(s, L, e, call.timeout, func(ctx context.Context) (*probe.DNSResult, error) {
		return s.primitives.DNS(ctx, call.host, call.DNSRequest)
	})
	if err == nil {
		e.Timing, e.Outcome = &result.Timing, result.Code
	}
	s.done(L, e)
	if err != nil {
		return s.pushError(L, err)
	}
	L.Push(dnsTable(L, result))
	return 1
}

// dnsAnswer is what the table of an answer shows.
type dnsAnswer struct {
	*probe.DNSResult
	values, records, aliases, timing *lua.LTable // nil until asked for
}

var dnsFields = []vm.Field[dnsAnswer]{
	textField("code", func(a *dnsAnswer) string { return a.Code }),
	tableField("values", func(a *dnsAnswer) **lua.LTable { return &a.values }, func(L *lua.LState, a *dnsAnswer) *lua.LTable {
		values := L.CreateTable(len(a.Records), 0)
		for _, record := range a.Records {
			values.Append(lua.LString(record.Data))
		}
		return values
	}),
	tableField("records", func(a *dnsAnswer) **lua.LTable { return &a.records }, func(L *lua.LState, a *dnsAnswer) *lua.LTable {
		return tables(L, recordFields, a.Records)
	}),
	tableField("aliases", func(a *dnsAnswer) **lua.LTable { return &a.aliases }, func(L *lua.LState, a *dnsAnswer) *lua.LTable {
		return textList(L, a.Aliases)
	}),
	boolean("authoritative", func(a *dnsAnswer) bool { return a.Authoritative }),
	boolean("authenticated", func(a *dnsAnswer) bool { return a.Authenticated }),
	boolean("signed", func(a *dnsAnswer) bool { return a.Signed }),
	textField("server", func(a *dnsAnswer) string { return a.Server }),
	boolean("tcp", func(a *dnsAnswer) bool { return a.TCP }),
	tableField("timing", func(a *dnsAnswer) **lua.LTable { return &a.timing }, func(L *lua.LState, a *dnsAnswer) *lua.LTable {
		return timingTable(L, &a.Timing)
	}),
}

func dnsTable(L *lua.LState, r *probe.DNSResult) *lua.LTable {
	return vm.LazyTable(L, dnsFields, &dnsAnswer{DNSResult: r})
}

// recordFields are name, type, ttl and data of all records, and beside them what
// those of some types have.
var recordFields = []vm.Field[probe.DNSRecord]{
	textField("name", func(r *probe.DNSRecord) string { return r.Name }),
	textField("type", func(r *probe.DNSRecord) string { return r.Type }),
	seconds("ttl", func(r *probe.DNSRecord) time.Duration { return r.TTL }),
	textField("data", func(r *probe.DNSRecord) string { return r.Data }),
	maybeText("target", func(r *probe.DNSRecord) string { return r.Target }),
	maybeNumber("priority", func(r *probe.DNSRecord) (float64, bool) {
		return float64(r.Priority), r.Type == "MX" || r.Type == "SRV"
	}),
	maybeNumber("weight", func(r *probe.DNSRecord) (float64, bool) { return float64(r.Weight), r.Type == "SRV" }),
	maybeNumber("port", func(r *probe.DNSRecord) (float64, bool) { return float64(r.Port), r.Type == "SRV" }),
	maybeNumber("serial", func(r *probe.DNSRecord) (float64, bool) { return float64(r.Serial), r.Type == "SOA" }),
	maybeNumber("flags", func(r *probe.DNSRecord) (float64, bool) { return float64(r.Flags), r.Type == "CAA" }),
	maybeText("tag", func(r *probe.DNSRecord) string { return r.Tag }),
}
