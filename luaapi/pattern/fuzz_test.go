package pattern

import (
	"fmt"
	"testing"
)

// slow matches a pattern straight from its text, trying every choice in turn.
// It assumes that the pattern is well formed.
type slow struct {
	s, p  string
	from  []int
	to    []int // -1 while open, -2 for a position
	steps int
}

type tired struct{}

func (m *slow) match(pos, i int) int {
	if m.steps++; m.steps > 200_000 {
		panic(tired{})
	}
	if i == len(m.p) {
		return pos
	}
	switch {
	case m.p[i] == '(' && i+1 < len(m.p) && m.p[i+1] == ')':
		return m.capture(pos, i+2, -2)
	case m.p[i] == '(':
		return m.capture(pos, i+1, -1)
	case m.p[i] == ')':
		return m.close(pos, i)
	case m.p[i] == '$' && i+1 == len(m.p):
		if pos == len(m.s) {
			return pos
		}
		return -1
	case m.p[i] == '%' && m.p[i+1] == 'b':
		return m.balance(pos, i)
	case m.p[i] == '%' && m.p[i+1] == 'f':
		end := m.classEnd(i + 2)
		if m.in(m.at(pos-1), i+2, end) || !m.in(m.at(pos), i+2, end) {
			return -1
		}
		return m.match(pos, end)
	case m.p[i] == '%' && isDigit(m.p[i+1]):
		return m.again(pos, i)
	}
	return m.repeat(pos, i, m.classEnd(i))
}

func (m *slow) at(pos int) byte {
	if pos < 0 || pos >= len(m.s) {
		return 0
	}
	return m.s[pos]
}

func (m *slow) capture(pos, i, to int) int {
	m.from, m.to = append(m.from, pos), append(m.to, to)
	end := m.match(pos, i)
	if end < 0 {
		m.from, m.to = m.from[:len(m.from)-1], m.to[:len(m.to)-1]
	}
	return end
}

func (m *slow) close(pos, i int) int {
	n := len(m.to) - 1
	for m.to[n] != -1 {
		n--
	}
	m.to[n] = pos
	end := m.match(pos, i+1)
	if end < 0 {
		m.to[n] = -1
	}
	return end
}

func (m *slow) balance(pos, i int) int {
	open, shut := m.p[i+2], m.p[i+3]
	if pos >= len(m.s) || m.s[pos] != open {
		return -1
	}
	for depth, k := 1, pos+1; k < len(m.s); k++ {
		if m.s[k] == shut {
			if depth--; depth == 0 {
				return m.match(k+1, i+4)
			}
		} else if m.s[k] == open {
			depth++
		}
	}
	return -1
}

func (m *slow) again(pos, i int) int {
	n := int(m.p[i+1] - '1')
	if m.to[n] == -2 {
		return -1
	}
	for _, c := range []byte(m.s[m.from[n]:m.to[n]]) {
		if pos >= len(m.s) || m.s[pos] != c {
			return -1
		}
		pos++
	}
	return m.match(pos, i+2)
}

func (m *slow) repeat(pos, i, end int) int {
	here := func(pos int) bool { return pos < len(m.s) && m.in(m.s[pos], i, end) }
	q := byte(0)
	if end < len(m.p) {
		q = m.p[end]
	}
	switch q {
	case '?':
		if here(pos) {
			if last := m.match(pos+1, end+1); last >= 0 {
				return last
			}
		}
		return m.match(pos, end+1)
	case '-':
		for ; ; pos++ {
			if last := m.match(pos, end+1); last >= 0 {
				return last
			}
			if !here(pos) {
				return -1
			}
		}
	case '*', '+':
		low, high := pos, pos
		if q == '+' {
			low++
		}
		for here(high) {
			high++
		}
		for ; high >= low; high-- {
			if last := m.match(high, end+1); last >= 0 {
				return last
			}
		}
		return -1
	}
	if !here(pos) {
		return -1
	}
	return m.match(pos+1, end)
}

func (m *slow) classEnd(i int) int {
	switch m.p[i] {
	case '%':
		return i + 2
	case '[':
		i++
		if m.p[i] == '^' {
			i++
		}
		for first := true; first || m.p[i] != ']'; first = false {
			if m.p[i] == '%' {
				i++
			}
			i++
		}
	}
	return i + 1
}

// in tells whether c is in the class from i to end.
func (m *slow) in(c byte, i, end int) bool {
	switch m.p[i] {
	case '.':
		return true
	case '%':
		return class(m.p[i+1])[c]
	case '[':
	default:
		return m.p[i] == c
	}
	i++
	want := true
	if m.p[i] == '^' {
		i, want = i+1, false
	}
	for i < end-1 {
		switch {
		case m.p[i] == '%':
			if class(m.p[i+1])[c] {
				return want
			}
			i += 2
		case i+2 < end-1 && m.p[i+1] == '-':
			if m.p[i] <= c && c <= m.p[i+2] {
				return want
			}
			i += 3
		default:
			if m.p[i] == c {
				return want
			}
			i++
		}
	}
	return !want
}

func slowFind(s, p string) string {
	anchored := len(p) > 0 && p[0] == '^'
	if anchored {
		p = p[1:]
	}
	m := &slow{s: s, p: p}
	for pos := 0; pos <= len(s); pos++ {
		m.from, m.to = nil, nil
		if end := m.match(pos, 0); end >= 0 {
			out := fmt.Sprint(pos+1, " ", end)
			for i, from := range m.from {
				if m.to[i] == -2 {
					out += fmt.Sprintf(" (%d)", from+1)
				} else {
					out += fmt.Sprintf(" %q", s[from:m.to[i]])
				}
			}
			return out
		}
		if anchored {
			break
		}
	}
	return "nil"
}

// findNoted finds with notes from the first step on.
func findNoted(s, pattern string) string {
	p, err := Compile(pattern)
	if err != nil {
		return err.Error()
	}
	m := p.Matcher(s, &budget{allowed: 10 << 20})
	m.patient, m.left = -1, 0
	return describe(p, &m, 0)
}

func FuzzFind(f *testing.F) {
	for _, seed := range [][2]string{
		{"hello world", "l+(.-)o"}, {"aaab", "a-a*a?b$"}, {"f(a(b)c)d", "%b()(.)"},
		{"THE (quick) fox", "%f[%a]%a+%f[%A]"}, {"'it'", "(['\"])(.-)%1"}, {"a-]", "[]%-^a-c]+"},
		{"", "^()$"}, {"aaaaaaaa", "a+a+a+b"}, {"abcabc", "[^b]*b(.*)"}, {"\x00\xff", "%Z+%c-"},
		{"aab", "a?a?(a-)b"}, {"xaxb", ".-x(.+)b"}, {"aaaab", "[ab]+[a]+b"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, s, pattern string) {
		if _, err := Compile(pattern); err != nil || len(s) > 200 {
			return
		}
		defer func() {
			if p := recover(); p != nil {
				if _, ok := p.(tired); !ok {
					panic(p)
				}
			}
		}()
		want := slowFind(s, pattern)
		if got := find(s, pattern, 0); got != want {
			t.Errorf("find(%q, %q) = %s, want %s", s, pattern, got, want)
		}
		if got := findNoted(s, pattern); got != want {
			t.Errorf("find(%q, %q) with notes = %s, want %s", s, pattern, got, want)
		}
	})
}
