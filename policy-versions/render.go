package policyversions

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark/ast"
	"golang.org/x/net/html"
)

// A Rendering is a text as part of a page that has the title as its h1.
type Rendering struct {
	HTML     string    // safe to stand in a page as it is
	Headings []Heading // in reading order
}

// A Heading is a place in a rendering.
type Heading struct {
	Level int    // 2–6
	ID    string // "s-cookies"
	Text  string
}

// Render writes t as HTML. The same text gives the same bytes. The result holds no
// element or attribute that runs, loads or styles anything, and no link but to
// http, https, mailto and relative addresses; what an unsafe link or a picture
// says stays as text. A first heading that repeats the title is left to the page;
// the others start at h2 and leave no level out.
func Render(t Text) (Rendering, error) {
	if err := checkShape(t.Markdown); err != nil {
		return Rendering{}, err
	}
	source := []byte(t.Markdown)
	doc := parse(source)
	dropTitle(doc, source, t.Title)
	r := Rendering{Headings: outline(doc, source)}
	settleLinks(doc, source, r.Headings)
	var b bytes.Buffer
	if err := markdown().Renderer().Render(&b, source, doc); err != nil {
		return Rendering{}, fmt.Errorf("render policy: %w", err)
	}
	r.HTML = sanitizer().Sanitize(b.String())
	return r, nil
}

// sanitizer is the second wall: whatever the renderer before it wrote, nothing
// else than this leaves.
var sanitizer = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li",
		"h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "div", "a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("rel").Matching(regexp.MustCompile(`^nofollow noopener noreferrer$`)).OnElements("a")
	p.AllowAttrs("id").Matching(regexp.MustCompile(`^s-[\pL\pM\pN-]+$`)).OnElements("h2", "h3", "h4", "h5", "h6")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^\d{1,9}$`)).OnElements("ol")
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|center|right)$`)).OnElements("th", "td")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^table-scroll$`)).OnElements("div")
	p.AllowAttrs("tabindex").Matching(regexp.MustCompile(`^0$`)).OnElements("div")
	return p
})

// dropTitle removes a first heading that says what the page's h1 says.
func dropTitle(doc ast.Node, source []byte, title string) {
	h, ok := doc.FirstChild().(*ast.Heading)
	if ok && shorten(plainText(h, source, " ")) == title {
		doc.RemoveChild(doc, h)
	}
}

// settleLinks points links within the text to our heading ids, and unlinks those
// whose target is not there: places that were marked with <a name>.
func settleLinks(doc ast.Node, source []byte, headings []Heading) {
	ids := make(map[string]bool, len(headings))
	for _, h := range headings {
		ids[h.ID] = true
	}
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		link, ok := n.(*ast.Link)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		if fragment, within := strings.CutPrefix(string(link.Destination), "#"); within {
			link.Destination = nil
			if id := slug(fragment); ids[id] {
				link.Destination = []byte("#" + id)
			}
		}
		return ast.WalkContinue, nil
	})
}

// textOnly is the text of raw HTML, escaped, without what scripts and styles hold.
func textOnly(raw string) string {
	z := html.NewTokenizer(strings.NewReader(raw))
	var b strings.Builder
	skip := ""
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimSpace(b.String())
		case html.StartTagToken:
			if name, _ := z.TagName(); string(name) == "script" || string(name) == "style" {
				skip = string(name)
			}
			b.WriteByte(' ')
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == skip {
				skip = ""
			}
			b.WriteByte(' ')
		case html.SelfClosingTagToken:
			b.WriteByte(' ')
		case html.TextToken:
			if skip == "" {
				b.WriteString(html.EscapeString(string(z.Text())))
			}
		}
	}
}
