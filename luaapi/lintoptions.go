package luaapi

import (
	"context"
	"errors"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
)

// primitiveOf is what a built-in class hands its options to: their names, how
// they are read, and the call, which is not to reach out.
type primitiveOf struct {
	class string
	about string // the option with whom it is about
	names []string
	make  func(s *script, about string) primitiveCall
}

type primitiveCall struct {
	set  func(name string, v lua.LValue) error
	call func(ctx context.Context) error
}

var primitivesOf = []primitiveOf{
	{"CommandMetricWatcher", "command", execOptions, func(*script, string) primitiveCall {
		return primitiveCall{new(execCall).set, func(context.Context) error { return nil }} // what it would say of the command is said at load, or above
	}},
	{"PageGETMetricWatcher", "url", httpOptions, func(s *script, url string) primitiveCall {
		c := &httpCall{HTTPRequest: probe.HTTPRequest{URL: url}, script: s, of: "pharos.http.get"}
		return primitiveCall{c.set, func(ctx context.Context) error {
			c.pems.without(&c.Cert, &c.Key)
			var client probe.HTTPClient
			defer client.Close()
			_, err := client.Do(ctx, &c.HTTPRequest)
			return err
		}}
	}},
	{"TCPMetricWatcher", "address", exchangeOptions, func(_ *script, address string) primitiveCall {
		c := tcpCallTo(address)
		return primitiveCall{c.set, func(ctx context.Context) error {
			c.pems.without(&c.Cert, &c.Key)
			conn, err := probe.DialTCP(ctx, c.TCPRequest)
			if err == nil {
				err = conn.Close()
			}
			return err
		}}
	}},
	{"TLSMetricWatcher", "address", tlsOptions, func(_ *script, address string) primitiveCall {
		c := tcpCallTo(address)
		return primitiveCall{c.set, func(ctx context.Context) error {
			c.pems.without(&c.Cert, &c.Key)
			_, err := probe.InspectTLS(ctx, probe.TLSRequest{TCPRequest: c.TCPRequest})
			return err
		}}
	}},
	{"DNSMetricWatcher", "host", dnsOptions, func(_ *script, name string) primitiveCall {
		c := &dnsCall{DNSRequest: probe.DNSRequest{Name: name}}
		return primitiveCall{c.set, func(ctx context.Context) error {
			_, err := probe.LookupDNS(ctx, c.DNSRequest)
			return err
		}}
	}},
	{"PingMetricWatcher", "host", []string{"count", "wait", "size", "ip"}, func(_ *script, host string) primitiveCall {
		c := &pingCall{PingRequest: probe.PingRequest{Host: host}}
		return primitiveCall{c.set, func(ctx context.Context) error {
			_, err := new(probe.Pinger).Ping(ctx, c.PingRequest)
			return err
		}}
	}},
}

// refused looks for options that every run of the watcher would end at: the
// primitive is called, as its class would call it, when its time is over, and
// then has nothing to say but that the call itself is a mistake.
func (l *linter) refused(L *lua.LState, w *watcher) {
	for _, p := range primitivesOf {
		about, isText := L.GetField(w.self, p.about).(lua.LString)
		if !isText && p.class != "CommandMetricWatcher" || L.GetField(w.self, "check") != classMethod(L, p.class, "check") {
			continue
		}
		if list, ok := L.GetField(w.self, p.about).(*lua.LTable); ok {
			if err := new(execCall).setCommand(list); err != nil {
				l.find(w.source, "cannot use option %q of %q: %s", p.about, w.name, err)
				return
			}
		}
		call := p.make(w.script, string(about))
		declared := classMethod(L, p.class, "options")
		for _, name := range p.names {
			v := L.GetField(w.self, name)
			if isNil(v) || isNil(L.GetField(declared, name)) || name == "ssh_host" {
				continue
			}
			if err := call.set(name, v); err != nil {
				l.find(w.source, "cannot use option %q of %q: %s", name, w.name, err)
				return
			}
		}
		over, cancel := context.WithCancel(context.Background())
		cancel()
		if e, ok := errors.AsType[*probe.Error](call.call(over)); ok && e.Kind == probe.Misuse {
			l.find(w.source, "%s", e.Message)
		}
		return
	}
}
