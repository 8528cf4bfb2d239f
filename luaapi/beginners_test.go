package luaapi

import (
	"strings"
	"testing"
)

// Beginners' mistakes with what primitives give are told where they are made.
func TestMistakesWithAnswers(t *testing.T) {
	for body, want := range map[string]string{
		`local p = pharos.http.get("http://x/") return p.text`:                             `:1: there is no field "text" (did you mean "body"? valid: body, connects,`,
		`return pharos.http.get("http://x/").timing.sum`:                                   `:1: there is no field "sum" (valid: blocked,`,
		`return pharos.exec("x").exitcode`:                                                 `:1: there is no field "exitcode" (did you mean "code"? valid: code, elapsed, signal,`,
		`return pharos.exec("x").signal == nil`:                                            ``,
		`return pharos.ssh("web-1"):exec("x").stdeer`:                                      `:1: there is no field "stdeer" (did you mean "stderr"?`,
		`return pharos.nagios("x").performance`:                                            `:1: there is no field "performance" (valid: code,`,
		`return pharos.nagios("x").perf[1].name`:                                           `:1: there is no field "name" (valid: crit, label,`,
		`return pharos.nagios("x").perf[1].unit == nil and not pharos.nagios("x").perf[2]`: ``,
		`return pharos.tcp("h:1").answer`:                                                  `:1: there is no field "answer" (valid: lines,`,
		`return pharos.tcp("h:1").tls == nil`:                                              ``,
		`return pharos.tls("h:1").day_left`:                                                `:1: there is no field "day_left" (did you mean "days_left"?`,
		`return pharos.tls("h:1").verify_error == nil`:                                     ``,
		`return pharos.dns("x").value`:                                                     `:1: there is no field "value" (did you mean "values"?`,
		`return pharos.dns("x").records[1].prio`:                                           `:1: there is no field "prio" (did you mean "priority"?`,
		`return pharos.dns("x").records[1].priority == nil`:                                ``,
		`return pharos.ping("x").rtt`:                                                      `:1: there is no field "rtt" (did you mean "avg"?`,
		`return pharos.ping("x").hint == nil`:                                              ``,
		`return pharos.file.stat(".").modified`:                                            `:1: there is no field "modified" (did you mean "mtime"?`,
		`return pharos.file.newest("*").name`:                                              `:1: there is no field "name" (valid: age,`,
		`local p = pharos.http.get("http://x/") p.own = 1 return p.own, p.nothing`:         ``,
		`return pharos.http.get("http://x/").tls == nil`:                                   ``,
		`return pharos.http.get{ url = "http://x/" }`:                                      `want a URL, got table: write pharos.http.get(url, { ... })`,
		`local d = pharos.json.decode("{") return d.a`:                                     `(just before: decoding JSON: `,
		`local d = pharos.json.decode('{"a":null}') return d.a + 1`:                        `attempt to perform arithmetic on a null of JSON value (field 'a')`,
		`return pharos.json.decode('{"a":null}').a`:                                        `check returned a null of JSON: want`,
		`return self.ok`:      `check returned a function, as of a method that was not called`,
		`return self.warn(5)`: `:1: attempt to call a nil value (field 'warn'): did you mean ":warning", with a colon?`,
		`return self:step("buy", function() return self.critcal("no shop") end)`: `did you mean ":critical", with a colon?`,
		"local x\nreturn self.warning(5)":                                        `:2: cannot call warning of a number: write self:warning(...), with a colon`,
		`return self:okay(5)`:                                                    `did you mean "ok"?`,
		`local x = 5`:                                                            `check returned nothing: want`,
		`local t = {} return t[0]`:                                               `check returned nil, as of a field that is not there`,
		`local p = pharos.http.get("http://x/") return p.staus`:                  `:1: there is no field "staus" (did you mean "status"? valid: body, connects,`,
		`return pharos.http.get("http://x/")`:                                    `:1: check returned an answer of pharos.http: return what you want of it, answer.timing.total for the thresholds to judge, or answer.status == 200`,
		`return pharos.exec("true")`:                                             `:1: check returned a result of pharos.exec: return what you want of it, tonumber(result.stdout) for the thresholds to judge, or result.code == 0`,
		`return { "ok", 5 }`:                                                     `:1: check returned a list: leave the braces out, return "ok", value, detail`,
		`return { status = "ok", 5 }`:                                            `:1: check returned a table with "1" (valid: again, detail, link, status, unit, value)`,
		`return self:ok("fine", { "a" })`:                                        `:1: check returned a table with "1" (valid: again,`,
		`return "green"`:                                                         `check gave the status "green" (did you mean "ok"? valid:`,
		`return "FAILED"`:                                                        `check gave the status "FAILED" (did you mean "critical"? valid:`,
		`return "error"`:                                                         `check gave the status "error" (did you mean "critical"? valid:`,
		`return "7\n"`:                                                           `check gave the status "7\n", which is a number as text: return tonumber(text)`,
		`return pharos.nagios("true")`:                                           `check returned a result of pharos.nagios: return result.status, `,

		`return pharos.json.decode('{"a":null}').a.b`:                     `:1: attempt to index a null of JSON value (field 'a') with key 'b'`,
		`return "ok", pharos.json.decode("{")`:                            `:1: check returned "ok" with an error as its detail: decoding JSON: `,
		`local _, err = pharos.json.decode("{") return "warning", 1, err`: ``,
		`local _, err = pharos.json.decode("{") return "warning", err`:    `:1: the value is a pharos.Error, which may be the detail: return status, value, err`,
		`local _, err = pharos.json.decode("{") return err`:               `:1: check returned a pharos.Error: want a status`,
		`return "ok", { 1 }`: `:1: check returned the option "1" (valid: again): value and detail are text or numbers, not tables`,

		`self.value = 5 return "ok"`:       `:1: cannot show what self.value says: it is a number, where a method was: write return "ok", value, detail, or self:ok(value, detail)`,
		`self.detail = "x" return "ok", 1`: `:1: cannot show what self.detail says: it is a string, where a method was: write return "ok", value, detail, or self:ok(value, detail)`,

		`return pharos:dns("x")`:              `:1: cannot call pharos.dns with a colon: write pharos.dns(...), with a dot`,
		`return pharos:exec("true")`:          `:1: cannot call pharos.exec with a colon: write pharos.exec(...), with a dot`,
		`return pharos.json:decode("{}")`:     `:1: cannot call pharos.json.decode with a colon: write pharos.json.decode(...), with a dot`,
		`pharos.log:info("x") return 1`:       `:1: cannot call pharos.log.info with a colon: write pharos.log.info(...), with a dot`,
		`return pharos.http:get("http://x/")`: `:1: cannot call pharos.http.get with a colon: write pharos.http.get(...), with a dot`,
		`return pharos.http("http://x/")`:     `:1: cannot call pharos.http: it is none itself, call one of its functions (valid: delete, get, head, patch, post, put, request, sse)`,
		`return pharos.get("http://x/")`:      `:1: cannot use pharos.get: there is no such name (did you mean "pharos.http.get"? valid: Class, `,
		`return pharos.sleep(1)`:              `:1: cannot use pharos.sleep: there is no such name (did you mean "pharos.time.sleep"? valid: Class, `,
		`return pharos.json.parse("{}")`:      `:1: cannot use pharos.json.parse: there is no such name (did you mean "pharos.json.decode"? valid: array, decode, encode, null)`,
		`return pharos.HTTPMetricWatcher{}`:   `:1: cannot use pharos.HTTPMetricWatcher: there is no such name (did you mean "pharos.PageGETMetricWatcher"? valid: Class, `,
		`return pharos.PageMetricWatcher{}`:   `:1: cannot use pharos.PageMetricWatcher: there is no such name (did you mean "pharos.PageGETMetricWatcher"? valid: Class, `,
		`return pharos.CommandWatcher{}`:      `:1: cannot use pharos.CommandWatcher: there is no such name (did you mean "pharos.CommandMetricWatcher"? valid: Class, `,
		`return pharos.FilMetricWatcher{}`:    `:1: cannot use pharos.FilMetricWatcher: there is no such name (did you mean "FileMetricWatcher"? valid: Class, `,

		`self.status = "critical" return 5`:                                                                      `:1: cannot set self.status, which is what the run before came to: write return "critical", value, detail, or return self:critical(value, detail)`,
		`self.status = "ok"`:                                                                                     `:1: cannot set self.status, which is what the run before came to: write return "ok", value, detail, or return self:ok(value, detail)`,
		`self.status = 503 return "ok"`:                                                                          `:1: cannot set self.status, which is what the run before came to: write return "ok", value, detail, or return self:ok(value, detail)`,
		`self.state.status = 5 return "ok"`:                                                                      ``,
		`local _, err = pharos.json.decode("{") return "ok", err.code`:                                           `:1: there is no field "code" (did you mean "kind"? valid: kind, message, phase, timing)`,
		`local _, err = pharos.json.decode("{") return "ok", err.reason`:                                         `:1: there is no field "reason" (did you mean "message"? valid: kind,`,
		`local _, err = pharos.json.decode("{") return err:match("want") and "ok"`:                               `:1: there is no field "match" (valid: kind, message, phase, timing): tostring(err) is the text`,
		`local _, err = pharos.json.decode("{") return err.phase == nil and err.timing == nil and err[1] == nil`: ``,
	} {
		b := newTestBoard(t)
		b.primitives = stubWorld()
		got := b.check(body)
		if broke := got.Failure != nil; broke != (want != "") || !strings.Contains(got.Detail, want) {
			t.Errorf("%s = %q %q, want %s", body, got.Value, got.Detail, want)
		}
	}
}
