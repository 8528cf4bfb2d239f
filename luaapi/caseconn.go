package luaapi

import (
	"bytes"
	"context"
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
)

// stubbedConn is a connection to a stub: it reads what the stub greeted with,
// and what its function answers to what is sent.
type stubbedConn struct {
	world    *caseWorld
	answer   *lua.LFunction // nil: nothing is answered
	unread   []byte
	remoteIP string
	tls      *probe.TLSInfo
}

func (c *stubbedConn) Send(ctx context.Context, b []byte) error {
	if c.answer == nil {
		return nil
	}
	return c.world.universe.Do(ctx, func(L *lua.LState) error {
		L.Push(c.answer)
		L.Push(lua.LString(b))
		L.Call(1, 1)
		text, ok := scalarText(L.Get(-1))
		if !ok && !isNil(L.Get(-1)) {
			L.RaiseError("cannot use the answer of the stub \"tcp\": want text, got %s", typeName(L.Get(-1)))
		}
		L.Pop(1)
		c.unread = append(c.unread, text...)
		return nil
	})
}

func (c *stubbedConn) Expect(ctx context.Context, want []byte) ([]byte, error) {
	i := bytes.Index(c.unread, want)
	if i < 0 {
		return nil, c.ended(ctx)
	}
	return c.take(i + len(want)), nil
}

func (c *stubbedConn) Line(ctx context.Context) ([]byte, error) {
	if len(c.unread) == 0 {
		return nil, c.ended(ctx)
	}
	n := len(c.unread) // the last line may do without its end
	if i := bytes.IndexByte(c.unread, '\n'); i >= 0 {
		n = i + 1
	}
	return bytes.TrimRight(c.take(n), "\r\n"), nil
}

func (c *stubbedConn) Read(ctx context.Context, n int) ([]byte, error) {
	if n < 0 || n > probe.TCPMaxRead {
		return nil, &probe.Error{Kind: probe.Misuse, Message: fmt.Sprintf("want from 0 to %d bytes to read, got %d", probe.TCPMaxRead, n)}
	}
	if len(c.unread) < n {
		return nil, c.ended(ctx)
	}
	return c.take(n), nil
}

func (c *stubbedConn) take(n int) []byte {
	taken := c.unread[:n:n]
	c.unread = c.unread[n:]
	return taken
}

// ended is the error of waiting for what the stub never says, which takes all
// the time there is.
func (c *stubbedConn) ended(ctx context.Context) error {
	c.world.spend(ctx, c.world.left(ctx), forever)
	return &probe.Error{Kind: probe.Timeout, Phase: "receive", Message: "reading: the stub says no more"}
}

func (c *stubbedConn) StartTLS(context.Context, string) error {
	if c.tls == nil {
		c.tls = &probe.TLSInfo{Version: "1.3", Verified: true}
	}
	return nil
}

func (c *stubbedConn) Timing() probe.Timing { return probe.Timing{} }
func (c *stubbedConn) TLS() *probe.TLSInfo  { return c.tls }
func (c *stubbedConn) RemoteIP() string     { return c.remoteIP }
func (c *stubbedConn) Close() error         { return nil }
