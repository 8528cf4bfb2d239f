package vm

import "testing"

// What one writes who comes from another language is answered with what to write.
func TestOtherLanguages(t *testing.T) {
	const at = "error: t.lua:1: "
	conform(t, []conformance{
		{`return ("a,b"):split(",")`, at + `attempt to call a nil value (method 'split'): write for part in text:gmatch("[^,]+") do`},
		{`local s = "x" return s:uper()`, at + `attempt to call a nil value (method 'uper'): did you mean "upper"?`},
		{`local t = {} t:append(1)`, at + `attempt to call a nil value (method 'append'): write list[#list + 1] = value`},
		{`local Class = {} Class.__index = Class function Class.warning() end local t = setmetatable({}, Class) return 1, t:warn(5)`,
			at + `attempt to call a nil value (method 'warn'): did you mean "warning"?`},
		{`local Class = {} Class.__index = Class function Class.warning() end local t = setmetatable({}, Class) t.warn(5)`,
			at + `attempt to call a nil value (field 'warn'): did you mean ":warning", with a colon?`},
		{`local Class = {} Class.__index = Class function Class.critical() end local t = setmetatable({}, Class) return 1, t:fail("down")`,
			at + `attempt to call a nil value (method 'fail'): did you mean "critical"?`},
		{`local t = { parse = print } t.prase(5)`, at + `attempt to call a nil value (field 'prase'): did you mean "parse"?`},
		{`local t = { parse = print } return 1, (function() t.prase(5) end)()`, at + `attempt to call a nil value (field 'prase'): did you mean "parse"?`},
		{`local t = { u = { parse = print } } t.u.prase(5)`, at + `attempt to call a nil value (field 'prase')`},
		{`for p, c in utf8.codes("añ") do end`, at + `attempt to call a nil value (field 'codes'): write for character in text:gmatch(utf8.charpattern) do`},
		{`local t = {} for p in t.list("a", "b") do end`, at + `attempt to call a nil value (field 'list')`},
		{`local t = { list = print } for p in t.lits("a") do end`, at + `attempt to call a nil value (field 'lits'): did you mean "list"?`},
		{`table.append({}, 1)`, at + `attempt to call a nil value (field 'append'): write list[#list + 1] = value`},
		{`return 1, table.inser({}, 1)`, at + `attempt to call a nil value (field 'inser'): did you mean "insert"?`},
		{`return 1, string.split("a,b", ",")`, at + `attempt to call a nil value (field 'split'): write for part in text:gmatch("[^,]+") do`},
		{`return 1, math.type(5)`, at + `attempt to call a nil value (field 'type'): all numbers are floats: n == math.floor(n) is true of a whole one`},
		{`local C = {} return 1, C.new{}`, at + `attempt to call a nil value (field 'new'): write Class{ name = ... }, without a method`},
		{`local t = {} t.append(5)`, at + `attempt to call a nil value (field 'append')`},
		{`local t = {} t.fail(5)`, at + `attempt to call a nil value (field 'fail')`},
		{`local t, u = { parse = print }, { prase = 1 } local f = t.prase or u.parse f()`, at + `attempt to call a nil value (local 'f')`},
		{`local C = {} return C:new{}`, at + `attempt to call a nil value (method 'new'): write Class{ name = ... }, without a method`},
		{`local t = {} return t:nothing()`, at + `attempt to call a nil value (method 'nothing')`},
		{`local t = setmetatable({}, { __index = function() end }) t:foo()`, at + `attempt to call a nil value (method 'foo')`},
		{`local f = nil f("a"):split(",")`, at + `attempt to call a nil value (local 'f')`},
		{`return "a" + "b"`, at + `attempt to perform arithmetic on a string value: .. joins texts, tonumber makes a number of one`},
		{`return "%d jobs" % 5`, at + `attempt to perform arithmetic on a string value: write (text):format(...)`},
		{`return "a" - 1`, at + `attempt to perform arithmetic on a string value`},
		{`local n = "5" return n > 3`, at + `attempt to compare number with string (local 'n'): tonumber makes a number of a text`},
		{`local t = { body = "5" } if 3 <= t.body then return 1 end`, at + `attempt to compare number with string (field 'body'): tonumber makes a number of a text`},
		{`local t = {} return t.x < 3`, at + `attempt to compare nil with number (field 'x')`},
		{`local t, i = {}, 3 return t[i] + 1`, at + `attempt to perform arithmetic on a nil value (t[i], i is 3)`},
		{`local t, k = {}, "a b" return t[k].name`, at + `attempt to index a nil value (t[k], k is "a b") with key 'name'`},
		{`local t, k = {}, ("x"):rep(101) return t[k] + 1`, at + `attempt to perform arithmetic on a nil value (t[k], k is a long text)`},
		{`local t, i = {} return t[i] + 1`, at + `attempt to perform arithmetic on a nil value (t[i], i is nil)`},
		{`local t = {} return t[1].b`, at + `attempt to index a nil value (t[1]) with key 'b'`},
		{`local t = {} return t["a b"].b`, at + `attempt to index a nil value (field 'a b') with key 'b'`},
		{`local t = { a = {} } return t.a[2] .. "x"`, at + `attempt to concatenate a nil value (a[2])`},
		{`local t, i = {}, 1 t[i].x = 5`, at + `attempt to index a nil value (t[i], i is 1) with key 'x'`},
		{`local t, i = {}, 1 return t[i]()`, at + `attempt to call a nil value (t[i], i is 1)`},
		{`local t, i = {}, 1 return t[i] < 5`, at + `attempt to compare nil with number (t[i], i is 1)`},
		{`local t = {} return 1, (function() return t[1] + 1 end)()`, at + `attempt to perform arithmetic on a nil value (t[1])`},
		{`local t, i = {}, 1 return t[i + 1] + 1`, at + `attempt to perform arithmetic on a nil value (an element of t)`},
		{`local i = 1 return ({})[i] + 1`, at + `attempt to perform arithmetic on a nil value`},
		{`local page = "text" return page.body:find("x")`, at + `attempt to index a nil value (field 'body' of page, which is a text) with key 'find'`},
		{`local t = { body = "text" } return t.body.x + 1`, at + `attempt to perform arithmetic on a nil value (field 'x')`},
		{`return tonumber("abc") + 1`, at + `attempt to perform arithmetic on a nil value (what tonumber gave)`},
		{`return ("abc"):match("%d").x`, at + `attempt to index a nil value (what match gave) with key 'x'`},
		{`local s = "abc" return 1 + s:match("%d")`, at + `attempt to perform arithmetic on a nil value (what match gave)`},
		{`local t = { f = function() end } return t.f() .. "x"`, at + `attempt to concatenate a nil value (what f gave)`},
		{`local s = "b" return ("a" .. s) - 1`, at + `attempt to perform arithmetic on a string value`},
		{`return (function() end)() + 1`, at + `attempt to perform arithmetic on a nil value`},
		{`local x = tonumber("a") or tonumber("b") return (tonumber("a") or tonumber("b")) + 1`, at + `attempt to perform arithmetic on a nil value`},
		{`local n = #g`, at + `attempt to get the length of a nil value (global 'g'): set it first, g = {}`},
		{`g[1] = 5`, at + `attempt to index a nil value (global 'g') with key '1': set it first, g = {}`},
		{`for i in 1, 3 do end`, at + `attempt to loop over a number value (write for i = 1, n do)`},
		{`for i in 5 do end`, at + `attempt to loop over a number value (write for i = 1, n do)`},
		{`for k in {} do end`, at + `attempt to loop over a table value (for ... in needs pairs, ipairs or a function)`},
		{`error(function() end)`, at + `error with a function as its message`},
		{`error(coroutine.create(function() end))`, at + `error with a thread as its message`},
		{`return ("a"):match("(a")`, at + `unfinished capture (in the pattern "(a")`},
		{`return ("a"):gsub("[a", "")`, at + `malformed pattern (missing ']') (in the pattern "[a")`},
		{`return ("a"):find(("("):rep(101))`, at + `too many captures`},
		{`return 3 < {}`, at + `attempt to compare number with table`},
	})
	for src, want := range map[string]string{
		`check = function() return str(5) end`:                              `cannot read undeclared global "str" (it is called tostring)`,
		`local function f() return self.x end`:                              `cannot read undeclared global "self" (a method is written function Class:name(), with a colon, or name = function(self))`,
		`local function f() return ok end`:                                  `cannot read undeclared global "ok" (write return "ok", or return self:ok(value, detail))`,
		`local function f() test.case() end`:                                `cannot read undeclared global "test" (tests are in files of their own, *_test.lua, which pharosd test runs)`,
		"local function f() return later() end\nlocal function later() end": `cannot read undeclared global "later" (the local of line 2 is there below it only: move that up)`,
		`local function f() ok = 5 end`:                                     `cannot set undeclared global "ok" (is a "local" missing?)`,
	} {
		if got := warningsOf(t, src); len(got) != 1 || got[0] != want {
			t.Errorf("warnings of %q = %q, want %q", src, got, want)
		}
	}
}

func warningsOf(t *testing.T, src string) (messages []string) {
	t.Helper()
	u := universe(t, Options{Name: "t.lua", Globals: []string{"check"}, Warn: func(e Error) { messages = append(messages, e.Message) }})
	if err := u.Load(t.Context(), []byte(src)); err != nil {
		t.Fatal(err)
	}
	return messages
}
