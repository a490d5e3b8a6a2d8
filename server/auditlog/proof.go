package auditlog

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Errors of proofs.
var (
	ErrNotInLog     = errors.New("the log has no such leaf yet")
	ErrInclusion    = errors.New("the proof does not show that the leaf is in the log")
	ErrConsistency  = errors.New("the proof does not show that the later log continues the earlier one")
	errOrderOfHeads = errors.New("a consistency proof leads from a smaller log to a larger one")
)

// ProveInclusion shows that the leaf at index is in the log at head: the
// sibling hashes from the leaf to the root, leaf's side first (RFC 6962 2.1.1).
func ProveInclusion(r tlog.HashReader, head Head, index int64) (tlog.RecordProof, error) {
	if index < 0 || index >= head.Size {
		return nil, fmt.Errorf("leaf %d of %d: %w", index, head.Size, ErrNotInLog)
	}
	p, err := tlog.ProveRecord(head.Size, index, r)
	if err != nil {
		return nil, fmt.Errorf("prove leaf %d of %d: %w", index, head.Size, err)
	}
	return p, nil
}

// CheckInclusion needs no store: a leaf, its index, a head one trusts, a proof.
func CheckInclusion(p tlog.RecordProof, head Head, index int64, leaf [LeafSize]byte) error {
	if err := tlog.CheckRecord(p, head.Size, head.Root, index, LeafHash(leaf)); err != nil {
		return fmt.Errorf("leaf %d of %d: %w", index, head.Size, ErrInclusion)
	}
	return nil
}

// ProveConsistency shows that the log at new is the log at old with leaves
// added and none changed, removed or reordered (RFC 6962 2.1.2).
func ProveConsistency(r tlog.HashReader, old, new Head) (tlog.TreeProof, error) {
	if old.Size > new.Size || old.Size < 0 {
		return nil, fmt.Errorf("from %d to %d leaves: %w", old.Size, new.Size, errOrderOfHeads)
	}
	if old.Size == 0 {
		return nil, nil // every log continues the empty one
	}
	p, err := tlog.ProveTree(new.Size, old.Size, r)
	if err != nil {
		return nil, fmt.Errorf("prove that %d leaves continue %d: %w", new.Size, old.Size, err)
	}
	return p, nil
}

// CheckConsistency needs no store: an earlier head one kept, a later one, a proof.
func CheckConsistency(p tlog.TreeProof, old, new Head) error {
	if old.Size == 0 {
		if empty, err := tlog.TreeHash(0, nil); err != nil || old.Root != empty || len(p) != 0 || new.Size < 0 {
			return fmt.Errorf("from the empty log: %w", ErrConsistency)
		}
		return nil
	}
	if err := tlog.CheckTree(p, new.Size, new.Root, old.Size, old.Root); err != nil {
		return fmt.Errorf("from %d to %d leaves: %w", old.Size, new.Size, ErrConsistency)
	}
	return nil
}

// Empty is the head of the log that holds nothing.
func Empty() Head {
	root, err := tlog.TreeHash(0, nil)
	if err != nil { // a tree without leaves reads no hash
		panic(err)
	}
	return Head{Root: root}
}
