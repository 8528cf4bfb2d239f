package probe

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/idna"
)

// httpTarget is a URL that was found good. It is shared, and never written to.
type httpTarget struct {
	url  *url.URL // as given, without fragment
	host string   // ASCII, without brackets, with its zone
	port string
	text string // the URL, fit to be shown
}

// httpTargets remembers targets by their URLs: a watcher asks for the same in
// every run. The zero value is empty.
type httpTargets struct {
	mu    sync.RWMutex
	known map[string]*httpTarget
}

// httpTargetsMax bounds what is remembered; all of it is forgotten then, so
// that URLs which are never the same cost no more than to be read.
const (
	httpTargetsMax = 32 << 10 // more than a board has watchers: with fewer it would read every URL in every run
	httpTargetMax  = 512      // bytes of a URL that is remembered
)

func (k *httpTargets) parse(raw string) (*httpTarget, error) {
	k.mu.RLock()
	t := k.known[raw]
	k.mu.RUnlock()
	if t != nil {
		return t, nil
	}
	t, err := httpParseTarget(raw)
	if err != nil || len(raw) > httpTargetMax {
		return t, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil || len(k.known) >= httpTargetsMax {
		k.known = make(map[string]*httpTarget)
	}
	k.known[strings.Clone(raw)] = t
	return t, nil
}

// httpParseTarget reads a URL as curl does: without a scheme it is http. Its
// errors do not repeat credentials, which net/url's would.
func httpParseTarget(raw string) (*httpTarget, error) {
	given := raw
	misuse := func(reason string) error {
		return &Error{Kind: Misuse, Message: fmt.Sprintf("reading URL %q: %s", RedactURL(given), reason)}
	}
	if !httpHasScheme(raw) {
		raw = "http://" + raw
	}
	u, err := url.Parse(httpEscape(raw))
	if err != nil {
		return nil, misuse(httpParseReason(err))
	}
	t, err := httpCheckURL(u)
	if err != nil {
		return nil, misuse(err.Error())
	}
	return t, nil
}

// URLHost gives the host that a request to a URL goes to. The error says what is
// wrong with a URL that cannot be asked for.
func URLHost(raw string) (string, error) {
	t, err := httpParseTarget(raw)
	if err != nil {
		return "", err
	}
	return t.host, nil
}

func httpHasScheme(raw string) bool {
	scheme, _, ok := strings.Cut(raw, "://")
	return ok && scheme != "" && !strings.ContainsAny(scheme, "/?#@:[ ")
}

// httpEscape encodes spaces and raw bytes behind the host, as browsers do.
// net/url would let them pass in a query, where they break the request line,
// and in a path forget what was encoded before.
func httpEscape(raw string) string {
	from := 0
	if _, rest, ok := strings.Cut(raw, "//"); ok && (httpHasScheme(raw) || strings.HasPrefix(raw, "//")) {
		from = len(raw)
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			from += i - len(rest)
		}
	}
	clean := true
	for i := from; i < len(raw); i++ {
		clean = clean && raw[i] != ' ' && raw[i] < 0x80
	}
	if clean {
		return raw
	}
	b := []byte(raw[:from])
	for i := from; i < len(raw); i++ {
		if c := raw[i]; c == ' ' || c >= 0x80 {
			b = fmt.Appendf(b, "%%%02X", c)
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// httpParseReason is the part of a url.Parse error that quotes nothing of the
// user's, or as little as possible.
func httpParseReason(err error) string {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	var host url.InvalidHostError
	var escape url.EscapeError
	switch {
	case errors.As(err, &host), errors.As(err, &escape):
		return err.Error()
	case strings.Contains(err.Error(), "control character"):
		return "it has a control character in it"
	case strings.Contains(err.Error(), "invalid port"):
		return "its port is not a number"
	case strings.Contains(err.Error(), "userinfo"):
		return "its user or password has a character that must be %-encoded"
	}
	return "it is not a URL"
}

func httpCheckURL(u *url.URL) (*httpTarget, error) {
	t := &httpTarget{url: u, port: u.Port()}
	switch u.Scheme {
	case "http", "https":
	default:
		return nil, fmt.Errorf("its scheme is %q, want http or https", u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, errors.New("it names no host")
	}
	if t.port == "" {
		t.port = "80"
		if u.Scheme == "https" {
			t.port = "443"
		}
	}
	if _, err := strconv.ParseUint(t.port, 10, 16); err != nil {
		return nil, fmt.Errorf("its port is %s, want one up to 65535", t.port)
	}
	host, err := ASCIIHost(u.Hostname())
	if err != nil {
		return nil, err
	}
	t.host = host
	u.Fragment, u.RawFragment = "", ""
	if u.Path == "" {
		u.Path = "/"
	}
	t.text = httpMaskURL(u)
	return t, nil
}

// ASCIIHost is the name of a host as DNS, SNI and the Host header know it.
func ASCIIHost(host string) (string, error) {
	ascii := true
	for i := range len(host) {
		switch b := host[i]; {
		case b >= 0x80:
			ascii = false
		case b <= ' ', b == 0x7f, strings.IndexByte(`"<>\^`+"`{|}", b) >= 0:
			return "", fmt.Errorf("its host has the character %q in it", b)
		}
	}
	if ascii {
		return host, nil
	}
	name, err := idna.Lookup.ToASCII(host)
	if err != nil {
		return "", fmt.Errorf("its host is not a domain name: %w", err)
	}
	return name, nil
}

func (t *httpTarget) https() bool { return t.url.Scheme == "https" }

func (t *httpTarget) addr() string { return net.JoinHostPort(t.host, t.port) }

func (t *httpTarget) String() string { return t.text }

// authority is what the Host header says: the port only if it is unusual, and
// never a zone, which means something on this machine only.
func (t *httpTarget) authority() string {
	host, _, _ := strings.Cut(t.host, "%")
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if t.url.Port() == "" || t.https() && t.port == "443" || !t.https() && t.port == "80" {
		return host
	}
	return host + ":" + t.port
}

// sameOrigin tells whether credentials for t may go to o.
func (t *httpTarget) sameOrigin(o *httpTarget) bool {
	return t.url.Scheme == o.url.Scheme && strings.EqualFold(t.host, o.host) && t.port == o.port
}

// literal is the host as an address, if it is one.
func (t *httpTarget) literal() (netip.Addr, bool) {
	if c := t.host[len(t.host)-1]; (c < '0' || c > '9') && !strings.Contains(t.host, ":") {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(t.host)
	return ip, err == nil
}

func httpMaskURL(u *url.URL) string {
	if u.User == nil {
		return u.String()
	}
	masked := *u
	if _, ok := u.User.Password(); ok {
		masked.User = url.UserPassword(u.User.Username(), "xxxxx")
	} else {
		masked.User = url.User("xxxxx")
	}
	return masked.String()
}

// RedactURL is a URL without its secrets, fit to be shown: the password is
// masked, or the user when it stands alone, as a token does. Text that is no
// URL is masked where its credentials would be.
func RedactURL(raw string) string {
	if u, err := url.Parse(raw); err == nil && u.Host != "" {
		return httpMaskURL(u)
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		scheme, rest = "", raw
	} else {
		scheme += "://"
	}
	// A password with a raw / or ? or # in it is the reason why it does not
	// parse: mask up to the last @ there is.
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, _, hasPassword := strings.Cut(rest[:at], ":")
		if hasPassword {
			return scheme + user + ":xxxxx" + rest[at:]
		}
		return scheme + "xxxxx" + rest[at:]
	}
	return raw
}
