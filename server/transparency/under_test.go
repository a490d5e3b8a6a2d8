package transparency

import (
	"errors"
	"testing"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// A leaf is proven under a checkpoint that somebody kept, if that is of this log and
// holds the leaf.
func TestAProofUnderAKeptCheckpoint(t *testing.T) {
	w := newWorld(t, "shop.example/log")
	w.grow(3)
	kept := w.sign()
	w.grow(4)
	w.sign()
	text, err := w.log.ProofUnder(t.Context(), 1, kept)
	if err != nil {
		t.Fatal(err)
	}
	leaves, err := w.db.Leaves(t.Context(), 0, 7)
	if err != nil {
		t.Fatal(err)
	}
	p, err := auditlog.ParseProof(text)
	if err != nil {
		t.Fatal(err)
	}
	if c, _, err := p.Verify(leaves[1], w.verifier()); err != nil || c.Head != kept.Head {
		t.Errorf("under %d leaves: %v", c.Head.Size, err)
	}
	if _, err := w.log.ProofUnder(t.Context(), 3, kept); !errors.Is(err, auditlog.ErrNotInLog) {
		t.Errorf("a later leaf: %v", err)
	}
	forked := kept
	forked.Head.Root[0] ^= 1
	if _, err := w.log.ProofUnder(t.Context(), 1, forked); !errors.Is(err, auditlog.ErrFork) {
		t.Errorf("of another tree: %v", err)
	}
}
