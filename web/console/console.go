// Package console renders the pages on which operators work: views, templates,
// style and the few lines of script that make them quick. Without script every
// page does the same.
package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/web/assets"
)

//go:embed templates static
var embedded embed.FS

// ContentSecurityPolicy is sent with every page of the console: our own files and
// nothing inline, never in somebody's frame.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// A Page is the data of one template; each is a struct that embeds Frame.
type Page interface {
	template() string // file under templates/, without .html
	base() *Frame
}

// Frame is what all pages share. The console fills it, but for Title, Sub, Trail
// and Wrong.
type Frame struct {
	Title string // of the document and its h1
	Sub   string // a line under it, or ""
	Trail []Step // the pages above this one

	Wrong []Mend // what is to be mended before the form is accepted
	Said  string // what the last form did

	Root     string // leads to the server's root
	Path     string // of this page
	Now      time.Time
	Token    string // hidden in every form, as "token"
	Operator string // name; "" on the pages of sign-in
	Role     string
	Menu     []MenuItem
	Sites    []MenuSite
	Site     string // key, or ""
	SiteName string
}

// base makes a struct that embeds Frame a Page.
func (f *Frame) base() *Frame { return f }

// Of is the frame of a page.
func Of(p Page) *Frame { return p.base() }

// A Step leads up.
type Step struct{ Path, Label string } // path from the server's root

// A Mend is one thing that is wrong in a form.
type Mend struct {
	Field string // its name: the message stands at it, and leads to it
	What  string // and what to do
}

// A MenuItem is a place the operator may go.
type MenuItem struct {
	Path, Label, Icon string // path from the server's root
	Server            bool   // of the server, not of the site
}

// A MenuSite is a site the operator works on.
type MenuSite struct {
	Key, Name string
	Here      bool
}

// Here reports whether a menu's place is this page or above it.
func (f *Frame) Here(item MenuItem) bool {
	here := strings.TrimPrefix(f.Path, "/")
	if here == item.Path {
		return true
	}
	exact := item.Path == "admin" || strings.Count(item.Path, "/") == 2 && strings.HasPrefix(item.Path, "admin/sites/")
	return !exact && strings.HasPrefix(here, item.Path+"/")
}

// WrongAt is what is wrong with a field, or "".
func (f *Frame) WrongAt(field string) string {
	for _, m := range f.Wrong {
		if m.Field == field {
			return m.What
		}
	}
	return ""
}

// A Renderer renders pages. It is safe for concurrent use.
type Renderer struct {
	pages  map[string]func() (*template.Template, error) // parsed when one is rendered first
	assets assets.Set
}

// New reads the embedded files. An error is a mistake in them.
func New() (*Renderer, error) {
	files, err := assets.Read(embedded, "static", "admin/assets/")
	if err != nil {
		return nil, err
	}
	r := &Renderer{pages: map[string]func() (*template.Template, error){}, assets: files}
	names, err := fs.Glob(embedded, "templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || strings.HasPrefix(name, "parts") {
			continue
		}
		r.pages[name] = sync.OnceValues(func() (*template.Template, error) {
			return template.New("layout.html").Funcs(r.funcs()).
				ParseFS(embedded, "templates/layout.html", "templates/parts*.html", file)
		})
	}
	return r, nil
}

// parsed is a page's template.
func (r *Renderer) parsed(name string) (*template.Template, error) {
	parse, ok := r.pages[name]
	if !ok {
		return nil, fmt.Errorf("render: there is no template %q", name)
	}
	t, err := parse()
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	return t, nil
}

// Render writes a page, all of it or, on an error, nothing.
func (r *Renderer) Render(w io.Writer, p Page) error {
	t, err := r.parsed(p.template())
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("render %s: %w", p.template(), err)
	}
	_, err = b.WriteTo(w)
	return err
}

// Assets serves style, script and icons at /admin/assets/{digest}/{name}, to
// everybody: they say nothing.
func (r *Renderer) Assets() http.Handler { return r.assets.Handler("") }

// funcs are what templates may call.
func (r *Renderer) funcs() template.FuncMap {
	return template.FuncMap{
		"asset":  r.assets.Path,
		"day":    func(t time.Time) string { return t.Format("2 January 2006") },
		"moment": func(t time.Time) string { return t.Format("2 January 2006, 15:04 MST") },
		"iso":    func(t time.Time) string { return t.Format(time.RFC3339) },
		"dict":   dict,
		"list":   func(all ...string) []string { return all },
		"number": Number,
	}
}

// dict gives a part of a template several values: dict "field" "name" "label" "Name".
func dict(pairs ...any) (map[string]any, error) {
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}
