package edge

import (
	"strings"
)

// A place says how the browser reads what comes next. Whether "<style>" is
// followed by text or by markup depends on where it stands: in SVG and MathML
// it is markup, and in a few more places the tag is ignored and what follows is
// markup too. Who cuts the page into other tokens than the browser does can be
// made to overlook a tag, so nothing is guessed here. Where the place is not
// certain, what is written makes both readings the same.
//
// Followed exactly is what stands between <svg> or <math> and its end, as long
// as it is nested properly (HTML, "The rules for parsing tokens in foreign
// content", "The stack of open elements").
type place struct {
	open    []element // since the outermost <svg> or <math>; empty outside
	unsure  bool      // may be foreign content, for the rest of the page
	selects bool      // in a <select>, whose rules ignore most start tags in older browsers
	sealed  bool      // selects, and it stays so: a template may have swallowed the end
	deaf    bool      // frames, or a template of columns: start tags may be ignored, for the rest of the page
	tables  []int     // tables open in each open template
}

type element struct {
	name string
	kind kind
}

type kind byte

const (
	svg         kind = iota // of SVG
	mathML                  // of MathML
	integration             // foreign itself, HTML within
	markup                  // of HTML, within an integration point
)

// A reading says what a browser makes of what follows a start tag.
type reading byte

const (
	asText   reading = iota // text up to the end tag, as the tokenizer has it
	asMarkup                // foreign content: markup
	fenced                  // either; a <meta> before the tag makes it text
	either                  // either, and nothing helps but to have no '<' in it
)

// start takes a start tag and says how to read what follows it.
func (p *place) start(t *tag) reading {
	switch t.name {
	case "frameset", "frame":
		p.deaf = true
	case "select":
		p.selects = true
	case "template":
		p.tables = append(p.tables, 0)
		p.sealed = p.sealed || p.selects
	case "table":
		if n := len(p.tables); n > 0 {
			p.tables[n-1]++
		}
	case "col":
		// Right below a template it makes the rules for columns apply, which ignore
		// whatever else comes.
		n := len(p.tables)
		p.deaf = p.deaf || n > 0 && p.tables[n-1] == 0
	}
	foreign := p.enter(t)
	switch {
	case p.deaf, (p.selects || p.sealed) && t.name != "script":
		return either
	case p.unsure:
		return fenced
	case foreign:
		return asMarkup
	}
	return asText
}

// enter follows a start tag, and reports whether its element is foreign.
func (p *place) enter(t *tag) bool {
	if p.unsure {
		return false
	}
	n := len(p.open)
	if n > 0 {
		top := p.open[n-1]
		if top.kind == svg || top.kind == mathML {
			if !breaksOut(t) {
				if top.kind == mathML && top.name == "annotation-xml" && t.name == "svg" {
					p.push(t, svg)
				} else if !t.closed {
					p.push(t, inside(top.kind, t))
				}
				return true
			}
			for n > 0 && (p.open[n-1].kind == svg || p.open[n-1].kind == mathML) {
				n--
			}
			p.open = p.open[:n]
		} else if t.name == "mglyph" || t.name == "malignmark" {
			p.unsure = true // foreign only right below some elements of MathML
			return false
		}
	}
	switch {
	case t.name == "svg":
		p.push(t, svg)
		return true
	case t.name == "math":
		p.push(t, mathML)
		return true
	case n == 0 || void[t.name]:
	case inTable[t.name] && !p.within("table"):
		p.unsure = true // it may close a cell around all of this
	default:
		p.open = append(p.open, element{t.name, markup})
	}
	return false
}

func (p *place) push(t *tag, k kind) {
	if t.closed {
		return
	}
	if len(p.open) > 500 { // browsers stop nesting at 512
		p.unsure = true
		return
	}
	p.open = append(p.open, element{t.name, k})
}

// inside is the kind of a foreign element.
func inside(parent kind, t *tag) kind {
	switch t.name {
	case "foreignobject", "desc", "title":
		if parent == svg {
			return integration
		}
	case "mi", "mo", "mn", "ms", "mtext":
		if parent == mathML {
			return integration
		}
	case "annotation-xml":
		switch strings.ToLower(t.get("encoding")) {
		case "text/html", "application/xhtml+xml":
			if parent == mathML {
				return integration
			}
		}
	}
	return parent
}

func (p *place) within(name string) bool {
	for _, e := range p.open {
		if e.name == name && e.kind == markup {
			return true
		}
	}
	return false
}

// end takes an end tag.
func (p *place) end(name string) {
	switch name {
	case "select":
		p.selects = false
	case "template":
		p.tables = p.tables[:max(0, len(p.tables)-1)]
	case "table":
		if n := len(p.tables); n > 0 {
			p.tables[n-1] = max(0, p.tables[n-1]-1)
		}
	}
	n := len(p.open)
	if n == 0 || p.unsure {
		return
	}
	if p.open[n-1].kind == markup {
		if p.open[n-1].name == name {
			p.open = p.open[:n-1]
		} else {
			p.unsure = true
		}
		return
	}
	for n--; n >= 0 && p.open[n].kind != markup; n-- {
		if p.open[n].name == name {
			p.open = p.open[:n]
			return
		}
	}
	p.unsure = true // HTML's rules apply, and may close what is around all of this
}

// certain reports whether what comes next is HTML, and read as such.
func (p *place) certain() bool {
	return len(p.open) == 0 && !p.unsure && !p.deaf && !p.selects && !p.sealed
}

// cdata reports whether "<![CDATA[" begins a section here, and whether that is
// certain.
func (p *place) cdata() (allowed, certain bool) {
	if p.unsure || p.deaf || p.selects || p.sealed {
		return false, false
	}
	n := len(p.open)
	return n > 0 && p.open[n-1].kind != markup, true
}

// join takes over what is left open by a part that a browser may have read as
// part of the page.
func (p *place) join(part *place) {
	p.unsure = p.unsure || part.unsure || len(part.open) > 0
	p.deaf = p.deaf || part.deaf || len(part.tables) > 0
	p.sealed = p.sealed || part.sealed || part.selects
}

// breaksOut reports whether a start tag ends foreign content.
func breaksOut(t *tag) bool {
	if t.name == "font" {
		return t.attr("color") != nil || t.attr("face") != nil || t.attr("size") != nil
	}
	return breakouts[t.name]
}

var (
	breakouts = names("b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var")
	void      = names("area base basefont bgsound br col embed frame hr image img input keygen link meta param source track wbr")
	inTable   = names("caption col colgroup tbody td tfoot th thead tr")
)

func names(list string) map[string]bool {
	m := map[string]bool{}
	for name := range strings.FieldsSeq(list) {
		m[name] = true
	}
	return m
}
