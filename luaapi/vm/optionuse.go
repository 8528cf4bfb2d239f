package vm

import (
	"strings"

	"github.com/yuin/gopher-lua/ast"
)

// An OptionUse is an option that a function of a file passes to one of a global
// table, as it is written: timeout in pharos.http.get(url, { timeout = "1s" }).
type OptionUse struct {
	Function string // "pharos.http.get"
	Argument int    // which argument the table is; 1 is the first
	Name     string
	File     string
	Line     int
}

// optionUses notes the options in a call. The main chunk's are not noted: it runs
// when the file loads, and says so itself.
func (r *resolver) optionUses(e *ast.FuncCallExpr) {
	if r.functions == 0 || e.Func == nil {
		return
	}
	function := ""
	for i, arg := range e.Args {
		table, ok := arg.(*ast.TableExpr)
		if !ok {
			continue
		}
		if function == "" {
			path := r.path(e.Func, fieldPath)
			if len(path) < 2 {
				return
			}
			function = strings.Join(path, ".")
		}
		for _, field := range table.Fields {
			if key, ok := field.Key.(*ast.StringExpr); ok {
				r.options = append(r.options, OptionUse{function, i + 1, key.Value, r.file, key.Line()})
			}
		}
	}
}
