package edge

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// executable reports whether a browser runs what stands in a script element:
// JavaScript, modules, and rules that let it fetch ahead. An import map fetches
// nothing; all other types are data.
func executable(t *tag) bool {
	kind := t.attr("type")
	if kind == nil {
		language := t.get("language")
		return language == "" || javaScript("text/"+strings.ToLower(language))
	}
	text := t.text(*kind)
	if text == "" {
		return true
	}
	switch text = strings.ToLower(strings.Trim(text, " \t\n\f\r")); text {
	case "module", "speculationrules":
		return true
	}
	return javaScript(text)
}

// javaScript reports whether a media type without parameters is one of
// JavaScript's (MIME Sniffing § 4.6).
func javaScript(media string) bool {
	family, kind, _ := strings.Cut(media, "/")
	switch kind {
	case "ecmascript", "javascript", "x-ecmascript", "x-javascript":
		return family == "text" || family == "application"
	case "javascript1.0", "javascript1.1", "javascript1.2", "javascript1.3", "javascript1.4", "javascript1.5", "jscript", "livescript":
		return family == "text"
	}
	return false
}

// calls are the functions and lists by which the snippets of vendors are told
// what to do, and a host each stands for. A script that begins with one is that
// vendor's; one that merely holds one may be the site's own.
var calls = map[string]string{
	"fbq": "connect.facebook.net", "ttq": "analytics.tiktok.com", "pintrk": "s.pinimg.com",
	"twq": "static.ads-twitter.com", "snaptr": "tr.snapchat.com", "rdt": "www.redditstatic.com",
	"lintrk": "snap.licdn.com", "clarity": "www.clarity.ms", "hj": "static.hotjar.com",
	"uetq": "bat.bing.com", "ym": "mc.yandex.ru", "_tfa": "cdn.taboola.com",
}

// scriptAddresses calls found with each address that stands in an inline script
// as a vendor's snippet writes it, until it returns true: a quoted text that
// begins with a host ("//host/…", 'https://host', ".host/…", "host"), or src=//host
// in a quoted piece of markup. An address put together of smaller pieces is not
// found; the page's own script stops what comes of it. What stands in a comment
// is none.
func scriptAddresses(text string, found func(address string) bool) bool {
	if strings.IndexByte(text, '\\') >= 0 {
		text = unescapeScript(text)
	}
	first := strings.TrimLeft(text, " \t\r\n\f;")
	for name, host := range calls {
		if rest, ok := strings.CutPrefix(strings.TrimPrefix(first, "window."), name); ok && rest != "" && strings.IndexByte("(.[", rest[0]) >= 0 && found("https://"+host+"/") {
			return true
		}
	}
	for i := 0; i+3 < len(text); i++ {
		switch text[i] {
		case '"', '\'', '`':
			if at, ok := hostAt(text, i+1); ok && foundAt(text, at, found) {
				return true
			}
		case '=', '(':
			// Markup and style in a string: src=//host, url(//host). A '(' alone is
			// found in comments: (https://…).
			bare := text[i] == '=' || strings.HasSuffix(strings.ToLower(text[:i]), "url")
			if at, ok := schemeAt(text, i+1); bare && ok && foundAt(text, at, found) {
				return true
			}
		}
	}
	return false
}

// schemeAt finds the host behind "https://", "://" or "//" at i.
func schemeAt(text string, i int) (at int, ok bool) {
	j := i
	for j < len(text) && j < i+6 && letter(text[j]) {
		j++
	}
	if j < len(text) && text[j] == ':' {
		j++
	} else if j > i {
		return 0, false
	}
	if !strings.HasPrefix(text[j:], "//") {
		return 0, false
	}
	return j + 2, true
}

// hostAt finds the host at the beginning of a quoted text: behind a scheme, or
// by itself.
func hostAt(text string, i int) (at int, ok bool) {
	if at, ok := schemeAt(text, i); ok {
		return at, true
	}
	end, dots := i, 0
	for end < len(text) && hostByte(text[end]) {
		if text[end] == '.' {
			dots++
		}
		end++
	}
	if dots == 0 || end == len(text) || strings.IndexByte("\"'`/:?#", text[end]) < 0 {
		return 0, false
	}
	return i, true
}

// foundAt tells of the address whose host begins at i.
func foundAt(text string, i int, found func(address string) bool) bool {
	end := i
	for end < len(text) && hostByte(text[end]) {
		end++
	}
	host := strings.Trim(strings.ToLower(text[i:end]), ".")
	if !strings.Contains(host, ".") {
		return false
	}
	path := end
	for path < len(text) && text[path] > ' ' && strings.IndexByte("\"'`?#\\<>", text[path]) < 0 {
		path++
	}
	return found("https://" + host + text[end:path])
}

func hostByte(c byte) bool {
	return letter(c) || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_'
}

// unescapeScript decodes the escapes of strings that hide an address: "\/",
// "\x2f", "\u002f" and "\u{2f}". All else stays as it is.
func unescapeScript(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for {
		i := strings.IndexByte(text, '\\')
		if i < 0 || i+1 == len(text) {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i])
		text = text[i:]
		size := 2
		switch c := text[1]; {
		case c == '/' || c == '"' || c == '\'':
			b.WriteByte(c)
		case c == 'x' && len(text) >= 4:
			size = codeUnit(&b, text, text[2:4], 4)
		case c == 'u' && strings.HasPrefix(text, `\u{`):
			if end := strings.IndexByte(text, '}'); end > 0 && end < 12 {
				size = codeUnit(&b, text, text[3:end], end+1)
			}
		case c == 'u' && len(text) >= 6:
			size = codeUnit(&b, text, text[2:6], 6)
		default:
			b.WriteString(text[:2])
		}
		text = text[size:]
	}
}

// codeUnit writes the character of a hexadecimal code, or the escape itself,
// and returns how much of text it has dealt with.
func codeUnit(b *strings.Builder, text, digits string, size int) int {
	code, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || code > utf8.MaxRune {
		b.WriteString(text[:2])
		return 2
	}
	b.WriteRune(rune(code))
	return size
}
