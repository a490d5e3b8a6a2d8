package fairness

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// A box is the border box of an element, in pixels of the screen.
type box struct{ x, y, w, h float64 }

func (b box) area() float64 { return b.w * b.h }

// within reports whether b lies in other, give or take a pixel.
func (b box) within(other box) bool {
	return b.x >= other.x-1 && b.y >= other.y-1 && b.x+b.w <= other.x+other.w+1 && b.y+b.h <= other.y+other.h+1
}

// A layout is where everything stands: CSS 2 blocks and lines, Flexbox and Grid
// as far as banners use them. Lines of text are estimates; what must be compared
// is made of tracks, padding and minimum sizes, which are not.
type layout struct {
	c     *cascade
	boxes map[*node]box
}

// arrange lays out a page. Container queries are asked about widths that a first
// round found: a container's width does not depend on what is in it.
func arrange(c *cascade, document *node) *layout {
	c.containers = map[*node]float64{}
	var l *layout
	for range 2 {
		c.memo = map[*node]*style{}
		l = &layout{c: c, boxes: map[*node]box{}}
		for _, child := range document.children {
			if child.element() {
				l.block(child, 0, 0, c.screen.width, unknown)
			}
		}
		widths := map[*node]float64{}
		for n, b := range l.boxes {
			if kind := c.style(n).get("container-type"); kind == "inline-size" || kind == "size" {
				widths[n] = b.w - l.edges(n).across()
			}
		}
		c.containers = widths
	}
	return l
}

// relit is the same layout on a screen that differs in its colours only. Where a
// sheet makes more of that than colours, everything is laid out anew.
func (l *layout) relit(c *cascade, document *node) *layout {
	if l == nil || l.c.schemed {
		return arrange(c, document)
	}
	c.memo, c.containers = map[*node]*style{}, l.c.containers
	return &layout{c: c, boxes: l.boxes}
}

// edges are padding and border, or margins, of the four sides.
type edges struct{ top, right, bottom, left float64 }

func (e edges) across() float64 { return e.left + e.right }
func (e edges) down() float64   { return e.top + e.bottom }

func (l *layout) edges(n *node) edges {
	s := l.c.style(n)
	var e [4]float64
	for i, side := range sides {
		padding, _ := s.units(0).length(s.get("padding-" + side))
		e[i] = padding
		if line := s.get("border-" + side + "-style"); line != "" && line != "none" && line != "hidden" {
			e[i] += borderWidth(s, side)
		}
	}
	return edges{e[0], e[1], e[2], e[3]}
}

func borderWidth(s *style, side string) float64 {
	switch text := s.get("border-" + side + "-width"); text {
	case "thin":
		return 1
	case "medium", "":
		return 3
	case "thick":
		return 5
	default:
		w, _ := s.units(0).length(text)
		return w
	}
}

// margins; auto is 0 here.
func (l *layout) margins(n *node, percent float64) edges {
	s := l.c.style(n)
	var e [4]float64
	for i, side := range sides {
		e[i], _ = s.units(percent).length(s.get("margin-" + side))
	}
	return edges{e[0], e[1], e[2], e[3]}
}

// sized is a size property as of the border box; ok is false for auto and the like.
func (l *layout) sized(n *node, name string, of, edge float64) (float64, bool) {
	s := l.c.style(n)
	v, ok := s.units(of).length(s.get(name))
	if !ok {
		return 0, false
	}
	if s.get("box-sizing") != "border-box" {
		v += edge
	}
	return v, true
}

func (l *layout) clamp(n *node, v float64, axis string, of, edge float64) float64 {
	if most, ok := l.sized(n, "max-"+axis, of, edge); ok {
		v = math.Min(v, most)
	}
	if least, ok := l.sized(n, "min-"+axis, of, edge); ok {
		v = math.Max(v, least)
	}
	return math.Max(v, edge)
}

// width is that of a block in room: all of it, unless it says otherwise.
func (l *layout) width(n *node, room float64) float64 {
	edge := l.edges(n).across()
	v, ok := l.sized(n, "width", room, edge)
	if !ok {
		v = room - l.margins(n, room).across()
		switch l.c.style(n).get("width") {
		case "fit-content", "-moz-fit-content":
			v = math.Min(v, l.content(n))
		case "max-content", "min-content":
			v = l.content(n)
		}
	}
	return l.clamp(n, v, "width", room, edge)
}

// content is the width n would have with all the room in the world.
func (l *layout) content(n *node) float64 {
	if n.kind == textNode {
		return l.textWidth(n)
	}
	edge := l.edges(n).across()
	if v, ok := l.sized(n, "width", unknown, edge); ok {
		return l.clamp(n, v, "width", unknown, edge)
	}
	inFlow, _ := l.children(n)
	row := l.inline(inFlow) || strings.HasSuffix(l.display(n), "flex") && !strings.HasPrefix(l.c.style(n).get("flex-direction"), "column")
	v := 0.0
	for _, c := range inFlow {
		w := l.content(c)
		if c.element() {
			w += l.margins(c, 0).across()
		}
		if row {
			v += w
		} else {
			v = math.Max(v, w)
		}
	}
	return l.clamp(n, v+edge, "width", unknown, edge)
}

func (l *layout) display(n *node) string {
	if n.kind == textNode {
		return "inline"
	}
	d := l.c.style(n).get("display")
	// What is positioned or floats is a block (CSS 2.2 § 9.7).
	if p := l.c.style(n).get("position"); (p == "fixed" || p == "absolute") && d == "inline" {
		return "block"
	}
	return d
}

// children are those in flow, and those that are positioned. display: contents
// hands its own on.
func (l *layout) children(n *node) (inFlow, out []*node) {
	for _, c := range n.flat() {
		switch {
		case c.kind == textNode:
			if strings.TrimSpace(c.text) != "" {
				inFlow = append(inFlow, c)
			}
		case !c.element():
		case l.display(c) == "none":
		case l.display(c) == "contents":
			a, b := l.children(c)
			inFlow, out = append(inFlow, a...), append(out, b...)
		default:
			if p := l.c.style(c).get("position"); p == "fixed" || p == "absolute" {
				out = append(out, c)
			} else {
				inFlow = append(inFlow, c)
			}
		}
	}
	if n.tag == "details" && !n.is("open") {
		inFlow = slices.DeleteFunc(inFlow, func(c *node) bool { return c.tag != "summary" })
	}
	return inFlow, out
}

func (l *layout) inline(all []*node) bool {
	return len(all) > 0 && !slices.ContainsFunc(all, func(c *node) bool { return !strings.HasPrefix(l.display(c), "inline") })
}

// block lays out a block-level element with its margins, and returns its height
// with them. high is the height of what contains it, if that is known.
func (l *layout) block(n *node, x, y, room, high float64) float64 {
	if l.display(n) == "none" {
		return 0
	}
	m, w := l.margins(n, room), l.width(n, room)
	left := m.left
	if free := room - w; free > 0 {
		s := l.c.style(n)
		switch auto := [2]bool{s.get("margin-left") == "auto", s.get("margin-right") == "auto"}; auto {
		case [2]bool{true, true}:
			left = free / 2
		case [2]bool{true, false}:
			left = free - m.right
		}
	}
	return m.top + l.place(n, x+left, y+m.top, w, unknown, high) + m.bottom
}

// place lays out an element whose border box stands at x, y and is w wide. h is
// its height where something settles it from outside.
func (l *layout) place(n *node, x, y, w, h, high float64) float64 {
	e := l.edges(n)
	fixed := h
	if math.IsNaN(fixed) {
		if v, ok := l.sized(n, "height", high, e.down()); ok {
			fixed = v
		}
	}
	if !math.IsNaN(fixed) {
		fixed = l.clamp(n, fixed, "height", high, e.down())
	}
	inner := func(v float64) float64 { return l.inside(n, x+e.left, y+e.top, w-e.across(), v-e.down()) }
	got := inner(fixed)
	if math.IsNaN(fixed) {
		fixed = got + e.down()
		if v := l.clamp(n, fixed, "height", high, e.down()); v != fixed {
			fixed = v
			inner(fixed)
		}
	}
	l.boxes[n] = box{x, y, w, fixed}
	_, out := l.children(n)
	for _, c := range out {
		l.positioned(c)
	}
	return fixed
}

// inside lays out what is in a content box, and returns the height it takes.
func (l *layout) inside(n *node, x, y, w, h float64) float64 {
	all, _ := l.children(n)
	switch d := l.display(n); {
	case strings.HasSuffix(d, "grid"):
		return l.grid(n, all, x, y, w, h)
	case strings.HasSuffix(d, "flex"):
		return l.flex(n, all, x, y, w, h)
	}
	start := y
	for len(all) > 0 {
		run := slices.IndexFunc(all, func(c *node) bool { return !strings.HasPrefix(l.display(c), "inline") })
		if run < 0 {
			run = len(all)
		}
		if run > 0 {
			y += l.lines(n, all[:run], x, y, w)
			all = all[run:]
			continue
		}
		y += l.block(all[0], x, y, w, h)
		all = all[1:]
	}
	return y - start
}

// positioned lays out what is fixed, or absolute as if it were: by its insets,
// with automatic margins that centre it.
func (l *layout) positioned(n *node) {
	s, screen := l.c.style(n), l.c.screen
	inset := func(side string, of float64) float64 {
		v, ok := s.units(of).length(s.get(side))
		if !ok {
			return unknown
		}
		return v
	}
	top, bottom := inset("top", screen.height), inset("bottom", screen.height)
	left, right := inset("left", screen.width), inset("right", screen.width)
	m := l.margins(n, screen.width)
	room := screen.width - zero(left) - zero(right)
	w := l.width(n, room)
	if (math.IsNaN(left) || math.IsNaN(right)) && s.get("width") == "auto" {
		w = math.Min(w, l.clamp(n, l.content(n), "width", room, l.edges(n).across()))
	}
	x := zero(left) + m.left
	autoLeft, autoRight := s.get("margin-left") == "auto", s.get("margin-right") == "auto"
	switch free := room - w; {
	case math.IsNaN(left) && !math.IsNaN(right):
		x = screen.width - right - m.right - w
	case autoLeft && autoRight:
		x = zero(left) + free/2
	case autoLeft:
		x = zero(left) + free
	}
	h := unknown
	if !math.IsNaN(top) && !math.IsNaN(bottom) && s.get("height") == "auto" {
		h = screen.height - top - bottom - m.down()
	}
	h = l.place(n, x, zero(top)+m.top, w, h, screen.height)
	y := zero(top) + m.top
	switch free := screen.height - zero(top) - zero(bottom) - h; {
	case math.IsNaN(top) && !math.IsNaN(bottom):
		y = screen.height - bottom - m.bottom - h
	case s.get("margin-top") == "auto" && s.get("margin-bottom") == "auto" && !math.IsNaN(top) && !math.IsNaN(bottom):
		y = zero(top) + free/2
	}
	if y != zero(top)+m.top {
		l.place(n, x, y, w, h, screen.height)
	}
}

func zero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// weight is the computed font-weight.
func (s *style) weight() float64 {
	switch text := s.get("font-weight"); text {
	case "normal", "":
		return 400
	case "bold", "bolder":
		return 700
	case "lighter":
		return 300
	default:
		n, _ := strconv.ParseFloat(text, 64)
		return n
	}
}

// lineHeight is in pixels.
func (s *style) lineHeight() float64 {
	text := s.get("line-height")
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return n * s.fontSize()
	}
	if v, ok := s.units(s.fontSize()).length(text); ok {
		return v
	}
	return 1.2 * s.fontSize()
}

func (l *layout) textStyle(n *node) *style { return l.c.style(n.above()) }

func (l *layout) textWidth(n *node) float64 {
	s := l.textStyle(n)
	return measure(strings.Join(strings.Fields(n.text), " "), s.weight()) * s.fontSize()
}

// lines lays out a run of inline content and returns its height.
func (l *layout) lines(parent *node, run []*node, x, y, w float64) float64 {
	least := l.c.style(parent).lineHeight()
	at, top, high := 0.0, y, least
	breakLine := func() { at, top, high = 0, top+high, least }
	// v is what must fit; the space behind it may hang over the edge.
	advance := func(v, space, h float64) (float64, float64) {
		if at > 0 && at+v > w+0.5 {
			breakLine()
		}
		left := x + at
		at += v + space
		high = math.Max(high, h)
		return left, top
	}
	var put func(n *node)
	put = func(n *node) {
		if n.kind == textNode {
			s := l.textStyle(n)
			preserved := strings.HasPrefix(s.get("white-space"), "pre")
			for i, line := range strings.Split(n.text, "\n") {
				if i > 0 && preserved {
					breakLine()
				}
				for _, piece := range pieces(line) {
					word := strings.TrimSuffix(piece, " ")
					em := measure(word, s.weight())
					advance(em*s.fontSize(), (measure(piece, s.weight())-em)*s.fontSize(), s.lineHeight())
				}
			}
			return
		}
		if n.tag == "br" {
			breakLine()
			return
		}
		if l.display(n) != "inline" {
			m := l.margins(n, w)
			width := l.clamp(n, math.Min(l.content(n), w-m.across()), "width", w, l.edges(n).across())
			left, up := advance(width+m.across(), 0, 0)
			h := l.place(n, left+m.left, up+m.top, width, unknown, unknown)
			high = math.Max(high, h+m.down())
			return
		}
		left, up := x+at, top
		e := l.edges(n)
		at += e.left
		all, out := l.children(n)
		for _, c := range all {
			if strings.HasPrefix(l.display(c), "inline") {
				put(c)
				continue
			}
			if at > 0 { // a block within a line breaks it
				breakLine()
			}
			high = 0
			top += l.block(c, x, top, w, unknown)
		}
		for _, c := range out {
			l.positioned(c)
		}
		at += e.right
		if top == up {
			l.boxes[n] = box{left, up, x + at - left, l.c.style(n).lineHeight()}
		} else {
			l.boxes[n] = box{x, up, w, top + high - up}
		}
	}
	for _, n := range run {
		put(n)
	}
	return top + high - y
}
