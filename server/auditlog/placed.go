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

// SaidAt reads when something happened from the core of its entry.
func SaidAt(core []byte) (at time.Time, day string) {
	var said struct {
		At          int64  `json:"at"`
		PublishedAt int64  `json:"published_at"`
		Day         string `json:"day"`
	}
	if json.Unmarshal(core, &said) != nil {
		return time.Time{}, ""
	}
	if ms := max(said.At, said.PublishedAt); ms > 0 {
		at = time.UnixMilli(ms).UTC()
		return at, at.Format(time.DateOnly)
	}
	return time.Time{}, said.Day
}
