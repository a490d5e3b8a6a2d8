package policyversions

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	atxHeading = regexp.MustCompile(`^#{1,6}(\s|$)`)
	ordered    = regexp.MustCompile(`^(\d{1,9})([.)])(?:[ \t]+|$)`)
	opensFence = regexp.MustCompile("^(`{3,})[^`]*$|^(~{3,})")
)

// deepest list; what lies deeper becomes an entry of this level.
const deepest = 12

// tidy gives Markdown one shape: lines without blanks at their end, at most one
// blank line in a row, bullets of every sort written "-", list entries indented by
// their marker's width, and everything else at the margin of what it belongs to.
//
// It reads indentation as people mean it rather than as CommonMark does: a bullet
// is a bullet however far it is indented, and two columns make a deeper level.
// Texts extracted from web pages, where an entry of a list at the fourth column
// would otherwise be a block of code, come out as lists.
func tidy(text string, t *tally) string {
	td := tidier{tally: t}
	for line := range strings.SplitSeq(text, "\n") {
		td.line(line)
	}
	td.dropPending()
	out := strings.TrimRight(strings.Join(td.out, "\n"), "\n")
	if out == "" {
		return ""
	}
	return out + "\n"
}

type tidier struct {
	*tally
	out   []string
	items []item // open list entries, outermost first

	paragraph bool    // the last line can be continued by the next
	breakNext bool    // the last line ends with a line break if a line of the same paragraph follows
	block     bool    // the last line was an indented line outside lists
	blanks    int     // blank lines not written yet
	fence     string  // the run that closes the open code block, or ""
	fenceAt   int     // column of that block's fence
	pending   *marker // a marker that stood alone on its line and waits for its text
}

// An item is an open entry of a list.
type item struct {
	at      int // column of its marker as it was read
	content int // column of its text as it is written
	dash    bool
}

// A marker is what stands before the text of a list entry.
type marker struct {
	at     int
	text   string // as it is written: "-", "1."
	number string
	dash   bool // it was a dash that only a list makes a bullet
	odd    bool // CommonMark does not know it
	rest   string
}

func (td *tidier) line(line string) {
	trimmed := strings.TrimRight(line, " \t")
	td.add(removedTrailing, btoi(trimmed != line))
	at, body := indentation(trimmed)
	if td.fence != "" {
		td.inFence(at, body)
		return
	}
	if body == "" {
		td.blank()
		return
	}
	if td.structure(at, body) {
		return
	}
	if m, ok := td.marker(at, body); ok {
		td.entry(m)
		return
	}
	td.words(at, body, strings.HasSuffix(line, "  "))
}

func (td *tidier) blank() {
	td.dropPending()
	td.blanks++
	td.paragraph, td.breakNext, td.block = false, false, false
}

// structure writes fences, rules, headings, underlines and quotations, and says
// whether body was one.
func (td *tidier) structure(at int, body string) bool {
	inside := len(td.items) == 0 || at >= td.items[len(td.items)-1].at+2
	if td.paragraph && inside && td.pending == nil && (strings.Trim(body, "=") == "" || strings.Trim(body, "-") == "") {
		td.write(td.margin(), body) // underlines the paragraph above, which makes it a heading
		td.ended()
		return true
	}
	switch {
	case opensFence.MatchString(body):
		run := strings.TrimRight(body[:len(body)-len(strings.TrimLeft(body, body[:1]))], " ")
		td.dropPending()
		td.write(td.leave(at), body)
		td.ended()
		td.fence, td.fenceAt = run, at
	case isRule(body):
		td.dropPending()
		td.add(madeRules, btoi(body != "***"))
		td.write(td.leave(at), "***")
		td.ended()
	case atxHeading.MatchString(body):
		td.dropPending()
		td.write(td.leave(at), body)
		td.ended()
	case body[0] == '>':
		td.dropPending()
		td.write(td.leave(at), body)
		td.ended()
		td.paragraph = true
	default:
		return false
	}
	return true
}

// words writes a line of text: the next of a paragraph, or the first of one.
func (td *tidier) words(at int, body string, hard bool) {
	if td.pending != nil {
		m := *td.pending
		td.pending, m.rest = nil, body
		td.entry(m)
		return
	}
	block := len(td.items) == 0 && at >= 4 && (!td.paragraph || td.block)
	if td.paragraph {
		td.breakLast()
		td.write(td.margin(), body)
	} else {
		td.write(td.leave(at), body)
		td.add(movedToMargin, btoi(block))
	}
	td.paragraph, td.block = true, block
	td.breakNext = (hard || block) && !strings.Contains(body, "|")
}

// breakLast ends the line above with CommonMark's visible line break, if it asked
// for one with blanks at its end, which do not survive editors.
func (td *tidier) breakLast() {
	if !td.breakNext {
		return
	}
	last := &td.out[len(td.out)-1]
	slashes := len(*last) - len(strings.TrimRight(*last, `\`))
	if slashes%2 == 0 {
		*last += `\`
		td.add(madeBreaks, 1)
	}
}

// marker recognises the start of a list entry.
func (td *tidier) marker(at int, body string) (marker, bool) {
	m := marker{at: at, text: "-"}
	alone := func() bool { return m.rest == "" }
	interrupts := td.paragraph && (len(td.items) == 0 || at >= td.items[len(td.items)-1].at+2)
	if rest, ok := cutOddBullet(body); ok {
		m.rest, m.odd = rest, true
	} else if rest, ok := cutMarker(body, "–", "—", "‒", "―"); ok {
		if td.paragraph && (len(td.items) == 0 || !td.items[len(td.items)-1].dash) {
			return marker{}, false // a sentence goes on after a dash
		}
		m.rest, m.odd, m.dash = rest, true, true
	} else if rest, ok := cutMarker(body, "-", "*", "+"); ok {
		m.rest = rest
		if interrupts && alone() {
			return marker{}, false // as CommonMark has it: a footnote's star
		}
		m.odd = body[0] != '-'
	} else if f := ordered.FindStringSubmatch(body); f != nil {
		m.number, m.text, m.rest = f[1], f[1]+f[2], body[len(f[0]):]
		if interrupts && (f[1] != "1" || alone()) {
			return marker{}, false // a sentence that goes on with a number
		}
	} else {
		return marker{}, false
	}
	m.rest = td.cutSecondBullet(m.rest, m.odd && m.number == "" && body[0] >= 0x80)
	td.add(madeBullets, btoi(m.odd))
	return m, true
}

// cutSecondBullet takes off bullets that stand behind the first, as in "• - text".
func (td *tidier) cutSecondBullet(rest string, afterOdd bool) string {
	for {
		cut, ok := cutOddBullet(rest)
		if !ok && afterOdd {
			cut, ok = cutMarker(rest, "-", "*", "+", "–", "—")
		}
		if !ok {
			return rest
		}
		td.add(madeBullets, 1)
		rest, afterOdd = cut, true
	}
}

// entry writes the first line of a list entry.
func (td *tidier) entry(m marker) {
	if m.rest == "" {
		td.dropPending()
		td.pending = &m
		td.ended()
		return
	}
	td.dropPending()
	for len(td.items) > 0 && m.at < td.items[len(td.items)-1].at+2 || len(td.items) >= deepest {
		td.items = td.items[:len(td.items)-1]
	}
	margin := td.margin()
	td.write(margin, m.text+" "+m.rest)
	td.items = append(td.items, item{m.at, margin + len(m.text) + 1, m.dash})
	td.ended()
	td.paragraph = !atxHeading.MatchString(m.rest)
}

// dropPending gives up on a marker whose text did not come. A number is a word of
// the text and stays.
func (td *tidier) dropPending() {
	m := td.pending
	if m == nil {
		return
	}
	td.pending = nil
	if m.number == "" {
		td.add(removedBullets, 1)
		return
	}
	td.write(td.leave(m.at), m.text)
	td.ended()
}

// leave closes the entries that a line at this column, which continues none, is
// not part of, and returns the column to write it at.
func (td *tidier) leave(at int) int {
	for len(td.items) > 0 && at < td.items[len(td.items)-1].at+2 {
		td.items = td.items[:len(td.items)-1]
	}
	return td.margin()
}

func (td *tidier) margin() int {
	if len(td.items) == 0 {
		return 0
	}
	return td.items[len(td.items)-1].content
}

func (td *tidier) write(margin int, body string) {
	if td.blanks > 0 && len(td.out) > 0 {
		td.out = append(td.out, "")
		td.blanks--
	}
	td.add(removedBlank, td.blanks)
	td.blanks = 0
	td.out = append(td.out, strings.Repeat(" ", margin)+body)
}

func (td *tidier) ended() { td.paragraph, td.breakNext, td.block = false, false, false }

// inFence copies a line of a code block, which is not ours to tidy.
func (td *tidier) inFence(at int, body string) {
	if body == "" {
		td.out = append(td.out, "")
		return
	}
	in := max(0, at-td.fenceAt)
	td.out = append(td.out, strings.Repeat(" ", td.margin()+in)+body)
	if len(body) >= len(td.fence) && strings.Trim(body, td.fence[:1]) == "" {
		td.fence = ""
	}
}

// indentation is the column of the first letter, with tab stops every four.
func indentation(line string) (at int, body string) {
	for i, c := range []byte(line) {
		switch c {
		case ' ':
			at++
		case '\t':
			at += 4 - at%4
		default:
			return at, line[i:]
		}
	}
	return at, ""
}

// isRule is true for three or more of one of * - _, with or without blanks.
func isRule(body string) bool {
	c := body[:1]
	return strings.Contains("*-_", c) && strings.Count(body, c) >= 3 && strings.Trim(body, c+" \t") == ""
}

// cutOddBullet cuts off a bullet that Markdown does not know, with the blanks
// behind it. The last is the private-use character that Word's bullets become.
func cutOddBullet(body string) (rest string, ok bool) {
	r, size := utf8.DecodeRuneInString(body)
	if size == 0 || !strings.ContainsRune("•·▪‣◦●○■□▫⁃∙◆➢\uF0B7\uF0A7", r) {
		return body, false
	}
	return strings.TrimLeft(body[size:], " \t"), true
}

// cutMarker cuts off one of the marks, if a blank or nothing follows it.
func cutMarker(body string, marks ...string) (rest string, ok bool) {
	for _, mark := range marks {
		rest, has := strings.CutPrefix(body, mark)
		if has && (rest == "" || rest[0] == ' ' || rest[0] == '\t') {
			return strings.TrimLeft(rest, " \t"), true
		}
	}
	return body, false
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
