package vm

import (
	"fmt"
	"strings"
)

func (p *program) value(k kind, depth int) string {
	switch k {
	case number:
		return p.number(depth)
	case text:
		return p.text(depth)
	case table:
		return p.table(depth)
	}
	return p.closure(depth)
}

// prefix makes e something that can be called or indexed.
func (p *program) prefix(e string) string {
	if isName(e) && p.below(4) < 3 {
		return e
	}
	return "(" + e + ")"
}

func isName(e string) bool { return e != "" && !strings.ContainsAny(e, "()[]{}.:\"' -#") }

func (p *program) number(depth int) string {
	literal := func() string { return p.of("1", "2", "0", "3", "10", "0.5", "-1", "0x10", "1e2", "010") }
	name := func() string {
		if n := p.find(number); n != "" {
			return n
		}
		return literal()
	}
	if depth <= 0 {
		return p.one(literal, name)
	}
	d := depth - 1
	return p.one(literal, name, name,
		func() string { return p.operand(d) + p.of(" + ", " - ") + p.operand(d) },
		func() string { return "(" + p.number(d) + p.of(" + ", " - ", " * ") + p.operand(d) + " + 0)" },
		func() string { return p.operand(d) + p.of(" * 2", " / 2", " % 3 + 0", " * -1 + 0", " ^ 2") },
		func() string { return p.call(d) },
		func() string { return "(" + p.call(d) + ")" },
		func() string { return p.prefix(p.table(d)) + p.of(".x", "[1]", "[2]", "['x']") },
		func() string { return p.prefix(p.table(d)) + "[1 + " + p.number(d) + " % 2]" },
		func() string { return "#" + p.prefix(p.text(d)) },
		func() string { return "(" + p.condition(d) + " and " + p.number(d) + " or " + p.number(d) + ")" },
		func() string { return "(" + p.number(d) + p.of(" or ", " and ") + p.number(d) + ")" },
		func() string { return "(nil or " + p.number(d) + ")" },
		func() string { return "- " + p.operand(d) + " + 0" },
		func() string { return "select(\"#\", " + p.any(d) + ", " + p.any(d) + ")" },
		func() string { return "select(2, " + p.any(d) + ", " + p.number(d) + ")" },
		func() string {
			return p.of("\"10\"", "' 5 '", "\"0x10\"", "'010'") + p.of(" + ", " - ", " * ") + p.operand(d) + " + 0"
		},
		func() string { return "math." + p.of("max", "min") + "(" + p.number(d) + ", " + p.number(d) + ")" },
		func() string { return "(tonumber(" + p.text(d) + ") or " + p.number(d) + ")" },
		func() string { return "g1" },
		func() string { return "(" + p.table(d) + p.of(" + ", " - ", " * ", " .. ") + p.operand(d) + ")" },
	)
}

// operand is a number in an expression that needs no parentheses.
func (p *program) operand(depth int) string {
	e := p.number(depth)
	if isName(e) || len(e) < 3 && e[0] != '-' || strings.HasSuffix(e, ")") && p.below(2) == 1 && !strings.ContainsAny(e[:1], "-#(") && !strings.Contains(e, " ") {
		return e
	}
	return "(" + e + ")"
}

func (p *program) text(depth int) string {
	literal := func() string { return p.of(`"a"`, `"b"`, `""`, `"ab1"`, `"10"`, `"x y"`) }
	name := func() string {
		if n := p.find(text); n != "" {
			return n
		}
		return literal()
	}
	if depth <= 0 {
		return p.one(literal, name)
	}
	d := depth - 1
	return p.one(literal, name, name,
		func() string { return "short(" + p.mixed() + ")" },
		func() string { return "str(" + p.of(p.condition(d), p.number(d)) + ")" },
		func() string { return p.prefix(p.text(d)) + ":" + p.of("upper", "lower", "reverse") + "()" },
		func() string { return p.prefix(p.text(d)) + ":sub(" + p.number(d) + ", " + p.number(d) + ")" },
		func() string { return "(" + p.condition(d) + " and " + p.text(d) + " or " + p.text(d) + ")" },
		func() string { return "(" + p.text(d) + " or " + p.text(d) + ")" },
		func() string { return "type(" + p.any(d) + ")" },
		func() string { return p.prefix(p.table(d)) + ".s" },
		func() string { return "g2" },
	)
}

func (p *program) condition(depth int) string {
	if depth <= 0 {
		return p.of("true", "false", "nil", "1", p.number(0)+p.of(" < ", " == ", " > ")+"2")
	}
	d := depth - 1
	return p.one(
		func() string { return p.of("true", "false", "nil", "0") },
		func() string { return p.operand(d) + p.of(" < ", " <= ", " > ", " >= ", " == ", " ~= ") + p.operand(d) },
		func() string { return p.prefix(p.text(d)) + p.of(" < ", " <= ", " > ", " >= ") + p.prefix(p.text(d)) },
		func() string { return p.group(p.any(d)) + p.of(" == ", " ~= ") + p.group(p.any(d)) },
		func() string { return "not " + p.group(p.any(d)) },
		func() string { return p.condition(d) + p.of(" and ", " or ") + p.condition(d) },
		func() string { return "(" + p.condition(d) + p.of(" and ", " or ") + p.condition(d) + ")" },
		func() string { return "not (" + p.condition(d) + p.of(" and ", " or ") + p.condition(d) + ")" },
		func() string { return p.group(p.any(d)) + p.of(" and ", " or ") + p.condition(d) },
		func() string { return p.call(d) },
		func() string {
			return "new(" + p.number(d) + ")" + p.of(" < ", " <= ", " > ", " >= ", " == ", " ~= ") + "new(" + p.number(d) + ")"
		},
	)
}

func (p *program) group(e string) string {
	if isName(e) || e == "..." {
		return e
	}
	return "(" + e + ")"
}

func (p *program) any(depth int) string {
	if p.vararg && p.below(6) == 5 {
		return p.of("...", "(...)", "select(2, ...)", "select('#', ...)")
	}
	return p.one(
		func() string { return p.number(depth) },
		func() string { return p.text(depth) },
		func() string { return p.of("nil", "true", "false") },
		func() string { return p.table(depth) },
		func() string { return "(" + p.condition(depth) + ")" },
		func() string { return p.condition(depth) },
		func() string { return p.call(depth) },
		func() string { return p.closure(depth) },
	)
}

func (p *program) table(depth int) string {
	name := func() string {
		if n := p.find(table); n != "" {
			return n
		}
		return "new(1)"
	}
	if depth <= 0 {
		return name()
	}
	d := depth - 1
	return p.one(name, name,
		func() string { return "{x = " + p.number(d) + ", s = " + p.text(d) + ", 1, 2}" },
		func() string {
			return "{" + p.number(d) + ", x = " + p.number(d) + ", [\"s\"] = " + p.text(d) + ", f = " + p.closure(d) + ", " + p.call(d) + "}"
		},
		func() string { return "{x = " + p.number(d) + ", s = g2, " + p.arguments() + "}" },
		func() string { return "{[1] = " + p.number(d) + ", [" + p.number(d) + "] = 5, x = " + p.call(d) + "}" },
		func() string { return "new(" + p.number(d) + ")" },
		func() string { return "(" + p.condition(d) + " and " + p.table(d) + " or " + p.table(d) + ")" },
	)
}

// closure is an expression that gives a function.
func (p *program) closure(depth int) string {
	name := func() string {
		if n := p.find(function); n != "" {
			return n
		}
		return "new(2).f"
	}
	if depth <= 0 {
		return name()
	}
	d := depth - 1
	return p.one(name, name,
		func() string { return "function" + p.rest() },
		func() string { return "(function" + p.rest() + ")" },
		func() string { return p.prefix(p.table(d)) + ".f" },
		func() string { return "(" + p.condition(d) + " and " + p.closure(d) + " or " + p.closure(d) + ")" },
		func() string { return "new(" + p.number(d) + ")" },
	)
}

func (p *program) arguments() string {
	var args []string
	for range p.below(4) {
		args = append(args, p.any(1))
	}
	return strings.Join(args, ", ")
}

// call is a call whose first result is a number.
func (p *program) call(depth int) string {
	if depth < 0 {
		return "new(3):m()"
	}
	d := depth - 1
	return p.one(
		func() string { return p.prefix(p.closure(d)) + "(" + p.arguments() + ")" },
		func() string { return p.prefix(p.closure(d)) + "(" + p.arguments() + ")" },
		func() string { return p.prefix(p.table(d)) + ":m(" + p.arguments() + ")" },
		func() string { return p.prefix(p.table(d)) + ":f(" + p.arguments() + ")" },
		func() string { return "new(" + p.number(d) + "):m(" + p.arguments() + ")" },
		func() string { return p.prefix(p.closure(d)) + p.of(`"s"`, "{1}", "[[long]]") },
		func() string { return fmt.Sprintf("select(%d, %s, %s)", 1+p.below(2), p.number(d), p.call(d)) },
		func() string { return "({" + p.number(d) + ", f = " + p.closure(d) + "}).f(" + p.arguments() + ")" },
	)
}
