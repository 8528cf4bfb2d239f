package vm

import "github.com/yuin/gopher-lua/ast"

// gopher-lua makes a jump to a jump go where the second one goes, and takes what
// it has already made of the second one for what it was before: a jump back to
// a jump goes anywhere. So no loop and no label is followed by a jump: what is
// known without running is left out of conditions, and what begins with a jump
// all the same gets an instruction before it.

// logical gives an expression that does what e says, and does not begin with a
// constant.
func logical(e *ast.LogicalOpExpr) ast.Expr {
	holds, constant := truth(e.Lhs)
	switch {
	case !constant:
		return e
	case holds == (e.Operator == "or"):
		return e.Lhs
	}
	oneResult(e.Rhs)
	return e.Rhs
}

// negation gives an expression that does what e says, and is a constant if it
// can be.
func negation(e *ast.UnaryNotOpExpr) ast.Expr {
	holds, constant := truth(e.Expr)
	if !constant {
		return e
	}
	if holds {
		return at(e, &ast.FalseExpr{})
	}
	return at(e, &ast.TrueExpr{})
}

// truth tells whether e holds, if it is a constant.
func truth(e ast.Expr) (holds, constant bool) {
	switch e.(type) {
	case *ast.NilExpr, *ast.FalseExpr:
		return false, true
	case *ast.TrueExpr, *ast.NumberExpr, *ast.StringExpr:
		return true, true
	}
	return false, false
}

// oneResult takes all results but the first from what is no longer an operand.
func oneResult(e ast.Expr) {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		e.AdjustRet = true
	case *ast.Comma3Expr:
		e.AdjustRet = true
	}
}

// landing gives the statements of a loop's body with an instruction before them
// if they begin with a jump.
func landing(stmts []ast.Stmt) []ast.Stmt {
	if len(stmts) == 0 || !jumps(stmts[0]) {
		return stmts
	}
	none := &ast.LocalAssignStmt{Names: []string{"(landing)"}}
	block := &ast.DoBlockStmt{Stmts: []ast.Stmt{none}}
	for _, n := range []ast.PositionHolder{none, block} {
		n.SetLine(stmts[0].Line())
		n.SetLastLine(stmts[0].Line())
	}
	return append([]ast.Stmt{block}, stmts...)
}

// jumps tells whether a statement may begin with a jump.
func jumps(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.BreakStmt, *ast.GotoStmt, *ast.LabelStmt:
		return true
	case *ast.IfStmt:
		_, constant := truth(s.Condition)
		return constant
	case *ast.WhileStmt:
		_, constant := truth(s.Condition)
		return constant
	case *ast.DoBlockStmt:
		return len(s.Stmts) == 0 || jumps(s.Stmts[0])
	case *ast.RepeatStmt:
		return len(s.Stmts) == 0 || jumps(s.Stmts[0])
	}
	return false
}
