// Package markup reads the HTML of a site and says of everything that loads
// from a third party what it waits for: a mark of ours, a mark of another
// banner, or nothing.
package markup

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/volenti-consent/volenti/server/catalogue"
	"github.com/volenti-consent/volenti/server/notice"
)

// A State says what becomes of something in the page.
type State string

// The states.
const (
	Gated   State = "gated"   // it waits for a category or vendor that the notice asks for
	Dead    State = "dead"    // it waits for something that nobody is asked about, and so forever
	Ungated State = "ungated" // it loads at once, and is not essential
	Free    State = "free"    // it loads at once, and may: the site's own, essential, or allowed
	Banner  State = "banner"  // another banner, or its settings: to be removed
)

// A Finding is something in a page that loads from elsewhere, or is marked.
type Finding struct {
	Line     int           `json:"line"`             // of its start tag, from 1
	Tag      string        `json:"tag"`              // "script", "img" …, "noscript img" within noscript
	Source   string        `json:"source"`           // an address, or "inline: " and what gives it away
	State    State         `json:"state"`            //
	Mark     *Mark         `json:"mark,omitempty"`   // its mark, if it has one
	Reason   notice.Reason `json:"reason,omitempty"` // why its address is judged so; of Ungated and Free
	Category string        `json:"category,omitempty"`
	Vendor   string        `json:"vendor,omitempty"` // key, of the notice or else of the catalogue
	Note     string        `json:"note,omitempty"`   // what to do, or what it means

	known *catalogue.Vendor
	host  string
}

// A Page is what was found, in the order of the page.
type Page struct {
	Script   bool      `json:"script"` // our script is there, before everything else that runs
	Findings []Finding `json:"findings"`
}

// Ungated is how many findings load at once and should not.
func (p *Page) Ungated() int {
	return len(slices.DeleteFunc(slices.Clone(p.Findings), func(f Finding) bool { return f.State != Ungated }))
}

// Read reads a page for a notice that passed Lint. Address is the page's own;
// what is relative to it is of the page's site. An error is the reader's, or
// says that the text can't be read; HTML has no mistakes that stop it.
func Read(text io.Reader, address *url.URL, n *notice.Notice, c *catalogue.Catalogue) (*Page, error) {
	all, err := io.ReadAll(text)
	if err != nil {
		return nil, err
	}
	r := &reader{n: n, rules: notice.NewRules(n, c), catalogue: c, base: address, host: address.Hostname(), ordered: map[string]int{}, page: &Page{}}
	if err := r.read(all, 1, ""); err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	return r.page, nil
}

// An element is a start tag.
type element struct {
	tag  string // lower case
	attr map[string]string
	line int
	text string // of a script, style or noscript
}

type reader struct {
	n         *notice.Notice
	rules     *notice.Rules
	catalogue *catalogue.Catalogue
	base      *url.URL
	host      string
	based     bool
	depth     int
	ran       bool           // something ran before now
	ordered   map[string]int // lines of the first marked script that others of its category wait for, by category
	page      *Page
}

// nested is how deep frames of srcdoc are followed.
const nested = 4

// read goes through the tokens of a page: the tree is not needed, and a token
// knows its line. What stands in a template waits with it.
func (r *reader) read(text []byte, line int, within string) error {
	if r.depth++; r.depth > nested {
		return nil
	}
	defer func() { r.depth-- }()
	z := html.NewTokenizer(strings.NewReader(string(text)))
	z.SetMaxBuf(0)
	templates := 0
	for {
		kind := z.Next()
		start := line
		line += strings.Count(string(z.Raw()), "\n")
		switch kind {
		case html.ErrorToken:
			if err := z.Err(); !errors.Is(err, io.EOF) {
				return err
			}
			return nil
		case html.StartTagToken, html.SelfClosingTagToken:
			el := readElement(z, start)
			if isRaw(el.tag) && kind == html.StartTagToken {
				next := z.Next()
				raw := string(z.Raw())
				line += strings.Count(raw, "\n")
				if next == html.TextToken {
					el.text = raw
				}
			}
			if templates == 0 {
				if err := r.element(el, within); err != nil {
					return err
				}
			}
			if el.tag == "template" {
				templates++
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "template" && templates > 0 {
				templates--
			}
		}
	}
}

// isRaw are elements whose content the tokenizer gives as one text.
func isRaw(tag string) bool {
	return slices.Contains([]string{"script", "style", "noscript", "textarea", "title", "iframe", "noembed", "noframes", "xmp", "plaintext"}, tag)
}

func readElement(z *html.Tokenizer, line int) element {
	name, more := z.TagName()
	el := element{tag: string(name), attr: map[string]string{}, line: line}
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		// Of two attributes of a name the first counts.
		if _, twice := el.attr[string(key)]; !twice {
			el.attr[string(key)] = string(value)
		}
	}
	return el
}

// element judges one element.
func (r *reader) element(el element, within string) error {
	switch el.tag {
	case "base":
		if u, err := r.base.Parse(el.attr["href"]); err == nil && !r.based {
			r.base, r.based = u, true
		}
		return nil
	case "noscript":
		// Its content is markup for browsers without script, where nothing can hold it back.
		return r.read([]byte(el.text), el.line, strings.TrimSpace(within+" noscript"))
	}
	tag := strings.TrimSpace(within + " " + el.tag)
	mark, marked := readMark(r.n, el)
	if marked && mark.Held {
		r.marked(el, tag, mark)
		return nil
	}
	for _, address := range addresses(el) {
		r.address(el, tag, address, mark, marked)
	}
	if el.tag == "script" && runs(strings.ToLower(el.attr["type"])) {
		if el.attr["src"] == "" {
			r.inline(el, tag)
		}
		r.ran = true
	}
	if doc := el.attr["srcdoc"]; doc != "" {
		return r.read([]byte(doc), el.line, strings.TrimSpace(within+" srcdoc"))
	}
	return nil
}

// marked adds what waits for consent.
func (r *reader) marked(el element, tag string, mark Mark) {
	f := Finding{Line: el.line, Tag: tag, Source: mark.Src, State: Gated, Mark: &mark, Category: mark.Category, Vendor: mark.Vendor}
	if f.Source == "" {
		f.Source = "inline"
	}
	if mark.Src != "" {
		v := r.rules.JudgeText(mark.Src, r.base, r.host)
		f.known, f.host = v.Known, hostOf(mark.Src, r.base)
	}
	switch {
	case strings.Contains(mark.Category, "!"):
		f.State, f.Note = Dead, `runs where a category is NOT granted, which no consent releases: use volenti.on("change", …) instead`
	case !mark.Released:
		f.State, f.Note = Dead, "nobody is asked about "+r.unasked(mark)+": add it to the notice"
	case strings.Contains(tag, "noscript"):
		f.State, f.Note = Dead, "a browser without script releases nothing: remove it"
	case tag == "script" && isOrdered(el, mark):
		for _, key := range wordsIn(mark.Category) {
			if _, ok := r.ordered[key]; !ok {
				r.ordered[key] = el.line
			}
		}
	}
	r.page.Findings = append(r.page.Findings, f)
}

// unasked names what of a mark the notice does not have.
func (r *reader) unasked(mark Mark) string {
	if mark.Vendor != "" && !grantable(r.n, notice.Necessary, mark.Vendor) {
		return fmt.Sprintf("the vendor %q", mark.Vendor)
	}
	return fmt.Sprintf("the category %q", mark.Category)
}

// address adds what loads at once.
func (r *reader) address(el element, tag, address string, mark Mark, marked bool) {
	if el.tag == "script" && r.ours(address) {
		r.page.Script = r.page.Script || !r.ran
		return
	}
	v := r.rules.JudgeText(address, r.base, r.host)
	if v.Reason == notice.FirstParty {
		return
	}
	f := Finding{Line: el.line, Tag: tag, Source: address, Reason: v.Reason, Category: v.Category, Vendor: v.Vendor, known: v.Known, host: hostOf(address, r.base), State: Ungated}
	if f.Vendor == "" && v.Known != nil {
		f.Vendor = v.Known.Key
	}
	switch {
	case v.Known != nil && banners[v.Known.Key]:
		f.State, f.Note = Banner, "another banner: remove it when this one is there"
	case v.Free():
		f.State = Free
	case strings.Contains(tag, "noscript"):
		f.Note = "no script can hold this back: remove it, or have the server's edge do so"
	case marked:
		f.Mark, f.Note = &mark, "the mark says "+mark.Dialect+", but it loads at once: "+remedy(el)
	default:
		f.Note = remedy(el)
	}
	if _, async := el.attr["async"]; tag == "script" && !async && r.ordered[f.Category] > 0 {
		f.Note += fmt.Sprintf("; where consent is known it can run before the marked script of line %d: mark the whole chain", r.ordered[f.Category])
	}
	r.page.Findings = append(r.page.Findings, f)
}

// isOrdered reports whether what stands below a marked script may count on it
// having run: not if its file comes when it comes, or after the page.
func isOrdered(el element, mark Mark) bool {
	_, async := el.attr["async"]
	_, deferred := el.attr["defer"]
	return el.attr["data-type"] != "module" && (mark.Src == "" || !async && !deferred)
}

// ours reports whether an address is the banner's own; of any site, for a
// notice of none.
func (r *reader) ours(address string) bool {
	a, err := catalogue.ParseAddress(address, r.base)
	if err != nil {
		return false
	}
	folder, file := path.Split(a.Path)
	key, script := strings.CutSuffix(file, ".js")
	return script && strings.HasSuffix(folder, "/b/") && (key == r.n.Site || r.n.Site == "" && key != "")
}

// inline adds a script of the page that brings a third party along.
func (r *reader) inline(el element, tag string) {
	if strings.Contains(el.text, "tarteaucitron.job") {
		r.page.Findings = append(r.page.Findings, Finding{Line: el.line, Tag: tag, Source: "inline: tarteaucitron.job", State: Banner,
			Note: "loads its services by itself: remove it, and write each service as a marked tag or as a tag of the notice"})
	}
	for _, s := range r.signs(el.text) {
		f := Finding{Line: el.line, Tag: tag, Source: "inline: " + s.what, Reason: s.verdict.Reason, Category: s.verdict.Category, Vendor: s.verdict.Vendor, known: s.verdict.Known, host: s.host, State: Ungated, Note: remedy(el)}
		if f.Vendor == "" && s.verdict.Known != nil {
			f.Vendor = s.verdict.Known.Key
		}
		if mark, marked := readMark(r.n, el); marked {
			f.Mark, f.Note = &mark, "the mark says "+mark.Dialect+", but it runs at once: "+remedy(el)
		}
		r.page.Findings = append(r.page.Findings, f)
	}
}

// remedy is how an element of this kind is gated.
func remedy(el element) string {
	switch el.tag {
	case "script":
		return `write type="text/plain" data-category="…"`
	case "link", "style":
		return "write it into a <template data-category=\"…\">"
	case "iframe", "img", "embed", "audio", "video", "source", "object", "input":
		return `write data-src instead of src, and data-category="…"`
	}
	return "put it into a <template data-category=\"…\">"
}

func hostOf(address string, base *url.URL) string {
	a, err := catalogue.ParseAddress(address, base)
	if err != nil || !a.Remote() {
		return ""
	}
	return a.Host
}
