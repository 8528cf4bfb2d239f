package luaapi

import (
	"strings"
	"testing"
)

// Beginners' mistakes with what primitives give are told where they are made.
func TestMistakesWithAnswers(t *testing.T) {
	for body, want := range map[string]string{
		`local p = pharos.http.get("http://x/") return p.text`:                     `:1: there is no field "text": valid are body, connects,`,
		`local p = pharos.http.get("http://x/") return p.staus`:                    `:1: there is no field "staus": did you mean "status"? valid are body, connects,`,
		`return pharos.http.get("http://x/").timing.sum`:                           `:1: there is no field "sum": valid are blocked,`,
		`local p = pharos.http.get("http://x/") p.own = 1 return p.own, p.nothing`: ``,
		`return pharos.http.get("http://x/").tls == nil`:                           ``,
		`return pharos.http.get{ url = "http://x/" }`:                              `want a URL, got table: write pharos.http.get(url, { ... })`,
		`local d = pharos.json.decode("{") return d.a`:                             `(just before: decoding JSON: `,
		`local d = pharos.json.decode('{"a":null}') return d.a + 1`:                `attempt to perform arithmetic on a null of JSON value (field 'a')`,
		`return pharos.json.decode('{"a":null}').a`:                                `check returned a null of JSON: want`,
		`return pharos.http.get("http://x/")`:                                      `:1: check returned an answer of pharos.http: return what you want of it, answer.timing.total for the thresholds to judge, or answer.status == 200`,
		`return pharos.exec("true")`:                                               `:1: check returned a result of pharos.exec: return what you want of it, tonumber(result.stdout) for the thresholds to judge, or result.code == 0`,
		`return { "ok", 5 }`:                                                       `:1: check returned a list: leave the braces out, return "ok", value, detail`,
		`return { status = "ok", 5 }`:                                              `:1: check returned a table with "1" (valid: again, detail, link, status, unit, value)`,
		`return self:ok("fine", { "a" })`:                                          `:1: check returned a table with "1" (valid: again,`,
		`return "7\n"`:                                                             `check gave the status "7\n", which is a number as text: return tonumber(text)`,
		`return pharos.nagios("true")`:                                             `check returned a result of pharos.nagios: return result.status, `,
		`return "green"`:                                                           `check gave the status "green" (did you mean "ok"? valid:`,
		`return "FAILED"`:                                                          `check gave the status "FAILED" (did you mean "critical"? valid:`,
		`return "error"`:                                                           `check gave the status "error" (did you mean "critical"? valid:`,
		`local x = 5`:                                                              `check returned nothing: want`,
		`local t = {} return t[0]`:                                                 `check returned nil, as of a field that is not there`,
	} {
		b := newTestBoard(t)
		b.Primitives = stubWorld()
		got := b.check(body)
		if broke := got.Value == "script error"; broke != (want != "") || !strings.Contains(got.Detail, want) {
			t.Errorf("%s = %q %q, want %s", body, got.Value, got.Detail, want)
		}
	}
}
