package probe

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"time"
)

// Lines connects, sends send if it is not empty, and gives the lines that come
// to sink until the other side closes, the connection breaks or ctx ends. Each
// is an error; see [TCPConn]. connect bounds connecting and sending; 0 is 10 s.
// A peer that goes away without a word is found within half a minute.
func Lines(ctx context.Context, req TCPRequest, send []byte, connect time.Duration, sink LineSink) error {
	began, cancel := context.WithTimeout(ctx, cmp.Or(connect, streamConnect))
	defer cancel()
	c, err := DialTCP(began, req)
	if err != nil {
		return err
	}
	defer c.Close()
	if len(send) > 0 {
		if err := c.Send(began, send); err != nil {
			return err
		}
	}
	if tcp, ok := c.socket.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(streamAlive)
	}
	sink.Up("connected to " + req.where())
	stop := context.AfterFunc(ctx, func() { c.socket.Close() })
	defer stop()
	lines := &lineWriter{line: sink.Line}
	c.phase = "receive"
	for {
		n, err := c.reader.Read(lines.space())
		lines.advance(n)
		if err == nil {
			continue
		}
		lines.flush()
		if err == io.EOF && ctx.Err() == nil { // as it came: one that a vantage gives is wrapped
			return &Error{Kind: Reset, Phase: c.phase, Err: err, Message: fmt.Sprintf("talking to %q: it closed the connection", req.where())}
		}
		return c.fail(ctx, err)
	}
}
