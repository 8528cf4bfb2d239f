package luaapi

import (
	"cmp"
	"context"
	"errors"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
)

var dnsOptions = []string{"type", "server", "tcp", "dnssec", "direct", "timeout", "ssh_host"}

// dnsCall is one call of pharos.dns.
type dnsCall struct {
	probe.DNSRequest
	host    string
	timeout time.Duration
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
	case "timeout":
		return setPositive(&c.timeout, v)
	case "ssh_host":
		return setHost(&c.host, v)
	}
	return errNoOption
}

// dnsFunction is pharos.dns(name, options): the answer of a name server, also
// that there is no such name; nil and an error when there is no answer.
func (s *script) dnsFunction(L *lua.LState) lua.LValue {
	return L.NewFunction(func(L *lua.LState) int {
		call := &dnsCall{DNSRequest: probe.DNSRequest{Name: L.CheckString(1)}}
		readOptions(L, 2, "pharos.dns", dnsOptions, call.set)
		e := &Event{Kind: "dns", Host: call.host, Text: cmp.Or(call.Type, "A") + " " + call.Name}
		result, err := reach(s, L, e, call.timeout, func(ctx context.Context) (*probe.DNSResult, error) {
			return s.primitives.DNS(ctx, call.host, call.DNSRequest)
		})
		if failed := (*probe.Error)(nil); errors.As(err, &failed) {
			e.Timing = failed.Timing
		} else if err == nil {
			e.Timing, e.Outcome = &result.Timing, result.Code
		}
		s.done(L, e)
		if err != nil {
			return s.pushError(L, err)
		}
		L.Push(dnsTable(L, result))
		return 1
	})
}

func dnsTable(L *lua.LState, r *probe.DNSResult) *lua.LTable {
	t := L.CreateTable(0, 10)
	t.RawSetString("code", lua.LString(r.Code))
	values, records := L.CreateTable(len(r.Records), 0), L.CreateTable(len(r.Records), 0)
	for _, record := range r.Records {
		values.Append(lua.LString(record.Data))
		records.Append(recordTable(L, record))
	}
	t.RawSetString("values", values)
	t.RawSetString("records", records)
	t.RawSetString("aliases", textList(L, r.Aliases))
	t.RawSetString("authoritative", lua.LBool(r.Authoritative))
	t.RawSetString("authenticated", lua.LBool(r.Authenticated))
	t.RawSetString("signed", lua.LBool(r.Signed))
	t.RawSetString("server", lua.LString(r.Server))
	t.RawSetString("tcp", lua.LBool(r.TCP))
	t.RawSetString("timing", timingTable(L, &r.Timing))
	return t
}

// recordTable makes the table of a record: name, type, ttl and data of all,
// beside them what records of its type have.
func recordTable(L *lua.LState, r probe.DNSRecord) *lua.LTable {
	t := L.CreateTable(0, 8)
	t.RawSetString("name", lua.LString(r.Name))
	t.RawSetString("type", lua.LString(r.Type))
	t.RawSetString("ttl", lua.LNumber(r.TTL.Seconds()))
	t.RawSetString("data", lua.LString(r.Data))
	if r.Target != "" {
		t.RawSetString("target", lua.LString(r.Target))
	}
	switch r.Type {
	case "MX":
		t.RawSetString("priority", lua.LNumber(r.Priority))
	case "SRV":
		t.RawSetString("priority", lua.LNumber(r.Priority))
		t.RawSetString("weight", lua.LNumber(r.Weight))
		t.RawSetString("port", lua.LNumber(r.Port))
	case "SOA":
		t.RawSetString("serial", lua.LNumber(r.Serial))
	case "CAA":
		t.RawSetString("flags", lua.LNumber(r.Flags))
		t.RawSetString("tag", lua.LString(r.Tag))
	}
	return t
}
