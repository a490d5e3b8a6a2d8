package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// An Audit is what was found by reading everything.
type Audit struct {
	Head        auditlog.Head
	Records     int64                   // kept, each matching its leaf and its signature
	Minimised   int64                   // of these, how many have lost their personal half, as a tombstone says
	Without     int64                   // leaves whose record is gone: shredded, as a tombstone says, or lost, which is a finding
	Versions    int64                   // of policies, each matching its leaf, its texts and the entry before
	Entries     map[auditlog.Kind]int64 // of the other kinds, each matching its leaf and what it stands for
	Artifacts   int64                   // each matching its digest
	Checkpoints int64                   // each signed, and a head that the log really had
	Unverified  int64                   // checkpoints and cosignatures whose key was not given
	Findings    []auditlog.Finding      // by leaf; the first ones, if there are very many
	More        int64                   // findings beyond these
}

// An Auditing is what an audit is told. Zero values leave out what they are for.
type Auditing struct {
	Receipts consent.PublicKeys // of all keys that ever signed receipts
	Log      []note.Verifier    // of the keys that signed checkpoints, and of witnesses

	// Earlier are heads, and Outside checkpoints, that somebody kept outside this
	// database. Without one, a database that was exchanged for an older copy, or whose
	// history was written anew with the same keys, can't be told from an honest one.
	Earlier []auditlog.Head
	Outside []auditlog.Checkpoint

	// Encoded compares a compressed form with its source.
	Encoded func(coding string, form, source []byte) error
	// Progress is told now and then how many leaves of all were read.
	Progress func(done, total int64)
}

// mostFindings is where Audit stops collecting; whoever has that many restores
// a backup.
const mostFindings = 100

// Audit is AuditAll with the public keys of receipts, and with earlier heads.
func (db *DB) Audit(ctx context.Context, keys consent.PublicKeys, earlier ...auditlog.Head) (*Audit, error) {
	return db.AuditAll(ctx, Auditing{Receipts: keys, Earlier: earlier})
}

// AuditAll reads the whole log and all that it stands for, at one moment, and
// recomputes all that can be recomputed: leaves from records, policy versions and
// entries; entries from what they are of, down to the bytes behind each digest;
// nodes and root from leaves; and the root of each size that was signed or shown. It
// changes nothing, holds the same memory whatever there is to read, and needs nobody
// to stop: whoever writes goes on. What does not hold is a finding; an error means
// that it could not be read.
func (db *DB) AuditAll(ctx context.Context, o Auditing) (*Audit, error) {
	tx, err := db.read.BeginTx(ctx, nil) // one snapshot for all of it
	if err != nil {
		return nil, fmt.Errorf("audit: %w", db.seen(err))
	}
	defer tx.Rollback()
	a, err := auditIn(ctx, tx, o)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", db.seen(err))
	}
	return a, nil
}

// A replay is an audit under way.
type replay struct {
	*Audit
	Auditing
	tx    *sql.Tx
	heads map[int64][]shown // by size
	lost  [2]int64          // leaves of which nothing is left, not yet told: from, to
	votes int64             // tombstone rows that an entry speaks for
	grave *sql.Stmt         // finds one of these
	refs  *references

	order  map[auditlog.Kind]int64     // the number that was entered last
	before map[string]canonical.Digest // the entry of each site's last publication
	strays []stray
	found  map[string]bool // findings that were told
}

func auditIn(ctx context.Context, tx *sql.Tx, o Auditing) (*Audit, error) {
	r := &replay{
		Audit: &Audit{Entries: map[auditlog.Kind]int64{}}, Auditing: o, tx: tx, heads: map[int64][]shown{},
		refs: newReferences(), order: map[auditlog.Kind]int64{}, before: map[string]canonical.Digest{}, found: map[string]bool{},
	}
	var err error
	if r.Head, err = scanHead(tx.QueryRowContext(ctx, selectHead)); err != nil {
		if !errors.Is(err, auditlog.ErrDamaged) && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		r.finding(auditlog.Altered, "the head of the log", auditlog.NoLeaf, err)
	}
	for _, step := range []func(context.Context) error{
		r.checkpoints, r.cosigned, r.walk, r.versions, r.publications, r.acts, r.tombstones, r.artifacts, r.references, r.named,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	r.exchanged()
	slices.SortStableFunc(r.Findings, func(a, b auditlog.Finding) int { return cmp.Compare(a.Leaf, b.Leaf) })
	return r.Audit, nil
}

// workers are as many as there are processors to verify signatures on.
func workers() int { return max(runtime.GOMAXPROCS(0), 1) }

func (r *replay) finding(what auditlog.Alteration, of string, leaf int64, why error) {
	f := auditlog.Finding{What: what, Of: of, Leaf: leaf, Err: why}
	if key := string(what) + of; len(r.Findings) < mostFindings && !r.found[key] {
		r.found[key] = true
		r.Findings = append(r.Findings, f)
	} else if !r.found[key] {
		r.More++
	}
}

// A shown head is one that the log has signed, or that somebody kept.
type shown struct {
	of   string
	root tlog.Hash
	mine bool // kept in the database itself
}

// expect has a head compared when as many leaves were read.
func (r *replay) expect(of string, head auditlog.Head, mine bool) {
	r.heads[head.Size] = append(r.heads[head.Size], shown{of, head.Root, mine})
}

// compare compares the heads of the size that was reached.
func (r *replay) compare(tree *auditlog.Replay) {
	all, ok := r.heads[tree.Size()]
	if !ok {
		return
	}
	delete(r.heads, tree.Size())
	root, known := tree.Root()
	for _, h := range all {
		switch {
		case h.root == root:
			if h.mine {
				r.Checkpoints++
			}
		case known:
			r.finding(auditlog.Rewritten, h.of, auditlog.NoLeaf, fmt.Errorf("its root is %s, that of the first %d leaves is %s: what came before it was written anew: %w",
				h.root, tree.Size(), root, auditlog.ErrConsistency))
		case !h.mine:
			r.finding(auditlog.Rewritten, h.of, auditlog.NoLeaf, fmt.Errorf("its root is %s, and what came before it does not hold: %w", h.root, auditlog.ErrConsistency))
		}
	}
}

// beyond are the heads of more leaves than there are.
func (r *replay) beyond(size int64) {
	for at, all := range r.heads {
		for _, h := range all {
			r.finding(auditlog.Truncated, "the log", auditlog.NoLeaf, fmt.Errorf("it has %d leaves, and %s is of %d: later ones were removed, or the database is an older copy: %w",
				size, h.of, at, auditlog.ErrConsistency))
		}
	}
}
