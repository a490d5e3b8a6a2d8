package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// KeepRun keeps an opt-out that is on its way, by its random name, until a time, with
// what it came to so far by place. It reports false, and keeps nothing, where there
// are as many as most.
func (db *DB) KeepRun(ctx context.Context, id, run string, states map[string]string, until, now time.Time, most int) (kept bool, err error) {
	err = db.inTransaction(ctx, "keep an opt-out on its way", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM opt_out_run WHERE until <= ?1`, now.UnixMilli()); err != nil {
			return err
		}
		var there int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM opt_out_run`).Scan(&there); err != nil || there >= most {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO opt_out_run (id, run, until) VALUES (?1, ?2, ?3)`, id, run, until.UnixMilli()); err != nil {
			return err
		}
		kept = true
		return markRun(ctx, tx, id, states)
	})
	return kept && err == nil, err
}

// MarkRun says what a run came to at places. A run that is over stays over.
func (db *DB) MarkRun(ctx context.Context, id string, states map[string]string, now time.Time) error {
	return db.inTransaction(ctx, "note what an opt-out came to", func(ctx context.Context, tx *sql.Tx) error {
		var there int
		err := tx.QueryRowContext(ctx, `SELECT 1 FROM opt_out_run WHERE id = ?1 AND until > ?2`, id, now.UnixMilli()).Scan(&there)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return markRun(ctx, tx, id, states)
	})
}

func markRun(ctx context.Context, tx *sql.Tx, id string, states map[string]string) error {
	for _, place := range slices.Sorted(maps.Keys(states)) {
		if _, err := tx.ExecContext(ctx, `INSERT INTO opt_out_result (run, place, state) VALUES (?1, ?2, ?3)
			ON CONFLICT (run, place) DO UPDATE SET state = excluded.state`, id, place, states[place]); err != nil {
			return err
		}
	}
	return nil
}

// Run is a run that is kept, and what it came to by place; false where there is none
// of that name any more.
func (db *DB) Run(ctx context.Context, id string, now time.Time) (run string, states map[string]string, ok bool, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT run FROM opt_out_run WHERE id = ?1 AND until > ?2`, id, now.UnixMilli()).Scan(&run)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil, false, nil
	}
	if err != nil {
		return "", nil, false, fmt.Errorf("read an opt-out on its way: %w", db.seen(err))
	}
	rows, err := db.read.QueryContext(ctx, `SELECT place, state FROM opt_out_result WHERE run = ?1`, id)
	all, err := collect(rows, err, func(from scanner) (r [2]string, err error) {
		err = from.Scan(&r[0], &r[1])
		return r, err
	})
	if err != nil {
		return "", nil, false, fmt.Errorf("read an opt-out on its way: %w", db.seen(err))
	}
	states = make(map[string]string, len(all))
	for _, r := range all {
		states[r[0]] = r[1]
	}
	return run, states, true, nil
}
