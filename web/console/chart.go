package console

import (
	"fmt"
	"strconv"
	"strings"
)

// A Chart is a figure that says its finding in a sentence, shows it, and holds the
// same numbers as a table. Lengths in the picture are parts of its width, so it is
// as wide as there is room, with letters of one size, and needs no script.
type Chart struct {
	ID      string   // of the page's elements that belong to it
	Finding string   // the caption
	About   string   // what the picture shows, for those who don't see it
	Series  []Series // what a bar is made of, from the axis outwards; at most four
	Bars    []Bar
	Upright bool   // one bar beside the other, in height by number; else one below the other, each 100 %
	Of      string // heading of the table's first column: "Day"
	Sum     string // heading of its last: "Choices"
	Note    string // under the picture: what was left out or put together
}

// A Series is one part of each bar. Its pattern tells it from the others without
// colour.
type Series struct {
	Name    string
	Pattern string // "solid", "hatched", "dotted", "open"
}

// A Bar is one day, or one region.
type Bar struct {
	Label string
	Parts []int64 // by series
	Few   bool    // too few for a rate: the number alone is shown
}

// Sum is how many the bar stands for.
func (b Bar) Sum() (sum int64) {
	for _, n := range b.Parts {
		sum += n
	}
	return sum
}

// Share is a part of the bar in percent.
func (b Bar) Share(part int) string { return Percent(b.Parts[part], b.Sum()) }

// Percent writes a share: whole percents, and nothing as 0 or 100 that isn't.
func Percent(n, of int64) string {
	switch {
	case of <= 0:
		return "–"
	case n > 0 && 200*n < of:
		return "<1 %"
	case n < of && 200*(of-n) < of:
		return ">99 %"
	}
	return strconv.FormatInt((200*n+of)/(2*of), 10) + " %"
}

// Number writes a number with its thousands apart.
func Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	head := len(digits) % 3
	groups := []string{}
	if head > 0 {
		groups = append(groups, digits[:head])
	}
	for i := head; i < len(digits); i += 3 {
		groups = append(groups, digits[i:i+3])
	}
	return strings.ReplaceAll(strings.Join(groups, ","), "-,", "-")
}

// A Rect is a bar's part, in the units of SVG.
type Rect struct{ X, Y, Width, Height, Pattern string }

// Plot is the height of the upright picture's bars, in pixels.
const plotHeight, rowHeight = 190, 50

// Height is that of the whole picture.
func (c *Chart) Height() int {
	if c.Upright {
		return plotHeight + 26
	}
	return rowHeight * len(c.Bars)
}

// top is the number at the upper edge: the next round one.
func (c *Chart) top() int64 {
	most := int64(1)
	for _, b := range c.Bars {
		most = max(most, b.Sum())
	}
	for scale := int64(1); ; scale *= 10 {
		for _, step := range []int64{2, 4, 6, 10} {
			if step*scale >= most {
				return step * scale
			}
		}
	}
}

// Rects are all parts of all bars.
func (c *Chart) Rects() []Rect {
	var all []Rect
	if c.Upright {
		top := float64(c.top())
		step := 100 / float64(max(len(c.Bars), 1))
		for i, b := range c.Bars {
			below := 0.0
			for k, n := range b.Parts {
				if n == 0 {
					continue
				}
				height := float64(n) / top * (plotHeight - 20)
				below += height
				all = append(all, Rect{percent(float64(i)*step + step*0.1), px(plotHeight - below), percent(step * 0.8), px(height), c.Series[k].Pattern})
			}
		}
		return all
	}
	for i, b := range c.Bars {
		if sum := b.Sum(); sum > 0 && !b.Few {
			start := 0.0
			for k, n := range b.Parts {
				if n == 0 {
					continue
				}
				width := 100 * float64(n) / float64(sum)
				all = append(all, Rect{percent(start), px(float64(i*rowHeight) + 24), percent(width), "16", c.Series[k].Pattern})
				start += width
			}
		}
	}
	return all
}

// A Mark is a text in the picture.
type Mark struct{ X, Y, Anchor, Text string }

// Lines are the heights of the grid, with what they stand for.
func (c *Chart) Lines() []Mark {
	if !c.Upright {
		return nil
	}
	top := c.top()
	return []Mark{
		{"0", px(20), "start", Number(top)},
		{"0", px(20 + (plotHeight-20)/2), "start", Number(top / 2)},
		{"0", px(plotHeight), "start", ""},
	}
}

// Marks are the names of bars: of upright ones the first, the middle and the last,
// of others all, with the share of their first part.
func (c *Chart) Marks() []Mark {
	var all []Mark
	if n := len(c.Bars); c.Upright {
		y := strconv.Itoa(plotHeight + 18)
		if n > 0 {
			all = append(all, Mark{"0", y, "start", c.Bars[0].Label})
		}
		if n > 2 {
			all = append(all, Mark{percent((float64(n/2) + 0.5) * 100 / float64(n)), y, "middle", c.Bars[n/2].Label})
		}
		if n > 1 {
			all = append(all, Mark{"100%", y, "end", c.Bars[n-1].Label})
		}
		return all
	}
	for i, b := range c.Bars {
		y := strconv.Itoa(i*rowHeight + 16)
		said := b.Share(0) + " of " + Number(b.Sum())
		if b.Few {
			said = Number(b.Sum()) + ", too few for a rate"
		}
		all = append(all, Mark{"0", y, "start", clip(b.Label, 26)}, Mark{"100%", y, "end", said})
	}
	return all
}

func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func percent(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) + "%" }
func px(y float64) string      { return strconv.FormatFloat(y, 'f', 2, 64) }

// Cells are a table row of a bar: numbers and, where they say something, shares.
func (c *Chart) Cells(b Bar) []string {
	cells := make([]string, 0, len(b.Parts)+1)
	for i, n := range b.Parts {
		switch {
		case b.Few:
			cells = append(cells, "–")
		case b.Sum() == 0:
			cells = append(cells, "0")
		default:
			cells = append(cells, fmt.Sprintf("%s (%s)", Number(n), b.Share(i)))
		}
	}
	return append(cells, Number(b.Sum()))
}
