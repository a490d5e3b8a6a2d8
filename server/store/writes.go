package store

import (
	"context"
	"database/sql"
	"errors"
)

// A write is a statement with its parameters.
type write struct {
	statement
	args []any
}

// writes are statements of one transaction of which nobody reads the rows. They are
// done in their order; equal ones that follow each other may be done as one.
type writes []write

func (w *writes) add(s statement, args ...any) {
	*w = append(*w, write{s, args})
}

// run does them one by one.
func (sqlite) run(ctx context.Context, tx *sql.Tx, list writes) error {
	var of *sql.Stmt // the statement that stmt is within tx
	var stmt *sql.Stmt
	for _, w := range list {
		if w.Stmt != of {
			of, stmt = w.Stmt, tx.StmtContext(ctx, w.Stmt)
		}
		done, err := stmt.ExecContext(ctx, w.args...)
		if err == nil && w.none != nil {
			var n int64
			if n, err = done.RowsAffected(); err == nil && n != 1 {
				err = w.none
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// each asks the same once for each of the parameters.
func (sqlite) each(ctx context.Context, tx *sql.Tx, _ *sql.DB, s statement, args [][]any) ([]any, error) {
	stmt := s.Stmt
	if tx != nil {
		stmt = tx.StmtContext(ctx, stmt)
	}
	all := make([]any, len(args))
	for i, a := range args {
		if err := stmt.QueryRowContext(ctx, a...).Scan(&all[i]); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
	}
	return all, nil
}
