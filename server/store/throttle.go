package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
)

var _ operator.GuessStore = (*DB)(nil)

// rowReader is what rows are read in: the database, or a transaction.
type rowReader interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func guessesOf(ctx context.Context, in rowReader, names []string) ([]operator.Guesses, error) {
	all := make([]operator.Guesses, len(names))
	for i, name := range names {
		var next, last int64
		err := in.QueryRowContext(ctx, `SELECT failed, next_at, last_at FROM throttle WHERE name = ?1`, name).Scan(&all[i].Failed, &next, &last)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all[i].Next, all[i].Last = timeOrNone(next), timeOrNone(last)
	}
	return all, nil
}

// Guesses reads what was counted under names.
func (db *DB) Guesses(ctx context.Context, names []string) ([]operator.Guesses, error) {
	all, err := guessesOf(ctx, db.read, names)
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", db.seen(err))
	}
	return all, nil
}

// CountGuesses changes what was counted under names, and drops what is older than
// gone.
func (db *DB) CountGuesses(ctx context.Context, names []string, gone time.Time, change func([]operator.Guesses) bool) error {
	return db.inTransaction(ctx, "count attempts", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM throttle WHERE last_at < ?1`, milliseconds(gone)); err != nil {
			return err
		}
		all, err := guessesOf(ctx, tx, names)
		if err != nil || !change(all) {
			return err
		}
		for i, name := range names {
			if all[i] == (operator.Guesses{}) {
				_, err = tx.ExecContext(ctx, `DELETE FROM throttle WHERE name = ?1`, name)
			} else {
				_, err = tx.ExecContext(ctx, `INSERT INTO throttle (name, failed, next_at, last_at) VALUES (?1, ?2, ?3, ?4)
					ON CONFLICT (name) DO UPDATE SET failed = excluded.failed, next_at = excluded.next_at, last_at = excluded.last_at`,
					name, all[i].Failed, millisecondsOrNone(all[i].Next), milliseconds(all[i].Last))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
