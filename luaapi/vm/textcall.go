package vm

import "github.com/yuin/gopher-lua/ast"

// A TextCall is a call of a function of a global table whose first argument is
// a text, as it is written: pharos.status("web.page"). What it names can be
// looked for before the function is ever called.
type TextCall struct {
	Function string // "pharos.status"
	Text     string
	File     string
	Line     int
}

// textCall notes e if it is one.
func (r *resolver) textCall(e *ast.FuncCallExpr) {
	function, ok := e.Func.(*ast.AttrGetExpr)
	if !ok || len(e.Args) == 0 {
		return
	}
	table, isName := function.Object.(*ast.IdentExpr)
	key, isField := function.Key.(*ast.StringExpr)
	text, isText := e.Args[0].(*ast.StringExpr)
	if isName && isField && isText && r.locals[table.Value] == 0 {
		r.calls = append(r.calls, TextCall{table.Value + "." + key.Value, text.Value, r.file, e.Line()})
	}
}
