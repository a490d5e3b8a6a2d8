package visitor

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// ErrNotAcceptable is returned where a client takes none of the forms there are.
var ErrNotAcceptable = errors.New("none of the forms there are is acceptable")

// Forms a policy is answered in.
const (
	asPage     = "text/html"
	asJSON     = "application/json"
	asMarkdown = "text/markdown"
	asLinks    = "application/link-format" // RFC 6690
	asFeed     = "application/atom+xml"    // RFC 4287
)

// accepted picks the form that a client wants most (RFC 9110, 12.5.1). offers
// stand in our own order, which decides between those it wants alike, and where it
// asks for nothing. It fails with ErrNotAcceptable.
func accepted(r *http.Request, offers ...string) (string, error) {
	ranges := mediaRanges(strings.Join(r.Header.Values("Accept"), ","))
	if len(ranges) == 0 {
		return offers[0], nil
	}
	best, most := "", 0
	for _, offer := range offers {
		if q := quality(ranges, offer); q > most {
			best, most = offer, q
		}
	}
	if best == "" {
		return "", ErrNotAcceptable
	}
	return best, nil
}

// A mediaRange is one element of Accept. q is in thousandths.
type mediaRange struct {
	kind, sub string // lower case; "*" is any
	q         int
}

// quality is that of the most specific range that an offer is in, or 0.
func quality(ranges []mediaRange, offer string) int {
	kind, sub, _ := strings.Cut(offer, "/")
	q, closest := 0, 0
	for _, m := range ranges {
		near := 0
		switch {
		case m.kind == kind && m.sub == sub:
			near = 3
		case m.kind == kind && m.sub == "*":
			near = 2
		case m.kind == "*":
			near = 1
		}
		if near > closest {
			q, closest = m.q, near
		}
	}
	return q
}

// mediaRanges reads Accept. An element that is none is left out, as is one with a
// parameter that would tell apart what we do not: all our text is UTF-8, all our
// Markdown of one kind.
func mediaRanges(accept string) (ranges []mediaRange) {
	for _, element := range splitUnquoted(accept, ',') {
		parts := splitUnquoted(element, ';')
		kind, sub, ok := strings.Cut(strings.ToLower(strings.TrimSpace(parts[0])), "/")
		if !ok || !isToken(kind) || !isToken(sub) || (kind == "*" && sub != "*") {
			continue
		}
		m := mediaRange{kind, sub, 1000}
		for _, part := range parts[1:] {
			name, value, _ := strings.Cut(part, "=")
			switch name = strings.ToLower(strings.TrimSpace(name)); name {
			case "", "charset", "variant":
			case "q":
				m.q, ok = weight(strings.TrimSpace(value))
			default:
				ok = false
			}
			if !ok || name == "q" { // what follows a weight extends Accept, and says nothing of the form
				break
			}
		}
		if ok {
			ranges = append(ranges, m)
		}
	}
	return ranges
}

// weight reads a qvalue (RFC 9110, 12.4.2) in thousandths.
func weight(s string) (int, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	if (whole != "0" && whole != "1") || len(fraction) > 3 {
		return 0, false
	}
	for _, digit := range fraction {
		if digit < '0' || digit > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(whole + fraction + "000"[len(fraction):])
	return n, err == nil && n <= 1000
}

// splitUnquoted splits at a separator that is not within a quoted string.
func splitUnquoted(s string, at byte) (parts []string) {
	quoted, from := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == at && !quoted:
			parts, from = append(parts, s[from:i]), i+1
		}
	}
	return append(parts, s[from:])
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
