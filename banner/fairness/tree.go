package fairness

import (
	"slices"
	"strings"
)

// The kinds of node, as the DOM numbers them.
const (
	elementNode  = 1
	textNode     = 3
	commentNode  = 8
	documentNode = 9
	fragmentNode = 11 // shadow roots too: those have a host
)

// A node is one of the tree that a script built.
type node struct {
	id       int
	kind     int
	tag      string
	svg      bool
	text     string
	names    []string // of attributes, in order
	attrs    map[string]string
	states   map[string]bool // checked, disabled, open … as the properties say
	style    []declaration   // of the element's own
	parent   *node
	children []*node
	shadow   *node
	host     *node
	content  *node           // of a template
	sheets   func() []string // of a root: the texts of its adopted sheets
}

func (n *node) attr(name string) string { return n.attrs[name] }

func (n *node) has(name string) bool {
	_, ok := n.attrs[name]
	return ok
}

func (n *node) element() bool { return n != nil && n.kind == elementNode }

// root is the root of the tree that n stands in: a document, a shadow root, or
// the top of what is not connected.
func (n *node) root() *node {
	for n.parent != nil {
		n = n.parent
	}
	return n
}

// connected reports whether n is in the document, through shadow roots.
func (n *node) connected() bool {
	for {
		top := n.root()
		if top.host == nil {
			return top.kind == documentNode
		}
		n = top.host
	}
}

func (n *node) detach() {
	if n.parent == nil {
		return
	}
	i := slices.Index(n.parent.children, n)
	n.parent.children = slices.Delete(slices.Clone(n.parent.children), i, i+1)
	n.parent = nil
}

func (n *node) insert(child, before *node) {
	child.detach()
	at := len(n.children)
	if before != nil {
		at = slices.Index(n.children, before)
	}
	n.children = slices.Insert(slices.Clone(n.children), at, child)
	child.parent = n
}

// textContent is all text within n, but not that of shadow trees.
func (n *node) textContent() string {
	if n.kind == textNode || n.kind == commentNode {
		return n.text
	}
	var b strings.Builder
	for _, c := range n.children {
		if c.kind != commentNode {
			b.WriteString(c.textContent())
		}
	}
	return b.String()
}

// walk calls f for n and all that is below it in the same tree, in document
// order, until f returns false.
func (n *node) walk(f func(*node) bool) bool {
	if !f(n) {
		return false
	}
	for _, c := range n.children {
		if !c.walk(f) {
			return false
		}
	}
	return true
}

// flat lists what is rendered as the children of n: a host's are those of its
// shadow root, a slot's the nodes that are assigned to it.
func (n *node) flat() []*node {
	if n.shadow != nil {
		return n.shadow.children
	}
	if n.tag == "slot" && !n.svg {
		if assigned := n.assigned(); len(assigned) > 0 {
			return assigned
		}
	}
	return n.children
}

// assigned are the nodes that a slot of a shadow tree shows.
func (n *node) assigned() []*node {
	host := n.root().host
	if host == nil {
		return nil
	}
	var all []*node
	for _, c := range host.children {
		if c.kind == commentNode || c.kind == textNode && strings.TrimSpace(c.text) == "" {
			continue
		}
		if c.attr("slot") == n.attr("name") {
			all = append(all, c)
		}
	}
	return all
}

// slot is the slot that shows n, or nil.
func (n *node) slot() *node {
	if n.parent == nil || n.parent.shadow == nil {
		return nil
	}
	var found *node
	n.parent.shadow.walk(func(s *node) bool {
		if s.element() && s.tag == "slot" && s.attr("name") == n.attr("slot") {
			found = s
		}
		return found == nil
	})
	return found
}

// above is the parent of n in what is rendered; nil of the document, and of what
// is not rendered.
func (n *node) above() *node {
	switch {
	case n.parent == nil:
		return n.host
	case n.parent.shadow != nil:
		return n.slot()
	case n.parent.kind == fragmentNode:
		return n.parent.host
	}
	return n.parent
}

// rendered calls f for n and everything rendered below it, in the order it is
// met by whoever reads or tabs.
func (n *node) rendered(f func(*node)) {
	f(n)
	for _, c := range n.flat() {
		c.rendered(f)
	}
}
