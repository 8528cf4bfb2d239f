package vm

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/pattern"
)

const (
	maxPattern    = 16 << 10 // bytes of a pattern
	maxPatterns   = 32 << 10 // bytes of the patterns that are kept compiled
	patternShares = 4        // steps of a match that count as one of a script
)

// Charge implements pattern.Charger.
func (r *run) Charge(steps int) { r.charge(steps / patternShares) }

// patterns are a universe's compiled patterns. What one takes is in proportion to
// its text.
type patterns struct {
	compile func(string) (*pattern.Pattern, error)
	known   map[string]*pattern.Pattern
	bytes   int // of their texts
}

// pattern compiles a pattern, or finds it among the last ones.
func (c *patterns) pattern(L *lua.LState, text string) *pattern.Pattern {
	if p, ok := c.known[text]; ok {
		return p
	}
	if len(text) > maxPattern {
		L.RaiseError("pattern too long (%d bytes, at most %d)", len(text), maxPattern)
	}
	runOf(L).charge(8 + len(text))
	p, err := c.compile(text)
	if err != nil {
		message := err.Error()
		if len(text) <= maxShown {
			message = fmt.Sprintf("%s (in the pattern %q)", message, text)
		}
		L.RaiseError("%s", message)
	}
	if c.bytes += len(text); c.bytes > maxPatterns || c.known == nil {
		c.known, c.bytes = make(map[string]*pattern.Pattern), len(text)
	}
	c.known[strings.Clone(text)] = p
	return p
}

func stringFind(L *lua.LState) int {
	s, text := checkString(L, 1), checkString(L, 2)
	r, from := runOf(L), matchFrom(L, len(s))
	if L.GetTop() > 3 && lua.LVAsBool(L.Get(4)) {
		return r.findPlain(L, s, text, from)
	}
	m := r.u.anchored.pattern(L, text).Matcher(s, r)
	if !m.Find(from) {
		L.Push(lua.LNil)
		return 1
	}
	start, end := m.Span()
	L.Push(lua.LNumber(start + 1))
	L.Push(lua.LNumber(end))
	return 2 + pushCaptures(L, s, &m, m.Pattern().Captures())
}

// matchFrom is the init argument of find and match as a number of bytes.
func matchFrom(L *lua.LState, n int) int {
	if L.GetTop() < 3 {
		return 0
	}
	i := optInt(L, 3, 1)
	if i < 0 {
		i = n + i + 1
	}
	return min(max(i-1, 0), n)
}

func (r *run) findPlain(L *lua.LState, s, text string, from int) int {
	head := text[:min(len(text), stride)] // to look for more than that at once would take long
	for from+len(text) <= len(s) {
		to := min(from+stride+len(head), len(s))
		i := strings.Index(s[from:to], head)
		if i < 0 {
			r.charge((to - from) / bytesPerStep)
			from = to - len(head) + 1
			continue
		}
		from += i
		if strings.HasPrefix(s[from:], text) {
			L.Push(lua.LNumber(from + 1))
			L.Push(lua.LNumber(from + len(text)))
			return 2
		}
		r.charge(1 + (i+len(text))/bytesPerStep)
		from++
	}
	L.Push(lua.LNil)
	return 1
}

func pushCaptures(L *lua.LState, s string, m *pattern.Matcher, n int) int {
	for i := range n {
		L.Push(capture(s, m, i))
	}
	return n
}

func capture(s string, m *pattern.Matcher, i int) lua.LValue {
	from, to, position := m.Capture(i)
	if position {
		return lua.LNumber(from + 1)
	}
	return part(s, from, to)
}

func stringMatch(L *lua.LState) int {
	s, text := checkString(L, 1), checkString(L, 2)
	r := runOf(L)
	m := r.u.anchored.pattern(L, text).Matcher(s, r)
	if !m.Find(matchFrom(L, len(s))) {
		L.Push(lua.LNil)
		return 1
	}
	return pushCaptures(L, s, &m, m.Groups())
}

// stringGMatch gives an iterator. It may be kept from one run to the next.
func stringGMatch(L *lua.LState) int {
	s, text := checkString(L, 1), checkString(L, 2)
	r := runOf(L)
	m := r.u.unanchored.pattern(L, text).Matcher(s, r)
	from := 0
	L.Push(L.NewFunction(func(L *lua.LState) int {
		m.Account(runOf(L))
		if !m.Find(from) {
			from = len(s) + 1
			return 0
		}
		start, end := m.Span()
		if from = end; end == start {
			from++
		}
		return pushCaptures(L, s, &m, m.Groups())
	}))
	return 1
}

// stringGSub is string.gsub(s, pattern, replacement [, most]).
func stringGSub(L *lua.LState) int {
	s, text := checkString(L, 1), checkString(L, 2)
	replace := replacer(L)
	most := optInt(L, 4, len(s)+1)
	r := runOf(L)
	m := r.u.anchored.pattern(L, text).Matcher(s, r)
	var out []byte
	from, n := 0, 0
	for n < most && m.Find(from) {
		start, end := m.Span()
		n++
		before := len(out)
		out = append(out, s[from:start]...)
		out = replace(L, out, s, &m)
		from = end
		if start == end { // an empty match: the next one starts a byte later
			if end == len(s) {
				break
			}
			out = append(out, s[end])
			from++
		}
		r.charge(1 + (len(out)-before)/bytesPerStep)
		checkSize(L, len(out))
		if m.Pattern().Anchored() {
			break
		}
	}
	if n == 0 {
		L.SetTop(1)
		if _, text := L.Get(1).(lua.LString); !text { // of a number, its text
			L.Replace(1, lua.LString(s))
		}
		L.Push(lua.LNumber(0))
		return 2
	}
	checkSize(L, len(out)+len(s)-from)
	L.Push(lua.LString(append(out, s[from:]...)))
	L.Push(lua.LNumber(n))
	return 2
}

// replacing appends to out what stands for the last match.
type replacing func(L *lua.LState, out []byte, s string, m *pattern.Matcher) []byte

func replacer(L *lua.LState) replacing {
	switch v := L.Get(3).(type) {
	case *lua.LFunction:
		return func(L *lua.LState, out []byte, s string, m *pattern.Matcher) []byte {
			L.Push(v)
			L.Call(pushCaptures(L, s, m, m.Groups()), 1)
			result := L.Get(-1)
			L.Pop(1)
			return appendReplacement(L, out, s, m, result)
		}
	case *lua.LTable:
		return func(L *lua.LState, out []byte, s string, m *pattern.Matcher) []byte {
			return appendReplacement(L, out, s, m, L.GetTable(v, capture(s, m, 0)))
		}
	case lua.LString, lua.LNumber:
		return textReplacer(checkString(L, 3))
	}
	typeError(L, 3, "string/function/table")
	return nil
}

func appendReplacement(L *lua.LState, out []byte, s string, m *pattern.Matcher, v lua.LValue) []byte {
	switch v := v.(type) {
	case lua.LString:
		return append(out, v...)
	case lua.LNumber:
		return appendNumber(out, float64(v))
	}
	if lua.LVAsBool(v) {
		L.RaiseError("invalid replacement value (a %s)", v.Type().String())
	}
	start, end := m.Span()
	return append(out, s[start:end]...)
}

// appendCapture is charged and bounded each time, not only when all is replaced: a
// replacement may have the same megabytes many times.
func appendCapture(L *lua.LState, out []byte, part string) []byte {
	checkSize(L, len(out)+len(part))
	chargeBytes(L, len(part))
	return append(out, part...)
}

// textReplacer replaces by text, in which %1 to %9 stand for captures, %0 for
// all that matched, and % before anything else for that.
func textReplacer(text string) replacing {
	if !strings.Contains(text, "%") {
		return func(_ *lua.LState, out []byte, _ string, _ *pattern.Matcher) []byte {
			return append(out, text...)
		}
	}
	return func(L *lua.LState, out []byte, s string, m *pattern.Matcher) []byte {
		for i := 0; i < len(text); i++ {
			c := text[i]
			if c != '%' || i+1 == len(text) {
				out = append(out, c)
				continue
			}
			i++
			switch c = text[i]; {
			case c == '0':
				start, end := m.Span()
				out = appendCapture(L, out, s[start:end])
			case c < '0' || c > '9':
				out = append(out, c)
			case int(c-'0') > m.Groups():
				L.RaiseError("invalid capture index %%%c in replacement string", c)
			default:
				from, to, position := m.Capture(int(c - '1'))
				if position {
					out = appendNumber(out, float64(from+1))
				} else {
					out = appendCapture(L, out, s[from:to])
				}
			}
		}
		return out
	}
}
