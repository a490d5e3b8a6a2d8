package catalogue

import (
	"cmp"
	"errors"
	"strings"
)

// A Pattern is a host, which means its subdomains too, and maybe the beginning
// of a path: "doubleclick.net", "www.google.com/maps".
type Pattern struct {
	Host string // lower case, ASCII, no port
	Path string // "" or begins with "/"
}

// ParsePattern reads a pattern. It takes no scheme, port, wildcard or query.
func ParsePattern(text string) (Pattern, error) {
	host, path, slash := strings.Cut(text, "/")
	if slash {
		path = "/" + path
	}
	switch {
	case host == "":
		return Pattern{}, errors.New("has no host")
	case strings.ContainsAny(text, "*?#"):
		return Pattern{}, errors.New("has a character that patterns don't have: subdomains and longer paths are meant anyway")
	case strings.Contains(host, ":"):
		return Pattern{}, errors.New("has a scheme or a port, which patterns don't have")
	}
	for _, label := range strings.Split(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return Pattern{}, errors.New("is not a host in lower-case ASCII")
		}
	}
	if strings.Trim(path, printable) != "" {
		return Pattern{}, errors.New("has a path with characters that addresses don't have")
	}
	return Pattern{host, path}, nil
}

// printable is what the path of an address is made of (RFC 3986 § 3.3).
const printable = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()+,;=:@%/"

// String is the text that ParsePattern reads.
func (p Pattern) String() string { return p.Host + p.Path }

// Match reports whether an address is meant. Host is in lower case.
func (p Pattern) Match(host, path string) bool {
	if !strings.HasPrefix(path, p.Path) {
		return false
	}
	rest, ok := strings.CutSuffix(host, p.Host)
	return ok && (rest == "" || rest[len(rest)-1] == '.')
}

// Compare orders the more specific pattern first: the longer host, then the
// longer path. Of several that match, the first is the one that counts.
func Compare(a, b Pattern) int {
	return cmp.Or(cmp.Compare(len(b.Host), len(a.Host)), cmp.Compare(len(b.Path), len(a.Path)), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Path, b.Path))
}
