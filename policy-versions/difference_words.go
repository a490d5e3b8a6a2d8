package policyversions

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A token is a word or a punctuation mark, with the blanks behind it. What is
// compared is the word: a line that was wrapped elsewhere holds the same words.
type token struct {
	core  string // "" is the blanks that a piece begins with, where they are compared as a word
	blank string
	id    int32 // of core
	word  bool  // holds a letter or a digit
}

// A vocabulary gives equal words of two texts the same number.
type vocabulary struct {
	words map[string]int32
	keys  map[string]int32 // of whole pieces
}

func newVocabulary() vocabulary {
	return vocabulary{make(map[string]int32), make(map[string]int32)}
}

func number(m map[string]int32, s string) int32 {
	id, ok := m[s]
	if !ok {
		id = int32(len(m))
		m[s] = id
	}
	return id
}

// tokens cuts s, which loses nothing: all cores and blanks, one after another, are s.
func (v *vocabulary) tokens(s string) (tokens []token, words int) {
	tokens = make([]token, 0, len(s)/6+1)
	for len(s) > 0 {
		n, word := tokenLength(s)
		core := s[:n]
		s = s[n:]
		blank := len(s) - len(strings.TrimLeft(s, " \n\t\r"))
		if word {
			words++
		}
		tokens = append(tokens, token{core, s[:blank], number(v.words, core), word})
		s = s[blank:]
	}
	return tokens, words
}

// tokenLength is how many bytes the first token of s has. Scripts that are written
// without blanks are cut between characters.
func tokenLength(s string) (n int, word bool) {
	first, n := utf8.DecodeRuneInString(s)
	kind := kindOf(first)
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		switch next := kindOf(r); {
		case next == attached: // stays with what it modifies
		case kind == lettered && next == lettered, kind == blanks && next == blanks, kind == regional && next == regional:
		case kind == marks && r == first: // "**", "||"
		case kind == lettered && joins(r) && n+size < len(s) && joined(s, n, size, r):
		default:
			return n, kind == lettered || kind == unspaced
		}
		n += size
	}
	return n, kind == lettered || kind == unspaced
}

type runeKind byte

const (
	marks    runeKind = iota // punctuation, symbols, what is no character
	lettered                 // of words with blanks between them
	unspaced                 // of a script without blanks
	blanks
	attached // to what stands before
	regional // a regional indicator, of which two make one sign
)

func kindOf(r rune) runeKind {
	switch {
	case r < utf8.RuneSelf:
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return lettered
		case r == ' ', r == '\n', r == '\t', r == '\r':
			return blanks
		}
		return marks
	case r >= 0x1F1E6 && r <= 0x1F1FF:
		return regional
	case unicode.IsMark(r), r == '\u200C', r == '\u200D', r == '\u00AD', r >= 0x1F3FB && r <= 0x1F3FF:
		return attached
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan) && unicode.IsLetter(r):
		return unspaced
	case unicode.IsLetter(r), unicode.IsDigit(r):
		return lettered
	}
	return marks
}

// joins is true for marks that can be within a word or a number.
func joins(r rune) bool { return strings.ContainsRune("'’.,_", r) }

// joined is true for the apostrophe of "don't" and the marks of "1,000.50", where
// s[at] is that mark.
func joined(s string, at, size int, r rune) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:at])
	after, _ := utf8.DecodeRuneInString(s[at+size:])
	if kindOf(after) != lettered {
		return false
	}
	if r == '.' || r == ',' {
		return unicode.IsDigit(before) && unicode.IsDigit(after)
	}
	return true
}

// A wording is the difference between the words of two pieces.
type wording struct {
	spans     []Span
	put, gone int // words
}

// A run is tokens of both sides that are alike, or tokens of either that are not.
type run struct {
	aLo, aHi, bLo, bHi int
	same               bool
}

// words compares two pieces.
func (c *comparison) words(old, now *piece) wording {
	var w wording
	var runs []run
	if old.key == now.key {
		runs = []run{{0, len(old.tokens), 0, len(now.tokens), true}}
	} else {
		gone, put := c.script.compare(ids(old.tokens), ids(now.tokens))
		runs = merge(runsOf(gone, put), old.tokens, now.tokens)
		slide(runs, old.tokens, now.tokens)
	}
	var s spanner
	for _, r := range runs {
		if r.same {
			for k := range r.aHi - r.aLo {
				a, b := old.tokens[r.aLo+k], now.tokens[r.bLo+k]
				s.keep(a.core)
				s.change(a.blank, b.blank)
			}
			continue
		}
		s.change(textOfTokens(old.tokens[r.aLo:r.aHi]), textOfTokens(now.tokens[r.bLo:r.bHi]))
		w.gone += countWords(old.tokens[r.aLo:r.aHi])
		w.put += countWords(now.tokens[r.bLo:r.bHi])
	}
	w.spans = s.done()
	return w
}

func ids(tokens []token) []int32 {
	list := make([]int32, len(tokens))
	for i := range tokens {
		list[i] = tokens[i].id
	}
	return list
}

func countWords(tokens []token) (n int) {
	for i := range tokens {
		n += btoi(tokens[i].word)
	}
	return n
}

func textOfTokens(tokens []token) string {
	var b strings.Builder
	for i := range tokens {
		b.WriteString(tokens[i].core)
		b.WriteString(tokens[i].blank)
	}
	return b.String()
}

// runsOf reads which tokens are alike from which are not.
func runsOf(gone, put []bool) (runs []run) {
	for i, j := 0, 0; i < len(gone) || j < len(put); {
		r := run{aLo: i, bLo: j}
		for i < len(gone) && gone[i] {
			i++
		}
		for j < len(put) && put[j] {
			j++
		}
		if r.same = i == r.aLo && j == r.bLo; r.same {
			for i < len(gone) && j < len(put) && !gone[i] && !put[j] {
				i, j = i+1, j+1
			}
		}
		r.aHi, r.bHi = i, j
		runs = append(runs, r)
	}
	return runs
}

// crumb is the number of words up to which what is alike between two changes is
// marked as changed with them: a sentence that was written anew is not read as one
// that kept its "of the".
const crumb = 3

// merge makes one change of two that have only a crumb between them.
func merge(runs []run, old, now []token) []run {
	size := func(r run) int { return max(countWords(old[r.aLo:r.aHi]), countWords(now[r.bLo:r.bHi])) }
	out := runs[:0]
	for k, r := range runs {
		if n := len(out); r.same && n > 0 && k+1 < len(runs) && r.aHi-r.aLo <= 4*crumb {
			if words := countWords(old[r.aLo:r.aHi]); words <= crumb && size(out[n-1]) > 0 && size(runs[k+1]) > 0 &&
				2*words <= size(out[n-1])+size(runs[k+1]) {
				out[n-1].aHi, out[n-1].bHi = r.aHi, r.bHi
				continue
			}
		}
		if n := len(out); !r.same && n > 0 && !out[n-1].same {
			out[n-1].aHi, out[n-1].bHi = r.aHi, r.bHi
			continue
		}
		out = append(out, r)
	}
	return out
}

// slide moves what was put in or taken out to where sentences begin: of "A b. A c."
// without its second half, "A c." is gone and not "b. A".
func slide(runs []run, old, now []token) {
	for k := 1; k+1 < len(runs); k++ {
		before, r, after := &runs[k-1], &runs[k], &runs[k+1]
		var all []token
		var lo, hi int
		switch {
		case r.same || !before.same || !after.same:
			continue
		case r.aLo == r.aHi:
			all, lo, hi = now, r.bLo, r.bHi
		case r.bLo == r.bHi:
			all, lo, hi = old, r.aLo, r.aHi
		default:
			continue
		}
		const most = 200 // tokens; a sentence
		best, by := edge(all, lo)+edge(all, hi), 0
		for n := 1; n <= min(most, before.aHi-before.aLo-1) && all[lo-n].id == all[hi-n].id; n++ {
			if score := edge(all, lo-n) + edge(all, hi-n); score > best {
				best, by = score, -n
			}
		}
		for n := 0; n < min(most, after.aHi-after.aLo-1) && all[lo+n].id == all[hi+n].id; n++ {
			if score := edge(all, lo+n+1) + edge(all, hi+n+1); score > best {
				best, by = score, n+1
			}
		}
		before.aHi, before.bHi = before.aHi+by, before.bHi+by
		r.aLo, r.aHi, r.bLo, r.bHi = r.aLo+by, r.aHi+by, r.bLo+by, r.bHi+by
		after.aLo, after.bLo = after.aLo+by, after.bLo+by
	}
}

// edge is how well a text can be cut before a token.
func edge(tokens []token, at int) int {
	if at == 0 || at == len(tokens) {
		return 4
	}
	before := tokens[at-1]
	switch {
	case before.word:
		return btoi(before.blank != "")
	case strings.Contains(".!?。！？؟।", before.core):
		return 4
	case strings.Contains(",;:、，；：،", before.core):
		return 3
	case before.blank != "":
		return 2
	}
	return 0
}

// A spanner writes spans, with what is gone before what was put in its place.
type spanner struct {
	spans           []Span
	kept, gone, put strings.Builder
}

func (s *spanner) keep(text string) {
	if text == "" {
		return
	}
	if s.gone.Len()+s.put.Len() > 0 {
		s.flush()
	}
	s.kept.WriteString(text)
}

func (s *spanner) change(gone, put string) {
	if gone == put && s.gone.Len()+s.put.Len() == 0 {
		s.kept.WriteString(gone)
		return
	}
	s.gone.WriteString(gone)
	s.put.WriteString(put)
}

// flush writes what was collected. Blanks that both sides of a change begin or end
// with are no part of it.
func (s *spanner) flush() {
	gone, put := s.gone.String(), s.put.String()
	head, tail := 0, 0
	for head < min(len(gone), len(put)) && gone[head] == put[head] && isBlank(gone[head]) {
		head++
	}
	for tail < min(len(gone), len(put))-head && gone[len(gone)-1-tail] == put[len(put)-1-tail] && isBlank(gone[len(gone)-1-tail]) {
		tail++
	}
	s.kept.WriteString(gone[:head])
	s.add(Kept, s.kept.String())
	s.add(Gone, gone[head:len(gone)-tail])
	s.add(Put, put[head:len(put)-tail])
	s.kept.Reset()
	s.gone.Reset()
	s.put.Reset()
	s.kept.WriteString(gone[len(gone)-tail:])
}

func (s *spanner) done() []Span {
	s.flush()
	s.add(Kept, s.kept.String())
	return s.spans
}

func (s *spanner) add(op Op, text string) {
	switch n := len(s.spans); {
	case text == "":
	case n > 0 && s.spans[n-1].Op == op:
		s.spans[n-1].Text += text
	default:
		s.spans = append(s.spans, Span{op, text})
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
