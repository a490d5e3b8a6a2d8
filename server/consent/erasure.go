package consent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
)

// An Erasure is how much of a record goes. Either way its leaf stays in the log,
// which says nothing about anyone, and an entry of the log says that it happened.
type Erasure string

// The ways to erase.
const (
	// Minimised: the personal half, its salt and the subject are gone. The core still
	// verifies: that somebody decided so, not who (GDPR Art. 17(3)(b) and (e)).
	Minimised Erasure = "minimised"
	// Shredded: the record and both salts are gone. Nobody can show any more what the
	// leaf stood for, but whoever holds the receipt.
	Shredded Erasure = "shredded"
)

// A Reason is why something was erased, as its entry of the log says it: a class, not
// a story about somebody.
type Reason string

// The reasons.
const (
	ReasonRequested Reason = "requested" // by the person (GDPR Art. 17(1))
	ReasonRetention Reason = "retention" // its time was over (GDPR Art. 5(1)(e))
	ReasonChild     Reason = "child"     // of somebody too young to be asked (GDPR Art. 8, COPPA)
	ReasonOperator  Reason = "operator"  // the controller's own decision
)

// TombstoneSchema is the schema of a Tombstone.
const TombstoneSchema = "tombstone/v1"

// A Tombstone is the core of the log's entry about an erasure. It tells an auditor
// deliberate erasure from loss: every leaf opens, or a tombstone names it.
type Tombstone struct {
	Schema string  `json:"schema"`
	Site   string  `json:"site"` // whose records they were
	Day    string  `json:"day"`  // 2026-11-21, UTC
	Reason Reason  `json:"reason"`
	How    Erasure `json:"how"`
	Leaves []int64 `json:"leaves"` // positions in the log, ascending
}

// NewTombstone is what the log keeps of an erasure.
func NewTombstone(site string, leaves []int64, how Erasure, reason Reason, at time.Time) Tombstone {
	leaves = slices.Clone(leaves)
	slices.Sort(leaves)
	return Tombstone{TombstoneSchema, site, at.UTC().Format(time.DateOnly), reason, how, leaves}
}

// ParseTombstone reads the core of an entry about an erasure.
func ParseTombstone(core []byte) (t Tombstone, err error) {
	if err := canonical.Decode(core, &t); err != nil {
		return t, fmt.Errorf("tombstone: %w", err)
	}
	return t, errors.Join(t.How.Check(), t.Reason.Check())
}

// An ErasedLeaf says of one leaf that it was erased: what is carried over to a copy of
// the database that was made before. It names nobody.
type ErasedLeaf struct {
	Leaf   int64   `json:"leaf"`
	Hash   string  `json:"hash"` // of what entered the log, hexadecimal: another log has another leaf there
	Site   string  `json:"site"`
	How    Erasure `json:"how"`
	Reason Reason  `json:"reason"`
	Day    string  `json:"day"`
}

// Check refuses what can't stand in a list of erasures.
func (e ErasedLeaf) Check() error {
	_, err := time.Parse(time.DateOnly, e.Day)
	if e.Leaf < 0 || len(e.Hash) != 64 {
		err = errors.Join(err, errors.New("its leaf or hash is none"))
	}
	return errors.Join(err, e.How.Check(), e.Reason.Check())
}

// Check refuses a way or a reason that there is none of.
func (how Erasure) Check() error {
	if how != Minimised && how != Shredded {
		return errors.New("records are minimised or shredded")
	}
	return nil
}

// Check refuses a reason that there is none of.
func (r Reason) Check() error {
	switch r {
	case ReasonRequested, ReasonRetention, ReasonChild, ReasonOperator:
		return nil
	}
	return errors.New("the reason is requested, retention, child or operator")
}

// Erased is what an erasure did.
type Erased struct {
	Leaves     []int64  // whose records went, or lost their personal half, now; ascending
	Tombstones []int64  // the leaves of the entries that say so
	Unknown    []string // receipt ids of which the site has nothing: it never had, or has no more
}

// A Ground is why a record may not be used (GDPR Art. 18(1)).
type Ground string

// The grounds.
const (
	GroundContested Ground = "contested" // its accuracy is being examined (a)
	GroundUnlawful  Ground = "unlawful"  // it should not be there, and the person wants it kept (b)
	GroundClaims    Ground = "claims"    // the person needs it for a claim (c)
	GroundObjection Ground = "objection" // an objection is being examined (d)
	// GroundDeletion: it is to be erased and can't be yet. Of all grounds only this one
	// lets the end of its retention come; the others are lifted first.
	GroundDeletion Ground = "deletion"
)

// Check refuses a ground that there is none of.
func (g Ground) Check() error {
	switch g {
	case GroundContested, GroundUnlawful, GroundClaims, GroundObjection, GroundDeletion:
		return nil
	}
	return errors.New("the ground is contested, unlawful, claims, objection or deletion")
}

// A Restriction says that there is a record which nobody may read. It says nothing
// of what stands in it.
type Restriction struct {
	Index  int64 // leaf
	Ground Ground
	Since  time.Time
}

// An ErasureStore erases and restricts records, of one site at a time. Every call
// may be repeated; receipts that the site does not have are left out of account.
type ErasureStore interface {
	// EraseRecords minimises or shreds records and enters that into the log in the same
	// transaction. When it has returned nothing of what went stands in the database any
	// more; see Scrub for copies that readers still hold. What was minimised can be
	// shredded later. Restricted records are erased like others.
	EraseRecords(ctx context.Context, site string, receiptIDs []string, how Erasure, reason Reason, at time.Time) (Erased, error)
	// Restrict hides records from everything but erasure and audits, and returns
	// their leaves. To lift it is an act of an operator, and not offered here.
	Restrict(ctx context.Context, site string, receiptIDs []string, ground Ground, at time.Time) ([]int64, error)
	// Restrictions are a site's, oldest leaf first.
	Restrictions(ctx context.Context, site string) ([]Restriction, error)
	// Restricted are the leaves of those of a browser's records that are restricted:
	// by a receipt of it, restricted or not.
	Restricted(ctx context.Context, site, receiptID string) ([]Restriction, error)
	// Scrub empties the write-ahead log, in which erased content may still stand.
	// It fails with ErrReaders while somebody reads an older state of the database.
	Scrub(ctx context.Context) error
}

// ErrReaders: erased content is out of reach, but not yet off the disk.
var ErrReaders = errors.New("somebody still reads an older state of the database: what was erased leaves the write-ahead log when that ends")

// A Candidate is what retention asks of a record, and no more.
type Candidate struct {
	Index      int64
	ReceivedAt int64  // Unix milliseconds
	Until      int64  // the last moment at which it counted, grants or refusals
	Law        string // row of the law table
	Grants     bool   // something was granted
}

// CandidateOf reads what retention asks from a record's core.
func CandidateOf(index, receivedAt int64, core []byte) (Candidate, error) {
	var c struct {
		ValidUntil    int64             `json:"valid_until"`
		RefusalsUntil int64             `json:"refusals_until"`
		Law           string            `json:"law"`
		Categories    map[string]Choice `json:"categories"`
		Vendors       map[string]Choice `json:"vendors"`
	}
	if err := json.Unmarshal(core, &c); err != nil || c.ValidUntil < receivedAt {
		return Candidate{}, errors.Join(fmt.Errorf("leaf %d: it does not say how long it counts: %w", index, ErrDamaged), err)
	}
	choices := Core{Categories: c.Categories, Vendors: c.Vendors}
	return Candidate{index, receivedAt, max(c.ValidUntil, c.RefusalsUntil), c.Law, choices.has(Granted)}, nil
}
