package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// SpendPass keeps the digest of something that counts once until it would not count
// anyway, and reports whether it is there for the first time.
func (db *DB) SpendPass(ctx context.Context, digest []byte, until, now time.Time) (first bool, err error) {
	err = db.inTransaction(ctx, "spend a pass", func(ctx context.Context, tx *sql.Tx) error {
		// A minute more than it counts: the clocks of two nodes differ.
		if _, err := tx.ExecContext(ctx, `DELETE FROM spent_pass WHERE until < ?1`, now.Add(-time.Minute).UnixMilli()); err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, `INSERT INTO spent_pass (digest, until) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING`, digest, until.UnixMilli())
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		first = n == 1
		return err
	})
	return first, err
}

// ReplaceElsewhere keeps that the cookies of these receipts are not what counts any
// more: another browser decided for them, which they cannot know. The digests are
// those of site and receipt.
func (db *DB) ReplaceElsewhere(ctx context.Context, site string, digests [][]byte, at time.Time) error {
	return db.inTransaction(ctx, "note a decision made elsewhere", func(ctx context.Context, tx *sql.Tx) error {
		for _, digest := range digests {
			if _, err := tx.ExecContext(ctx, `INSERT INTO replaced_elsewhere (site, digest, at) VALUES (?1, ?2, ?3)
				ON CONFLICT (site, digest) DO UPDATE SET at = excluded.at`, site, digest, at.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
}

// ReplacedElsewhere calls each for what was kept at a time or later, and returns the
// latest of their times.
func (db *DB) ReplacedElsewhere(ctx context.Context, since time.Time, each func(site string, digest []byte)) (latest time.Time, err error) {
	type row struct {
		site   string
		digest []byte
		at     int64
	}
	rows, err := db.read.QueryContext(ctx, `SELECT site, digest, at FROM replaced_elsewhere WHERE at >= ?1`, since.UnixMilli())
	all, err := collect(rows, err, func(from scanner) (r row, err error) {
		err = from.Scan(&r.site, &r.digest, &r.at)
		return r, err
	})
	if err != nil {
		return since, fmt.Errorf("read decisions made elsewhere: %w", db.seen(err))
	}
	latest = since
	for _, r := range all {
		each(r.site, r.digest)
		if at := time.UnixMilli(r.at); at.After(latest) {
			latest = at
		}
	}
	return latest, nil
}

// ForgetReplaced removes what was kept before a time: no cookie is that old.
func (db *DB) ForgetReplaced(ctx context.Context, before time.Time) error {
	return db.inTransaction(ctx, "forget decisions made elsewhere", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM replaced_elsewhere WHERE at < ?1`, before.UnixMilli())
		return err
	})
}
