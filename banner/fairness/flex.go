package fairness

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

func (s *style) number(name string) float64 {
	n, _ := strconv.ParseFloat(s.get(name), 64)
	return n
}

// factor is flex-grow or flex-shrink; text of its own can do neither.
func (l *layout) factor(n *node, name string) float64 {
	if n.kind == textNode {
		return 0
	}
	return l.c.style(n).number(name)
}

// ordered puts items in the order that they are shown in.
func (l *layout) ordered(all []*node) []*node {
	order := func(n *node) int {
		if n.kind == textNode {
			return 0
		}
		return int(l.c.style(n).number("order"))
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b *node) int { return order(a) - order(b) })
	return all
}

func (l *layout) flex(n *node, all []*node, x, y, w, h float64) float64 {
	s := l.c.style(n)
	gap := func(name string) float64 {
		v, _ := s.units(0).length(s.get(name))
		return v
	}
	all = l.ordered(all)
	direction := s.get("flex-direction")
	if strings.HasSuffix(direction, "-reverse") {
		slices.Reverse(all)
	}
	if strings.HasPrefix(direction, "column") {
		return l.column(n, all, x, y, w, h, gap("row-gap"))
	}
	across, down := gap("column-gap"), gap("row-gap")
	base := make([]float64, len(all))
	for i, c := range all {
		base[i] = l.basis(c, w, "width", func() float64 { return l.content(c) })
		if c.element() {
			base[i] += l.margins(c, w).across()
		}
	}
	start := y
	for from := 0; from < len(all); {
		to, used := from, 0.0
		for to < len(all) && (to == from || s.get("flex-wrap") != "wrap" || used+across+base[to] <= w+0.5) {
			if to > from {
				used += across
			}
			used += base[to]
			to++
		}
		if from > 0 {
			y += down
		}
		y += l.line(n, all[from:to], base[from:to], x, y, w, h, across, used)
		from = to
	}
	return y - start
}

// basis is what an item is before it grows or shrinks.
func (l *layout) basis(n *node, room float64, axis string, content func() float64) float64 {
	if n.kind == textNode {
		return math.Min(content(), room)
	}
	edge := l.edges(n).across()
	if axis == "height" {
		edge = l.edges(n).down()
	}
	for _, name := range []string{"flex-basis", axis} {
		if v, ok := l.sized(n, name, room, edge); ok {
			return l.clamp(n, v, axis, room, edge)
		}
	}
	return content()
}

// line lays out one line of a row.
func (l *layout) line(parent *node, all []*node, base []float64, x, y, w, h, gap, used float64) float64 {
	s := l.c.style(parent)
	sizes := slices.Clone(base)
	free := w - used
	grow, shrink := 0.0, 0.0
	for i, c := range all {
		grow += l.factor(c, "flex-grow")
		shrink += l.factor(c, "flex-shrink") * base[i]
		if c.kind == textNode {
			shrink += base[i]
		}
	}
	for i, c := range all {
		switch {
		case free > 0 && grow > 0:
			sizes[i] += free * l.factor(c, "flex-grow") / math.Max(grow, 1)
		case free < 0 && shrink > 0:
			f := l.factor(c, "flex-shrink")
			if c.kind == textNode {
				f = 1
			}
			sizes[i] = math.Max(sizes[i]+free*f*base[i]/shrink, math.Min(sizes[i], l.least(c)))
		}
	}
	if grow > 0 {
		free = 0
	}
	free = math.Max(free, 0)
	left, between := x, gap
	switch s.get("justify-content") {
	case "center":
		left += free / 2
	case "end", "flex-end", "right":
		left += free
	case "space-between":
		if len(all) > 1 {
			between += free / float64(len(all)-1)
		}
	case "space-around", "space-evenly":
		left += free / float64(2*len(all))
		between += free / float64(len(all))
	}
	put := func(high float64) float64 {
		at, tallest := left, 0.0
		for i, c := range all {
			tallest = math.Max(tallest, l.flexed(parent, c, at, y, sizes[i], high))
			at += sizes[i] + between
		}
		return tallest
	}
	tallest := put(unknown)
	if !math.IsNaN(h) && s.get("flex-wrap") != "wrap" {
		tallest = h
	}
	put(tallest)
	return tallest
}

// flexed puts an item where its main size is settled already.
func (l *layout) flexed(parent, n *node, x, y, size, high float64) float64 {
	if n.kind == textNode {
		return l.lines(parent, []*node{n}, x, y, size)
	}
	s, m := l.c.style(n), l.margins(n, size)
	align := s.get("align-self")
	if align == "" || align == "auto" {
		align = l.c.style(parent).get("align-items")
	}
	stretched := align == "" || align == "normal" || align == "stretch"
	h := unknown
	if stretched && !math.IsNaN(high) && s.get("height") == "auto" {
		h = high - m.down()
	}
	wide := l.clamp(n, size-m.across(), "width", size, l.edges(n).across())
	got := l.place(n, x+m.left, y+m.top, wide, h, high)
	if !stretched && !math.IsNaN(high) {
		if move := shift(align, high-m.down()-got); move != 0 {
			l.place(n, x+m.left, y+m.top+move, wide, got, high)
		}
	}
	return got + m.down()
}

// column lays out a flex container whose items stand below one another.
func (l *layout) column(parent *node, all []*node, x, y, w, h, gap float64) float64 {
	heights := make([]float64, len(all))
	used, grow, shrink := gap*float64(max(0, len(all)-1)), 0.0, 0.0
	for i, c := range all {
		heights[i] = l.basis(c, h, "height", func() float64 { return l.item(parent, c, x, y, w, unknown) })
		used += heights[i]
		grow += l.factor(c, "flex-grow")
		if l.yields(c) {
			shrink += l.factor(c, "flex-shrink") * math.Max(heights[i], 1)
		}
	}
	if !math.IsNaN(h) {
		for i, c := range all {
			switch free := h - used; {
			case free > 0 && grow > 0:
				heights[i] += free * l.factor(c, "flex-grow") / math.Max(grow, 1)
			case free < 0 && shrink > 0 && l.yields(c):
				heights[i] = math.Max(0, heights[i]+free*l.factor(c, "flex-shrink")*math.Max(heights[i], 1)/shrink)
			}
		}
	}
	at := y
	for i, c := range all {
		if i > 0 {
			at += gap
		}
		high := heights[i]
		if math.IsNaN(h) {
			high = unknown
			heights[i] = l.item(parent, c, x, at, w, high)
		} else if c.element() {
			m := l.margins(c, w)
			wide := l.clamp(c, w-m.across(), "width", w, l.edges(c).across())
			l.place(c, x+m.left, at+m.top, wide, high-m.down(), h)
		} else {
			l.item(parent, c, x, at, w, high)
		}
		at += heights[i]
	}
	return at - y
}

// yields reports whether an item may become smaller than its content.
func (l *layout) yields(n *node) bool {
	if n.kind == textNode {
		return false
	}
	s := l.c.style(n)
	least := s.get("min-height")
	zero, ok := s.units(0).length(least)
	return ok && zero == 0 && least != "" || s.get("overflow") != "visible" && s.get("overflow") != ""
}
