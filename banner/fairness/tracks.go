package fairness

import (
	"math"
	"strconv"
	"strings"
)

// A track is a row or column of a grid while it is being sized.
type track struct {
	size    float64
	share   float64 // fr
	least   float64 // what it never goes below
	most    float64 // of minmax() without fr; 0 is none
	natural bool    // auto: as its content, and then stretched
	shrinks bool    // minmax(0, …fr): its content does not hold it open
}

// template reads a track list. of is what percentages are of.
func template(s *style, text string, of, gap float64) []track {
	var all []track
	for _, word := range split(text, ' ') {
		if name, inside, ok := function(word); ok && name == "repeat" {
			parts := split(inside, ',')
			if len(parts) < 2 {
				continue
			}
			one := template(s, strings.Join(parts[1:], ","), of, gap)
			count, err := strconv.Atoi(parts[0])
			if err != nil { // auto-fit, auto-fill
				least := 0.0
				for _, t := range one {
					least += math.Max(t.least, t.size) + gap
				}
				if count = 1; least > 0 && !math.IsNaN(of) {
					count = max(1, int((of+gap+0.01)/least))
				}
			}
			for range count {
				all = append(all, one...)
			}
			continue
		}
		all = append(all, trackOf(s, word, of))
	}
	return all
}

func trackOf(s *style, word string, of float64) track {
	u := s.units(of)
	if name, inside, ok := function(word); ok && name == "minmax" {
		if parts := split(inside, ','); len(parts) == 2 {
			t := trackOf(s, parts[1], of)
			least, known := u.length(parts[0])
			t.shrinks = known && least == 0
			if known {
				t.least = least
				if t.share == 0 && !t.natural {
					t.most, t.size = t.size, least
				}
			}
			return t
		}
	}
	if number, ok := strings.CutSuffix(word, "fr"); ok {
		if n, err := strconv.ParseFloat(number, 64); err == nil {
			return track{share: n}
		}
	}
	if v, ok := u.length(word); ok {
		return track{size: v}
	}
	return track{natural: true}
}

// spread gives tracks the room there is, after what they need.
func spread(all []track, room, gap float64) {
	room -= gap * float64(max(0, len(all)-1))
	used, shares := 0.0, 0.0
	for i, t := range all {
		all[i].size = math.Max(t.size, t.least)
		if t.share > 0 {
			shares += t.share
		} else {
			used += all[i].size
		}
	}
	free := room - used
	for i, t := range all { // up to their most
		if t.most > t.size && free > 0 {
			more := math.Min(t.most-t.size, free)
			all[i].size += more
			free -= more
		}
	}
	// A track that its content holds open takes no less; the others share the rest.
	for range all {
		if shares == 0 {
			break
		}
		settled := true
		for i, t := range all {
			if t.share > 0 && all[i].size > math.Max(free, 0)/shares*t.share+0.01 {
				free -= all[i].size
				shares -= t.share
				all[i].share = 0
				settled = false
			}
		}
		if settled {
			break
		}
	}
	for i, t := range all {
		if t.share > 0 && shares > 0 {
			all[i].size = math.Max(free, 0) / shares * t.share
		}
	}
	if shares == 0 && free > 0 {
		natural := 0
		for _, t := range all {
			if t.natural {
				natural++
			}
		}
		for i, t := range all {
			if t.natural {
				all[i].size += free / float64(natural)
			}
		}
	}
}

// A cell is where an item of a grid stands.
type cell struct {
	n                *node
	row, column, end int // column to end, exclusive
}

// cells places items row by row, those with a column of their own in it.
func (l *layout) cells(all []*node, columns int) []cell {
	var out []cell
	row, column := 0, 0
	for _, n := range all {
		from, span := -1, 1
		if n.element() {
			from, span = columnsOf(l.c.style(n).get("grid-column"), columns)
		}
		if from >= 0 {
			if from < column {
				row++
			}
			column = from
		}
		if column+span > columns {
			if column > 0 {
				row++
			}
			column = 0
		}
		out = append(out, cell{n, row, column, min(column+span, max(columns, 1))})
		if column += span; column >= columns {
			row, column = row+1, 0
		}
	}
	return out
}

// columnsOf reads grid-column: where it begins (-1: where there is room) and over
// how many columns it goes.
func columnsOf(text string, columns int) (from, span int) {
	first, second, both := strings.Cut(text, "/")
	read := func(text string) (line, span int) {
		text = strings.TrimSpace(text)
		if n, ok := strings.CutPrefix(text, "span "); ok {
			span, _ = strconv.Atoi(strings.TrimSpace(n))
			return 0, span
		}
		line, _ = strconv.Atoi(text)
		if line < 0 {
			line += columns + 2
		}
		return line, 0
	}
	line, wide := read(first)
	from, span = line-1, max(1, wide)
	if both {
		end, wide := read(second)
		if end > 0 && line > 0 {
			span = max(1, end-line)
		} else if wide > 0 {
			span = wide
		}
	}
	return from, span
}

func (l *layout) grid(n *node, all []*node, x, y, w, h float64) float64 {
	s := l.c.style(n)
	gap := func(name string) float64 {
		v, _ := s.units(0).length(s.get(name))
		return v
	}
	across, down := gap("column-gap"), gap("row-gap")
	columns := template(s, s.get("grid-template-columns"), w, across)
	if len(columns) == 0 {
		columns = []track{{natural: true}}
	}
	if fit := s.get("grid-template-columns"); strings.Contains(fit, "auto-fit") && len(all) < len(columns) && len(all) > 0 {
		columns = columns[:len(all)]
	}
	if start := s.get("justify-content"); len(columns) == 1 && columns[0].natural && start != "" && start != "normal" && start != "stretch" {
		widest := 0.0
		for _, c := range all {
			widest = math.Max(widest, l.content(c))
		}
		if room := w - math.Min(w, widest); start == "center" {
			x += room / 2
		} else if strings.HasSuffix(start, "end") {
			x += room
		}
		w = math.Min(w, widest)
	}
	cells := l.cells(l.ordered(all), len(columns))
	for _, c := range cells {
		if t := &columns[c.column]; c.end == c.column+1 && (t.natural || t.share > 0 && !t.shrinks) && c.n.element() {
			need := l.content(c.n) + l.margins(c.n, w).across()
			if t.share > 0 {
				need = l.least(c.n)
			}
			t.size = math.Min(math.Max(t.size, need), w)
		}
	}
	spread(columns, w, across)

	count := 0
	for _, c := range cells {
		count = max(count, c.row+1)
	}
	rows := template(s, s.get("grid-template-rows"), h, down)
	auto := trackOf(s, s.get("grid-auto-rows"), h)
	for len(rows) < count {
		rows = append(rows, auto)
	}
	place := func(c cell, top, high float64) float64 {
		left, wide := x, -across
		for i, t := range columns {
			if i < c.column {
				left += t.size + across
			} else if i < c.end {
				wide += t.size + across
			}
		}
		return l.item(n, c.n, left, top, wide, high)
	}
	tallest := 0.0 // of one fr
	for _, c := range cells {
		need := place(c, y, unknown)
		t := &rows[c.row]
		if t.share > 0 {
			tallest = math.Max(tallest, need/t.share)
		}
		if t.natural || t.share > 0 && !(t.shrinks && !math.IsNaN(h)) {
			t.size = math.Max(t.size, need)
		}
	}
	if math.IsNaN(h) {
		for i, t := range rows {
			if t.share > 0 {
				rows[i].size = tallest * t.share
			}
		}
	} else {
		spread(rows, h, down)
	}
	total := 0.0
	for i, t := range rows {
		if i > 0 {
			total += down
		}
		total += t.size
	}
	top := y
	for i := range rows {
		for _, c := range cells {
			if c.row == i {
				place(c, top, rows[i].size)
			}
		}
		top += rows[i].size + down
	}
	return total
}

// least is the least width of an item: that of its longest word.
func (l *layout) least(n *node) float64 {
	if n.kind == textNode {
		s := l.textStyle(n)
		if breaks := s.get("overflow-wrap"); breaks == "anywhere" {
			return s.fontSize()
		}
		longest := 0.0
		for _, piece := range pieces(n.text) {
			longest = math.Max(longest, measure(strings.TrimSpace(piece), s.weight())*s.fontSize())
		}
		return longest
	}
	edge := l.edges(n).across()
	if v, ok := l.sized(n, "width", unknown, edge); ok {
		return v
	}
	longest := 0.0
	inFlow, _ := l.children(n)
	for _, c := range inFlow {
		longest = math.Max(longest, l.least(c))
	}
	return l.clamp(n, longest+edge, "width", unknown, edge)
}

// item puts an item into its area of a grid, or a line of a flex container:
// stretched, unless it is aligned.
func (l *layout) item(parent, n *node, x, y, w, h float64) float64 {
	if n.kind == textNode {
		return l.lines(parent, []*node{n}, x, y, w)
	}
	ps, s := l.c.style(parent), l.c.style(n)
	m := l.margins(n, w)
	own := func(axis string) string {
		if v := s.get(axis + "-self"); v != "" && v != "auto" {
			return v
		}
		return ps.get(axis + "-items")
	}
	justify, align := own("justify"), own("align")
	edge := l.edges(n).across()
	wide, settled := l.sized(n, "width", w, edge)
	if !settled {
		wide = w - m.across()
		if justify != "" && justify != "normal" && justify != "stretch" {
			wide = math.Min(wide, l.content(n))
		}
	}
	wide = l.clamp(n, wide, "width", w, edge)
	left := x + m.left + shift(justify, w-m.across()-wide)
	if s.get("margin-left") == "auto" && s.get("margin-right") == "auto" {
		left = x + (w-wide)/2
	}
	high := unknown
	stretched := align == "" || align == "normal" || align == "stretch"
	if stretched && !math.IsNaN(h) && s.get("height") == "auto" {
		high = h - m.down()
	}
	got := l.place(n, left, y+m.top, wide, high, h)
	if !stretched && !math.IsNaN(h) {
		if move := shift(align, h-m.down()-got); move != 0 {
			l.place(n, left, y+m.top+move, wide, got, h)
		}
	}
	return got + m.down()
}

func shift(align string, free float64) float64 {
	switch strings.TrimPrefix(strings.TrimPrefix(align, "safe "), "flex-") {
	case "center":
		return free / 2
	case "end", "right":
		return free
	}
	return 0
}
