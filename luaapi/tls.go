package luaapi

import (
	"context"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

var tlsOptions = []string{"timeout", "starttls", "ip", "ca", "cert", "key", "server_name", "alpn", "versions", "ssh_host"}

// tls is pharos.tls(address, options): what a server shows in its
// handshake. A certificate that is expired or not trusted is data; no handshake
// at all is nil and an error.
func (s *script) tls(L *lua.LState) int {
	call := readTCP(L, "pharos.tls", 1, 2, tlsOptions)
	e := &Event{Kind: "tls", Host: call.host, Text: call.Addr + call.Unix}
	result, err := reach(s, L, e, call.timeout, func(ctx context.Context) (*probe.TLSResult, error) {
		if err := call.pems.read(ctx, s, &call.CA, &call.Cert, &call.Key, nil); err != nil {
			return nil, err
		}
		return s.primitives.TLS(ctx, call.host, probe.TLSRequest{TCPRequest: call.TCPRequest, Versions: call.versions})
	})
	if err == nil {
		e.Timing = &result.Timing
	}
	s.done(L, e)
	if err != nil {
		return s.pushError(L, err)
	}
	L.Push(handshakeTable(L, result))
	return 1
}

// handshake is what the table of a handshake shows.
type handshake struct {
	*probe.TLSResult
	timing, versions, chain *lua.LTable // nil until asked for
}

var handshakeFields = []vm.Field[handshake]{
	textField("version", func(h *handshake) string { return h.Version }),
	textField("cipher", func(h *handshake) string { return h.Cipher }),
	textField("alpn", func(h *handshake) string { return h.ALPN }),
	boolean("verified", func(h *handshake) bool { return h.Verified }),
	maybeText("verify_error", func(h *handshake) string { return h.VerifyError }),
	number("days_left", func(h *handshake) float64 { return h.DaysLeft }),
	number("chain_days_left", func(h *handshake) float64 { return h.ChainDaysLeft }),
	boolean("stapled", func(h *handshake) bool { return h.Stapled }),
	textField("remote_ip", func(h *handshake) string { return h.RemoteIP }),
	tableField("timing", func(h *handshake) **lua.LTable { return &h.timing }, func(L *lua.LState, h *handshake) *lua.LTable {
		return timingTable(L, &h.Timing)
	}),
	tableField("versions", func(h *handshake) **lua.LTable { return &h.versions }, func(L *lua.LState, h *handshake) *lua.LTable {
		if h.Versions == nil {
			return nil
		}
		return textList(L, h.Versions)
	}),
	tableField("chain", func(h *handshake) **lua.LTable { return &h.chain }, func(L *lua.LState, h *handshake) *lua.LTable {
		chain := L.CreateTable(len(h.Chain), 0)
		for i := range h.Chain {
			chain.Append(certificateTable(L, &h.Chain[i]))
		}
		return chain
	}),
}

func handshakeTable(L *lua.LState, r *probe.TLSResult) *lua.LTable {
	return vm.LazyTable(L, handshakeFields, &handshake{TLSResult: r})
}

// certificate is what the table of one shows.
type certificate struct {
	*probe.Certificate
	names *lua.LTable // nil until asked for
}

var certificateFields = []vm.Field[certificate]{
	textField("subject", func(c *certificate) string { return c.Subject }),
	textField("issuer", func(c *certificate) string { return c.Issuer }),
	tableField("names", func(c *certificate) **lua.LTable { return &c.names }, func(L *lua.LState, c *certificate) *lua.LTable {
		return textList(L, c.Names)
	}),
	number("not_before", func(c *certificate) float64 { return float64(c.NotBefore.Unix()) }),
	number("not_after", func(c *certificate) float64 { return float64(c.NotAfter.Unix()) }),
	number("days_left", func(c *certificate) float64 { return c.DaysLeft }),
	textField("serial", func(c *certificate) string { return c.Serial }),
	textField("sha256", func(c *certificate) string { return c.SHA256 }),
	textField("key", func(c *certificate) string { return c.Key }),
	textField("signature", func(c *certificate) string { return c.Signature }),
	boolean("ca", func(c *certificate) bool { return c.CA }),
}

func certificateTable(L *lua.LState, c *probe.Certificate) *lua.LTable {
	return vm.LazyTable(L, certificateFields, &certificate{Certificate: c})
}

func textList(L *lua.LState, list []string) *lua.LTable {
	t := L.CreateTable(len(list), 0)
	for i, text := range list {
		t.RawSetInt(i+1, lua.LString(text))
	}
	return t
}

var tlsFields = []vm.Field[probe.TLSInfo]{
	textField("version", func(i *probe.TLSInfo) string { return i.Version }),
	textField("cipher", func(i *probe.TLSInfo) string { return i.Cipher }),
	textField("subject", func(i *probe.TLSInfo) string { return i.Subject }),
	textField("issuer", func(i *probe.TLSInfo) string { return i.Issuer }),
	number("not_after", func(i *probe.TLSInfo) float64 { return float64(i.NotAfter.Unix()) }),
	number("days_left", func(i *probe.TLSInfo) float64 { return i.DaysLeft }),
	boolean("verified", func(i *probe.TLSInfo) bool { return i.Verified }),
	maybeText("verify_error", func(i *probe.TLSInfo) string { return i.VerifyError }),
}

// tlsTable makes the table of the handshake under a request or a connection, nil if
// there is none.
func tlsTable(L *lua.LState, info *probe.TLSInfo) *lua.LTable {
	if info == nil {
		return nil
	}
	return vm.LazyTable(L, tlsFields, new(*info))
}
