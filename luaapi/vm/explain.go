package vm

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// gopher-lua's errors do not say which value was wrong: "attempt to call a
// non-function object". explain finds out from the instruction that failed, in
// the words of later versions of Lua.

// explain gives a better text for an error that an instruction of L's topmost
// frame raised, or the text as it is.
func explain(L *lua.LState, text string) string {
	f := topFrame(L)
	if !f.ok() || f.isGo() {
		return text
	}
	at, message := "", text
	if m := positioned.FindString(text); m != "" {
		at, message = m, text[len(m):]
	}
	i := decode(f.instruction())
	switch {
	case message == "attempt to call a non-function object":
		message = explainCall(L, f, i)
	case strings.HasPrefix(message, "attempt to index a non-table object("):
		message = explainIndex(f, i, message)
	case strings.HasPrefix(message, "cannot perform "):
		message = explainArithmetic(L, f, i, message)
	case message == "__unm undefined":
		message = "attempt to perform arithmetic on " + value(L, f, i.b)
	case message == "__len undefined":
		message = "attempt to get the length of " + value(L, f, i.b)
	case strings.HasPrefix(message, "attempt to compare "):
		message = explainComparison(f, i, message)
	case message == "registry overflow":
		message = "stack overflow"
	default:
		return text
	}
	return at + message
}

// instruction is a decoded one.
type instruction struct{ op, a, b, c, bx int }

func decode(code uint32) instruction {
	return instruction{
		op: opcode(code), a: int(code>>18) & 0xff, b: int(code & 0x1ff), c: int(code>>9) & 0x1ff,
		bx: int(code & 0x3ffff),
	}
}

// constantBit marks a b or c that is a constant's index and not a register.
const constantBit = 1 << 8

// value describes what is in a register: "a nil value (local 'x')".
func value(L *lua.LState, f frame, register int) string {
	kind := "nil"
	if debug, ok := L.GetStack(0); ok {
		if _, v := L.GetLocal(debug, register+1); v != nil {
			kind = TypeName(v)
		}
	}
	return "a " + kind + " value" + f.origin(register)
}

// TypeName is what messages call the type of a value: that of Lua, unless its
// metatable has a __name.
func TypeName(v lua.LValue) string {
	if ud, ok := v.(*lua.LUserData); ok {
		if meta, ok := ud.Metatable.(*lua.LTable); ok {
			if name, ok := meta.RawGetString("__name").(lua.LString); ok {
				return string(name)
			}
		}
	}
	return v.Type().String()
}

func explainCall(L *lua.LState, f frame, i instruction) string {
	if i.op == lua.OP_TFORLOOP {
		return "attempt to loop over " + value(L, f, i.a) + " (for ... in needs pairs, ipairs or a function)"
	}
	if i.op != lua.OP_CALL && i.op != lua.OP_TAILCALL {
		return "attempt to call a value that is no function"
	}
	return "attempt to call " + value(L, f, i.a) + missing(L, f, i.a)
}

// explainComparison says where what is no number came from.
func explainComparison(f frame, i instruction, message string) string {
	left, right, ok := strings.Cut(strings.TrimPrefix(message, "attempt to compare "), " with ")
	if !ok || i.op != lua.OP_LT && i.op != lua.OP_LE {
		return message
	}
	for _, side := range []struct {
		kind, other string
		register    int
	}{{left, right, i.b}, {right, left, i.c}} {
		if side.kind == "number" {
			continue
		}
		if side.register&constantBit == 0 {
			message += f.origin(side.register)
		}
		if side.kind == "string" && side.other == "number" {
			message += ": tonumber makes a number of a text"
		}
	}
	return message
}

func explainIndex(f frame, i instruction, message string) string {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(message, "attempt to index a non-table object("), ")")
	register := i.b
	if i.op == lua.OP_SETTABLE || i.op == lua.OP_SETTABLEKS {
		register = i.a
	}
	return "attempt to index a " + kind + " value" + f.origin(register) + rest
}

// explainArithmetic explains an operation none of whose operands is a text: see
// arithmetic.go.
func explainArithmetic(L *lua.LState, f frame, i instruction, message string) string {
	_, kinds, _ := strings.Cut(message, " between ")
	left, right, _ := strings.Cut(kinds, " and ")
	if left == "number" {
		left, i.b = right, i.c
	}
	if debug, ok := L.GetStack(0); ok && left == "userdata" && i.b&constantBit == 0 {
		if _, v := L.GetLocal(debug, i.b+1); v != nil {
			left = TypeName(v)
		}
	}
	return wrongOperand(f, left, i.b)
}

// wrongOperand says that arithmetic cannot be done on what is in a register.
func wrongOperand(f frame, kind string, register int) string {
	origin := ""
	if register&constantBit == 0 {
		origin = f.origin(register)
	}
	return "attempt to perform arithmetic on a " + kind + " value" + origin
}

// origin says what the value in a register is to the script: " (local 'x')", or
// "" if that cannot be told for sure.
func (f frame) origin(register int) string {
	if name := f.local(register); name != "" {
		return fmt.Sprintf(" (local '%s')", name)
	}
	p := f.proto()
	for pc := f.pc() - 1; pc >= 0; pc-- {
		i := decode(p.instruction(pc))
		switch i.op {
		case lua.OP_JMP, lua.OP_TEST, lua.OP_TESTSET, lua.OP_EQ, lua.OP_LT, lua.OP_LE, lua.OP_MOVEN,
			lua.OP_LOADNIL, lua.OP_VARARG, lua.OP_FORLOOP, lua.OP_TFORLOOP:
			return "" // it may have come another way
		case lua.OP_SETGLOBAL, lua.OP_SETUPVAL, lua.OP_SETTABLE, lua.OP_SETTABLEKS:
			continue
		case lua.OP_CALL:
			if i.a <= register {
				return ""
			}
			continue
		}
		if i.a == register {
			return f.source(p, i)
		}
	}
	return ""
}

// source says where an instruction takes its value from.
func (f frame) source(p proto, i instruction) string {
	switch i.op {
	case lua.OP_MOVE:
		if name := f.local(i.b); name != "" {
			return fmt.Sprintf(" (local '%s')", name)
		}
	case lua.OP_GETGLOBAL:
		return fmt.Sprintf(" (global '%s')", p.constant(i.bx))
	case lua.OP_GETUPVAL:
		if names := p.v.FieldByName("DbgUpvalues"); i.b < names.Len() {
			return fmt.Sprintf(" (upvalue '%s')", names.Index(i.b).String())
		}
	case lua.OP_GETTABLEKS:
		return fmt.Sprintf(" (field '%s')", p.constant(i.c&^constantBit))
	case lua.OP_SELF:
		return fmt.Sprintf(" (method '%s')", p.constant(i.c&^constantBit))
	}
	return ""
}

// callsMethod tells whether the frame is at a call of the form "object:method()".
// Whatever its arguments are, they come between the method and its call.
func (f frame) callsMethod() bool {
	p, call := f.proto(), decode(f.instruction())
	if call.op != lua.OP_CALL && call.op != lua.OP_TAILCALL {
		return false
	}
	for pc := f.pc() - 1; pc >= 0; pc-- {
		switch i := decode(p.instruction(pc)); {
		case i.op == lua.OP_SELF && i.a == call.a:
			return true
		case (i.op == lua.OP_CALL || i.op == lua.OP_TAILCALL) && i.a <= call.a:
			return false
		}
	}
	return false
}

// constant is a constant that is a string, or "?".
func (p proto) constant(i int) string {
	constants := p.v.FieldByName("Constants")
	if i >= constants.Len() || constants.Index(i).Elem().Kind().String() != "string" {
		return "?"
	}
	return constants.Index(i).Elem().String()
}

// local is the name of the local variable that a register holds, or "".
func (f frame) local(register int) string {
	locals, pc := f.proto().v.FieldByName("DbgLocals"), f.pc()
	for i := range locals.Len() {
		l := locals.Index(i).Elem()
		if int(l.FieldByName("StartPc").Int()) > pc {
			break
		}
		if pc < int(l.FieldByName("EndPc").Int()) {
			if register == 0 {
				if name := l.FieldByName("Name").String(); !strings.HasPrefix(name, "(") {
					return name
				}
				return ""
			}
			register--
		}
	}
	return ""
}
