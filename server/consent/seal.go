package consent

import (
	"fmt"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
)

// luck is what a record has of the random source: its own id, that of its subject if it
// continues none, and its salts.
type luck struct {
	id, subject        string
	saltCore, saltPers [auditlog.SaltSize]byte
}

const luckSize = 2*(idSize-placeSize) + 2*auditlog.SaltSize

// luckOf is the luck of a record whose ids have that place, of luckSize random bytes.
func luckOf(b []byte, place uint32) (l luck) {
	var id, subject [idSize - placeSize]byte
	b = b[copy(id[:], b):]
	b = b[copy(subject[:], b):]
	b = b[copy(l.saltCore[:], b):]
	copy(l.saltPers[:], b)
	l.id, l.subject = newID(place, id), newID(place, subject)
	return l
}

// A Signer signs leaves; Keyring is one. It is safe for concurrent use.
type Signer interface {
	Sign(leaf [auditlog.LeafSize]byte) (kid string, signature []byte)
}

// seal makes the record: everything that depends on the moment is filled in,
// both halves are encoded, for the only time, and the leaf is signed.
//
// previous is the entry the decision replaces, or nil. The record continues its
// subject and names it, unless its personal half was removed: linking it again
// would undo that.
func seal(d Draft, previous *Entry, now time.Time, l *luck, keys Signer) (*Entry, *Core, error) {
	id, subject := l.id, l.subject
	said := d.core
	core := &said
	core.ID = id
	core.ReceivedAt = now.UnixMilli()
	core.GivenAt = clamp(d.decision.At, core.TokenFrom, core.ReceivedAt)
	if previous != nil && previous.Personal != nil {
		linked, err := ParsePersonal(previous.Personal)
		if err != nil {
			return nil, nil, fmt.Errorf("receipt %s: %w: %w", previous.ReceiptID, ErrDamaged, err)
		}
		subject, core.Previous = linked.Subject, previous.ReceiptID
	}
	if core.Action == Share && core.Previous == "" {
		return nil, nil, ErrHandover // erased meanwhile: nothing shows any more that it was ever made
	}
	before := Core{}
	if core.Previous != "" && core.inPart() {
		var err error
		if before, err = ParseCore(previous.Core); err != nil {
			return nil, nil, fmt.Errorf("receipt %s: %w: %w", previous.ReceiptID, ErrDamaged, err)
		}
	}
	if core.Action == Signal {
		core.keepGrants(before)
	}
	core.hold(now, d.months, d.rest, before)
	coreBytes, err := canonical.Encode(core)
	if err != nil {
		return nil, nil, fmt.Errorf("record: %w", err)
	}
	personal, err := canonical.Encode(&Personal{PersonalSchema, id, subject})
	if err != nil {
		return nil, nil, fmt.Errorf("record: %w", err)
	}
	leaf := auditlog.Leaf(auditlog.Commit(l.saltCore, coreBytes), auditlog.Commit(l.saltPers, personal))
	kid, signature := keys.Sign(leaf)
	summary := Summarise(*core, d.script)
	return &Entry{
		Site: core.Site, DecisionID: d.decision.ID, Request: d.request, ReceiptID: id,
		Previous: core.Previous, Subject: subject, ReceivedAt: core.ReceivedAt,
		Core: coreBytes, Personal: personal, SaltCore: l.saltCore[:], SaltPerson: l.saltPers[:],
		Leaf: leaf[:], KeyID: kid, Signature: signature, Artifacts: d.artifacts, Summary: &summary,
	}, core, nil
}
