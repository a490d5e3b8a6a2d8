package policyversions

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// A DifferencePrint says how a difference is written for people at a terminal.
type DifferencePrint struct {
	Before, After string // names of the texts, for the first two lines; "" leaves them out
	Colour        bool   // by ANSI colours; else [-gone-] and {+put+}
	Full          bool   // all blocks and words; else what differs, and what stands around it
}

// How much that did not change is shown around what did.
const (
	printedBlocks = 1  // before and behind
	printedWords  = 24 // on either side, within a block
)

var (
	gutters = map[BlockKind]string{Same: "  ", Inserted: "+ ", Deleted: "- ", Changed: "~ ", MovedFrom: "< ", MovedTo: "> "}
	colours = map[Op]string{Gone: "\x1b[31;9m", Put: "\x1b[32m"} // red and struck out, green
	marked  = map[Op][2]string{Gone: {"[-", "-]"}, Put: {"{+", "+}"}}
)

const plainColour = "\x1b[0m"

// Print writes d as diff -u would, with words for lines. Each line begins with
// what became of its block: "+" put in, "-" taken out, "~" changed, "<" moved away
// from here, ">" moved here, or a blank.
func (d Difference) Print(w io.Writer, p DifferencePrint) error {
	b := bufio.NewWriter(w)
	if p.Before != "" || p.After != "" {
		fmt.Fprintf(b, "--- %s\n+++ %s\n", printable(p.Before), printable(p.After))
	}
	near := d.near(p.Full)
	section, shown := "", true
	for n, block := range d.Blocks {
		if block.Level > 0 && block.Kind != Deleted && block.Kind != MovedFrom {
			section = block.heading()
		}
		if !near[n] {
			shown = false
			continue
		}
		if !shown {
			fmt.Fprintf(b, "@@ %s @@\n", printable(section))
			shown = true
		}
		d.printBlock(b, block, p)
	}
	return b.Flush()
}

// near are the blocks that are shown.
func (d Difference) near(all bool) []bool {
	near := make([]bool, len(d.Blocks))
	for n, block := range d.Blocks {
		if all {
			near[n] = true
		} else if block.Kind != Same {
			for k := max(0, n-printedBlocks); k <= min(len(near)-1, n+printedBlocks); k++ {
				near[k] = true
			}
		}
	}
	return near
}

// heading is what a heading says in the later text.
func (block Block) heading() string {
	var b strings.Builder
	for _, s := range block.Spans {
		if s.Op != Gone {
			b.WriteString(s.Text)
		}
	}
	text, _, _ := strings.Cut(strings.TrimSpace(b.String()), "\n")
	text, _ = cutMarkers(strings.TrimLeft(text, "> "))
	return strings.TrimLeft(text, "# ")
}

func (d Difference) printBlock(b *bufio.Writer, block Block, p DifferencePrint) {
	spans := block.Spans
	if block.Kind == MovedTo && block.Changes != nil {
		spans = block.Changes
	}
	whole := block.Kind != Changed && (block.Kind != MovedTo || block.Changes == nil) // its gutter says all
	var text strings.Builder
	for n, s := range spans {
		body := printable(s.Text)
		switch {
		case block.Kind == Same && s.Op == Gone: // blanks
		case s.Op == Kept && !p.Full && block.Kind != Same:
			text.WriteString(shortened(body, n > 0, n < len(spans)-1))
		case s.Op == Kept, whole && !p.Colour, strings.TrimSpace(body) == "" && p.Colour:
			text.WriteString(body)
		case p.Colour:
			// Colours end with the line: pagers show each by itself.
			text.WriteString(colours[s.Op] + strings.ReplaceAll(body, "\n", plainColour+"\n"+colours[s.Op]) + plainColour)
		default:
			mark := marked[s.Op]
			text.WriteString(mark[0] + body + mark[1])
		}
	}
	written := strings.TrimRight(text.String(), "\n")
	if block.Kind == Same && !p.Full {
		written = strings.TrimRight(shortened(written, true, false), " ")
	}
	for line := range strings.SplitSeq(written, "\n") {
		fmt.Fprintln(b, strings.TrimRight(gutters[block.Kind]+line, " "))
	}
}

// shortened is text without its middle, or without the end that is far from a change.
func shortened(text string, changedBefore, changedAfter bool) string {
	words := strings.SplitAfter(text, " ")
	head, tail := 0, 0
	if changedBefore {
		head = printedWords
	}
	if changedAfter {
		tail = printedWords
	}
	if len(words) <= head+tail+4 {
		return text
	}
	return strings.Join(words[:head], "") + "… " + strings.Join(words[len(words)-tail:], "")
}

// printable is s without what a terminal would take for orders.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || isOverride(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
