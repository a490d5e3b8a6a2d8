package consent

import (
	"context"
	"errors"

	"github.com/volenti-consent/volenti/server/canonical"
)

// Errors of a Store.
var (
	ErrUnknownReceipt = errors.New("no such receipt")
	// ErrUnavailable wraps whatever keeps the store from writing just now: disk
	// full, read-only, busy. Nothing of the batch was kept; trying again is right.
	ErrUnavailable = errors.New("records can't be stored just now")
)

// An Entry is one record on its way into the store, with everything that
// enters it in the same transaction.
type Entry struct {
	Site       string
	DecisionID string           // the visitor's own id of the decision; unique within the site
	Request    canonical.Digest // of the decision as it was sent, so that a repeat is told from a clash
	ReceiptID  string
	Previous   string // receipt id this decision replaces, or ""
	ReceivedAt int64  // Unix milliseconds, the server's clock
	Core       []byte // canonical bytes
	Personal   []byte // canonical bytes
	SaltCore   []byte // 32 bytes
	SaltPerson []byte // 32 bytes
	Leaf       []byte // 32 bytes: what enters the log
	KeyID      string
	Signature  []byte // 64 bytes, Ed25519
	Artifacts  []Artifact

	// Set by the store.
	Index  int64 // leaf index in the log
	Repeat bool  // the same decision was kept before; Stored is that earlier entry
	Stored *Entry
	Clash  bool // another decision has this id; nothing was kept
}

// An Artifact is content kept under its digest for as long as a record names it.
type Artifact struct {
	Digest canonical.Digest
	Kind   string // "experience", "law", "notice", "wording", "script", "tags", "policy"
	Bytes  []byte
}

// A Store keeps records.
type Store interface {
	// AppendRecords keeps all entries, their artifacts, their log leaves and the
	// log's hashes in one transaction, and returns after it is on stable storage.
	// All or none: on an error nothing was kept. An entry whose (Site, DecisionID)
	// is there already is not kept again: Repeat or Clash says so, and the rest of
	// the batch goes on. Several processes may append to one store.
	AppendRecords(ctx context.Context, entries []*Entry) error
	// Entry fails with ErrUnknownReceipt for an id of another site just as for
	// one that never was.
	Entry(ctx context.Context, site, receiptID string) (*Entry, error)
	// Artifact fails with ErrUnknownArtifact.
	Artifact(ctx context.Context, d canonical.Digest) (Artifact, error)
}

// ErrUnknownArtifact is returned for a digest that names nothing kept.
var ErrUnknownArtifact = errors.New("nothing is kept under this digest")
