package policyversions

import (
	"maps"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A wordStyle is what matters of a named style.
type wordStyle struct {
	level      int // of a heading, or 0
	title      bool
	contents   bool // an entry of a table of contents
	list       *element
	bold, ital bool // of a style of characters
}

func readStyles(root *element) map[string]wordStyle {
	byID := map[string]*element{}
	for _, s := range root.named("style") {
		byID[s.get("styleId")] = s
	}
	styles := make(map[string]wordStyle, len(byID))
	for id, s := range byID {
		var w wordStyle
		// Nearest first, along what a style is based on; a ring ends.
		for seen := 0; s != nil && seen < 12; s, seen = byID[s.child("basedOn").get("val")], seen+1 {
			name := strings.ToLower(s.child("name").get("val"))
			if w.level == 0 && !w.contents {
				w.level = outlineLevel(s.path("pPr", "outlineLvl"))
				if n, ok := strings.CutPrefix(name, "heading "); ok && w.level == 0 {
					w.level, _ = strconv.Atoi(n)
				}
			}
			w.title = w.title || name == "title"
			w.contents = w.contents || strings.HasPrefix(name, "toc ")
			if w.list == nil {
				w.list = s.path("pPr", "numPr")
			}
			if s.get("type") == "character" {
				w.bold, w.ital = w.bold || s.path("rPr", "b").on(), w.ital || s.path("rPr", "i").on()
			}
		}
		styles[id] = w
	}
	return styles
}

func outlineLevel(e *element) int {
	if n, err := strconv.Atoi(e.get("val")); err == nil && n >= 0 && n < 9 {
		return n + 1
	}
	return 0
}

func (d *wordReader) style(id string) wordStyle { return d.styles[id] }

// wordLists count as Word does: the numbers of its lists stand nowhere in the text.
type wordLists struct {
	levels  map[string][]wordLevel // by abstract list
	of      map[string]string      // the abstract list of a list
	starts  map[string]map[int]int // levels that a list counts anew
	counted map[string][]int       // by abstract list
	used    map[string]bool
}

type wordLevel struct {
	format string // "decimal", "lowerLetter", "bullet" …
	text   string // "%1.%2"
	start  int
	legal  bool // all its numbers are written as decimals
}

const mostLevels = 9

func readLists(root *element) *wordLists {
	l := &wordLists{levels: map[string][]wordLevel{}, of: map[string]string{}, starts: map[string]map[int]int{}, counted: map[string][]int{}, used: map[string]bool{}}
	for _, a := range root.named("abstractNum") {
		levels := make([]wordLevel, mostLevels)
		for _, e := range a.named("lvl") {
			readLevel(e, levels)
		}
		l.levels[a.get("abstractNumId")] = levels
	}
	for _, n := range root.named("num") {
		id, abstract := n.get("numId"), n.child("abstractNumId").get("val")
		for _, o := range n.named("lvlOverride") {
			at, err := strconv.Atoi(o.get("ilvl"))
			if err != nil || at < 0 || at >= mostLevels {
				continue
			}
			if e := o.child("lvl"); e != nil { // a list of its own
				levels := append([]wordLevel(nil), l.levels[abstract]...)
				if len(levels) == mostLevels {
					readLevel(e, levels)
					abstract = "num " + id
					l.levels[abstract] = levels
				}
			}
			if start, err := strconv.Atoi(o.child("startOverride").get("val")); err == nil {
				if l.starts[id] == nil {
					l.starts[id] = map[int]int{}
				}
				l.starts[id][at] = start
			}
		}
		l.of[id] = abstract
	}
	return l
}

func readLevel(e *element, levels []wordLevel) {
	at, err := strconv.Atoi(e.get("ilvl"))
	if err != nil || at < 0 || at >= len(levels) {
		return
	}
	level := wordLevel{format: e.child("numFmt").get("val"), text: e.child("lvlText").get("val"), start: 1, legal: e.child("isLgl").on()}
	if n, err := strconv.Atoi(e.child("start").get("val")); err == nil {
		level.start = n
	}
	levels[at] = level
}

// A label is what stands before a paragraph of a list.
type label struct {
	list   bool
	level  int
	text   string // "4.2", "(a)"; "" before a bullet
	number int    // where text is a plain one such as "3.", which Markdown can write
	ending string // behind that number: "." or ")"
}

// next counts a paragraph, if it is one of a list.
func (l *wordLists) next(properties *element, style wordStyle) label {
	about := properties.child("numPr")
	if about == nil {
		about = style.list
	}
	id := about.child("numId").get("val")
	if id == "" {
		id = style.list.child("numId").get("val")
	}
	at, _ := strconv.Atoi(about.child("ilvl").get("val"))
	levels := l.levels[l.of[id]]
	if about == nil || id == "0" || at < 0 || at >= len(levels) {
		return label{}
	}
	level := levels[at]
	counted := l.count(id, at, levels)
	out := label{list: true, level: at}
	switch level.format {
	case "bullet":
		return out
	case "none":
		out.text = level.text
		return out
	}
	out.text = fillLabel(level, levels, counted)
	for _, ending := range []string{".", ")"} {
		if out.text == strconv.Itoa(counted[at])+ending && counted[at] >= 0 && counted[at] < 1e9 {
			out.number, out.ending = counted[at], ending
		}
	}
	return out
}

func (l *wordLists) count(id string, at int, levels []wordLevel) []int {
	abstract := l.of[id]
	counted := l.counted[abstract]
	if counted == nil {
		counted = make([]int, mostLevels)
		for i := range counted {
			counted[i] = levels[i].start - 1
		}
		l.counted[abstract] = counted
	}
	if !l.used[id] {
		l.used[id] = true
		for level, start := range maps.All(l.starts[id]) {
			counted[level] = start - 1
		}
	}
	for above := range at { // "1.1" without a "1" before it counts from the first
		counted[above] = max(counted[above], levels[above].start)
	}
	counted[at]++
	for below := at + 1; below < mostLevels; below++ {
		counted[below] = levels[below].start - 1
	}
	return counted
}

// fillLabel writes the numbers into "%1.%2".
func fillLabel(level wordLevel, levels []wordLevel, counted []int) string {
	var b strings.Builder
	for i := 0; i < len(level.text); i++ {
		if c := level.text[i]; c != '%' || i+1 == len(level.text) || level.text[i+1] < '1' || level.text[i+1] > '9' {
			b.WriteByte(c)
			continue
		}
		i++
		at := int(level.text[i] - '1')
		format := levels[at].format
		if level.legal {
			format = "decimal"
		}
		b.WriteString(writeNumber(counted[at], format))
	}
	return strings.TrimSpace(b.String())
}

func writeNumber(n int, format string) string {
	switch {
	case n <= 0 || n > 5000:
	case format == "lowerLetter", format == "upperLetter": // a … z, aa, bb …
		s := strings.Repeat(string(rune('a'+(n-1)%26)), (n-1)/26+1)
		if format == "upperLetter" {
			s = strings.ToUpper(s)
		}
		return s
	case format == "lowerRoman":
		return strings.ToLower(roman(n))
	case format == "upperRoman":
		return roman(n)
	case format == "decimalZero" && n < 10:
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

func roman(n int) string {
	var b strings.Builder
	for _, d := range []struct {
		value int
		sign  string
	}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}} {
		for ; n >= d.value; n -= d.value {
			b.WriteString(d.sign)
		}
	}
	return b.String()
}

// An openList is a list that the next entry may belong to.
type openList struct {
	level int
	list  *html.Node
	entry *html.Node // its last
	next  int        // number that its next entry has, or 0 of bullets
}

// entry makes the place for a paragraph of a list. Numbers that Markdown can't
// write stand in the text, behind a bullet.
func (d *wordReader) entry(l label, in *inline) *html.Node {
	for len(d.open) > 0 && d.open[len(d.open)-1].level > l.level {
		d.open = d.open[:len(d.open)-1]
	}
	plain := l.ending == "."
	if n := len(d.open); n > 0 && d.open[n-1].level == l.level && (plain != (d.open[n-1].next > 0) || plain && d.open[n-1].next != l.number) {
		d.open = d.open[:n-1]
	}
	if n := len(d.open); n == 0 || d.open[n-1].level < l.level {
		list := node(atom.Ul)
		if plain {
			list = node(atom.Ol, "start", strconv.Itoa(l.number))
		}
		parent := d.root
		if n > 0 {
			parent = d.open[n-1].entry
		}
		parent.AppendChild(list)
		d.open = append(d.open, openList{level: l.level, list: list})
	}
	o := &d.open[len(d.open)-1]
	o.entry, o.next = node(atom.Li), 0
	if plain {
		o.next = l.number + 1
	} else {
		in.label(l.text)
	}
	o.list.AppendChild(o.entry)
	return o.entry
}
