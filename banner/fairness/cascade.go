package fairness

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A screen is what a banner is looked at on.
type screen struct {
	width, height float64
	dark          bool
}

func (s screen) String() string {
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	return fmt.Sprintf("%g × %g, %s", s.width, s.height, scheme)
}

// A cascade says how each node of a page looks on a screen (CSS Cascading Level
// 5, over shadow trees). It is asked after the page has come to rest.
type cascade struct {
	screen screen
	rules  func(text string) ([]rule, error)
	// states are on for one element: "hover", "focus-visible".
	of     *node
	states map[string]bool
	// containers are the widths of those elements that container queries ask.
	containers map[*node]float64
	memo       map[*node]*style
	failed     error // the first thing that was not understood
	schemed    bool  // a query asked whether it is dark
}

// A style is what was declared for a node, the weakest first, and what its
// pseudo-elements are.
type style struct {
	c      *cascade
	n      *node
	own    []weighed
	pseudo map[string][]weighed
	said   map[string]string // by property, what get answered
	size   float64           // of the font; 0: not asked yet
}

// weighed is a declaration with what makes it stronger than another.
type weighed struct {
	declaration
	weight [4]int // origin and importance with context, inline, specificity, order
}

// user are the parts of a browser's own style sheet that matter here.
var user = map[string]string{
	"html": "display:block;color:canvastext", "body": "display:block;margin:8px", "div": "display:block", "p": "display:block;margin:1em 0", "section": "display:block",
	"h1": "display:block;font-size:2em;font-weight:bold;margin:0.67em 0", "h2": "display:block;font-size:1.5em;font-weight:bold;margin:0.83em 0",
	"h3": "display:block;font-size:1.17em;font-weight:bold;margin:1em 0", "h4": "display:block;font-weight:bold;margin:1.33em 0", "h5": "display:block;font-weight:bold", "h6": "display:block;font-weight:bold",
	"ul": "display:block;margin:1em 0;padding-left:40px", "ol": "display:block;margin:1em 0;padding-left:40px", "li": "display:block", "dl": "display:block", "dt": "display:block", "dd": "display:block;margin-left:40px",
	"address": "display:block", "header": "display:block", "footer": "display:block", "nav": "display:block", "main": "display:block", "article": "display:block", "aside": "display:block",
	"form": "display:block", "fieldset": "display:block", "legend": "display:block", "details": "display:block", "summary": "display:block", "table": "display:block", "tr": "display:block", "hr": "display:block",
	"b": "font-weight:bold", "strong": "font-weight:bold", "small": "font-size:0.8333em", "pre": "display:block;white-space:pre",
	"button": "display:inline-block;box-sizing:border-box;padding:1px 6px;border:2px outset buttonborder;background-color:buttonface;color:buttontext;font-size:13.3333px;font-weight:400;text-align:center;line-height:normal",
	"input":  "display:inline-block;width:13px;height:13px;margin:3px", "select": "display:inline-block;box-sizing:border-box;min-width:80px", "textarea": "display:inline-block;width:160px;height:40px",
	"a": "color:linktext;text-decoration:underline", "img": "display:inline-block", "svg": "display:inline-block",
	"slot": "display:contents", "dialog": "display:none;position:fixed;padding:1em;border:1px solid", "head": "display:none", "script": "display:none", "style": "display:none",
	"template": "display:none", "title": "display:none", "link": "display:none", "meta": "display:none",
}

func (c *cascade) style(n *node) *style {
	if s, ok := c.memo[n]; ok {
		return s
	}
	s := &style{c: c, n: n, pseudo: map[string][]weighed{}, said: map[string]string{}}
	c.memo[n] = s
	if !n.element() {
		return s
	}
	if n.tag == "dialog" && n.is("open") {
		s.add("", declaration{"display", "block", false}, [4]int{1})
	}
	for _, text := range split(user[n.tag], ';') {
		if name, value, ok := strings.Cut(text, ":"); ok {
			s.add("", declaration{name, value, false}, [4]int{})
		}
	}
	if n.is("hidden") && n.has("hidden") {
		s.add("", declaration{"display", "none", false}, [4]int{0, 1})
	}
	depth := depthOf(n)
	s.scope(n.root(), depth)
	if n.parent != nil && n.parent.shadow != nil {
		s.scope(n.parent.shadow, depth+1)
	}
	if n.shadow != nil {
		s.scope(n.shadow, depth+1)
	}
	for i, d := range n.style {
		s.add("", d, contextual(d, depth, [3]int{1, 0, i}))
	}
	order := func(a, b weighed) int { return slices.Compare(a.weight[:], b.weight[:]) }
	slices.SortStableFunc(s.own, order)
	for _, all := range s.pseudo {
		slices.SortStableFunc(all, order)
	}
	return s
}

// depthOf is how many shadow trees n stands in.
func depthOf(n *node) int {
	depth := 0
	for at := n.root(); at.host != nil; at = at.host.root() {
		depth++
	}
	return depth
}

// contextual puts importance and context first: of normal declarations the outer
// tree's wins, of important ones the inner's.
func contextual(d declaration, depth int, rest [3]int) [4]int {
	layer := 100 - depth
	if d.important {
		layer = 1000 + depth
	}
	return [4]int{layer, rest[0], rest[1], rest[2]}
}

func (s *style) add(pseudo string, d declaration, weight [4]int) {
	if pseudo == "" {
		s.own = append(s.own, weighed{d, weight})
	} else {
		s.pseudo[pseudo] = append(s.pseudo[pseudo], weighed{d, weight})
	}
}

// scope adds what the sheets of one tree say.
func (s *style) scope(root *node, depth int) {
	at := situation{host: root.host}
	if s.n == s.c.of {
		at.state = s.c.states
	}
	for i, text := range sheetsOf(root) {
		rules, err := s.c.rules(text)
		if err != nil {
			s.c.fail(err)
			continue
		}
		for _, r := range rules {
			for _, sel := range r.selectors {
				if !sel.match(s.n, at, nil) || !s.c.holds(r.conditions, s.n, root) {
					continue
				}
				f := sel.specificity
				for _, d := range r.declarations {
					s.add(sel.pseudo, d, contextual(d, depth, [3]int{0, f[0]<<20 | f[1]<<10 | f[2], i<<16 | r.order}))
				}
			}
		}
	}
}

// sheetsOf are the style sheets of one tree: style elements first, then those
// it adopted.
func sheetsOf(root *node) []string {
	var all []string
	root.walk(func(n *node) bool {
		if n.tag == "style" && !n.is("disabled") {
			all = append(all, n.textContent())
		}
		return true
	})
	if root.sheets != nil {
		all = append(all, root.sheets()...)
	}
	return all
}

func (c *cascade) fail(err error) { c.failed = cmp.Or(c.failed, err) }

// inherited are those that a child takes over unless told otherwise.
var inherited = []string{"color", "color-scheme", "cursor", "direction", "font", "font-family", "font-size", "font-style", "font-weight", "font-stretch", "font-variant",
	"hyphens", "letter-spacing", "line-height", "list-style", "overflow-wrap", "pointer-events", "text-align", "text-indent", "text-shadow", "text-transform",
	"visibility", "white-space", "word-break", "word-spacing", "text-wrap", "accent-color", "font-feature-settings", "-webkit-text-fill-color"}

// initial are values of properties nobody set, where that is not "".
var initial = map[string]string{"color": "canvastext", "font-size": "medium", "font-weight": "400", "line-height": "normal", "display": "inline", "position": "static",
	"visibility": "visible", "opacity": "1", "background-color": "transparent", "width": "auto", "height": "auto", "box-sizing": "content-box", "overflow": "visible",
	"flex-direction": "row", "flex-grow": "0", "flex-shrink": "1", "flex-basis": "auto", "color-scheme": "normal", "white-space": "normal", "direction": "ltr", "border-color": "currentcolor"}

// get is what a property says, with what it refers to put in. A keyword that
// hands it on is followed.
func (s *style) get(name string) string {
	value, known := s.said[name]
	if !known {
		value = s.read(s.own, name)
		s.said[name] = value
	}
	return value
}

func (s *style) read(from []weighed, name string) string {
	custom := strings.HasPrefix(name, "--")
	passed := custom || slices.Contains(inherited, name)
	for _, d := range slices.Backward(from) {
		value, ok := d.value, d.name == name
		if !ok && !custom {
			if d.name == "all" && name != "direction" && name != "unicode-bidi" {
				ok = true
			} else if covers(d.name, name) {
				text, err := s.substitute(d.value)
				if err != nil {
					continue // invalid at computed-value time
				}
				value, ok = part(d.name, name, text)
			}
		}
		if !ok {
			continue
		}
		text, err := s.substitute(value)
		if err != nil {
			break // it is then as if unset
		}
		switch strings.ToLower(text) {
		case "initial", "revert", "revert-layer":
			return initial[name]
		case "inherit":
			return s.passed(name)
		case "unset":
			if passed {
				return s.passed(name)
			}
			return initial[name]
		}
		return text
	}
	if passed {
		return s.passed(name)
	}
	return initial[name]
}

// passed is the value of the parent.
func (s *style) passed(name string) string {
	if above := s.n.above(); above.element() {
		return s.c.style(above).get(name)
	}
	return initial[name]
}

// substitute puts custom properties in. It fails where one is missing and
// nothing stands in for it.
func (s *style) substitute(value string) (string, error) {
	for range 50 {
		i := strings.Index(value, "var(")
		if i < 0 {
			return value, nil
		}
		end := closing(value, i+3)
		if end < 0 {
			break
		}
		name, fallback, has := strings.Cut(value[i+4:end], ",")
		said := s.get(strings.TrimSpace(name))
		if said == "" {
			if !has {
				return "", fmt.Errorf("%s is not set", name)
			}
			said = strings.TrimSpace(fallback)
		}
		value = value[:i] + said + value[end+1:]
	}
	return value, nil
}

// fontSize is in pixels.
func (s *style) fontSize() float64 {
	if s.size != 0 {
		return s.size
	}
	parent := 16.0
	if above := s.n.above(); above.element() {
		parent = s.c.style(above).fontSize()
	}
	s.size = parent
	for _, d := range slices.Backward(s.own) {
		if d.name != "font-size" && d.name != "font" && d.name != "all" {
			continue
		}
		// Not by get: an em of an inherited size would count twice.
		text, err := s.substitute(d.value)
		ok := err == nil
		if ok && d.name == "font" {
			text, ok = part("font", "font-size", text)
		}
		if !ok || text == "inherit" || text == "unset" && d.name != "all" {
			break
		}
		s.size = sized(text, parent, s.c.screen)
		break
	}
	return s.size
}

var sizes = map[string]float64{"xx-small": 9, "x-small": 10, "small": 13, "medium": 16, "large": 18, "x-large": 24, "xx-large": 32, "initial": 16, "unset": 16}

func sized(text string, parent float64, screen screen) float64 {
	switch text {
	case "smaller":
		return parent / 1.2
	case "larger":
		return parent * 1.2
	}
	if n, ok := sizes[text]; ok {
		return n
	}
	if n, ok := (units{font: parent, percent: parent, width: screen.width, height: screen.height}).length(text); ok {
		return n
	}
	return parent
}

// units for lengths of this element; percentages are of percent.
func (s *style) units(percent float64) units {
	return units{font: s.fontSize(), percent: percent, width: s.c.screen.width, height: s.c.screen.height}
}

// dark reports whether the element is painted in the dark colour scheme.
func (s *style) dark() bool {
	scheme := strings.Fields(s.get("color-scheme"))
	if slices.Contains(scheme, "dark") && slices.Contains(scheme, "light") {
		return s.c.screen.dark
	}
	return slices.Contains(scheme, "dark")
}

// paint reads a property that is a colour.
func (s *style) paint(name string) paint {
	current := black
	if name != "color" {
		current = s.paint("color")
	} else if above := s.n.above(); above.element() && strings.EqualFold(s.get("color"), "currentcolor") {
		return s.c.style(above).paint("color")
	}
	p, err := colour(s.get(name), s.dark(), current)
	if err != nil {
		s.c.fail(err)
	}
	return p
}
