package web

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// harden holds for every request, known route or not: read-only methods, no
// body, a Host that is ours, and the headers that keep a browser from doing
// more with an answer than show it.
func (s *Server) harden(next echo.HandlerFunc) echo.HandlerFunc {
	hosts := newHostCheck(s.cfg.Host, s.cfg.AllowedHosts)
	headers := securityHeaders(s.cfg.FrameAncestors)
	if s.cfg.Auth != nil {
		next = s.cfg.Auth.require(next)
	}
	return func(c echo.Context) error {
		r, h := c.Request(), c.Response().Header()
		for name, value := range headers {
			h.Set(name, value)
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			refuseBody(c)
			return echo.NewHTTPError(http.StatusMethodNotAllowed, fmt.Sprintf("method %s: only GET and HEAD are answered", r.Method))
		}
		if r.ContentLength != 0 {
			refuseBody(c)
			return echo.NewHTTPError(http.StatusRequestEntityTooLarge, "a request takes no body")
		}
		if !hosts.allows(r.Host) {
			return echo.NewHTTPError(http.StatusMisdirectedRequest,
				fmt.Sprintf("host %q is not one of this board's names: start pharosd with --allowed-host %s to let it in", r.Host, hostName(r.Host)))
		}
		return next(c)
	}
}

// refuseBody ends the connection after the answer and gives the body, which
// net/http would read, a second to be over.
func refuseBody(c echo.Context) {
	c.Response().Header().Set("Connection", "close")
	// Not every ResponseWriter has deadlines; the one of a listener does.
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(time.Second))
}

// limitAnswer bounds the time in which an ordinary answer may be written.
func limitAnswer(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(answerTimeout))
		return next(c)
	}
}

// refuseCrossSite refuses what another site's page asks for in the name of a
// viewer who happens to reach the board. Browsers say so; others do not ask in
// anybody's name.
func refuseCrossSite(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Add("Vary", "Sec-Fetch-Site")
		if c.Request().Header.Get("Sec-Fetch-Site") == "cross-site" {
			return echo.NewHTTPError(http.StatusForbidden, "requests from other sites are refused")
		}
		return next(c)
	}
}

func securityHeaders(frameAncestors []string) map[string]string {
	ancestors := "'none'"
	if len(frameAncestors) > 0 {
		ancestors = strings.Join(frameAncestors, " ")
	}
	inline := sha256.Sum256([]byte(partialScript))
	return map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self' 'sha256-" + base64.StdEncoding.EncodeToString(inline[:]) + "'; style-src 'self'; img-src 'self' data:; " +
			"connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors " + ancestors,
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
		"Cache-Control":                "no-store", // but for what says otherwise itself
	}
}

// hostCheck tells the board's own names from those that somebody made resolve
// to its address, to read it through a viewer's browser (DNS rebinding).
type hostCheck struct {
	names    map[string]bool
	suffixes []string // ".example.org"
}

func newHostCheck(host string, allowed []string) *hostCheck {
	h := &hostCheck{names: map[string]bool{"localhost": true}}
	machine, _ := os.Hostname() // without one there is a name less
	for _, name := range []string{host, machine} {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if name == "" {
			continue
		}
		short, _, _ := strings.Cut(name, ".")
		h.names[name], h.names[short], h.names[short+".local"] = true, true, true
	}
	for _, name := range allowed {
		name = hostName(name)
		if suffix, ok := strings.CutPrefix(name, "*"); ok {
			h.suffixes = append(h.suffixes, suffix)
			continue
		}
		h.names[name] = true
	}
	return h
}

// allows judges the Host header. IP literals pass, as nobody can make one
// resolve to something else; so does none at all, which no browser sends.
func (h *hostCheck) allows(hostport string) bool {
	if hostport == "" {
		return true
	}
	name := hostName(hostport)
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	if h.names[name] || strings.HasSuffix(name, ".localhost") {
		return true
	}
	return slices.ContainsFunc(h.suffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

// hostName is a Host header's name alone: no port, brackets or final dot, in
// lower case.
func hostName(hostport string) string {
	name := hostport
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		name = host
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
