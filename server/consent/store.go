package consent

import (
	"context"
	"errors"

	"github.com/volenti-consent/volenti/server/canonical"
)

// Errors of a Store.
var (
	ErrUnknownReceipt = errors.New("no such receipt")
	// ErrUnknownArtifact is returned for a digest that names nothing kept.
	ErrUnknownArtifact = errors.New("nothing is kept under this digest")
	// ErrUnavailable wraps whatever keeps the store from writing just now: disk
	// full, read-only, busy. Nothing of the batch was kept; trying again is right.
	ErrUnavailable = errors.New("records can't be stored just now")
	// ErrDamaged is returned instead of evidence that no longer matches its
	// digest or its leaf. It is never answered as if it were valid.
	ErrDamaged = errors.New("what is stored does not match its digest: restore the database from a backup")
)

// An Entry is one record on its way into the store, with everything that
// enters it in the same transaction.
type Entry struct {
	Site       string
	DecisionID string           // the visitor's own id of the decision; unique within the site
	Request    canonical.Digest // of the decision as it was sent, so that a repeat is told from a clash
	ReceiptID  string
	Previous   string // receipt id this decision replaces, or ""
	Subject    string // as in Personal; "" where that was removed
	ReceivedAt int64  // Unix milliseconds, the server's clock
	Core       []byte // canonical bytes
	Personal   []byte // canonical bytes; nil where it was removed
	SaltCore   []byte // 32 bytes
	SaltPerson []byte // 32 bytes; nil where Personal was removed
	CommitPers []byte // 32 bytes, the commitment to Personal; only where that was removed
	Leaf       []byte // 32 bytes: what enters the log
	KeyID      string
	Signature  []byte // 64 bytes, Ed25519
	Artifacts  []Artifact
	Summary    *Summary // of Core, for counters; nil lets the store work it out

	// Set by the store.
	Index  int64  // leaf index in the log
	Repeat bool   // the same decision was kept before; nothing was kept now
	Stored *Entry // with Repeat: that earlier entry
	Clash  bool   // another decision has this id; nothing was kept
}

// An Artifact is content kept under its digest for as long as a record names it.
type Artifact struct {
	Digest canonical.Digest
	Kind   string // "experience", "law", "notice", "wording", "script", "tags", "policy"
	Bytes  []byte
}

// A Store keeps records. Calls are safe for concurrent use.
type Store interface {
	// AppendRecords keeps all entries, their artifacts, their log leaves and the
	// log's hashes in one transaction, and returns after it is on stable storage.
	// All or none: on an error nothing was kept, unless the error came after the
	// commit; calling again with the same entries tells, and is always right. An
	// entry whose (Site, DecisionID) is there already is not kept again: Repeat or
	// Clash says so, and the rest of the batch goes on. Several processes may
	// append to one store.
	AppendRecords(ctx context.Context, entries []*Entry) error
	// Entry fails with ErrUnknownReceipt for an id of another site just as for
	// one that never was, and with ErrDamaged for one that does not match its leaf.
	Entry(ctx context.Context, site, receiptID string) (*Entry, error)
	// EntriesOfSubject is what one browser decided at a site, newest first, at
	// most limit of them; none for a subject that is not known.
	EntriesOfSubject(ctx context.Context, site, subject string, limit int) ([]*Entry, error)
	// KeepArtifacts keeps what an experience is made of before a token names it.
	// What is there already stays as it is.
	KeepArtifacts(ctx context.Context, artifacts []Artifact) error
	// Artifact fails with ErrUnknownArtifact.
	Artifact(ctx context.Context, d canonical.Digest) (Artifact, error)
}
