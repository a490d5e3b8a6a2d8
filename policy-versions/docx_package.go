package policyversions

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Bounds of a document's parts once they are unpacked: what comes compressed can
// be a thousand times larger than it looks.
const (
	mostPart     = 16 << 20 // bytes; the text of a long book
	mostUnpacked = 32 << 20 // bytes, of all parts that are read
	mostElements = 600_000
	mostDepth    = 160 // of XML elements; a table in a table in a text box has some 40
	mostEntries  = 4096
)

// A wordPackage is an opened document (ECMA-376 part 2, Open Packaging).
type wordPackage struct {
	main  *element
	links map[string]string // hyperlinks of the main part, by relationship

	files    map[string]*zip.File
	parts    map[string]string // names of further parts, by the last word of their kind
	unpacked int64
	elements int
	margins  int // headers and footers with words
	comments int
	macros   int
}

func openPackage(raw []byte) (*wordPackage, error) {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, fmt.Errorf("%w: its ZIP archive is damaged: %w; save it again", ErrDocument, err)
	}
	if len(z.File) > mostEntries {
		return nil, fmt.Errorf("%w: it has %d parts", ErrDocument, len(z.File))
	}
	p := &wordPackage{files: make(map[string]*zip.File, len(z.File)), parts: map[string]string{}}
	for _, f := range z.File {
		p.files[strings.TrimPrefix(f.Name, "/")] = f
	}
	main := "word/document.xml"
	roots, err := p.relations("_rels/.rels")
	if err != nil {
		return nil, err
	}
	for _, r := range roots {
		if r.kind == "officeDocument" {
			main = path.Join("/", r.target)[1:]
		}
	}
	if p.main, err = p.load(main); err != nil {
		return nil, err
	}
	if p.main == nil || p.main.name != "document" {
		return nil, fmt.Errorf("%w: it is an archive, but no Word document: save it as .docx and import it again", ErrDocument)
	}
	return p, p.related(main)
}

// related reads what the main part names.
func (p *wordPackage) related(main string) error {
	list, err := p.relations(relationsOf(main))
	if err == nil {
		p.links, err = p.linksOf(main)
	}
	if err != nil {
		return err
	}
	for _, r := range list {
		if r.external {
			continue
		}
		name := r.target
		if !strings.HasPrefix(name, "/") {
			name = path.Join("/", path.Dir(main), name)
		}
		name = strings.TrimPrefix(name, "/")
		switch r.kind {
		case "header", "footer":
			margin, err := p.load(name)
			if err != nil {
				return err
			}
			p.margins += btoi(margin != nil && hasWords(margin.words()))
		case "comments":
			comments, err := p.load(name)
			if err != nil {
				return err
			}
			p.comments += len(comments.named("comment"))
		case "vbaProject":
			p.macros++
		default:
			p.parts[r.kind] = name
		}
	}
	return nil
}

func relationsOf(part string) string {
	return path.Join(path.Dir(part), "_rels", path.Base(part)+".rels")
}

// linksOf are the hyperlinks of a part, by relationship.
func (p *wordPackage) linksOf(part string) (map[string]string, error) {
	list, err := p.relations(relationsOf(part))
	links := map[string]string{}
	for _, r := range list {
		if r.external && r.kind == "hyperlink" {
			links[r.id] = r.target
		}
	}
	return links, err
}

// part is the part of a kind; nil if there is none.
func (p *wordPackage) part(kind string) (*element, error) {
	name, ok := p.parts[kind]
	if !ok {
		return nil, nil //nolint:nilnil // an element that is not there has no children
	}
	return p.load(name)
}

type relation struct {
	id, kind, target string
	external         bool
}

func (p *wordPackage) relations(name string) (list []relation, err error) {
	e, err := p.load(name)
	if err != nil {
		return nil, err
	}
	for _, r := range e.named("Relationship") {
		list = append(list, relation{r.get("Id"), path.Base(r.get("Type")), r.get("Target"), strings.EqualFold(r.get("TargetMode"), "External")})
	}
	return list, nil
}

// load reads a part into memory; nil if it is not there. encoding/xml knows no
// entities but XML's own five, and fetches nothing.
func (p *wordPackage) load(name string) (*element, error) {
	f, ok := p.files[name]
	if !ok {
		return nil, nil //nolint:nilnil // see part
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDocument, name, err)
	}
	defer r.Close()
	bounded := &io.LimitedReader{R: r, N: min(mostPart, mostUnpacked-p.unpacked) + 1}
	had := bounded.N
	root, err := p.parse(xml.NewDecoder(bounded))
	p.unpacked += had - bounded.N
	switch {
	case bounded.N <= 0:
		return nil, fmt.Errorf("%w: %s is larger than %d MiB once unpacked: %w", ErrDocument, name, mostPart>>20, ErrTooLarge)
	case errors.Is(err, ErrTooDeep), errors.Is(err, ErrTooLarge):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w; save it again", ErrDocument, name, err)
	}
	return root, nil
}

// An element is one of XML, by its local name: the same in the two namespaces that
// documents are written with, transitional and strict.
type element struct {
	name     string
	attrs    []xml.Attr
	children []*element
	text     []byte // of those in holdsText
}

// holdsText are the elements whose characters are words.
var holdsText = map[string]bool{"t": true, "instrText": true}

func (p *wordPackage) parse(dec *xml.Decoder) (*element, error) {
	var root *element
	var open []*element
	for {
		token, err := dec.RawToken()
		if errors.Is(err, io.EOF) && root != nil && len(open) == 0 {
			return root, nil
		} else if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if p.elements++; p.elements > mostElements {
				return nil, ErrTooLarge
			}
			e := &element{name: token.Name.Local, attrs: token.Attr}
			switch {
			case len(open) >= mostDepth:
				return nil, ErrTooDeep
			case len(open) > 0:
				top := open[len(open)-1]
				top.children = append(top.children, e)
			case root == nil:
				root = e
			default:
				return nil, errors.New("it has two roots")
			}
			open = append(open, e)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1].name != token.Name.Local {
				return nil, fmt.Errorf("</%s> closes nothing", token.Name.Local)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 && holdsText[open[len(open)-1].name] {
				top := open[len(open)-1]
				top.text = append(top.text, token...)
			}
		}
	}
}

// The methods of element can be called on one that is not there.

func (e *element) child(name string) *element {
	if e == nil {
		return nil
	}
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

func (e *element) path(names ...string) *element {
	for _, name := range names {
		e = e.child(name)
	}
	return e
}

func (e *element) childrenOf(name string) []*element {
	if c := e.child(name); c != nil {
		return c.children
	}
	return nil
}

// named are all elements of that name within e, in reading order.
func (e *element) named(name string) (list []*element) {
	if e == nil {
		return nil
	}
	for _, c := range e.children {
		if c.name == name {
			list = append(list, c)
		}
		list = append(list, c.named(name)...)
	}
	return list
}

func (e *element) get(name string) string {
	if e != nil {
		for _, a := range e.attrs {
			if a.Name.Local == name {
				return a.Value
			}
		}
	}
	return ""
}

// on reads a property that is on by being there, such as <w:b/>.
func (e *element) on() bool {
	switch v := e.get("val"); v {
	case "0", "false", "off", "none":
		return false
	default:
		return e != nil
	}
}

// chosen is what of alternative contents is for readers that know little.
func (e *element) chosen() []*element {
	if c := e.child("Choice"); c != nil {
		return c.children
	}
	return e.childrenOf("Fallback")
}

// words is the text within e, roughly.
func (e *element) words() string {
	var b strings.Builder
	for _, t := range e.named("t") {
		b.Write(t.text)
	}
	return b.String()
}
