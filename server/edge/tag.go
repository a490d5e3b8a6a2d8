package edge

import (
	"bytes"
	"html"
	"strings"
)

// A tag is one start tag as a browser reads it (HTML, "Tokenization"), with the
// place of each of its parts in the bytes it was read from.
type tag struct {
	raw    []byte // from '<' to '>'
	name   string // lower case
	after  int    // where the name ends
	attrs  []attr // those that count: of a name given twice, the first
	twice  []attr // the others
	closed bool   // ends with "/>"
}

type attr struct {
	name       string // lower case
	start, end int    // of the whole in raw
	nameEnd    int
	value      int // start of the value in raw, behind its quote; 0 if there is none
	valueEnd   int
	quote      byte // of the value, or 0
}

// text is the value as the browser has it: character references decoded.
func (t *tag) text(a attr) string {
	if a.value == 0 {
		return ""
	}
	return unescape(string(t.raw[a.value:a.valueEnd]))
}

// attr finds an attribute; nil if there is none.
func (t *tag) attr(name string) *attr {
	for i := range t.attrs {
		if t.attrs[i].name == name {
			return &t.attrs[i]
		}
	}
	return nil
}

// get is the value of an attribute, "" if there is none.
func (t *tag) get(name string) string {
	if a := t.attr(name); a != nil {
		return t.text(*a)
	}
	return ""
}

// readTag reads a start tag. It fails where the bytes are not exactly one: then
// whoever cut them out of the page and the browser do not agree on what they
// are. The slices of t are used again.
func readTag(t *tag, raw []byte) bool {
	*t = tag{raw: raw, attrs: t.attrs[:0], twice: t.twice[:0]}
	end := len(raw) - 1
	if end < 2 || raw[0] != '<' || !letter(raw[1]) || raw[end] != '>' {
		return false
	}
	i := 1
	for i < end && !space(raw[i]) && raw[i] != '/' && raw[i] != '>' {
		i++
	}
	t.after = i
	t.name = lower(raw[1:i])
	for {
		// Before attribute name, and self-closing start tag.
		for i < end && (space(raw[i]) || raw[i] == '/') {
			i++
		}
		if raw[i] == '>' {
			t.closed = raw[i-1] == '/' && (len(t.attrs)+len(t.twice) == 0 || lastEnd(t) < i)
			return i == end
		}
		a := attr{start: i}
		i++ // also a '=': at the start of a name it belongs to it
		for i < end && !space(raw[i]) && raw[i] != '/' && raw[i] != '>' && raw[i] != '=' {
			i++
		}
		a.nameEnd, a.end = i, i
		a.name = lower(raw[a.start:i])
		j := i
		for j < end && space(raw[j]) {
			j++
		}
		if raw[j] == '=' {
			if i = readValue(raw, j+1, &a); i < 0 {
				return false
			}
			a.end = i
		}
		if t.attr(a.name) != nil {
			t.twice = append(t.twice, a)
		} else {
			t.attrs = append(t.attrs, a)
		}
	}
}

// lastEnd is where the last attribute ends: a '/' of an unquoted value closes
// no tag.
func lastEnd(t *tag) (end int) {
	for _, list := range [...][]attr{t.attrs, t.twice} {
		if n := len(list); n > 0 {
			end = max(end, list[n-1].end)
		}
	}
	return end
}

// readValue reads what stands behind '=', and returns where it ends; -1 if the
// tag ends first.
func readValue(raw []byte, i int, a *attr) int {
	end := len(raw) - 1
	for i < end && space(raw[i]) {
		i++
	}
	switch c := raw[i]; c {
	case '>': // missing value: the tag ends here
		return i
	case '"', '\'':
		n := bytes.IndexByte(raw[i+1:], c)
		if n < 0 {
			return -1
		}
		a.quote, a.value, a.valueEnd = c, i+1, i+1+n
		return i + n + 2
	}
	a.value = i
	for i < end && !space(raw[i]) && raw[i] != '>' {
		i++
	}
	a.valueEnd = i
	return i
}

// An edit turns one tag into what may stand in the page.
type edit struct {
	first  string            // attributes that go in front of all others, each with a space before it
	rename map[string]string // attributes by name, and what they are called from now on
	drop   map[string]bool
}

func (e *edit) renamed(name, to string) {
	if e.rename == nil {
		e.rename = map[string]string{}
	}
	e.rename[name] = to
}

func (e *edit) dropped(name string) {
	if e.drop == nil {
		e.drop = map[string]bool{}
	}
	e.drop[name] = true
}

// apply writes the tag with its changes; everything else stays byte for byte.
// An attribute that stood twice must not come into force when the first is
// renamed, so it goes.
func (e *edit) apply(dst []byte, t *tag) []byte {
	dst = append(dst, t.raw[:t.after]...)
	dst = append(dst, e.first...)
	at := t.after
	cut := func(a attr) { // with the white space before it
		start := a.start
		for start > at && space(t.raw[start-1]) {
			start--
		}
		dst = append(dst, t.raw[at:start]...)
		if at = a.end; !space(t.raw[at]) && t.raw[at] != '>' {
			dst = append(dst, ' ') // what stood side by side must not become one
		}
	}
	taken := func(name string) bool {
		for _, to := range e.rename {
			if to == name {
				return true
			}
		}
		return false
	}
	i, j := 0, 0
	for i < len(t.attrs) || j < len(t.twice) {
		var a attr
		again := i == len(t.attrs) || (j < len(t.twice) && t.twice[j].start < t.attrs[i].start)
		if again {
			a = t.twice[j]
			j++
		} else {
			a = t.attrs[i]
			i++
		}
		to, renamed := e.rename[a.name]
		switch {
		case e.drop[a.name], taken(a.name) && !renamed, again && renamed:
			cut(a)
		case renamed:
			dst = append(dst, t.raw[at:a.start]...)
			dst = append(dst, to...)
			dst = append(dst, t.raw[a.nameEnd:a.end]...)
			at = a.end
		}
	}
	return append(dst, t.raw[at:]...)
}

// unescape decodes the character references of an attribute's value. What a
// reference without a semicolon means depends on what follows (HTML, "Named
// character reference state"), and html.UnescapeString decodes "&copy=1" where
// a browser does not; both readings of an address have the same host.
func unescape(s string) string {
	if strings.IndexByte(s, '&') < 0 {
		return s
	}
	return html.UnescapeString(s)
}

var valueEscaper = strings.NewReplacer("&", "&amp;", `"`, "&#34;")

func escapeValue(s string) string { return valueEscaper.Replace(s) }

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func space(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' }

// lower is ASCII-lower-case, as the names of tags are: strings.ToLower makes a k
// of the Kelvin sign.
func lower(b []byte) string {
	for _, c := range b {
		if 'A' <= c && c <= 'Z' {
			out := make([]byte, len(b))
			for i, c := range b {
				if 'A' <= c && c <= 'Z' {
					c += 'a' - 'A'
				}
				out[i] = c
			}
			return string(out)
		}
	}
	return string(b)
}
