package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
)

// An Audit is what was found by reading everything.
type Audit struct {
	Head     auditlog.Head
	Records  int64 // kept, each matching its leaf and its signature
	Versions int64 // of policies, each matching its leaf, its texts and the entry before
	Without  int64 // leaves whose record is gone: erased, or lost
	Findings []error
}

// mostFindings is where Audit stops collecting; whoever has that many restores
// a backup.
const mostFindings = 100

// Audit reads the whole log, every record and every policy version, at one moment,
// and recomputes all that can be recomputed: leaves from records and entries, entries
// from versions and their texts, nodes and root from leaves, and that the log continues each of the earlier heads, which somebody kept outside
// this database. Without one, a database that was exchanged for an older copy
// can't be told from one that never grew. What does not hold is a finding; an
// error means that it could not be read.
func (db *DB) Audit(ctx context.Context, keys consent.PublicKeys, earlier ...auditlog.Head) (*Audit, error) {
	tx, err := db.read.BeginTx(ctx, nil) // one snapshot for all of it
	if err != nil {
		return nil, fmt.Errorf("audit: %w", db.seen(err))
	}
	defer tx.Rollback()
	a, err := auditIn(ctx, tx, keys, earlier)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", db.seen(err))
	}
	return a, nil
}

func auditIn(ctx context.Context, tx *sql.Tx, keys consent.PublicKeys, earlier []auditlog.Head) (*Audit, error) {
	head, err := scanHead(tx.QueryRowContext(ctx, selectHead))
	if err != nil {
		return nil, err
	}
	a := &Audit{Head: head}
	if err := a.log(ctx, tx); err != nil {
		return nil, err
	}
	records, err := a.records(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	entries, err := a.versions(ctx, tx)
	if err != nil {
		return nil, err
	}
	a.Without = head.Size - records - entries
	node, err := tx.PrepareContext(ctx, selectNode)
	if err != nil {
		return nil, err
	}
	defer node.Close()
	for _, old := range earlier {
		a.continues(readNodes(ctx, node), old)
	}
	return a, nil
}

func (a *Audit) found(format string, args ...any) {
	if len(a.Findings) < mostFindings {
		a.Findings = append(a.Findings, fmt.Errorf(format, args...))
	}
}

// log grows the tree anew from its leaves and compares every node.
func (a *Audit) log(ctx context.Context, tx *sql.Tx) error {
	var edge auditlog.Edge
	size := int64(0)
	rows, err := tx.QueryContext(ctx, `SELECT position, leaf FROM log_leaf ORDER BY position`)
	if err != nil {
		return err
	}
	defer rows.Close()
	nodes, err := tx.QueryContext(ctx, `SELECT position, hash FROM log_node ORDER BY position`)
	if err != nil {
		return err
	}
	defer nodes.Close()
	for rows.Next() {
		var position int64
		var leaf, hash []byte
		if err := rows.Scan(&position, &leaf); err != nil {
			return err
		}
		if position != size || len(leaf) != auditlog.LeafSize {
			a.found("leaf %d of the log is missing or misshapen: %w", size, auditlog.ErrDamaged)
			return nil // whatever follows is not in its place
		}
		next, _, fresh, err := edge.Append([][auditlog.LeafSize]byte{[auditlog.LeafSize]byte(leaf)})
		if err != nil {
			return err
		}
		for _, want := range fresh {
			if !nodes.Next() {
				a.found("node %d of the log is missing: %w", want.Index, errors.Join(auditlog.ErrDamaged, nodes.Err()))
				return nodes.Err()
			}
			if err := nodes.Scan(&position, &hash); err != nil {
				return err
			}
			if position != want.Index || string(hash) != string(want.Hash[:]) {
				a.found("node %d of the log is not that of its leaves: %w", want.Index, auditlog.ErrDamaged)
				return nil
			}
		}
		edge = next
		size++
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if nodes.Next() {
		a.found("the log has nodes beyond its %d leaves: %w", size, auditlog.ErrDamaged)
	}
	head, err := edge.Head()
	if err == nil && head != a.Head {
		a.found("the log's head says %d leaves with root %s, its leaves say %d with %s: %w", a.Head.Size, a.Head.Root, head.Size, head.Root, auditlog.ErrDamaged)
	}
	return errors.Join(err, nodes.Err())
}

// records verifies each receipt as its holder would, and returns how many there are.
func (a *Audit) records(ctx context.Context, tx *sql.Tx, keys consent.PublicKeys) (seen int64, _ error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+entryColumns+` FROM kept_record r LEFT JOIN log_leaf l ON l.position = r.position ORDER BY r.position`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	last := int64(0)
	for rows.Next() {
		seen++
		e, err := scanEntry(rows)
		if errors.Is(err, consent.ErrDamaged) {
			a.found("%w", err)
			continue
		}
		if err != nil {
			return 0, err
		}
		receipt, err := consent.EncodeReceipt(e)
		if err == nil {
			var report consent.Report
			report, err = consent.Verify(receipt, keys)
			if core := report.Core; err == nil && (core.Site != e.Site || core.Previous != e.Previous || core.ReceivedAt != e.ReceivedAt ||
				(report.Personal != nil && report.Personal.Subject != e.Subject)) {
				err = fmt.Errorf("its columns differ from what it says: %w", consent.ErrDamaged)
			}
		}
		if err != nil {
			a.found("receipt %s at leaf %d: %w", e.ReceiptID, e.Index, err)
			continue
		}
		if e.ReceivedAt < last-clockTolerance {
			a.found("receipt %s at leaf %d is dated %d ms before the one it follows", e.ReceiptID, e.Index, last-e.ReceivedAt)
		}
		last = max(last, e.ReceivedAt)
		a.Records++
	}
	return seen, rows.Err()
}

// clockTolerance is how far, in milliseconds, the clocks of two processes that
// append to one log may be apart before it is a finding.
const clockTolerance = 5 * 60 * 1000

func (a *Audit) continues(nodes tlog.HashReader, old auditlog.Head) {
	proof, err := auditlog.ProveConsistency(nodes, old, a.Head)
	if err == nil {
		err = auditlog.CheckConsistency(proof, old, a.Head)
	}
	if err != nil {
		a.found("the log does not continue the one that had %d leaves and root %s: %w", old.Size, old.Root, err)
	}
}
