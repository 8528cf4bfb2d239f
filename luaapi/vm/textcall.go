package vm

import "github.com/yuin/gopher-lua/ast"

// A TextCall is a call of a function of a global table, or of a method, whose
// first argument is a text, as it is written: pharos.status("web.page"). What it
// names can be looked for before the function is ever called.
type TextCall struct {
	Function string // "pharos.status", of a method ":step"
	Text     string
	File     string
	Line     int
}

// textCall notes e if it calls a method, or a function of a global table.
func (r *resolver) textCall(e *ast.FuncCallExpr) {
	function := ":" + e.Method
	if e.Func != nil {
		access, ok := e.Func.(*ast.AttrGetExpr)
		if !ok {
			return
		}
		table, isName := access.Object.(*ast.IdentExpr)
		key, isField := access.Key.(*ast.StringExpr)
		if !isName || !isField || r.locals[table.Value] > 0 {
			return
		}
		r.libraryCalls = append(r.libraryCalls, libraryCall{table: table.Value, name: key.Value, file: r.file, line: e.Line()})
		function = table.Value + "." + key.Value
	}
	if len(e.Args) == 0 {
		return
	}
	if text, ok := e.Args[0].(*ast.StringExpr); ok {
		r.calls = append(r.calls, TextCall{function, text.Value, r.file, e.Line()})
	}
}
