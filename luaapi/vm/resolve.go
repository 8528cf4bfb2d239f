package vm

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"
)

const (
	// maxDepth bounds the nesting of expressions and blocks. The compiler
	// recurses, and a Go stack that overflows takes the process down.
	maxDepth = 500
	// maxConstants bounds the constants of one function: the compiler compares
	// each with all before it.
	maxConstants = 20_000
	// throughName is the global that takes a yield out of a tail call.
	throughName = "..."
)

// globalUse is a place where a global is read or written.
type globalUse struct {
	name   string
	line   int
	write  bool
	nested bool // within a function, not in the main chunk
	scope  *binding
}

// binding is a local in scope, and those that were there before it.
type binding struct {
	name  string
	outer *binding
}

// names gives the locals in scope that name may be a misspelling of, innermost
// first. There may be many, some of any length, and who compares takes long.
func (b *binding) names() []string {
	const most, longest = 200, 64
	var names []string
	for ; b != nil && len(names) < most; b = b.outer {
		if len(b.name) <= longest {
			names = append(names, b.name)
		}
	}
	return names
}

// resolver walks a parsed file before it is compiled. It checks the bounds
// above, finds the globals that are used, and turns every "a .. b .. c" into a
// call: gopher-lua's own concatenation makes strings of any size without asking
// anybody, and a script that doubles one a few times over has all memory.
type resolver struct {
	file         string
	globals      []globalUse
	calls        []TextCall
	options      []OptionUse
	libraryCalls []libraryCall
	fields       fieldUses
	locals       map[string]int // how many of a name are in scope
	own          map[string]int // the locals of the file itself, and the first line of each
	blocks       int            // within one another
	scope        *binding       // the innermost
	functions    int
	depth        int
	seen         map[string]bool // constants of the current function
}

func (r *resolver) fail(line int, format string, args ...any) {
	panic(&Error{File: r.file, Line: line, Message: fmt.Sprintf(format, args...)})
}

func (r *resolver) enter(n ast.PositionHolder) {
	if r.depth++; r.depth > maxDepth {
		r.fail(max(n.Line(), 1), "too many nested levels (at most %d)", maxDepth)
	}
}

func (r *resolver) declare(names ...string) {
	for _, name := range names {
		r.locals[name]++
		r.scope = &binding{name, r.scope}
	}
}

// block walks statements in a scope of their own, in which names are declared.
// then walks what belongs to the scope but comes after.
func (r *resolver) block(stmts []ast.Stmt, names []string, then func()) {
	outer := r.scope
	r.blocks++
	r.declare(names...)
	for i := range stmts {
		r.stmt(&stmts[i])
	}
	if then != nil {
		then()
	}
	r.blocks--
	for ; r.scope != outer; r.scope = r.scope.outer {
		r.locals[r.scope.name]--
	}
}

// stmt walks a statement, and puts another in its place where it has to.
func (r *resolver) stmt(at *ast.Stmt) {
	r.enter(*at)
	switch s := (*at).(type) {
	case *ast.AssignStmt:
		r.exprs(s.Rhs)
		for i := range s.Lhs {
			r.assigned(&s.Lhs[i])
		}
		*at = assign(s)
	case *ast.LocalAssignStmt:
		r.localAssign(s)
	case *ast.FuncCallStmt:
		r.expr(&s.Expr)
	case *ast.DoBlockStmt:
		r.block(s.Stmts, nil, nil)
	case *ast.WhileStmt:
		r.expr(&s.Condition)
		r.block(s.Stmts, nil, nil)
		s.Stmts = landing(s.Stmts)
	case *ast.RepeatStmt:
		r.block(s.Stmts, nil, func() { r.expr(&s.Condition) })
		s.Stmts = landing(s.Stmts)
	case *ast.IfStmt:
		r.expr(&s.Condition)
		r.block(s.Then, nil, nil)
		r.block(s.Else, nil, nil)
	case *ast.NumberForStmt:
		r.expr(&s.Init)
		r.expr(&s.Limit)
		if s.Step != nil {
			r.expr(&s.Step)
		}
		r.block(s.Stmts, []string{s.Name}, nil)
	case *ast.GenericForStmt:
		r.exprs(s.Exprs)
		r.block(s.Stmts, s.Names, nil)
		s.Stmts = landing(s.Stmts)
		*at = loop(s)
	case *ast.FuncDefStmt:
		r.funcDef(s)
	case *ast.ReturnStmt:
		r.exprs(s.Exprs)
		r.returned(s)
	}
	r.depth--
}

// returned puts a function between "return" and a yield. So it does where an error
// is the caller's mistake, told at its line, which a tail call would lose: what takes
// named options, as return Disk{ ... }, and self.warning(...) with a dot.
func (r *resolver) returned(s *ast.ReturnStmt) {
	if len(s.Exprs) != 1 {
		return
	}
	call, ok := s.Exprs[0].(*ast.FuncCallExpr)
	if !ok {
		return
	}
	name, ofSelf := "", false
	switch f := call.Func.(type) {
	case *ast.IdentExpr:
		name = f.Value
	case *ast.AttrGetExpr:
		if key, ok := f.Key.(*ast.StringExpr); ok {
			name = key.Value
		}
		object, ok := f.Object.(*ast.IdentExpr)
		ofSelf = ok && object.Value == "self"
	}
	if name == "yield" || ofSelf || isConstructor(call.Args) {
		r.constant(call, throughName)
		s.Exprs[0] = callOf(call, throughName, []ast.Expr{call})
	}
}

func isConstructor(args []ast.Expr) bool {
	if len(args) != 1 {
		return false
	}
	_, ok := args[0].(*ast.TableExpr)
	return ok
}

// callOf is a call of one of our globals, at the place of another expression.
func callOf(other ast.PositionHolder, name string, args []ast.Expr) *ast.FuncCallExpr {
	return at(other, &ast.FuncCallExpr{Func: identAt(other, name), Args: args})
}

// localAssign declares the names after the values, but for "local function f",
// which sees its own name. So does "local f = function" in gopher-lua, and f
// calls itself where it was to call another f: a second value keeps it from it.
func (r *resolver) localAssign(s *ast.LocalAssignStmt) {
	for _, name := range s.Names {
		if r.blocks == 1 && r.own[name] == 0 {
			r.own[name] = s.Line()
		}
	}
	if len(s.Names) == 1 && len(s.Exprs) == 1 {
		if _, ok := s.Exprs[0].(*ast.FunctionExpr); ok {
			if s.LastLine() != 0 { // the parser notes it of a "local function" only
				r.declare(s.Names...)
				r.exprs(s.Exprs)
				return
			}
			none := &ast.NilExpr{}
			none.SetLine(s.Line())
			s.Exprs = append(s.Exprs, none)
		}
	}
	r.exprs(s.Exprs)
	r.declare(s.Names...)
}

func (r *resolver) funcDef(s *ast.FuncDefStmt) {
	if s.Name.Func != nil {
		r.assigned(&s.Name.Func)
		r.function(s.Func)
		return
	}
	r.expr(&s.Name.Receiver)
	r.constant(s, s.Name.Method)
	r.function(s.Func, "self")
}

func (r *resolver) assigned(e *ast.Expr) {
	if name, ok := (*e).(*ast.IdentExpr); ok {
		r.ident(name, true)
		return
	}
	if field, ok := (*e).(*ast.AttrGetExpr); ok { // which is not read
		r.expr(&field.Object)
		r.expr(&field.Key)
		return
	}
	r.expr(e)
}

func (r *resolver) ident(e *ast.IdentExpr, write bool) {
	if r.locals[e.Value] > 0 {
		return
	}
	r.constant(e, e.Value)
	r.globals = append(r.globals, globalUse{name: e.Value, line: e.Line(), write: write, nested: r.functions > 0, scope: r.scope})
}

func (r *resolver) function(f *ast.FunctionExpr, names ...string) {
	outer := r.seen
	r.seen = map[string]bool{}
	r.functions++
	names = append(names, f.ParList.Names...)
	if f.ParList.HasVargs {
		names = append(names, "arg")
	}
	r.block(f.Stmts, names, nil)
	r.functions--
	r.seen = outer
}

func (r *resolver) exprs(list []ast.Expr) {
	for i := range list {
		r.expr(&list[i])
	}
}

// expr walks an expression, and puts another in its place where it has to.
func (r *resolver) expr(at *ast.Expr) {
	r.enter(*at)
	switch e := (*at).(type) {
	case *ast.IdentExpr:
		r.ident(e, false)
	case *ast.StringExpr:
		r.constant(e, e.Value)
	case *ast.NumberExpr:
		e.Value = numeral(e.Value)
		r.constant(e, "\x00"+e.Value)
	case *ast.AttrGetExpr:
		r.expr(&e.Object)
		r.expr(&e.Key)
		r.fieldUse(e)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			if f.Key != nil {
				r.expr(&f.Key)
			}
			r.expr(&f.Value)
		}
	case *ast.FuncCallExpr:
		r.call(e)
	case *ast.LogicalOpExpr:
		r.both(&e.Lhs, &e.Rhs)
		*at = logical(e)
	case *ast.RelationalOpExpr:
		r.both(&e.Lhs, &e.Rhs)
	case *ast.ArithmeticOpExpr:
		r.both(&e.Lhs, &e.Rhs)
	case *ast.StringConcatOpExpr:
		*at = r.concat(e)
	case *ast.UnaryMinusOpExpr:
		r.expr(&e.Expr)
	case *ast.UnaryNotOpExpr:
		r.expr(&e.Expr)
		*at = negation(e)
	case *ast.UnaryLenOpExpr:
		r.expr(&e.Expr)
	case *ast.FunctionExpr:
		r.function(e)
	}
	r.depth--
}

func (r *resolver) both(left, right *ast.Expr) {
	r.expr(left)
	r.expr(right)
}

func (r *resolver) call(e *ast.FuncCallExpr) {
	if e.Func != nil {
		r.expr(&e.Func)
	} else {
		r.expr(&e.Receiver)
		r.constant(e, e.Method)
		r.fieldName(e, e.Method)
		if path := r.path(e.Receiver, fieldPath-1); path != nil {
			r.fields.list = append(r.fields.list, FieldUse{append(path, e.Method), true, r.file, e.Line()})
		}
	}
	r.exprs(e.Args)
	r.textCall(e)
	r.optionUses(e)
}

// constant counts the distinct constants of the current function.
func (r *resolver) constant(at ast.PositionHolder, value string) {
	r.seen[value] = true
	if len(r.seen) > maxConstants {
		r.fail(at.Line(), "too many different constants in one function (at most %d): divide it", maxConstants)
	}
}

// resolve walks a file. The error is an [*Error].
func resolve(file string, stmts []ast.Stmt) (r *resolver, err error) {
	r = &resolver{file: file, fields: fieldUses{seen: map[string]bool{}}, locals: map[string]int{}, own: map[string]int{}, seen: map[string]bool{}}
	defer failedWith(&err)
	r.block(stmts, nil, nil)
	return r, nil
}
