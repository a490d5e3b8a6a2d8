// Package mutation changes the deciding code in one place at a time and looks whether a
// test notices: a change that none notices is code that nothing holds. All changes of a
// package are compiled into one program, and a variable of the environment says which is
// made, so that trying one is running a test and no compiler. The same program says which
// conditions were true and which were false while tests ran.
//
// It is a tool of the tests: nothing of the product knows it.
package mutation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A Mutant is one change.
type Mutant struct {
	ID        int
	File      string // base name
	Line      int
	Func      string
	Kind      string // "negate", "boundary", "drop", "return", "constant"
	Text      string // what stands there
	Condition bool   // both of its values are to be seen
}

// String is how a survivor is named: file, line and what is changed.
func (m Mutant) String() string {
	return fmt.Sprintf("%s:%d %s: %s %q", m.File, m.Line, m.Func, m.Kind, m.Text)
}

// A Package is one with all its changes in it.
type Package struct {
	Dir     string
	Name    string
	Mutants []Mutant
	Replace map[string]string // absolute path of a source to what is compiled instead
}

// listed is what `go list` says of a package.
type listed struct {
	ImportPath, Export, Dir, Name string
	GoFiles                       []string
	CgoFiles                      []string
	DepOnly                       bool
}

// Load reads the package in a folder and works out its changes, in the sources that want
// accepts by their base name; nil accepts all.
func Load(ctx context.Context, dir string, want func(file string) bool) (*Package, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-export", "-deps", "-json=ImportPath,Export,Dir,Name,GoFiles,CgoFiles,DepOnly", ".")
	cmd.Dir = dir
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w: %s", dir, err, complaint.String())
	}
	exports := map[string]string{}
	var self listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		exports[p.ImportPath] = p.Export
		if !p.DepOnly {
			self = p
		}
	}
	fset := token.NewFileSet()
	sources, files := make([][]byte, len(self.GoFiles)), make([]*ast.File, len(self.GoFiles))
	for i, name := range self.GoFiles {
		if sources[i], err = os.ReadFile(filepath.Join(self.Dir, name)); err != nil {
			return nil, err
		}
		if files[i], err = parser.ParseFile(fset, name, sources[i], parser.SkipObjectResolution); err != nil {
			return nil, err
		}
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	if _, err := config.Check(self.ImportPath, fset, files, info); err != nil {
		return nil, err
	}
	p := &Package{Dir: self.Dir, Name: self.Name, Replace: map[string]string{}}
	for i, name := range self.GoFiles {
		if want != nil && !want(name) {
			continue
		}
		w := &writer{pkg: p, fset: fset, info: info, source: sources[i], file: name}
		w.walk(files[i])
		p.Replace[filepath.Join(self.Dir, name)] = w.text()
	}
	p.Replace[filepath.Join(self.Dir, "zz_mutants.go")] = fmt.Sprintf(runtime, self.Name, len(p.Mutants)+1)
	return p, nil
}

// An edit stands at an offset: what is inserted, and how much is taken away.
type edit struct {
	at, cut int
	text    string
	order   int
}

// A writer collects the edits of one source.
type writer struct {
	pkg    *Package
	fset   *token.FileSet
	info   *types.Info
	source []byte
	file   string
	name   string // of the function
	edits  []edit
	seen   map[ast.Expr]bool
}

func (w *writer) offset(p token.Pos) int { return w.fset.Position(p).Offset }

func (w *writer) slice(n ast.Node) string {
	return string(w.source[w.offset(n.Pos()):w.offset(n.End())])
}

func (w *writer) mutant(n ast.Node, kind string) int {
	id := len(w.pkg.Mutants) + 1
	text := strings.Join(strings.Fields(w.slice(n)), " ")
	if len(text) > 80 {
		text = text[:80] + "…"
	}
	w.pkg.Mutants = append(w.pkg.Mutants, Mutant{ID: id, File: w.file, Line: w.fset.Position(n.Pos()).Line, Func: w.name, Kind: kind, Text: text})
	return id
}

func (w *writer) open(p token.Pos, format string, args ...any) {
	w.edits = append(w.edits, edit{w.offset(p), 0, fmt.Sprintf(format, args...), len(w.edits)})
}

// shut closes what was opened last: of several at one place the inner comes first.
func (w *writer) shut(p token.Pos, text string) {
	w.edits = append(w.edits, edit{w.offset(p), 0, text, -len(w.edits)})
}

// text is the source with all edits in it.
func (w *writer) text() string {
	slices.SortStableFunc(w.edits, func(a, b edit) int {
		if a.at != b.at {
			return a.at - b.at
		}
		return a.order - b.order // what closes stands before what opens
	})
	var out []byte
	at := 0
	for _, e := range w.edits {
		out = append(append(out, w.source[at:e.at]...), e.text...)
		at = e.at + e.cut
	}
	return string(append(out, w.source[at:]...))
}
