package luaapi

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
)

// HTTP asks the stub http, and again where its answer leads if redirects are to
// be followed.
func (w *caseWorld) HTTP(ctx context.Context, host string, req *probe.HTTPRequest) (*probe.HTTPResult, error) {
	real := *req
	real.Dial = offline
	real.CA, real.Cert, real.Key, real.ProxyCA = nil, nil, nil, nil // a stub's, which has no real key to give
	if _, err := w.probes.http.Do(ctx, &real); probe.KindOf(err) == probe.Misuse {
		return nil, err
	}
	hop := *req
	hop.Method = cmp.Or(req.Method, http.MethodGet)
	for hops, before := 0, time.Duration(0); ; hops++ {
		result, err := w.hop(ctx, host, &hop)
		if err != nil {
			return nil, err
		}
		result.Cookies = probe.NextCookies(hop.Cookies, result.Header)
		hop.Cookies = result.Cookies
		result.RedirectURL = leadsTo(result)
		if result.RedirectURL == "" || req.Redirects == 0 {
			t := &result.Timing
			t.Wait, t.StartTransfer, t.Total, t.Redirect = t.Wait+before, t.StartTransfer+before, t.Total+before, before
			return result, nil
		}
		if hops == req.Redirects {
			return nil, &probe.Error{Kind: probe.Redirects, Message: fmt.Sprintf("%s %s: more redirects than allowed (%d)", hop.Method, req.URL, hops)}
		}
		before += result.Timing.Total
		if own, ok := ctx.Value(timeoutKey{}).(time.Duration); ok { // it is for all hops together
			ctx = context.WithValue(ctx, timeoutKey{}, own-result.Timing.Total)
		}
		hop.URL = result.RedirectURL
		if hop.Method != http.MethodHead && (result.Status == http.StatusSeeOther || hop.Method == http.MethodPost && result.Status < http.StatusSeeOther) {
			hop.Method, hop.Body = http.MethodGet, nil
		}
	}
}

// hop asks the stub http for one answer.
func (w *caseWorld) hop(ctx context.Context, host string, req *probe.HTTPRequest) (*probe.HTTPResult, error) {
	result := &probe.HTTPResult{Status: http.StatusOK, URL: req.URL, Proto: "1.1", Connects: 1, Header: make(http.Header)}
	what := req.Method + " " + req.URL
	err := w.ask(ctx, "http", what, func(L *lua.LState) lua.LValue {
		t := requestTable(L, host)
		t.RawSetString("method", lua.LString(req.Method))
		t.RawSetString("url", lua.LString(req.URL))
		t.RawSetString("body", lua.LString(req.Body))
		t.RawSetString("headers", headersTable(L, sentHeaders(req), newHeadersMeta(L)))
		return t
	}, func(L *lua.LState, v lua.LValue) time.Duration {
		readAnswer(L, "http", v, httpStub(result))
		result.Size = int64(len(result.Body))
		return result.Timing.Total
	})
	if err == nil {
		err = distrust(result.TLS, req.Insecure, what)
	}
	if err != nil {
		return nil, err
	}
	if result.TLS != nil {
		result.TLS.NotAfter = w.after(result.TLS.DaysLeft)
	}
	if req.Method == http.MethodHead {
		result.Body, result.Size = nil, 0
	}
	if keep := req.Keep(); len(result.Body) > keep {
		result.Body, result.Truncated = result.Body[:keep], true
	}
	return result, nil
}

// sentHeaders gives the headers that a script's request is sent with.
func sentHeaders(req *probe.HTTPRequest) http.Header {
	if len(req.Cookies) == 0 {
		return req.Header
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(req.Cookies)) {
		pairs = append(pairs, name+"="+req.Cookies[name])
	}
	header := maps.Clone(req.Header)
	if header == nil {
		header = make(http.Header)
	}
	header["Cookie"] = append([]string{strings.Join(pairs, "; ")}, header["Cookie"]...)
	return header
}

// leadsTo is the URL that an answer redirects to, "" if it does not.
func leadsTo(r *probe.HTTPResult) string {
	location := cmp.Or(r.RedirectURL, r.Header.Get("Location"))
	base, err := url.Parse(r.URL)
	if location == "" || err != nil {
		return ""
	}
	switch r.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if next, err := base.Parse(location); err == nil {
			return next.String()
		}
	}
	return ""
}

// distrust is the error of a handshake with a certificate that is not trusted,
// where that is insisted on.
func distrust(info *probe.TLSInfo, insecure bool, doing string) error {
	if info == nil || info.Verified || insecure {
		return nil
	}
	return &probe.Error{Kind: probe.TLS, Phase: "tls", Message: doing + ": " + info.VerifyError}
}
