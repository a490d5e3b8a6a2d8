package auditlog

import (
	"encoding/json"
	"time"
)

// A Placed is what stands at a leaf, as a list of the log shows it.
type Placed struct {
	Index  int64
	Kind   Kind
	Site   string    // key, or "" for what belongs to the server
	Object string    // receipt id, "privacy 2", number or day
	At     time.Time // when it happened, by the server's clock; zero where only the day is known
	Day    string    // 2026-11-21, UTC
	What   string    // the kind of an act: "notice.publish"
}

// PlacedQuery asks for what stands in the log, newest first.
type PlacedQuery struct {
	Kind   Kind   // "" is every kind
	Site   string // key; "" is every site and the server
	Server bool   // of what belongs to the server alone; Site is "" then
	After  Place  // goes on behind it; zero begins at the newest
	Most   int
}

// A Place is where a list was left. Records of one site are found by when they were
// received, everything else by leaf.
type Place struct {
	Index          int64 // the last one shown
	Record         int64 // the last record shown
	RecordReceived int64 // when it was received, Unix milliseconds
}

// An Opened is a leaf with all there is to see of it.
type Opened struct {
	Placed
	Leaf      [LeafSize]byte
	Core      []byte // canonical JSON; nil where nothing may be seen of it any more
	Minimised bool   // the personal half was removed
	Erased    bool   // nothing is left of it, as an entry of the log says
	Tombstone int64  // the leaf of that entry, where Minimised or Erased
	Hidden    bool   // it is restricted: nobody may read it (GDPR Art. 18)
}

// Said fills in what the core of an entry says of when it happened, and what it was.
func (p *Placed) Said(core []byte) {
	var said struct {
		At          int64  `json:"at"`
		PublishedAt int64  `json:"published_at"`
		Day         string `json:"day"`
		What        string `json:"what"`
	}
	if json.Unmarshal(core, &said) != nil {
		return
	}
	p.Day, p.What = said.Day, said.What
	if ms := max(said.At, said.PublishedAt); ms > 0 {
		p.At = time.UnixMilli(ms).UTC()
		p.Day = p.At.Format(time.DateOnly)
	}
}
