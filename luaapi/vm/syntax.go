package vm

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// The parser says where it stopped, and not what it wanted there. A syntaxTrail
// reads the tokens up to that place, and guesses it from what is still open.
type syntaxTrail struct {
	open   []opener
	last   ast.Token
	elseIf int    // the line of the last "else if"; 0 if there is none
	named  bool   // the function that was begun last comes where a field or a value does
	line   string // that of the place
}

// opener is a bracket or a word that something has to close.
type opener struct {
	word  string
	line  int
	wants string // "then" or "do" that has not come yet
	over  bool   // its block has a return: what comes after that closes it
	begun bool   // of a function: its parameters have come
	call  bool   // of a bracket: it holds what a function is called with
}

// closers is what closes what.
var closers = map[string]string{
	"{": "}", "(": ")", "[": "]", "repeat": "until",
	"function": "end", "if": "end", "do": "end", "for": "end", "while": "end",
}

// foreign are words that begin a statement elsewhere, and what does so here. The
// parser takes one for a name, and stops at what comes after.
var foreign = map[string]string{
	"let": "local", "const": "local", "var": "local", "int": "local", "def": "function", "func": "function", "fn": "function",
	"elif": "elseif", "elsif": "elseif", "switch": "if", "try": "pcall",
	"class":    "local Name = pharos.MetricWatcher:extend{ ... }",
	"continue": "goto continue, with ::continue:: before the loop's end,",
}

// headEnds is the word that the head of a block ends with.
var headEnds = map[string]string{"if": "then", "elseif": "then", "for": "do", "while": "do"}

// syntaxHint says what was probably meant where the parser stopped, in
// parentheses; "" if it cannot tell.
func syntaxHint(name string, src []byte, stopped ast.Position) string {
	scanner := parse.NewScanner(bytes.NewReader(src), name)
	var s syntaxTrail
	for {
		token, err := scanner.Scan(&parse.Lexer{PrevTokenType: s.last.Type})
		if err != nil {
			return ""
		}
		if token.Type < 0 || scanner.Pos == stopped {
			if next, err := scanner.Scan(&parse.Lexer{PrevTokenType: token.Type}); err == nil && token.Str == "=" && next.Str == ">" {
				return " (a function is written function(self) ... end)"
			}
			s.line = lineOf(src, token.Pos.Line)
			return s.hint(token)
		}
		s.pass(token)
	}
}

// top is the innermost of what is open.
func (s *syntaxTrail) top() *opener { return s.inner(1) }

// below is what top is in.
func (s *syntaxTrail) below() *opener { return s.inner(2) }

func (s *syntaxTrail) inner(n int) *opener {
	if len(s.open) < n {
		return &opener{}
	}
	return &s.open[len(s.open)-n]
}

func (s *syntaxTrail) pass(token ast.Token) {
	word, top, before := token.Str, s.top(), s.last
	s.last = token
	if word == "function" {
		s.named = before.Str == "{" || before.Str == "," || before.Str == ";"
	}
	switch {
	case token.Type == parse.TString:
	case word == top.wants && word != "":
		top.wants = ""
	case word == "elseif":
		top.wants, top.over = "then", false
	case word == "else":
		top.over = false
	case word == "return":
		top.over = true
	case word == "(" && top.word == "function" && !top.begun:
		top.begun = true
		s.open = append(s.open, opener{word: word, line: token.Pos.Line})
	case word == "(":
		s.open = append(s.open, opener{word: word, line: token.Pos.Line, call: endsValue(before)})
	case closers[word] != "":
		if word == "if" && before.Str == "else" && before.Pos.Line == token.Pos.Line {
			s.elseIf = token.Pos.Line
		}
		s.open = append(s.open, opener{word: word, line: token.Pos.Line, wants: headEnds[word]})
	case closes(word) && len(s.open) > 0:
		s.open = s.open[:len(s.open)-1]
	}
}

func closes(word string) bool {
	return slices.Contains([]string{"}", ")", "]", "end", "until"}, word)
}

func (s *syntaxTrail) hint(token ast.Token) string {
	before := ""
	if s.last.Type == parse.TIdent {
		before = s.last.Str
	}
	if word := foreign[before]; word != "" {
		return fmt.Sprintf(" (this is Lua: write %s for %s)", word, before)
	}
	if word := foreign[token.Str]; word == "elseif" {
		return fmt.Sprintf(" (this is Lua: write %s for %s)", word, token.Str)
	}
	if hint := s.missing(token); hint != "" {
		return hint
	}
	if near := Nearest(before, sortedKeys(keywords)); near != "" && len(before) > 3 { // fox is not for
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

// missing says what is missing of what is open, before token.
func (s *syntaxTrail) missing(token ast.Token) string {
	word, top := token.Str, s.top()
	if token.Type == parse.TString {
		word = ""
	}
	switch {
	case top.word == "function" && !top.begun && s.last.Type == parse.TFunction && s.below().word == "{" && token.Type == parse.TIdent && s.named:
		return fmt.Sprintf(" (a field is written %s = function(self) ... end)", word)
	case top.word == "function" && !top.begun && s.last.Type == parse.TFunction && token.Type == parse.TIdent:
		return " (a function is written function(self) ... end)"
	case top.word == "" && closes(word):
		return fmt.Sprintf(" (is this %q one too many?)", word)
	case s.last.Type == parse.TString && token.Type == parse.TIdent && s.last.Pos.Line == token.Pos.Line && s.quoted(word) != "":
		return fmt.Sprintf(" (a quote within a text in the same quotes is written \\%s, or the text in [[ ]])", s.quoted(word))
	case word == ":" && s.last.Type == parse.TString:
		return ` (a text that is written out is put in brackets: ("text"):match(...))`
	case word == "[" && !endsValue(s.last):
		return " (a list is written in braces: { 1, 2 })"
	case (token.Type < 0 || word == closers[top.word]) && s.last.Type != parse.TString && slices.Contains(unfinished, s.last.Str):
		return " (a value is missing before it)"
	case top.word == "":
		return ""
	case word == "=" && (top.wants != "" || top.word == "(" && s.below().wants != ""):
		return " (= assigns, == compares)"
	case word == "=" && top.call:
		return " (named values go in braces: f{ name = value })"
	case word == "=" && top.word == "{":
		return " (a name that is no word goes in brackets: [\"User-Agent\"] = value)"
	case top.wants != "":
		return fmt.Sprintf(" (is %q missing, for the %q at line %d?)", top.wants, top.word, top.line)
	case word == "end" && s.last.Type == parse.TEnd && closers[top.word] != "end":
		return fmt.Sprintf(" (is %q missing, for the %q at line %d, or is this \"end\" one too many?)", closers[top.word], top.word, top.line)
	case token.Type < 0 || (closes(word) || word == "else" || word == "elseif") && word != closers[top.word]:
		return s.unclosed()
	case top.word == "{" && s.below().wants != "" && slices.Contains(sortedKeys(keywords), word):
		return fmt.Sprintf(" (is %q missing, for the %q at line %d? a block has no braces)", s.below().wants, s.below().word, s.below().line)
	case top.over && closers[top.word] == "end" && s.last.Pos.Line == token.Pos.Line && endsValue(s.last) && beginsValue(token):
		return " (nothing comes after return in its block)"
	case top.word == "{" && s.last.Str == ":" && s.last.Type != parse.TString:
		return " (a field is written name = value)"
	case top.over && closers[top.word] == "end" && s.last.Pos.Line < token.Pos.Line:
		return s.unclosed()
	case (top.word == "{" || top.word == "(") && endsValue(s.last) && beginsValue(token):
		if s.last.Pos.Line < token.Pos.Line {
			return fmt.Sprintf(" (is a comma missing at the end of line %d?)", s.last.Pos.Line)
		}
		return " (is a comma missing before it?)"
	}
	return ""
}

// quoted is the quote that a word of the line comes right behind; "" if there is none.
func (s *syntaxTrail) quoted(word string) string {
	for _, quote := range []string{"'", `"`} {
		if word != "" && strings.Contains(s.line, quote+word) {
			return quote
		}
	}
	return ""
}

func lineOf(src []byte, n int) string {
	lines := bytes.SplitN(src, []byte("\n"), n+1)
	if n < 1 || n > len(lines) {
		return ""
	}
	return string(lines[n-1])
}

// unfinished are words that a value has to follow.
var unfinished = []string{
	"=", "+", "-", "*", "/", "%", "^", "..", "#", ",", "and", "or", "not", "==", "~=", "<", ">", "<=", ">=",
}

// unclosed says what the innermost of what is open lacks.
func (s *syntaxTrail) unclosed() string {
	top, more := s.top(), ""
	if s.elseIf >= top.line && closers[top.word] == "end" {
		more = fmt.Sprintf(" \"else if\" at line %d begins a block of its own: write elseif", s.elseIf)
	}
	return fmt.Sprintf(" (is %q missing, for the %q at line %d?%s)", closers[top.word], top.word, top.line, more)
}

func endsValue(t ast.Token) bool {
	return isLiteral(t) || t.Type == parse.TEnd || slices.Contains([]string{"}", ")", "]"}, t.Str)
}

func beginsValue(t ast.Token) bool {
	return isLiteral(t) || t.Type == parse.TFunction || t.Type == '{' || t.Type == '['
}

func isLiteral(t ast.Token) bool {
	return slices.Contains([]int{
		parse.TIdent, parse.TNumber, parse.TString, parse.TNil, parse.TTrue, parse.TFalse, parse.T3Comma,
	}, t.Type)
}
