package console

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"
)

// The layout reads the fields of Frame by name, so a page that has one of that name
// would say who is signed in, or where, by mistake.
func TestNoPageShadowsTheFrame(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string][]string{} // struct → names of its fields, "" for an embedded Frame
	look := func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		s, ok := spec.Type.(*ast.StructType)
		if !ok {
			return true
		}
		for _, f := range s.Fields.List {
			if id, ok := f.Type.(*ast.Ident); ok && len(f.Names) == 0 && id.Name == "Frame" {
				fields[spec.Name.Name] = append(fields[spec.Name.Name], "")
			}
			for _, name := range f.Names {
				fields[spec.Name.Name] = append(fields[spec.Name.Name], name.Name)
			}
		}
		return true
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, look)
	}
	frame := map[string]bool{}
	for _, name := range fields["Frame"] {
		frame[name] = true
	}
	pages := 0
	for page, names := range fields {
		if len(names) == 0 || names[0] != "" {
			continue
		}
		pages++
		for _, name := range names[1:] {
			if frame[name] {
				t.Errorf("%s.%s hides that of the frame: call it something else", page, name)
			}
		}
	}
	if pages < 10 || !frame["Operator"] {
		t.Errorf("%d pages, frame %v", pages, frame)
	}
}
