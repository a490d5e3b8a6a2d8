package auditlog

import (
	"crypto/rand"
	"fmt"

	"github.com/volenti-consent/volenti/server/canonical"
)

// A Kind says what a leaf stands for. Its hash begins with it, so that nothing of one
// kind can pass for another.
type Kind string

// The kinds. What each one's core and personal half hold stands in docs/wire.md.
const (
	Consent       Kind = "consent/v1"        // a record: a decision, or the showing of a change note
	PolicyVersion Kind = "policy-version/v1" // a version of a policy
	Publication   Kind = "publication/v1"    // a notice, its wordings and scripts
	Act           Kind = "act/v1"            // something an operator did
	Tombstone     Kind = "tombstone/v1"      // that records were erased, or lost their personal half
	Standing      Kind = "standing/v1"       // that what is published on a site was still so on a day, unchanged
)

// An Entry is what one leaf stands for. Of records and policy versions the store
// keeps more than that, in tables of their own.
type Entry struct {
	Kind         Kind
	Site         string // key, or "" for what belongs to the server
	Object       string // what it is the entry of, within its kind: a number, a day; unique with Kind
	Core         []byte // canonical JSON; holds nothing personal
	Personal     []byte // canonical JSON; nil where there is nothing personal to it
	SaltCore     [SaltSize]byte
	SaltPersonal [SaltSize]byte
	Removed      Commitment // to the personal half, where that was removed with its salt; else zero
}

// NewEntry encodes both halves, for the only time, under fresh salts. personal is nil
// where there is nothing personal to it.
func NewEntry(kind Kind, site, object string, core, personal any) (Entry, error) {
	e := Entry{Kind: kind, Site: site, Object: object}
	_, _ = rand.Read(e.SaltCore[:]) // never fails
	_, _ = rand.Read(e.SaltPersonal[:])
	var err error
	if e.Core, err = canonical.Encode(core); err != nil {
		return Entry{}, fmt.Errorf("entry %s %s: %w", kind, object, err)
	}
	if personal != nil {
		if e.Personal, err = canonical.Encode(personal); err != nil {
			return Entry{}, fmt.Errorf("entry %s %s: %w", kind, object, err)
		}
	}
	return e, nil
}

// Leaf is what enters the log for e.
func (e Entry) Leaf() [LeafSize]byte {
	if e.Removed != (Commitment{}) {
		return e.Kind.Leaf(Commit(e.SaltCore, e.Core), e.Removed)
	}
	return e.Kind.Leaf(Commit(e.SaltCore, e.Core), Commit(e.SaltPersonal, e.Personal))
}

// Leaf is what enters the log for two halves that were committed to apart.
func (k Kind) Leaf(core, personal Commitment) [LeafSize]byte {
	return leafOf(string(k)+"\n", core, personal)
}
