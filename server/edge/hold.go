package edge

import (
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/catalogue"
)

// What an attribute can hold that makes a browser fetch.
type content byte

const (
	nothing    content = iota
	reference          // one address
	references         // addresses, each behind a ';' or a space
	srcset             // image candidates
	document           // a page of its own (srcdoc)
	style              // declarations of CSS
	code               // JavaScript
	refresh            // "5; url=…"
)

// fetching are the attributes of elements that fetch by themselves.
var fetching = map[string]map[string]content{
	"script": {"src": reference},
	"iframe": {"src": reference, "srcdoc": document},
	"frame":  {"src": reference},
	"embed":  {"src": reference},
	"object": {"data": reference},
	"img":    {"src": reference, "srcset": srcset, "lowsrc": reference},
	"image":  {"src": reference, "srcset": srcset},
	"video":  {"src": reference, "poster": reference},
	"audio":  {"src": reference},
	"source": {"src": reference, "srcset": srcset},
	"track":  {"src": reference},
	"model":  {"src": reference},
	"input":  {"src": reference},
	"link":   {"href": reference, "imagesrcset": srcset},
	"base":   {"href": reference}, // what is relative is fetched by it, even what stands before it
	"meta":   {"content": refresh},
}

// background is an attribute that fetches on these elements (HTML, "Rendering").
var background = names("body table thead tbody tfoot tr td th")

// referring are the elements of SVG that fetch by href.
var referring = names("image use feimage script pattern lineargradient radialgradient filter mpath textpath tref cursor altglyph glyphref font-face-uri")

// presentation are the attributes of SVG that hold a value of CSS with url(…).
var presentation = names("fill stroke filter mask clip-path cursor marker marker-start marker-mid marker-end")

// ahead are the relations of a link by which it fetches, or connects.
var ahead = names("preload prefetch preconnect dns-prefetch modulepreload stylesheet prerender icon apple-touch-icon apple-touch-icon-precomposed apple-touch-startup-image mask-icon manifest compression-dictionary")

// holds says what an attribute of a tag holds.
func holds(t *tag, name string) content {
	if kind := fetching[t.name][name]; kind != nothing {
		switch {
		case t.name == "input" && !strings.EqualFold(strings.TrimSpace(t.get("type")), "image"),
			t.name == "meta" && !strings.EqualFold(strings.TrimSpace(t.get("http-equiv")), "refresh"),
			t.name == "link" && !fetches(t.get("rel")):
			return nothing
		}
		return kind
	}
	switch name {
	case "style":
		return style
	case "href", "xlink:href":
		if referring[t.name] {
			return reference
		}
	case "to", "from", "by", "values":
		// An animation can give an image its address (SVG, "set").
		switch t.name {
		case "set", "animate":
			return references
		}
	case "ping", "attributionsrc":
		return references
	case "background":
		if background[t.name] {
			return reference
		}
	}
	switch {
	case presentation[name]:
		return style
	case len(name) > 2 && name[:2] == "on":
		return code
	}
	return nothing
}

// fetches reports whether a link with this rel fetches or connects.
func fetches(rel string) bool {
	return slices.ContainsFunc(strings.Fields(strings.ToLower(rel)), func(r string) bool { return ahead[r] })
}

// hold judges a start tag. What it may not fetch now is to be moved aside by the
// edit; the finding says whose it was. Text and markup within the element are
// judged elsewhere.
func (w *Writer) hold(t *tag) (e edit, f finding) {
	if t.name == "script" && !executable(t) {
		return e, f
	}
	for _, a := range t.attrs {
		kind := holds(t, a.name)
		if kind == nothing || a.value == 0 {
			continue
		}
		var found finding
		if !w.holdValue(t, kind, t.text(a), &found) {
			continue
		}
		if granted, marked := w.page.ownMarks(t); granted && marked {
			continue
		}
		f.join(&found)
		if t.name == "meta" && kind == refresh {
			e.renamed("http-equiv", "data-http-equiv")
		} else {
			e.renamed(a.name, "data-"+strings.TrimPrefix(a.name, "xlink:"))
		}
	}
	return e, f
}

// put writes a start tag; one that holds what is not granted becomes one that
// the page's script knows.
func (w *Writer) put(t *tag, e *edit, f *finding) {
	if !f.held() {
		w.write(t.raw)
		return
	}
	w.found.join(f)
	if t.name == "script" || t.name == "style" {
		e.first = ` type="text/plain"`
		if t.attr("type") != nil {
			e.renamed("type", "data-type")
		} else {
			e.dropped("data-type")
		}
	}
	if _, marked := w.page.ownMarks(t); !marked {
		e.first += f.marks()
		e.dropped("data-category")
		e.dropped("data-service")
	}
	w.buf = e.apply(w.buf[:0], t)
	w.write(w.buf)
}

// holdValue judges the value of one attribute.
func (w *Writer) holdValue(t *tag, kind content, value string, f *finding) bool {
	p := &w.page
	switch kind {
	case reference:
		return p.reference(value, f) || w.embedded(t, value, f)
	case references:
		held := false
		for _, ref := range strings.FieldsFunc(value, func(r rune) bool { return r == ';' || r <= ' ' }) {
			held = p.reference(ref, f) || held
		}
		return held
	case srcset:
		return p.srcset(value, f)
	case style:
		return strings.ContainsAny(value, "(\\\"'") && p.style(value, f)
	case code:
		return p.script(value, f)
	case document:
		return w.part(value, f)
	case refresh:
		// A page that leads elsewhere is like a link, wherever it leads; a vendor's
		// is a tag.
		return p.known(refreshReference(value), f)
	}
	return false
}

// refreshReference is where "5; url=…" leads, as a <meta> and the header Refresh
// say it (HTML, "shared declarative refresh steps").
func refreshReference(value string) string {
	ref := strings.TrimLeft(value, " \t\n\f\r0123456789.")
	ref = strings.TrimLeft(strings.TrimLeft(ref, ";,"), " \t\n\f\r")
	if len(ref) > 3 && strings.EqualFold(ref[:3], "url") {
		if rest, ok := strings.CutPrefix(strings.TrimLeft(ref[3:], " \t\n\f\r"), "="); ok {
			ref = strings.TrimLeft(rest, " \t\n\f\r")
		}
	}
	if ref != "" && (ref[0] == '\'' || ref[0] == '"') {
		ref, _, _ = strings.Cut(ref[1:], ref[:1])
	}
	return ref
}

// embedded judges what an address brings along in itself.
func (w *Writer) embedded(t *tag, ref string, f *finding) bool {
	if scheme, rest := catalogue.CutScheme(ref); scheme == "javascript" {
		return w.page.script(catalogue.PercentDecode(rest), f)
	}
	media, content, ok := catalogue.Data(ref)
	if !ok {
		return false
	}
	switch t.name {
	case "script":
		return w.page.script(content, f)
	case "link":
		return w.page.style(content, f)
	case "iframe", "frame", "object", "embed":
		return (strings.HasPrefix(media, "text/html") || strings.HasSuffix(media, "xml")) && w.part(content, f)
	}
	return false
}

// part judges markup that is a page of its own within this one.
func (w *Writer) part(text string, f *finding) bool {
	part := w.within([]byte(text))
	f.join(&part.found)
	return part.found.held()
}

// ownMarks reads the marks of the site itself (docs/embed.md): what they say
// counts more than whose an address is. marked is false where there are none,
// or they name what the notice does not have.
func (p *page) ownMarks(t *tag) (granted, marked bool) {
	a := t.attr("data-category")
	if a == nil {
		return false, false
	}
	service := t.get("data-service")
	keys := strings.FieldsFunc(t.text(*a), func(r rune) bool { return r == ',' || r <= ' ' })
	granted = true
	served := service == ""
	for _, key := range keys {
		if key != "necessary" && !slices.Contains(p.marked, key) {
			return false, false
		}
		of := service != "" && p.grants.Allows(key, service)
		served = served || of
		granted = granted && (of || key == "necessary" || p.grants.Allows(key, ""))
	}
	return granted && served, len(keys) > 0
}
