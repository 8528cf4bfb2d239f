package vm

import (
	"fmt"
	"slices"

	"github.com/yuin/gopher-lua/ast"
)

// gopher-lua compiles assignments so that a value may be stored before all are
// computed, or in the wrong place: in "a, b = a + 1, a" b is the new a; a
// function whose last parameter is x has, in "x = (f(x))", f in x's place when f
// is called; and "count, t.x = 1, y", where y is a local, gives count another
// value. It stores one value right, so it is given nothing else: one call is not
// in parentheses, and several values go through new locals.

// assign gives a statement that does what s says.
func assign(s *ast.AssignStmt) ast.Stmt {
	if len(s.Lhs) == 1 && len(s.Rhs) == 1 {
		if call, ok := s.Rhs[0].(*ast.FuncCallExpr); ok {
			call.AdjustRet = false // there is but one name to give results to
		}
		return s
	}
	assigned := map[string]bool{}
	for _, e := range s.Lhs {
		if name, ok := e.(*ast.IdentExpr); ok {
			assigned[name.Value] = true
		}
	}
	targets := at(s, &ast.LocalAssignStmt{})
	hold := func(e *ast.Expr) {
		name := fmt.Sprintf("(target %d)", len(targets.Names))
		targets.Names = append(targets.Names, name)
		targets.Exprs = append(targets.Exprs, *e)
		oneResult(*e)
		*e = identAt(s, name)
	}
	values := at(s, &ast.LocalAssignStmt{Exprs: s.Rhs})
	var stores []ast.Stmt
	for i, e := range s.Lhs {
		if attr, ok := e.(*ast.AttrGetExpr); ok {
			if name, ok := attr.Object.(*ast.IdentExpr); !ok || assigned[name.Value] {
				hold(&attr.Object)
			}
			if _, constant := truth(attr.Key); !constant {
				hold(&attr.Key)
			}
		}
		name := fmt.Sprintf("(value %d)", i)
		values.Names = append(values.Names, name)
		stores = append(stores, at(s, &ast.AssignStmt{Lhs: []ast.Expr{e}, Rhs: []ast.Expr{identAt(s, name)}}))
	}
	slices.Reverse(stores) // as Lua 5.1 does
	stmts := append([]ast.Stmt{values}, stores...)
	if len(targets.Names) > 0 {
		stmts = append([]ast.Stmt{targets}, stmts...)
	}
	return at(s, &ast.DoBlockStmt{Stmts: stmts})
}

// at gives a node that was made in place of another that one's lines.
func at[T ast.PositionHolder](other ast.PositionHolder, made T) T {
	made.SetLine(other.Line())
	made.SetLastLine(other.LastLine())
	return made
}

func identAt(other ast.PositionHolder, name string) ast.Expr {
	return at(other, &ast.IdentExpr{Value: name})
}

// loop gives a statement that does what s says. gopher-lua takes what a loop
// goes over wrong where that is found through a call, as in "for word in
// f().text:gmatch(p)": the call's result gets lost. So it goes through locals
// first, unless it is one call of something plain, as in "for k, v in pairs(t)".
func loop(s *ast.GenericForStmt) ast.Stmt {
	padLoop(s)
	if call, ok := s.Exprs[0].(*ast.FuncCallExpr); ok && len(s.Exprs) == 1 && plainCallee(call) {
		return s
	}
	values := at(s, &ast.LocalAssignStmt{Exprs: s.Exprs})
	s.Exprs = nil
	for i := range 3 {
		name := fmt.Sprintf("(over %d)", i)
		values.Names = append(values.Names, name)
		s.Exprs = append(s.Exprs, identAt(s, name))
	}
	return at(s, &ast.DoBlockStmt{Stmts: []ast.Stmt{values, s}})
}

// plainCallee tells whether what is called is found without another call: by a
// name, or by constant keys from one.
func plainCallee(call *ast.FuncCallExpr) bool {
	callee := call.Func
	if callee == nil {
		callee = call.Receiver
	}
	for {
		switch e := callee.(type) {
		case *ast.IdentExpr:
			return true
		case *ast.AttrGetExpr:
			if _, ok := e.Key.(*ast.StringExpr); !ok {
				return false
			}
			callee = e.Object
		default:
			return false
		}
	}
}

// padLoop writes the nils out that "for k, v in next, t" begins with: gopher-lua
// leaves there what lay in the register before, and the loop begins after the
// first key.
func padLoop(s *ast.GenericForStmt) {
	last := s.Exprs[len(s.Exprs)-1]
	switch last.(type) {
	case *ast.FuncCallExpr, *ast.Comma3Expr:
		for len(s.Names) < len(s.Exprs) { // with fewer it forgets that the last gives several
			s.Names = append(s.Names, "(for value)")
		}
		return
	}
	for len(s.Exprs) < 3 {
		s.Exprs = append(s.Exprs, at(last, &ast.NilExpr{}))
	}
}
