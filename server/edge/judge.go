package edge

import (
	"net/url"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/catalogue"
	"github.com/volenti-consent/volenti/server/notice"
)

// A Judge says whose an address is and what it needs; *notice.Rules is one. The
// address is as it stands in the page, to be read as browsers read it; base is
// the page's, or nil for an address that is whole; page is the page's host. A
// Judge is used by many requests at once.
type Judge interface {
	JudgeText(address string, base *url.URL, page string) notice.Verdict
}

// Grants say what a visitor allowed. With vendor "" the category itself is
// meant. What is unknown is not allowed.
type Grants interface {
	Allows(category, vendor string) bool
}

// Nothing is what is granted before a decision where the law asks for opt-in.
type Nothing struct{}

// Allows implements Grants.
func (Nothing) Allows(string, string) bool { return false }

// A page is what addresses are judged for.
type page struct {
	url    *url.URL   // of the page, as the browser has it
	bases  []*url.URL // what <base> elements of the page may have made of it
	judge  Judge
	grants Grants
	marked []string // keys of categories that count as marks of the site's own
	own    []string // hosts that are never held
}

// maxBases bounds what a page can make us judge: the first one counts in a
// browser, and which is first depends on markup that nobody needs.
const maxBases = 4

// base takes the address of a <base> element that is not held.
func (p *page) base(ref string) {
	a, err := catalogue.ParseAddress(ref, p.url)
	if err != nil || !a.Remote() || len(p.bases) == maxBases {
		return
	}
	host := a.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u, err := url.Parse(a.Scheme + "://" + host + a.Path); err == nil {
		p.bases = append(p.bases, u)
	}
}

// A finding is what keeps a tag from loading: the categories and vendors of the
// addresses in it that are not granted.
type finding struct {
	categories []string
	vendors    []string
}

func (f *finding) held() bool { return len(f.categories) > 0 }

func (f *finding) add(v notice.Verdict) {
	if !slices.Contains(f.categories, v.Category) {
		f.categories = append(f.categories, v.Category)
	}
	if !slices.Contains(f.vendors, v.Vendor) {
		f.vendors = append(f.vendors, v.Vendor)
	}
}

func (f *finding) join(g *finding) {
	for _, category := range g.categories {
		if !slices.Contains(f.categories, category) {
			f.categories = append(f.categories, category)
		}
	}
	for _, vendor := range g.vendors {
		if !slices.Contains(f.vendors, vendor) {
			f.vendors = append(f.vendors, vendor)
		}
	}
}

// marks are the attributes by which the page's script knows what the tag waits
// for (docs/embed.md). Who waits for several vendors is marked with their
// categories alone.
func (f *finding) marks() string {
	s := ` data-category="` + escapeValue(strings.Join(f.categories, " ")) + `"`
	if len(f.vendors) == 1 && f.vendors[0] != "" && len(f.categories) == 1 {
		s += ` data-service="` + escapeValue(f.vendors[0]) + `"`
	}
	return s
}

// verdict judges one address; held is true where it may not be fetched now.
func (p *page) verdict(address string, base *url.URL) (v notice.Verdict, held bool) {
	v = p.judge.JudgeText(address, base, p.url.Hostname())
	if !v.Free() && len(p.own) > 0 {
		if a, err := catalogue.ParseAddress(address, base); err == nil && slices.Contains(p.own, a.Host) {
			return notice.Verdict{Reason: notice.FirstParty}, false
		}
	}
	return v, !v.Free() && !p.grants.Allows(v.Category, v.Vendor)
}

// reference judges what an attribute refers to. A page may name several bases,
// and which of them counts depends on markup that nobody needs: so they all do.
func (p *page) reference(ref string, f *finding) bool {
	if scheme, _ := catalogue.CutScheme(ref); scheme != "" {
		// "https:host" is relative in a page on https and absolute in one on http,
		// and who stands in front of us may know better which this is. Read as
		// absolute it is held in both.
		v, held := p.verdict(ref, nil)
		if held {
			f.add(v)
		}
		return held
	}
	all := false
	for _, base := range append([]*url.URL{p.url}, p.bases...) {
		if v, held := p.verdict(ref, base); held {
			f.add(v)
			all = true
		}
	}
	return all
}

// known judges an address that stands in text: it counts only where somebody
// knows whose it is.
func (p *page) known(address string, f *finding) bool {
	v, held := p.verdict(address, p.url)
	if !held || v.Reason == notice.Unknown {
		return false
	}
	f.add(v)
	return true
}

// script judges the text of an inline script. One address that may not be
// fetched is enough.
func (p *page) script(text string, f *finding) bool {
	return scriptAddresses(text, func(address string) bool { return p.known(address, f) })
}

// style judges the text of a style sheet.
func (p *page) style(text string, f *finding) bool {
	return cssAddresses(text, func(ref string, quoted bool) bool {
		if !quoted {
			return p.reference(ref, f)
		}
		return strings.Contains(ref, "//") && p.known(ref, f)
	})
}

// srcset judges a list of image candidates (HTML, "Parsing a srcset attribute").
func (p *page) srcset(text string, f *finding) bool {
	held := false
	for {
		text = strings.TrimLeft(text, " \t\n\f\r,")
		if text == "" {
			return held
		}
		end := strings.IndexAny(text, " \t\n\f\r")
		if end < 0 {
			end = len(text)
		}
		ref := text[:end]
		text = text[end:]
		if bare := strings.TrimRight(ref, ","); bare != ref {
			ref = bare
		} else { // descriptors, up to a comma that is not in parentheses
			text = text[descriptors(text):]
		}
		held = p.reference(ref, f) || held
	}
}

// descriptors is how far those of one candidate reach.
func descriptors(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth = max(0, depth-1)
		case ',':
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}
