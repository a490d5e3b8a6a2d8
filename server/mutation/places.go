package mutation

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// walk finds what is changed in a source: conditions, and what is returned as true or
// false, are negated; comparisons take their other boundary; statements are dropped;
// functions return nothing at once; whole numbers are one more.
func (w *writer) walk(file *ast.File) {
	w.seen = map[ast.Expr]bool{}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		w.name = f.Name.Name
		w.atOnce(f)
		ast.Inspect(f.Body, func(n ast.Node) bool { return w.visit(n) })
	}
}

// visit returns false where nothing beneath is changed.
func (w *writer) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		return n.Tok != token.CONST
	case *ast.ArrayType:
		return false
	case *ast.CompositeLit:
		for _, e := range n.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				ast.Inspect(kv.Value, w.visit)
			} else {
				ast.Inspect(e, w.visit)
			}
		}
		return false
	case *ast.IfStmt:
		w.condition(n.Cond)
	case *ast.ForStmt:
		if n.Cond != nil {
			w.condition(n.Cond)
		}
	case *ast.SwitchStmt:
		if n.Tag == nil {
			for _, c := range n.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					w.condition(e)
				}
			}
		}
	case *ast.ReturnStmt:
		for _, e := range n.Results {
			w.condition(e)
		}
	case *ast.BinaryExpr:
		switch n.Op {
		case token.LAND, token.LOR:
			w.condition(n.X)
			w.condition(n.Y)
		case token.LSS, token.LEQ, token.GTR, token.GEQ:
			w.boundary(n)
		case token.SHL, token.SHR:
			return false
		}
	case *ast.BlockStmt:
		w.drop(n.List)
	case *ast.CaseClause:
		w.drop(n.Body)
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "make" || f.Name == "panic") {
			return false
		}
	case *ast.BasicLit:
		w.constant(n)
	}
	return true
}

// condition negates an expression that is true or false, unless the compiler knows which.
func (w *writer) condition(e ast.Expr) {
	e = ast.Unparen(e)
	t, ok := w.info.Types[e]
	if basic, is := t.Type.(*types.Basic); !ok || !is || basic.Info()&types.IsBoolean == 0 || t.Value != nil || w.seen[e] {
		return
	}
	w.seen[e] = true
	id := w.mutant(e, "negate")
	w.pkg.Mutants[id-1].Condition = true
	w.open(e.Pos(), "m__c(%d, ", id)
	w.shut(e.End(), ")")
}

func (w *writer) boundary(e *ast.BinaryExpr) {
	x, y := w.info.Types[e.X], w.info.Types[e.Y]
	for _, t := range []types.TypeAndValue{x, y} {
		if basic, ok := t.Type.Underlying().(*types.Basic); !ok || basic.Info()&types.IsOrdered == 0 {
			return
		}
	}
	if w.info.Types[e].Value != nil || x.Value != nil && y.Value != nil {
		return
	}
	id := w.mutant(e, "boundary")
	w.open(e.Pos(), "m__%s(%d, ", map[token.Token]string{token.LSS: "lt", token.LEQ: "le", token.GTR: "gt", token.GEQ: "ge"}[e.Op], id)
	w.edits = append(w.edits, edit{w.offset(e.OpPos), len(e.Op.String()), ",", 0})
	w.shut(e.End(), ")")
}

// drop leaves statements out, one at a time.
func (w *writer) drop(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			if call, ok := s.X.(*ast.CallExpr); !ok || isPanic(call) {
				continue
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE || blank(s.Lhs) {
				continue
			}
		case *ast.IncDecStmt:
		default:
			continue
		}
		id := w.mutant(s, "drop")
		w.open(s.Pos(), "if !m__on(%d) { ", id)
		w.shut(s.End(), " }")
	}
}

func isPanic(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.Ident)
	return ok && f.Name == "panic"
}

func blank(list []ast.Expr) bool {
	for _, e := range list {
		if id, ok := e.(*ast.Ident); !ok || id.Name != "_" {
			return false
		}
	}
	return true
}

// atOnce returns from a function before it has done anything: with nothing, and without
// an error.
func (w *writer) atOnce(f *ast.FuncDecl) {
	if len(f.Body.List) == 0 {
		return
	}
	var vars, names []string
	if results := f.Type.Results; results != nil {
		for _, r := range results.List {
			for range max(1, len(r.Names)) {
				name := fmt.Sprintf("m__%d", len(names))
				vars, names = append(vars, "var "+name+" "+w.slice(r.Type)+"; "), append(names, name)
			}
		}
	}
	id := w.mutant(f.Name, "return")
	w.open(f.Body.Lbrace+1, " if m__on(%d) { %sreturn %s }; ", id, strings.Join(vars, ""), strings.Join(names, ", "))
}

func (w *writer) constant(lit *ast.BasicLit) {
	t, ok := w.info.Types[lit]
	basic, is := t.Type.(*types.Basic)
	if !ok || !is || lit.Kind != token.INT || basic.Info()&types.IsInteger == 0 || basic.Info()&types.IsUntyped != 0 {
		return
	}
	id := w.mutant(lit, "constant")
	w.open(lit.Pos(), "m__n[%s](%d, ", basic.Name(), id)
	w.shut(lit.End(), ")")
}

// runtime is the file that is added to a package: its name and the number of changes.
const runtime = `package %s

import (
	"cmp"
	"os"
	"strconv"
	"sync/atomic"
)

var (
	m__now, _ = strconv.Atoi(os.Getenv("VOLENTI_MUTANT"))
	m__log    = m__opened()
	m__seen   [%d][2]atomic.Bool
)

func m__opened() *os.File {
	name := os.Getenv("VOLENTI_MUTANTS_SEEN")
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	return f
}

func m__saw(id, value int) {
	if m__log != nil && !m__seen[id][value].Swap(true) {
		m__log.WriteString(strconv.Itoa(id) + " " + strconv.Itoa(value) + "\n")
	}
}

func m__on(id int) bool { m__saw(id, 0); return m__now == id }

func m__c(id int, is bool) bool {
	if is {
		m__saw(id, 1)
	} else {
		m__saw(id, 0)
	}
	return is != (m__now == id)
}

func m__lt[T cmp.Ordered](id int, a, b T) bool { return a < b || m__on(id) && a == b }
func m__le[T cmp.Ordered](id int, a, b T) bool { return a < b || !m__on(id) && a == b }
func m__gt[T cmp.Ordered](id int, a, b T) bool { return a > b || m__on(id) && a == b }
func m__ge[T cmp.Ordered](id int, a, b T) bool { return a > b || !m__on(id) && a == b }

func m__n[T int | int8 | int16 | int32 | int64 | uint | uint8 | uint16 | uint32 | uint64 | uintptr](id int, n T) T {
	if m__on(id) {
		n++
	}
	return n
}
`
