package probe

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// httpMessage is what one hop sends, wherever it goes.
type httpMessage struct {
	method string
	header http.Header // canonical names, checked; shared with the caller, never written to
	host   string      // overrides the Host header, "" does not
	cookie string
	body   []byte
}

// newHTTPMessage checks all that would go on the wire: nothing in it may end a
// line early.
func newHTTPMessage(req *HTTPRequest) (httpMessage, error) {
	m := httpMessage{method: cmp.Or(req.Method, http.MethodGet), body: req.Body}
	if !httpguts.ValidHeaderFieldName(m.method) || m.method == http.MethodConnect {
		return m, fmt.Errorf("method %q cannot be sent", m.method)
	}
	if len(req.Header) > 0 {
		m.header = make(http.Header, len(req.Header))
	}
	for name, values := range req.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return m, fmt.Errorf("header name %q cannot be sent", name)
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return m, fmt.Errorf("the value of header %q cannot be sent: it has a control character in it", name)
			}
		}
		switch name = http.CanonicalHeaderKey(name); name {
		case "Host":
			if len(values) != 1 || !httpguts.ValidHostHeader(values[0]) || values[0] == "" {
				return m, fmt.Errorf("header Host is %q, want one host", values)
			}
			m.host = values[0]
		case "Content-Length":
			if len(values) != 1 || values[0] != strconv.Itoa(len(m.body)) {
				return m, fmt.Errorf("header Content-Length is %q, want none or the body's %d", values, len(m.body))
			}
		case "Transfer-Encoding", "Trailer", "Te":
			return m, fmt.Errorf("header %s cannot be set: a body is sent with its length", name)
		default:
			m.header[name] = append(m.header[name], values...)
		}
	}
	return m, m.setCookies(req.Cookies)
}

func (m *httpMessage) setCookies(cookies map[string]string) error {
	if len(cookies) == 0 {
		return nil
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(cookies)) {
		value := cookies[name]
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("cookie name %q cannot be sent", name)
		}
		if strings.ContainsAny(value, ";\x7f") || !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("the value of cookie %q cannot be sent: it has a semicolon or a control character in it", name)
		}
		pairs = append(pairs, name+"="+value)
	}
	m.cookie = strings.Join(pairs, "; ")
	return nil
}

// hasLength tells whether a Content-Length goes out: also for an empty body
// where one is expected (RFC 9110, 8.6).
func (m *httpMessage) hasLength() bool {
	return len(m.body) > 0 || m.method == http.MethodPost || m.method == http.MethodPut || m.method == http.MethodPatch
}

// idempotent tells whether it may be sent again after a kept connection broke.
func (m *httpMessage) idempotent() bool {
	switch m.method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// fields calls add for each header but Host and Content-Length.
func (m *httpMessage) fields(t *httpTarget, add func(name, value string)) {
	for _, d := range [...][2]string{{"User-Agent", "Pharos"}, {"Accept", "*/*"}} {
		if _, set := m.header[d[0]]; !set {
			add(d[0], d[1])
		}
	}
	if _, set := m.header["Authorization"]; !set && t.url.User != nil {
		add("Authorization", httpBasic(t))
	}
	if m.cookie != "" {
		add("Cookie", m.cookie)
	}
	if len(m.header) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(m.header)) {
		for _, v := range m.header[name] {
			add(name, v)
		}
	}
}

// httpBasic is the value of an Authorization header for t's user.
func httpBasic(t *httpTarget) string {
	password, _ := t.url.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(t.url.User.Username()+":"+password))
}

func (m *httpMessage) authority(t *httpTarget) string {
	if m.host != "" {
		return m.host
	}
	return t.authority()
}

// head is the request up to the body, in HTTP/1.1. With a proxy in between the
// request line has the whole URL, and the proxy's credentials come with it.
func (m *httpMessage) head(t, proxy *httpTarget) []byte {
	b := make([]byte, 0, 512)
	b = append(append(b, m.method...), ' ')
	if proxy != nil {
		b = append(append(b, "http://"...), t.authority()...)
	}
	b = append(append(b, t.url.RequestURI()...), " HTTP/1.1\r\n"...)
	add := func(name, value string) {
		b = append(append(b, name...), ": "...)
		b = append(append(b, value...), "\r\n"...)
	}
	add("Host", m.authority(t))
	m.fields(t, add)
	if m.hasLength() {
		add("Content-Length", strconv.Itoa(len(m.body)))
	}
	if proxy != nil && proxy.url.User != nil {
		add("Proxy-Authorization", httpBasic(proxy))
	}
	return append(b, "\r\n"...)
}
