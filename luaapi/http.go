package luaapi

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

var httpOptions = []string{
	"method", "headers", "body", "form", "json", "timeout", "redirects", "keepalive", "ip", "resolve", "unix",
	"proxy", "proxy_ca", "insecure", "ca", "cert", "key", "server_name", "basic", "bearer", "cookies", "max_body", "http", "ssh_host",
}

const (
	httpMaxBody      = 64 << 20 // the most that max_body may ask for
	httpMaxRedirects = 50
	outputFromBody   = 1024 // bytes of a page kept as evidence
)

// httpModule is pharos.http: get, head, post, put, patch, delete and request.
func (s *script) httpModule(L *lua.LState) lua.LValue {
	verb := func(method string) lua.LGFunction {
		of := "pharos.http." + strings.ToLower(method)
		return func(L *lua.LState) int { return s.http(L, of, method) }
	}
	return s.newModule(L, "pharos.http",
		member{"get", verb(http.MethodGet)},
		member{"head", verb(http.MethodHead)},
		member{"post", verb(http.MethodPost)},
		member{"put", verb(http.MethodPut)},
		member{"patch", verb(http.MethodPatch)},
		member{"delete", verb(http.MethodDelete)},
		member{"request", func(L *lua.LState) int { return s.http(L, "pharos.http.request", "") }},
		member{"sse", s.httpSSE},
	)
}

// httpCall is one call of pharos.http.
type httpCall struct {
	probe.HTTPRequest
	calling
	script *script
	of     string
	json   lua.LValue // to become the body; nil if it was not given
	bodies int        // how many of body, form and json were given
	auths  int        // how many of basic, bearer and the header Authorization
	pems   pemFiles
}

// http makes the request (url, options) and leaves its answer, or nil and an
// error with the partial timing.
func (s *script) http(L *lua.LState, of, method string) int {
	answer, err := s.fetch(L, s.readHTTP(L, of, 2, httpOptions, method, 0))
	if err != nil {
		return s.pushError(L, err)
	}
	L.Push(s.answerTable(L, answer))
	return 1
}

// fetch makes the request, and keeps the evidence.
func (s *script) fetch(L *lua.LState, call *httpCall) (*probe.HTTPResult, error) {
	e := &Event{Kind: "http", Host: call.host}
	if runOf(L).trace != nil {
		e.Text = cmp.Or(call.Method, http.MethodGet) + " " + probe.RedactURL(call.URL)
	}
	answer, err := reach(s, L, e, call.timeout, func(ctx context.Context) (*probe.HTTPResult, error) {
		if err := call.pems.read(ctx, s, &call.CA, &call.Cert, &call.Key, &call.ProxyCA); err != nil {
			return nil, err
		}
		return s.primitives.HTTP(ctx, call.host, &call.HTTPRequest)
	})
	if err == nil {
		e.Timing, e.Outcome = &answer.Timing, strconv.Itoa(answer.Status)
	}
	s.done(L, e)
	if err != nil {
		return nil, err
	}
	vm.Charge(L, len(answer.Body)/64)
	r := runOf(L)
	r.output = r.startOf(answer.Body)
	return answer, nil
}

// readHTTP reads a URL and, at argument n, the options of a request that has this
// method and follows so many redirects without them.
func (s *script) readHTTP(L *lua.LState, of string, n int, valid []string, method string, redirects int) *httpCall {
	call := s.newHTTPCall(L, of, L.Get(1))
	call.Method, call.Redirects = method, redirects
	readOptions(L, n, of, valid, call.set)
	call.check(L)
	return call
}

// check raises what is wrong with the options together, and makes the body of
// the option json.
func (c *httpCall) check(L *lua.LState) {
	if c.bodies > 1 {
		L.RaiseError("cannot call %s: want one of body, form and json, got %d", c.of, c.bodies)
	}
	if c.auths > 1 {
		L.RaiseError("cannot call %s: want one of basic, bearer and the header Authorization, got %d", c.of, c.auths)
	}
	if c.json != nil {
		c.encodeJSON(L)
	}
}

func (s *script) newHTTPCall(L *lua.LState, of string, address lua.LValue) *httpCall {
	text, ok := address.(lua.LString)
	if !ok {
		hint := ""
		if _, ok := address.(*lua.LTable); ok {
			hint = fmt.Sprintf(": write %s(url, { ... })", of)
		}
		L.RaiseError("cannot call %s: want a URL, got %s%s", of, typeName(address), hint)
	}
	return &httpCall{HTTPRequest: probe.HTTPRequest{URL: string(text)}, script: s, of: of}
}

func (c *httpCall) set(name string, v lua.LValue) error {
	switch name {
	case "method":
		if c.of != "pharos.http.request" {
			return fmt.Errorf("the method is %s's own: use pharos.http.request", c.of)
		}
		if err := setText(&c.Method, v); err != nil {
			return err
		}
		c.Method = strings.ToUpper(c.Method)
		return nil
	case "redirects":
		return setCount(&c.Redirects, v, 0, httpMaxRedirects)
	case "keepalive":
		return setBool(&c.KeepAlive, v)
	case "ip":
		return setFamily(&c.IP, v)
	case "unix":
		return setText(&c.Unix, v)
	case "proxy":
		return setText(&c.Proxy, v)
	case "insecure":
		return setBool(&c.Insecure, v)
	case "server_name":
		return setText(&c.ServerName, v)
	case "max_body":
		err := setCount(&c.MaxBody, v, 0, httpMaxBody)
		if c.MaxBody == 0 {
			c.MaxBody = -1 // none, where the probe's 0 is the default
		}
		return err
	case "http":
		return setText(&c.HTTP, v)
	}
	return c.setContent(name, v)
}

// setContent reads the options that are more than one plain value.
func (c *httpCall) setContent(name string, v lua.LValue) error {
	switch name {
	case "headers":
		return c.setHeaders(v)
	case "body":
		c.bodies++
		return setBytes(&c.Body, v)
	case "form":
		return c.setForm(v)
	case "json":
		c.bodies++
		c.json = v
		return nil
	case "resolve":
		return c.setResolve(v)
	case "cookies":
		return setMap(&c.Cookies, v)
	case "ca":
		return c.pems.set(name, &c.CA, v)
	case "proxy_ca":
		return c.pems.set(name, &c.ProxyCA, v)
	case "cert":
		return c.pems.set(name, &c.Cert, v)
	case "key":
		return c.pems.set(name, &c.Key, v)
	case "basic":
		c.auths++
		return c.setBasic(v)
	case "bearer":
		c.auths++
		var token string
		if err := setText(&token, v); err != nil {
			return err
		}
		c.header().Set("Authorization", "Bearer "+token)
		return nil
	}
	return c.calling.set(name, v)
}

func (c *httpCall) header() http.Header {
	if c.Header == nil {
		c.Header = make(http.Header)
	}
	return c.Header
}

func setMap(to *map[string]string, v lua.LValue) error {
	names, values, err := stringMap(v)
	if err != nil {
		return err
	}
	*to = make(map[string]string, len(names))
	for i, name := range names {
		(*to)[name] = values[i]
	}
	return nil
}

// setResolve takes addresses by the name of a host, or host:port. Names are
// kept as DNS knows them.
func (c *httpCall) setResolve(v lua.LValue) error {
	var given map[string]string
	if err := setMap(&given, v); err != nil {
		return err
	}
	c.Resolve = make(map[string]string, len(given))
	for name, to := range given {
		host, port, err := net.SplitHostPort(name)
		if err != nil {
			host, port = name, ""
		}
		ascii, err := probe.ASCIIHost(host)
		if err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		if port != "" {
			ascii = net.JoinHostPort(ascii, port)
		}
		c.Resolve[ascii] = to
	}
	return nil
}

// setHeaders takes what readHeaders reads; one without a text is left out that
// would be sent otherwise.
func (c *httpCall) setHeaders(v lua.LValue) error {
	given, err := readHeaders(v)
	if err != nil {
		return err
	}
	if _, has := given["Authorization"]; has {
		c.auths++
	}
	maps.Copy(c.header(), given)
	return nil
}

// readHeaders reads text by name, or a list of texts for a name that there is more
// than once; false is a name without any.
func readHeaders(v lua.LValue) (http.Header, error) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return nil, wantType("a table", v)
	}
	header, written := make(http.Header), make(map[string]string)
	var total textBytes
	for k, v := range vm.Pairs(t) {
		name, ok := k.(lua.LString)
		if !ok {
			return nil, wantType("names with text", k)
		}
		var values []string
		if list, ok := v.(*lua.LTable); ok {
			var err error
			if values, err = stringList(list); err != nil {
				return nil, err
			}
		} else if v != lua.LFalse {
			value, ok := scalarText(v)
			if !ok {
				return nil, wantType(fmt.Sprintf("text for %q", string(name)), v)
			}
			values = []string{value}
		}
		if err := cmp.Or(total.add(string(name)), total.add(values...)); err != nil {
			return nil, err
		}
		key := http.CanonicalHeaderKey(string(name))
		if other, twice := written[key]; twice { // which of them would win is not for chance to say
			return nil, fmt.Errorf("%q and %q are one header: want it once, with a list for several values", other, string(name))
		}
		header[key], written[key] = values, string(name)
	}
	return header, nil
}

// defaultHeader sets a header that the script did not.
func (c *httpCall) defaultHeader(name, value string) {
	if _, given := c.header()[name]; !given {
		c.header().Set(name, value)
	}
}

func (c *httpCall) setForm(v lua.LValue) error {
	c.bodies++
	names, values, err := stringMap(v)
	if err != nil {
		return err
	}
	var form strings.Builder
	for i, name := range names {
		if i > 0 {
			form.WriteByte('&')
		}
		form.WriteString(url.QueryEscape(name) + "=" + url.QueryEscape(values[i]))
	}
	c.Body = []byte(form.String())
	c.defaultHeader("Content-Type", "application/x-www-form-urlencoded")
	return nil
}

func (c *httpCall) encodeJSON(L *lua.LState) {
	e := jsonEncoder{kinds: c.script.json, L: L, path: make(map[*lua.LTable]bool)}
	if err := e.value(c.json, 0); err != nil {
		L.RaiseError("cannot use option \"json\" of %s: %s", c.of, err)
	}
	c.Body = e.out
	c.defaultHeader("Content-Type", "application/json")
}

// setBasic takes "user:password" or {user, password}.
func (c *httpCall) setBasic(v lua.LValue) error {
	credentials, ok := v.(lua.LString)
	if t, isTable := v.(*lua.LTable); isTable {
		pair, err := stringList(t)
		if err != nil || len(pair) != 2 {
			return errors.New("want {user, password}")
		}
		credentials, ok = lua.LString(pair[0]+":"+pair[1]), true
	}
	if !ok {
		return wantType(`"user:password" or {user, password}`, v)
	}
	c.header().Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
	return nil
}
