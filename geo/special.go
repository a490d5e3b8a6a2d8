package geo

import "net/netip"

// The ranges that no visitor of the public internet comes from: the IANA IPv4
// and IPv6 Special-Purpose Address Registries, where not globally reachable,
// and multicast. An address in them has no region, whatever a database says.
var (
	loopback = prefixes("127.0.0.0/8", "::1/128")
	private  = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
	special  = append(append(prefixes(
		"0.0.0.0/8",       // RFC 791, this network
		"100.64.0.0/10",   // RFC 6598, carrier-grade NAT
		"169.254.0.0/16",  // RFC 3927, link-local
		"192.0.0.0/24",    // RFC 6890
		"192.0.2.0/24",    // RFC 5737, documentation
		"192.88.99.0/24",  // RFC 7526, former 6to4 relays
		"198.18.0.0/15",   // RFC 2544, benchmarking
		"198.51.100.0/24", // RFC 5737, documentation
		"203.0.113.0/24",  // RFC 5737, documentation
		"224.0.0.0/4",     // RFC 5771, multicast
		"240.0.0.0/4",     // RFC 1112, reserved, and broadcast
		"::/128",          // RFC 4291, unspecified
		"64:ff9b:1::/48",  // RFC 8215, local translation
		"100::/64",        // RFC 6666, discard
		"2001::/32",       // RFC 4380, Teredo: databases know the relay, not the visitor
		"2001:2::/48",     // RFC 5180, benchmarking
		"2001:10::/28",    // RFC 4843, former ORCHID
		"2001:db8::/32",   // RFC 3849, documentation
		"3fff::/20",       // RFC 9637, documentation
		"5f00::/16",       // RFC 9602, segment routing
		"fe80::/10",       // RFC 4291, link-local
		"fec0::/10",       // RFC 3879, former site-local
		"ff00::/8",        // RFC 4291, multicast
	), loopback...), private...)
)

func prefixes(texts ...string) Prefixes {
	p := make(Prefixes, len(texts))
	for i, text := range texts {
		p[i] = netip.MustParsePrefix(text)
	}
	return p
}

// Public reports whether a visitor of the public internet can have addr. The
// zero Addr is not public.
func Public(addr netip.Addr) bool { return addr.IsValid() && !special.Contains(addr) }
