package probe

import (
	"context"
	"net"
)

// newResolver is Go's own resolver, which holds no thread. By itself it would wait
// for a silent name server to the end of its own 5 seconds, with two sockets, after
// whoever asked has gone: a thousand watchers came to 10,000. So the sockets are
// closed with the context of the lookup, which also ends when it was answered.
func newResolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}}
}
