package fairness

import (
	"fmt"
	"regexp"
	"strings"
)

// holds reports whether all conditions hold that a rule stands under, which is
// about n and stands in the sheet of root.
func (c *cascade) holds(all []condition, n, root *node) bool {
	for _, one := range all {
		ok := true
		switch one.kind {
		case "media":
			ok = c.query(one.text, units{font: 16, percent: unknown, width: c.screen.width, height: c.screen.height}, c.screen.width, c.screen.height)
		case "container":
			ok = c.contained(one.text, n)
		case "supports":
			ok = !strings.HasPrefix(one.text, "not") // browsers of today are judged
		}
		if !ok {
			return false
		}
	}
	return true
}

// contained evaluates a size query of the nearest container.
func (c *cascade) contained(text string, n *node) bool {
	for at := n.above(); at != nil; at = at.above() {
		if !at.element() {
			continue
		}
		s := c.style(at)
		if kind := s.get("container-type"); kind != "inline-size" && kind != "size" {
			continue
		}
		width, known := c.containers[at]
		if i := strings.IndexByte(text, '('); i > 0 { // a container's name
			text = text[i:]
		}
		return known && c.query(text, s.units(unknown), width, unknown)
	}
	return false
}

// query evaluates a list of media or container queries.
func (c *cascade) query(text string, u units, width, height float64) bool {
	for _, one := range split(strings.ToLower(text), ',') {
		if c.all(one, u, width, height) {
			return true
		}
	}
	return false
}

// all evaluates one query: parts joined by and, or by or.
func (c *cascade) all(text string, u units, width, height float64) bool {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, "not "); ok {
		return !c.all(rest, u, width, height)
	}
	text = strings.TrimPrefix(text, "only ")
	words := split(text, ' ')
	result, or := true, false
	for i, word := range words {
		switch word {
		case "and":
			continue
		case "or":
			or = true
			continue
		}
		ok := c.feature(word, u, width, height)
		switch {
		case i == 0:
			result = ok
		case or:
			result = result || ok
		default:
			result = result && ok
		}
	}
	return result
}

var (
	ranged = regexp.MustCompile(`^(width|height|inline-size|block-size)\s*(<=|>=|<|>|=)\s*(.+)$`)
	turned = regexp.MustCompile(`^(.+?)\s*(<=|>=|<|>|=)\s*(width|height|inline-size|block-size)$`)
)

// feature evaluates a media type or one feature in brackets.
func (c *cascade) feature(text string, u units, width, height float64) bool {
	switch text {
	case "all", "screen":
		return true
	case "print", "speech":
		return false
	}
	inner, ok := strings.CutPrefix(text, "(")
	if !ok {
		c.fail(fmt.Errorf("the media query %q is not understood", text))
		return false
	}
	inner = strings.TrimSpace(strings.TrimSuffix(inner, ")"))
	if strings.HasPrefix(inner, "(") || strings.HasPrefix(inner, "not ") {
		return c.all(inner, u, width, height)
	}
	of := map[string]float64{"width": width, "inline-size": width, "height": height, "block-size": height}
	compare := func(name, op, value string) bool {
		limit, ok := u.length(value)
		if !ok {
			c.fail(fmt.Errorf("the query %q is not understood", text))
		}
		switch op {
		case "<=":
			return of[name] <= limit
		case ">=":
			return of[name] >= limit
		case "<":
			return of[name] < limit
		case ">":
			return of[name] > limit
		}
		return of[name] == limit
	}
	if m := ranged.FindStringSubmatch(inner); m != nil {
		return compare(m[1], m[2], m[3])
	}
	if m := turned.FindStringSubmatch(inner); m != nil {
		return compare(m[3], map[string]string{"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}[m[2]], m[1])
	}
	name, value, _ := strings.Cut(inner, ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if rest, ok := strings.CutPrefix(name, "min-"); ok && of[rest] != 0 {
		return compare(rest, ">=", value)
	}
	if rest, ok := strings.CutPrefix(name, "max-"); ok && of[rest] != 0 {
		return compare(rest, "<=", value)
	}
	switch name {
	case "prefers-color-scheme":
		c.schemed = true
		return (value == "dark") == c.screen.dark
	case "orientation":
		return (value == "portrait") == (height >= width)
	case "hover", "any-hover":
		return value != "none"
	case "pointer", "any-pointer":
		return value == "fine" || value == ""
	case "scripting":
		return value == "enabled"
	case "forced-colors", "prefers-reduced-motion", "prefers-contrast", "prefers-reduced-transparency", "inverted-colors", "update", "display-mode", "monochrome":
		return value == "none" || value == "no-preference" && name != "forced-colors" || value == "fast"
	}
	c.fail(fmt.Errorf("the query %q is not understood", text))
	return false
}
