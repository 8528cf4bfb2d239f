package probe

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
)

// tcpStartTLS is how TLS is asked for within each protocol.
var tcpStartTLS = []struct {
	protocol string
	ask      func(ctx context.Context, c *TCPConn) error
}{
	{"smtp", tcpStartSMTP},         // RFC 3207
	{"imap", tcpStartIMAP},         // RFC 9051, 6.2.1
	{"pop3", tcpStartPOP3},         // RFC 2595
	{"ftp", tcpStartFTP},           // RFC 4217
	{"xmpp", tcpStartXMPP},         // RFC 6120, 5
	{"postgres", tcpStartPostgres}, // protocol 3.0, SSLRequest
}

// StartTLSProtocols lists the protocols within which TLS can be started.
func StartTLSProtocols() []string {
	var names []string
	for _, p := range tcpStartTLS {
		names = append(names, p.protocol)
	}
	return names
}

// StartTLS asks for TLS in the words of a protocol, from its greeting on, and
// makes the handshake. That the other side refuses is an error of kind [TLS].
func (c *TCPConn) StartTLS(ctx context.Context, protocol string) error {
	for _, p := range tcpStartTLS {
		if p.protocol != protocol {
			continue
		}
		if err := p.ask(ctx, c); err != nil {
			return err
		}
		return c.handshake(ctx)
	}
	return c.misuse(fmt.Errorf("unknown protocol %q to start TLS in, want one of %s", protocol, strings.Join(StartTLSProtocols(), ", ")))
}

// converse sends words (unless there are none) and gives the answer's last
// line, which ends reports to be one.
func (c *TCPConn) converse(ctx context.Context, words string, ends func(line string) bool) (string, error) {
	if words != "" {
		if err := c.Send(ctx, []byte(words)); err != nil {
			return "", err
		}
	}
	const most = 100
	for range most {
		line, err := c.Line(ctx)
		if err != nil {
			return "", err
		}
		if ends(string(line)) {
			return string(line), nil
		}
	}
	return "", c.fail(ctx, &tcpProtoError{fmt.Sprintf("no end of the answer in %d lines", most)})
}

// want converses and makes an error of an answer that does not begin so.
func (c *TCPConn) want(ctx context.Context, kind Kind, words, begin string, ends func(string) bool) error {
	line, err := c.converse(ctx, words, ends)
	if err != nil || strings.HasPrefix(line, begin) {
		return err
	}
	asked := "its greeting"
	if words != "" {
		asked = "its answer to " + strings.TrimSpace(words)
	}
	return c.refused(kind, fmt.Sprintf("%s is %q, want %q", asked, bounded(line, tcpQuoted), begin))
}

func (c *TCPConn) refused(kind Kind, reason string) error {
	timing := c.timing
	return &Error{Kind: kind, Phase: c.phase, Timing: &timing, Message: fmt.Sprintf("starting TLS with %q: %s", c.req.where(), reason)}
}

// tcpCodeLine ends an answer of SMTP or FTP: three digits and no hyphen.
func tcpCodeLine(line string) bool {
	if len(line) < 3 || len(line) > 3 && line[3] == '-' {
		return false
	}
	return !slices.ContainsFunc([]byte(line[:3]), func(b byte) bool { return b < '0' || b > '9' })
}

func tcpAnyLine(string) bool { return true }

func tcpStartSMTP(ctx context.Context, c *TCPConn) error {
	if err := c.want(ctx, Proto, "", "220", tcpCodeLine); err != nil {
		return err
	}
	offered := false
	ends := func(line string) bool {
		if len(line) > 4 && strings.EqualFold(strings.TrimSpace(line[4:]), "STARTTLS") {
			offered = true
		}
		return tcpCodeLine(line)
	}
	if err := c.want(ctx, Proto, "EHLO pharos\r\n", "250", ends); err != nil {
		return err
	}
	if !offered {
		return c.refused(TLS, "it does not offer STARTTLS")
	}
	return c.want(ctx, TLS, "STARTTLS\r\n", "220", tcpCodeLine)
}

func tcpStartIMAP(ctx context.Context, c *TCPConn) error {
	if err := c.want(ctx, Proto, "", "* OK", tcpAnyLine); err != nil {
		return err
	}
	return c.want(ctx, TLS, "p1 STARTTLS\r\n", "p1 OK", func(line string) bool { return !strings.HasPrefix(line, "* ") })
}

func tcpStartPOP3(ctx context.Context, c *TCPConn) error {
	if err := c.want(ctx, Proto, "", "+OK", tcpAnyLine); err != nil {
		return err
	}
	return c.want(ctx, TLS, "STLS\r\n", "+OK", tcpAnyLine)
}

func tcpStartFTP(ctx context.Context, c *TCPConn) error {
	if err := c.want(ctx, Proto, "", "220", tcpCodeLine); err != nil {
		return err
	}
	return c.want(ctx, TLS, "AUTH TLS\r\n", "234", tcpCodeLine)
}

func tcpStartXMPP(ctx context.Context, c *TCPConn) error {
	name := c.req.serverName()
	if strings.ContainsAny(name, `<>&'"`) {
		return c.misuse(fmt.Errorf("server name %q cannot be put into XML", name))
	}
	hello := "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='" + name + "' version='1.0'>"
	if err := c.Send(ctx, []byte(hello)); err != nil {
		return err
	}
	features, err := c.Expect(ctx, []byte("</stream:features>"))
	if err != nil {
		return err
	}
	if !bytes.Contains(features, []byte("urn:ietf:params:xml:ns:xmpp-tls")) {
		return c.refused(TLS, "it does not offer starttls")
	}
	if err := c.Send(ctx, []byte("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")); err != nil {
		return err
	}
	answer, err := c.Expect(ctx, []byte(">"))
	if err == nil && !bytes.Contains(answer, []byte("<proceed")) {
		return c.refused(TLS, fmt.Sprintf("its answer to starttls is %q, want <proceed/>", bounded(string(answer), tcpQuoted)))
	}
	return err
}

func tcpStartPostgres(ctx context.Context, c *TCPConn) error {
	if err := c.Send(ctx, []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil { // length, 80877103
		return err
	}
	answer, err := c.Read(ctx, 1)
	switch {
	case err != nil:
		return err
	case len(answer) == 0:
		return c.refused(Reset, "it closed the connection")
	case answer[0] == 'S':
		return nil
	case answer[0] == 'N':
		return c.refused(TLS, "it does not offer TLS")
	}
	return c.refused(Proto, fmt.Sprintf("its answer to SSLRequest is %q, want S or N", answer))
}
