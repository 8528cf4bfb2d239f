package vm

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"
)

// gopher-lua compiles assignments to locals so that a value may be stored before
// all are computed: in "a, b = a + 1, a" b is the new a, and a function whose
// last parameter is x has, in "x = (f(x))", f in x's place when f is called. It
// does so only for what it can store at once, so it is given nothing of the sort:
// one call is not in parentheses, and several values go through new locals.

// assign gives a statement that does what s says.
func (r *resolver) assign(s *ast.AssignStmt) ast.Stmt {
	if len(s.Lhs) == 1 && len(s.Rhs) == 1 {
		if call, ok := s.Rhs[0].(*ast.FuncCallExpr); ok {
			call.AdjustRet = false // there is but one name to give results to
		}
		return s
	}
	assigned := r.localsOf(s.Lhs)
	if len(assigned) == 0 {
		return s
	}
	block := &ast.DoBlockStmt{}
	values := &ast.LocalAssignStmt{Exprs: s.Rhs}
	stores := &ast.AssignStmt{Lhs: s.Lhs}
	for i := range s.Lhs {
		name := fmt.Sprintf("(value %d)", i)
		values.Names = append(values.Names, name)
		stores.Rhs = append(stores.Rhs, identAt(s, name))
	}
	objects := &ast.LocalAssignStmt{}
	for _, e := range s.Lhs {
		attr, ok := e.(*ast.AttrGetExpr)
		if !ok {
			continue
		}
		if table, ok := attr.Object.(*ast.IdentExpr); ok && assigned[table.Value] {
			name := fmt.Sprintf("(object %d)", len(objects.Names))
			objects.Names = append(objects.Names, name)
			objects.Exprs = append(objects.Exprs, table)
			attr.Object = identAt(s, name)
		}
	}
	for _, n := range []ast.PositionHolder{block, values, objects, stores} {
		n.SetLine(s.Line())
		n.SetLastLine(s.LastLine())
	}
	block.Stmts = []ast.Stmt{values, stores}
	if len(objects.Names) > 0 {
		block.Stmts = []ast.Stmt{objects, values, stores}
	}
	return block
}

// localsOf gives the names that are locals.
func (r *resolver) localsOf(list []ast.Expr) map[string]bool {
	names := map[string]bool{}
	for _, e := range list {
		if name, ok := e.(*ast.IdentExpr); ok && r.locals[name.Value] > 0 {
			names[name.Value] = true
		}
	}
	return names
}

func identAt(at ast.PositionHolder, name string) ast.Expr {
	e := &ast.IdentExpr{Value: name}
	e.SetLine(at.Line())
	e.SetLastLine(at.LastLine())
	return e
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
	values := &ast.LocalAssignStmt{Exprs: s.Exprs}
	s.Exprs = nil
	for i := range 3 {
		name := fmt.Sprintf("(over %d)", i)
		values.Names = append(values.Names, name)
		s.Exprs = append(s.Exprs, identAt(s, name))
	}
	block := &ast.DoBlockStmt{Stmts: []ast.Stmt{values, s}}
	for _, n := range []ast.PositionHolder{block, values} {
		n.SetLine(s.Line())
		n.SetLastLine(s.LastLine())
	}
	return block
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
		none := &ast.NilExpr{}
		none.SetLine(last.Line())
		none.SetLastLine(last.LastLine())
		s.Exprs = append(s.Exprs, none)
	}
}
