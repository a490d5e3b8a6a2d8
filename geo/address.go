package geo

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Prefixes are address ranges whose members are believed: the operator's own
// proxies or the edge in front. None are trusted unless named.
type Prefixes []netip.Prefix

// Contains reports whether addr is in one of the ranges. An IPv4 address in
// IPv6 clothing (::ffff:a.b.c.d) is the IPv4 address.
func (p Prefixes) Contains(addr netip.Addr) bool {
	addr = normal(addr)
	for _, prefix := range p {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// ParsePrefixes reads what an operator writes as trusted_proxies: addresses
// ("192.0.2.7"), ranges ("2001:db8::/32"), and the words "loopback" and
// "private" (RFC 1918, RFC 4193). Trusting everybody is refused: then every
// visitor could choose an address and a region.
func ParsePrefixes(texts []string) (Prefixes, error) {
	var p Prefixes
	for _, text := range texts {
		switch text {
		case "loopback":
			p = append(p, loopback...)
			continue
		case "private":
			p = append(p, private...)
			continue
		}
		prefix, err := parsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("trusted proxy %q: write an address such as 192.0.2.7, a range such as 10.1.0.0/16, or loopback, or private", text)
		}
		if prefix.Bits() == 0 {
			return nil, fmt.Errorf("trusted proxy %q is everybody: name the addresses of the proxies in front of this server", text)
		}
		p = append(p, prefix)
	}
	return p, nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		addr = normal(addr)
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), nil
}

// The lists of forwarding proxies that an Extractor reads as lists. Any other
// header name is one that holds a single address.
const (
	xForwardedFor = "x-forwarded-for"
	forwarded     = "forwarded" // RFC 7239

	// viewerAddress is CloudFront's, whose IPv6 addresses carry a port but no
	// brackets.
	viewerAddress = "cloudfront-viewer-address"
)

// An Extractor finds the address of the client behind trusted proxies. The zero
// Extractor believes no header: the client is whoever opened the connection.
type Extractor struct {
	Trusted Prefixes
	// Header is the one header that the trusted proxies write: "x-forwarded-for",
	// "forwarded", or one with a single address such as "cf-connecting-ip",
	// "true-client-ip", "x-real-ip", "fly-client-ip", "x-azure-socketip" or
	// "cloudfront-viewer-address". Every other header is ignored. Choose one that
	// the proxy overwrites, or appends to; one that it passes on is the client's.
	Header string
}

// Validate says what is wrong with the operator's choice and how to mend it.
func (e Extractor) Validate() error {
	if e.Header == "" {
		return nil
	}
	for _, c := range []byte(e.Header) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return fmt.Errorf("address header %q is not the name of a header: write for instance x-forwarded-for", e.Header)
		}
	}
	if len(e.Trusted) == 0 {
		return fmt.Errorf("address header %s is believed from trusted proxies only, and none are named: list their addresses as trusted_proxies", e.Header)
	}
	return nil
}

// Peer is the address at the other end of the connection, or the zero Addr if
// it has none, as on a Unix socket.
func Peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return normal(ap.Addr())
}

// Client is the address of the client, given the peer of the connection and the
// request's header.
//
// The lists are read from the right, where the nearest proxy wrote, over all
// lines of the header, and the first address that is not trusted is the client:
// what stands left of it is the client's own writing. An entry that is not an
// address ("unknown", an obfuscated name, nothing at all) ends the reading, and
// the answer is the last address known to be good, the proxy's that wrote the
// entry. So is it where the header is missing, or a single-address header comes
// twice. Such an answer is a trusted proxy, and a Finder puts no region to it.
func (e Extractor) Client(peer netip.Addr, header http.Header) netip.Addr {
	peer = normal(peer)
	if e.Header == "" || !e.Trusted.Contains(peer) {
		return peer
	}
	lines := header.Values(e.Header)
	switch name := strings.ToLower(e.Header); name {
	case xForwardedFor:
		return e.walk(peer, lines, lastListed, parseListed)
	case forwarded:
		return e.walk(peer, lines, lastElement, parseElement)
	default:
		if len(lines) != 1 {
			return peer
		}
		parse := parseNode
		if name == viewerAddress {
			parse = parseViewer
		}
		if addr, ok := parse(trim(lines[0])); ok {
			return addr
		}
		return peer
	}
}

// walk goes from the peer towards the client, one entry a hop, while the hop is
// trusted. Only a trusted hop's entry is ever read.
func (e Extractor) walk(
	peer netip.Addr,
	lines []string,
	last func(line string) (entry, rest string, more bool),
	parse func(entry string) (netip.Addr, bool),
) netip.Addr {
	hop := peer
	for i := len(lines) - 1; i >= 0; i-- {
		for rest, more := lines[i], true; more; {
			var entry string
			entry, rest, more = last(rest)
			addr, ok := parse(trim(entry))
			if !ok {
				return hop
			}
			hop = addr
			if !e.Trusted.Contains(hop) {
				return hop
			}
		}
	}
	return hop
}
