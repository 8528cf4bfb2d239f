package vm

import "github.com/yuin/gopher-lua/ast"

// A FieldUse is a field that a file reads, as it is written. Path is what leads
// to it from a global, pharos.http.get; where it begins with anything else, or
// is longer, it is the name of the field alone.
type FieldUse struct {
	Path  []string
	Colon bool // it is called as a method, pharos.http:get()
	File  string
	Line  int
}

// fieldPath is the longest path that is noted.
const fieldPath = 3

// fieldUses gathers uses, those of a lone field once.
type fieldUses struct {
	list []FieldUse
	seen map[string]bool
}

// fieldUse notes the field that e reads, if it has a name.
func (r *resolver) fieldUse(e *ast.AttrGetExpr) {
	if path := r.path(e, fieldPath); path != nil {
		r.fields.list = append(r.fields.list, FieldUse{Path: path, File: r.file, Line: e.Line()})
	}
	if key, ok := e.Key.(*ast.StringExpr); ok {
		r.fieldName(e, key.Value)
	}
}

// fieldName notes a field by its name.
func (r *resolver) fieldName(at ast.PositionHolder, name string) {
	if !r.fields.seen[name] {
		r.fields.seen[name] = true
		r.fields.list = append(r.fields.list, FieldUse{Path: []string{name}, File: r.file, Line: at.Line()})
	}
}

// path gives the names of a.b.c, which are most at most; nil unless a is a global.
func (r *resolver) path(e ast.Expr, most int) []string {
	switch e := e.(type) {
	case *ast.IdentExpr:
		if most > 0 && r.locals[e.Value] == 0 {
			return []string{e.Value}
		}
	case *ast.AttrGetExpr:
		if key, ok := e.Key.(*ast.StringExpr); ok && most > 1 {
			if path := r.path(e.Object, most-1); path != nil {
				return append(path, key.Value)
			}
		}
	}
	return nil
}
