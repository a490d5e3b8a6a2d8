package main

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A measure is what a receipt takes of the processors when so many are there, of what it
// takes in an empty database: the least and the most of several runs.
type measure struct {
	Receipts  float64
	IDs       string
	Low, High float64

	X, Y, Top, Bottom float64 // in the drawing; Y is of the middle
	Label             string
}

// The drawing's measures, in its own units.
const (
	width, height = 720.0, 380.0
	left, right   = 64.0, 696.0
	top, bottom   = 84.0, 324.0
	most          = 2.5   // of the vertical axis
	from, to      = 3, 7. // powers of ten of the horizontal one
)

func place(m measure) measure {
	y := func(of float64) float64 { return bottom - (bottom-top)*of/most }
	m.X = left + 24 + (right-left-72)*(math.Log10(m.Receipts)-from)/(to-from)
	m.Y, m.Top, m.Bottom = y((m.Low+m.High)/2), y(m.High), y(m.Low)
	m.Label = fmt.Sprintf("%.2f–%.2f", m.Low, m.High)
	if m.Low == m.High {
		m.Label = fmt.Sprintf("%.2f", m.Low)
	}
	return m
}

// growth draws the table: tab-separated lines of receipts, kind of ids, least and most.
func growth(table []byte) ([]byte, error) {
	var ordered, before []measure
	for n, line := range strings.Split(strings.TrimSpace(string(table)), "\n")[1:] {
		field := strings.Split(line, "\t")
		if len(field) != 4 {
			return nil, fmt.Errorf("line %d has %d fields, not 4", n+2, len(field))
		}
		var number [4]float64
		for _, i := range []int{0, 2, 3} {
			var err error
			if number[i], err = strconv.ParseFloat(field[i], 64); err != nil || number[i] <= 0 {
				return nil, fmt.Errorf("line %d: %q is no number above 0", n+2, field[i])
			}
		}
		m := place(measure{Receipts: number[0], IDs: field[1], Low: number[2], High: number[3]})
		if number[2] > number[3] || number[3] > most || number[0] < 1e3 || number[0] > 1e7 {
			return nil, fmt.Errorf("line %d does not fit into the chart", n+2)
		}
		if m.IDs == "minute first" {
			ordered = append(ordered, m)
		} else {
			before = append(before, m)
		}
	}
	var path, said strings.Builder
	for i, m := range ordered {
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], m.X, m.Y)
	}
	for _, m := range append(ordered[:len(ordered):len(ordered)], before...) {
		fmt.Fprintf(&said, " %s receipts, ids %s: %s.", count(m.Receipts), m.IDs, m.Label)
	}
	if len(ordered) == 0 {
		return nil, errors.New("no figure of ids that begin with their minute")
	}
	highest := slices.MaxFunc(ordered, func(a, b measure) int { return cmp.Compare(a.High, b.High) })
	type line struct {
		At    float64
		Label string
	}
	var across, up []line
	for of := 0.0; of <= most; of += 0.5 {
		across = append(across, line{place(measure{Receipts: 1e3, Low: of, High: of}).Y, strconv.FormatFloat(of, 'f', -1, 64)})
	}
	for power := range 5 {
		n := math.Pow10(from + power)
		up = append(up, line{place(measure{Receipts: n}).X, count(n)})
	}
	var b strings.Builder
	err := drawing.Execute(&b, map[string]any{
		"Width": width, "Height": height, "Left": left, "Right": right, "Top": top, "Bottom": bottom, "Said": said.String(),
		"Ordered": ordered, "Highest": highest, "Before": before, "Path": path.String(), "Across": across, "Up": up,
	})
	return []byte(b.String()), err
}

// count is a number with its thousands apart.
func count(n float64) string {
	s := strconv.FormatFloat(n, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

var drawing = template.Must(template.New("growth").Funcs(template.FuncMap{
	"plus": func(a, b float64) float64 { return a + b },
	"px":   func(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) },
}).Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Width}} {{.Height}}" width="{{.Width}}" height="{{.Height}}" role="img" aria-labelledby="title desc">
<title id="title">What one more receipt costs, by how many are kept</title>
<desc id="desc">Processor time of a receipt, as a multiple of that in an empty database, least and most of several runs.{{.Said}}</desc>
<style>
text { font: 13px system-ui, sans-serif; fill: #52514e; stroke: #fcfcfb; stroke-width: 4px; paint-order: stroke }
.head { font-size: 16px; font-weight: 600; fill: #0b0b0b }
.value { fill: #0b0b0b }
.page { fill: #fcfcfb } .grid { stroke: #e1e0d9 } .base { stroke: #c3c2b7 }
.now { stroke: #2a78d6; fill: none } .now-dot { fill: #2a78d6; stroke: #fcfcfb }
.then { stroke: #eb6834; fill: none } .then-dot { fill: #eb6834; stroke: #fcfcfb }
@media (prefers-color-scheme: dark) {
text { fill: #c3c2b7; stroke: #1a1a19 } .head, .value { fill: #fff }
.page { fill: #1a1a19 } .grid { stroke: #2c2c2a } .base { stroke: #383835 }
.now { stroke: #3987e5 } .now-dot { fill: #3987e5; stroke: #1a1a19 }
.then { stroke: #d95926 } .then-dot { fill: #d95926; stroke: #1a1a19 }
}
</style>
<rect class="page" width="{{.Width}}" height="{{.Height}}"/>
<text class="head" x="24" y="32">What one more receipt costs, by how many are kept</text>
<text x="24" y="54">Processor time, as a multiple of that in an empty database; bars: where runs differed</text>
{{range .Across}}<path class="grid" d="M{{px $.Left}} {{px .At}}H{{px $.Right}}"/><text x="{{px (plus $.Left -10)}}" y="{{px (plus .At 4)}}" text-anchor="end">{{.Label}}</text>
{{end}}<path class="base" d="M{{px .Left}} {{px .Bottom}}H{{px .Right}}"/>
{{range .Up}}<text x="{{px .At}}" y="{{px (plus $.Bottom 22)}}" text-anchor="middle">{{.Label}}</text>
{{end}}<text x="{{px (plus .Right 0)}}" y="{{px (plus .Bottom 44)}}" text-anchor="end">receipts kept</text>
{{range .Ordered}}<path class="now" stroke-width="2" d="M{{px .X}} {{px .Top}}V{{px .Bottom}}M{{px (plus .X -4)}} {{px .Top}}h8M{{px (plus .X -4)}} {{px .Bottom}}h8"/>
{{end}}<path class="now" stroke-width="2" stroke-linejoin="round" d="{{.Path}}"/>
{{range .Ordered}}<circle class="now-dot" stroke-width="2" cx="{{px .X}}" cy="{{px .Y}}" r="5"/><text class="value" x="{{px .X}}" y="{{px (plus .Bottom 26)}}" text-anchor="middle">{{.Label}}</text>
{{end}}{{range .Before}}<path class="then" stroke-width="2" d="M{{px .X}} {{px .Top}}V{{px .Bottom}}M{{px (plus .X -4)}} {{px .Top}}h8M{{px (plus .X -4)}} {{px .Bottom}}h8"/>
<circle class="then-dot" stroke-width="2" cx="{{px .X}}" cy="{{px .Y}}" r="5"/><text class="value" x="{{px .X}}" y="{{px (plus .Bottom 26)}}" text-anchor="middle">{{.Label}}</text>
<text x="{{px (plus .X -14)}}" y="{{px (plus .Y 4)}}" text-anchor="end">ids {{.IDs}}, as they once were</text>
{{end}}{{with .Highest}}<text x="{{px .X}}" y="{{px (plus .Top -12)}}" text-anchor="middle">ids begin with their minute</text>
{{end}}</svg>
`))
