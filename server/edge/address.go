package edge

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// dataOf splits a data: address into its media type and its bytes (Fetch, "data:
// URL processor"). ok is false for any other address.
func dataOf(ref string) (media, content string, ok bool) {
	scheme, rest := cutScheme(ref)
	if scheme != "data" {
		return "", "", false
	}
	media, content, _ = strings.Cut(rest, ",")
	content = percentDecoded(content)
	media = strings.ToLower(media)
	if kind, coded := strings.CutSuffix(strings.TrimRight(media, " "), "base64"); coded && strings.HasSuffix(strings.TrimRight(kind, " "), ";") {
		content = fromBase64(content)
	}
	media, _, _ = strings.Cut(media, ";")
	return strings.TrimSpace(media), content, true
}

// cutScheme finds the scheme of an address, in lower case, and what follows it,
// without what browsers take off: controls and spaces around, tabs and line
// breaks within. A reference without one has "".
func cutScheme(ref string) (scheme, rest string) {
	ref = strings.TrimFunc(ref, func(r rune) bool { return r <= ' ' })
	if strings.ContainsAny(ref, "\t\n\r") {
		ref = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(ref)
	}
	for i := range len(ref) {
		switch c := ref[i]; {
		case letter(c):
		case c == ':' && i > 0:
			return strings.ToLower(ref[:i]), ref[i+1:]
		case i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return "", ref
		}
	}
	return "", ref
}

// percentDecoded decodes what can be; browsers leave the rest as it is.
func percentDecoded(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && hexadecimal(s[i+1]) && hexadecimal(s[i+2]) {
			decoded, _ := url.PathUnescape(s[i : i+3])
			out = append(out, decoded...)
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}

// fromBase64 decodes as browsers do (Infra, "forgiving-base64 decode"): white
// space and missing padding don't matter. What is none decodes to nothing.
func fromBase64(s string) string {
	s = strings.TrimRight(strings.Map(func(r rune) rune {
		if r < 0x80 && space(byte(r)) {
			return -1
		}
		return r
	}, s), "=")
	decoded, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return ""
	}
	return string(decoded)
}
