package catalogue

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// An Address says where something is loaded from, as far as that tells whose it
// is.
type Address struct {
	Scheme string // lower case
	Host   string // lower case, ASCII, without port, brackets and final dot; "" where Remote is false
	Path   string // escaped, no dots to resolve; begins with "/" where Remote is true
}

// Remote reports whether something is asked for over the network. data:, blob:
// and the like are not.
func (a Address) Remote() bool { return remote[a.Scheme] }

var remote = map[string]bool{"http": true, "https": true, "ws": true, "wss": true}

// ParseAddress reads an address as browsers do (WHATWG URL, § 4.4), which is
// not as net/url does: what a browser takes for a host must not pass for a path
// here. Base is the document's base; without one only whole addresses are read.
// What is an error here no browser loads either, or finds.
func ParseAddress(text string, base *url.URL) (Address, error) {
	scheme, rest := CutScheme(text)
	if scheme != "" && !remote[scheme] {
		return Address{Scheme: scheme}, nil
	}
	if cut := strings.IndexAny(rest, "?#"); cut >= 0 {
		rest = rest[:cut]
	}
	rest = strings.ReplaceAll(rest, `\`, "/")
	relative := scheme == "" || base != nil && scheme == base.Scheme
	switch {
	case strings.HasPrefix(rest, "//") || !relative:
		if scheme == "" && base != nil {
			scheme = base.Scheme
		}
		if scheme == "" {
			return Address{}, errors.New("has no scheme")
		}
		authority, path, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
		host, err := parseHost(authority)
		return Address{scheme, host, resolve("/" + path)}, err
	case base == nil:
		return Address{}, errors.New("is not a whole address")
	}
	b, err := ParseAddress(base.String(), nil)
	if err != nil || !b.Remote() {
		return Address{}, fmt.Errorf("can't be resolved against %q", base.Redacted())
	}
	switch {
	case rest == "":
	case rest[0] == '/':
		b.Path = resolve(rest)
	default:
		b.Path = resolve(b.Path[:strings.LastIndexByte(b.Path, '/')+1] + rest)
	}
	return b, nil
}

// breaks takes out what browsers take out anywhere in an address. It is made
// once: a page has hundreds of them.
var breaks = strings.NewReplacer("\t", "", "\n", "", "\r", "")

// CutScheme finds the scheme of an address, in lower case, and what follows its
// colon, without what browsers take out: controls and spaces around, tabs and
// line breaks within. Of a reference without one the scheme is "".
func CutScheme(text string) (scheme, rest string) {
	text = strings.TrimFunc(text, func(r rune) bool { return r <= ' ' })
	text = breaks.Replace(text)
	for i := range len(text) {
		switch c := text[i] | 0x20; {
		case 'a' <= c && c <= 'z':
		case i > 0 && ('0' <= text[i] && text[i] <= '9' || strings.IndexByte("+-.", text[i]) >= 0):
		case i > 0 && text[i] == ':':
			return strings.ToLower(text[:i]), text[i+1:]
		default:
			return "", text
		}
	}
	return "", text
}

// toASCII is domain to ASCII of the URL standard, not strict.
var toASCII = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false), idna.VerifyDNSLength(false))

// parseHost reads the part between the slashes: user, host, port.
func parseHost(authority string) (string, error) {
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	host, port := authority, ""
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		host, port = authority[:i], authority[i+1:]
	}
	if port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil || port[0] == '+' {
			return "", errors.New("has a port that is none")
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		ip, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !ip.Is6() || ip.Zone() != "" || inner[len(inner)-1] != ']' {
			return "", errors.New("has an IPv6 address that is none")
		}
		return ip.String(), nil
	}
	// A % that escapes nothing stays, and is refused below.
	if decoded, err := url.PathUnescape(host); err == nil {
		host = decoded
	}
	valid := utf8.ValidString(host)
	host, err := toASCII.ToASCII(host)
	host = strings.TrimSuffix(host, ".")
	if !valid || err != nil || host == "" || strings.HasSuffix(host, ".") || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`#%/:<>?@[\]^|`, r) }) {
		return "", errors.New("has a host that is none")
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if _, err := number(last); last != "" && (err == nil || strings.Trim(last, "0123456789") == "") {
		return parseIPv4(host)
	}
	return host, nil
}

// parseIPv4 reads what browsers take for an address by number: 127.1,
// 0x7f000001.
func parseIPv4(host string) (string, error) {
	parts := strings.Split(host, ".")
	var ip uint64
	for i, part := range parts {
		n, err := number(part)
		rest := 4 - i // bytes that are still open
		if i < len(parts)-1 {
			rest = 1
		}
		if err != nil || len(parts) > 4 || n >= 1<<(8*rest) {
			return "", errors.New("has an IPv4 address that is none")
		}
		if i == len(parts)-1 {
			ip |= n
		} else {
			ip |= n << (8 * (3 - i))
		}
	}
	return netip.AddrFrom4([4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)}).String(), nil
}

// number reads decimal, 0x hexadecimal, or octal behind a 0.
func number(part string) (uint64, error) {
	lower := strings.ToLower(part)
	switch {
	case lower == "0x":
		return 0, nil
	case strings.HasPrefix(lower, "0x"):
		return strconv.ParseUint(lower[2:], 16, 64)
	case len(lower) > 1 && lower[0] == '0':
		return strconv.ParseUint(lower[1:], 8, 64)
	}
	if strings.Trim(lower, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(lower, 10, 64)
}

// resolve takes "." and ".." out of a path, escaped ones too, and escapes what
// browsers escape.
func resolve(path string) string {
	var out []string
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, segment := range segments {
		end := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case "..":
			out = out[:max(0, len(out)-1)]
		case ".":
		default:
			out = append(out, escape(segment))
			continue
		}
		if end {
			out = append(out, "")
		}
	}
	return "/" + strings.Join(out, "/")
}

// escape is the path percent-encode set of the URL standard.
func escape(segment string) string {
	var b strings.Builder
	for i := range len(segment) {
		if c := segment[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>^`{}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
