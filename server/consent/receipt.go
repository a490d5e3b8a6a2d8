package consent

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// ReceiptSchema is the value of a receipt's "schema" field.
const ReceiptSchema = "receipt/v1"

// signedPrefix keeps a receipt's signature apart from everything else that is
// ever signed with the key.
const signedPrefix = "volenti receipt v1\n"

// base64url has one spelling for each value: no padding, unused bits zero.
var base64url = base64.RawURLEncoding.Strict()

// signedText is what a receipt's signature is over.
func signedText(leaf [auditlog.LeafSize]byte) []byte { return append([]byte(signedPrefix), leaf[:]...) }

// LeafOf recomputes an entry's leaf from its bytes and salts, or from the
// commitment that stands for a removed half. It fails with ErrDamaged where a
// part is missing or has another length.
func LeafOf(e *Entry) ([auditlog.LeafSize]byte, error) {
	personal, err := personalCommitment(e)
	if err != nil {
		return [auditlog.LeafSize]byte{}, err
	}
	if len(e.SaltCore) != auditlog.SaltSize || len(e.Core) == 0 {
		return [auditlog.LeafSize]byte{}, fmt.Errorf("receipt %s: its core or salt is missing: %w", e.ReceiptID, ErrDamaged)
	}
	core := auditlog.Commit([auditlog.SaltSize]byte(e.SaltCore), e.Core)
	return auditlog.Leaf(core, personal), nil
}

func personalCommitment(e *Entry) (auditlog.Commitment, error) {
	switch {
	case e.Personal != nil && len(e.SaltPerson) == auditlog.SaltSize && e.CommitPers == nil:
		return auditlog.Commit([auditlog.SaltSize]byte(e.SaltPerson), e.Personal), nil
	case e.Personal == nil && e.SaltPerson == nil && len(e.CommitPers) == sha256.Size:
		return auditlog.Commitment(e.CommitPers), nil
	}
	return auditlog.Commitment{}, fmt.Errorf("receipt %s: its personal part contradicts itself: %w", e.ReceiptID, ErrDamaged)
}

// CheckEntry compares an entry read from a store with its leaf; ErrDamaged if it
// was altered.
func CheckEntry(e *Entry) error {
	leaf, err := LeafOf(e)
	if err != nil {
		return err
	}
	if string(leaf[:]) != string(e.Leaf) {
		return fmt.Errorf("receipt %s does not match leaf %d: %w", e.ReceiptID, e.Index, ErrDamaged)
	}
	return nil
}

// Minimise removes the personal half and its salt from a copy of e; the
// commitment that stays reveals nothing, and the core still verifies.
func Minimise(e *Entry) (*Entry, error) {
	c, err := personalCommitment(e)
	if err != nil {
		return nil, err
	}
	m := *e
	m.Subject, m.Personal, m.SaltPerson, m.CommitPers = "", nil, nil, c[:]
	return &m, nil
}

// EncodeReceipt is the receipt of an entry that is in the log: canonical JSON in
// which the halves stand as the very bytes that were committed to. The same
// entry gives the same bytes, today and in ten years.
func EncodeReceipt(e *Entry) ([]byte, error) {
	if err := CheckEntry(e); err != nil {
		return nil, err
	}
	return encodeReceipt(e)
}

// encodeReceipt is EncodeReceipt for an entry whose leaf is known to be that of its bytes.
func encodeReceipt(e *Entry) ([]byte, error) {
	if !IsReceiptID(e.ReceiptID) || !isKeyID(e.KeyID) || e.Index < 0 {
		return nil, fmt.Errorf("receipt %q: %w", e.ReceiptID, ErrDamaged)
	}
	b := make([]byte, 0, len(e.Core)+len(e.Personal)+456) // all else is not longer
	b = append(b, '{')
	if e.Personal == nil {
		b = appendBytes(append(b, `"commitments":{"personal":`...), e.CommitPers)
		b = append(b, `},`...)
	}
	b = append(append(b, `"core":`...), e.Core...)
	b = append(append(b, `,"id":"`...), e.ReceiptID...)
	b = append(append(b, `","key_id":"`...), e.KeyID...)
	b = appendBytes(append(b, `","leaf":{"hash":`...), e.Leaf)
	b = strconv.AppendInt(append(b, `,"index":`...), e.Index, 10)
	b = append(b, '}')
	if e.Personal != nil {
		b = append(append(b, `,"personal":`...), e.Personal...)
	}
	b = appendBytes(append(b, `,"salts":{"core":`...), e.SaltCore)
	if e.Personal != nil {
		b = appendBytes(append(b, `,"personal":`...), e.SaltPerson)
	}
	b = append(append(b, `},"schema":"`...), ReceiptSchema...)
	b = appendBytes(append(b, `","signature":`...), e.Signature)
	return append(b, '}'), nil
}

func appendBytes(b, value []byte) []byte {
	b = append(b, '"')
	b = base64url.AppendEncode(b, value)
	return append(b, '"')
}
