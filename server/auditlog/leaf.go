// Package auditlog is the append-only log that makes records tamper-evident: a
// Merkle tree as of RFC 6962 over 32-byte leaves that say nothing about anyone.
//
// A leaf is a commitment. Whoever holds a record and its salts can show that
// the leaf stands for it; once the salts are destroyed, nobody can, and the
// tree still verifies (GDPR Art. 17 beside Art. 7(1)).
package auditlog

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

// LeafSize and SaltSize are lengths in bytes. A salt has as much entropy as the
// hash: what it hides (a handful of choices, perhaps 20 bits) could be guessed.
const (
	LeafSize = sha256.Size
	SaltSize = 32
)

// A Commitment is SHA-256(salt ‖ canonical bytes) of one half of a record.
type Commitment [sha256.Size]byte

// Commit binds to canonical bytes without revealing them. The salt is SaltSize
// random bytes; a fixed length is what makes the concatenation unambiguous.
func Commit(salt [SaltSize]byte, canonical []byte) Commitment {
	h := sha256.New()
	h.Write(salt[:])
	h.Write(canonical)
	var c Commitment
	h.Sum(c[:0])
	return c
}

// Leaf is what enters the log for one record. The halves are committed to
// apart, so that the personal one can be removed and the core still verifies.
func Leaf(core, personal Commitment) [LeafSize]byte { return Consent.Leaf(core, personal) }

// VersionLeaf is what enters the log for one version of a policy: of the two halves
// the core is its entry, and the personal one is empty.
func VersionLeaf(saltCore, saltPersonal [SaltSize]byte, entry []byte) [LeafSize]byte {
	return PolicyVersion.Leaf(Commit(saltCore, entry), Commit(saltPersonal, nil))
}

func leafOf(domain string, core, personal Commitment) [LeafSize]byte {
	h := sha256.New()
	h.Write([]byte(domain))
	h.Write(core[:])
	h.Write(personal[:])
	var leaf [LeafSize]byte
	h.Sum(leaf[:0])
	return leaf
}

// LeafHash is the hash of a leaf as the tree counts it: RFC 6962 puts a zero
// byte before the data, so that no leaf can pass for an inner node.
func LeafHash(leaf [LeafSize]byte) tlog.Hash { return tlog.RecordHash(leaf[:]) }
