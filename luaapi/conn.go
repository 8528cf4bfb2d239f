package luaapi

import (
	"context"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// connection is what a script has of a conversation: it is the run's that opened
// it, which may be over, or in the midst of it while another run executes.
type connection struct {
	conversation
	of     *run
	closed bool // by the script: what came before and was not read is gone too
}

// tcpConnect leaves a connection to speak over, or nil and an error. It lives
// as long as the run at most.
func (s *script) tcpConnect(L *lua.LState, call *tcpCall, methods *lua.LTable) int {
	conn, err := s.dial(L, call)
	if err != nil {
		return s.pushError(L, err)
	}
	L.Push(&lua.LUserData{Value: &connection{conversation: conn, of: runOf(L)}, Metatable: methods})
	return 1
}

// closeAll closes what a script left open when it was done.
func closeAll(conns []conversation) {
	for _, conn := range conns {
		_ = conn.Close() // nothing is left to be said
	}
}

// connMethods makes the metatable of connections.
func (s *script) connMethods(L *lua.LState) *lua.LTable {
	return s.newMethods(L, "connection",
		member{"send", func(L *lua.LState) int {
			text := []byte(L.CheckString(2))
			return s.converse(L, "send", func(ctx context.Context, c conversation) ([]byte, error) { return nil, c.Send(ctx, text) })
		}},
		member{"expect", func(L *lua.LState) int {
			want := []byte(L.CheckString(2))
			return s.converse(L, "expect", func(ctx context.Context, c conversation) ([]byte, error) { return c.Expect(ctx, want) })
		}},
		member{"line", func(L *lua.LState) int {
			return s.converse(L, "line", func(ctx context.Context, c conversation) ([]byte, error) { return c.Line(ctx) })
		}},
		member{"read", func(L *lua.LState) int {
			n := L.CheckInt(2)
			return s.converse(L, "read", func(ctx context.Context, c conversation) ([]byte, error) { return c.Read(ctx, n) })
		}},
		member{"starttls", func(L *lua.LState) int {
			protocol := L.CheckString(2)
			return s.converse(L, "starttls", func(ctx context.Context, c conversation) ([]byte, error) { return nil, c.StartTLS(ctx, protocol) })
		}},
		member{"close", func(L *lua.LState) int {
			conn := checkConn(L)
			conn.closed = true
			vm.Block(L, func(context.Context) { _ = conn.Close() }) // nothing is left to be said
			return 0
		}},
		member{"timing", func(L *lua.LState) int {
			timing := checkConn(L).Timing()
			L.Push(timingTable(L, &timing))
			return 1
		}},
		member{"tls", func(L *lua.LState) int {
			info := tlsTable(L, checkConn(L).TLS())
			if info == nil {
				return 0
			}
			L.Push(info)
			return 1
		}},
		member{"remote_ip", func(L *lua.LState) int {
			L.Push(lua.LString(checkConn(L).RemoteIP()))
			return 1
		}},
	)
}

// converse makes one step of a conversation: it leaves what was read, or true,
// or nil and an error.
func (s *script) converse(L *lua.LState, step string, f func(ctx context.Context, c conversation) ([]byte, error)) int {
	conn := checkConn(L)
	if conn.closed {
		L.RaiseError("cannot call %s of a connection that is closed", step)
	}
	e := &Event{Kind: "tcp", Text: step}
	got, err := reach(s, L, e, 0, func(ctx context.Context) ([]byte, error) { return f(ctx, conn) })
	s.tcpDone(L, e, conn)
	if err != nil {
		return s.pushError(L, err)
	}
	if got == nil && (step == "send" || step == "starttls") {
		L.Push(lua.LTrue)
		return 1
	}
	vm.Charge(L, len(got)/64)
	runOf(L).output = probe.Clean(got[:min(len(got), outputFromBody)])
	L.Push(lua.LString(got))
	return 1
}

func checkConn(L *lua.LState) *connection {
	c, ok := object[*connection](L.Get(1))
	switch {
	case !ok:
		L.ArgError(1, "want a connection: call its methods with a colon, connection:line()")
	case c.of != runOf(L) && !vm.Typed(L):
		L.RaiseError("cannot use a connection in another run than the one that made it: it is closed when that ends")
	}
	return c
}
