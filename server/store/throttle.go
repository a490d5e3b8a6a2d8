package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
)

var _ operator.GuessStore = (*DB)(nil)

// rowReader is what rows are read in: the database, or a transaction.
type rowReader interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// guessesOf asks once for all names: each question is a round trip, and a flood of
// guesses is refused by what it reads.
func guessesOf(ctx context.Context, in querier, names []string) ([]operator.Guesses, error) {
	args, marks := make([]any, len(names)), make([]string, len(names))
	for i, name := range names {
		args[i], marks[i] = name, fmt.Sprintf("?%d", i+1)
	}
	type counted struct {
		name string
		operator.Guesses
	}
	rows, err := in.QueryContext(ctx, `SELECT name, failed, next_at, last_at FROM throttle WHERE name IN (`+strings.Join(marks, ", ")+`)`, args...)
	found, err := collect(rows, err, func(row scanner) (c counted, err error) {
		var next, last int64
		err = row.Scan(&c.name, &c.Failed, &next, &last)
		c.Next, c.Last = timeOrNone(next), timeOrNone(last)
		return c, err
	})
	all := make([]operator.Guesses, len(names))
	for i, name := range names {
		if at := slices.IndexFunc(found, func(c counted) bool { return c.name == name }); at >= 0 {
			all[i] = found[at].Guesses
		}
	}
	return all, err
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
