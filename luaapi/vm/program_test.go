package vm

import (
	"fmt"
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
//   - a text as the limit of a numeric for, which Lua 5.4 refuses too;
//   - the second operand of __unm, and the place before the error of a
//     coroutine.wrap, which are not there;
//   - the sign of nan, and of zero, which is written without one;
//   - how deep pcalls and coroutines may be within one another;
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
