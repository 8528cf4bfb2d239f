package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"

	"golang.org/x/net/proxy"
)

// httpParseProxy reads the proxy's URL; without a scheme it is http.
func httpParseProxy(raw string) (*httpTarget, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		scheme, rest = "http", raw
	}
	read, port := "http", ""
	switch scheme {
	case "http", "https":
		read = scheme
	case "socks5", "socks5h":
		port = "1080"
	default:
		return nil, fmt.Errorf("option proxy is %q, want an http, https or socks5 URL", RedactURL(raw))
	}
	t, err := httpParseTarget(read + "://" + rest)
	if err != nil {
		return nil, fmt.Errorf("option proxy: %w", err)
	}
	if port != "" && t.url.Port() == "" {
		t.port = port
	}
	t.url.Scheme = scheme
	t.text = httpMaskURL(t.url)
	return t, nil
}

// errHTTPProxyAuth is of the proxy, and says nothing about what is behind it.
var errHTTPProxyAuth = &Error{Kind: Auth, Message: "the proxy wants other credentials"}

// forwarder is the proxy that takes the requests themselves, nil if there is
// none: behind a tunnel the server itself listens.
func (r *httpRun) forwarder() *httpTarget {
	if r.proxy == nil || r.target.https() || r.proxy.socks() {
		return nil
	}
	return r.proxy
}

func (t *httpTarget) socks() bool { return t.url.Scheme == "socks5" || t.url.Scheme == "socks5h" }

// tunnel leads the connection through the proxy, if there is one in between.
func (h *httpHop) tunnel(c *httpConn) (err error) {
	p := h.run.proxy
	if p == nil {
		return nil
	}
	h.phase = "blocked"
	switch {
	case p.socks():
		err = httpSocks(c, p, h.run.target.addr())
	case h.run.target.https():
		if p.https() {
			err = h.secureProxy(c)
		}
		if err == nil {
			err = httpConnectProxy(c, p, h.run.target.addr())
		}
	case p.https():
		err = h.secureProxy(c)
	}
	h.marks.tunnel = h.run.since()
	return err
}

func (h *httpHop) secureProxy(c *httpConn) error {
	config := h.run.proxyTLS.Clone()
	config.ServerName = certHost(h.run.proxy.host)
	conn := tls.Client(c.wire, config)
	c.wire = conn
	return conn.Handshake()
}

// httpConnectProxy asks an HTTP proxy for a tunnel (RFC 9110, 9.3.6).
func httpConnectProxy(c *httpConn, p *httpTarget, addr string) error {
	head := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\nUser-Agent: Pharos\r\n"
	if p.url.User != nil {
		head += "Proxy-Authorization: " + httpBasic(p) + "\r\n"
	}
	if _, err := c.wire.Write([]byte(head + "\r\n")); err != nil {
		return err
	}
	br := bufio.NewReader(&httpSource{r: c.wire, left: httpHeadMax})
	connect := &http.Request{Method: http.MethodConnect}
	res, err := http.ReadResponse(br, connect)
	for err == nil && res.StatusCode/100 == 1 { // not the answer yet
		res, err = http.ReadResponse(br, connect)
	}
	switch {
	case err != nil:
		return err
	case res.StatusCode == http.StatusProxyAuthRequired:
		return errHTTPProxyAuth
	case res.StatusCode/100 != 2:
		return &Error{Kind: Refused, Message: fmt.Sprintf("the proxy answered %q to CONNECT", res.Status)}
	case br.Buffered() > 0:
		return &Error{Kind: Proto, Message: "the proxy spoke out of turn after CONNECT"}
	}
	return nil
}

// httpSocks asks a SOCKS5 proxy for a connection. The proxy resolves the name.
func httpSocks(c *httpConn, p *httpTarget, addr string) error {
	var auth *proxy.Auth
	if u := p.url.User; u != nil {
		password, _ := u.Password()
		auth = &proxy.Auth{User: u.Username(), Password: password}
	}
	d, err := proxy.SOCKS5("tcp", p.addr(), auth, httpDialed{c.raw})
	if err != nil {
		return err
	}
	// No context: the connection's guard ends it.
	_, err = d.(proxy.ContextDialer).DialContext(context.Background(), "tcp", addr)
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "authenticat"):
		return errHTTPProxyAuth
	case strings.Contains(err.Error(), "unknown error "): // x/net has no type for what the proxy says of the address
		return &Error{Kind: Refused, Message: "the proxy refused: " + err.Error(), Err: err}
	}
	return err
}

// httpDialed is a dialer that has dialed already.
type httpDialed struct{ conn net.Conn }

func (d httpDialed) Dial(_, _ string) (net.Conn, error) { return d.conn, nil }

func (d httpDialed) DialContext(_ context.Context, _, _ string) (net.Conn, error) {
	return d.conn, nil
}
