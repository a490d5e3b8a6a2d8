package admin

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// unnoted are the changing routes that keep no act, and why.
var unnoted = map[string]string{
	"POST /admin/sign-in/passkey/ask":                                 "makes a question; nothing is kept",
	"POST /admin/account/passkeys/ask":                                "makes a question; nothing is kept",
	"POST /admin/sites/:site/policies/:policy/drafts/:draft/look":     "renders what was sent; nothing is kept",
	"POST /admin/sites/:site/policies/:policy/drafts/:draft/autosave": "every few seconds, while somebody types; saving, handing in and publishing are noted",
	"POST /admin/sites/:site/policies/:policy/drafts/:draft/announce": "a part of the draft; noted when it is handed in or published",
	"POST /admin/sites/:site/receipts/find":                           "leads to a receipt; nothing is kept",
	"POST /admin/log/entries/check":                                   "says what it thinks of a checkpoint; nothing is kept",
	"POST /admin/sites/:site/log/entries/check":                       "the same",
	"POST /admin/sites/:site/notice/draft/:part/look":                 "renders what was sent; nothing is kept",
	"POST /admin/sites/:site/retention/try":                           "says what the next run would remove; nothing is kept",
	"POST /admin/sites/:site/retention/lift":                          "the store keeps it as an act, in one transaction",
	"POST /admin/sites/:site/requests":                                "the store keeps each step as an act, in one transaction",
	"POST /admin/sites/:site/requests/:request":                       "the same",
	"POST /admin/sites/:site/request-settings":                        "the same",
}

// Every route that changes something keeps what was done: its handler, or what it
// calls in this package, calls Note.
func TestEveryChangeIsNoted(t *testing.T) {
	calls := map[string]map[string]bool{} // "Desk.Note" or "func" → what it calls
	for _, name := range must(filepath.Glob("*.go")) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, decl := range must(parser.ParseFile(token.NewFileSet(), name, nil, 0)).Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			called := map[string]bool{}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					switch fun := call.Fun.(type) {
					case *ast.SelectorExpr:
						called[receiverOf(fun.X)+fun.Sel.Name] = true
					case *ast.Ident:
						called[fun.Name] = true
					}
				}
				return true
			})
			calls[receiverOf(firstName(f.Recv))+f.Name.Name] = called
		}
	}
	var notes func(name string, seen map[string]bool) bool
	notes = func(name string, seen map[string]bool) bool {
		if name == "Desk.Note" {
			return true
		}
		if seen[name] {
			return false
		}
		seen[name] = true
		for called := range calls[name] {
			if notes(called, seen) {
				return true
			}
		}
		return false
	}
	if !notes("Console.postCode", map[string]bool{}) || notes("Console.showCode", map[string]bool{}) {
		t.Fatal("this test can't tell who notes")
	}
	handler := regexp.MustCompile(`\.\(?\*?Console\)?\.(\w+)-fm$`)
	var c Console
	listed := map[string]bool{}
	for _, r := range c.Routes() {
		if !changes(r.Method) {
			continue
		}
		route := r.Method + " " + r.Path
		name := runtime.FuncForPC(reflect.ValueOf(r.Handle).Pointer()).Name()
		m := handler.FindStringSubmatch(name)
		if m == nil {
			t.Errorf("%s: the handler %s is no method of Console, so nobody can tell whether it notes", route, name)
			continue
		}
		why, excused := unnoted[route]
		listed[route] = excused
		switch noted := notes("Console."+m[1], map[string]bool{}); {
		case !noted && !excused:
			t.Errorf("%s changes something, and %s notes nothing", route, m[1])
		case noted && excused:
			t.Errorf("%s is said to note nothing (%s), and does", route, why)
		}
	}
	for route := range unnoted {
		if !listed[route] {
			t.Errorf("%s is not routed any more: take it off the list", route)
		}
	}
}

// receiverOf tells methods of Desk from those of Console by the names this package
// gives their receivers: d and copies of it, and c.
func receiverOf(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		switch x.Name {
		case "d", "as", "at":
			return "Desk."
		case "c":
			return "Console."
		}
		return x.Name + "."
	case *ast.SelectorExpr:
		if x.Sel.Name == "console" {
			return "Console."
		}
		return x.Sel.Name + "."
	}
	return ""
}

// firstName is the name of a receiver, or nil.
func firstName(list *ast.FieldList) ast.Expr {
	if list == nil || len(list.List[0].Names) == 0 {
		return nil
	}
	return list.List[0].Names[0]
}
