package policyversions

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// normalizeCharacters settles everything below the level of lines: byte order
// mark, line ends, spaces, controls, and Unicode NFC. It changes no letter, digit
// or punctuation mark.
func normalizeCharacters(s string, t *tally) string {
	if rest, ok := strings.CutPrefix(s, "\uFEFF"); ok {
		t.add(removedMark, 1)
		s = rest
	}
	t.add(madeLineEnds, strings.Count(s, "\r"))
	s = strings.ReplaceAll(s, "\r\n", "\n")

	var spaces, controls, ends int
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == ' ':
			return r
		case r == '\r':
			return '\n' // counted above
		case r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			ends++
			return '\n'
		case unicode.Is(unicode.Zs, r):
			spaces++
			return ' '
		case unicode.IsControl(r) || r == '\uFEFF' || isOverride(r):
			controls++
			return -1
		}
		return r
	}, s)
	t.add(madeLineEnds, ends)
	t.add(madeSpacesPlain, spaces)
	t.add(droppedControls, controls)
	return compose(s, t)
}

// isOverride is true for the characters that make letters show in another order
// than they are stored (CVE-2021-42574): what is bound must be what is read. The
// marks and isolates that right-to-left text needs are not among them.
func isOverride(r rune) bool { return r == '\u202D' || r == '\u202E' }

func compose(s string, t *tally) string {
	if norm.NFC.IsNormalString(s) {
		return s
	}
	var b strings.Builder
	var it norm.Iter
	it.InitString(norm.NFC, s)
	n := 0
	for from := 0; !it.Done(); from = it.Pos() {
		part := it.Next()
		if string(part) != s[from:it.Pos()] {
			n++
		}
		b.Write(part)
	}
	t.add(composedUnicode, n)
	return b.String()
}
