package probe

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

func (c *TCPConn) dial(ctx context.Context) error {
	began := time.Now()
	err := c.dialMarked(ctx, func() { c.timing.DNS, c.phase = max(1, time.Since(began)), "connect" })
	c.timing.Total = time.Since(began)
	if c.phase == "dns" {
		c.timing.DNS = c.timing.Total // nothing but that
		return err
	}
	c.timing.NameLookup = c.timing.DNS
	c.timing.Connect = c.timing.Total - c.timing.DNS
	if err != nil {
		return err
	}
	c.timing.Connected, c.timing.PreTransfer = c.timing.Total, c.timing.Total
	c.socket, c.reader = c.conn, bufio.NewReader(c.conn)
	return nil
}

// dialMarked calls mark when a name is resolved.
func (c *TCPConn) dialMarked(ctx context.Context, mark func()) (err error) {
	network := "tcp"
	if c.req.IP != 0 {
		network = fmt.Sprintf("tcp%d", c.req.IP)
	}
	c.phase = "connect"
	switch {
	case c.req.Dial != nil && c.req.Unix != "":
		c.conn, err = c.req.Dial(ctx, "unix", c.req.Unix)
		return err
	case c.req.Dial != nil:
		c.conn, err = c.req.Dial(ctx, network, c.req.ascii())
		return err
	}
	d := net.Dialer{KeepAlive: -1}
	if c.req.Unix != "" {
		c.conn, err = d.DialContext(ctx, "unix", c.req.Unix)
		return err
	}
	addr := c.req.ascii()
	if _, err := netip.ParseAddrPort(addr); err == nil || addr[0] == ':' { // no host is this one
		c.conn, err = d.DialContext(ctx, network, addr)
		return err
	}
	c.phase = "dns"
	c.conn, err = dialName(ctx, newResolver(), network, addr, mark)
	return err
}

// handshake starts TLS on the connection.
func (c *TCPConn) handshake(ctx context.Context) error {
	config, err := newTLSConfig(c.req.Insecure, c.req.CA, c.req.Cert, c.req.Key)
	if err != nil {
		return c.misuse(err)
	}
	config.NextProtos = c.req.ALPN
	config.ServerName = c.req.serverName()
	if c.req.inspect != nil {
		c.req.inspect.tune(config)
	}
	if config.ServerName == "" && !config.InsecureSkipVerify {
		return c.misuse(errors.New("want a server name to verify, as there is no host"))
	}
	return c.handshakeWith(ctx, config)
}

func (c *TCPConn) handshakeWith(ctx context.Context, config *tls.Config) error {
	if n := c.reader.Buffered(); n > 0 {
		// Someone in between could have put them there (CVE-2011-0411).
		return c.fail(ctx, &tcpProtoError{fmt.Sprintf("%d bytes came in the clear after TLS was agreed on", n)})
	}
	upgraded := tls.Client(c.conn, config)
	err := c.do(ctx, "tls", &c.timing.TLS, func() error { return upgraded.HandshakeContext(ctx) })
	c.state = upgraded.ConnectionState()
	switch {
	case err == nil:
	case c.req.inspect.enough(err):
		c.state = c.req.inspect.shown
	default:
		return err
	}
	c.timing.AppConnect, c.timing.PreTransfer = c.timing.Total, c.timing.Total
	c.tls = newTLSInfo(c.state, config)
	c.conn = upgraded
	c.reader.Reset(upgraded)
	return nil
}

var errTCPTooBig = errors.New("too much came")

// tcpProtoError is an answer that is not what the protocol wants.
type tcpProtoError struct{ reason string }

func (e *tcpProtoError) Error() string { return e.reason }

// tcpMissed is a read that did not find what it was for.
type tcpMissed struct {
	err  error
	want string
	got  []byte
}

func (e *tcpMissed) Error() string { return e.err.Error() }
func (e *tcpMissed) Unwrap() error { return e.err }

// instead says what was expected and what came.
func (e *tcpMissed) instead() string {
	got := e.got
	if len(got) == 0 {
		return "want " + e.want + ", got nothing"
	}
	dots := ""
	if len(got) > tcpQuoted {
		got, dots = got[len(got)-tcpQuoted:], "..."
	}
	return fmt.Sprintf("want %s, got %s%q", e.want, dots, got)
}

func (c *TCPConn) misuse(err error) error {
	return &Error{Kind: Misuse, Err: err, Message: fmt.Sprintf("connecting to %q: %v", c.req.where(), err)}
}

// fail makes an [*Error] of what went wrong in the phase.
func (c *TCPConn) fail(ctx context.Context, err error) error {
	timing := c.timing
	e := &Error{Phase: c.phase, Err: err, Timing: &timing}
	var reason string
	e.Kind, reason = c.classify(ctx, err)
	doing := "talking to"
	if c.conn == nil {
		doing = "connecting to"
	}
	reason = strings.TrimPrefix(reason, "connecting to "+c.req.where()+": ") // that is said already
	e.Message = fmt.Sprintf("%s %q: %s", doing, c.req.where(), reason)
	return e
}

func (c *TCPConn) classify(ctx context.Context, err error) (Kind, string) {
	after := ""
	if missed, ok := errors.AsType[*tcpMissed](err); ok {
		after = ": " + missed.instead()
	}
	var told *Error
	var dns *net.DNSError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return Cancelled, "cancelled " + c.activity()
	case errors.As(err, &told): // of a vantage, which knows whose host is silent
		return told.Kind, told.Message
	case late(ctx):
		return Timeout, "timed out after " + c.timing.Total.Round(time.Millisecond).String() + " " + c.activity() + after
	case overloaded(err) != "":
		return Overload, "Pharos is overloaded: " + overloaded(err)
	case errors.As(err, &dns):
		return dnsProblem(dns)
	case c.conn == nil:
		kind, reason := connectProblem(err, c.req.where())
		if kind == Proto && c.req.Dial != nil {
			kind = Vantage
		}
		return kind, reason
	case errors.Is(err, errTCPTooBig):
		return TooBig, "too much came" + after
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Reset, "it closed the connection " + c.activity() + after
	case errors.Is(err, net.ErrClosed):
		return Misuse, "the connection is closed already"
	}
	return c.classifyTLS(err, after)
}

func (c *TCPConn) classifyTLS(err error, after string) (Kind, string) {
	var proto *tcpProtoError
	var errno syscall.Errno
	switch {
	case errors.As(err, &proto):
		return Proto, proto.reason
	case errors.As(err, &errno):
		return Reset, "the connection broke " + c.activity() + ": " + errno.Error() + after
	case c.phase == "tls" || tlsProblem(err) != "":
		return TLS, "tls: " + cmp.Or(tlsProblem(err), strings.TrimPrefix(err.Error(), "tls: "))
	}
	return Proto, err.Error() + after
}

// activity is what the conversation was at, to follow "timed out after 1s".
func (c *TCPConn) activity() string {
	switch c.phase {
	case "dns":
		return "resolving the name"
	case "connect":
		return "connecting"
	case "tls":
		return "in the TLS handshake"
	case "send":
		return "sending"
	case "wait":
		return "waiting for an answer"
	}
	return "receiving the answer"
}
