package vm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// loadError loads src and gives the error's text, or "".
func loadError(t testing.TB, src string) string {
	t.Helper()
	u, err := New(Options{Name: "t.lua", Globals: []string{"check"}, LoadTimeout: time.Hour}) // however slow the machine
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	err = u.Load(t.Context(), []byte(src))
	var e *Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &e):
		t.Fatalf("Load(%.40q) = %T, want *Error", src, err)
	case e.File != "t.lua":
		t.Errorf("Load(%.40q): file %q, want t.lua", src, e.File)
	}
	return err.Error()
}

func TestLoadErrors(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"", ""},
		{"#!/usr/bin/lua\ncheck = 1", ""},
		{"\xff\xfex\x00", "t.lua:1: cannot read UTF-16: save the file as UTF-8"},
		{"local x = = 3", "t.lua:1: syntax error near '='"},
		{"\nlocal x = 'abc\n", "t.lua:2: unterminated string"},
		{"if true then\n", `t.lua:2: syntax error near end of file (is "end" missing, for the "if" at line 1?)`},
		{"local t = {1, 2", `t.lua:1: syntax error near end of file (is "}" missing, for the "{" at line 1?)`},
		{"for i = 1, 2 do end\nend", `t.lua:2: syntax error near 'end' (is this "end" one too many?)`},
		{"local t = { 1, }}", `t.lua:1: syntax error near '}' (is this "}" one too many?)`},
		{"local t = { function f(self) return 1 end }", `t.lua:1: syntax error near 'f' (a field is written f = function(self) ... end)`},
		{"local t = { f = function self return 1 end }", `t.lua:1: syntax error near 'self' (a function is written function(self) ... end)`},
		{"for (i = 0; i < 3; i++) { }", `t.lua:1: cannot use for (: a loop is written for i = 1, n do, or for i, value in ipairs(list) do`},
		{"local t = { name = 'x', command = 'echo 'hi'' }", `t.lua:1: syntax error near 'hi' (a quote within a text in the same quotes is written \', or the text in [[ ]])`},
		{`local t = { name = "x", command = "echo "hi"" }`, `t.lua:1: syntax error near 'hi' (a quote within a text in the same quotes is written \", or the text in [[ ]])`},
		{"local x = .5.", `t.lua:1: malformed number near '.5.'`},
		{"local x = 1.2.3", `t.lua:1: malformed number near '1.2.3'`},
		{"local t = { check = verify }\nlocal function verify() end", `t.lua:1: cannot read undeclared global "verify" (the local of line 2 is there below it only: move that up)`},
		{"local function f()\n  local function g() end\nend\ng()", `t.lua:4: cannot read undeclared global "g"`},
		{"local t = { a = 'then' b = 2 }", `t.lua:1: syntax error near 'b' (is a comma missing before it?)`},
		{"local t = {\n  { 1 }\n  print,\n}", `t.lua:3: syntax error near 'print' (is a comma missing at the end of line 2?)`},
		{"print('a' 5)", `t.lua:1: syntax error near '5' (is a comma missing before it?)`},
		{`local a = "x,y":match("x")`, `t.lua:1: syntax error near ':' (a text that is written out is put in brackets: ("text"):match(...))`},
		{`print("x".."y":upper())`, `t.lua:1: syntax error near ':' (a text that is written out is put in brackets: ("text"):match(...))`},
		{"print(2 +)", "t.lua:1: syntax error near ')' (a value is missing before it)"},
		{"local t = { f = function()\n  if true then\n return 1\n} }", `t.lua:4: syntax error near '}' (is "end" missing, for the "if" at line 2?)`},
		{"local function f()\n for i = 1, 2 do\n else end end", `t.lua:3: syntax error near 'else' (is "end" missing, for the "for" at line 2?)`},
		{"print((1)\nlocal x", `t.lua:2: syntax error near 'local'`},
		{"repeat\n print(1)\nend", `t.lua:3: syntax error near 'end' (is "until" missing, for the "repeat" at line 1?)`},
		{"local x\nif x\n return 1\nend", `t.lua:3: syntax error near 'return' (is "then" missing, for the "if" at line 2?)`},
		{"local x\nif not x then return elseif x = 1 then end", `t.lua:2: syntax error near '=' (= assigns, == compares)`},
		{"local function f(x)\n if x then return 1 else if f then return 2 end\nend", `t.lua:3: syntax error near end of file (is "end" missing, for the "function" at line 1? "else if" at line 2 begins a block of its own: write elseif)`},
		{"local x\nif (x) {\n return 1\n}", `t.lua:3: syntax error near 'return' (is "then" missing, for the "if" at line 2? a block has no braces)`},
		{"local function f() return 1 print(2) end", `t.lua:1: syntax error near 'print' (nothing comes after return in its block)`},
		{"local function f()\n return nil or\nend", `t.lua:3: syntax error near 'end' (a value is missing before it)`},
		{"local t = { f = function() local x =\n end }", `t.lua:2: syntax error near 'end' (a value is missing before it)`},
		{"local x =", `t.lua:1: syntax error near end of file (a value is missing before it)`},
		{"local t = { f = function()\n if t then return end end\n end }", `t.lua:3: syntax error near 'end' (is "}" missing, for the "{" at line 1, or is this "end" one too many?)`},
		{"local x := 5", "t.lua:1: cannot use :=: this is Lua 5.1, write a = b"},
		{"local x = `a`", "t.lua:1: cannot use `: write a plain \" or '"},
		{"while true return end", `t.lua:1: syntax error near 'return' (is "do" missing, for the "while" at line 1?)`},
		{"local function f()\n return 1\n\nlocal x", `t.lua:4: syntax error near 'local' (is "end" missing, for the "function" at line 1?)`},
		{"local function f()\n if true then\n return 1\n\nprint(1)", `t.lua:5: syntax error near 'print' (is "end" missing, for the "if" at line 2?)`},
		{"local function f()\n return 1 2\nend", `t.lua:2: syntax error near '2' (nothing comes after return in its block)`},
		{"print{ name: 'x' }", `t.lua:1: syntax error near 'x' (a field is written name = value)`},
		{"print{ f: function() end }", `t.lua:1: syntax error near 'function' (a field is written name = value)`},
		{"print(\n name = 'x')", `t.lua:2: syntax error near '=' (named values go in braces: f{ name = value })`},
		{"if (x = 1) then end", `t.lua:1: syntax error near '=' (= assigns, == compares)`},
		{"local function f(a, b = 2) end", `t.lua:1: syntax error near '='`},
		{"print(f(function(a, b = 2) end))", `t.lua:1: syntax error near '='`},
		{"local t = [1, 2]", `t.lua:1: syntax error near '[' (a list is written in braces: { 1, 2 })`},
		{"print([1, 2])", `t.lua:1: syntax error near '[' (a list is written in braces: { 1, 2 })`},
		{"print{ a = [1, 2] }", `t.lua:1: syntax error near '[' (a list is written in braces: { 1, 2 })`},
		{"local x\n[1] = 2", `t.lua:2: syntax error near '['`},
		{"// the shop\nlocal x", "t.lua:1: cannot use //: comments begin with --"},
		{"local x = 1\n  # the shop", "t.lua:2: cannot use # here: comments begin with --"},
		{"local n =\n  #'abc'\nlocal t = {\n #'a' }", ""},
		{`print{ a = "x, url = "http://y/" }`, `t.lua:1: cannot use ://: is a quote missing on this line?`},
		{"local x = “a”", `t.lua:1: cannot use “: write a plain " or '`},
		{"local x = ‘a’", `t.lua:1: cannot use ‘: write a plain " or '`},
		{"local x =\u00a01", "t.lua:1: cannot use the space U+00A0 here: write a plain one"},
		{"local x = 1\u200b", "t.lua:1: cannot use the invisible U+200B here: delete it"},
		{"local x = 1\n\x00", "t.lua:2: cannot use the invisible U+0000 here: delete it"},
		{"local größe = 1", `t.lua:1: cannot use "ö" here: names have the letters a to z, digits and _`},
		{"local gr\xf6\xdfe = 1", `t.lua:1: cannot read this byte, \xf6: save the file as UTF-8`},
		{"local s = [[ x", "t.lua:1: unterminated multiline string near end of file"},
		{"goto nowhere", "t.lua:1: no visible label 'nowhere' for goto"},
		{"\nbreak", "t.lua:2: no loop to break"},
		{"\n\nerror('no')", "t.lua:3: no"},
		{"local x\nx.y = 1", "t.lua:2: attempt to index a nil value (local 'x') with key 'y'"},

		{"x = 1", `t.lua:1: cannot set undeclared global "x" (is a "local" missing?)`},
		{"chek = 1", `t.lua:1: cannot set undeclared global "chek" (did you mean "check"?)`},
		{"local a = 1\nreturn tostrnig(a)", `t.lua:2: cannot read undeclared global "tostrnig" (did you mean "tostring"?)`},
		{"return floor(1.5)", `t.lua:1: cannot read undeclared global "floor" (did you mean math.floor?)`},
		{"return len('x')", `t.lua:1: cannot read undeclared global "len" (#x is the length of a list or a text)`},
		{"return Floor(1.5)", `t.lua:1: cannot read undeclared global "Floor"`},
		{"floor = 1", `t.lua:1: cannot set undeclared global "floor" (is a "local" missing?)`},
		{"local orders = 1\nreturn order", `t.lua:2: cannot read undeclared global "order" (did you mean "orders"?)`},
		{"local function f(gateway) local function g() return gatway end return g() end\nf()", `t.lua:1: cannot read undeclared global "gatway" (did you mean "gateway"?)`},
		{"do local gateway = 1 end\nreturn gatway", `t.lua:2: cannot read undeclared global "gatway"`},
		{"if false then\nprint(zzz) end", `t.lua:2: cannot read undeclared global "zzz"`},
		{"function foo() end", `t.lua:1: cannot set undeclared global "foo" (is a "local" missing?)`},
		{"local function f() return zzz end", ""},
		{"local function f() return zzz end\nf()", `t.lua:1: cannot read undeclared global "zzz"`},
		{"local function f() local function g() return f, g end end", ""},
		{"for i = 1, 2 do local j = i end return j", `t.lua:1: cannot read undeclared global "j"`},
		{"repeat local done = true until done", ""},
		{"local t = {} function t:m() return self end", ""},
		{"local function f(...) return arg end", ""},
		{"io.open('x')", `t.lua:1: cannot use "io": it does not exist here (files are read with pharos.file.read)`},
		{"load('x')", `t.lua:1: cannot use "load": it does not exist here (code comes only from files)`},
		{"return _G.x", `t.lua:1: cannot use "_G": it does not exist here (globals are declared, not looked up)`},

		{"local a = 5 // 2", "t.lua:1: cannot use //: this is Lua 5.1, write math.floor(a / b)"},
		{"local a = 'http://x' -- // & |", ""},
		{"--[[ // ]] local a = [==[ a // b ]==]", ""},
		{"local a = 1 & 2", "t.lua:1: cannot use &: this is Lua 5.1, write bit.band(a, b)"},
		{"local a = 1 | 2", "t.lua:1: cannot use |: this is Lua 5.1, write bit.bor(a, b)"},
		{"local a = 1 ~ 2", "t.lua:1: cannot use ~: this is Lua 5.1, write bit.bxor(a, b) or bit.bnot(a)"},
		{"local a = 1 ~= 2", ""},
		{"local a = 1 << 2", "t.lua:1: cannot use <<: this is Lua 5.1, write bit.lshift(a, n)"},
		{"local a = 1 >> 2", "t.lua:1: cannot use >>: this is Lua 5.1, write bit.rshift(a, n)"},
		{"local a <const> = 1", "t.lua:1: cannot use <const>: this is Lua 5.1, which has no attributes of locals"},
		{"\nlocal a = '\\x41'", `t.lua:2: cannot use this escape: \x is of Lua 5.2: write the byte in decimal, "\65" for "\x41"`},
		{"local a = '\\u{41}'", `t.lua:1: cannot use this escape: \u is of Lua 5.3: write the character itself, or utf8.char(0x20AC)`},
		{"local a = '\\z  x'", `t.lua:1: cannot use this escape: \z is of Lua 5.2: join the parts with ..`},
		{"local a = [[\\x41]]", ""},
		{"local a = '\\255\\0'", ""},
		{"\nlocal a = '\\3001'", `t.lua:2: cannot use this escape: \300 is no byte, which is at most \255`},
		{"local a = '\\\\300'", ""},
		{"local a = 1 local b = a != 2", "t.lua:1: cannot use !=: this is Lua 5.1, write ~="},
		{"local a = 1 a += 2", "t.lua:1: cannot use +=: this is Lua 5.1, write a = a + b"},
		{"local a = 1 a++", "t.lua:1: cannot use ++: this is Lua 5.1, write a = a + 1"},
		{"local a = '' a ..= 'x'", "t.lua:1: cannot use ..=: this is Lua 5.1, write a = a .. b"},
		{"local a = 1 <> 2", "t.lua:1: cannot use <>: this is Lua 5.1, write ~="},
		{"local a = 1 === 2", "t.lua:1: cannot use ===: this is Lua 5.1, write =="},
		{"local a = 2 ** 2", "t.lua:1: cannot use **: this is Lua 5.1, write a ^ b"},
		{"local a = true ? 1 : 2", "t.lua:1: cannot use ?: this is Lua 5.1, write a and b or c"},
		{"local function f(...) return ...==1 end", ""},

		{"let x = 1", "t.lua:1: parse error near 'x' (this is Lua: write local for let)"},
		{"def f(x)", "t.lua:1: parse error near 'f' (this is Lua: write function for def)"},
		{"while true do\n continue\nend", "t.lua:3: parse error near 'end' (this is Lua: write goto continue, with ::continue:: before the loop's end, for continue)"},
		{"if true then elif false then end", "t.lua:1: parse error near 'false' (this is Lua: write elseif for elif)"},
		{"if true then return 1 elif false then end", "t.lua:1: syntax error near 'elif' (this is Lua: write elseif for elif)"},
		{"local t = { f = (a) => { 1 } }", "t.lua:1: syntax error near '=' (a function is written function(self) ... end)"},
		{"class Disk extends X", "t.lua:1: parse error near 'Disk' (this is Lua: write local Name = pharos.MetricWatcher:extend{ ... } for class)"},
		{"local t = { User-Agent = 2 }", `t.lua:1: syntax error near '=' (a name that is no word goes in brackets: ["User-Agent"] = value)`},
		{"local t = { let b = 2 }", "t.lua:1: syntax error near 'b' (this is Lua: write local for let)"},
		{"fucntion f() end", `t.lua:1: parse error near 'f' (did you mean "function"?)`},
		{"int x = 1", "t.lua:1: parse error near 'x' (this is Lua: write local for int)"},
		{"fox 1", "t.lua:1: parse error near '1'"},
		{"local function f() retrun 1 end", `t.lua:1: parse error near '1' (did you mean "return"?)`},

		{"print{ interval = 5s }", `t.lua:1: malformed number near '5s' (with a unit it is a text: "5s")`},
		{"while 1do end", `t.lua:1: malformed number near '1do' (with a unit it is a text: "1do")`},
		{"return 1e5, 1E+5, .5e-3, 3., 0xfF, 007, 1 ..2", ""},

		{"local s = 'a\\\r\nb'\r\nerror(s)", "t.lua:3: a\nb"},
		{"-- the shop\rlocal a = 5 // 2", "t.lua:2: cannot use //: this is Lua 5.1, write math.floor(a / b)"},
	} {
		if got := loadError(t, c.src); got != c.want {
			t.Errorf("Load(%q) = %q, want %q", c.src, got, c.want)
		}
	}
}

// What Lua 5.1 calls ambiguous is refused, and nothing else that looks like it.
func TestAmbiguousCalls(t *testing.T) {
	program := func(src string) string { return "local f local function never(...) " + src + "\nend" }
	for _, src := range []string{
		"f()\n(f)()", "f(1)\n\n (f or f)(2)", "f(1) -- what\n(f)(2)", "f(1) --[[\n]](f)(2)", "f'a'\n(f)(2)",
		"f[[\n]]\n(f)(2)", "f{}\n(f)(2)", "f{{}}\n(f)(2)", "local a = f\n(f)(2)", "local a, b = 1, f\n(f)(2)", "local t = {} t.x = t.y\n(f)(2)",
		"local t = {f} f(t[1])\n(f)(2)", "local t = {f} local a = t[1]\n(f)(2)", "f\n(1)", "f(f\n(1))", "local s = '' s:len\n()",
		"(function() end)\n(f)(2)", "local function g(...) f(...)\n(f)(2) end", "goto on\n::on:: f(1)\n(f)(2)",
		"for i = 1, f(1)\n(f) do end",
	} {
		if got, want := loadError(t, program(src)), "ambiguous"; !strings.Contains(got, want) {
			t.Errorf("Load(%q) = %q, want %q in it", src, got, want)
		}
	}
	for _, src := range []string{
		"f();\n(f)()", "f((\n1))", "f(\n(f)(1))", "local a = 1\n(f)(a)", "local a = 'a'\n(f)(a)", "local a = [[\n]]\n(f)(a)",
		"local a = {}\n(f)(a)", "local a\n(f)(a)", "local a, b\n(f)(a)", "local a = nil\n(f)(a)", "local a = ...\n(f)(a)",
		"local function g(a)\n(f)(a) end", "local g = function(...)\n(f)(...) end", "local function g\n(a) end", "local g = function\n() end",
		"local t = {} function t.a.b:c(d)\n(f)(d) end", "local function g() end\n(f)(1)", "local a = function() end\n(f)(a)",
		"do\n(f)(1) end", "if f\nthen (f)(1) else\n(f)(2) end", "for i = 1, 2 do\n(f)(i) end", "repeat\n(f)(1) until true\n(f)(2)",
		"goto on\n(f)(1) ::on::\n(f)(2)", "local a = f and\n(f)(1)", "local a = f ..\n(f)(1)", "local a = 0x1F\n(f)(a)", "local a = .5\n(f)(a)",
		"local t = {f,\n(f)(1), [f] = 1, x =\n(f)(1)}", "f(f,\n(f)(1))", "f\n'a'", "f\n{}",
	} {
		if got := loadError(t, program(src)); got != "" {
			t.Errorf("Load(%q) = %q", src, got)
		}
	}
}

// Source bombs are refused, soon, and in little memory.
func TestSourceBombs(t *testing.T) {
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	for _, c := range []struct{ name, src, want string }{
		{"5 MB", many("x", 5<<20), "cannot load 5242880 bytes of source (at most 1048576)"},
		{"unary", "local a = " + many("#", 1<<20-20) + "x", "too many unary operators"},
		{"not", "local a = " + many("not ", 200_000) + "x", "too many unary operators"},
		{"minus", "local a = " + many("- ", 500_000) + "1", "too many unary operators"},
		{"minus in brackets", "local a = " + many("-(", 300_000) + "1", "too many brackets and blocks"},
		{"power", "local a = 2" + many("^2", 500_000), "too many operators"},
		{"power in calls", "local a = 2" + many("^f(2)", 200_000), "too many operators"},
		{"power and unary", "local a = 2" + many("^-2", 300_000), "too many operators"},
		{"concatenation", "local a = 1" + many("..1", 300_000), "too many operators"},
		{"sum", "local a = 1" + many("+1", 500_000), "too many operators"},
		{"and", "local a = 1" + many(" and 1", 150_000), "too many operators"},
		{"comparison", "local a = 1" + many("<1", 500_000), "too many operators"},
		{"brackets", "local a = " + many("(", 500_000) + "1" + many(")", 500_000), "too many brackets and blocks"},
		{"tables", "local a = " + many("{", 500_000) + many("}", 500_000), "too many brackets and blocks"},
		{"indices", "local a = {} local b = a" + many("[a", 300_000) + many("]", 300_000), "too many brackets and blocks"},
		{"fields", "local a = {} a = a" + many(".a", 500_000), "too many operators"},
		{"calls", "local a = print" + many("()", 500_000), "too many operators"},
		{"methods", "local a = 1 a = a" + many(":a()", 200_000), "too many operators"},
		{"functions", many("local function f() ", 20_000), "too many brackets and blocks"},
		{"function values", many("return function() ", 20_000), "too many brackets and blocks"},
		{"blocks", many("do ", 300_000), "too many brackets and blocks"},
		{"ifs", many("if true then ", 70_000), "too many brackets and blocks"},
		{"deep enough", "local a = 1" + many("+1", 4000), "too many nested levels"},
		{"statements with calls", many("tostring(1) ", 20_000), ""},
		{"calls after blocks", many("do end tostring(1) ", 20_000), ""},
		{"after another line's end", "--\rlocal a = " + many("(", 500_000) + "1" + many(")", 500_000), "too many brackets and blocks"},
		{"numbers and words", many("while 1do ", 90_000), "malformed number"},
		{"elseifs", "if true then " + many("elseif true then ", 50_000) + " end", "too many nested levels"},
		{"loops", many("while true do ", 70_000), "too many brackets and blocks"},
		{"repeats", many("repeat ", 140_000), "too many brackets and blocks"},
		{"constants", "local a = {" + numbers(150_000) + "}", "too many different constants"},
		{"gotos", many("goto x ", 140_000) + "::x::", "too long to jump"},
		{"labels", labels(60_000), "too many labels"},
		{"labels that do", labels(1000), ""},
		{"long string", "local a = '" + many("x", 1<<20-20) + "'", ""},
		{"long comment", "--[[" + many("]=", 500_000) + "]]", ""},
		{"statements", many("local a;", 100), ""},
		{"bytes", many("\x00", 1<<12), "cannot use the invisible U+0000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := loadError(t, c.src)
			if !strings.Contains(got, c.want) || c.want == "" && got != "" {
				t.Errorf("Load = %.200q, want %q in it", got, c.want)
			}
		})
	}
}

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String()
}

func labels(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "::l%d::", i)
	}
	return b.String()
}

func TestWarnings(t *testing.T) {
	var got []string
	u := universe(t, Options{Name: "t.lua", Warn: func(e Error) { got = append(got, e.Error()) }})
	src := "local s = '\\d+'\nlocal function f()\n  zzz = 1\n  return tostirng(s), tostirng(s), super().check(s)\nend"
	if err := u.Load(t.Context(), []byte(src)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`t.lua:1: "\d" is just "d" (in a pattern, write "%d")`,
		`t.lua:3: cannot set undeclared global "zzz" (is a "local" missing?)`,
		`t.lua:4: cannot read undeclared global "tostirng" (did you mean "tostring"?)`,
		`t.lua:4: cannot read undeclared global "super" (write Parent.check(self, ...), where the class extends Parent)`,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("warnings = %q, want %q", got, want)
	}
}

// What a library lacks is told of before somebody calls it, unless a file adds it.
func TestMissingFunctions(t *testing.T) {
	var got []string
	u := universe(t, Options{Name: "t.lua", Warn: func(e Error) { got = append(got, e.Error()) }})
	src := `local function f(s)
  return string.lenght(s), string.trim(s), s:trim(), table.unpack or table.move
end
local function g(math) os.exit(1) return math.mod(1, 2), table.getn({}), utf8.char(8364), bit.nand(1, 2) end
function string.trim(s) return s end
function table.foreach(t) return next(t) end
os.getenv = table.foreach
local function h() return table.foreach({}), os.getenv({}) end
local function guarded(t)
  if type(math.type) == "function" then return math.type(t) end
  if os.exit then os.exit(2) end
end`
	if err := u.Load(t.Context(), []byte(src)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`t.lua:2: cannot use string.lenght: it does not exist here`,
		`t.lua:4: cannot use os.exit: it does not exist here (a script cannot end the process; return from the function)`,
		`t.lua:4: cannot use table.getn: it does not exist here (write #t)`,
		`t.lua:4: cannot use bit.nand: it does not exist here (did you mean "band"?)`,
		`t.lua:11: cannot use os.exit: it does not exist here (a script cannot end the process; return from the function)`,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("warnings = %q, want %q", got, want)
	}
}

func TestLoadTimeout(t *testing.T) {
	u := universe(t, Options{Name: "t.lua", LoadTimeout: 100 * time.Millisecond})
	if err := u.Load(t.Context(), []byte("while true do end")); !errors.Is(err, ErrDeadline) {
		t.Errorf("Load = %v, want %v", err, ErrDeadline)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := u.Load(ctx, []byte("while true do end")); !errors.Is(err, ErrCancelled) {
		t.Errorf("Load with a cancelled context = %v, want %v", err, ErrCancelled)
	}
}

func TestCacheSharesCode(t *testing.T) {
	cache := &Cache{}
	src := []byte("return 1")
	a, err := cache.compile("a.lua", src, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := cache.compile("a.lua", src, time.Hour); a != b {
		t.Error("the same file was compiled twice")
	}
	if b, _ := cache.compile("b.lua", src, time.Hour); a == b {
		t.Error("two files share code, and with it a name in errors")
	}
	for i := range 100 { // an author at work
		if _, err := cache.compile("a.lua", fmt.Appendf(nil, "return %d", i), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(cache.chunks); n != 2 {
		t.Errorf("%d chunks are kept of two files", n)
	}
}

// Any bytes are an error or a program, within the budget of a load.
func FuzzLoad(f *testing.F) {
	for _, a := range attacks {
		f.Add("check = function() " + a.body + " end")
	}
	f.Add("local a, b = 1, 2 a, b = b, a + b return (a), ...")
	f.Add("for i, v in ipairs{'x', \"\\065\", [[y]]} do goto c ::c:: end -- z")
	f.Fuzz(func(t *testing.T, src string) {
		u, err := New(Options{Name: "t.lua", Globals: []string{"check"}, LoadTimeout: 100 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		defer u.Close()
		var e *Error
		err = u.Load(context.Background(), []byte(src))
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("Load(%q) = %T, want *Error", src, err)
		}
		if e != nil && strings.Contains(e.Message, "internal error") {
			t.Errorf("Load(%q) = %v: a Go panic", src, err)
		}
		if err := u.Do(context.Background(), func(*lua.LState) error { return nil }); err != nil {
			t.Errorf("after Load(%q), Do = %v", src, err)
		}
	})
}
