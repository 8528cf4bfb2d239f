package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// ErrForwardingDenied is wrapped by the error of [SSHPool.Dial] when the host
// does not let connections be made through it (AllowTcpForwarding, PermitOpen),
// and always when a unix socket could not be reached, because OpenSSH then does
// not tell why.
var ErrForwardingDenied = errors.New("forwarding is denied")

// Dial connects from a host to an address as seen from there: network is tcp,
// tcp4, tcp6 or unix, and names are resolved by the host. Deadlines of the
// connection work; its addresses are those asked for, since the host does not
// tell its own.
//
// An address that cannot be reached from the host is an [*Error] of kind
// [Refused], [DNS] or [Timeout], as if dialed from there. Of kind [Vantage] are
// a host that cannot be looked from, and one that denies forwarding
// ([ErrForwardingDenied]).
//
// ctx covers the making of a connection to the host, if there is none yet; see
// [SSHPool.Ready].
func (p *SSHPool) Dial(ctx context.Context, host, network, addr string) (net.Conn, error) {
	h, err := p.host(host)
	if err != nil {
		return nil, err
	}
	return h.forward(ctx, sshForward, network, addr)
}

// Ready returns when there is a connection to a host, so that what is measured
// next does not include the making of it. Errors are those of [SSHPool.Exec].
func (p *SSHPool) Ready(ctx context.Context, host string) error {
	h, err := p.host(host)
	if err != nil {
		return err
	}
	c, err := h.acquire(ctx, sshForward)
	if err != nil {
		return err
	}
	h.release(c, sshForward)
	return nil
}

func (h *sshHost) forward(ctx context.Context, use sshUse, network, addr string) (net.Conn, error) {
	kind, payload, err := sshForwardRequest(network, addr)
	if err != nil {
		return nil, h.errorf(Misuse, err, "connecting to %q: %v", addr, err)
	}
	var conn net.Conn
	err = h.attempt(ctx, sshForward, func(c *sshConn) (err error) {
		conn, err = c.forward(ctx, use, kind, payload, sshAddr{network, addr})
		return err
	})
	return conn, err
}

// sshForwardRequest gives the channel type and its data: RFC 4254, 7.2, and
// OpenSSH's PROTOCOL, 2.4.
func sshForwardRequest(network, addr string) (string, []byte, error) {
	if network == "unix" {
		return "direct-streamlocal@openssh.com", ssh.Marshal(struct {
			Path, Reserved string
			Zero           uint32
		}{Path: addr}), nil
	}
	if !strings.HasPrefix(network, "tcp") {
		return "", nil, errors.New("want network tcp or unix, got " + strconv.Quote(network))
	}
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return "", nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return "", nil, err
	}
	return "direct-tcpip", ssh.Marshal(struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}{host, uint32(port), "127.0.0.1", 0}), nil
}

// forward opens a forwarding on a connection that was acquired, which is given
// back when the forwarding ends.
func (c *sshConn) forward(ctx context.Context, use sshUse, kind string, payload []byte, addr sshAddr) (net.Conn, error) {
	type opened struct {
		conn net.Conn
		err  error
	}
	result := make(chan opened) // not buffered: what nobody takes is closed
	if !c.host.pool.start(func() {
		conn, err := c.openForward(ctx, use, kind, payload, addr)
		select {
		case result <- opened{conn, err}:
		case <-ctx.Done():
			if err == nil {
				conn.Close()
			}
		}
	}) {
		c.host.release(c, sshForward)
		return nil, sshClosed(c.host.name)
	}
	select {
	case r := <-result:
		return r.conn, r.err
	case <-ctx.Done():
	}
	err := ctx.Err()
	switch {
	case !errors.Is(err, context.DeadlineExceeded):
		return nil, c.host.errorf(Cancelled, err, "connecting to %q: cancelled", addr)
	case c.doubtful():
		return nil, c.host.errorf(Vantage, err, "the host does not answer")
	}
	return nil, c.host.errorf(Timeout, err, "connecting to %q: no answer in time", addr)
}

func (c *sshConn) openForward(ctx context.Context, use sshUse, kind string, payload []byte, addr sshAddr) (net.Conn, error) {
	answered := c.expect(ctx, sshForwardWait)
	ch, reqs, err := c.client.OpenChannel(kind, payload)
	answered()
	if err != nil {
		c.host.release(c, sshForward)
		return nil, c.forwardError(err, addr)
	}
	if use == sshCarry {
		c.waits.Add(-1) // until here it waited for the answer
	}
	ours, theirs := net.Pipe()
	pool := c.host.pool
	// Whichever side ends, all end: the pumps, the channel, the use of the connection.
	outward := func() {
		pool.copy(ch, theirs)
		ch.CloseWrite()
		ch.Close()
		theirs.Close()
	}
	inward := func() {
		// What came and nobody reads is for whoever has the other end, but not for ever.
		defer context.AfterFunc(pool.ctx, func() { theirs.Close() })()
		pool.copy(theirs, ch)
		theirs.Close()
	}
	closed := make(chan struct{})
	attend := func() { c.attend(use, ch, reqs, closed) }
	if !pool.start(attend) || !pool.start(outward) || !pool.start(inward) {
		ch.Close()
		ours.Close()
		return nil, sshClosed(c.host.name)
	}
	return sshForwarding{ours, addr, c, sync.OnceFunc(func() { close(closed) })}, nil
}

// sshForwardWait is how long a host may take to open a forwarding: longer than TCP
// there tries to reach somebody who is silent, which is some two minutes.
const sshForwardWait = 3 * time.Minute

// sshParting is how long a forwarding that was closed may take for what was
// written before, and after that its host to close it too.
const sshParting = time.Second

// attend answers what the host asks of a forwarding until that is over, and
// gives the use of the connection back. OpenSSH closes a channel once its far
// end has taken all in, and a channel that is not closed lets go of nobody who
// writes: so one that was closed and is not over in its time is left behind.
func (c *sshConn) attend(use sshUse, ch ssh.Channel, reqs <-chan *ssh.Request, closed <-chan struct{}) {
	var late <-chan time.Time
	dropped, left := false, false
	for {
		select {
		case req, more := <-reqs:
			if !more {
				c.host.finish(c, use, left)
				return
			}
			req.Reply(false, nil)
		case <-closed:
			if use == sshCarry { // its life is over, and the host owes its end
				use = sshForward
				c.await()
			}
			closed, late = nil, time.After(sshParting)
		case <-late:
			late = time.After(sshParting)
			switch {
			case c.doubtful(): // it is not the far end that is silent; the monitor sees to it
			case !dropped:
				dropped = true
				ch.Close() // what is not sent by now never will be
			default:
				late, left = nil, true
				c.host.leave(c)
			}
		}
	}
}

// forwardError sorts out whose failure it is that a forwarding was not opened.
// OpenSSH's texts are "connect failed: " and the reason of its system.
func (c *sshConn) forwardError(err error, addr sshAddr) error {
	no, ok := errors.AsType[*ssh.OpenChannelError](err)
	if !ok {
		c.kill(err)
		if cause := c.cause(); cause == errSSHDead {
			return c.host.errorf(Vantage, cause, "%v", cause)
		}
		return c.host.errorf(Vantage, errors.Join(errSSHElsewhere, err), "connection lost: %s", sshReason(err))
	}
	reason := strings.TrimPrefix(no.Message, "connect failed: ")
	lower := strings.ToLower(reason)
	switch {
	case no.Reason == ssh.Prohibited || no.Reason == ssh.UnknownChannelType:
		return c.host.errorf(Vantage, errors.Join(ErrForwardingDenied, err), "connecting to %q: %v by the host (%s)", addr, ErrForwardingDenied, reason)
	case addr.network == "unix":
		return c.host.errorf(Refused, errors.Join(ErrForwardingDenied, err), "connecting to %q: nobody listens there, or forwarding to it is denied", addr)
	case strings.Contains(lower, "name") || strings.Contains(lower, "resol") || strings.Contains(lower, "nodename"):
		return c.host.errorf(DNS, err, "connecting to %q: %s", addr, lower)
	case strings.Contains(lower, "timed out"):
		return c.host.errorf(Timeout, err, "connecting to %q: %s", addr, lower)
	}
	return c.host.errorf(Refused, err, "connecting to %q: %s", addr, lower)
}

// sshForwarding is our end of a forwarding. A pipe lies between it and the
// channel, because a channel has no deadlines and lets go of a reader only when
// the other side does.
type sshForwarding struct {
	net.Conn
	addr  sshAddr
	via   *sshConn
	ended func() // says that it was closed: a pump that waits for the host does not see it
}

func (f sshForwarding) Close() error {
	f.ended()
	return f.Conn.Close()
}

func (f sshForwarding) RemoteAddr() net.Addr { return f.addr }

func (f sshForwarding) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	return n, f.blame(err)
}

func (f sshForwarding) Write(p []byte) (int, error) {
	n, err := f.Conn.Write(p)
	return n, f.blame(err)
}

// blame makes the end of a forwarding whose host is gone, or has fallen silent,
// the host's: the address at its other end may be well.
func (f sshForwarding) blame(err error) error {
	switch {
	case err == nil:
		return nil
	case f.via.base.over.Load() || f.via.ended():
		return f.via.host.errorf(Vantage, err, "connection lost while talking to %q", f.addr)
	case err != io.EOF && f.via.doubtful():
		return f.via.host.errorf(Vantage, err, "the host does not answer")
	}
	return err
}

type sshAddr struct{ network, address string }

func (a sshAddr) Network() string { return a.network }
func (a sshAddr) String() string  { return a.address }
