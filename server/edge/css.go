package edge

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// cssAddresses calls found with each address that a style sheet may fetch, until
// it returns true. Those are what stands in url(…) and src(…), and every string: @import,
// image-set() and others take one as an address, and to tell which would take a
// parser of CSS. quoted tells a string that stands by itself: it may be content.
// Comments and escapes are read as browsers read them (CSS Syntax § 4).
func cssAddresses(text string, found func(ref string, quoted bool) bool) bool {
	imports := false // since the last ';' an @import was seen
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '/' && strings.HasPrefix(text[i:], "/*"):
			n := strings.Index(text[i+2:], "*/")
			if n < 0 {
				return false
			}
			i += n + 4
		case c == '"' || c == '\'':
			value, end := cssString(text, i)
			if found(value, !imports) {
				return true
			}
			i = end
		case c == ';' || c == '{' || c == '}':
			imports = false
			i++
		case identStart(c) || c == '@':
			name, end := cssIdent(text, i)
			switch name = strings.ToLower(name); {
			case name == "@import", end < len(text) && text[end] == '(' && (name == "image-set" || name == "-webkit-image-set" || name == "image"):
				imports = true
			case end < len(text) && text[end] == '(' && (name == "url" || name == "src" || name == "url-prefix"):
				value, after, raw := cssURL(text, end+1)
				if raw {
					if found(value, false) {
						return true
					}
					end = after
				} else {
					imports = true // the string that follows is the address
				}
			}
			i = max(end, i+1)
		default:
			i++
		}
	}
	return false
}

func identStart(c byte) bool { return letter(c) || c == '_' || c == '-' || c == '\\' || c >= 0x80 }

// cssIdent reads a name, or an at-keyword, from i.
func cssIdent(text string, i int) (name string, end int) {
	var b strings.Builder
	if text[i] == '@' {
		b.WriteByte('@')
		i++
	}
	for i < len(text) {
		c := text[i]
		switch {
		case c == '\\':
			if i+1 < len(text) && newline(text[i+1]) {
				return b.String(), i
			}
			r, next := cssEscape(text, i)
			b.WriteRune(r)
			i = next
		case identStart(c) || '0' <= c && c <= '9':
			b.WriteByte(c)
			i++
		default:
			return b.String(), i
		}
	}
	return b.String(), i
}

// cssString reads the string that begins at i. A line break ends it, as a
// mistake.
func cssString(text string, i int) (value string, end int) {
	var b strings.Builder
	quote := text[i]
	for i++; i < len(text); {
		switch c := text[i]; {
		case c == quote:
			return b.String(), i + 1
		case newline(c):
			return b.String(), i
		case c == '\\':
			if i+1 < len(text) && newline(text[i+1]) {
				i += 2
				continue
			}
			r, next := cssEscape(text, i)
			b.WriteRune(r)
			i = next
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), i
}

// cssURL reads what stands behind "url(". raw is false where that is a string,
// which is read as such.
func cssURL(text string, i int) (value string, end int, raw bool) {
	for i < len(text) && space(text[i]) {
		i++
	}
	if i < len(text) && (text[i] == '"' || text[i] == '\'') {
		return "", i, false
	}
	var b strings.Builder
	for i < len(text) && text[i] != ')' {
		if text[i] == '\\' && i+1 < len(text) && !newline(text[i+1]) {
			r, next := cssEscape(text, i)
			b.WriteRune(r)
			i = next
			continue
		}
		b.WriteByte(text[i])
		i++
	}
	return b.String(), min(i+1, len(text)), true
}

// cssEscape reads the escape that begins with the back slash at i.
func cssEscape(text string, i int) (r rune, end int) {
	i++
	n := i
	for n < len(text) && n < i+6 && hexadecimal(text[n]) {
		n++
	}
	if n == i {
		if i >= len(text) {
			return utf8.RuneError, i
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		return r, i + size
	}
	code, _ := strconv.ParseUint(text[i:n], 16, 32)
	if strings.HasPrefix(text[n:], "\r\n") {
		n++
	}
	if n < len(text) && space(text[n]) {
		n++
	}
	if code == 0 || code > utf8.MaxRune {
		return utf8.RuneError, n
	}
	return rune(code), n
}

func newline(c byte) bool { return c == '\n' || c == '\r' || c == '\f' }

func hexadecimal(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}
