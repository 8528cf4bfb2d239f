package vm

import (
	"fmt"
	"regexp"
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
	i := f.instruction()
	switch {
	case message == "attempt to call a non-function object":
		message = explainCall(L, f, i)
	case strings.HasPrefix(message, "attempt to index a non-table object("):
		message = explainIndex(L, f, i, message)
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
	if m := nilGlobal.FindStringSubmatch(message); m != nil { // one that the script is to set
		message += fmt.Sprintf(": set it first, %s = {}", m[1])
	}
	return at + message
}

var nilGlobal = regexp.MustCompile(`^attempt to (?:index|get the length of) a nil value \(global '(\w+)'\)`)

// instruction is a decoded one.
type instruction struct{ op, a, b, c, bx int }

func decode(code uint32) instruction {
	return instruction{
		op: int(code >> 26), a: int(code>>18) & 0xff, b: int(code & 0x1ff), c: int(code>>9) & 0x1ff,
		bx: int(code & 0x3ffff),
	}
}

// instructionAt is the one at pc; outside the code there is none that does anything.
func instructionAt(p *lua.FunctionProto, pc int) instruction {
	if pc < 0 || pc >= len(p.Code) {
		return instruction{op: lua.OP_NOP}
	}
	return decode(p.Code[pc])
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
		over, hint := value(L, f, i.a), "for ... in needs pairs, ipairs or a function"
		if strings.HasPrefix(over, "a number ") {
			hint = "write for i = 1, n do"
		}
		return "attempt to loop over " + over + " (" + hint + ")"
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

func explainIndex(L *lua.LState, f frame, i instruction, message string) string {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(message, "attempt to index a non-table object("), ")")
	register := i.b
	if i.op == lua.OP_SETTABLE || i.op == lua.OP_SETTABLEKS {
		register = i.a
	}
	return "attempt to index a " + precise(L, kind, register) + " value" + f.origin(register) + rest
}

// precise is the type of what is in a register, kind, with the name that userdata
// may have.
func precise(L *lua.LState, kind string, register int) string {
	if debug, ok := L.GetStack(0); ok && kind == "userdata" && register&constantBit == 0 {
		if _, v := L.GetLocal(debug, register+1); v != nil {
			return TypeName(v)
		}
	}
	return kind
}

// explainArithmetic explains an operation none of whose operands is a text: see
// arithmetic.go.
func explainArithmetic(L *lua.LState, f frame, i instruction, message string) string {
	_, kinds, _ := strings.Cut(message, " between ")
	left, right, _ := strings.Cut(kinds, " and ")
	if left == "number" {
		left, i.b = right, i.c
	}
	return wrongOperand(f, precise(L, left, i.b), i.b)
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
		i := instructionAt(p, pc)
		switch i.op {
		case lua.OP_JMP, lua.OP_TEST, lua.OP_TESTSET, lua.OP_EQ, lua.OP_LT, lua.OP_LE, lua.OP_MOVEN,
			lua.OP_LOADNIL, lua.OP_VARARG, lua.OP_FORLOOP, lua.OP_TFORLOOP:
			return "" // it may have come another way
		case lua.OP_SETGLOBAL, lua.OP_SETUPVAL, lua.OP_SETTABLE, lua.OP_SETTABLEKS:
			continue
		case lua.OP_CALL:
			switch {
			case i.a == register:
				return f.given(pc)
			case i.a < register:
				return ""
			}
			continue
		}
		if i.a == register {
			return f.source(p, i, pc)
		}
	}
	return ""
}

// given says what was called to get a value, by the instruction at pc.
func (f frame) given(pc int) string {
	if name := f.calledAt(pc); name != "" && isWord(name[0]) { // ".." is a call too
		return fmt.Sprintf(" (what %s gave)", name)
	}
	return ""
}

// source says where the instruction at pc takes its value from.
func (f frame) source(p *lua.FunctionProto, i instruction, pc int) string {
	switch i.op {
	case lua.OP_MOVE:
		if name := f.local(i.b); name != "" {
			return fmt.Sprintf(" (local '%s')", name)
		}
	case lua.OP_GETGLOBAL:
		return fmt.Sprintf(" (global '%s')", constantText(p, i.bx))
	case lua.OP_GETUPVAL:
		if name := upvalueName(p, i.b); name != "" {
			return fmt.Sprintf(" (upvalue '%s')", name)
		}
	case lua.OP_GETTABLEKS:
		field := fieldName(p, pc)
		if name := f.local(i.b); name != "" {
			if _, text := f.register(i.b).(lua.LString); text { // a field of one is nil
				return fmt.Sprintf(" (field '%s' of %s, which is a text)", field, name)
			}
		}
		return fmt.Sprintf(" (field '%s')", field)
	case lua.OP_GETTABLE:
		return f.element(p, i, pc)
	case lua.OP_SELF:
		return fmt.Sprintf(" (method '%s')", fieldName(p, pc))
	}
	return ""
}

// element says of which table, by which key: " (t[i], i is 3)".
func (f frame) element(p *lua.FunctionProto, i instruction, pc int) string {
	table := f.local(i.b)
	if before := instructionAt(p, pc-1); table == "" && before.a == i.b { // fetched for this
		switch before.op {
		case lua.OP_GETTABLEKS:
			table = fieldName(p, pc-1)
		case lua.OP_GETUPVAL:
			table = upvalueName(p, before.b)
		case lua.OP_GETGLOBAL:
			table = constantText(p, before.bx)
		}
	}
	if table == "" {
		return ""
	}
	if i.c&constantBit != 0 {
		return fmt.Sprintf(" (%s[%s])", table, literal(p, i.c&^constantBit))
	}
	key := f.local(i.c)
	if key == "" {
		return fmt.Sprintf(" (an element of %s)", table)
	}
	return fmt.Sprintf(" (%s[%s], %s is %s)", table, key, key, shown(f.register(i.c)))
}

// maxShown is the longest text that messages show, in bytes.
const maxShown = 100

// shown is a key as it is written. A text is whole or not there: of a secret, a
// part would not be masked.
func shown(key lua.LValue) string {
	switch key := key.(type) {
	case lua.LString:
		if len(key) > maxShown {
			return "a long text"
		}
		return fmt.Sprintf("%q", string(key))
	case lua.LNumber, lua.LBool:
		return plainText(key)
	case nil, *lua.LNilType:
		return "nil"
	}
	return "a " + TypeName(key)
}

// callsMethod tells whether the frame is at a call of the form "object:method()".
// Whatever its arguments are, they come between the method and its call.
func (f frame) callsMethod() bool {
	p, call := f.proto(), f.instruction()
	if call.op != lua.OP_CALL && call.op != lua.OP_TAILCALL {
		return false
	}
	for pc := f.pc() - 1; pc >= 0; pc-- {
		switch i := instructionAt(p, pc); {
		case i.op == lua.OP_SELF && i.a == call.a:
			return true
		case (i.op == lua.OP_CALL || i.op == lua.OP_TAILCALL) && i.a <= call.a:
			return false
		}
	}
	return false
}

// constantText is a constant that is a text, or "?".
func constantText(p *lua.FunctionProto, i int) string {
	if i < len(p.Constants) {
		if text, ok := p.Constants[i].(lua.LString); ok {
			return string(text)
		}
	}
	return "?"
}

// fieldName is the name that the instruction at pc looks up: a constant of its own,
// or one that the instruction before put into a register, as in the head of a loop;
// "?" if it is no text.
func fieldName(p *lua.FunctionProto, pc int) string {
	i, before := instructionAt(p, pc), instructionAt(p, pc-1)
	switch {
	case i.c&constantBit != 0:
		return constantText(p, i.c&^constantBit)
	case before.op == lua.OP_LOADK && before.a == i.c:
		return constantText(p, before.bx)
	}
	return "?"
}

// literal is a constant that is a number or a text, as it is written.
func literal(p *lua.FunctionProto, i int) string {
	if i >= len(p.Constants) {
		return "?"
	}
	return shown(p.Constants[i])
}

// upvalueName is the name of an upvalue, or "".
func upvalueName(p *lua.FunctionProto, i int) string {
	if i < len(p.DbgUpvalues) {
		return p.DbgUpvalues[i]
	}
	return ""
}

// local is the name of the local variable that a register holds, or "".
func (f frame) local(register int) string {
	pc := f.pc()
	for _, l := range f.proto().DbgLocals {
		switch {
		case l.StartPc > pc:
			return ""
		case pc >= l.EndPc:
		case register > 0:
			register--
		case strings.HasPrefix(l.Name, "("):
			return ""
		default:
			return l.Name
		}
	}
	return ""
}
