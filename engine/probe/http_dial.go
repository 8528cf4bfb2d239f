package probe

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// errHTTPFamily is an address literal of the family that was excluded.
var errHTTPFamily = errors.New("the address is not of the wanted family")

// dial connects to where the hop's bytes go first: the socket, the proxy, or
// the host itself. It sets the marks up to dns.
func (h *httpHop) dial() (net.Conn, error) {
	r := h.run
	h.phase = "connect"
	to := r.target
	if r.proxy != nil {
		to = r.proxy
	}
	h.marks.begin = r.since()
	switch {
	case r.req.Dial != nil:
		network, addr := h.network(), h.addr(to)
		if r.req.Unix != "" {
			network, addr = "unix", r.req.Unix
		}
		h.address = httpAddress(addr)
		return r.req.Dial(r.ctx, network, addr)
	case r.req.Unix != "":
		h.marks.dns = h.marks.begin
		h.address = httpAddress(r.req.Unix)
		return (&net.Dialer{}).DialContext(r.ctx, "unix", r.req.Unix)
	}
	if addr, ok := h.literal(to); ok {
		return h.dialAddr(addr)
	}
	return h.dialName(h.addr(to))
}

// httpAddress is an address to connect to that is text already.
type httpAddress string

func (a httpAddress) String() string { return string(a) }

func (h *httpHop) network() string {
	switch h.run.req.IP {
	case 4:
		return "tcp4"
	case 6:
		return "tcp6"
	}
	return "tcp"
}

// addr is where t is, by the request's own table if it is in there.
func (h *httpHop) addr(t *httpTarget) string {
	resolve := h.run.req.Resolve
	if len(resolve) == 0 {
		return t.addr()
	}
	to, ok := resolve[t.addr()]
	if !ok {
		to, ok = resolve[t.host]
	}
	if !ok {
		return t.addr()
	}
	if _, _, err := net.SplitHostPort(to); err == nil {
		return to
	}
	return net.JoinHostPort(strings.Trim(to, "[]"), t.port)
}

// literal is t's address when there is no name to resolve.
func (h *httpHop) literal(t *httpTarget) (netip.AddrPort, bool) {
	if len(h.run.req.Resolve) == 0 {
		ip, ok := t.literal()
		if !ok {
			return netip.AddrPort{}, false
		}
		port, _ := strconv.ParseUint(t.port, 10, 16) // checked when it was read
		return netip.AddrPortFrom(ip, uint16(port)), true
	}
	addr, err := netip.ParseAddrPort(h.addr(t))
	return addr, err == nil
}

// dialAddr connects to an address; the socket may still be at it.
func (h *httpHop) dialAddr(addr netip.AddrPort) (net.Conn, error) {
	h.marks.dns = h.marks.begin
	h.address = addr
	network := h.network()
	if network == "tcp4" && !addr.Addr().Unmap().Is4() || network == "tcp6" && addr.Addr().Unmap().Is4() {
		return nil, errHTTPFamily
	}
	if h.run.req.stream == nil { // a stream needs the keep-alive of package net's sockets
		s, err := httpDialSocket(addr)
		if err != nil {
			return nil, err
		}
		if s != nil {
			return s, nil
		}
	}
	d := net.Dialer{KeepAlive: -1}
	return d.DialContext(h.run.ctx, network, addr.String())
}

// dialName resolves and connects.
func (h *httpHop) dialName(addr string) (net.Conn, error) {
	resolver := h.run.client.resolver
	if resolver == nil {
		resolver = newResolver()
	}
	h.phase, h.address = "dns", httpAddress(addr)
	return dialName(h.run.ctx, resolver, h.network(), addr, func() { h.marks.dns, h.phase = h.run.since(), "connect" })
}
