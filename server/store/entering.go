package store

import (
	"context"
	"database/sql"
	"errors"
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

// keepEntry keeps a leaf at a position, and what it stands for.
func keepEntry(ctx context.Context, tx *sql.Tx, position int64, e auditlog.Entry) error {
	if err := keepLeaf(ctx, tx, position, e.Leaf()); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO log_entry (position, kind, site, object, salt_core, salt_person, core, personal)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`, position, string(e.Kind), e.Site, e.Object, e.SaltCore[:], e.SaltPersonal[:], e.Core, e.Personal)
	if err != nil {
		return fmt.Errorf("entry %s %s of the log: %w", e.Kind, e.Object, err)
	}
	return nil
}

// LogEntry finds the entry of an object of a kind, and its position; it makes sure that
// it is the one its leaf stands for. auditlog.ErrNotInLog where there is none.
func (db *DB) LogEntry(ctx context.Context, kind auditlog.Kind, object string) (auditlog.Entry, int64, error) {
	position, e, err := scanLogEntry(db.read.QueryRowContext(ctx, `SELECT `+logEntryColumns+` FROM log_entry e
		LEFT JOIN log_leaf l ON l.position = e.position WHERE e.kind = ?1 AND e.object = ?2`, string(kind), object))
	if errors.Is(err, sql.ErrNoRows) {
		return e, 0, auditlog.ErrNotInLog
	}
	if err != nil {
		return e, 0, fmt.Errorf("read entry %s %s of the log: %w", kind, object, db.seen(err))
	}
	return e, position, nil
}

const logEntryColumns = `e.position, e.kind, e.site, e.object, e.salt_core, e.salt_person, e.commit_pers, e.core, e.personal, l.leaf`

func scanLogEntry(row scanner) (position int64, e auditlog.Entry, err error) {
	var core, person, removed, leaf []byte
	if err := row.Scan(&position, (*string)(&e.Kind), &e.Site, &e.Object, &core, &person, &removed, &e.Core, &e.Personal, &leaf); err != nil {
		return 0, e, err
	}
	whole := len(core) == auditlog.SaltSize && (removed == nil) == (len(person) == auditlog.SaltSize) && (removed == nil || len(removed) == len(e.Removed))
	if whole {
		copy(e.SaltCore[:], core)
		copy(e.SaltPersonal[:], person)
		copy(e.Removed[:], removed)
		if want := e.Leaf(); string(want[:]) == string(leaf) {
			return position, e, nil
		}
	}
	return position, e, fmt.Errorf("entry %s %s at leaf %d does not match its leaf: %w", e.Kind, e.Object, position, auditlog.ErrDamaged)
}
