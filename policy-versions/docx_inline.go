package policyversions

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A stretch is text of one look.
type stretch struct {
	text               string
	bold, ital, struck bool
	href               string
	brk                bool // a line break; text is empty
}

// An inline collects what one paragraph says.
type inline struct {
	*wordReader
	plain     bool // of a heading, which is bold by itself
	stretches []stretch
	boxes     []*element // text boxes anchored here
	fields    []field    // open ones, outermost first
	href      string
	contents  bool // it is of a table of contents
}

// A field is text that Word works out, such as a link.
type field struct {
	code   strings.Builder
	result bool // its code is complete
	href   string
}

func (in *inline) runs(list []*element) {
	for _, e := range list {
		switch e.name {
		case "r":
			in.run(e)
		case "hyperlink":
			outer := in.href
			if href := in.target(e); href != "" {
				in.href = href
			}
			in.runs(e.children)
			in.href = outer
		case "fldSimple":
			outer := in.href
			if href := in.targetOfCode(e.get("instr")); href != "" {
				in.href = href
			}
			in.runs(e.children)
			in.href = outer
		case "sdt":
			in.runs(e.childrenOf("sdtContent"))
		case "ins", "moveTo":
			in.add(acceptedInsertions, 1)
			in.runs(e.children)
		case "del", "moveFrom":
			in.add(acceptedDeletions, 1)
		case "smartTag", "customXml", "dir", "bdo":
			in.runs(e.children)
		case "AlternateContent":
			in.runs(e.chosen())
		case "oMath", "oMathPara":
			in.text(e.words())
		}
	}
}

func (in *inline) target(e *element) string {
	href := in.links[e.get("id")]
	if anchor := e.get("anchor"); anchor != "" {
		if href != "" {
			return href + "#" + anchor
		}
		href = in.anchor(anchor)
	}
	return href
}

// anchor is where a link within the document leads to: "#" and the heading's
// words, or "" if what it leads to is no heading.
func (in *inline) anchor(name string) string {
	if to := in.anchors[name]; to != "" {
		return "#" + to
	}
	in.add(unlinked, 1)
	return ""
}

// targetOfCode reads HYPERLINK "https://…" or HYPERLINK \l "bookmark".
func (in *inline) targetOfCode(code string) string {
	rest, ok := strings.CutPrefix(strings.TrimSpace(code), "HYPERLINK")
	if !ok {
		in.contents = in.contents || strings.HasPrefix(strings.TrimSpace(code), "TOC ")
		return ""
	}
	local := strings.HasPrefix(strings.TrimSpace(rest), `\l`)
	_, rest, _ = strings.Cut(rest, `"`)
	target, _, ok := strings.Cut(rest, `"`)
	switch {
	case !ok:
		return ""
	case local:
		return in.anchor(target)
	}
	return target
}

func (in *inline) run(e *element) {
	look := e.child("rPr")
	if look.child("vanish").on() {
		in.add(droppedHidden, 1)
		return
	}
	style := in.style(look.child("rStyle").get("val"))
	s := stretch{bold: style.bold, ital: style.ital, struck: look.child("strike").on() || look.child("dstrike").on(), href: in.href}
	if b := look.child("b"); b != nil {
		s.bold = b.on()
	}
	if i := look.child("i"); i != nil {
		s.ital = i.on()
	}
	if in.plain {
		s.bold, s.ital = false, false
	}
	for _, f := range in.fields {
		if f.href != "" {
			s.href = f.href
		}
	}
	in.content(e.children, s)
}

func (in *inline) content(list []*element, s stretch) {
	write := func(text string) {
		s.text = text
		in.put(s)
	}
	for _, e := range list {
		if n := len(in.fields); n > 0 && !in.fields[n-1].result && e.name != "fldChar" {
			if e.name == "instrText" {
				in.fields[n-1].code.Write(e.text)
			}
			continue
		}
		switch e.name {
		case "t":
			write(string(e.text))
		case "tab", "ptab":
			write(" ")
		case "br", "cr":
			if kind := e.get("type"); kind != "page" && kind != "column" {
				in.put(stretch{brk: true})
			}
		case "noBreakHyphen":
			write("\u2011")
		case "sym":
			in.add(droppedSymbols, 1)
		case "fldChar":
			in.field(e.get("fldCharType"))
		case "footnoteReference", "endnoteReference":
			if number, ok := in.note(strings.TrimSuffix(e.name, "Reference"), e.get("id")); ok {
				write("[" + strconv.Itoa(number) + "]")
			}
		case "ruby":
			in.runs(e.childrenOf("rubyBase"))
			write(" (" + e.child("rt").words() + ")")
		case "drawing", "pict", "object":
			in.picture(e)
		case "AlternateContent":
			in.content(e.chosen(), s)
		}
	}
}

func (in *inline) field(kind string) {
	n := len(in.fields)
	switch {
	case kind == "begin" && n < 32:
		in.fields = append(in.fields, field{})
	case kind == "separate" && n > 0:
		f := &in.fields[n-1]
		f.result, f.href = true, in.targetOfCode(f.code.String())
	case kind == "end" && n > 0:
		in.fields = in.fields[:n-1]
	}
}

// picture takes what a picture's description says, and the text boxes in it.
func (in *inline) picture(e *element) {
	if boxes := boxesIn(e); len(boxes) > 0 {
		in.boxes = append(in.boxes, boxes...)
		return
	}
	in.add(describedPictures, 1)
	for _, about := range e.named("docPr") {
		in.text(about.get("descr"))
	}
}

// boxesIn are the text boxes in a drawing; those in them are theirs.
func boxesIn(e *element) (boxes []*element) {
	list := e.children
	if e.name == "AlternateContent" {
		list = e.chosen()
	}
	for _, c := range list {
		if c.name == "txbxContent" {
			boxes = append(boxes, c)
		} else {
			boxes = append(boxes, boxesIn(c)...)
		}
	}
	return boxes
}

func (in *inline) text(s string) { in.put(stretch{text: s, href: in.href}) }

// label writes a number before the text.
func (in *inline) label(text string) {
	if text == "" {
		return
	}
	in.add(wroteNumbers, 1)
	in.stretches = append([]stretch{{text: text + " "}}, in.stretches...)
}

func (in *inline) put(s stretch) {
	if s.text == "" && !s.brk {
		return
	}
	if n := len(in.stretches); n > 0 {
		last := in.stretches[n-1]
		text := last.text
		last.text = s.text
		if last == s && !s.brk { // of the same look
			in.stretches[n-1].text = text + s.text
			return
		}
	}
	in.stretches = append(in.stretches, s)
}

func (in *inline) hasText() bool {
	for _, s := range in.stretches {
		if strings.TrimSpace(s.text) != "" {
			return true
		}
	}
	return false
}

// into writes the stretches into a node. Blanks at the ends of what is bold or
// slanted are not: Markdown's marks stand next to words.
func (in *inline) into(parent *html.Node) {
	for _, s := range in.stretches {
		if s.brk {
			parent.AppendChild(node(atom.Br))
			continue
		}
		body := strings.TrimSpace(s.text)
		if body == "" {
			appendText(parent, s.text)
			continue
		}
		at := strings.Index(s.text, body)
		appendText(parent, s.text[:at])
		to := parent
		for _, look := range []struct {
			on bool
			as *html.Node
		}{{s.href != "", node(atom.A, "href", s.href)}, {s.bold, node(atom.Strong)}, {s.ital, node(atom.Em)}, {s.struck, node(atom.Del)}} {
			if look.on {
				to.AppendChild(look.as)
				to = look.as
			}
		}
		appendText(to, body)
		appendText(parent, s.text[at+len(body):])
	}
}

func appendText(parent *html.Node, text string) {
	if text != "" {
		parent.AppendChild(&html.Node{Type: html.TextNode, Data: text})
	}
}
