package probe

import (
	"context"
	"errors"
	"net"
)

// HTTP makes a timed request that leaves from a host: its connections are
// forwarded by it, and names are resolved there. All else, TLS included, is
// client's and happens here, so the result is that of [HTTPClient.Do] with two
// differences: the host resolves and connects in one, which is Connect, and
// RemoteIP is unknown. The time it takes to have a connection to the host is
// not part of the Timing.
//
// A host that denies forwarding is asked to run curl instead, which it must
// have. The result is curl's then, without TLS, and Proxy, CA, Cert and
// ServerName cannot be had.
func (p *SSHPool) HTTP(ctx context.Context, host string, client *HTTPClient, req *HTTPRequest) (*HTTPResult, error) {
	h, err := p.host(host)
	if err != nil {
		return nil, err
	}
	c, err := h.acquire(ctx, sshForward)
	if err != nil {
		return nil, err
	}
	defer h.release(c, sshForward)
	there := *req
	there.Vantage = host
	there.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		return h.forward(ctx, network, addr)
	}
	res, err := client.Do(ctx, &there)
	if errors.Is(err, ErrForwardingDenied) || req.Unix != "" && KindOf(err) == Refused { // sshd says the same of both for sockets
		return p.curl(ctx, host, req)
	}
	return res, err
}
