package policyversions

import "strings"

// A piece is a block of one text.
type piece struct {
	text   string
	level  int // of a heading, or 0
	tokens []token
	words  int
	key    int32 // equal pieces have equal keys; blanks between words don't matter
	traits []int32
}

// cut parts a text into blocks, which loses nothing. It goes by lines, as the
// importer writes them, and takes any text.
func (v *vocabulary) cut(text string) (pieces []piece) {
	var p cutter
	for line := range strings.Lines(text) {
		p.line(line)
	}
	p.close()
	pieces = p.pieces
	var key strings.Builder
	for i := range pieces {
		q := &pieces[i]
		q.tokens, q.words = v.tokens(q.text)
		key.Reset()
		for _, t := range q.tokens {
			key.WriteString(t.core)
			key.WriteByte(0)
		}
		q.key = number(v.keys, key.String())
	}
	return pieces
}

// A cutter collects lines into blocks.
type cutter struct {
	pieces []piece
	open   strings.Builder
	level  int
	going  bool   // the next line of words continues the block
	quoted bool   // the block is a quotation
	fence  string // that closes the block of code, or ""
}

func (c *cutter) line(line string) {
	body := strings.TrimSpace(line)
	if c.fence != "" {
		c.open.WriteString(line)
		if len(body) >= len(c.fence) && strings.Trim(body, c.fence[:1]) == "" {
			c.fence, c.going = "", false
		}
		return
	}
	if body == "" {
		c.open.WriteString(line)
		c.going = false
		return
	}
	quote := body[0] == '>'
	inner := strings.TrimLeft(body, "> \t")
	if quote && inner == "" {
		c.open.WriteString(line)
		c.going = false
		return
	}
	if c.going && c.level == 0 && quote == c.quoted && (strings.Trim(inner, "=") == "" || len(inner) > 1 && strings.Trim(inner, "-") == "") {
		c.open.WriteString(line) // underlines a heading
		c.level, c.going = 1+btoi(inner[0] == '-'), false
		return
	}
	content, listed := cutMarkers(inner)
	switch {
	case opensFence.MatchString(content):
		c.start(line, 0, quote)
		c.fence, c.going = strings.TrimRight(content[:len(content)-len(strings.TrimLeft(content, content[:1]))], " "), false
	case atxHeading.MatchString(content):
		c.start(line, len(content)-len(strings.TrimLeft(content, "#")), quote)
		c.going = false
	case isRule(inner), inner[0] == '|':
		c.start(line, 0, quote)
		c.going = false
	case listed, !c.going, quote && !c.quoted:
		c.start(line, 0, quote)
	default:
		c.open.WriteString(line)
	}
}

// cutMarkers takes the markers of lists off the start of a line.
func cutMarkers(s string) (content string, listed bool) {
	for {
		rest, ok := cutMarker(s, "-", "*", "+")
		if !ok {
			m := ordered.FindString(s)
			rest, ok = s[len(m):], m != ""
		}
		if !ok || rest == "" || isRule(s) {
			return s, listed || ok
		}
		s, listed = rest, true
	}
}

func (c *cutter) start(line string, level int, quote bool) {
	c.close()
	c.open.WriteString(line)
	c.level, c.quoted, c.going = level, quote, true
}

func (c *cutter) close() {
	if c.open.Len() > 0 {
		c.pieces = append(c.pieces, piece{text: c.open.String(), level: c.level})
	}
	c.open.Reset()
	c.level, c.going, c.quoted = 0, false, false
}
