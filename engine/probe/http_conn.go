package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// httpConn is a connection ready for requests.
type httpConn struct {
	key    httpKey
	raw    net.Conn // the socket, or what Dial gave
	wire   net.Conn // raw, or TLS over it
	src    httpSource
	br     *bufio.Reader
	h2     *http.ClientConn // nil for HTTP/1
	tls    *TLSInfo
	peer   netip.AddrPort // of raw; the zero value if that is no TCP connection
	remote string
	idle   time.Time // since when, while in the pool
}

// httpSource feeds the parser, and ends a head that does not end.
type httpSource struct {
	r    io.Reader
	left int // bytes before errHTTPHead; negative is without limit
}

var errHTTPHead = errors.New("headers over 64 KiB")

func (s *httpSource) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, errHTTPHead
	}
	if s.left > 0 && len(p) > s.left {
		p = p[:s.left]
	}
	n, err := s.r.Read(p)
	if s.left > 0 {
		s.left -= n
	}
	return n, err
}

// guard makes the connection fail as soon as ctx is done, and needs no
// goroutine while it waits. What it returns takes that back, and tells whether
// it came in time. A deadline in the past leaves the closing to the owner;
// connections without deadlines (those over ssh) are closed.
func (c *httpConn) guard(ctx context.Context) func() bool {
	return context.AfterFunc(ctx, func() {
		if c.raw.SetDeadline(time.Unix(1, 0)) != nil {
			c.raw.Close()
		}
	})
}

// acquire gives the connection a buffer to read into.
func (c *httpConn) acquire(owner *HTTPClient) {
	if c.h2 != nil {
		return
	}
	c.src.r = c.wire
	if br, ok := owner.readers.Get().(*bufio.Reader); ok {
		br.Reset(&c.src)
		c.br = br
		return
	}
	c.br = bufio.NewReader(&c.src)
}

// release takes the buffer back.
func (c *httpConn) release(owner *HTTPClient) {
	if c.br != nil {
		c.br.Reset(nil)
		owner.readers.Put(c.br)
		c.br = nil
	}
}

// fresh tells whether a kept connection looks alive.
func (c *httpConn) fresh() bool {
	if c.h2 != nil {
		return c.h2.Err() == nil && c.h2.Available() > 0
	}
	return httpQuiet(c.raw)
}

// close ends the connection and takes its buffer back. clean says that it
// could have served another request.
func (c *httpConn) close(owner *HTTPClient, clean bool) {
	if !owner.churn.reset(c.raw, c.peer) && clean {
		c.farewell()
	}
	c.shut()
	c.release(owner)
}

// farewell sends TLS's close_notify, without which some servers log an error.
// Nothing is left unread that could make it wait.
func (c *httpConn) farewell() {
	if c.h2 != nil {
		c.h2.Close()
	} else if secure, ok := c.wire.(*tls.Conn); ok {
		secure.CloseWrite()
	}
}

// shut ends the connection without a word, which could have to wait.
func (c *httpConn) shut() {
	c.raw.Close()
	if c.h2 != nil {
		c.h2.Close()
	}
}

// connect gets the hop a connection: the one of the hop before, a kept one, or
// a new one.
func (h *httpHop) connect() error {
	r := h.run
	key := r.key()
	if prev := r.conn; prev != nil {
		r.conn = nil
		if prev.key == key && prev.fresh() {
			h.reuse(prev)
			return nil
		}
		prev.close(r.client, true)
	}
	// Whether a connection that is no socket still lives only a request can
	// tell, and not every request may be made twice.
	if r.req.KeepAlive && !h.again && (r.req.Dial == nil || r.message.idempotent()) {
		if kept := r.client.pool.take(key); kept != nil {
			h.reuse(kept)
			return nil
		}
	}
	return h.open(key)
}

func (h *httpHop) reuse(c *httpConn) {
	if c.br == nil {
		c.acquire(h.run.client)
	}
	h.conn, h.stop = c, c.guard(h.run.ctx)
	h.marks.reused = true
	h.marks.begin = h.run.since()
	h.marks.dns = h.marks.begin
}

// open makes a new connection, all the way up to where a request can be sent.
func (h *httpHop) open(key httpKey) error {
	r := h.run
	r.connects++
	raw, err := h.dial()
	if err != nil {
		return err
	}
	c := &httpConn{key: key, raw: raw, wire: raw, peer: httpPeer(raw)}
	h.conn, h.stop = c, c.guard(r.ctx)
	if s, ok := raw.(*httpSocket); ok {
		if err := s.await(); err != nil {
			return err
		}
	}
	h.marks.dial = r.since()
	if err := h.tunnel(c); err != nil {
		return err
	}
	if r.target.https() {
		h.phase = "tls"
		if err := h.handshake(c); err != nil {
			return err
		}
		h.marks.tls = r.since()
	}
	if r.proxy == nil && r.req.Unix == "" {
		c.remote = httpRemoteIP(raw, c.peer)
	}
	switch {
	case c.tls == nil && r.req.HTTP == "2", c.tls != nil && c.tls.proto == "h2":
		h.phase = "send"
		c.h2, err = r.client.h2.open(r.ctx, c, r.target)
		return err
	case c.tls != nil && r.req.HTTP == "2":
		return errHTTPNoH2
	}
	c.acquire(r.client)
	return nil
}

// handshake puts TLS over the connection. The connection's guard bounds it,
// which saves the goroutine of HandshakeContext.
func (h *httpHop) handshake(c *httpConn) error {
	config := h.run.tlsConfig()
	conn := tls.Client(c.wire, config)
	if err := conn.Handshake(); err != nil {
		return err
	}
	c.wire = conn
	c.tls = newTLSInfo(conn.ConnectionState(), config)
	return nil
}

func httpPeer(conn net.Conn) netip.AddrPort {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort()
	}
	return netip.AddrPort{}
}

// httpRemoteIP is the address that conn leads to, "" if it is not known.
func httpRemoteIP(conn net.Conn, peer netip.AddrPort) string {
	if peer.IsValid() {
		return peer.Addr().Unmap().String()
	}
	if conn.RemoteAddr() == nil {
		return ""
	}
	host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
	return host
}
