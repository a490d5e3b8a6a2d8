// Package geo says where an address is, never what the law says there.
package geo

import (
	"net/http"
	"net/netip"
)

// A Region is a country and, where known, its subdivision. The zero Region is
// unknown, and unknown is treated most strictly by everybody who asks.
type Region struct {
	Country     string // ISO 3166-1 alpha-2 in upper case, or ""
	Subdivision string // the part of ISO 3166-2 after the hyphen: "CA" of US-CA; or ""
}

// String is "DE", "US-CA" or "" for the unknown region.
func (r Region) String() string {
	if r.Country == "" || r.Subdivision == "" {
		return r.Country
	}
	return r.Country + "-" + r.Subdivision
}

// A Source says how a region was found; it stands in the record.
type Source string

// The sources of a region.
const (
	FromNothing  Source = "none"     // private, unknown or unreadable address: the zero Region
	FromDatabase Source = "database" // a country or city database
	FromHeader   Source = "header"   // a trusted edge's header
	FromOverride Source = "override" // the demo's region switch; refused unless the operator allows it
)

// A Locator finds the region of a request. Implementations are safe for
// concurrent use; they keep nothing of the request and never fail: in doubt
// the answer is the zero Region and FromNothing.
type Locator interface {
	Locate(client netip.Addr, peer netip.Addr, header http.Header) (Region, Source)
}
