package fairness

import (
	"net/url"
	"slices"
	"strings"

	"github.com/dop251/goja"
)

// interfaces are the functions that dom/*.js stands on. Nodes are known there by
// number, -1 is none.
func (p *page) interfaces() *goja.Object {
	at := func(id int) *node {
		if id < 0 || id >= len(p.nodes) {
			return nil
		}
		return p.nodes[id]
	}
	number := func(n *node) int {
		if n == nil {
			return -1
		}
		return n.id
	}
	numbers := func(all []*node) []int {
		ids := make([]int, len(all))
		for i, n := range all {
			ids[i] = n.id
		}
		return ids
	}
	host := p.vm.NewObject()
	for name, f := range map[string]any{
		"kind":         func(id int) int { return at(id).kind },
		"tag":          func(id int) string { return at(id).tag },
		"svg":          func(id int) bool { return at(id).svg },
		"isShadow":     func(id int) bool { return at(id).host != nil },
		"document":     func() int { return p.document.id },
		"parent":       func(id int) int { return number(at(id).parent) },
		"parentOrHost": func(id int) int { n := at(id); return number(either(n.parent, n.host)) },
		"hostOf":       func(id int) int { return number(at(id).host) },
		"shadow":       func(id int) int { return number(at(id).shadow) },
		"children":     func(id int) []int { return numbers(at(id).children) },
		"connected":    func(id int) bool { return at(id).connected() },
		"insert":       func(parent, child, before int) { at(parent).insert(at(child), at(before)) },
		"remove":       func(id int) { at(id).detach() },
		"follows":      func(a, b int) bool { return follows(at(a), at(b)) },
		"clone":        func(id int, deep bool) int { return p.clone(at(id), deep).id },
		"text":         func(id int) string { return at(id).textContent() },
		"setText":      func(id int, text string) { p.setText(at(id), text) },

		"create": func(tag string, svg bool) int {
			n := p.make(elementNode, tag)
			n.svg = svg
			return n.id
		},
		"createText": func(text string) int {
			n := p.make(textNode, "")
			n.text = text
			return n.id
		},
		"createComment":  func() int { return p.make(commentNode, "").id },
		"createFragment": func() int { return p.make(fragmentNode, "").id },
		"attachShadow": func(id int) int {
			n := at(id)
			n.shadow = p.make(fragmentNode, "")
			n.shadow.host = n
			return n.shadow.id
		},
		"content": func(id int) int {
			n := at(id)
			if n.content == nil {
				n.content = p.make(fragmentNode, "")
			}
			return n.content.id
		},
		"adopt": func(id int, texts func() []string) { at(id).sheets = texts },

		"attribute": func(id int, name string) any {
			if n := at(id); n.has(name) {
				return n.attr(name)
			}
			return nil
		},
		"attributes":   func(id int) []string { return slices.Clone(at(id).names) },
		"setAttribute": func(id int, name, value string) { at(id).set(name, value) },
		"removeAttribute": func(id int, name string) {
			n := at(id)
			delete(n.attrs, name)
			n.names = slices.DeleteFunc(n.names, func(s string) bool { return s == name })
		},
		"state": func(id int, name string) bool {
			on, set := at(id).states[name]
			return on || !set && at(id).has(name)
		},
		"setState": func(id int, name string, on bool) { at(id).states[name] = on },
		"style": func(id int, name string) string {
			for _, d := range slices.Backward(at(id).style) {
				if d.name == name {
					return d.value
				}
			}
			return ""
		},
		"setStyle": func(id int, name, value string, important bool) {
			n := at(id)
			n.style = slices.DeleteFunc(n.style, func(d declaration) bool { return d.name == name })
			if value != "" {
				n.style = append(n.style, declaration{name, value, important})
			}
		},
		"matches": func(id int, text string) (bool, error) {
			s, err := readSelectors(text)
			return err == nil && s.match(at(id), situation{}), err
		},
		"select": func(id int, text string, one bool) ([]int, error) {
			s, err := readSelectors(text)
			if err != nil {
				return nil, err
			}
			var all []int
			at(id).walk(func(n *node) bool {
				if n != at(id) && n.element() && s.match(n, situation{}) {
					all = append(all, n.id)
				}
				return !one || len(all) == 0
			})
			return all, nil
		},
		"focus": func(id int) { p.focused = at(id) },
		"focused": func(id int) int {
			if p.focused == nil || p.focused.root() != at(id) {
				return -1
			}
			return p.focused.id
		},
		"ready":         func() string { return p.ready },
		"currentScript": func() int { return number(p.running) },
		"url": func(text, base string) any {
			if parts := address(text, base); parts != nil {
				return parts
			}
			return nil
		},
		"require": p.require,
		"sent":    func(method, url, body string) { p.sent = append(p.sent, sent{method, url, body}) },
		"stored":  func(what string) { p.stored = append(p.stored, what) },
		"thrown":  func(what string) { p.wrong = append(p.wrong, what) },
		"warned": func(what string) {
			if !strings.Contains(what, errAlone.Error()) {
				p.wrong = append(p.wrong, what)
			}
		},
	} {
		if err := host.Set(name, f); err != nil {
			panic(err) // of a fresh object of our own
		}
	}
	return host
}

func either(a, b *node) *node {
	if a != nil {
		return a
	}
	return b
}

// follows reports whether b comes after a in one tree.
func follows(a, b *node) bool {
	seen, after := false, false
	a.root().walk(func(n *node) bool {
		if n == a {
			seen = true
		}
		if n == b {
			after = seen
			return false
		}
		return true
	})
	return after
}

func (p *page) setText(n *node, text string) {
	if n.kind == textNode || n.kind == commentNode {
		n.text = text
		return
	}
	for _, c := range n.children {
		c.parent = nil
	}
	n.children = nil
	if text != "" {
		t := p.make(textNode, "")
		t.text = text
		n.insert(t, nil)
	}
}

func (p *page) clone(n *node, deep bool) *node {
	c := p.make(n.kind, n.tag)
	c.text, c.svg, c.names, c.style = n.text, n.svg, slices.Clone(n.names), slices.Clone(n.style)
	for k, v := range n.attrs {
		c.attrs[k] = v
	}
	if deep {
		for _, child := range n.children {
			c.insert(p.clone(child, true), nil)
		}
	}
	return c
}

// address is a URL's parts, or nil for what is none.
func address(text, base string) map[string]string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err == nil && base != "" {
		var b *url.URL
		if b, err = url.Parse(base); err == nil {
			u = b.ResolveReference(u)
		}
	}
	if err != nil || u.Scheme == "" {
		return nil
	}
	path := u.EscapedPath()
	if path == "" && u.Host != "" {
		path = "/"
	}
	parts := map[string]string{
		"protocol": u.Scheme + ":", "host": u.Host, "hostname": u.Hostname(), "port": u.Port(), "pathname": path,
		"search": "", "hash": "", "username": "", "password": "", "origin": u.Scheme + "://" + u.Host,
	}
	if u.Opaque != "" {
		parts["pathname"], parts["origin"] = u.Opaque, "null"
	}
	if u.RawQuery != "" {
		parts["search"] = "?" + u.RawQuery
	}
	if u.Fragment != "" {
		parts["hash"] = "#" + u.EscapedFragment()
	}
	parts["href"] = parts["protocol"] + "//" + parts["host"] + parts["pathname"] + parts["search"] + parts["hash"]
	if u.Opaque != "" {
		parts["href"] = u.String()
	}
	return parts
}
