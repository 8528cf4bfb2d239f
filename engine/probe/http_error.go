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

// misuse is an error of the request itself, before anything was tried.
func (r *httpRun) misuse(err error) error {
	return &Error{Kind: Misuse, Message: r.doing() + ": " + err.Error(), Err: err}
}

// doing is what an error of the run begins with.
func (r *httpRun) doing() string {
	var verb string
	switch r.req.Method {
	case "", "GET":
		verb = "getting"
	case "HEAD":
		verb = "getting the head of"
	case "POST":
		verb = "posting to"
	case "PUT":
		verb = "putting"
	case "PATCH":
		verb = "patching"
	case "DELETE":
		verb = "deleting"
	default:
		verb = fmt.Sprintf("sending %q to", r.req.Method)
	}
	text := fmt.Sprintf("%s %q", verb, r.first.String())
	if r.target != r.first {
		text += fmt.Sprintf(" (redirected to %q)", r.target.String())
	}
	return text
}

// fail makes the error of the run out of that of its last hop.
func (r *httpRun) fail(h *httpHop, err error) error {
	timing := r.timing
	e := &Error{Phase: h.phase, Err: err, Timing: &timing}
	var reason string
	e.Kind, reason = h.classify(err)
	if e.Kind == Overload {
		r.client.pool.closeAll() // it may hold just what is missing
	}
	e.Message = r.doing() + ": " + reason
	return e
}

// classify finds the kind of err and the words for it.
func (h *httpHop) classify(err error) (Kind, string) {
	r := h.run
	var told *Error
	switch {
	case errors.Is(r.ctx.Err(), context.Canceled):
		return Cancelled, "cancelled " + h.activity()
	case errors.As(err, &told):
		return told.Kind, told.Message // it knows better, say whose host is silent
	case r.late():
		reason := fmt.Sprintf("timed out after %v %s", h.marks.end.Round(time.Millisecond), h.activity())
		if h.toProxy() {
			return Vantage, "the proxy: " + reason
		}
		return Timeout, reason
	case httpOverload(err) != "":
		return Overload, "Pharos is overloaded: " + httpOverload(err)
	case errors.Is(err, errHTTPRedirects):
		return Redirects, err.Error()
	case errors.Is(err, errHTTPHead):
		return TooBig, err.Error()
	}
	kind, reason := h.classifyPhase(err)
	if h.toProxy() {
		return Vantage, "the proxy: " + reason
	}
	if r.req.Dial != nil && h.phase == "connect" && kind == Proto {
		return Vantage, reason
	}
	return kind, reason
}

func (h *httpHop) classifyPhase(err error) (Kind, string) {
	var dns *net.DNSError
	var netErr net.Error
	switch {
	case errors.As(err, &dns):
		return httpDNSProblem(dns)
	case h.phase == "dns" || h.phase == "connect":
		return httpConnectProblem(err, h.address)
	case errors.Is(err, errHTTPNoH2):
		return Proto, err.Error()
	case httpBroken(err):
		return Reset, "the connection broke " + h.activity()
	case errors.As(err, &netErr) && netErr.Timeout():
		return Timeout, "timed out " + h.activity()
	}
	if reason := httpTLSProblem(err); reason != "" {
		return TLS, "tls: " + reason
	}
	if h.phase == "tls" {
		return TLS, "tls: " + strings.TrimPrefix(err.Error(), "tls: ")
	}
	return httpProtoProblem(err)
}

// activity is what the hop was at, to follow "timed out after 1 s".
func (h *httpHop) activity() string {
	switch h.phase {
	case "dns":
		return "resolving the name"
	case "connect":
		return "connecting to " + h.address.String()
	case "blocked":
		return "waiting for the proxy"
	case "tls":
		return "in the TLS handshake"
	case "send":
		return "sending the request"
	case "wait":
		return "waiting for the answer"
	}
	return fmt.Sprintf("receiving the body, after %d bytes", h.body.size)
}

// toProxy tells whether the hop got no farther than to its proxy, which is
// where it looks from, not what it looks at.
func (h *httpHop) toProxy() bool {
	return h.run.proxy != nil && (h.phase == "dns" || h.phase == "connect")
}

func httpDNSProblem(err *net.DNSError) (Kind, string) {
	switch {
	case err.IsTimeout:
		return DNS, fmt.Sprintf("resolving %q: no name server answered", err.Name)
	case err.IsNotFound:
		return DNS, fmt.Sprintf("resolving %q: no such host", err.Name)
	}
	return DNS, fmt.Sprintf("resolving %q: %s", err.Name, err.Err)
}

func httpConnectProblem(err error, address fmt.Stringer) (Kind, string) {
	var netErr net.Error
	switch {
	case errors.Is(err, errHTTPFamily):
		return Misuse, fmt.Sprintf("%s is not of the wanted address family", address)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.ECONNABORTED):
		return Reset, fmt.Sprintf("connecting to %s: %s", address, httpErrno(err))
	case errors.Is(err, syscall.ETIMEDOUT), errors.As(err, &netErr) && netErr.Timeout():
		return Timeout, fmt.Sprintf("connecting to %s: timed out", address)
	case httpErrno(err) != "":
		return Refused, fmt.Sprintf("connecting to %s: %s", address, httpErrno(err))
	}
	return Proto, fmt.Sprintf("connecting to %s: %v", address, err)
}

// httpErrno is the system's own word for err, "" if it has none.
func httpErrno(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	return ""
}

// httpOverload words what failed for want of something on this machine: file
// descriptors, buffers, memory, local ports. It is "" for everything else.
func httpOverload(err error) string {
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
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE:
		return errno.Error()
	}
	return ""
}

// httpTLSProblem words what crypto/tls and crypto/x509 say; "" if err is not
// theirs.
func httpTLSProblem(err error) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the server does not speak TLS there"
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return httpCertProblem(cert.Err)
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return "the server ended it: " + strings.TrimPrefix(alert.Error(), "tls: ")
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return op.Op + ": " + strings.TrimPrefix(op.Err.Error(), "tls: ")
	}
	return ""
}

// httpCertProblem says what is wrong with a certificate.
func httpCertProblem(err error) string {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		if from := invalid.Cert.NotBefore; time.Now().Before(from) {
			return "certificate not valid before " + from.UTC().Format("2006-01-02 15:04 MST")
		}
		return "certificate expired " + httpAgo(time.Since(invalid.Cert.NotAfter))
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok && unknown.Cert != nil {
		return fmt.Sprintf("certificate signed by unknown authority %q", unknown.Cert.Issuer.String())
	}
	return strings.TrimPrefix(err.Error(), "x509: ")
}

// httpAgo gives the age of what is past in the largest unit that fits.
func httpAgo(d time.Duration) string {
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

// httpProtoProblem words what is not HTTP. net/http's texts quote at most a
// line of the answer.
func httpProtoProblem(err error) (Kind, string) {
	text := strings.TrimPrefix(err.Error(), "net/http: ")
	if strings.Contains(text, "larger than advertised limit") {
		return TooBig, errHTTPHead.Error()
	}
	return Proto, bounded(text, 200)
}
