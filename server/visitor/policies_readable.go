package visitor

import (
	"strings"
	"unicode"
	"unicode/utf8"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/web"
)

// Around a change stand this many blocks that are the same; a longer run between
// two changes is folded.
const around = 1

// differenceParts lays out what differs for reading: each run of blocks that differ
// is a change; what is the same is folded where it is long.
func differenceParts(d policyversions.Difference) (parts []web.DifferencePart, changes int) {
	section := ""
	for from := 0; from < len(d.Blocks); {
		to := from
		same := d.Blocks[from].Kind == policyversions.Same
		for to < len(d.Blocks) && (d.Blocks[to].Kind == policyversions.Same) == same {
			to++
		}
		if same {
			parts = append(parts, folded(d.Blocks, from, to)...)
		} else {
			changes++
			part := web.DifferencePart{Change: changes, Section: section}
			for i := from; i < to; i++ {
				if b := laidOut(d.Blocks, i); b.Shape != "" {
					part.Blocks = append(part.Blocks, b)
				}
			}
			if len(part.Blocks) == 0 { // another alignment of a table, which nobody reads
				part.Blocks = []web.DifferenceBlock{written(d.Blocks[from])}
			}
			parts = append(parts, part)
		}
		for _, b := range d.Blocks[from:to] {
			if b.Level > 0 && b.Kind != policyversions.Deleted && b.Kind != policyversions.MovedFrom {
				section = heading(b)
			}
		}
		from = to
	}
	return parts, changes
}

// folded are the blocks from one to another, which are the same: those beside a
// change in sight, the others folded.
func folded(blocks []policyversions.Block, from, to int) (parts []web.DifferencePart) {
	add := func(from, to int, fold bool) {
		part := web.DifferencePart{Folded: fold}
		for i := from; i < to; i++ {
			b := laidOut(blocks, i)
			if b.Shape == "" {
				continue
			}
			for _, s := range b.Spans {
				part.Words += len(strings.Fields(s.Text))
			}
			part.Blocks = append(part.Blocks, b)
		}
		if from < to {
			parts = append(parts, part)
		}
	}
	head, tail := from, to
	if from > 0 {
		head += around
	}
	if to < len(blocks) {
		tail -= around
	}
	if tail-head < 2 && (from > 0 || to < len(blocks)) {
		add(from, to, false)
		return parts
	}
	add(from, head, false)
	add(head, tail, from > 0 || to < len(blocks))
	add(tail, to, false)
	return parts
}

// written is a block as it stands in the text.
func written(b policyversions.Block) web.DifferenceBlock {
	shown := web.DifferenceBlock{Shape: "code"}
	for _, s := range b.Spans {
		shown.Spans = append(shown.Spans, web.DifferenceSpan{Op: ops[s.Op], Text: s.Text})
	}
	return shown
}

func heading(b policyversions.Block) string {
	var text strings.Builder
	for _, s := range readable(b).Spans {
		if s.Op != "gone" {
			text.WriteString(s.Text)
		}
	}
	return strings.TrimSpace(text.String())
}

// laidOut is a block for reading, with the way to where it moved.
func laidOut(blocks []policyversions.Block, i int) web.DifferenceBlock {
	b := blocks[i]
	shown := readable(b)
	if b.Partner < 0 {
		return shown
	}
	shown.Place, shown.Gone = i+1, b.Kind == policyversions.MovedFrom
	// Of blocks that moved together the first one says so.
	if before := i - 1; before < 0 || blocks[before].Kind != b.Kind || blocks[before].Partner != b.Partner-1 {
		shown.Target = b.Partner + 1
	}
	if b.Changes == nil {
		for j := range shown.Spans {
			shown.Spans[j].Op = "moved"
		}
	}
	return shown
}

// A mark is a character and where it is from.
type mark struct {
	r  rune
	op string
}

var ops = map[policyversions.Op]string{policyversions.Kept: "", policyversions.Put: "put", policyversions.Gone: "gone"}

// readable is a block without its Markdown: what a reader sees of it. Addresses of
// links are left in sight, for they are part of what is promised.
func readable(b policyversions.Block) web.DifferenceBlock {
	spans := b.Spans
	if b.Changes != nil {
		spans = b.Changes
	}
	var text []mark
	for _, s := range spans {
		for _, r := range s.Text {
			text = append(text, mark{r, ops[s.Op]})
		}
	}
	shape, level, text := shapeOf(b, text)
	shown := web.DifferenceBlock{Shape: shape, Level: level}
	if shape != "code" {
		text = inline(text)
	}
	var run strings.Builder
	for i, m := range text {
		run.WriteRune(m.r)
		if i == len(text)-1 || text[i+1].op != m.op {
			shown.Spans = append(shown.Spans, web.DifferenceSpan{Op: m.op, Text: run.String()})
			run.Reset()
		}
	}
	return shown
}

// shapeOf tells what a block is by how it begins, and takes that off.
func shapeOf(b policyversions.Block, text []mark) (shape string, level int, rest []mark) {
	indent := 0
	for len(text) > 0 && unicode.IsSpace(text[0].r) {
		text, indent = text[1:], indent+1
	}
	for len(text) > 0 && unicode.IsSpace(text[len(text)-1].r) {
		text = text[:len(text)-1]
	}
	first := func(cut string) bool { return strings.HasPrefix(characters(text, len(cut)), cut) }
	switch {
	case b.Level > 0:
		return "heading", b.Level, dropWhile(text, "# ")
	case first("```"), first("~~~"):
		return "code", 0, fenced(text)
	case first("- "), first("* "), first("+ "):
		return "entry", 1 + indent/2, text[2:]
	case first("|"):
		return row(text)
	case first("> "):
		return "paragraph", 0, dropWhile(text, "> ")
	}
	if only(text, "*-_ ") {
		return "rule", 0, nil
	}
	return "paragraph", 0, text
}

func characters(text []mark, most int) string {
	var b strings.Builder
	for _, m := range text[:min(most, len(text))] {
		b.WriteRune(m.r)
	}
	return b.String()
}

func dropWhile(text []mark, any string) []mark {
	for len(text) > 0 && strings.ContainsRune(any, text[0].r) {
		text = text[1:]
	}
	return text
}

func only(text []mark, any string) bool { return len(dropWhile(text, any)) == 0 }

// fenced is code without the lines that begin and end it.
func fenced(text []mark) []mark {
	lines := func(m mark) bool { return m.r == '\n' }
	for i, m := range text {
		if lines(m) {
			text = text[i+1:]
			break
		}
	}
	for i := len(text) - 1; i >= 0; i-- {
		if lines(text[i]) {
			return text[:i]
		}
	}
	return text
}

// row is a row of a table without the bars at its ends. The one that only draws the
// line under a table's head has no shape: there is nothing in it to read.
func row(text []mark) (shape string, level int, rest []mark) {
	if only(text, "|-: ") {
		return "", 0, nil
	}
	text = dropWhile(text, "| ")
	for len(text) > 0 && strings.ContainsRune("| ", text[len(text)-1].r) {
		text = text[:len(text)-1]
	}
	return "row", 0, text
}

// inline takes off the marks of emphasis, code, links and escapes. A line break that
// is meant stays one, others are blanks.
func inline(text []mark) (out []mark) {
	at := func(i int) rune {
		if i < 0 || i >= len(text) {
			return ' '
		}
		return text[i].r
	}
	for i := 0; i < len(text); i++ {
		m := text[i]
		switch {
		case m.r == '\\' && at(i+1) == '\n':
			out = append(out, mark{'\n', m.op})
			i++
			continue
		case m.r == '\\' && at(i+1) < utf8.RuneSelf && (unicode.IsPunct(at(i+1)) || unicode.IsSymbol(at(i+1))):
			i++
			out = append(out, text[i])
			continue
		case m.r == '\n':
			m.r = ' '
		case m.r == '*' || m.r == '~' && at(i+1) == '~':
			// Marks of emphasis stand at a word; a star between blanks is one.
			end := i
			for at(end) == m.r {
				end++
			}
			if unicode.IsSpace(at(i-1)) && unicode.IsSpace(at(end)) {
				out = append(out, text[i:end]...)
			}
			i = end - 1
			continue
		case m.r == '`':
			continue
		case m.r == '[' && isLink(text[i+1:]):
			continue
		case m.r == ']' && at(i+1) == '(':
			out = append(out, mark{' ', m.op})
			continue
		}
		out = append(out, m)
	}
	return out
}

// isLink is true where a bracket that was opened closes before an address.
func isLink(text []mark) bool {
	for i, m := range text {
		switch m.r {
		case '[':
			return false
		case ']':
			return i+1 < len(text) && text[i+1].r == '('
		}
	}
	return false
}
