package probe

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
)

// errHTTPRedirects is a redirect that is not followed though following was
// asked for.
var errHTTPRedirects = errors.New("more redirects than allowed")

func tooManyRedirects(allowed int) error { return fmt.Errorf("%w (%d)", errHTTPRedirects, allowed) }

// redirect decides where the answer leads; nil is nowhere.
func (r *httpRun) redirect(res *HTTPResult) (*httpTarget, error) {
	location := res.Header.Get("Location")
	if location == "" || !httpRedirects(res.Status) {
		return nil, nil
	}
	next, err := r.resolve(location)
	if err == nil {
		res.RedirectURL = next.String()
	}
	switch {
	case r.req.Redirects <= 0:
		return nil, nil // a bad Location is then no concern of ours
	case err != nil:
		return nil, fmt.Errorf("following the redirect to %q: %w", RedactURL(location), err)
	case len(r.hops) >= r.req.Redirects:
		return nil, tooManyRedirects(r.req.Redirects)
	}
	r.rewrite(res.Status, next)
	r.jar.take(r.target, res.Header)
	r.jar.attach(&r.message, next)
	return next, nil
}

func httpRedirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// resolve reads a Location. The URL's user goes along within the origin, as in
// a browser, also if the server writes the whole URL out.
func (r *httpRun) resolve(location string) (*httpTarget, error) {
	ref, err := url.Parse(httpEscape(location))
	if err != nil {
		return nil, errors.New(httpParseReason(err))
	}
	next, err := httpCheckURL(r.target.url.ResolveReference(ref))
	if err == nil && next.url.User == nil && r.target.url.User != nil && r.target.sameOrigin(next) {
		next.url.User = r.target.url.User
		next.text = httpMaskURL(next.url)
	}
	return next, err
}

// httpCredentials are the headers that stay with the origin that they were
// given for.
var httpCredentials = []string{"Authorization", "Cookie", "Proxy-Authorization"}

// rewrite makes the message fit for next, by the rules of browsers (Fetch
// standard, HTTP-redirect fetch): a POST becomes a GET on 301 and 302,
// everything but HEAD does on 303; credentials stay with their origin.
func (r *httpRun) rewrite(status int, next *httpTarget) {
	m := &r.message
	toGet := status == http.StatusSeeOther && m.method != http.MethodHead ||
		(status == http.StatusMovedPermanently || status == http.StatusFound) && m.method == http.MethodPost
	away := !r.target.sameOrigin(next)
	if toGet {
		m.method, m.body = http.MethodGet, nil
	}
	if !toGet && !away {
		return
	}
	m.header = m.header.Clone()
	for name := range m.header {
		if toGet && strings.HasPrefix(name, "Content-") || away && slices.Contains(httpCredentials, name) {
			delete(m.header, name)
		}
	}
	if away {
		m.host = ""
	}
}

// httpJar holds the cookies of one run, the given ones and those set on the
// way, as a browser does that starts afresh.
type httpJar struct {
	jar   *cookiejar.Jar
	given []string // for the first origin, as name=value
	first *httpTarget
}

// newHTTPJar takes the given cookies, which are for first.
func newHTTPJar(given string, first *httpTarget) *httpJar {
	j := &httpJar{first: first}
	if given != "" {
		j.given = strings.Split(given, "; ")
	}
	return j
}

// take remembers what t's answer set, or took away.
func (j *httpJar) take(t *httpTarget, header http.Header) {
	if len(header["Set-Cookie"]) == 0 {
		return
	}
	if j.jar == nil {
		j.jar, _ = cookiejar.New(nil) // fails never
	}
	cookies := (&http.Response{Header: header}).Cookies()
	j.jar.SetCookies(t.url, cookies)
	if j.first.sameOrigin(t) {
		j.given = slices.DeleteFunc(j.given, func(pair string) bool {
			return slices.ContainsFunc(cookies, func(c *http.Cookie) bool { return strings.HasPrefix(pair, c.Name+"=") })
		})
	}
}

// attach puts into m the cookies that are for t.
func (j *httpJar) attach(m *httpMessage, t *httpTarget) {
	var pairs []string
	if j.jar != nil {
		for _, c := range j.jar.Cookies(t.url) {
			pairs = append(pairs, c.Name+"="+httpCookieValue(c))
		}
	}
	if j.first.sameOrigin(t) {
		pairs = append(pairs, j.given...)
	}
	m.cookie = strings.Join(pairs, "; ")
}
