package catalogue

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// Data splits a data: address into its media type, in lower case and without
// parameters, and its bytes (Fetch, "data: URL processor"). ok is false for any
// other address.
func Data(text string) (media, content string, ok bool) {
	scheme, rest := CutScheme(text)
	if scheme != "data" {
		return "", "", false
	}
	media, content, _ = strings.Cut(rest, ",")
	content = PercentDecode(content)
	media = strings.ToLower(media)
	if kind, coded := strings.CutSuffix(strings.TrimRight(media, " "), "base64"); coded && strings.HasSuffix(strings.TrimRight(kind, " "), ";") {
		content = fromBase64(content)
	}
	media, _, _ = strings.Cut(media, ";")
	return strings.TrimSpace(media), content, true
}

// PercentDecode decodes what can be; browsers leave the rest as it is.
func PercentDecode(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if decoded, err := url.PathUnescape(s[i : i+3]); err == nil {
				out = append(out, decoded...)
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

// fromBase64 decodes as browsers do (Infra, "forgiving-base64 decode"): white
// space and missing padding don't matter. What is none decodes to nothing.
func fromBase64(s string) string {
	s = strings.TrimRight(strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\n\f\r", r) {
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
