package store

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"strconv"
	"strings"
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

// severalRows is how many rows SQLite is given at once: each call into it costs as much
// as a small row.
const severalRows = 16

// several is a statement that inserts one row, or asks for one value, as one that does so
// for severalRows; "" for any other.
func (sqlite) several(text string) string {
	if at := oneRow.FindStringSubmatchIndex(text); at != nil {
		columns := strings.Count(text[at[2]:at[3]], "?")
		rows := make([]string, severalRows)
		for i := range rows {
			rows[i] = "(" + shifted(text[at[2]:at[3]], i*columns) + ")"
		}
		return text[:at[0]] + "VALUES " + strings.Join(rows, ", ") + text[at[1]:]
	}
	if text == selectTaken {
		values := make([]string, severalRows)
		for i := range values {
			values[i] = "(" + shifted(text, i*strings.Count(text, "?")) + ")"
		}
		return "SELECT " + strings.Join(values, ", ")
	}
	return ""
}

var mark = regexp.MustCompile(`\?\d+`)

// shifted is a text whose parameters are further numbers.
func shifted(text string, by int) string {
	return mark.ReplaceAllStringFunc(text, func(m string) string {
		n, _ := strconv.Atoi(m[1:])
		return "?" + strconv.Itoa(n+by)
	})
}

// run does those of one statement that follow each other several at a time.
func (sqlite) run(ctx context.Context, tx *sql.Tx, list writes) error {
	for len(list) > 0 {
		same := 1
		for same < len(list) && list[same].Stmt == list[0].Stmt {
			same++
		}
		if err := runSame(ctx, tx, list[:same]); err != nil {
			return err
		}
		list = list[same:]
	}
	return nil
}

// runSame does writes of one statement.
func runSame(ctx context.Context, tx *sql.Tx, list writes) error {
	s := list[0].statement
	if s.several != nil && len(list) >= severalRows {
		stmt := tx.StmtContext(ctx, s.several)
		args := make([]any, 0, severalRows*len(list[0].args))
		for ; len(list) >= severalRows; list = list[severalRows:] {
			args = args[:0]
			for _, w := range list[:severalRows] {
				args = append(args, w.args...)
			}
			if err := s.changing(severalRows)(stmt.ExecContext(ctx, args...)); err != nil {
				return err
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	stmt := tx.StmtContext(ctx, s.Stmt)
	for _, w := range list {
		if err := s.changing(1)(stmt.ExecContext(ctx, w.args...)); err != nil {
			return err
		}
	}
	return nil
}

// changing makes sure that so many rows were changed, where the statement has to.
func (s statement) changing(rows int64) func(sql.Result, error) error {
	return func(done sql.Result, err error) error {
		if err != nil || s.none == nil {
			return err
		}
		n, err := done.RowsAffected()
		if err == nil && n != rows {
			err = s.none
		}
		return err
	}
}

// each asks the same for each of the parameters, several at a time.
func (sqlite) each(ctx context.Context, tx *sql.Tx, _ *sql.DB, s statement, args [][]any) ([]any, error) {
	all := make([]any, len(args))
	left := all
	if s.several != nil && len(args) >= severalRows {
		stmt := s.several
		if tx != nil {
			stmt = tx.StmtContext(ctx, stmt)
		}
		flat, into := make([]any, 0, severalRows*len(args[0])), make([]any, severalRows)
		for ; len(args) >= severalRows; args, left = args[severalRows:], left[severalRows:] {
			flat = flat[:0]
			for i, a := range args[:severalRows] {
				flat, into[i] = append(flat, a...), &left[i]
			}
			if err := stmt.QueryRowContext(ctx, flat...).Scan(into...); err != nil {
				return nil, err
			}
		}
	}
	stmt := s.Stmt
	if tx != nil {
		stmt = tx.StmtContext(ctx, stmt)
	}
	for i, a := range args {
		if err := stmt.QueryRowContext(ctx, a...).Scan(&left[i]); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
	}
	return all, nil
}
