package fairness

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// function reads "name(inside)" and nothing behind it.
func function(text string) (name, inside string, ok bool) {
	i := strings.IndexByte(text, '(')
	if i <= 0 || !strings.HasSuffix(text, ")") || closing(text, i) != len(text)-1 {
		return "", "", false
	}
	return strings.ToLower(text[:i]), text[i+1 : len(text)-1], true
}

// closing is where the bracket that opens at i is closed, or -1.
func closing(text string, i int) int {
	depth := 0
	for ; i < len(text); i++ {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// split cuts at a separator that stands outside brackets, and trims.
func split(text string, separator byte) []string {
	var parts []string
	depth, start := 0, 0
	cut := func(end int) {
		if part := strings.TrimSpace(text[start:end]); part != "" || separator != ' ' {
			parts = append(parts, part)
		}
		start = end + 1
	}
	for i := range len(text) {
		switch c := text[i]; {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == separator && depth == 0:
			cut(i)
		}
	}
	cut(len(text))
	return parts
}

// units is what lengths are measured by. percent is NaN where a percentage has
// nothing to be of.
type units struct{ font, percent, width, height float64 }

var unknown = math.NaN()

// length is a CSS length in pixels, with calc() and the like. ok is false for
// keywords and for percentages of what is not known.
func (u units) length(text string) (pixels float64, ok bool) {
	r := &lengthReader{text: strings.ToLower(strings.TrimSpace(text)), units: u}
	v, err := r.sum()
	r.space()
	if err != nil || r.at != len(r.text) || math.IsNaN(v) {
		return 0, false
	}
	return v, true
}

type lengthReader struct {
	units
	text string
	at   int
}

func (r *lengthReader) space() {
	for r.at < len(r.text) && r.text[r.at] == ' ' {
		r.at++
	}
}

func (r *lengthReader) sum() (float64, error) {
	v, err := r.product()
	for err == nil {
		r.space()
		if r.at >= len(r.text) || (r.text[r.at] != '+' && r.text[r.at] != '-') {
			break
		}
		sign := r.text[r.at]
		r.at++
		var w float64
		if w, err = r.product(); sign == '-' {
			w = -w
		}
		v += w
	}
	return v, err
}

func (r *lengthReader) product() (float64, error) {
	v, err := r.value()
	for err == nil {
		r.space()
		if r.at >= len(r.text) || (r.text[r.at] != '*' && r.text[r.at] != '/') {
			break
		}
		op := r.text[r.at]
		r.at++
		var w float64
		if w, err = r.value(); op == '*' {
			v *= w
		} else {
			v /= w
		}
	}
	return v, err
}

func (r *lengthReader) value() (float64, error) {
	r.space()
	start := r.at
	for r.at < len(r.text) && strings.IndexByte("0123456789.+-", r.text[r.at]) >= 0 && (r.at == start || strings.IndexByte("+-", r.text[r.at]) < 0) {
		r.at++
	}
	digits := r.text[start:r.at]
	name := r.at
	for r.at < len(r.text) && (r.text[r.at] >= 'a' && r.text[r.at] <= 'z' || r.text[r.at] == '%' || r.text[r.at] == '-' && digits == "") {
		r.at++
	}
	unit := r.text[name:r.at]
	if strings.ContainsAny(digits, "0123456789") {
		n, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			return 0, err
		}
		return r.inPixels(n, unit)
	}
	r.at = name + len(unit)
	if r.at >= len(r.text) || r.text[r.at] != '(' {
		return 0, fmt.Errorf("%q is no length", r.text)
	}
	end := closing(r.text, r.at)
	if end < 0 {
		return 0, fmt.Errorf("%q is no length", r.text)
	}
	inside := r.text[r.at+1 : end]
	r.at = end + 1
	return r.call(unit, inside)
}

func (r *lengthReader) inPixels(n float64, unit string) (float64, error) {
	switch unit {
	case "", "px":
		return n, nil
	case "em":
		return n * r.font, nil
	case "rem":
		return n * 16, nil
	case "ch", "ex":
		return n * r.font / 2, nil
	case "%":
		return n / 100 * r.percent, nil
	case "pt":
		return n * 4 / 3, nil
	case "vw", "svw", "lvw", "dvw", "vi":
		return n / 100 * r.width, nil
	case "vh", "svh", "lvh", "dvh", "vb":
		return n / 100 * r.height, nil
	case "vmin":
		return n / 100 * math.Min(r.width, r.height), nil
	case "vmax":
		return n / 100 * math.Max(r.width, r.height), nil
	}
	return 0, fmt.Errorf("the unit %q is not understood", unit)
}

func (r *lengthReader) call(name, inside string) (float64, error) {
	var all []float64
	for i, part := range split(inside, ',') {
		if name == "env" && i == 0 {
			continue // an inset of the device: there is none where its fallback counts
		}
		inner := &lengthReader{text: part, units: r.units}
		v, err := inner.sum()
		if inner.space(); err != nil || inner.at != len(inner.text) {
			return 0, fmt.Errorf("%s(%s) is not understood", name, inside)
		}
		all = append(all, v)
	}
	if name == "env" {
		all = append(all, 0)
		return all[0], nil
	}
	if len(all) == 0 {
		return 0, fmt.Errorf("%s(%s) is not understood", name, inside)
	}
	v := all[0]
	switch name {
	case "", "calc":
		return v, nil
	case "min":
		for _, w := range all[1:] {
			v = math.Min(v, w)
		}
		return v, nil
	case "max":
		for _, w := range all[1:] {
			v = math.Max(v, w)
		}
		return v, nil
	case "clamp":
		if len(all) == 3 {
			return math.Max(all[0], math.Min(all[1], all[2])), nil
		}
	}
	return 0, fmt.Errorf("%s(%s) is not understood", name, inside)
}
