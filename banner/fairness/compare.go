package fairness

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// screens are what both answers are compared on, by day and by night: a small
// telephone, and a desk.
var screens = []screen{{320, 640, false}, {1280, 800, false}}

const (
	leastArea     = 0.8 // of accept's
	leastContrast = 5.0 // to one
)

// compare holds the no of a layer to its yes.
func (q *inquiry) compare(p *page, layer *node, yes, no *way) {
	q.sameKind(yes.n, no.n)
	for _, screen := range screens {
		var l *layout
		for _, screen.dark = range []bool{false, true} {
			c := &cascade{screen: screen, rules: q.bundle.read}
			l = l.relit(c, p.document)
			q.sameLetters(l, yes.n, no.n)
			q.sameColours(l, yes.n, no.n)
			q.sameFill(c, yes.n, no.n)
			q.sameRoom(l, layer, yes.n, no.n)
			if c.failed != nil {
				q.fail(0, scripts, "write it in another way, or teach the inspection", "its style can't be judged: %v", c.failed)
				return
			}
		}
	}
}

// sameKind compares what the two are, before any style.
func (q *inquiry) sameKind(yes, no *node) {
	if no.tag == "a" || no.attr("role") == "link" {
		q.fail(16, scripts, "make it a button", "%q is a link", labelOf(no))
	}
	kind := func(n *node) string {
		facts := []string{n.tag}
		for _, name := range n.names {
			switch {
			case slices.Contains([]string{"role", "type", "tabindex", "slot", "disabled", "inert", "hidden", "form"}, name), strings.HasPrefix(name, "aria-") && name != "aria-label":
				facts = append(facts, name+"="+n.attr(name))
			}
		}
		for _, state := range []string{"disabled", "inert", "hidden", "autofocus"} {
			if n.is(state) && !n.has(state) {
				facts = append(facts, state)
			}
		}
		slices.Sort(facts[1:])
		return strings.Join(facts, " ")
	}
	if a, r := kind(yes), kind(no); a != r {
		q.fail(10, scripts, "make both the same kind of control", "accept is <%s>, reject is <%s>", a, r)
	}
}

// sameLetters compares size, weight and style of the letters.
func (q *inquiry) sameLetters(l *layout, yes, no *node) {
	a, r := l.c.style(yes), l.c.style(no)
	if r.fontSize() < a.fontSize()-0.01 {
		q.fail(12, scripts, "give both the same size of letters", "the letters of reject are %.1f px, those of accept %.1f px (%v)", r.fontSize(), a.fontSize(), l.c.screen)
	}
	if r.weight() < a.weight() {
		q.fail(12, scripts, "give both the same weight of letters", "the letters of reject have a weight of %g, those of accept %g (%v)", r.weight(), a.weight(), l.c.screen)
	}
	for _, name := range []string{"font-family", "font-style", "font-stretch", "text-transform", "letter-spacing", "line-height"} {
		if x, y := a.get(name), r.get(name); x != y {
			q.fail(12, scripts, "give both the same letters", "%s of accept is %q, of reject %q (%v)", name, x, y, l.c.screen)
		}
	}
}

// painted is a control's text and fill as they meet the eye.
func painted(l *layout, n *node) (text, fill paint, opacity float64) {
	s := l.c.style(n)
	ground := white
	if s.dark() {
		ground = paint{18 / 255.0, 18 / 255.0, 18 / 255.0, 1}
	}
	var layers []paint
	for at := n.above(); at.element(); at = at.above() {
		layers = append(layers, l.c.style(at).paint("background-color"))
	}
	for _, p := range slices.Backward(layers) {
		ground = p.over(ground)
	}
	opacity = 1.0
	for at := n; at.element(); at = at.above() {
		if v, ok := l.c.style(at).units(1).length(l.c.style(at).get("opacity")); ok {
			opacity *= unit(v)
		}
	}
	dim := func(p paint) paint { p.a *= opacity; return p }
	fill = dim(s.paint("background-color")).over(ground)
	return dim(s.paint("color")).over(fill), fill, opacity
}

func (q *inquiry) sameColours(l *layout, yes, no *node) {
	at, af, _ := painted(l, yes)
	rt, rf, _ := painted(l, no)
	a, r := contrast(at, af), contrast(rt, rf)
	path, remedy := scripts, "give both the same colours"
	if math.Abs(a-r) < 0.1 { // then it is the accent, which both wear
		path, remedy = q.look("accent"), "choose an accent that is darker, or lighter"
	}
	for _, one := range []struct {
		name     string
		contrast float64
	}{{"reject", r}, {"accept", a}} {
		if one.contrast < leastContrast {
			q.fail(13, path, remedy, "the text of %s has a contrast of %.2f:1 (%v)", one.name, one.contrast, l.c.screen)
		}
	}
	if r < a-0.1 {
		q.fail(13, scripts, "give both the same colours", "the text of reject has a contrast of %.2f:1, that of accept %.2f:1 (%v)", r, a, l.c.screen)
	}
	if x := contrast(af, rf); x > 1.02 {
		q.fail(14, scripts, "give both the same fill", "accept and reject are filled differently: %.2f:1 between them (%v)", x, l.c.screen)
	}
}

// placed are properties that say where something is, and how large: the boxes
// are compared instead.
var placed = []string{"grid-column", "grid-row", "grid-area", "order", "margin", "margin-inline", "margin-block", "margin-top", "margin-bottom", "margin-left", "margin-right",
	"margin-inline-start", "margin-inline-end", "width", "height", "min-width", "max-width", "min-height", "max-height", "flex", "flex-grow", "flex-shrink", "flex-basis", "align-self", "justify-self", "all"}

// sameFill compares all else that is declared, also while a pointer is over
// either, or it has focus.
func (q *inquiry) sameFill(c *cascade, yes, no *node) {
	for _, state := range []string{"", "hover", "focus-visible", "active"} {
		of := func(n *node) *style {
			if state == "" {
				return c.style(n)
			}
			other := &cascade{screen: c.screen, rules: c.rules, containers: c.containers, memo: map[*node]*style{}, of: n,
				states: map[string]bool{state: true, "focus": state == "focus-visible"}}
			return other.style(n)
		}
		a, r := of(yes), of(no)
		q.sameDeclared(c.screen, state, "", a, r, a.own, r.own)
		pseudo := slices.Concat(keys(a.pseudo), keys(r.pseudo))
		slices.Sort(pseudo)
		for _, name := range slices.Compact(pseudo) {
			q.sameDeclared(c.screen, state, "::"+name, a, r, a.pseudo[name], r.pseudo[name])
		}
	}
	for _, name := range []string{"background-image", "filter", "mix-blend-mode", "mask", "clip-path", "-webkit-text-fill-color"} {
		for _, n := range []*node{yes, no} {
			if v := c.style(n).get(name); v != "" && v != "none" && v != "normal" {
				q.fail(14, scripts, "fill both with one colour", "%s of %q is %q: what it looks like can't be compared", name, labelOf(n), v)
			}
		}
	}
}

func keys[V any](m map[string]V) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	return all
}

func (q *inquiry) sameDeclared(screen screen, state, pseudo string, a, r *style, ofYes, ofNo []weighed) {
	var names []string
	for _, d := range slices.Concat(ofYes, ofNo) {
		if !slices.Contains(placed, d.name) && !strings.HasPrefix(d.name, "--") && !slices.Contains(names, d.name) {
			names = append(names, d.name)
		}
	}
	when := fmt.Sprint(screen)
	if state != "" {
		when = "while :" + state + ", " + when
	}
	for _, name := range names {
		x, y := a.read(ofYes, name), r.read(ofNo, name)
		if x == y {
			continue
		}
		if strings.HasPrefix(name, "font") || slices.Contains([]string{"letter-spacing", "line-height", "text-transform"}, name) {
			q.fail(12, scripts, "give both the same letters", "%s%s of accept is %q, of reject %q (%s)", name, pseudo, x, y, when)
		} else {
			q.fail(14, scripts, "style both alike", "%s%s of accept is %q, of reject %q (%s)", name, pseudo, x, y, when)
		}
	}
}

// sameRoom compares where the two are, how large, and whether they are seen.
func (q *inquiry) sameRoom(l *layout, layer, yes, no *node) {
	a, r := l.boxes[yes], l.boxes[no]
	for _, one := range []*node{no, yes} {
		if why := hidden(l, one); why != "" {
			path, remedy := scripts, "show both answers at once, whatever the window"
			q.fail(15, path, remedy, "%q %s (%v)", labelOf(one), why, l.c.screen)
			return
		}
	}
	if r.area() < leastArea*a.area() {
		q.fail(11, scripts, "make both the same size", "reject is %.0f %% as large as accept: %s and %s (%v)", 100*r.area()/a.area(), sizeOf(r), sizeOf(a), l.c.screen)
	}
	if r.h < leastArea*a.h {
		q.fail(11, scripts, "make both the same size", "reject is %.0f px high, accept %.0f px (%v)", r.h, a.h, l.c.screen)
	}
	row := math.Abs(a.y+a.h/2-r.y-r.h/2) < 2
	column := math.Abs(a.x-r.x) < 2 || math.Abs(a.x+a.w/2-r.x-r.w/2) < 2
	if !row && !column {
		q.fail(16, scripts, "put both in one row, or one column", "reject stands at %.0f, %.0f and accept at %.0f, %.0f: they are not aligned (%v)", r.x, r.y, a.x, a.y, l.c.screen)
	}
	if strings.HasPrefix(l.display(no), "inline") && l.display(no) != l.display(yes) || no.above() != yes.above() {
		q.fail(16, scripts, "put both in the same place", "reject does not stand beside accept")
		return
	}
	all := controls(layer)
	if i, j := slices.Index(all, yes), slices.Index(all, no); i-j > 1 || j-i > 1 {
		q.fail(16, scripts, "put both side by side", "another control stands between accept and reject")
	}
}

func sizeOf(b box) string { return fmt.Sprintf("%.0f × %.0f px", b.w, b.h) }

// hidden says why a control is not seen without scrolling; "" if it is.
func hidden(l *layout, n *node) string {
	b, ok := l.boxes[n]
	if !ok || b.w < 1 || b.h < 1 {
		return "is not shown"
	}
	screen := box{0, 0, l.c.screen.width, l.c.screen.height}
	if !b.within(screen) {
		return fmt.Sprintf("reaches out of the window: %s at %.0f, %.0f", sizeOf(b), b.x, b.y)
	}
	for at := n; at.element(); at = at.above() {
		s := l.c.style(at)
		if v := s.get("visibility"); v != "visible" && v != "" {
			return "is " + v
		}
		if v, ok := s.units(1).length(s.get("opacity")); ok && v < 0.5 {
			return fmt.Sprintf("is all but transparent: opacity %g", v)
		}
		if v := s.get("transform"); at == n && v != "" && v != "none" {
			return "is moved by a transform"
		}
		if clip := s.get("overflow"); at != n && clip != "visible" && clip != "" {
			if around, ok := l.boxes[at]; ok && !b.within(around) {
				return "is cut off, or must be scrolled to"
			}
		}
	}
	return ""
}
