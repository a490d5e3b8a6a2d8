package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// A series is a statement that is done once or several times, with the parameters of all
// of these one behind the other.
type series struct {
	*statement
	columns int // parameters of each time
	args    []any
}

// seriesOf is one that is not done at all yet, with room for so many times.
func seriesOf(s *statement, columns, times int) series {
	return series{s, columns, make([]any, 0, columns*times)}
}

func (s *series) add(args ...any) { s.args = append(s.args, args...) }

// writes are statements of one transaction of which nobody reads the rows. They are
// done in their order; those of a series may be done as one.
type writes []series

// severalRows is how many rows SQLite is given at once, as long as there are as many: each
// call into it costs as much as a small row.
var severalRows = [...]int{16, 4}

// several is a statement that inserts one row, or asks for one value, as one that does so
// for so many; "" for any other.
func (sqlite) several(text string, times int) string {
	if at := oneRow.FindStringSubmatchIndex(text); at != nil {
		columns := strings.Count(text[at[2]:at[3]], "?")
		rows := make([]string, times)
		for i := range rows {
			rows[i] = "(" + shifted(text[at[2]:at[3]], i*columns) + ")"
		}
		return text[:at[0]] + "VALUES " + strings.Join(rows, ", ") + text[at[1]:]
	}
	if text == selectTaken {
		values := make([]string, times)
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

// pieces are what of a series is done at once, by which statement: many rows as long as
// there are as many, and then fewer.
func (s series) pieces(ctx context.Context, tx *sql.Tx) func(yield func(stmt *sql.Stmt, args []any) bool) {
	in := func(stmt *sql.Stmt) *sql.Stmt {
		if tx != nil {
			stmt = tx.StmtContext(ctx, stmt)
		}
		return stmt
	}
	return func(yield func(*sql.Stmt, []any) bool) {
		args := s.args
		for i, times := range severalRows {
			several, size := s.several[i], times*s.columns
			if several == nil || len(args) < size {
				continue
			}
			for several = in(several); len(args) >= size; args = args[size:] {
				if !yield(several, args[:size]) {
					return
				}
			}
		}
		if len(args) == 0 {
			return
		}
		for one := in(s.Stmt); len(args) > 0; args = args[s.columns:] {
			if !yield(one, args[:s.columns]) {
				return
			}
		}
	}
}

// run does each series several rows at a time.
func (sqlite) run(ctx context.Context, tx *sql.Tx, list writes) error {
	for _, s := range list {
		for stmt, args := range s.pieces(ctx, tx) {
			done, err := stmt.ExecContext(ctx, args...)
			if err != nil {
				return err
			}
			if s.none == nil {
				continue
			}
			if n, err := done.RowsAffected(); err != nil || n != int64(len(args)/s.columns) {
				return cmp.Or(err, s.none)
			}
		}
	}
	return nil
}

// each asks the same for each of the parameters, several at a time.
func (sqlite) each(ctx context.Context, tx *sql.Tx, _ *sql.DB, s series) ([]any, error) {
	all := make([]any, len(s.args)/s.columns)
	left, into := all, make([]any, 0, severalRows[0])
	for stmt, args := range s.pieces(ctx, tx) {
		into = into[:0]
		for ; len(into) < len(args)/s.columns; left = left[1:] {
			into = append(into, &left[0])
		}
		if err := stmt.QueryRowContext(ctx, args...).Scan(into...); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
	}
	return all, nil
}
