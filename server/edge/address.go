package edge

import (
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// An address is judged as browsers read it (WHATWG URL), which is not how
// net/url does: they take back slashes for slashes, drop tabs and line breaks,
// and decode and map the host. In doubt the reading that leads elsewhere counts.

// addresses are what a reference can mean in a page: one address as a rule,
// more where the page names several bases. None means that nothing leaves the
// page by it.
func (p *page) addresses(ref string) []*url.URL {
	ref = trimReference(ref)
	scheme, rest, absolute := cutScheme(ref)
	switch {
	case absolute && special(scheme):
		// "https:host" is relative where the page is https, and absolute where it
		// is not; the page's own is free anyway.
		return foreign(authority(scheme, strings.TrimLeft(rest, `/\`)))
	case absolute:
		return nil
	case len(ref) > 1 && slash(ref[0]) && slash(ref[1]):
		return foreign(authority(p.url.Scheme, strings.TrimLeft(ref, `/\`)))
	}
	all := make([]*url.URL, 0, 1+len(p.bases))
	for _, base := range append([]*url.URL{p.url}, p.bases...) {
		u := *base
		path, _, _ := strings.Cut(ref, "#")
		path, _, _ = strings.Cut(path, "?")
		path = strings.ReplaceAll(path, `\`, "/")
		switch {
		case path == "":
		case path[0] == '/':
			setPath(&u, path)
		default:
			dir := base.EscapedPath()
			setPath(&u, dir[:strings.LastIndexByte(dir, '/')+1]+path)
		}
		all = append(all, &u)
	}
	return all
}

// foreign is an address with a host; without one it is a mistake.
func foreign(u *url.URL) []*url.URL {
	if u.Host == "" {
		return nil
	}
	return []*url.URL{u}
}

// trimReference takes off what browsers take off: controls and spaces around a
// reference, tabs and line breaks within it.
func trimReference(ref string) string {
	ref = strings.TrimFunc(ref, func(r rune) bool { return r <= ' ' })
	if strings.ContainsAny(ref, "\t\n\r") {
		ref = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(ref)
	}
	return ref
}

// cutScheme splits "https:rest". The scheme comes in lower case.
func cutScheme(ref string) (scheme, rest string, ok bool) {
	for i := range len(ref) {
		switch c := ref[i]; {
		case letter(c):
		case c == ':' && i > 0:
			return strings.ToLower(ref[:i]), ref[i+1:], true
		case i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return "", "", false
		}
	}
	return "", "", false
}

func special(scheme string) bool {
	switch scheme {
	case "http", "https", "ws", "wss":
		return true
	}
	return false
}

func slash(c byte) bool { return c == '/' || c == '\\' }

// authority reads "user@host:port/path?query".
func authority(scheme, rest string) *url.URL {
	end := strings.IndexAny(rest, `/\?#`)
	path := ""
	if end >= 0 {
		rest, path = rest[:end], rest[end:]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	if i := strings.LastIndexByte(rest, ':'); i >= 0 && !strings.Contains(rest[i:], "]") {
		rest = rest[:i]
	}
	u := &url.URL{Scheme: scheme, Host: hostOf(rest)}
	path, _, _ = strings.Cut(path, "#")
	path, _, _ = strings.Cut(path, "?")
	setPath(u, strings.ReplaceAll(path, `\`, "/"))
	return u
}

// mapped is UTS #46 as browsers use it (URL, "domain to ASCII").
var mapped = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false), idna.CheckJoiners(false))

// hostOf is the host as it is looked up. One that can't be is as unknown as any.
func hostOf(host string) string {
	host = percentDecoded(host)
	for i := range len(host) {
		if host[i] >= 0x80 {
			if ascii, err := mapped.ToASCII(host); err == nil {
				host = ascii
			}
			break
		}
	}
	return strings.TrimRight(strings.ToLower(host), ".")
}

// setPath sets a path without its dot segments: what is judged by the beginning
// of a path must not get elsewhere by "..".
func setPath(u *url.URL, path string) {
	if strings.Contains(path, "/.") || strings.Contains(path, "%2") {
		var out []string
		segments := strings.Split(path, "/")
		for i, segment := range segments {
			last := i == len(segments)-1
			switch dots := strings.ReplaceAll(strings.ToLower(segment), "%2e", "."); {
			case dots == ".." && len(out) > 1:
				out = out[:len(out)-1]
				fallthrough
			case dots == "." || dots == "..":
				if last {
					out = append(out, "")
				}
			default:
				out = append(out, segment)
			}
		}
		path = strings.Join(out, "/")
	}
	if path == "" || path[0] != '/' {
		path = "/" + path
	}
	u.RawPath = path
	decoded, err := url.PathUnescape(path)
	if err != nil {
		decoded, u.RawPath = path, ""
	}
	u.Path = decoded
}

// dataOf splits a data: address into its media type and its bytes (Fetch, "data:
// URL processor"). ok is false for any other address.
func dataOf(ref string) (media, content string, ok bool) {
	scheme, rest, ok := cutScheme(trimReference(ref))
	if !ok || scheme != "data" {
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

// percentDecoded decodes what can be; browsers leave the rest as it is.
func percentDecoded(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && hexadecimal(s[i+1]) && hexadecimal(s[i+2]) {
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0xf + 9
}
