package vm

import "testing"

// What gopher-lua's compiler makes something else of: see assign.go, jumps.go
// and resolve.go. TestAgainstLua51 looks for more.

func TestAssignments(t *testing.T) {
	conform(t, []conformance{
		{`local a, b = 1, 2 a, b = b, a + b return a, b`, "2 3"},
		{`local a, b = 1, 2 a, b = b, a return a, b`, "2 1"},
		{`local a, b, c = 1, 2, 3 a, b, c = c, a, b return a, b, c`, "3 1 2"},
		{`local a, b = 1 a, b = a + 1, a return a, b`, "2 1"},
		{`local i, t = 1, {} i, t[i] = i + 1, 20 return i, t[1], t[2]`, "2 20 nil"},
		{`local t, i = {}, 1 t[i], i = 20, i + 1 return i, t[1]`, "2 20"},
		{`local t = {} local u = t t.x, t = 1, nil return u.x, t`, "1 nil"},
		{`local a, b, c = (function() return 1, 2, 3 end)() return a, b, c`, "1 2 3"},
		{`local a, b, c a, b, c = 0, (function() return 1, 2 end)() return a, b, c`, "0 1 2"},
		{`local a, b, c a, b, c = (function() return 1, 2 end)(), 5 return a, b, c`, "1 5 nil"},
		{`local a, b = ((function() return 1, 2 end)()) return a, b`, "1 nil"},
		{`local a = 1 do local a = a + 1 a = a + 1 end return a`, "1"},
		{`g = 1 h, g = g, 2 return g, h`, "2 1"},
		{`local function f(x) x = (tostring(x)) .. "!" return x end return f(1)`, "1!"},
		{`local function f(x) x = x .. x return x end return f("a")`, "aa"},
		{`local function f(x, y) x, y = y .. "1", x .. "2" return x, y end return f("a", "b")`, "b1 a2"},
		{`local function f(x) local y x, y = -x, x return x, y end return f(1)`, "-1 1"},
		{`local t = {1, 2} t[1], t[2] = t[2], t[1] return t[1], t[2]`, "2 1"},
		{`local t, y, n = {}, 5, 0 local function f() n, t.x = 1, y end f() return n, t.x`, "1 5"},
		{`local t, y = {}, 5 g, t.x = 1, y return g, t.x`, "1 5"},
		{`local function t() h = {} return h end local i = 0 local function k() i = i + 1 return i end t()[k()], g = k(), k() return h[1], g`, "2 3"},
	})
}

func TestLocalFunctions(t *testing.T) {
	conform(t, []conformance{
		{`local function f() return 1 end local f = function() return f() + 1 end return f()`, "2"},
		{`local tostring = function(v) return tostring(v) .. "!" end return tostring(1)`, "1!"},
		{`local function f(n) if n == 0 then return 0 end return n + f(n - 1) end return f(3)`, "6"},
		{`local f f = function(n) if n == 0 then return 0 end return n + f(n - 1) end return f(3)`, "6"},
	})
}

// A jump back to a jump: see jumps.go.
func TestJumpsBack(t *testing.T) {
	conform(t, []conformance{
		{`local s, n = "A", 0 while (false and "a" or s) < "a" do n = n + 1 if n > 3 then break end end return n`, "4"},
		{`local n = 0 while nil or n < 3 do n = n + 1 end return n`, "3"},
		{`local n = 0 while not false or n < 0 do n = n + 1 if n == 3 then return n end end`, "3"},
		{`local n = 0 repeat if false then n = 9 end n = n + 1 until n == 3 return n`, "3"},
		{`local n = 0 while true do while false do end n = n + 1 if n == 3 then return n end end`, "3"},
		{`local n = 0 for k, v in pairs{1, 2, 3} do if nil then n = 9 end n = n + v end return n`, "6"},
		{`for k in pairs{1} do break end return "out"`, "out"},
		{`local n = 0 ::top:: do goto on end ::on:: n = n + 1 if n < 3 then goto top end return n`, "3"},
		{`local function f() return 1, 2 end local function count(...) return select("#", ...) end return count(true and f()), count(false or f()), (nil and 1), (5 or 6), (true and nil)`, "1 1 nil 5 nil"},
	})
}
