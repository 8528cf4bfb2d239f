package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"syscall"
	"time"
)

// Kind is the class of an [Error]: what could not be done.
type Kind string

const (
	Timeout   Kind = "timeout"   // the other side took too long
	DNS       Kind = "dns"       // the name does not resolve
	Refused   Kind = "refused"   // nobody listens there
	Reset     Kind = "reset"     // the connection broke
	TLS       Kind = "tls"       // handshake or certificate
	Proto     Kind = "proto"     // the answer is not of the protocol
	TooBig    Kind = "toobig"    // the answer is over a limit that was set
	Redirects Kind = "redirects" // more redirects than were allowed
	Auth      Kind = "auth"      // credentials missing or refused by the vantage
	Spawn     Kind = "spawn"     // the command could not be started
	Cancelled Kind = "cancelled" // the run was cancelled
	Overload  Kind = "overload"  // Pharos or its machine is out of fds, processes or memory
	Vantage   Kind = "vantage"   // the host to look from could not be reached
	Missing   Kind = "missing"   // there is no such file
	Ended     Kind = "ended"     // a stream ended by itself
	Misuse    Kind = "misuse"    // the request itself makes no sense (bad URL, bad option)
)

// Error says what could not be done. It reads well by itself; Err, if set, is
// what it wraps.
type Error struct {
	Kind    Kind
	Phase   string // of a timed request: blocked, dns, connect, tls, send, wait, receive; else ""
	Message string // gerund + quoted object + reason: `getting "http://x/": connection refused`
	Err     error
	Timing  *Timing // what was measured until it failed; nil for untimed primitives
}

func (e *Error) Error() string { return e.Message }
func (e *Error) Unwrap() error { return e.Err }

// KindOf gives the kind of err, "" if it is nil or not an [*Error].
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

// late tells whether a context is over. Deadlines inside package net can be a little
// ahead of the context's own timer.
func late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// dnsProblem gives the kind of a failure to resolve a name, and the words for it.
func dnsProblem(err *net.DNSError) (Kind, string) {
	switch {
	case err.IsTimeout:
		return DNS, fmt.Sprintf("resolving %q: no name server answered", err.Name)
	case err.IsNotFound:
		return DNS, fmt.Sprintf("resolving %q: no such host", err.Name)
	}
	return DNS, fmt.Sprintf("resolving %q: %s", err.Name, err.Err)
}

// connectProblem is the same of a failure to connect to address, and
// [tlsProblem] has the words for one of TLS.
func connectProblem(err error, address string) (Kind, string) {
	var netErr net.Error
	var none *net.AddrError
	switch {
	case errors.As(err, &none): // of the family that was asked for
		return DNS, fmt.Sprintf("resolving %q: %s", none.Addr, none.Err)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.ECONNABORTED):
		return Reset, fmt.Sprintf("connecting to %s: %s", address, errnoText(err))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return Refused, fmt.Sprintf("connecting to %s: this machine has no address that leads there", address)
	case errors.Is(err, syscall.ETIMEDOUT), errors.As(err, &netErr) && netErr.Timeout():
		return Timeout, fmt.Sprintf("connecting to %s: timed out", address)
	case errnoText(err) != "":
		return Refused, fmt.Sprintf("connecting to %s: %s", address, errnoText(err))
	}
	return Proto, fmt.Sprintf("connecting to %s: %v", address, err)
}

// errnoText is the system's own word for err, "" if it has none.
func errnoText(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	return ""
}

// overloaded words what failed for want of something on this machine: file
// descriptors, buffers, memory, local ports. It is "" for everything else.
func overloaded(err error) string {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		// The resolver keeps only the text.
		dns, ok := errors.AsType[*net.DNSError](err)
		if ok && strings.Contains(dns.Err, syscall.EMFILE.Error()) {
			return syscall.EMFILE.Error()
		}
		return ""
	}
	switch errno {
	case syscall.EADDRNOTAVAIL:
		if unaddressed(err) {
			return ""
		}
		return errno.Error() + ": no local port is free"
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRINUSE:
		return errno.Error()
	}
	return ""
}

// unaddressed tells, of an error of connecting, whether this machine has no address
// that leads there, as where IPv6 is off. The system says that in the same word as
// that all ports are taken, but UDP has others, and connecting it sends nothing.
func unaddressed(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Addr == nil {
		return false
	}
	conn, err := net.Dial("udp", op.Addr.String())
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, syscall.EADDRNOTAVAIL)
}

// tlsProblem words what crypto/tls and crypto/x509 say; "" if err is not
// theirs.
func tlsProblem(err error) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the server does not speak TLS there"
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certProblem(cert.Err, cert.UnverifiedCertificates[0])
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return "the server ended it: " + strings.TrimPrefix(alert.Error(), "tls: ")
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return op.Op + ": " + strings.TrimPrefix(op.Err.Error(), "tls: ")
	}
	return ""
}

// certProblem says what is wrong with a certificate, or with one that it leans on.
func certProblem(err error, server *x509.Certificate) string {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		whose := "certificate"
		if !invalid.Cert.Equal(server) { // whose own may be good for long
			whose += fmt.Sprintf(" of authority %q", invalid.Cert.Subject.String())
		}
		if from := invalid.Cert.NotBefore; time.Now().Before(from) {
			return whose + " not valid before " + from.UTC().Format("2006-01-02 15:04 MST")
		}
		return whose + " expired " + ago(time.Since(invalid.Cert.NotAfter))
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok && unknown.Cert != nil {
		// Where there is one of that name: why it is not that.
		_, why, _ := strings.Cut(unknown.Error(), "unknown authority")
		return fmt.Sprintf("certificate signed by unknown authority %q%s", unknown.Cert.Issuer.String(), strings.ReplaceAll(why, "x509: ", ""))
	}
	text := strings.TrimPrefix(err.Error(), "x509: ")
	if other, ok := errors.AsType[x509.HostnameError](err); ok {
		// Some have a hundred names, and the one that was wanted comes last.
		const begin, most = "certificate is valid for ", 3
		end := ", not " + other.Host
		names := strings.Split(strings.TrimSuffix(strings.TrimPrefix(text, begin), end), ", ")
		if more := len(names) - most; more > 0 {
			text = fmt.Sprintf("%s%s and %d more%s", begin, strings.Join(names[:most], ", "), more, end)
		}
	}
	return text
}

// ago gives the age of what is past in the largest unit that fits.
func ago(d time.Duration) string {
	for _, u := range [...]struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if n := int(math.Floor(d.Seconds() / u.size.Seconds())); n == 1 {
			return "1 " + u.name + " ago"
		} else if n > 1 {
			return fmt.Sprintf("%d %ss ago", n, u.name)
		}
	}
	return "just now"
}
