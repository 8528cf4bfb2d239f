package probe

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
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
	case late(r.ctx):
		reason := fmt.Sprintf("timed out after %v %s", h.marks.end.Round(time.Millisecond), h.activity())
		if h.toProxy() && h.phase != "blocked" { // where it may wait for whom it leads to
			return Vantage, "the proxy: " + reason
		}
		return Timeout, reason
	case overloaded(err) != "":
		return Overload, "Pharos is overloaded: " + overloaded(err)
	case errors.Is(err, errHTTPRedirects):
		return Redirects, err.Error()
	case errors.Is(err, errHTTPHead):
		return TooBig, err.Error()
	}
	kind, reason := h.classifyPhase(err)
	if h.toProxy() {
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
			reason += " (option proxy_ca says whom to trust there; insecure and ca are the server's)"
		}
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
		return dnsProblem(dns)
	case errors.Is(err, errHTTPFamily):
		return Misuse, fmt.Sprintf("%s is not of the wanted address family", h.address)
	case h.phase == "dns" || h.phase == "connect":
		return connectProblem(err, h.address.String())
	case errors.Is(err, errHTTPNoH2):
		return Proto, err.Error()
	case httpBroken(err):
		return Reset, "the connection broke " + h.activity()
	case errors.As(err, &netErr) && netErr.Timeout():
		return Timeout, "timed out " + h.activity()
	}
	if reason := tlsProblem(err); reason != "" {
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
	return h.run.proxy != nil && (h.phase == "dns" || h.phase == "connect" || h.phase == "blocked")
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
