package vm

import (
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

const (
	// concatName is the global that does the work of "..". It is not a name that
	// a script could write.
	concatName = ".."
	// maxOperands is the most that one call of it takes; a call's arguments must
	// fit into registers.
	maxOperands = 100
)

// concat makes a call of a chain of concatenations, which the parser nests to
// the right.
func (r *resolver) concat(e *ast.StringConcatOpExpr) ast.Expr {
	operands := []ast.Expr{e.Lhs}
	rest := e.Rhs
	for {
		next, ok := rest.(*ast.StringConcatOpExpr)
		if !ok {
			break
		}
		operands = append(operands, next.Lhs)
		rest = next.Rhs
	}
	operands = append(operands, rest)
	r.exprs(operands)
	r.constant(e, concatName)
	for len(operands) > maxOperands {
		last := len(operands) - maxOperands
		operands = append(operands[:last:last], concatCall(e, operands[last:]))
	}
	return concatCall(e, operands)
}

func concatCall(e *ast.StringConcatOpExpr, operands []ast.Expr) ast.Expr {
	oneResult(operands[len(operands)-1]) // though it comes last
	call := callOf(e, concatName, operands)
	call.AdjustRet = true
	return call
}

// concat is what "a .. b .. c" calls.
func concat(L *lua.LState) int {
	n := L.GetTop()
	if n == 2 {
		a, ok := L.Get(1).(lua.LString)
		b, also := L.Get(2).(lua.LString)
		if ok && also {
			checkSize(L, len(a)+len(b))
			runOf(L).charge((len(a) + len(b)) / bytesPerStep)
			L.Push(a + b)
			return 1
		}
	}
	total := 0
	for i := 1; i <= n; i++ {
		switch v := L.Get(i).(type) {
		case lua.LString:
			total += len(v)
		case lua.LNumber:
			total += 8
		default:
			return concatObjects(L, n)
		}
	}
	checkSize(L, total)
	runOf(L).charge(total / bytesPerStep)
	buf := make([]byte, 0, total)
	for i := 1; i <= n; i++ {
		switch v := L.Get(i).(type) {
		case lua.LString:
			buf = append(buf, v...)
		case lua.LNumber:
			buf = appendNumber(buf, float64(v))
		}
	}
	L.Push(lua.LString(buf))
	return 1
}

// concatObjects concatenates from right to left, two at a time, where a value
// may have a __concat.
func concatObjects(L *lua.LState, n int) int {
	right := L.Get(n)
	for i := n - 1; i >= 1; i-- {
		left := L.Get(i)
		if lua.LVCanConvToString(left) && lua.LVCanConvToString(right) {
			a, b := plainText(left), plainText(right)
			checkSize(L, len(a)+len(b))
			runOf(L).charge((len(a) + len(b)) / bytesPerStep)
			right = lua.LString(a + b)
			continue
		}
		event := L.GetMetaField(left, "__concat")
		if event == lua.LNil {
			event = L.GetMetaField(right, "__concat")
		}
		if event == lua.LNil {
			operand := i
			if lua.LVCanConvToString(left) {
				left, operand = right, i+1
			}
			L.RaiseError("attempt to concatenate a %s value%s", left.Type().String(), operandOrigin(L, operand))
		}
		L.Push(event)
		L.Push(left)
		L.Push(right)
		L.Call(2, 1)
		right = L.Get(-1)
		L.Pop(1)
	}
	L.Push(right)
	return 1
}

// operandOrigin says what operand i of the concatenation being executed is to
// the script.
func operandOrigin(L *lua.LState, i int) string {
	f := topFrame(L).parent()
	if !f.ok() || f.isGo() {
		return ""
	}
	call := f.instruction()
	if call.op != lua.OP_CALL {
		return ""
	}
	return f.origin(call.a + i)
}
