package consent

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrColumns: what a store searches by is not what the record says.
var ErrColumns = errors.New("its columns differ from what it says")

// An Auditor verifies records as they stand in a store, many of them. It is for one
// goroutine.
type Auditor struct {
	Keys PublicKeys

	form     form
	personal []byte
	signed   []byte
}

// Verify makes sure of all that Verify does of the receipt of e, and that the columns
// of e say what the record says. Several failures can be in one error, as there. The
// core is that of e as far as it could be read.
func (a *Auditor) Verify(e *Entry) (Core, error) {
	var core Core
	leaf, err := LeafOf(e)
	if err == nil && !bytes.Equal(leaf[:], e.Leaf) {
		err = ErrLeaf
	}
	key, known := a.Keys[e.KeyID]
	switch {
	case !IsReceiptID(e.ReceiptID), !isKeyID(e.KeyID):
		err = errors.Join(err, fmt.Errorf("%w: its id or key_id is none", ErrColumns))
	case !known:
		err = errors.Join(err, fmt.Errorf("%w: %s", ErrUnknownKey, e.KeyID))
	default:
		// Of the leaf as the log has it: what was signed is told from what was altered later.
		a.signed = append(append(a.signed[:0], signedPrefix...), e.Leaf...)
		if !ed25519.Verify(key, a.signed, e.Signature) {
			err = errors.Join(err, ErrSignature)
		}
	}
	core, wrong := a.core(e.Core)
	var personal *Personal
	if wrong == nil && e.Personal != nil {
		var p Personal
		p, wrong = a.person(e)
		personal = &p
	}
	if wrong != nil {
		return core, errors.Join(err, fmt.Errorf("%w: %w", ErrContents, wrong))
	}
	if core.ID != e.ReceiptID || personal != nil && personal.ID != e.ReceiptID {
		err = errors.Join(err, ErrIDs)
	}
	subject := ""
	if personal != nil {
		subject = personal.Subject
	}
	if core.Site != e.Site || core.Previous != e.Previous || core.ReceivedAt != e.ReceivedAt || subject != e.Subject {
		err = errors.Join(err, ErrColumns)
	}
	return core, errors.Join(err, core.check(personal))
}

// core is ParseCore, without encoding what has the plain form: what says no more and no
// less than that has no members that are not known.
func (a *Auditor) core(b []byte) (Core, error) {
	var c Core
	if err := json.Unmarshal(b, &c); err == nil {
		if text, plain := a.form.of(&c); plain && bytes.Equal(text, b) {
			return c, nil
		}
	}
	return ParseCore(b)
}

// person is the personal half of e: nearly always the one that its columns tell of,
// else what ParsePersonal makes of it.
func (a *Auditor) person(e *Entry) (Personal, error) {
	if IsReceiptID(e.Subject) {
		b := append(append(a.personal[:0], `{"id":"`...), e.ReceiptID...)
		b = append(append(b, `","schema":"`+PersonalSchema+`","subject":"`...), e.Subject...)
		a.personal = append(b, `"}`...)
		if bytes.Equal(a.personal, e.Personal) {
			return Personal{PersonalSchema, e.ReceiptID, e.Subject}, nil
		}
	}
	return ParsePersonal(e.Personal)
}
