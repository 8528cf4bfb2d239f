package luaapi

import (
	"context"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

var pingOptions = []string{"count", "interval", "wait", "size", "ip", "timeout"}

// pingCall is one call of pharos.ping.
type pingCall struct {
	probe.PingRequest
	calling // of which it takes the timeout only
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
	}
	return c.calling.set(name, v)
}

// ping is pharos.ping(host, options): what came back of the echo
// requests, or nil and an error if nothing did.
func (s *script) ping(L *lua.LState) int {
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
}

// pingAnswer is what the table of a ping shows.
type pingAnswer struct {
	*probe.PingResult
	rtts *lua.LTable // nil until asked for
}

var pingFields = []vm.Field[pingAnswer]{
	textField("ip", func(a *pingAnswer) string { return a.IP }),
	number("sent", func(a *pingAnswer) float64 { return float64(a.Sent) }),
	number("received", func(a *pingAnswer) float64 { return float64(a.Received) }),
	number("loss", func(a *pingAnswer) float64 { return a.Loss }),
	tableField("rtts", func(a *pingAnswer) **lua.LTable { return &a.rtts }, func(L *lua.LState, a *pingAnswer) *lua.LTable {
		rtts := L.CreateTable(len(a.RTTs), 0)
		for _, rtt := range a.RTTs {
			rtts.Append(lua.LNumber(rtt.Seconds()))
		}
		return rtts
	}),
	seconds("min", func(a *pingAnswer) time.Duration { return a.Min }),
	seconds("avg", func(a *pingAnswer) time.Duration { return a.Avg }),
	seconds("max", func(a *pingAnswer) time.Duration { return a.Max }),
	seconds("stddev", func(a *pingAnswer) time.Duration { return a.StdDev }),
	textField("via", func(a *pingAnswer) string { return a.Via }),
	maybeText("hint", func(a *pingAnswer) string { return a.Hint }),
}

func pingTable(L *lua.LState, r *probe.PingResult) *lua.LTable {
	return vm.LazyTable(L, pingFields, &pingAnswer{PingResult: r})
}
