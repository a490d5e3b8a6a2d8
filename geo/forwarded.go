package geo

import (
	"net/netip"
	"strings"
)

// lastListed cuts the right-most entry off a comma-separated list.
func lastListed(line string) (entry, rest string, more bool) {
	i := strings.LastIndexByte(line, ',')
	if i < 0 {
		return line, "", false
	}
	return line[i+1:], line[:i], true
}

// lastElement cuts the right-most element off a Forwarded line (RFC 7239 §4).
// Commas in quoted strings don't separate. It counts quotes from the right,
// where the trusted proxy wrote well-formed text: counted from the left, one
// open quote sent by the client would swallow what the proxies appended.
func lastElement(line string) (entry, rest string, more bool) {
	quoted := false
	for i := len(line) - 1; i >= 0; i-- {
		switch line[i] {
		case '"':
			if !quoted || !escaped(line, i) {
				quoted = !quoted
			}
		case ',':
			if !quoted {
				return line[i+1:], line[:i], true
			}
		}
	}
	return line, "", false
}

// escaped reports whether the byte at i follows an odd number of backslashes.
func escaped(s string, i int) bool {
	n := 0
	for i > n && s[i-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// parseListed reads an entry of X-Forwarded-For, which some proxies quote as
// they would in Forwarded.
func parseListed(entry string) (netip.Addr, bool) {
	if len(entry) >= 2 && entry[0] == '"' && entry[len(entry)-1] == '"' {
		entry = entry[1 : len(entry)-1]
	}
	return parseNode(entry)
}

// parseElement reads the one "for" parameter of a Forwarded element.
func parseElement(element string) (netip.Addr, bool) {
	var addr netip.Addr
	found := false
	for more := true; more; {
		var pair string
		pair, element, more = firstPair(element)
		name, value, ok := strings.Cut(trim(pair), "=")
		if !ok || !strings.EqualFold(name, "for") {
			continue
		}
		if found {
			return netip.Addr{}, false // two are none
		}
		if value, ok = unquote(value); !ok {
			return netip.Addr{}, false
		}
		if addr, found = parseNode(value); !found {
			return netip.Addr{}, false
		}
	}
	return addr, found
}

// firstPair cuts the left-most parameter off an element.
func firstPair(element string) (pair, rest string, more bool) {
	quoted := false
	for i := 0; i < len(element); i++ {
		switch c := element[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ';' && !quoted:
			return element[:i], element[i+1:], true
		}
	}
	return element, "", false
}

// unquote takes the quotes off a quoted string (RFC 9110 §5.6.4) and returns a
// token as it is. An address needs no escapes, so a string with one is none.
func unquote(s string) (string, bool) {
	if !strings.ContainsAny(s, `"\`) {
		return s, true
	}
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return "", false
	}
	s = s[1 : len(s)-1]
	return s, !strings.ContainsAny(s, `"\`)
}

// parseNode reads an address as proxies write them: a.b.c.d, a.b.c.d:port,
// IPv6 bare, in brackets, or in brackets with a port. The port is checked and
// dropped, as is a zone; a mapped IPv4 address becomes IPv4.
func parseNode(s string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, port, ok := strings.Cut(inner, "]")
		if !ok || (port != "" && !isPort(port)) {
			return netip.Addr{}, false
		}
		addr, err := netip.ParseAddr(inner)
		return normal(addr), err == nil && addr.Is6()
	}
	if strings.Count(s, ":") == 1 {
		i := strings.IndexByte(s, ':')
		if !isPort(s[i:]) {
			return netip.Addr{}, false
		}
		addr, err := netip.ParseAddr(s[:i])
		return normal(addr), err == nil
	}
	addr, err := netip.ParseAddr(s)
	return normal(addr), err == nil
}

// parseViewer reads CloudFront-Viewer-Address, always address and port, IPv6
// without brackets: 2001:db8::7:443 is port 443 of 2001:db8::7.
func parseViewer(s string) (netip.Addr, bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || !isPort(s[i:]) {
		return netip.Addr{}, false
	}
	return parseNode(s[:i])
}

// isPort reports whether s is a colon and a port: one to five digits, or an
// obfuscated one (RFC 7239 §6.3).
func isPort(s string) bool {
	if len(s) < 2 || s[0] != ':' {
		return false
	}
	s = s[1:]
	obfuscated := s[0] == '_'
	if obfuscated {
		s = s[1:]
	} else if len(s) > 5 {
		return false
	}
	for _, c := range []byte(s) {
		digit := '0' <= c && c <= '9'
		word := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '.' || c == '_' || c == '-'
		if !digit && (!obfuscated || !word) {
			return false
		}
	}
	return s != ""
}

// trim takes off the white space that HTTP allows around list members.
func trim(s string) string { return strings.Trim(s, " \t") }

// normal is addr without a zone, and IPv4 where it is IPv4.
func normal(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
