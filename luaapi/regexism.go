package luaapi

import (
	"regexp"

	"pharos/engine"
	"pharos/luaapi/vm"
)

// regexisms are what is of regular expressions: as a pattern it is taken as it is,
// and finds nothing. Each is told only where it can hardly be meant so.
var regexisms = []struct {
	find *regexp.Regexp
	hint string // %s is what was found
}{
	{regexp.MustCompile(`(\\[dDwWsSb])(?:[+*?{)\\]|$)`), `a pattern has no %s: "%%d" is a digit, "%%w" a letter or digit, "%%s" a space`},
	{regexp.MustCompile(`\(\?[:=!<i]`), "a pattern has no %s"},
	{regexp.MustCompile(`(?:%[a-z]|\]|\.)(\{\d+(?:,\d*)?\})`), "a pattern has no %s: write what is repeated as often as it comes, or a + behind it"},
	{regexp.MustCompile(`\([A-Za-z]+(?:(\|)[A-Za-z]+)+\)`), "a pattern has no %s: look for one after the other, text:match(a) or text:match(b)"},
	{regexp.MustCompile(`^[A-Za-z ]+(?:(\|)[A-Za-z ]+)+$`), "a pattern has no %s: look for one after the other, text:match(a) or text:match(b)"},
}

// pattern warns of a pattern that is written as a regular expression.
func (s *script) pattern(c vm.TextCall) {
	if s.reads == nil {
		return // see read
	}
	for _, r := range regexisms {
		m := r.find.FindStringSubmatch(c.Text)
		if m == nil {
			continue
		}
		s.warn(engine.Place{File: c.File, Line: c.Line}, r.hint, m[len(m)-1])
		return
	}
}
