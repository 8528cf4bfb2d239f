package probe

import (
	"maps"
	"net/http"
	"time"

	"golang.org/x/net/http/httpguts"
)

// NextCookies gives, by name, the cookies to send after an answer with that
// header: those that were had, and what the header sets or takes away (RFC 6265,
// 4.1). Which of them are for which host and path is not kept. had is left as it
// is.
func NextCookies(had map[string]string, header http.Header) map[string]string {
	lines := header["Set-Cookie"]
	if len(lines) == 0 {
		return had
	}
	next := maps.Clone(had)
	if next == nil {
		next = make(map[string]string, len(lines))
	}
	for _, line := range lines {
		c, err := http.ParseSetCookie(line)
		if err != nil || !httpguts.ValidHeaderFieldName(c.Name) {
			continue // a browser ignores it too
		}
		if c.MaxAge < 0 || c.MaxAge == 0 && !c.Expires.IsZero() && c.Expires.Before(time.Now()) {
			delete(next, c.Name)
			continue
		}
		next[c.Name] = httpCookieValue(c)
	}
	return next
}

// httpCookieValue is the value as it came: net/http takes the quotes off, which are
// part of it (RFC 6265, 5.2).
func httpCookieValue(c *http.Cookie) string {
	if c.Quoted {
		return `"` + c.Value + `"`
	}
	return c.Value
}
