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

// tableCall notes e if it calls a function of a global table.
func (r *resolver) tableCall(e *ast.FuncCallExpr) {
	function, ok := e.Func.(*ast.AttrGetExpr)
	if !ok {
		return
	}
	table, isName := function.Object.(*ast.IdentExpr)
	key, isField := function.Key.(*ast.StringExpr)
	if !isName || !isField || r.locals[table.Value] > 0 {
		return
	}
	r.libraryCalls = append(r.libraryCalls, libraryCall{table: table.Value, name: key.Value, file: r.file, line: e.Line()})
	if len(e.Args) == 0 {
		return
	}
	if text, ok := e.Args[0].(*ast.StringExpr); ok {
		r.calls = append(r.calls, TextCall{table.Value + "." + key.Value, text.Value, r.file, e.Line()})
	}
}
