package vm

import (
	"fmt"
	"slices"
	"strings"
)

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
