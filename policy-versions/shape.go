package policyversions

import "strings"

// checkShape refuses text that would make the parser recurse without bound, or
// work in the square of its length: it goes through the brackets of a paragraph
// once for each of them. Real paragraphs have some tens, lists of vendors hundreds.
func checkShape(md string) error {
	const mostNested, mostBrackets = 32, 4096
	brackets, tags := 0, 0
	for line := range strings.SplitSeq(md, "\n") {
		if strings.TrimLeft(line, "> \t") == "" {
			brackets, tags = 0, 0
			continue
		}
		brackets += strings.Count(line, "[")
		tags += strings.Count(line, "<")
		if brackets > mostBrackets || tags > mostBrackets {
			return ErrTooMuchMarkup
		}
		if nesting(line, mostNested) > mostNested && !isRule(strings.TrimSpace(line)) {
			return ErrTooDeep
		}
	}
	return nil
}

// nesting counts the marks of quotations and lists at the start of a line, up to
// one more than most.
func nesting(line string, most int) (depth int) {
	for rest := line; depth <= most; depth++ {
		rest = strings.TrimLeft(rest, " \t")
		if after, ok := strings.CutPrefix(rest, ">"); ok {
			rest = after
		} else if after, ok := cutMarker(rest, "-", "*", "+"); ok {
			rest = after
		} else if m := ordered.FindString(rest); m != "" {
			rest = rest[len(m):]
		} else {
			break
		}
	}
	return depth
}
