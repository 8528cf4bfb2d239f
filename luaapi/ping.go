package luaapi

import (
	"context"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
)

var pingOptions = []string{"count", "interval", "wait", "size", "ip", "timeout"}

// pingCall is one call of pharos.ping.
type pingCall struct {
	probe.PingRequest
	timeout time.Duration
}

func (c *pingCall) set(name string, v lua.LValue) error {
	switch name {
	case "count":
		return setCount(&c.Count, v, 1, probe.PingMaxCount)
	case "interval":
		return setPositive(&c.Interval, v)
	case "wait":
		return setPositive(&c.Wait, v)
	case "size":
		return setCount(&c.Size, v, probe.PingMinSize, probe.PingMaxSize)
	case "ip":
		return setFamily(&c.IP, v)
	case "timeout":
		return setPositive(&c.timeout, v)
	}
	return errNoOption
}

// pingFunction is pharos.ping(host, options): what came back of the echo
// requests, or nil and an error if nothing did.
func (s *script) pingFunction(L *lua.LState) lua.LValue {
	return L.NewFunction(func(L *lua.LState) int {
		call := &pingCall{PingRequest: probe.PingRequest{Host: L.CheckString(1)}}
		readOptions(L, 2, "pharos.ping", pingOptions, call.set)
		e := &Event{Kind: "ping", Text: call.Host}
		result, err := reach(s, L, e, call.timeout, func(ctx context.Context) (*probe.PingResult, error) {
			return s.primitives.Ping(ctx, call.PingRequest)
		})
		if err == nil {
			e.Outcome = result.Avg.String()
		}
		s.done(L, e)
		if err != nil {
			return s.pushError(L, err)
		}
		L.Push(pingTable(L, result))
		return 1
	})
}

func pingTable(L *lua.LState, r *probe.PingResult) *lua.LTable {
	t := L.CreateTable(0, 11)
	t.RawSetString("ip", lua.LString(r.IP))
	t.RawSetString("sent", lua.LNumber(r.Sent))
	t.RawSetString("received", lua.LNumber(r.Received))
	t.RawSetString("loss", lua.LNumber(r.Loss))
	rtts := L.CreateTable(len(r.RTTs), 0)
	for _, rtt := range r.RTTs {
		rtts.Append(lua.LNumber(rtt.Seconds()))
	}
	t.RawSetString("rtts", rtts)
	t.RawSetString("min", lua.LNumber(r.Min.Seconds()))
	t.RawSetString("avg", lua.LNumber(r.Avg.Seconds()))
	t.RawSetString("max", lua.LNumber(r.Max.Seconds()))
	t.RawSetString("stddev", lua.LNumber(r.StdDev.Seconds()))
	t.RawSetString("via", lua.LString(r.Via))
	if r.Hint != "" {
		t.RawSetString("hint", lua.LString(r.Hint))
	}
	return t
}
