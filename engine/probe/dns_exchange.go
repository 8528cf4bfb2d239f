package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// dnsExchange is a question put to one server, over UDP or TCP.
type dnsExchange struct {
	req      *DNSRequest
	server   string
	question *dns.Msg
	tcp      bool
	began    time.Time
	phase    string
	timing   Timing
}

// run connects, asks and reads the answer.
func (x *dnsExchange) run(ctx context.Context) (*dns.Msg, error) {
	conn, err := x.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	c := &dns.Conn{Conn: conn, UDPSize: dnsUDPSize}
	for {
		x.phase = "send"
		sending := time.Now()
		err := c.WriteMsg(x.question)
		x.timing.Send += time.Since(sending)
		if err != nil {
			return nil, err
		}
		x.phase = "wait"
		waiting := time.Now()
		answer, err := x.answer(c, waiting.Add(dnsResend))
		x.timing.Wait += time.Since(waiting)
		if netErr, ok := errors.AsType[net.Error](err); ok && !x.tcp && netErr.Timeout() {
			continue // UDP loses things; ctx ends this
		}
		return answer, err
	}
}

// answer reads until there is one to the question; over UDP until the time
// given. What else comes over UDP is someone else's, or late.
func (x *dnsExchange) answer(c *dns.Conn, until time.Time) (*dns.Msg, error) {
	if !x.tcp {
		_ = c.SetReadDeadline(until)
	}
	for {
		m, err := c.ReadMsg()
		if m != nil && m.Id == x.question.Id && (err != nil || x.answers(m)) {
			return m, err
		}
		switch {
		case m == nil && err != nil && !errors.Is(err, dns.ErrShortRead):
			return nil, err
		case x.tcp && err != nil:
			return nil, err
		case x.tcp:
			return nil, errors.New("the answer is to another question")
		}
	}
}

func (x *dnsExchange) answers(m *dns.Msg) bool {
	if !m.Response || len(m.Question) > 1 {
		return false
	}
	if len(m.Question) == 0 { // some servers refuse so
		return m.Rcode != dns.RcodeSuccess
	}
	asked, got := x.question.Question[0], m.Question[0]
	return got.Qtype == asked.Qtype && got.Qclass == asked.Qclass && strings.EqualFold(got.Name, asked.Name)
}

func (x *dnsExchange) dial(ctx context.Context) (net.Conn, error) {
	network := "udp"
	if x.tcp {
		network = "tcp"
	}
	x.phase = "connect"
	began := time.Now()
	defer func() { x.timing.Connect += time.Since(began) }()
	if x.req.Dial != nil {
		return x.req.Dial(ctx, network, x.server)
	}
	d := net.Dialer{KeepAlive: -1, Resolver: newResolver()}
	return d.DialContext(ctx, network, x.server)
}

func (x *dnsExchange) fail(ctx context.Context, err error) error {
	timing := x.timing
	e := &Error{Phase: x.phase, Err: err, Timing: &timing}
	var reason string
	e.Kind, reason = x.classify(ctx, err)
	question := x.question.Question[0]
	e.Message = fmt.Sprintf("asking %s for %s of %q: %s", x.server, dns.TypeToString[question.Qtype], dnsName(question.Name), reason)
	return e
}

func (x *dnsExchange) classify(ctx context.Context, err error) (Kind, string) {
	var told *Error
	var name *net.DNSError
	var errno syscall.Errno
	var parse *dns.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return Cancelled, "cancelled"
	case errors.As(err, &told): // of a vantage, which knows whose host is silent
		return told.Kind, told.Message
	case late(ctx):
		return Timeout, "no answer after " + time.Since(x.began).Round(time.Millisecond).String()
	case overloaded(err) != "":
		return Overload, "Pharos is overloaded: " + overloaded(err)
	case errors.As(err, &name):
		return dnsProblem(name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused, "connection refused"
	case x.phase == "connect" && x.req.Dial != nil:
		return Vantage, err.Error()
	case errors.As(err, &errno):
		if x.phase == "connect" {
			return Refused, errno.Error()
		}
		return Reset, errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Reset, "it closed the connection without an answer"
	case errors.As(err, &parse):
		return Proto, "the answer is malformed: " + strings.TrimPrefix(parse.Error(), "dns: ")
	}
	return Proto, err.Error()
}
