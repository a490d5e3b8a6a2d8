package fairness

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// advances are the widths of ASCII in Helvetica, thousandths of an em, from the
// space on (Adobe Core 14 AFM). System fonts differ by a few percent, for both
// buttons alike.
var advances = [...]int{
	278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
	556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
	1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
	667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
	333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
	556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
}

// advance is the width of a character in em. What is written above or below
// another takes no room.
func advance(r rune) float64 {
	if r >= ' ' && int(r-' ') < len(advances) {
		return float64(advances[r-' ']) / 1000
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	if base := []rune(norm.NFD.String(string(r)))[0]; base != r {
		return advance(base)
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 1
	}
	switch {
	case unicode.Is(unicode.Arabic, r):
		return 0.5
	case unicode.IsSpace(r):
		return 0.278
	case unicode.IsUpper(r):
		return 0.7
	}
	return 0.58
}

// measure is the width of a text in em; bold letters are wider.
func measure(text string, weight float64) float64 {
	sum := 0.0
	for _, r := range text {
		sum += advance(r)
	}
	if weight >= 600 {
		sum *= 1.06
	}
	return sum
}

// pieces cuts a text where a line may break: at spaces, and between the
// characters of scripts that are written without them.
func pieces(text string) []string {
	var all []string
	for _, word := range strings.Fields(text) {
		start := 0
		for i, r := range word {
			if i > start && dense(r) {
				all = append(all, word[start:i])
				start = i
			}
		}
		all = append(all, word[start:]+" ")
	}
	return all
}

func dense(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai) && !unicode.Is(unicode.Mn, r)
}
