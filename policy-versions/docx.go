package policyversions

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// MaxDocument bounds an imported Word document, in bytes: it is compressed, and
// holds fonts and pictures that are left out.
const MaxDocument = 4 << 20

// ErrDocument is returned for documents of word processors that can't be read.
var ErrDocument = errors.New("this document can't be read")

// documentKind tells the documents apart that are no text, by their first bytes.
func documentKind(raw []byte) (docx bool, err error) {
	switch {
	case bytes.HasPrefix(raw, []byte("PK\x03\x04")):
		return true, nil
	case bytes.HasPrefix(raw, []byte("\xD0\xCF\x11\xE0")):
		return false, fmt.Errorf("%w: it is of an old version of Word, or has a password: save it as .docx without one and import it again", ErrDocument)
	case bytes.HasPrefix(raw, []byte("%PDF-")):
		return false, fmt.Errorf("%w: a PDF has no paragraphs to read: import the document it was made from", ErrDocument)
	case bytes.HasPrefix(raw, []byte("{\\rtf")):
		return false, fmt.Errorf("%w: it is RTF: save it as .docx and import it again", ErrDocument)
	}
	return false, nil
}

// fromDOCX writes a Word document (ECMA-376, WordprocessingML) as Markdown: what
// its body says, with the numbers that Word shows, and its notes at the end.
// Changes that were tracked and not decided count as accepted.
func fromDOCX(raw []byte, t *tally) (string, error) {
	p, err := openPackage(raw)
	if err != nil {
		return "", err
	}
	d := &wordReader{tally: t, root: node(atom.Div), anchors: map[string]string{}, notes: map[string]int{}}
	if err := d.read(p); err != nil {
		return "", err
	}
	body := p.main.child("body")
	if body == nil {
		return "", fmt.Errorf("%w: it has no body", ErrDocument)
	}
	d.titled = d.hasTitle(body)
	d.findAnchors(body)
	d.blocks(body.children)
	d.writeNotes()
	t.add(droppedMargins, p.margins)
	t.add(droppedRemarks, p.comments)
	t.add(droppedMacros, p.macros)
	prune(d.root, t)
	return writeMarkdown(d.root)
}

// A wordReader makes of a document's body the tree that HTML would have made.
type wordReader struct {
	*tally
	root    *html.Node
	styles  map[string]wordStyle
	lists   *wordLists
	links   map[string]string            // by relationship
	anchors map[string]string            // by bookmark: the heading that has it
	titled  bool                         // a paragraph is the title, and headings are one level down
	open    []openList                   // outermost first
	noteOf  map[string]*element          // by kind and id
	linkOf  map[string]map[string]string // hyperlinks of notes, by kind and relationship
	notes   map[string]int               // by kind and id: their number in the text
	order   []string
}

func (d *wordReader) read(p *wordPackage) (err error) {
	styles, err := p.part("styles")
	if err != nil {
		return err
	}
	numbering, err := p.part("numbering")
	if err != nil {
		return err
	}
	d.styles, d.lists, d.links = readStyles(styles), readLists(numbering), p.links
	d.noteOf, d.linkOf = map[string]*element{}, map[string]map[string]string{}
	for _, kind := range []string{"footnote", "endnote"} {
		notes, err := p.part(kind + "s")
		if err != nil {
			return err
		}
		if d.linkOf[kind], err = p.linksOf(p.parts[kind+"s"]); err != nil {
			return err
		}
		for _, n := range notes.named(kind) {
			d.noteOf[kind+n.get("id")] = n
		}
	}
	return nil
}

func node(a atom.Atom, attributes ...string) *html.Node {
	n := &html.Node{Type: html.ElementNode, DataAtom: a, Data: a.String()}
	for i := 0; i+1 < len(attributes); i += 2 {
		n.Attr = append(n.Attr, html.Attribute{Key: attributes[i], Val: attributes[i+1]})
	}
	return n
}

// blocks writes paragraphs and tables.
func (d *wordReader) blocks(list []*element) {
	for _, e := range list {
		switch e.name {
		case "p":
			d.paragraph(e)
		case "tbl":
			d.table(e)
		case "sdt":
			if e.isContents() {
				d.add(droppedContents, 1)
				continue
			}
			d.blocks(e.childrenOf("sdtContent"))
		case "customXml", "ins", "moveTo", "smartTag":
			d.blocks(e.children)
		case "AlternateContent":
			d.blocks(e.chosen())
		case "altChunk":
			d.add(droppedChunks, 1)
		case "del", "moveFrom":
			d.add(acceptedDeletions, 1)
		}
	}
}

// isContents is true for the table of contents, which pages of ours make themselves.
func (e *element) isContents() bool {
	return strings.EqualFold(e.path("sdtPr", "docPartObj", "docPartGallery").get("val"), "Table of Contents")
}

func (d *wordReader) paragraph(e *element) {
	properties := e.child("pPr")
	style := d.style(properties.child("pStyle").get("val"))
	in := inline{wordReader: d, plain: false}
	level := d.headingLevel(properties, style)
	in.plain = level > 0
	in.runs(e.children)
	if style.contents || in.contents {
		d.add(droppedContents, 1)
		return
	}
	label := d.lists.next(properties, style)
	if !in.hasText() {
		d.boxes(in.boxes)
		return
	}
	switch {
	case level > 0:
		d.open = nil
		h := node(headingAtoms[level-1])
		in.label(label.text)
		in.into(h)
		d.root.AppendChild(h)
	case label.list:
		in.into(d.entry(label, &in))
	default:
		d.open = nil
		p := node(atom.P)
		in.label(label.text)
		in.into(p)
		d.root.AppendChild(p)
	}
	d.boxes(in.boxes)
}

// boxes writes text boxes behind the paragraph that they are anchored to.
func (d *wordReader) boxes(boxes []*element) {
	for _, b := range boxes {
		d.add(movedBoxes, 1)
		d.blocks(b.children)
	}
}

var headingAtoms = [6]atom.Atom{atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6}

// headingLevel is 1 to 6, or 0.
func (d *wordReader) headingLevel(properties *element, style wordStyle) int {
	level := style.level
	if o := properties.child("outlineLvl"); o != nil {
		level = 0
		if n, err := strconv.Atoi(o.get("val")); err == nil && n >= 0 && n < 9 {
			level = n + 1
		}
	}
	switch {
	case style.title:
		return 1
	case level > 0 && d.titled:
		level++
	}
	return min(level, 6)
}

func (d *wordReader) hasTitle(body *element) bool {
	for _, p := range body.named("p") {
		if d.style(p.path("pPr", "pStyle").get("val")).title && hasWords(p.words()) {
			return true
		}
	}
	return false
}

// findAnchors notes which heading holds which bookmark, so that links within the
// document find it.
func (d *wordReader) findAnchors(body *element) {
	for _, p := range body.named("p") {
		properties := p.child("pPr")
		if d.headingLevel(properties, d.style(properties.child("pStyle").get("val"))) == 0 {
			continue
		}
		for _, mark := range p.named("bookmarkStart") {
			d.anchors[mark.get("name")] = strings.TrimPrefix(slug(p.words()), "s-")
		}
	}
}

// writeNotes puts footnotes and endnotes at the end, under the numbers that stand
// for them in the text.
func (d *wordReader) writeNotes() {
	if len(d.order) == 0 {
		return
	}
	d.add(movedNotes, len(d.order))
	d.open = nil
	d.root.AppendChild(node(atom.Hr))
	for k := 0; k < len(d.order); k++ { // a note can refer to another
		in := inline{wordReader: d}
		note := d.noteOf[d.order[k]]
		d.links = d.linkOf[note.name]
		in.text("[" + strconv.Itoa(k+1) + "]")
		for _, p := range note.named("p") {
			in.text(" ")
			in.runs(p.children)
		}
		p := node(atom.P)
		in.into(p)
		d.root.AppendChild(p)
		d.boxes(in.boxes)
	}
}

// note is the number of a note, given as it is first referred to.
func (d *wordReader) note(kind, id string) (number int, ok bool) {
	key := kind + id
	if d.noteOf[key] == nil {
		return 0, false
	}
	if d.notes[key] == 0 {
		d.order = append(d.order, key)
		d.notes[key] = len(d.order)
	}
	return d.notes[key], true
}
