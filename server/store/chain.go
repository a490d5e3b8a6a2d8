package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
)

var _ policyversions.Chain = (*DB)(nil)

// appendLeaves calls do in a transaction and has the log grow by the leaves it returns.
// do is told the position of the first one; it inserts them, and behind each what it
// stands for.
func (db *DB) appendLeaves(ctx context.Context, what string, do func(ctx context.Context, tx *sql.Tx, position int64) ([][auditlog.LeafSize]byte, error)) error {
	db.appending.Lock()
	defer db.appending.Unlock()
	var edge auditlog.Edge
	var head auditlog.Head
	var first placedLeaf
	err := db.transact(ctx, transaction{what: what, landed: first.landed, do: func(ctx context.Context, tx *sql.Tx) (err error) {
		if edge, head, err = db.edgeIn(ctx, tx); err != nil {
			return err
		}
		leaves, err := do(ctx, tx, head.Size)
		if err != nil || len(leaves) == 0 {
			return err
		}
		size := head.Size
		var nodes []auditlog.StoredHash
		if edge, head, nodes, err = edge.Append(leaves); err != nil {
			return err
		}
		first = placedLeaf{size, leaves[0]}
		return db.dialect.run(ctx, tx, db.grow(nil, size, head, nodes))
	}})
	if err == nil {
		db.edge, db.head = edge, head
	}
	return err
}

// A placedLeaf is the first of those that a transaction adds. It has a random salt: if
// it stands in its place, the transaction was committed.
type placedLeaf struct {
	position int64
	leaf     [auditlog.LeafSize]byte
}

func (p *placedLeaf) landed(ctx context.Context, tx *sql.Tx) (bool, error) {
	var leaf []byte
	err := tx.QueryRowContext(ctx, `SELECT leaf FROM log_leaf WHERE position = ?1`, p.position).Scan(&leaf)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return string(leaf) == string(p.leaf[:]), err
}

// keepLeaf keeps a leaf: whatever stands for it refers to it.
func keepLeaf(ctx context.Context, tx *sql.Tx, position int64, leaf [auditlog.LeafSize]byte) error {
	if _, err := tx.ExecContext(ctx, insertLeaf, position, leaf[:]); err != nil {
		return fmt.Errorf("leaf %d of the log: %w", position, err)
	}
	return nil
}

// enter keeps the entry of v, which is kept already, at a position of the log.
func enter(ctx context.Context, tx *sql.Tx, v policyversions.Version, position int64) (leaf [auditlog.LeafSize]byte, _ canonical.Digest, err error) {
	entry, err := v.EntryBytes()
	if err != nil {
		return leaf, "", err
	}
	var salts [2][auditlog.SaltSize]byte
	for i := range salts {
		if _, err := rand.Read(salts[i][:]); err != nil {
			return leaf, "", fmt.Errorf("make a salt: %w", err)
		}
	}
	digest := canonical.Sum(entry)
	leaf = auditlog.VersionLeaf(salts[0], salts[1], entry)
	if err := keepLeaf(ctx, tx, position, leaf); err != nil {
		return leaf, "", err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO policy_entry (site, policy, number, digest, previous, bytes, position, salt_core, salt_person)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`,
		v.Site, v.Policy, v.Number, string(digest), string(v.Previous), entry, position, salts[0][:], salts[1][:])
	if err != nil {
		return leaf, "", fmt.Errorf("entry of version %d: %w", v.Number, err)
	}
	return leaf, digest, nil
}

// enterVersions gives an entry to the versions of a database that is older than the
// chain: from then on they are in the log. It is called at every start, and
// finds nothing to do at all but one of them.
func (db *DB) enterVersions(ctx context.Context) error {
	const without = `SELECT v.site, v.policy FROM policy_version v
		WHERE NOT EXISTS (SELECT 1 FROM policy_entry e WHERE e.site = v.site AND e.policy = v.policy AND e.number = v.number)
		GROUP BY v.site, v.policy ORDER BY v.site, v.policy`
	type policy struct{ site, key string }
	scan := func(row scanner) (p policy, err error) {
		err = row.Scan(&p.site, &p.key)
		return p, err
	}
	rows, err := db.read.QueryContext(ctx, without)
	if some, err := collect(rows, err, scan); err != nil || len(some) == 0 {
		return err
	}
	return db.appendLeaves(ctx, "enter the policy versions into the log", func(ctx context.Context, tx *sql.Tx, position int64) (leaves [][auditlog.LeafSize]byte, err error) {
		rows, err := tx.QueryContext(ctx, without) // once more: another process may have done it
		all, err := collect(rows, err, scan)
		if err != nil {
			return nil, err
		}
		for _, p := range all {
			versions, err := versionsIn(ctx, tx, p.site, p.key)
			if err != nil {
				return nil, err
			}
			var previous canonical.Digest
			for i := len(versions) - 1; i >= 0; i-- { // oldest first
				v := versions[i]
				if v.Entry == "" {
					v.Previous = previous
					leaf, entry, err := enter(ctx, tx, v, position+int64(len(leaves)))
					if err != nil {
						return nil, fmt.Errorf("%s/%s: %w", p.site, p.key, err)
					}
					v.Entry, leaves = entry, append(leaves, leaf)
				}
				previous = v.Entry
			}
		}
		return leaves, nil
	})
}

// VersionLink finds the entry of a version, and makes sure that it is the one its leaf
// stands for.
func (db *DB) VersionLink(ctx context.Context, site, policy string, number int) (policyversions.Link, error) {
	l, err := scanVersionLink(db.read.QueryRowContext(ctx, versionLinkQuery, site, policy, number))
	if errors.Is(err, sql.ErrNoRows) {
		return policyversions.Link{}, policyversions.ErrUnknownVersion
	}
	if err != nil {
		return policyversions.Link{}, fmt.Errorf("read entry of policy %s version %d: %w", policy, number, db.seen(err))
	}
	return l, nil
}

const versionLinkQuery = `SELECT e.bytes, e.digest, e.position, e.salt_core, e.salt_person, l.leaf FROM policy_entry e
	LEFT JOIN log_leaf l ON l.position = e.position WHERE e.site = ?1 AND e.policy = ?2 AND e.number = ?3`

func scanVersionLink(row scanner) (l policyversions.Link, err error) {
	var kept []byte
	if err := row.Scan(&l.Bytes, (*string)(&l.Digest), &l.Position, &l.SaltCore, &l.SaltPersonal, &kept); err != nil {
		return l, err
	}
	if len(l.SaltCore) == auditlog.SaltSize && len(l.SaltPersonal) == auditlog.SaltSize {
		leaf := auditlog.VersionLeaf([auditlog.SaltSize]byte(l.SaltCore), [auditlog.SaltSize]byte(l.SaltPersonal), l.Bytes)
		if canonical.Sum(l.Bytes) == l.Digest && string(leaf[:]) == string(kept) {
			return l, nil
		}
	}
	return l, fmt.Errorf("entry %s at leaf %d does not match its leaf: %w", l.Digest.Short(), l.Position, auditlog.ErrDamaged)
}
