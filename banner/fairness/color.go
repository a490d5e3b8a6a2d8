package fairness

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A paint is a colour in sRGB, not premultiplied, each from 0 to 1.
type paint struct{ r, g, b, a float64 }

var (
	black = paint{a: 1}
	white = paint{1, 1, 1, 1}
)

// system are the system colours in a light and a dark colour scheme, as
// Chromium paints them. Other browsers differ by shades.
var system = map[string][2]string{
	"canvas": {"#ffffff", "#121212"}, "canvastext": {"#000000", "#ffffff"}, "linktext": {"#0000ee", "#9e9eff"},
	"visitedtext": {"#551a8b", "#d0adf0"}, "activetext": {"#ff0000", "#ff9e9e"}, "buttonface": {"#efefef", "#6b6b6b"},
	"buttontext": {"#000000", "#ffffff"}, "buttonborder": {"#767676", "#858585"}, "field": {"#ffffff", "#3b3b3b"},
	"fieldtext": {"#000000", "#ffffff"}, "highlight": {"#3367d1", "#3367d1"}, "highlighttext": {"#ffffff", "#ffffff"},
	"mark": {"#ffff00", "#ffff00"}, "marktext": {"#000000", "#000000"}, "graytext": {"#808080", "#808080"},
	"accentcolor": {"#0075ff", "#99c8ff"}, "accentcolortext": {"#ffffff", "#000000"},
}

var named = map[string]string{
	"black": "#000", "white": "#fff", "red": "#f00", "green": "#008000", "blue": "#00f", "gray": "#808080", "grey": "#808080",
	"silver": "#c0c0c0", "navy": "#000080", "yellow": "#ff0", "orange": "#ffa500", "lime": "#0f0", "aqua": "#0ff", "cyan": "#0ff",
	"teal": "#008080", "maroon": "#800000", "purple": "#800080", "olive": "#808000", "fuchsia": "#f0f", "magenta": "#f0f",
	"lightgray": "#d3d3d3", "lightgrey": "#d3d3d3", "darkgray": "#a9a9a9", "darkgrey": "#a9a9a9", "dimgray": "#696969", "pink": "#ffc0cb",
	"brown": "#a52a2a", "gold": "#ffd700", "tomato": "#ff6347", "whitesmoke": "#f5f5f5", "rebeccapurple": "#639",
	"transparent": "#0000",
}

// colour reads a CSS colour. current is what currentcolor means.
func colour(text string, dark bool, current paint) (paint, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	scheme := 0
	if dark {
		scheme = 1
	}
	if s, ok := system[text]; ok {
		text = s[scheme]
	}
	if s, ok := named[text]; ok {
		text = s
	}
	if text == "currentcolor" {
		return current, nil
	}
	if hex, ok := strings.CutPrefix(text, "#"); ok {
		return hexColour(hex)
	}
	name, inside, called := function(text)
	if !called {
		return paint{}, fmt.Errorf("the colour %q is not understood", text)
	}
	switch name {
	case "light-dark":
		if parts := split(inside, ','); len(parts) == 2 {
			return colour(parts[scheme], dark, current)
		}
	case "color-mix":
		return mix(inside, dark, current)
	case "rgb", "rgba", "hsl", "hsla":
		return channels(name, inside)
	}
	return paint{}, fmt.Errorf("the colour %q is not understood", text)
}

func hexColour(hex string) (paint, error) {
	if len(hex) == 3 || len(hex) == 4 {
		var long strings.Builder
		for _, r := range hex {
			long.WriteRune(r)
			long.WriteRune(r)
		}
		hex = long.String()
	}
	if len(hex) == 6 {
		hex += "ff"
	}
	n, err := strconv.ParseUint(hex, 16, 64)
	if err != nil || len(hex) != 8 {
		return paint{}, fmt.Errorf("the colour #%s is not understood", hex)
	}
	at := func(shift int) float64 { return float64(n>>shift&0xff) / 255 }
	return paint{at(24), at(16), at(8), at(0)}, nil
}

// channels reads rgb() and hsl(), in the old and the new syntax.
func channels(name, inside string) (paint, error) {
	parts := strings.FieldsFunc(inside, func(r rune) bool { return strings.ContainsRune(", /", r) })
	if len(parts) != 3 && len(parts) != 4 {
		return paint{}, fmt.Errorf("the colour %s(%s) is not understood", name, inside)
	}
	v := [4]float64{3: 1}
	for i, part := range parts {
		number, percent := strings.CutSuffix(part, "%")
		n, err := strconv.ParseFloat(strings.TrimSuffix(number, "deg"), 64)
		if err != nil {
			return paint{}, fmt.Errorf("the colour %s(%s) is not understood", name, inside)
		}
		switch {
		case percent:
			n /= 100
		case i < 3 && name[0] == 'r':
			n /= 255
		case i > 0 && i < 3:
			n /= 100
		}
		v[i] = n
	}
	if name[0] == 'r' {
		return paint{unit(v[0]), unit(v[1]), unit(v[2]), unit(v[3])}, nil
	}
	h, s, l := math.Mod(math.Mod(v[0], 360)+360, 360), unit(v[1]), unit(v[2])
	at := func(n float64) float64 { // CSS Color 4, "hslToRgb"
		k := math.Mod(n+h/30, 12)
		return l - s*math.Min(l, 1-l)*math.Max(-1, math.Min(math.Min(k-3, 9-k), 1))
	}
	return paint{at(0), at(8), at(4), unit(v[3])}, nil
}

func unit(x float64) float64 { return math.Max(0, math.Min(1, x)) }

// mix reads color-mix() in sRGB; other spaces are not understood.
func mix(inside string, dark bool, current paint) (paint, error) {
	parts := split(inside, ',')
	if len(parts) != 3 || strings.TrimSpace(parts[0]) != "in srgb" {
		return paint{}, fmt.Errorf("color-mix(%s) is not understood", inside)
	}
	share := [2]float64{-1, -1}
	var of [2]paint
	for i, part := range parts[1:] {
		var rest []string
		for _, word := range split(strings.TrimSpace(part), ' ') {
			if number, ok := strings.CutSuffix(word, "%"); ok {
				n, err := strconv.ParseFloat(number, 64)
				if err != nil {
					return paint{}, fmt.Errorf("color-mix(%s) is not understood", inside)
				}
				share[i] = n / 100
				continue
			}
			rest = append(rest, word)
		}
		var err error
		if of[i], err = colour(strings.Join(rest, " "), dark, current); err != nil {
			return paint{}, err
		}
	}
	switch {
	case share[0] < 0 && share[1] < 0:
		share = [2]float64{0.5, 0.5}
	case share[0] < 0:
		share[0] = 1 - share[1]
	case share[1] < 0:
		share[1] = 1 - share[0]
	}
	sum := share[0] + share[1]
	if sum <= 0 {
		return paint{}, fmt.Errorf("color-mix(%s) is not understood", inside)
	}
	p, q := share[0]/sum, share[1]/sum
	a := of[0].a*p + of[1].a*q
	if a == 0 {
		return paint{}, nil
	}
	at := func(x, y float64) float64 { return (x*of[0].a*p + y*of[1].a*q) / a }
	return paint{at(of[0].r, of[1].r), at(of[0].g, of[1].g), at(of[0].b, of[1].b), a * math.Min(sum, 1)}, nil
}

// over is p painted on an opaque ground.
func (p paint) over(ground paint) paint {
	at := func(x, y float64) float64 { return x*p.a + y*(1-p.a) }
	return paint{at(p.r, ground.r), at(p.g, ground.g), at(p.b, ground.b), 1}
}

// luminance is that of WCAG 2.2, "relative luminance".
func (p paint) luminance() float64 {
	linear := func(c float64) float64 {
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(p.r) + 0.7152*linear(p.g) + 0.0722*linear(p.b)
}

// contrast is WCAG 2.2's "contrast ratio", from 1 to 21.
func contrast(a, b paint) float64 {
	x, y := a.luminance(), b.luminance()
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}
