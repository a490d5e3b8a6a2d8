package geo

import (
	"net/http"
	"net/netip"
)

// A Lookuper finds the region of an address: a *Database, or a *Follower of one.
// The zero Region is an answer.
type Lookuper interface {
	Lookup(addr netip.Addr) Region
}

// A Finder is the Locator of the server: a trusted edge's word first, a database
// second. Its zero value knows no region.
type Finder struct {
	// Trusted are the peers whose headers are believed; the Extractor's, as a rule.
	Trusted Prefixes
	// Edge reads the headers of the one edge in front; nil if there is none.
	Edge *Edge
	// Database is asked where no edge answered; nil if there is none.
	Database Lookuper
}

var _ Locator = (*Finder)(nil)

// Locate implements Locator. client is an Extractor's answer, peer the other end
// of the connection.
//
// An edge that answers "unknown" (Cloudflare's XX, or T1 for Tor) has answered:
// a database that knew the exit node's country would guess something laxer. A
// trusted proxy is nobody's address, so where the client could not be told from
// it the region is unknown; otherwise every visitor would get the proxy's.
func (f *Finder) Locate(client, peer netip.Addr, header http.Header) (Region, Source) {
	if f.Edge != nil && f.Trusted.Contains(peer) {
		if region, answered := f.Edge.Region(header); answered {
			if region == (Region{}) {
				return Region{}, FromNothing
			}
			return region, FromHeader
		}
	}
	client = normal(client)
	if f.Database == nil || !Public(client) || f.Trusted.Contains(client) {
		return Region{}, FromNothing
	}
	region := f.Database.Lookup(client)
	if region == (Region{}) {
		return Region{}, FromNothing
	}
	return region, FromDatabase
}
