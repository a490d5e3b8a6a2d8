// Package geo says where an address is, never what the law says there.
//
// Three parts answer one question each: an Extractor says whose address a
// request carries, an Edge reads what a trusted content delivery network says
// of it, a Database looks it up. A Finder puts the last two together.
//
// Everything here fails closed: what is private, unreadable, ambiguous or sent
// by somebody who is not trusted is the zero Region, and whoever asks treats
// that most strictly. No address is logged or kept.
package geo

import (
	"net/http"
	"net/netip"
	"strings"
)

// A Region is a country and, where known, its subdivision. The zero Region is
// unknown, and unknown is treated most strictly by everybody who asks.
type Region struct {
	Country     string // two upper-case letters: ISO 3166-1 alpha-2, or a pseudo-code of the source such as EU or AP; or ""
	Subdivision string // the part of ISO 3166-2 after the hyphen: "CA" of US-CA; or ""
}

// String is "DE", "US-CA" or "" for the unknown region.
func (r Region) String() string {
	if r.Country == "" || r.Subdivision == "" {
		return r.Country
	}
	return r.Country + "-" + r.Subdivision
}

// ParseRegion reads what String writes, in either case; the unknown region has no
// spelling.
func ParseRegion(text string) (Region, bool) {
	r := region(text, "")
	if country, subdivision, ok := strings.Cut(text, "-"); ok {
		r = region(country, subdivision)
	}
	return r, r != (Region{}) && r.String() == upper(text)
}

// A Source says how a region was found; it stands in the record.
type Source string

// The sources of a region.
const (
	FromNothing  Source = "none"     // private, unknown or unreadable address: the zero Region
	FromDatabase Source = "database" // a country or city database; of its subdivisions about a quarter are wrong
	FromHeader   Source = "header"   // a trusted edge's header
	FromOverride Source = "override" // the demo's region switch; refused unless the operator allows it
)

// A Locator finds the region of a request. Implementations are safe for
// concurrent use; they keep nothing of the request and never fail: in doubt
// the answer is the zero Region and FromNothing.
type Locator interface {
	Locate(client netip.Addr, peer netip.Addr, header http.Header) (Region, Source)
}

// region checks what a source of regions wrote. A country that is not two
// letters, or one of the codes that mean "unknown" (XX of Cloudflare, ZZ of
// CLDR), is the zero Region: so are T1, A1, A2, O1 and ??. A subdivision that
// can't be one is left out, which is unknown and strict.
func region(country, subdivision string) Region {
	country = upper(country)
	if len(country) != 2 || !letter(country[0]) || !letter(country[1]) || country == "XX" || country == "ZZ" {
		return Region{}
	}
	subdivision = upper(subdivision)
	if len(subdivision) > 3 {
		subdivision = ""
	}
	for _, c := range []byte(subdivision) {
		if !letter(c) && (c < '0' || c > '9') {
			return Region{Country: country}
		}
	}
	return Region{Country: country, Subdivision: subdivision}
}

func letter(c byte) bool { return 'A' <= c && c <= 'Z' }

// upper is for codes, which are ASCII: strings.ToUpper makes an S of a long ſ.
func upper(s string) string {
	for _, c := range []byte(s) {
		if c >= 0x80 {
			return s
		}
	}
	return strings.ToUpper(s)
}
