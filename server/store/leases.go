package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/volenti-consent/volenti/server/lease"
)

var _ lease.Store = (*DB)(nil)

// Lease is who holds a name; nobody yet is the zero value.
func (db *DB) Lease(ctx context.Context, name string) (l lease.State, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT holder, beat FROM lease WHERE name = ?1`, name).Scan(&l.Holder, &l.Beat)
	if errors.Is(err, sql.ErrNoRows) {
		return lease.State{}, nil
	}
	if err != nil {
		return l, fmt.Errorf("read lease: %w", db.seen(err))
	}
	return l, nil
}

// TakeLease puts next in the place of seen, and reports whether that was still so.
func (db *DB) TakeLease(ctx context.Context, name string, seen, next lease.State) (taken bool, err error) {
	err = db.inTransaction(ctx, "take lease", func(ctx context.Context, tx *sql.Tx) error {
		var result sql.Result
		var err error
		if seen == (lease.State{}) {
			result, err = tx.ExecContext(ctx, `INSERT INTO lease (name, holder, beat) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING`, name, next.Holder, next.Beat)
		} else {
			result, err = tx.ExecContext(ctx, `UPDATE lease SET holder = ?2, beat = ?3 WHERE name = ?1 AND holder = ?4 AND beat = ?5`, name, next.Holder, next.Beat, seen.Holder, seen.Beat)
		}
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		taken = n == 1
		return err
	})
	return taken, err
}
