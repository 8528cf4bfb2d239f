package luaapi

import (
	"context"
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// conversation is a connection that a script speaks over: what
// [probe.TCPConn] is.
type conversation interface {
	Send(ctx context.Context, b []byte) error
	Expect(ctx context.Context, want []byte) ([]byte, error)
	Line(ctx context.Context) ([]byte, error)
	Read(ctx context.Context, n int) ([]byte, error)
	StartTLS(ctx context.Context, protocol string) error
	Timing() probe.Timing
	TLS() *probe.TLSInfo
	RemoteIP() string
	Close() error
}

var _ conversation = (*probe.TCPConn)(nil)

var (
	tcpOptions      = []string{"timeout", "tls", "starttls", "ip", "insecure", "ca", "cert", "key", "server_name", "alpn", "ssh_host"}
	exchangeOptions = append(slices.Clone(tcpOptions), "send", "expect", "lines")
)

const tcpMaxLines = 10_000

// tcpCall is one call of pharos.tcp, pharos.tcp.connect or pharos.tls.
type tcpCall struct {
	probe.TCPRequest
	calling
	send, expect []byte
	lines        int
	versions     bool
	pems         pemFiles
}

// readTCP reads an address ("host:port", or the path of a unix socket) at
// argument n, and its options at another.
func readTCP(L *lua.LState, of string, n, options int, valid []string) *tcpCall {
	address, ok := L.Get(n).(lua.LString)
	if !ok {
		L.RaiseError("cannot call %s: want \"host:port\" or the path of a unix socket, got %s", of, typeName(L.Get(n)))
	}
	call := tcpCallTo(string(address))
	readOptions(L, options, of, valid, call.set)
	return call
}

func tcpCallTo(address string) *tcpCall {
	call := &tcpCall{}
	if strings.HasPrefix(address, "/") {
		call.Unix = address
	} else {
		call.Addr = address
	}
	return call
}

func (c *tcpCall) set(name string, v lua.LValue) error {
	switch name {
	case "tls":
		return setBool(&c.TCPRequest.TLS, v)
	case "starttls":
		if err := setText(&c.StartTLS, v); err != nil {
			return err
		}
		if protocols := probe.StartTLSProtocols(); c.StartTLS != "" && !slices.Contains(protocols, c.StartTLS) {
			return fmt.Errorf("there is no protocol %q %s", c.StartTLS, unknownName(c.StartTLS, protocols))
		}
		return nil
	case "ip":
		return setFamily(&c.IP, v)
	case "insecure":
		return setBool(&c.Insecure, v)
	case "ca":
		return c.pems.set(name, &c.CA, v)
	case "cert":
		return c.pems.set(name, &c.Cert, v)
	case "key":
		return c.pems.set(name, &c.Key, v)
	case "server_name":
		return setText(&c.ServerName, v)
	case "alpn":
		return setList(&c.ALPN, v)
	case "send":
		return setBytes(&c.send, v)
	case "expect":
		return setBytes(&c.expect, v)
	case "lines":
		return setCount(&c.lines, v, 0, tcpMaxLines)
	case "versions":
		return setBool(&c.versions, v)
	}
	return c.calling.set(name, v)
}

func setList(to *[]string, v lua.LValue) error {
	t, ok := v.(*lua.LTable)
	if !ok {
		return wantType("a list", v)
	}
	list, err := stringList(t)
	*to = list
	return err
}

// tcpModule is pharos.tcp: called, it holds one exchange and hangs up; connect
// gives a connection to go on with.
func (s *script) tcpModule(L *lua.LState) lua.LValue {
	methods := s.connMethods(L)
	t := s.newModule(L, "pharos.tcp", member{"connect", func(L *lua.LState) int {
		call := readTCP(L, "pharos.tcp.connect", 1, 2, tcpOptions)
		return s.tcpConnect(L, call, methods)
	}}, member{"lines", s.tcpLines})
	t.Metatable.(*lua.LTable).RawSetString("__call", L.NewFunction(func(L *lua.LState) int {
		return s.tcpExchange(L, readTCP(L, "pharos.tcp", 2, 3, exchangeOptions))
	}))
	return t
}

// dial connects; the run closes the connection when it ends.
func (s *script) dial(L *lua.LState, call *tcpCall) (conversation, error) {
	e := &Event{Kind: "tcp", Host: call.host, Text: "connect " + call.Addr + call.Unix}
	conn, err := reach(s, L, e, call.timeout, func(ctx context.Context) (conversation, error) {
		if err := call.pems.read(ctx, s, &call.CA, &call.Cert, &call.Key, nil); err != nil {
			return nil, err
		}
		return s.primitives.Dial(ctx, call.host, call.TCPRequest)
	})
	if err == nil {
		runOf(L).conns = append(runOf(L).conns, conn)
	}
	s.tcpDone(L, e, conn)
	return conn, err
}

// tcpDone notes the timing of a step, which is the connection's so far.
func (s *script) tcpDone(L *lua.LState, e *Event, conn conversation) {
	if e.Err == nil {
		e.Timing = new(conn.Timing())
	}
	s.done(L, e)
}

// tcpExchange connects, sends, and reads what was asked for. The timeout is for
// all of it.
func (s *script) tcpExchange(L *lua.LState, call *tcpCall) int {
	e := &Event{Kind: "tcp", Host: call.host, Text: "exchange with " + call.Addr + call.Unix}
	var conn conversation
	var reply []byte
	var lines [][]byte
	_, err := reach(s, L, e, call.timeout, func(ctx context.Context) (_ struct{}, err error) {
		if err = call.pems.read(ctx, s, &call.CA, &call.Cert, &call.Key, nil); err != nil {
			return
		}
		if conn, err = s.primitives.Dial(ctx, call.host, call.TCPRequest); err != nil {
			return
		}
		defer conn.Close()
		reply, lines, err = call.exchange(ctx, conn)
		return
	})
	s.tcpDone(L, e, conn)
	if err != nil {
		return s.pushError(L, err)
	}
	vm.Charge(L, len(reply)/64+len(lines))
	said := &tcpReply{reply: string(reply), lines: L.CreateTable(len(lines), 0), remoteIP: conn.RemoteIP(), timing: timingTable(L, e.Timing)}
	for i, line := range lines {
		said.lines.RawSetInt(i+1, lua.LString(line))
	}
	said.tls = tlsTable(L, conn.TLS())
	runOf(L).output = probe.Clean(reply[:min(len(reply), outputFromBody)])
	L.Push(vm.LazyTable(L, replyFields, said))
	return 1
}

// tcpReply is what the table of an exchange shows.
type tcpReply struct {
	reply, remoteIP    string
	lines, timing, tls *lua.LTable // tls: nil without
}

var replyFields = []vm.Field[tcpReply]{
	textField("reply", func(r *tcpReply) string { return r.reply }),
	tableField("lines", func(r *tcpReply) **lua.LTable { return &r.lines }, noTable),
	textField("remote_ip", func(r *tcpReply) string { return r.remoteIP }),
	tableField("timing", func(r *tcpReply) **lua.LTable { return &r.timing }, noTable),
	tableField("tls", func(r *tcpReply) **lua.LTable { return &r.tls }, noTable),
}

func noTable(*lua.LState, *tcpReply) *lua.LTable { return nil }

func (c *tcpCall) exchange(ctx context.Context, conn conversation) (reply []byte, lines [][]byte, err error) {
	if len(c.send) > 0 {
		if err := conn.Send(ctx, c.send); err != nil {
			return nil, nil, err
		}
	}
	if reply, err = conn.Expect(ctx, c.expect); err != nil {
		return nil, nil, err
	}
	for range c.lines {
		line, err := conn.Line(ctx)
		if err != nil {
			return nil, nil, err
		}
		lines = append(lines, line)
	}
	return reply, lines, nil
}
