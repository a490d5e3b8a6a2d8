// Package web renders the pages for people: the policy archive, the choices and
// the cookie declaration of a site, and problems. Templates, words and the
// stylesheet are embedded; no page of ours holds a script.
package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"

	"github.com/volenti-consent/volenti/web/assets"
)

//go:embed templates static words units.json
var embedded embed.FS

// ContentSecurityPolicy is sent with every page of this package. The pages hold no
// script and no inline style, and are not framed.
const ContentSecurityPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// FormSecurityPolicy is sent with the pages that hold a form. They are not framed
// either: a button that lies under something else is nobody's choice.
const FormSecurityPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// A Page is the data of one template; each is a struct that embeds Head.
type Page interface {
	template() string // file under templates/, without .html
	head() *Head
}

// Head is what all pages share.
type Head struct {
	Title    string // of the document and its h1
	Site     string // the site's name, as visitors know it; may be ""
	Root     string // from Root: how this page's address leads to the server's root
	Language string // wanted for the page's own words, BCP 47; Render takes the nearest there is
}

func (h *Head) head() *Head { return h }

// Root is the relative reference that leads from a page at path, an escaped URL
// path as the client sent it, to the root: "../../" from "/policies/shop/privacy".
// All links are relative, so that the server works under any prefix of a proxy.
func Root(path string) string {
	if up := strings.Count(path, "/") - 1; up > 0 {
		return strings.Repeat("../", up)
	}
	return "./"
}

// A Renderer renders pages in every language there are words for. It is safe for
// concurrent use.
type Renderer struct {
	assets  assets.Set
	words   map[string]words // by language
	names   []string         // of templates
	tags    []language.Tag
	matcher language.Matcher

	mu    sync.Mutex
	pages map[page]*template.Template // guarded by mu; some of those that were rendered
}

type page struct{ language, template string }

// mostPages bounds the parsed templates: all of them, in all languages, take as much
// memory as the rest of the server, and most are never asked for.
const mostPages = 100

// New reads the embedded files. An error is a mistake in them.
func New() (*Renderer, error) {
	r := &Renderer{pages: map[page]*template.Template{}}
	var err error
	if r.assets, err = assets.Read(embedded, "static", "assets/"); err != nil {
		return nil, err
	}
	if r.words, r.tags, err = readWords(); err != nil {
		return nil, err
	}
	readers := slices.Clone(r.tags)
	for i, tag := range readers {
		if tag == language.Portuguese {
			readers[i] = language.EuropeanPortuguese // ours is; CLDR takes "pt" alone for the Brazilian
		}
	}
	r.matcher = language.NewMatcher(readers)
	if r.names, err = templateNames(); err != nil {
		return nil, err
	}
	return r, nil
}

// parsed is a page's template in a language of ours.
func (r *Renderer) parsed(p page) (*template.Template, error) {
	r.mu.Lock()
	t := r.pages[p]
	r.mu.Unlock()
	if t != nil {
		return t, nil
	}
	if !slices.Contains(r.names, p.template) {
		return nil, fmt.Errorf("render: there is no template %q", p.template)
	}
	t, err := template.New("layout.html").Funcs(r.funcs(p.language, r.words[p.language])).Option("missingkey=error").
		ParseFS(embedded, "templates/layout.html", "templates/"+p.template+".html")
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", p.template, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pages) >= mostPages {
		clear(r.pages)
	}
	r.pages[p] = t
	return t, nil
}

// Assets serves the stylesheet and the icon at /assets/{digest}/{name}.
func (r *Renderer) Assets() http.Handler { return r.assets.Handler(ContentSecurityPolicy) }

// HasAsset reports whether a path, "/assets/…", is that of one of ours.
func (r *Renderer) HasAsset(path string) bool { return r.assets.Has(path) }

// DeclarationScript is the script that fills the cookie declaration into pages of
// a site: static/declaration.js.
func (r *Renderer) DeclarationScript() []byte { return r.assets.Bytes("declaration.js") }

// templateNames lists the templates of pages: "visitor/policy-version".
func templateNames() (names []string, err error) {
	err = fs.WalkDir(embedded, "templates", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(file) == "layout.html" {
			return err
		}
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(file, "templates/"), ".html"))
		return nil
	})
	return names, err
}

// Render writes a page, all of it or, on an error, nothing. It settles the page's
// Language to the nearest that there are words for, English if none is near.
func (r *Renderer) Render(w io.Writer, p Page) error {
	h := p.head()
	h.Language = r.nearest(h.Language)
	if h.Root == "" {
		h.Root = "./"
	}
	t, err := r.parsed(page{h.Language, p.template()})
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

// nearest is the language of our words that serves a reader of lang best. lang may
// be an Accept-Language header. A language of ours is its own nearest.
func (r *Renderer) nearest(lang string) string {
	if r.words[lang] != nil {
		return lang
	}
	tags, _, err := language.ParseAcceptLanguage(lang)
	if err != nil || len(tags) == 0 {
		return r.tags[0].String()
	}
	_, i, _ := r.matcher.Match(tags...)
	return r.tags[i].String()
}

// Direction is the writing direction of a language, for an element's dir.
func Direction(lang string) string {
	tag, err := language.Parse(lang)
	if err != nil {
		return "auto"
	}
	script, _ := tag.Script()
	switch script.String() {
	case "Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg", "Mand", "Samr":
		return "rtl"
	}
	return "ltr"
}
