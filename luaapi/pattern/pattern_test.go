package pattern

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// budget counts the steps, and panics when there are more than it allows.
type budget struct{ spent, allowed int }

func (b *budget) Charge(steps int) {
	b.spent += steps
	if b.allowed != 0 && b.spent > b.allowed {
		panic(tired{})
	}
}

// find gives the first match as "start end capture...", positions from 1, or
// "nil", or the error.
func find(s, pattern string, from int) string {
	p, err := Compile(pattern)
	if err != nil {
		return err.Error()
	}
	m := p.Matcher(s, &budget{allowed: 10 << 20})
	return describe(p, &m, from)
}

func describe(p *Pattern, m *Matcher, from int) string {
	if !m.Find(from) {
		return "nil"
	}
	start, end := m.Span()
	out := fmt.Sprint(start+1, " ", end)
	for i := range p.Captures() {
		from, to, position := m.Capture(i)
		if position {
			out += fmt.Sprintf(" (%d)", from+1)
		} else {
			out += fmt.Sprintf(" %q", m.s[from:to])
		}
	}
	return out
}

func TestFind(t *testing.T) {
	for _, c := range []struct{ s, pattern, want string }{
		{"", "", "1 0"},
		{"alo", "", "1 0"},
		{"hello world", "o w", "5 7"},
		{"hello", "l+", "3 4"},
		{"hello", "l-", "1 0"},
		{"hello", "l-o", "3 5"},
		{"hello", "(l)(.)", `3 4 "l" "l"`},
		{"hello", "()ll()", "3 4 (3) (5)"},
		{"hello", "^h", "1 1"},
		{"hello", "^e", "nil"},
		{"hello", "o$", "5 5"},
		{"hello", "l$", "nil"},
		{"a$b", "$b", "2 3"},
		{"a^b", "a^", "1 2"},
		{"key = value", "(%w+)%s*=%s*(%w+)", `1 11 "key" "value"`},
		{"  trim  ", "^%s*(.-)%s*$", `1 8 "trim"`},
		{"f(a(b)c)d", "%b()", "2 8"},
		{"((", "%b()", "nil"},
		{"THE (quick) fox", "%((%a+)%)", `5 11 "quick"`},
		{"THE (quick) fox", "%f[%a]%a+%f[%A]", "1 3"},
		{"x THE", "%f[%a]%a+$", "3 5"},
		{`say "it's"`, `(["'])(.-)%1`, `5 10 "\"" "it's"`},
		{"aaab", "a-b", "1 4"},
		{"aaa", "a-$", "1 3"},
		{"abc]d", "[]]", "4 4"},
		{"a-c", "[a-]+", "1 2"},
		{"a^c", "[c^]", "2 2"},
		{"a-c", "[^%a]", "2 2"},
		{"a%c", "[%%]", "2 2"},
		{"abc123", "[%a%d]+", "1 6"},
		{"abc", "[a-b]*", "1 2"},
		{"]b", "[a-%]]b", "1 2"},
		{"%b", "[!-%%]b", "1 2"},
		{"b]", "b[%%-%]]", "1 2"},
		{"x-", "[a-", "malformed pattern (missing ']')"},
		{"x-", "[a-%]", "malformed pattern (missing ']')"},
		{"\x00a", "%z", "1 1"},
		{"a\tb", "%c", "2 2"},
		{"a b", "%g+$", "3 3"},
		{"ff FG", "%x+ %x", "1 4"},
		{"0xFFg", "^0[xX](%x+)", `1 4 "FF"`},
		{"aXb", "%u", "2 2"},
		{"aXb", "%U%U", "nil"},
		{"a.b", "%.", "2 2"},
		{"ab", "a?b?c?", "1 2"},
		{"abab", "(ab)%1", `1 4 "ab"`},
		{"a*b", "(a)*b", `1 3 "a"`},
		{"xay", "()a()", "2 2 (2) (3)"},
		{"abc", "((a)(b(c)))", `1 3 "abc" "a" "bc" "c"`},
		{"ab", "(a)(", "unfinished capture"},
		{"ab", "a)", "invalid pattern capture"},
		{"ab", "%", "malformed pattern (ends with '%')"},
		{"ab", "[a", "malformed pattern (missing ']')"},
		{"ab", "[]", "malformed pattern (missing ']')"},
		{"ab", "[a%", "malformed pattern (missing ']')"},
		{"ab", "%f", "missing '[' after '%f' in pattern"},
		{"ab", "%bx", "unbalanced pattern (%b needs two characters)"},
		{"ab", "%1", "invalid capture index %1"},
		{"ab", "(a%1)", "invalid capture index %1"},
		{"ab", strings.Repeat("()", 33), "too many captures"},
		{"ab", strings.Repeat("a?", 201), "pattern too complex"},
		{"a\nb", ".-\n", "1 2"},
		{"äöü", "ö", "3 4"},
	} {
		if got := find(c.s, c.pattern, 0); got != c.want {
			t.Errorf("find(%q, %q) = %s, want %s", c.s, c.pattern, got, c.want)
		}
	}
}

func TestFindFrom(t *testing.T) {
	for _, c := range []struct {
		s, pattern string
		from       int
		want       string
	}{
		{"abcabc", "b", 2, "5 5"},
		{"abcabc", "^c", 2, "3 3"},
		{"abc", "", 3, "4 3"},
		{"abc", "", 4, "nil"},
		{"abc", "%f[b]b", 1, "2 2"}, // looks at the byte before
		{"bbc", "%f[b]b", 1, "nil"},
	} {
		if got := find(c.s, c.pattern, c.from); got != c.want {
			t.Errorf("find(%q, %q, %d) = %s, want %s", c.s, c.pattern, c.from, got, c.want)
		}
	}
}

// Patterns that take for ever where choices are tried one after the other.
func TestLinear(t *testing.T) {
	const n = 20_000
	a := strings.Repeat("a", n)
	for _, c := range []struct{ s, pattern, want string }{
		{strings.Repeat("a", 26), strings.Repeat("a-", 25) + "b", "nil"},
		{strings.Repeat("a", 60), strings.Repeat("a?", 60) + strings.Repeat("a", 60), "1 60"},
		{strings.Repeat("a", 59), strings.Repeat("a?", 60) + strings.Repeat("a", 60), "nil"},
		{a, ".-.-b", "nil"},
		{a, ".*.*.*b", "nil"},
		{a, "a*b", "nil"},
		{a, "a+b", "nil"},
		{a, "(a-)(a-)..b", "nil"},
		{a, "a*a+a*b", "nil"},
		{a + "b", "a+bc", "nil"},
		{a + "b", "a*a*bc", "nil"},
		{a, "[ab]+[ac]+d", "nil"},
		{a, ".-%f[b]", "nil"},
		{a + "b", "(a+)+b", "nil"},
		{a + "b", "a+a+b$", fmt.Sprint("1 ", n+1)},
	} {
		p, err := Compile(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		b := &budget{allowed: 100 * (n + 100) * (len(p.items))}
		start := time.Now()
		m := p.Matcher(c.s, b)
		got := "nil"
		if m.Find(0) {
			start, end := m.Span()
			got = fmt.Sprint(start+1, " ", end)
		}
		if got != c.want {
			t.Errorf("find(%.10q..., %.20q) = %s, want %s", c.s, c.pattern, got, c.want)
		}
		t.Logf("%.20q: %d steps, %v", c.pattern, b.spent, time.Since(start))
	}
}

func TestBudgetStopsMatch(t *testing.T) {
	p, err := Compile("(a*)(a*)(a*)%1b")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a match with back references ended without asking for more steps than it had")
		}
	}()
	m := p.Matcher(strings.Repeat("a", 1000), &budget{allowed: 1 << 20})
	m.Find(0)
}

// A pattern costs what is in proportion to its length.
func TestCompileAllocates(t *testing.T) {
	for _, p := range []string{strings.Repeat("a", 16<<10), strings.Repeat("%.", 8<<10), strings.Repeat("%a%d", 400)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Compile(p); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if made := after.TotalAlloc - before.TotalAlloc; made > 1<<20 {
			t.Errorf("compiling %.8s... of %d bytes made %d kB", p, len(p), made>>10)
		}
	}
}
