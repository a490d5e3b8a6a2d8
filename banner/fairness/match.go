package fairness

import (
	"slices"
	"strings"
)

// match reports whether one of the selectors fits n, pseudo-elements aside.
func (all selectors) match(n *node, s situation) bool {
	return slices.ContainsFunc(all, func(one selector) bool { return one.match(n, s, nil) })
}

// match of one selector; scope is what :scope stands for.
func (sel selector) match(n *node, s situation, scope *node) bool {
	if sel.slotted != nil {
		slot := n.slot()
		// Of what is slotted, only a direct child of the host, and only the slots
		// of the tree whose sheet it is.
		if slot == nil || n.parent == nil || n.parent != s.host || !sel.slotted.match(n, s, scope) {
			return false
		}
		n = slot
	}
	last := len(sel.compounds) - 1
	at := s
	if sel.slotted != nil {
		at.state = nil // that is the element's, not the slot's
	}
	return sel.compounds[last].match(n, at, scope) && sel.before(last, n, s, scope)
}

// before matches what stands left of compound i, which fits n.
func (sel selector) before(i int, n *node, s situation, scope *node) bool {
	if i == 0 {
		return true
	}
	s.state = nil // states are those of the subject
	fits := func(c *node) bool {
		return c != nil && sel.compounds[i-1].match(c, s, scope) && sel.before(i-1, c, s, scope)
	}
	switch sel.combinators[i-1] {
	case '>':
		return fits(up(n, s))
	case ' ':
		for a := up(n, s); a != nil; a = up(a, s) {
			if fits(a) {
				return true
			}
		}
	case '+', '~':
		for c := sibling(n, -1); c != nil; c = sibling(c, -1) {
			if fits(c) {
				return true
			}
			if sel.combinators[i-1] == '+' {
				break
			}
		}
	}
	return false
}

// up is the parent that a selector sees: elements of its own tree, and the host
// above a shadow tree's own.
func up(n *node, s situation) *node {
	switch {
	case n == s.host || n.parent == nil:
		return nil
	case n.parent.element():
		return n.parent
	case n.parent.host != nil && n.parent.host == s.host:
		return s.host
	}
	return nil
}

func sibling(n *node, step int) *node {
	if n.parent == nil {
		return nil
	}
	all := elements(n.parent.children)
	i := slices.Index(all, n) + step
	if i < 0 || i >= len(all) {
		return nil
	}
	return all[i]
}

func elements(all []*node) []*node {
	return slices.DeleteFunc(slices.Clone(all), func(n *node) bool { return !n.element() })
}

func (c compound) match(n *node, s situation, scope *node) bool {
	if !n.element() {
		return false
	}
	// The host is featureless to its own shadow tree's sheet, but for :host.
	if n == s.host && s.host != nil && !slices.ContainsFunc(c, func(one simple) bool { return one.kind == ':' && (one.name == "host" || one.name == "scope") }) {
		return false
	}
	for _, one := range c {
		if !one.match(n, s, scope) {
			return false
		}
	}
	return true
}

func (one simple) match(n *node, s situation, scope *node) bool {
	switch one.kind {
	case 't':
		return n.tag == one.name
	case '#':
		return n.attr("id") == one.name
	case '.':
		return slices.Contains(strings.Fields(n.attr("class")), one.name)
	case '[':
		return one.matchAttribute(n)
	}
	return one.matchClass(n, s, scope)
}

func (one simple) matchAttribute(n *node) bool {
	if !n.has(one.name) {
		return false
	}
	got, want := n.attr(one.name), one.value
	if one.fold {
		got, want = strings.ToLower(got), strings.ToLower(want)
	}
	switch one.op {
	case "":
		return true
	case "=":
		return got == want
	case "~=":
		return slices.Contains(strings.Fields(got), want)
	case "|=":
		return got == want || strings.HasPrefix(got, want+"-")
	case "^=":
		return want != "" && strings.HasPrefix(got, want)
	case "$=":
		return want != "" && strings.HasSuffix(got, want)
	}
	return want != "" && strings.Contains(got, want)
}

func (n *node) is(state string) bool {
	on, set := n.states[state]
	return on || !set && n.has(state)
}

func (one simple) matchClass(n *node, s situation, scope *node) bool {
	if slices.Contains(momentary, one.name) {
		return s.state[one.name]
	}
	index := func(last, typed bool) (int, int) {
		if n.parent == nil {
			return 1, 1
		}
		all := slices.DeleteFunc(elements(n.parent.children), func(c *node) bool { return typed && c.tag != n.tag })
		i := slices.Index(all, n)
		if last {
			i = len(all) - 1 - i
		}
		return i + 1, len(all)
	}
	typed := strings.HasSuffix(one.name, "-of-type")
	switch one.name {
	case "not":
		return !slices.ContainsFunc(one.inner, func(sel selector) bool { return sel.match(n, s, scope) })
	case "is", "where", "matches", "-webkit-any":
		return slices.ContainsFunc(one.inner, func(sel selector) bool { return sel.match(n, s, scope) })
	case "has":
		return one.matchHas(n, s)
	case "host":
		if n != s.host || s.host == nil {
			return false
		}
		outside := s
		outside.host = nil
		return one.inner == nil || slices.ContainsFunc(one.inner, func(sel selector) bool { return sel.match(n, outside, scope) })
	case "scope":
		return n == scope
	case "root":
		return n.parent != nil && n.parent.kind == documentNode
	case "empty":
		return !slices.ContainsFunc(n.children, func(c *node) bool { return c.element() || c.kind == textNode && c.text != "" })
	case "first-child", "first-of-type":
		i, _ := index(false, typed)
		return i == 1
	case "last-child", "last-of-type":
		i, _ := index(true, typed)
		return i == 1
	case "only-child", "only-of-type":
		_, all := index(false, typed)
		return all == 1
	case "nth-child", "nth-of-type", "nth-last-child", "nth-last-of-type":
		i, _ := index(strings.Contains(one.name, "last"), typed)
		step, offset, _ := formula(one.value)
		if step == 0 {
			return i == offset
		}
		return (i-offset)%step == 0 && (i-offset)/step >= 0
	case "link", "any-link":
		return n.tag == "a" && n.has("href")
	case "enabled":
		return !n.is("disabled")
	case "checked", "disabled", "indeterminate", "open", "modal", "required":
		return n.is(one.name)
	case "lang":
		for a := n; a != nil; a = a.above() {
			if a.has("lang") {
				return strings.HasPrefix(a.attr("lang")+"-", one.value+"-")
			}
		}
	case "dir":
		for a := n; a != nil; a = a.above() {
			if a.has("dir") {
				return a.attr("dir") == one.value
			}
		}
		return one.value == "ltr"
	case "defined", "optional", "read-only", "valid":
		return true
	}
	return false
}

func (one simple) matchHas(n *node, s situation) bool {
	for _, sel := range one.inner {
		found := false
		within := n
		if len(sel.combinators) > 0 && strings.IndexByte("+~", sel.combinators[0]) >= 0 && n.parent != nil {
			within = n.parent
		}
		within.walk(func(c *node) bool {
			found = c != n && c.element() && sel.match(c, s, n)
			return !found
		})
		if found {
			return true
		}
	}
	return false
}
