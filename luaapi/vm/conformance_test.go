package vm

import (
	"context"
	"testing"
	"time"
)

// Behaviour of Lua 5.1 as its manual and its programs know it, and of what is
// offered from later versions. Each body is that of a function; its results are
// compared as text.

type conformance struct{ body, want string }

func conform(t *testing.T, cases []conformance) {
	t.Helper()
	for _, c := range cases {
		if got := eval(t, c.body); got != c.want {
			t.Errorf("%s\n\t= %q, want %q", c.body, got, c.want)
		}
	}
}

func eval(t *testing.T, body string) string {
	t.Helper()
	u, err := New(Options{Name: "t.lua", Globals: []string{"check", "g", "h"}, Slice: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if err := u.Load(context.Background(), []byte("check = function(...) "+body+"\nend")); err != nil {
		return "load error: " + err.Error()
	}
	got, err := call(t, u, context.Background())
	if err != nil {
		return "error: " + err.Error()
	}
	return got
}

func TestNumbers(t *testing.T) {
	conform(t, []conformance{
		{`return 10 / 2, 3 / 2, 2 ^ 10, 7 % 3, -7 % 3, 7 % -3, -2 ^ 2`, "5 1.5 1024 1 2 -2 -4"},
		{`return 1 / 3, 1e15, 2 ^ 53, 1e16, 1e100, 123456.789e3`, "0.33333333333333 1000000000000000 9007199254740992 1e+16 1e+100 123456789"},
		{`return 1 / 0, -1 / 0, math.huge, -math.huge, math.huge == 1 / 0`, "inf -inf inf -inf true"},
		{`local n = 0 / 0 return n == n, n ~= n, tostring(n):find("nan") ~= nil`, "false true true"},
		{`return 0.1 + 0.2, 100 * 1.1, 1e-5, 5e-324`, "0.3 110 1e-05 4.9406564584125e-324"},
		{`return 0x10, 0xff, 1e2, .5, 3., "10" + 5, "0x10" + 0, 10 .. ""`, "16 255 100 0.5 3 15 16 10"},
		{`return tonumber("10"), tonumber(" 10 "), tonumber("1e3"), tonumber("5e-07"), tonumber("0x1F")`, "10 10 1000 5e-07 31"},
		{`return tonumber(""), tonumber(" "), tonumber("x"), tonumber("1x"), tonumber("1 2"), tonumber("1_000"), tonumber("inf"), tonumber("nan"), tonumber("0x"), tonumber("--1")`, "nil nil nil nil nil nil nil nil nil nil"},
		{`return tonumber("010"), tonumber(".5"), tonumber("5."), tonumber("-3"), tonumber("+3"), tonumber("-0x10"), tonumber("1e"), tonumber("e1")`, "10 0.5 5 -3 3 -16 nil nil"},
		{`return "010" + 0, "08" * 1, " 0012 " - 1, "-010" / 1, "1e3" + 0, "5." ^ 1, 7 % "04", -"010", "\v10\f" + "-0x10", "00" + 0`, "10 8 11 -10 1000 5 3 -10 -6 0"},
		{`local ok = {} for _, s in ipairs{"1_000", "0b1", "0o17", "- 1", "", " ", "1e", "0x", "--1", "1__0", "abc"} do ok[#ok + 1] = tostring(pcall(function() return s + 1 end)) ok[#ok + 1] = tostring(pcall(function() return -s end)) end return table.concat(ok, " "):find("true")`, "nil"},
		{`local s = "abc" return s + 1`, "error: t.lua:1: attempt to perform arithmetic on a string value (local 's'): .. joins texts, tonumber makes a number of one"},
		{`local t = {x = "y"} return 2 ^ t.x`, "error: t.lua:1: attempt to perform arithmetic on a string value (field 'x')"},
		{`local a, b = "1" return a + b`, "error: t.lua:1: attempt to perform arithmetic on a nil value (local 'b')"},
		{`return -"x"`, "error: t.lua:1: attempt to perform arithmetic on a string value"},
		{`local t = setmetatable({}, {__mul = function(a, b) return type(a) .. type(b) end}) return "x" * t, t * "2"`, "stringtable tablestring"},
		{`return 010, 0010, 08, 00.5, 1e400, 0xffffffffffffffff == 2 ^ 64 and 0xfffffffffffffffff == 2 ^ 68, tonumber("0xfffffffffffffffff") == 2 ^ 68`, "10 10 8 0.5 inf true true"},
		{`return -4 % 2, 4 % -2, 0 * -1, tostring(-4 % 2), (-4 % 2) .. "", table.concat{-4 % 2}`, "0 0 0 0 0 0"},
		{`return tonumber("ff", 16), tonumber("zz", 36), tonumber("101", 2), tonumber("8", 8), tonumber("-7", 8), tonumber("7fffffff", 16), tonumber("+0x1F", 16)`, "255 1295 5 nil -7 2147483647 31"},
		{`return tonumber("ffffffffffffffff", 16) == 2 ^ 64, tonumber("8000000000000000", 16) == 2 ^ 63, tonumber("-8000000000000001", 16) == -2 ^ 63, tonumber("10000000000000000", 16) == 2 ^ 64, tonumber(("1"):rep(65), 2) == 2 ^ 65`, "true true true true true"},
		{`return tonumber("0x-5", 16), tonumber("--5", 16), tonumber("- 5", 16), tonumber("0x", 16), tonumber("1_0", 8), tonumber("", 8), tonumber("+", 8), tonumber("1.5", 8), tonumber("0x0x5", 16)`, "nil nil nil nil nil nil nil nil nil"},
		{`return tonumber({}), tonumber(nil), tonumber(true), tonumber(3)`, "nil nil nil 3"},
		{`return pcall(tonumber)`, "false bad argument #1 to '?' (value expected)"},
		{`return pcall(tonumber, "1", 99)`, "false bad argument #2 to '?' (base out of range)"},
		{`return math.floor(3.7), math.floor(-3.7), math.ceil(3.2), math.ceil(-3.2), math.round(2.5), math.round(-2.5)`, "3 -4 4 -3 3 -3"},
		{`return math.max(1, 5, 3), math.min(4, 2, 8), math.abs(-3), math.sqrt(16), math.pow(2, 8)`, "5 2 3 4 256"},
		{`return math.fmod(7, 3), math.fmod(-7, 3), math.modf(3.7)`, "1 -1 3 0.7"},
		{`local a, b = math.modf(-3.25) local c, d = math.modf(math.huge) return a, b, c, d`, "-3 -0.25 inf 0"},
		{`local m, e = math.frexp(8) return m, e, math.ldexp(0.5, 4), math.log10(1000), math.log(8, 2), math.exp(0)`, "0.5 4 8 3 3 1"},
		{`return math.deg(math.pi), math.rad(180) == math.pi, math.atan2(1, 1) * 4 == math.pi`, "180 true true"},
		{`for i = 1, 100 do local r = math.random() if r < 0 or r >= 1 then return "bad" end r = math.random(6) if r < 1 or r > 6 or r % 1 ~= 0 then return "bad" end r = math.random(-2, 2) if r < -2 or r > 2 then return "bad" end end return "ok"`, "ok"},
		{`math.randomseed(1) return pcall(math.random, 0)`, "false bad argument #1 to '?' (interval is empty)"},
		{`return pcall(math.random, math.huge, math.huge)`, "false bad argument #2 to '?' (interval is too large)"},
		{`return pcall(math.random, -math.huge, -math.huge)`, "false bad argument #2 to '?' (interval is too large)"},
		{`return pcall(math.random, math.huge)`, "false bad argument #1 to '?' (interval is too large)"},
		{`return pcall(math.random, 0 / 0)`, "false bad argument #1 to '?' (interval is empty)"},
		{`return math.random(2 ^ 60, 2 ^ 60) == 2 ^ 60`, "true"},
		{`return 5 == "5", "10" < "9", 1 < 2, "a" < "b", "a" < "B", "" < "a"`, "false true true true false true"},
		{`return 2 ^ 0.5 == math.sqrt(2), -0 == 0, 1e308 * 10 == math.huge`, "true true true"},
		{`return bit.band(0xff, 0x0f), bit.bor(1, 2, 4), bit.bxor(5, 1), bit.bnot(0), bit.lshift(1, 4), bit.rshift(-1, 28), bit.arshift(-16, 2), bit.tohex(255), bit.tohex(255, 4), bit.tohex(255, -2), bit.rol(0x80000000, 1), bit.tobit(2 ^ 32 + 5)`, "15 7 4 -1 16 15 -4 000000ff 00ff FF 1 5"},
	})
}

func TestStrings(t *testing.T) {
	conform(t, []conformance{
		{`return #"", #"abc", #"\0\0", ("x"):len()`, "0 3 2 1"},
		{`local s = "hello" return s:sub(2, 4), s:sub(-3), s:sub(2), s:sub(0), s:sub(10), s:sub(-100, 2), s:sub(4, 2), s:sub(-2, -2)`, "ell llo ello hello  he  l"},
		{`return ("abc"):upper(), ("ABC"):lower(), ("abc"):reverse(), (""):reverse(), ("äÄ"):upper()`, "ABC abc cba  äÄ"},
		{`return ("ab"):rep(3), ("ab"):rep(0), ("ab"):rep(-1), ("ab"):rep(3, "-"), ("ab"):rep(1, "-"), (""):rep(5)`, "ababab   ab-ab-ab ab "},
		{`return ("abc"):byte(), ("abc"):byte(-1), ("abc"):byte(1, -1)`, "97 99 97 98 99"},
		{`return select("#", ("abc"):byte(10)), select("#", (""):byte()), ("\255"):byte()`, "0 0 255"},
		{`return string.char(72, 105), string.char(), #string.char(0, 255)`, "Hi  2"},
		{`return pcall(string.char, 256)`, "false bad argument #1 to '?' (invalid value)"},
		{`return tostring(nil), tostring(true), tostring(1), tostring("x"), tostring(-0.5)`, "nil true 1 x -0.5"},
		{`return tostring(setmetatable({}, {__tostring = function() return "obj" end}))`, "obj"},
		{`return tostring(setmetatable({}, {__tostring = function() return 1 end}))`, "error: t.lua:1: 'tostring' must return a string, not a number"},
		{`return tostring({}):match("^table: ") ~= nil, tostring(print):match("^function: ") ~= nil`, "true true"},
		{`return "a" .. "b" .. 1 .. 2.5, 1 .. 2`, "ab12.5 12"},
		{`return "a" .. {}`, "error: t.lua:1: attempt to concatenate a table value"},
		{`return "a\nb" == [[a
b]], "\97\98", "\\n", '\'', "tab\tx"`, "true ab \\n ' tab\tx"},
		{`return ("%d %5d|%-5d|%05d|%+d|% d"):format(42, 42, 42, 42, 42, 42)`, "42    42|42   |00042|+42| 42"},
		{`return ("%d"):format(3.7), ("%d"):format("10"), ("%d"):format(-3.7), ("%i"):format(5), ("%.3d"):format(5), ("%5.3d|"):format(5)`, "3 10 -3 5 005   005|"},
		{`return ("%x %X %#x %o %#o %u"):format(255, 255, 255, 8, 8, 7), ("%x"):format(-1)`, "ff FF 0xff 10 010 7 ffffffffffffffff"},
		{`return ("%.0d|%.d|%3.0x|%.0d"):format(0, 0, 0, 7)`, "||   |7"},
		{`return ("%#.0f %#g %#.3g %#g %#.0e %#G %#g"):format(3, 3, 100, 1e20, 3, 1e-5, 123456)`, "3. 3.00000 100. 1.00000e+20 3.e+00 1.00000E-05 123456."},
		{`return ("%#g|%#10g|%#f|%#010.1f"):format(0, -1.5, 1 / 0, 2.25)`, "0.00000|  -1.50000|inf|00000002.2"},
		{`return ("%u %x %X %o"):format(2 ^ 63, 2 ^ 64 - 2 ^ 11, 2 ^ 63, 2 ^ 63), ("%d"):format(-2 ^ 63), ("%#.0o"):format(0)`, "9223372036854775808 fffffffffffff800 8000000000000000 1000000000000000000000 -9223372036854775808 0"},
		{`return ("%04c|%4c|%-4c|"):format(65, 65, 65)`, "   A|   A|A   |"},
		{`return ("%d"):format(2 ^ 63)`, "error: t.lua:1: bad argument #1 to 'format' (number has no integer representation)"},
		{`return ("%u"):format(2 ^ 64)`, "error: t.lua:1: bad argument #1 to 'format' (number has no integer representation)"},
		{`return ("%u"):format(-2 ^ 63 - 2 ^ 11)`, "error: t.lua:1: bad argument #1 to 'format' (number has no integer representation)"},
		{`return ("%d %d"):format(nil, nil)`, "error: t.lua:1: bad argument #1 to 'format' (number expected, got nil)"},
		{`local x return ("%d"):format(x or "a")`, "error: t.lua:1: bad argument #1 to 'format' (number expected, got string)"},
		{`return ("%d"):format(...)`, "error: t.lua:1: bad argument #1 to 'format' (number expected, got no value)"},
		{`local t = {f = string.format} return (t.f or t.x)("%d", "a")`, "error: t.lua:1: bad argument #2 to '?' (number expected, got string)"},
		{`local s, f = "%d", string.format if s:len() == 2 then s:len() end return f(s, "a")`, "error: t.lua:1: bad argument #2 to 'f' (number expected, got string)"},
		{`return ("%f %.2f %10.3f|%-10.1f|%010.2f"):format(1.5, 3.14159, 2.5, 2.5, -2.5)`, "1.500000 3.14      2.500|2.5       |-000002.50"},
		{`return ("%e %.2E %g %g %g %G %.3g"):format(12345.678, 0.00012, 100000, 1e20, 0.0001, 1e-10, 1234.5)`, "1.234568e+04 1.20E-04 100000 1e+20 0.0001 1E-10 1.23e+03"},
		{`return ("%s %10s|%-10s|%.2s|%s %s"):format("a", "b", "c", "long", nil, true)`, "a          b|c         |lo|nil true"},
		{`return ("%c%c%c %% %q"):format(76, 117, 97, 'a "b" \\ \n \0')`, "Lua % \"a \\\"b\\\" \\\\ \\\n \\000\""},
		{`return ("%5.1f|%5s|%5d"):format(math.huge, "x", 3), ("%f"):format(0/0):match("nan")`, "  inf|    x|    3 nan"},
		{`return ("%d"):format()`, "error: t.lua:1: bad argument #1 to 'format' (number expected, got no value)"},
		{`return ("%y"):format(1)`, "error: t.lua:1: invalid option '%y' to 'format'"},
		{`return ("%"):format(1)`, "error: t.lua:1: invalid format (width or precision too long, or no conversion after '%')"},
		{`return ("%d"):format(0/0)`, "error: t.lua:1: bad argument #1 to 'format' (number has no integer representation)"},
		{`return ("%s"):format(setmetatable({}, {__tostring = function() return "obj" end}))`, "obj"},
		{`return #("%99.99f"):format(1/3)`, "101"},
		{`return ("x"):nope()`, "error: t.lua:1: attempt to call a nil value (method 'nope')"},
		{`return utf8.len("äöü"), utf8.len("abc", 2), utf8.char(228, 8364, 128512), utf8.len("\255")`, "3 2 ä€😀 nil 1"},
		{`local n = 0 for c in ("aäb"):gmatch(utf8.charpattern) do n = n + 1 end return n, utf8.codepoint("€")`, "3 8364"},
		{`return getmetatable("")`, "string"},
		{`return ("a"):rep(3):len(), #("a"):rep(100000)`, "3 100000"},
	})
}

func TestPatterns(t *testing.T) {
	conform(t, []conformance{
		{`local s, n = string.gsub(12, "x", "y") return type(s), s, n`, "string 12 0"},
		{`return ("hello"):find("l"), ("hello"):find("xyz"), ("hello"):find("l", 4), ("hello"):find("")`, "3 nil 4 1 0"},
		{`return ("hello"):find("", 10), ("hello"):find("", 6), ("abc"):find("b", -2)`, "6 6 2 2"},
		{`return ("a.b"):find(".", 1, true), ("a.b"):find("%."), ("a+b"):find("+", 1, true)`, "2 2 2 2"},
		{`return ("abc"):find("(b)(c)")`, "2 3 b c"},
		{`return ("key=val"):match("(%w+)=(%w+)"), ("x"):match("y"), ("abc"):match("()b()")`, "key nil 2 3"},
		{`return ("  x  "):match("^%s*(.-)%s*$"), ("abc"):match(".-"), ("abc"):match("a*", 2)`, "x  "},
		{`return ("2024-01-02"):match("(%d+)-(%d+)-(%d+)")`, "2024 01 02"},
		{`local t = {} for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do t[#t+1] = k .. v end return unpack(t)`, "a1 b2"},
		{`local t = {} for w in ("one two"):gmatch("%a+") do t[#t+1] = w end return #t, t[1], t[2]`, "2 one two"},
		{`local n = 0 for _ in ("abc"):gmatch("") do n = n + 1 end return n`, "4"},
		{`local t = {} for p in ("abc"):gmatch("()") do t[#t+1] = p end return unpack(t)`, "1 2 3 4"},
		{`local n = 0 for _ in ("^a^a"):gmatch("^a") do n = n + 1 end return n`, "2"},
		{`return ("hello world"):gsub("o", "0")`, "hell0 w0rld 2"},
		{`return ("hello"):gsub("l", "L", 1)`, "heLlo 1"},
		{`return ("hello"):gsub("", "-")`, "-h-e-l-l-o- 6"},
		{`return ("abc"):gsub("%w", "%0%0"), ("abc"):gsub("(a)(b)", "%2%1"), ("abc"):gsub("b", "%%")`, "aabbcc bac a%c 1"},
		{`return ("abc"):gsub("b", "%1")`, "abc 1"},
		{`return ("abc"):gsub("b", "%2")`, "error: t.lua:1: invalid capture index %2 in replacement string"},
		{`return ("$name is $age"):gsub("%$(%w+)", {name = "Bob", age = 7})`, "Bob is 7 2"},
		{`return ("abc"):gsub("%w", function(c) if c == "b" then return "X" end end)`, "aXc 3"},
		{`return ("abc"):gsub("%w", function() return false end)`, "abc 3"},
		{`return ("abc"):gsub("%w", function() return {} end)`, "error: t.lua:1: invalid replacement value (a table)"},
		{`return ("abc"):gsub("b", true)`, "error: t.lua:1: bad argument #2 to 'gsub' (string/function/table expected, got boolean)"},
		{`return ("abc"):gsub("^a", "x"), ("aaa"):gsub("^a", "x"), ("abc"):gsub("$", "!")`, "xbc xaa abc! 1"},
		{`return ("abc d"):gsub("%w*", "x")`, "xx xx 4"},
		{`return ("x"):gsub("x", "%a")`, "a 1"},
		{`return ("THE (quick) fox"):find("%((%a+)%)")`, "5 11 quick"},
		{`return ("THE (quick) fox"):gsub("%f[%a]%a+", string.lower)`, "the (quick) fox 3"},
		{`return ("f(a(b)c)d"):match("%b()"), ("[[x]]"):match("%[(%b[])%]")`, "(a(b)c) [x]"},
		{`return ("say 'hi'"):match("(['\"])(.-)%1")`, "' hi"},
		{`return ("x"):rep(3):gsub("x", {x = 1})`, "111 3"},
		{`return ("abc"):find("[")`, "error: t.lua:1: malformed pattern (missing ']') (in the pattern \"[\")"},
		{`return ("abc"):find("%")`, "error: t.lua:1: malformed pattern (ends with '%') (in the pattern \"%\")"},
		{`return ("abc"):find("(a")`, "error: t.lua:1: unfinished capture (in the pattern \"(a\")"},
		{`return ("a\0b"):find("%z"), ("a\0b"):match("%Z+"), #("\0\0"):match(".*")`, "2 a 2"},
		{`return ("hello world from lua"):match("^(%w+)"), ("x = 10"):match("^(%w+)%s*=%s*(%d+)$")`, "hello x 10"},
		{`return string.find("abc", "b", nil, true)`, "2 2"},
		{`local a = ("a"):rep(66010) return (a .. "b"):find(a:sub(11) .. "b", 1, true), a:find(a .. "b", 1, true), (a .. "x"):find("", 66012, true), (("x"):rep(2e5) .. a):find(a, 1, true)`, "11 nil 66012 200001 266010"},
		{`local s = ("x"):rep(5000) .. "y" return #s:match("x+"), s:find("y")`, "5000 5001 5001"},
	})
}

func TestTables(t *testing.T) {
	conform(t, []conformance{
		{`local after = ipairs({}) return after({}, "x")`, "error: t.lua:1: bad argument #2 to 'after' (number expected, got string)"},
		{`local after = pairs({}) return after(1)`, "error: t.lua:1: bad argument #1 to 'after' (table expected, got number)"},
		{`local t = {1, 2, 3} table.insert(t, 4) table.insert(t, 1, 0) return table.concat(t, ",")`, "0,1,2,3,4"},
		{`local t = {1, 2, 3} return table.remove(t), table.remove(t, 1), #t, t[1]`, "3 1 1 2"},
		{`local t = {} return table.remove(t), #t, table.remove(t, 1)`, "nil 0 nil"},
		{`local t = {1, 2, 3} return table.remove(t, 2), table.concat(t, ","), table.remove(t, 5), #t`, "2 1,3 nil 2"},
		{`return table.concat({}), table.concat({1}), table.concat({1, "a", 2.5}, "-"), table.concat({1, 2, 3}, ",", 2), table.concat({1, 2, 3}, ",", 2, 2)`, " 1 1-a-2.5 2,3 2"},
		{`return table.concat({1, {}, 3})`, "error: t.lua:1: invalid value (table) at index 2 in table for 'concat'"},
		{`return unpack({1, 2, 3})`, "1 2 3"},
		{`return unpack({1, 2, 3}, 2), select("#", unpack({}, 1, 3)), (unpack({1, 2}))`, "2 3 1"},
		{`local t = table.pack(1, nil, 3) return t.n, t[1], t[3], table.unpack({1, 2})`, "3 1 3 1 2"},
		{`return table.maxn({1, 2, [10] = 1}), table.maxn({}), table.maxn({[2.5] = 1})`, "10 0 2.5"},
		{`local t = {3, 1, 2} table.sort(t) return table.concat(t, ",")`, "1,2,3"},
		{`local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) return table.concat(t, ",")`, "3,2,1"},
		{`local t = {"b", "a", "C"} table.sort(t) return table.concat(t, ",")`, "C,a,b"},
		{`return pcall(table.sort, {1, "a"})`, "false attempt to compare string with number"},
		{`local t = {} for i = 1, 1000 do t[i] = (i * 7919) % 1009 end table.sort(t) for i = 2, 1000 do if t[i - 1] > t[i] then return "unsorted" end end return "sorted"`, "sorted"},
		{`local t = {} for i = 1, 500 do t[i] = {k = i % 10, i = i} end table.sort(t, function(a, b) return a.k < b.k end) for i = 2, 500 do if t[i - 1].k > t[i].k or t[i - 1].k == t[i].k and t[i - 1].i > t[i].i then return "unstable" end end return "stable"`, "stable"},
		{`local m = {__lt = function(a, b) return a.v < b.v end} local t = {} for i = 1, 5 do t[i] = setmetatable({v = -i}, m) end table.sort(t) return t[1].v, t[5].v`, "-5 -1"},
		{`local t = {5, 3, 1} table.sort(t, function(a, b) t[4] = 9 return a < b end) return t[1], t[2], t[3], t[4]`, "1 3 5 9"},
		{`local t = {10, 20, 30, nil} return #t, #{}, #{nil}, #{1, nil, 3}`, "3 0 0 3"},
		{`local t = {a = 1, 5, [2] = 6, b = 2} local n = 0 for k in pairs(t) do n = n + 1 end return n, next({}), #t`, "4 nil 2"},
		{`local s = "" for k, v in next, {1, 2, x = 3} do s = s .. k .. v end return s`, "1122x3"},
		{`local function f() return {s = "a b"} end local o = "" for n in f().s:gmatch("%S") do o = o .. n end return o`, "ab"},
		{`local function f() return function(t) return next, t end end local o = "" for k, v in f()({1, 2}) do o = o .. k .. v end return o`, "1122"},
		{`local function f() return {g = function(t) return next, t end} end local o = "" for k, v in f().g({1, 2}) do o = o .. k .. v end return o`, "1122"},
		{`local function f() return {n = next, t = {1, 2}} end local o = "" for k, v in f().n, f().t do o = o .. k .. v end return o`, "1122"},
		{`local function f() return {n = next, t = {1, 2}} end local o = "" for k, v in f().n, f().t, f().none do o = o .. k .. v end return o`, "1122"},
		{`local function f() return {g = pairs} end local o = "" for k, v in f().g(f().g and {7}) do o = o .. k .. v end return o`, "17"},
		{`local function f() return {a = 1, b = 7, c = 3} end local o = "" for i = f().a, f().b, f().c do o = o .. i end return o`, "147"},
		{`local function f() return {a = function() return 2 end} end local o = "" for i = f().a(), f().a() + f():a(), f().a() do o = o .. i end return o`, "24"},
		{`local function f() return {x = 1, y = 2} end local a, b = f().x, f().y local t = {f().x, f().y, [f().x + 2] = f().y} return a .. b .. t[1] .. t[2] .. t[3]`, "12122"},
		{`local function f() return {s = "ab", g = function(a, b) return a .. b end} end return f().g(f().s:upper(), f().s:rep(2)) .. f().s`, "ABababab"},
		{`local function from() return {1, 2, 3}, 1 end local s = "" for k in next, from() do s = s .. k end return s`, "23"},
		{`local s = "" for k in next, {1, 2, x = 3} do s = s .. k end return s`, "12x"},
		{`local s = "" for k, v in pairs({1, 2, x = 3}) do s = s .. tostring(k) .. "=" .. v .. ";" end return s`, "1=1;2=2;x=3;"},
		{`local t = {a = 1, b = 2, c = 3} for k in pairs(t) do t[k] = nil end return next(t)`, "nil"},
		{`local s = "" for i, v in ipairs({1, 2, nil, 4}) do s = s .. i .. v end return s`, "1122"},
		{`local t = {} t[1.0] = "a" t[2^53] = "b" return t[1], t[2^53], rawget(t, 1)`, "a b a"},
		{`local t = {} t[nil] = 1`, "error: t.lua:1: table index is nil"},
		{`local t = {} t[0/0] = 1`, "error: t.lua:1: table index is NaN"},
		{`local t = setmetatable({}, {__index = {x = 1}}) return t.x, rawget(t, "x"), rawequal(t, t), rawset(t, "x", 2) == t, t.x`, "1 nil true true 2"},
		{`return next({}, nil), type(next), pcall(next)`, "nil function false bad argument #1 to '?' (table expected, got no value)"},
		{`local t = {f = function(self, x) return self.v + x end, v = 1} return t:f(2), t.f(t, 3)`, "3 4"},
		{`table.insert({}, 1, 2, 3)`, "error: t.lua:1: wrong number of arguments to 'insert'"},
	})
}

func TestCallsAndClosures(t *testing.T) {
	conform(t, []conformance{
		{`local function f(...) return select("#", ...), ... end return f(1, nil, 3)`, "3 1 nil 3"},
		{`local function f(...) local a, b = ... return a, b end return f(1)`, "1 nil"},
		{`local function f(...) return (...) end return f(1, 2)`, "1"},
		{`local function f(...) local t = {...} return #t, t[2] end return f(1, 2, 3)`, "3 2"},
		{`local function f(...) return arg.n, arg[1] end return f("a", "b")`, "2 a"},
		{`return select(2, "a", "b", "c")`, "b c"},
		{`return select(-1, "a", "b"), select("#"), select("#", nil)`, "b 0 1"},
		{`return pcall(select, 0)`, "false bad argument #1 to '?' (index out of range)"},
		{`local function f() return 1, 2 end return f(), f()`, "1 1 2"},
		{`local function f() return 1, 2 end return (f())`, "1"},
		{`local function f() end return f(), (f()), select("#", f())`, "nil nil 0"},
		{`local t = {(function() return 1, 2, 3 end)(), 10} return #t`, "2"},
		{`local function f(n) if n == 0 then return "done" end return f(n - 1) end return f(100000)`, "done"},
		{`local f = {} for i = 1, 3 do f[i] = function() i = i + 1 return i end end return f[1](), f[1](), f[2]()`, "2 3 3"},
		{`local function counter() local n = 0 return function() n = n + 1 return n end end local a, b = counter(), counter() return a(), a(), b()`, "1 2 1"},
		{`local a, b do local n = 0 a = function() n = n + 1 end b = function() return n end end a() a() return b()`, "2"},
		{`local x = 1 local function f() return x end x = 2 return f()`, "2"},
		{`local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end return fib(15)`, "610"},
		{`local fs = {} local i = 1 while i <= 3 do local j = i fs[i] = function() return j end i = i + 1 end return fs[1](), fs[2](), fs[3]()`, "1 2 3"},
		{`local o = setmetatable({}, {__call = function(self, a, b) return a + b end}) return o(1, 2), pcall(o, 3, 4)`, "3 true 7"},
		{`local s = "" for i = 10, 1, -3 do s = s .. i .. " " end return s`, "10 7 4 1 "},
		{`local n = 0 for i = 1, 0 do n = n + 1 end for i = 1, 3, 0.5 do n = n + 1 end return n`, "5"},
		{`for i = "a", 2 do end`, "error: t.lua:1: for statement init must be a number"},
		{`local n = 0 repeat local k = n n = n + 1 until k >= 2 return n`, "3"},
		{`local n = 0 while true do n = n + 1 if n > 5 then break end end return n`, "6"},
		{`local a = nil and 1 local b = false or "x" local c = 1 and 2 local d = nil or false return a, b, c, d, not nil, not 0`, "nil x 2 false true false"},
		{`return 1 == 1.0, "a" == "a", {} == {}, nil == false, print == print`, "true true false false true"},
		{`return type(nil), type(1), type("x"), type({}), type(print), type(true), type(coroutine.create(function() end))`, "nil number string table function boolean thread"},
		{`return assert(1, 2, 3)`, "1 2 3"},
		{`return collectgarbage(), collectgarbage("count") > 0`, "0 true"},
		{`return _VERSION, print == nil`, "Lua 5.1 false"},
	})
}

func TestGoto(t *testing.T) {
	conform(t, []conformance{
		{`local s = "" for i = 1, 5 do if i % 2 == 0 then goto continue end s = s .. i ::continue:: end return s`, "135"},
		{`local i = 1 ::top:: i = i + 1 if i < 5 then goto top end return i`, "5"},
		{`for i = 1, 3 do for j = 1, 3 do if j == 2 then goto out end end end ::out:: return "out"`, "out"},
		{`local fs = {} local i = 1 ::top:: local j = i fs[i] = function() return j end i = i + 1 if i <= 3 then goto top end return fs[1](), fs[2](), fs[3]()`, "1 2 3"},
		{`do goto skip end local x = 1 ::skip:: return 1`, "load error: t.lua:1: <goto skip> at line 1 jumps into the scope of local 'x'"},
		{`::a:: ::a::`, "load error: t.lua:1: label 'a' already defined on line 1"},
		{`goto nowhere`, "load error: t.lua:1: no visible label 'nowhere' for goto"},
	})
}

func TestEvents(t *testing.T) {
	conform(t, []conformance{
		{`local t = setmetatable({}, {__index = function(_, k) return k .. "!" end}) return t.x, t[1]`, "x! 1!"},
		{`local base = {a = 1} base.__index = base local t = setmetatable({}, base) return t.a, t.b`, "1 nil"},
		{`local log = {} local t = setmetatable({}, {__newindex = function(t, k, v) rawset(t, k, v * 2) end}) t.x = 5 t.x = 6 return t.x`, "6"},
		{`local store = {} local t = setmetatable({}, {__newindex = store, __index = store}) t.x = 1 return rawget(t, "x"), store.x, t.x`, "nil 1 1"},
		{`local m = {} m.__add = function(a, b) return "add" end m.__sub = function() return "sub" end m.__mul = function() return "mul" end m.__div = function() return "div" end m.__mod = function() return "mod" end m.__pow = function() return "pow" end m.__unm = function() return "unm" end local o = setmetatable({}, m) return o + 1, 1 - o, o * o, o / 1, o % 1, o ^ 1, -o`, "add sub mul div mod pow unm"},
		{`local m = {__eq = function(a, b) return a.v == b.v end, __lt = function(a, b) return a.v < b.v end, __le = function(a, b) return a.v <= b.v end} local function o(v) return setmetatable({v = v}, m) end return o(1) == o(1), o(1) ~= o(2), o(1) < o(2), o(2) <= o(1), o(1) > o(2), o(3) >= o(1)`, "true true true false false true"},
		{`local o = setmetatable({}, {__concat = function(a, b) return (type(a) == "table" and "o" or a) .. "+" .. (type(b) == "table" and "o" or b) end}) return o .. "x", "x" .. o, o .. o, "a" .. "b" .. o`, "o+x x+o o+o ab+o"},
		{`return #setmetatable({}, {__len = function() return 42 end})`, "42"},
		{`return getmetatable(setmetatable({}, {__metatable = "locked"}))`, "locked"},
		{`return pcall(setmetatable, setmetatable({}, {__metatable = 1}), {})`, "false cannot change a protected metatable"},
		{`local t = setmetatable({}, nil) return getmetatable(t), setmetatable(t, {}) == t`, "nil true"},
		{`local t = setmetatable({}, {__index = function(t, k) error("no field " .. k) end}) return t.foo`, "error: t.lua:1: no field foo"},
		{`local proxy = setmetatable({}, {__index = string}) return proxy.upper("x")`, "X"},
		{`local Account = {} Account.__index = Account function Account.new(b) return setmetatable({balance = b}, Account) end function Account:deposit(v) self.balance = self.balance + v return self end return Account.new(10):deposit(5).balance`, "15"},
	})
}

func TestErrorsInLua(t *testing.T) {
	conform(t, []conformance{ // the caller's mistake is at the caller's line, also where that returns what it called
		{"local function need(o) if not o.x then error('no x', 2) end end\nlocal function g()\n  return need{ y = 1 }\nend\nlocal n = g() return n", "error: t.lua:3: no x"},
		{"local t = {} function t:need(o) if not o.x then error('no x', 2) end end\nlocal function g()\n  return t:need{ y = 1 }\nend\nlocal n = g() return n", "error: t.lua:3: no x"},
	})
	conform(t, []conformance{
		{`return pcall(error, "x")`, "false x"},
		{`return pcall(error, "x", 0)`, "false x"},
		{`return pcall(function() error("x") end)`, "false t.lua:1: x"},
		{`return pcall(function() error("x", 0) end)`, "false x"},
		{"local function f()\nerror('x', 2)\nend\nreturn pcall(function()\nf()\nend)", "false t.lua:5: x"},
		{"local function f()\nerror('x', 3)\nend\nlocal function g()\nf()\nend\nreturn pcall(function()\n\ng()\nend)", "false t.lua:9: x"},
		{`local ok, e = pcall(error, {code = 5}) return ok, e.code`, "false 5"},
		{`return pcall(error)`, "false nil"},
		{`return pcall(error, nil)`, "false nil"},
		{`return pcall(function() return 1, 2 end)`, "true 1 2"},
		{`return pcall(pcall, error, "x")`, "true false x"},
		{`return pcall(nil)`, "false attempt to call a nil value"},
		{`return pcall({})`, "false attempt to call a table value"},
		{`pcall()`, "error: t.lua:1: bad argument #1 to 'pcall' (value expected)"},
		{`return pcall(assert, false)`, "false assertion failed!"},
		{`return pcall(assert, nil, "msg"), select(2, pcall(assert, false, {1}))[1]`, "false 1"},
		{`assert(false)`, "error: t.lua:1: assertion failed!"},
		{`local ok, why = false assert(ok, why)`, "error: t.lua:1: assertion failed!"},
		{`return pcall(assert, false, false)`, "false false"},
		{`assert(nil, "no value")`, "error: t.lua:1: no value"},
		{`assert()`, "error: t.lua:1: bad argument #1 to 'assert' (value expected)"},
		{`return xpcall(function() error("x", 0) end, function(e) return e .. "!" end)`, "false x!"},
		{`return xpcall(function(...) return select("#", ...), ... end, print, 1, nil, 3)`, "true 3 1 nil 3"},
		{`return xpcall(function() error("x") end, function() error("y", 0) end)`, "false y"},
		{`return xpcall(nil, print)`, "false attempt to call a nil value"},
		{"local function bad()\nerror('deep')\nend\nreturn xpcall(function()\nbad()\nend, debug.traceback)",
			"false t.lua:2: deep\nstack traceback:\nt.lua:2: in function 'bad'\nt.lua:5: in function <t.lua:4>\nt.lua:4: in function <t.lua:1>"},
		{`return type(debug.traceback()), debug.traceback("m"):match("^m\nstack traceback:\n") ~= nil, debug.traceback({}) ~= nil`, "string true true"},
		{`local a = 1 local function f() a = a + 1 error("x") end for i = 1, 3 do pcall(f) end return a`, "4"},
	})
}

// gopher-lua's own pcall parts a local from the closure that shares it
// (yuin/gopher-lua#448).
func TestPCallKeepsLocals(t *testing.T) {
	conform(t, []conformance{
		{`local n = 0 local function inc() n = n + 1 end for i = 1, 3 do pcall(error, "x") inc() end return n`, "3"},
		{`local n = 0 local function inc() n = n + 1 end inc() pcall(error) n = n + 10 inc() return n`, "12"},
		{`local n = 0 local get = function() return n end xpcall(error, function() end) n = 5 return get(), n`, "5 5"},
		{`local function outer() local v = 1 local function set(x) v = x end pcall(function() set(2) error("x") end) set(v + 1) return v end return outer()`, "3"},
		{`local t = {} for i = 1, 3 do local v = i pcall(function() error(v) end) t[i] = function() v = v + 1 return v end end return t[1](), t[2](), t[3](), t[1]()`, "2 3 4 3"},
		// A stack overflow goes by a Go panic; what escaped must live on.
		{`local esc local function f(n) local v = n esc = function() v = v + 1 return v end return 1 + f(n + 1) end local ok = pcall(f, 1) local a = esc() return ok, esc() - a`, "false 1"},
		{`local esc local function f(n) local v = n esc = function() v = v + 1 return v end return 1 + f(n + 1) end local ok = coroutine.resume(coroutine.create(f), 1) local a = esc() return ok, esc() - a`, "false 1"},
	})
}

func TestCoroutines(t *testing.T) {
	conform(t, []conformance{
		{`local co = coroutine.create(function(a, b) local c = coroutine.yield(a + b) local d, e = coroutine.yield(c * 2) return d + e end) local _, x = coroutine.resume(co, 1, 2) local _, y = coroutine.resume(co, 10) local _, z = coroutine.resume(co, 3, 4) return x, y, z, coroutine.status(co)`, "3 20 7 dead"},
		{`local co = coroutine.create(function() end) coroutine.resume(co) return coroutine.resume(co)`, "false cannot resume dead coroutine"},
		{`local co = coroutine.create(function() local x return x.y end) return coroutine.resume(co)`, "false t.lua:1: attempt to index a nil value (local 'x') with key 'y'"},
		{`return pcall(coroutine.wrap(function() local n = 5 return 1, n() end))`, "false t.lua:1: attempt to call a number value (local 'n')"},
		{`local f = coroutine.wrap(function() coroutine.yield(1) local s = "a" return s:split(",")[1] end) f() return pcall(f)`, `false t.lua:1: attempt to call a nil value (method 'split'): write for part in text:gmatch("[^,]+") do`},
		{`local co = coroutine.create(function() error("x", 0) end) local ok, e = coroutine.resume(co) return ok, e, coroutine.status(co)`, "false x dead"},
		{`local co = coroutine.create(function() error({code = 1}) end) local ok, e = coroutine.resume(co) return ok, e.code`, "false 1"},
		{`local gen = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) return gen(), gen(), gen(), gen()`, "1 2 3"},
		{`local s = 0 for v in coroutine.wrap(function() for i = 1, 4 do coroutine.yield(i) end end) do s = s + v end return s`, "10"},
		{`local f = coroutine.wrap(function() error("oops", 0) end) return pcall(f)`, "false oops"},
		{`local f = coroutine.wrap(function() return 1 end) f() return pcall(f)`, "false cannot resume dead coroutine"},
		{`return coroutine.running(), coroutine.wrap(function() return type(coroutine.running()) end)()`, "nil thread"},
		{`local co co = coroutine.create(function() return coroutine.status(co) end) return coroutine.status(co), coroutine.resume(co)`, "suspended true running"},
		{`local a a = coroutine.create(function() local b = coroutine.create(function() return coroutine.status(a) end) return select(2, coroutine.resume(b)) end) return coroutine.resume(a)`, "true normal"},
		{`local co = coroutine.wrap(function() local ok, e = pcall(function() error("in", 0) end) coroutine.yield(e) return "end" end) return co(), co()`, "in end"},
		{`local co = coroutine.create(function() return coroutine.yield() end) coroutine.resume(co) return coroutine.resume(co, 1, nil, 3)`, "true 1 nil 3"},
		{`return select("#", coroutine.resume(coroutine.create(function() end)))`, "1"},
		{`return pcall(coroutine.create, 1)`, "false bad argument #1 to '?' (function expected, got number)"},
		{`local function perm(a, n) n = n or #a if n <= 1 then coroutine.yield(table.concat(a)) else for i = 1, n do a[n], a[i] = a[i], a[n] perm(a, n - 1) a[n], a[i] = a[i], a[n] end end end local r = {} for p in coroutine.wrap(function() perm({1, 2, 3}) end) do r[#r + 1] = p end return #r, r[1], r[6]`, "6 231 123"},
		{`return pcall(coroutine.create, print)`, "false bad argument #1 to '?' (Lua function expected)"},
		{`local function f(x) return coroutine.yield(x) end local co = coroutine.wrap(function() local a, b = f(1) return a + b end) return co(), co(2, 3)`, "1 5"},
		{`local yield = coroutine.yield local co = coroutine.wrap(function(...) return yield(...) end) return co(1), co(2, 3)`, "1 2 3"},
		{`local alias = coroutine.yield local co = coroutine.wrap(function() return alias(1) end) return co()`, "error: t.lua:1: attempt to yield as the last thing that a coroutine does (write \"local x = yield() return x\")"},
	})
}

func TestTime(t *testing.T) {
	t.Setenv("TZ", "UTC")
	conform(t, []conformance{
		{`return os.date("!%Y-%m-%d %H:%M:%S", 0), os.date("!%c", 0), os.date("!%x %X %p", 0)`, "1970-01-01 00:00:00 Thu Jan  1 00:00:00 1970 01/01/70 00:00:00 AM"},
		{`return os.date("!%a %A %b %B %d %e %H %I %j %M %S %u %w %y %%", 1e9)`, "Sun Sunday Sep September 09  9 01 01 252 46 40 7 0 01 %"},
		{`return os.date("!%D %F %T %R %r %h %C %G %V %U %W %s%n%t.", 1e9)`, "09/09/01 2001-09-09 01:46:40 01:46 01:46:40 AM Sep 20 2001 36 36 36 1000000000\n\t."},
		{`local d = os.date("!*t", 1e9) return d.year, d.month, d.day, d.hour, d.min, d.sec, d.wday, d.yday, d.isdst`, "2001 9 9 1 46 40 1 252 false"},
		{`return os.time({year = 2001, month = 9, day = 9, hour = 1, min = 46, sec = 40}) - os.time({year = 2001, month = 9, day = 9})`, "-36800"},
		{`return os.difftime(10, 4), type(os.time()), os.clock() >= 0`, "6 number true"},
		{`return os.time({year = 2001})`, "error: t.lua:1: field 'month' missing in date table"},
		{`return os.date("%Q")`, "error: t.lua:1: bad argument #1 to 'date' (invalid conversion specifier '%Q')"},
	})
}
