package luaapi

import (
	"context"
	"errors"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
)

var tlsOptions = []string{"timeout", "starttls", "ip", "ca", "cert", "key", "server_name", "alpn", "versions", "ssh_host"}

// tlsFunction is pharos.tls(address, options): what a server shows in its
// handshake. A certificate that is expired or not trusted is data; no handshake
// at all is nil and an error.
func (s *script) tlsFunction(L *lua.LState) lua.LValue {
	return L.NewFunction(func(L *lua.LState) int {
		call := readTCP(L, "pharos.tls", 1, tlsOptions)
		e := &Event{Kind: "tls", Host: call.host, Text: call.Addr + call.Unix}
		result, err := reach(s, L, e, call.timeout, func(ctx context.Context) (*probe.TLSResult, error) {
			if err := call.pems.read(ctx, s, &call.CA, &call.Cert, &call.Key, nil); err != nil {
				return nil, err
			}
			return s.primitives.TLS(ctx, call.host, probe.TLSRequest{TCPRequest: call.TCPRequest, Versions: call.versions})
		})
		if failed := (*probe.Error)(nil); errors.As(err, &failed) {
			e.Timing = failed.Timing
		} else if err == nil {
			e.Timing = &result.Timing
		}
		s.done(L, e)
		if err != nil {
			return s.pushError(L, err)
		}
		L.Push(handshakeTable(L, result))
		return 1
	})
}

func handshakeTable(L *lua.LState, r *probe.TLSResult) *lua.LTable {
	t := L.CreateTable(0, 12)
	t.RawSetString("version", lua.LString(r.Version))
	t.RawSetString("cipher", lua.LString(r.Cipher))
	t.RawSetString("alpn", lua.LString(r.ALPN))
	t.RawSetString("verified", lua.LBool(r.Verified))
	if r.VerifyError != "" {
		t.RawSetString("verify_error", lua.LString(r.VerifyError))
	}
	t.RawSetString("days_left", lua.LNumber(r.DaysLeft))
	t.RawSetString("chain_days_left", lua.LNumber(r.ChainDaysLeft))
	t.RawSetString("stapled", lua.LBool(r.Stapled))
	t.RawSetString("remote_ip", lua.LString(r.RemoteIP))
	t.RawSetString("timing", timingTable(L, &r.Timing))
	if r.Versions != nil {
		t.RawSetString("versions", textList(L, r.Versions))
	}
	chain := L.CreateTable(len(r.Chain), 0)
	for _, c := range r.Chain {
		chain.Append(certificateTable(L, c))
	}
	t.RawSetString("chain", chain)
	return t
}

func certificateTable(L *lua.LState, c probe.Certificate) *lua.LTable {
	t := L.CreateTable(0, 11)
	t.RawSetString("subject", lua.LString(c.Subject))
	t.RawSetString("issuer", lua.LString(c.Issuer))
	t.RawSetString("names", textList(L, c.Names))
	t.RawSetString("not_before", lua.LNumber(c.NotBefore.Unix()))
	t.RawSetString("not_after", lua.LNumber(c.NotAfter.Unix()))
	t.RawSetString("days_left", lua.LNumber(c.DaysLeft))
	t.RawSetString("serial", lua.LString(c.Serial))
	t.RawSetString("sha256", lua.LString(c.SHA256))
	t.RawSetString("key", lua.LString(c.Key))
	t.RawSetString("signature", lua.LString(c.Signature))
	t.RawSetString("ca", lua.LBool(c.CA))
	return t
}

func textList(L *lua.LState, list []string) *lua.LTable {
	t := L.CreateTable(len(list), 0)
	for i, text := range list {
		t.RawSetInt(i+1, lua.LString(text))
	}
	return t
}

// tlsTable makes the table of the handshake under a request or a connection.
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
