package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// appendEntries calls do in a transaction and enters into the log what it returns:
// what it did and the entries that say so are kept together or not at all. do is told
// the position of the first entry.
func (db *DB) appendEntries(ctx context.Context, what string, do func(ctx context.Context, tx *sql.Tx, position int64) ([]auditlog.Entry, error)) error {
	return db.appendLeaves(ctx, what, func(ctx context.Context, tx *sql.Tx, position int64) ([][auditlog.LeafSize]byte, error) {
		entries, err := do(ctx, tx, position)
		if err != nil {
			return nil, err
		}
		leaves := make([][auditlog.LeafSize]byte, len(entries))
		for i, e := range entries {
			if err := keepEntry(ctx, tx, position+int64(i), e); err != nil {
				return nil, err
			}
			leaves[i] = e.Leaf()
		}
		return leaves, nil
	})
}

// keepEntry keeps what the leaf at a position stands for.
func keepEntry(ctx context.Context, tx *sql.Tx, position int64, e auditlog.Entry) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO log_entry (position, kind, site, object, salt_core, salt_person, core, personal)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`, position, string(e.Kind), e.Site, e.Object, e.SaltCore[:], e.SaltPersonal[:], e.Core, e.Personal)
	if err != nil {
		return fmt.Errorf("entry %s %s of the log: %w", e.Kind, e.Object, err)
	}
	return nil
}
