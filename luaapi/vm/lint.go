package vm

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxBrackets = 200  // brackets and blocks within one another
	maxUnary    = 100  // unary operators in a row
	maxChain    = 5000 // operators, calls and indices in one expression
	maxLabels   = 1000 // of goto; the compiler compares each with all
)

// linter reads the tokens of a file before the parser does. It says what is
// wrong with what works in a later Lua and is either a puzzling syntax error in
// this one or, worse, silently something else ("\x41" is "x41"); and it refuses
// what would make the parser's stack grow without bound.
type linter struct {
	file     string
	src      []byte
	i        int
	line     int
	chains   []int // of the expressions around the brackets and blocks that are open
	chain    int   // right-grouping operators in this expression
	unary    int   // unary operators just read
	labels   int
	last     string // the token before: an operator, a word, or "value"
	callees  callees
	warnings []Error
}

func (l *linter) fail(line int, format string, args ...any) {
	panic(&Error{File: l.file, Line: line, Message: fmt.Sprintf(format, args...)})
}

// lint reads a whole file. The error is an [*Error].
func lint(file string, src []byte) (warnings []Error, err error) {
	l := &linter{file: file, src: src, line: 1}
	defer failedWith(&err)
	for l.i < len(src) {
		l.token()
	}
	return l.warnings, nil
}

// failedWith, deferred, makes what a linter or a resolver failed with the error of
// its caller.
func failedWith(err *error) {
	switch p := recover().(type) {
	case nil:
	case *Error:
		*err = p
	default:
		panic(p)
	}
}

// rest tells whether what comes next is text.
func (l *linter) rest(text string) bool { return bytes.HasPrefix(l.src[l.i:], []byte(text)) }

func (l *linter) token() {
	switch c := l.src[l.i]; {
	case c == '\n':
		l.line++
		l.i++
	case c == ' ' || c == '\t':
		l.i++
	case l.rest("--"):
		l.comment()
	default:
		start, line := l.i, l.line
		l.meaning(c)
		if l.callees.read(string(l.src[start:l.i]), line, l.line) {
			l.fail(line, "ambiguous: this may be a call of what the line before ends with, or a new statement (end that line with a ;, or join the two)")
		}
	}
}

// meaning reads a token that is no space and no comment.
func (l *linter) meaning(c byte) {
	switch {
	case c == '"' || c == '\'':
		l.quoted(c)
	case c == '[' && l.longBracket():
		l.value()
	case isWord(c):
		l.word()
	default:
		l.operator(c)
	}
}

func (l *linter) value() { l.unary, l.last = 0, "value" }

func (l *linter) comment() {
	l.i += 2
	if l.i < len(l.src) && l.src[l.i] == '[' && l.longBracket() {
		return
	}
	if end := bytes.IndexByte(l.src[l.i:], '\n'); end >= 0 {
		l.i += end
	} else {
		l.i = len(l.src)
	}
}

// longBracket skips [[...]] or [==[...]==], if that is what starts here.
func (l *linter) longBracket() bool {
	end := l.i + 1
	for end < len(l.src) && l.src[end] == '=' {
		end++
	}
	if end == len(l.src) || l.src[end] != '[' {
		return false
	}
	closing := "]" + string(l.src[l.i+1:end]) + "]"
	n := bytes.Index(l.src[end:], []byte(closing))
	if n < 0 {
		n = len(l.src) - end - len(closing) // the parser will say so
	}
	next := min(end+n+len(closing), len(l.src))
	l.line += bytes.Count(l.src[l.i:next], []byte("\n"))
	l.i = next
	return true
}

// escapes that the parser takes for the letter itself.
var escapes = map[byte]string{
	'x': `\x is of Lua 5.2: write the byte in decimal, "\65" for "\x41"`,
	'u': `\u is of Lua 5.3: write the character itself, or utf8.char(0x20AC)`,
	'z': `\z is of Lua 5.2: join the parts with ..`,
}

func (l *linter) quoted(quote byte) {
	start := l.line
	for l.i++; l.i < len(l.src); l.i++ {
		switch c := l.src[l.i]; c {
		case quote:
			l.i++
			l.value()
			return
		case '\n':
			l.fail(start, "unterminated string")
		case '\\':
			if l.i++; l.i < len(l.src) {
				l.escape(l.src[l.i])
			}
		}
	}
}

func (l *linter) escape(c byte) {
	switch {
	case c == '\n':
		l.line++
	case isDigit(c):
		l.byteEscape()
	case escapes[c] != "":
		l.fail(l.line, "cannot use this escape: %s", escapes[c])
	case strings.IndexByte(`abfnrtv\"'`, c) < 0:
		l.warnings = append(l.warnings, Error{File: l.file, Line: l.line,
			Message: fmt.Sprintf(`"\%c" is just "%c" (in a pattern, write "%%%c")`, c, c, c)})
	}
}

// byteEscape looks at \300, which the parser takes for another byte.
func (l *linter) byteEscape() {
	end := l.i
	for end < len(l.src) && end < l.i+3 && isDigit(l.src[end]) {
		end++
	}
	if digits := string(l.src[l.i:end]); len(digits) == 3 && digits > "255" {
		l.fail(l.line, `cannot use this escape: \%s is no byte, which is at most \255`, digits)
	}
}

func isWord(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || isDigit(c) }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// numeric is a number as far as it has no point and no sign.
var numeric = regexp.MustCompile(`^(?:0[xX][0-9a-fA-F]*|[0-9]+(?:[eE][0-9]*)?)$`)

// twoPoints is a number with one point too many, which the parser takes for none.
var twoPoints = regexp.MustCompile(`^([0-9]*\.[0-9]+\.[0-9]*)(?:[^.]|$)`)

func (l *linter) word() {
	start := l.i
	for l.i < len(l.src) && isWord(l.src[l.i]) {
		l.i++
	}
	switch word := string(l.src[start:l.i]); word {
	case "function", "do", "then", "repeat":
		l.open()
		l.last = word
	case "end", "until":
		l.close()
		l.last = word
	case "elseif":
		l.close() // its "then" opens again
		l.last = word
	case "not":
		l.countUnary()
		l.last = word
	case "and", "or":
		l.countChain()
		l.last = word
	case "return", "local", "if", "while", "for", "in", "else":
		l.unary, l.chain, l.last = 0, 0, word
	default:
		if l.last == "value" || l.last == "end" {
			l.chain = 0 // two in a row: a new statement
		}
		if m := twoPoints.FindSubmatch(l.src[start:min(start+maxShown, len(l.src))]); m != nil {
			l.fail(l.line, "malformed number near '%s'", m[1])
		}
		if isDigit(word[0]) && !numeric.MatchString(word) { // the parser takes it for two tokens
			l.fail(l.line, "malformed number near '%s' (with a unit it is a text: %q)", word, word)
		}
		l.value()
	}
}

func (l *linter) open() {
	if len(l.chains) == maxBrackets {
		l.fail(l.line, "too many brackets and blocks within one another (at most %d)", maxBrackets)
	}
	l.chains = append(l.chains, l.chain)
	l.unary, l.chain = 0, 0
}

func (l *linter) close() {
	l.unary = 0
	if n := len(l.chains); n > 0 {
		l.chain, l.chains = l.chains[n-1], l.chains[:n-1]
	}
}

func (l *linter) countUnary() {
	if l.unary++; l.unary > maxUnary {
		l.fail(l.line, "too many unary operators in a row (at most %d)", maxUnary)
	}
}

// strange are operators of later versions and of other languages.
var strange = []struct{ op, hint string }{
	{"..=", "a = a .. b"},
	{"===", "=="},
	{"<>", "~="},
	{"++", "a = a + 1"},
	{":=", "a = b"},
	{"**", "a ^ b"},
	{"?", "a and b or c"},
	{"//", "math.floor(a / b)"},
	{"/*", "--[[ ... ]]"},
	{"<<", "bit.lshift(a, n)"},
	{">>", "bit.rshift(a, n)"},
	{"&&", "and"},
	{"||", "or"},
	{"!=", "~="},
	{"&", "bit.band(a, b)"},
	{"|", "bit.bor(a, b)"},
	{"!", "not"},
	{"+=", "a = a + b"},
	{"*=", "a = a * b"},
	{"/=", "a = a / b"},
	{"%=", "a = a % b"},
	{"-=", "a = a - b"},
}

func (l *linter) operator(c byte) {
	l.stranger(c)
	for _, s := range strange {
		if l.rest(s.op) {
			l.fail(l.line, "cannot use %s: this is Lua 5.1, write %s", s.op, s.hint)
		}
	}
	if c == '~' && !l.rest("~=") {
		l.fail(l.line, "cannot use ~: this is Lua 5.1, write bit.bxor(a, b) or bit.bnot(a)")
	}
	for _, attribute := range []string{"<const>", "<close>"} {
		if l.rest(attribute) && l.last == "value" {
			l.fail(l.line, "cannot use %s: this is Lua 5.1, which has no attributes of locals", attribute)
		}
	}
	if l.rest("::") {
		l.label()
		return
	}
	if c == '(' && l.last == "for" {
		l.fail(l.line, "cannot use for (: a loop is written for i = 1, n do, or for i, value in ipairs(list) do")
	}
	if m := twoPoints.FindSubmatch(l.src[l.i:min(l.i+maxShown, len(l.src))]); m != nil && l.last != "value" {
		l.fail(l.line, "malformed number near '%s'", m[1])
	}
	l.i++
	switch {
	case c == '(' || c == '[' || c == '{':
		l.open()
	case c == ')' || c == ']' || c == '}':
		l.close()
		l.countChain()
		l.value()
		return
	case c == '#' || c == '-' && l.last != "value" && l.last != "end":
		l.countUnary()
	case c == ',' || c == ';' || c == '=' && !l.rest("="):
		l.unary, l.chain = 0, 0
	default:
		for c == '.' && l.rest(".") || c == '=' && l.rest("=") { // .. ... ==
			l.i++
		}
		l.countChain()
	}
	l.last = string(c)
}

// stranger fails for what is no operator in any Lua, and says what was probably
// meant.
func (l *linter) stranger(c byte) {
	switch r, size := utf8.DecodeRune(l.src[l.i:]); {
	case l.rest("//") && l.last == ":":
		l.fail(l.line, "cannot use ://: is a quote missing on this line?")
	case l.rest("//") && l.firstOfLine():
		l.fail(l.line, "cannot use //: comments begin with --")
	case c == '#' && (l.last == "value" || l.last == "end"): // it has no left side, and begins no statement
		l.fail(l.line, "cannot use # here: comments begin with --")
	case r == utf8.RuneError && size == 1:
		l.fail(l.line, `cannot read this byte, \x%x: save the file as UTF-8`, c)
	case strings.ContainsRune("“”„«»‘’‚`", r):
		l.fail(l.line, `cannot use %c: write a plain " or '`, r)
	case unicode.IsLetter(r):
		l.fail(l.line, `cannot use "%c" here: names have the letters a to z, digits and _`, r)
	case unicode.Is(unicode.Zs, r):
		l.fail(l.line, "cannot use the space %U here: write a plain one", r)
	case !unicode.IsGraphic(r):
		l.fail(l.line, "cannot use the invisible %U here: delete it", r)
	case r >= utf8.RuneSelf:
		l.fail(l.line, `cannot use "%c" here: is a quote missing on this line?`, r)
	}
}

// firstOfLine tells whether there is nothing before what comes next on its line.
func (l *linter) firstOfLine() bool {
	start := bytes.LastIndexByte(l.src[:l.i], '\n') + 1
	return len(bytes.TrimSpace(l.src[start:l.i])) == 0
}

// label counts what is two tokens to a label, :: before its name and after.
func (l *linter) label() {
	l.i += 2
	if l.labels++; l.labels > 2*maxLabels {
		l.fail(l.line, "too many labels (at most %d)", maxLabels)
	}
	l.last = "::"
}

func (l *linter) countChain() {
	l.unary = 0
	if l.chain++; l.chain > maxChain {
		l.fail(l.line, "too many operators in one expression (at most %d)", maxChain)
	}
}
