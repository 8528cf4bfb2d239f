package vm

import (
	"fmt"
	"slices"
	"strings"
)

// program makes random programs of Lua 5.1 that end and whose output is the
// same wherever they run. A variable keeps to its kind and a function's first
// result is a number, for else most programs would end at once with an error.
// What it leaves out, because Pharos is different by design:
//   - the text of errors, which names variables as later versions of Lua do;
//   - #t of a table with holes, and the order of pairs over keys, which Lua
//     leaves open;
//   - whole numbers of more than 14 digits, which are printed in full;
//   - numerals with a leading zero in arithmetic: "010" + 0 is 8 in gopher-lua;
//   - a text as the limit of a numeric for, which Lua 5.4 refuses too;
//   - the second operand of __unm, and the place before the error of a
//     coroutine.wrap, which are not there;
//   - the sign of nan, and of zero: -4 % 2 is -0 in gopher-lua;
//   - calls in pcalls and coroutines within one another, of which there are fewer;
//   - a yield from an iterator or in a metamethod, which Lua 5.1 refuses too, but
//     not in the same cases.
type program struct {
	*choices
	scope  []variable
	names  int
	left   int // statements that it may still have
	loops  int // around the statement, in its function
	vararg bool
	yields bool // the function is a coroutine's
}

type kind int

const (
	number kind = iota
	text
	table
	function
)

type variable struct {
	name string
	kind kind
}

// programPrelude is what the programs use. tick ends a program that runs for too
// long, short keeps values from growing without end, and try leaves of an error
// only what was given to error.
const programPrelude = `
local log, fuel = {}, 45
function tick() fuel = fuel - 1 if fuel < 0 then error("E:fuel", 0) end end
function short(v)
	if type(v) == "string" then return v:sub(1, 20) end
	if type(v) == "number" and not (v > -1e6 and v < 1e6) then return 7 end
	return v
end
local function show(v)
	if type(v) == "table" or type(v) == "function" then return type(v) end
	if v == 0 then return "0" end
	if v ~= v then return "nan" end
	return tostring(v)
end
function out(...)
	local line = {}
	for i = 1, select("#", ...) do line[i] = show((select(i, ...))) end
	if #log < 300 then log[#log + 1] = table.concat(line, " ") end
end
local function clean(ok, e, ...)
	if not ok and type(e) == "string" then e = e:match("E:.*") or "E:runtime" end
	return ok, e, ...
end
function str(v) if type(v) == "table" or type(v) == "function" then return "" end return tostring(v) end
function try(...) return clean(pcall(...)) end
local class = {}
class.__index = class
function class:m(...) tick() return self.x, ... end
function class.f(...) tick() return select("#", ...), ... end
local function value(v) if type(v) == "table" then return v.x end return tonumber(v) or 0 end
for i, event in ipairs{"__add", "__sub", "__mul", "__div", "__mod", "__pow", "__concat"} do
	class[event] = function(a, b) tick() return value(a) * i + value(b) end
end
function class.__unm(a) tick() return value(a) + 1 end
function class.__eq(a, b) tick() return a.x == b.x end
function class.__lt(a, b) tick() return value(a) < value(b) end
function class.__le(a, b) tick() return value(a) <= value(b) end
function class.__call(self, ...) tick() return self.x, ... end
function new(x, ...) return setmetatable({x = value(x), s = "o", 1, 2}, class) end
function list(t) -- an iterator written in Lua
	local i = 0
	return function() i = i + 1 return t[i] and i, t[i] end
end
g1, g2 = 1, "g"
function run()
	out(try(main))
	return table.concat(log, "\n")
end
`

// programGlobals are those that programs set.
var programGlobals = []string{"tick", "short", "str", "out", "try", "new", "list", "g1", "g2", "run", "main"}

// source gives a program: it defines main.
func (p *program) source() string {
	p.left = 30
	p.vararg = true
	body := p.block(8)
	return programPrelude + "function main(...)\n" + body + "end\n"
}

func (p *program) fresh(k kind) string {
	p.names++
	name := fmt.Sprintf("%c%d", "nstf"[k], p.names)
	if p.below(6) == 5 {
		if old := p.find(k); old != "" {
			name = old // a name that hides another
		}
	}
	return name
}

func (p *program) declare(name string, k kind) { p.scope = append(p.scope, variable{name, k}) }

// find gives the name of a variable of the kind, or "".
func (p *program) find(k kind) string {
	var names []string
	seen := map[string]bool{}
	for i := len(p.scope) - 1; i >= 0; i-- {
		v := p.scope[i]
		if v.kind == k && !seen[v.name] {
			names = append(names, v.name)
		}
		seen[v.name] = true
	}
	if len(names) == 0 {
		return ""
	}
	return names[p.below(len(names))]
}

// block gives at most n statements with a scope of their own.
func (p *program) block(n int) string {
	mark := len(p.scope)
	var b strings.Builder
	for count := p.below(n); count > 0 && p.left > 0; count-- {
		p.left--
		b.WriteString(p.statement() + ";\n")
	}
	switch p.below(8) {
	case 5:
		if p.loops > 0 {
			b.WriteString("break\n")
		}
	case 6:
		b.WriteString(p.result() + "\n")
	}
	p.scope = p.scope[:mark]
	return b.String()
}

func (p *program) statement() string {
	return p.one(p.print, p.local, p.assignment, p.conditional, p.forNumbers, p.forEach, p.assignment,
		p.callStatement, p.while, p.repeat, p.do, p.localFunction, p.method, p.attempt, p.leave, p.local, p.print, p.coroutine)
}

func (p *program) print() string {
	return "out(" + p.one(p.arguments, p.mixed) + ")"
}

// mixed is what may be too long to be kept.
func (p *program) mixed() string {
	parts := []string{p.textOrNumber(2), p.textOrNumber(2)}
	if p.below(2) == 1 {
		parts = append(parts, p.textOrNumber(1))
	}
	return strings.Join(parts, " .. ")
}

func (p *program) textOrNumber(depth int) string {
	if p.below(2) == 1 {
		return p.operand(depth)
	}
	return p.text(depth)
}

func (p *program) local() string {
	n := 1 + p.below(4)
	var names, values []string
	var kinds []kind
	for range n {
		kinds = append(kinds, kind(p.below(4)))
	}
	if p.below(3) == 2 && n > 1 { // of one call, or the nils
		for i := range kinds {
			kinds[i] = number
		}
		values = []string{p.call(2)}
	} else {
		for _, k := range kinds {
			values = append(values, p.value(k, 2))
		}
		if p.below(6) == 5 {
			values = append(values, p.call(1))
		}
	}
	after := ""
	for _, k := range kinds {
		names = append(names, p.fresh(k))
	}
	for i, name := range names {
		p.declare(name, kinds[i])
		if i >= len(values) {
			after += fmt.Sprintf(" %s = %s or %d", name, name, i)
		}
	}
	return "local " + strings.Join(names, ", ") + " = " + strings.Join(values, ", ") + after
}

// target gives what can be assigned to, and its kind.
func (p *program) target() (string, kind) {
	k := kind(p.below(4))
	if name := p.find(k); name != "" && p.below(3) < 2 {
		return name, k
	}
	switch p.below(4) {
	case 0:
		return "g1", number
	case 1:
		return "g2", text
	case 2:
		return p.prefix(p.table(1)) + p.of(".x", "[1]", "[\"x\"]"), number
	}
	return p.prefix(p.table(1)) + "[1 + " + p.number(1) + " % 2]", number
}

func (p *program) assignment() string {
	n := 1 + p.below(3)
	var targets, values []string
	after := ""
	spread := p.below(4) == 3
	for range n {
		t, k := p.target()
		if slices.Contains(targets, t) { // Lua leaves open which value stays
			break
		}
		targets = append(targets, t)
		if spread {
			if k != number {
				return p.print()
			}
			if !strings.ContainsAny(t, ".[") {
				after += fmt.Sprintf(" %s = short(%s or 3)", t, t)
			}
			continue
		}
		value := p.value(k, 2)
		if k == text && p.below(3) == 2 {
			value = p.mixed()
		}
		if (k == text || k == number) && !strings.ContainsAny(t, ".[") {
			after += fmt.Sprintf(" %s = short(%s)", t, t)
		}
		values = append(values, value)
	}
	if spread {
		values = []string{p.call(2)}
		if p.below(2) == 1 {
			values = []string{p.number(1), p.call(2)}
		}
	} else if p.below(6) == 5 {
		values = append(values, p.any(1))
	}
	return strings.Join(targets, ", ") + " = " + strings.Join(values, ", ") + after
}

func (p *program) do() string { return "do\n" + p.block(4) + "end" }

func (p *program) conditional() string {
	s := "if " + p.condition(2) + " then\n" + p.block(3)
	if p.below(3) == 2 {
		s += "elseif " + p.condition(2) + " then\n" + p.block(3)
	}
	if p.below(2) == 1 {
		s += "else\n" + p.block(3)
	}
	return s + "end"
}

// leave is a break or return in the midst of a block.
func (p *program) leave() string {
	what := p.result()
	if p.loops > 0 && p.below(2) == 0 {
		what = "break"
	}
	switch p.below(3) {
	case 1:
		n := p.fresh(number)
		return fmt.Sprintf("if %s then local %s = %s local f = function() return %s end out(f()) %s end", p.condition(1), n, p.number(1), n, what)
	case 2:
		return "if " + p.condition(1) + " then else " + what + " end"
	}
	return "if " + p.condition(1) + " then " + what + " end"
}

// body is a block within a loop, in which names are declared.
func (p *program) body(vars ...variable) string {
	mark := len(p.scope)
	p.scope = append(p.scope, vars...)
	p.loops++
	b := p.block(4)
	p.loops--
	p.scope = p.scope[:mark]
	return " do tick();\n" + b + "end"
}

func (p *program) forNumbers() string {
	name := p.fresh(number)
	from, to := p.number(1), p.number(1)
	s := "for " + name + " = 0 + " + p.group(from) + ", 0 + " + p.group(to)
	if p.below(3) == 2 {
		s += p.of(", 2", ", -1", ", 0.5", ", 1 + 1")
	}
	return s + p.body(variable{name, number})
}

func (p *program) forEach() string {
	k, v := p.fresh(number), p.fresh(number)
	if k == v {
		v += "v"
	}
	numbers := p.one(
		func() string { return "{" + p.number(1) + ", " + p.number(1) + "}" },
		func() string { return "{(" + p.call(1) + ")}" },
		func() string { return "{" + p.number(1) + ", 2, x = nil}" },
	)
	over := p.one(
		func() string { return "ipairs(" + numbers + ")" },
		func() string { return "pairs(" + numbers + ")" },
		func() string { return "next, " + numbers },
		func() string { return "next, " + numbers + ", nil" },
		func() string { return "list(" + numbers + ")" },
		func() string { return "(list(" + numbers + "))" },
		func() string { return p.prefix(p.closure(1)) + "(" + p.arguments() + ") and list(" + numbers + ")" },
		func() string {
			return "coroutine.wrap(function(...) for i = 1, 2 do coroutine.yield(i, " + p.number(1) + ") end end)"
		},
	)
	if p.below(5) == 4 {
		s := p.fresh(text)
		source := p.prefix(p.text(1)) + p.of(":gmatch('%w')", ":gmatch('.')", ":upper():gmatch('(.)')")
		return "for " + s + " in " + source + p.body(variable{s, text})
	}
	return "for " + k + ", " + v + " in " + over + p.body(variable{k, number}, variable{v, number})
}

func (p *program) while() string {
	return "while " + p.condition(2) + p.body()
}

func (p *program) repeat() string {
	mark := len(p.scope)
	p.loops++
	name := p.fresh(number)
	value := p.number(1)
	p.declare(name, number)
	inner := ""
	for count := p.below(4); count > 0 && p.left > 0; count-- {
		p.left--
		inner += p.statement() + ";\n"
	}
	until := p.condition(2)
	p.loops--
	p.scope = p.scope[:mark]
	return "repeat tick() local " + name + " = " + value + ";\n" + inner + "until " + until
}

func (p *program) localFunction() string {
	name := p.fresh(function)
	p.declare(name, function)
	return "local function " + name + p.rest()
}

func (p *program) method() string {
	t := p.find(table)
	if t == "" {
		return p.print()
	}
	if p.below(2) == 1 {
		mark := len(p.scope)
		p.declare("self", table)
		s := "function " + t + p.of(":m", ":f") + p.rest()
		p.scope = p.scope[:mark]
		return s
	}
	return "function " + t + ".f" + p.rest()
}

func (p *program) callStatement() string { return p.call(2) }

func (p *program) attempt() string {
	body := p.closure(0)
	if p.below(2) == 1 {
		body = "function(...)" + p.inside(true, false)
	}
	s := "out(try(" + body
	if args := p.arguments(); args != "" {
		s += ", " + args
	}
	return s + "))"
}

func (p *program) coroutine() string {
	if p.yields {
		arguments, name := p.arguments(), p.fresh(number)
		p.declare(name, number)
		return fmt.Sprintf("local %s = coroutine.yield(%s) %s = tonumber(%s) or 1", name, arguments, name, name)
	}
	return "local co = coroutine.wrap(function(...)" + p.inside(true, true) +
		") for i = 1, 3 do out(try(co, " + p.any(1) + ")) end"
}

// result is a return, of a number first.
func (p *program) result() string {
	if p.yields && p.below(3) == 2 {
		return "do return coroutine.yield(" + p.arguments() + ") end"
	}
	values := p.one(
		func() string { return p.number(2) },
		func() string { return p.number(2) + ", " + p.number(2) },
		func() string { return p.call(2) },
		func() string { return p.number(2) + ", " + p.any(2) + ", " + p.any(1) },
		func() string { return p.number(1) + ", " + p.call(2) },
		func() string { return "(" + p.call(2) + ")" },
	)
	return "do return " + values + " end"
}

// rest is a function from its parameters to its end.
func (p *program) rest() string {
	mark := len(p.scope)
	var names []string
	for range p.below(4) {
		name := p.fresh(number)
		names = append(names, name)
	}
	for _, name := range names {
		p.declare(name, number)
	}
	vararg := p.below(3) == 2
	if vararg {
		names = append(names, "...")
	}
	s := "(" + strings.Join(names, ", ") + ")" + p.inside(vararg, false)
	p.scope = p.scope[:mark]
	return s
}

// inside is a function's body and end.
func (p *program) inside(vararg, yields bool) string {
	was := *p
	p.loops, p.vararg, p.yields = 0, vararg, yields
	var s string
	if p.below(4) == 0 && !yields {
		s = " tick() " + p.result() + " end"
	} else {
		s = " tick();\n" + p.block(4) + p.result() + "\nend"
	}
	p.loops, p.vararg, p.yields = was.loops, was.vararg, was.yields
	return s
}
