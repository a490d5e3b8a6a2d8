package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// A keyedTable is one whose rows a move knows by their keys. It is copied and compared
// whole in the first round; after that, triggers in the source say which rows are written,
// and those alone are copied and compared once more.
type keyedTable struct {
	name    string
	columns []string // the key first
	keys    int      // of the columns
}

// facetTable has a way of its own: it is copied with records, and compared by its key.
var facetTable = keyedTable{name: "facet", columns: []string{"id"}, keys: 1}

// keyedTables are all that have no way of their own, in the order in which they refer to
// one another.
func (db *DB) keyedTables(ctx context.Context) (all []keyedTable, err error) {
	tables, err := db.tables()
	if err != nil {
		return nil, err
	}
	for _, name := range tables {
		if slices.Contains(moveApart, name) || slices.Contains(moveNever, name) {
			continue
		}
		t := keyedTable{name: name}
		rows, err := db.read.QueryContext(ctx, `SELECT name, pk > 0 FROM pragma_table_info(?1) ORDER BY pk = 0, pk, cid`, name)
		_, err = collect(rows, err, func(row scanner) (_ struct{}, err error) {
			var column string
			var key bool
			err = row.Scan(&column, &key)
			t.columns = append(t.columns, column)
			if key {
				t.keys++
			}
			return struct{}{}, err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// watched is the table in the source that holds the keys of rows that were written.
func (t keyedTable) watched() string { return "watched_" + t.name }

// keyBatch is how many rows are asked for by their keys at once.
const keyBatch = 50

// one is the condition for a row by its key, whose first value is parameter after + 1.
func (t keyedTable) one(after int) string {
	text := " WHERE "
	for i, column := range t.columns[:t.keys] {
		text += fmt.Sprintf("%s%s = ?%d", []string{"", " AND "}[min(i, 1)], column, after+i+1)
	}
	return text
}

// some is the condition for rows by their keys: for however many it is the same text, so
// that it is prepared once.
func (t keyedTable) some(keys [][]any) (where string, args []any) {
	for i := range keyBatch {
		where += strings.Replace(t.one(len(args)), "WHERE", []string{"WHERE", "OR"}[min(i, 1)], 1)
		args = append(args, keys[min(i, len(keys)-1)]...)
	}
	return where, args
}

// A rowKey stands for the key of a row.
type rowKey [16]byte

func (t keyedTable) keyOf(values []any) rowKey {
	var text []byte
	for _, v := range values[:t.keys] {
		text = appendValue(text, v)
	}
	sum := sha256.Sum256(text)
	return rowKey(sum[:len(rowKey{})])
}

// keyed has all keyed tables hold what they do in from, and compares them: rows that were
// written, or, where nobody knows which, all. first: the target was not filled yet.
func (m *Move) keyed(ctx context.Context, from, tx *sql.Tx, rows map[string][][]any, whole, first bool) error {
	each := func(t keyedTable, do func(where string, args []any) error) error {
		if whole {
			return do("", nil)
		}
		for keys := range slices.Chunk(rows[t.name], keyBatch) {
			if err := do(t.some(keys)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, t := range m.tables {
		if !first || slices.Contains(moveEarly, t.name) {
			continue
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+t.name); err != nil { //nolint:gosec // ours; some are made with a row
			return err
		}
	}
	for _, t := range slices.Backward(m.tables) { // what refers to a row goes before it
		if err := each(t, func(where string, args []any) error { return m.dropGone(ctx, from, tx, t, where, args) }); err != nil {
			return err
		}
	}
	for _, t := range m.tables {
		err := each(t, func(where string, args []any) error {
			are, were, err := m.match(ctx, from, tx, t, where, args)
			if m.rows[t.name] += are - were; whole {
				m.rows[t.name] = are
				m.tell(t.name, are, are)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropGone takes away those rows that where finds and that are not in from.
func (m *Move) dropGone(ctx context.Context, from querier, tx *sql.Tx, t keyedTable, where string, args []any) error {
	query := `SELECT ` + strings.Join(t.columns[:t.keys], ", ") + ` FROM ` + t.name + where
	here := map[rowKey]bool{}
	if err := addRows(ctx, from, query, func(_ [sha256.Size]byte, key []any) { here[t.keyOf(key)] = true }, args...); err != nil {
		return err
	}
	var gone [][]any
	err := m.rowsThere(ctx, tx, "keys_"+t.name, query, func(_ [sha256.Size]byte, key []any) {
		if !here[t.keyOf(key)] {
			gone = append(gone, slices.Clone(key))
		}
	}, args...)
	if err != nil {
		return err
	}
	text := `DELETE FROM ` + t.name + t.one(0) //nolint:gosec // our own names
	for _, key := range gone {
		if _, err := tx.ExecContext(ctx, text, key...); err != nil {
			return differs(t.name, err)
		}
		m.left(t)
		m.rows[t.name]--
	}
	return nil
}

// match has the rows of a table that where finds be in the target what they are in from,
// and compares them. It says how many there are, and how many there were.
func (m *Move) match(ctx context.Context, from querier, tx *sql.Tx, t keyedTable, where string, args []any) (are, were int64, err error) {
	query := `SELECT ` + strings.Join(t.columns, ", ") + ` FROM ` + t.name + where
	here, wants := digests{}, map[rowKey][sha256.Size]byte{}
	err = addRows(ctx, from, query, func(row [sha256.Size]byte, values []any) {
		here.add(row)
		wants[t.keyOf(values)] = row
	}, args...)
	if err != nil {
		return 0, 0, err
	}
	there, others := digests{}, map[rowKey][]any{}
	err = m.rowsThere(ctx, tx, t.name, query, func(row [sha256.Size]byte, values []any) {
		there.add(row)
		if key := t.keyOf(values); wants[key] == row {
			delete(wants, key)
		} else {
			others[key] = slices.Clone(values)
		}
	}, args...)
	if err != nil || here == there {
		return here.rows, there.rows, err
	}
	were = there.rows
	_, err = copyPicked(ctx, from, tx, t.name, func(values []any) (bool, error) {
		key := t.keyOf(values)
		if was, ok := others[key]; ok {
			return false, m.change(ctx, tx, t, was, values)
		}
		_, ok := wants[key]
		return ok, nil
	}, query, args...)
	if err != nil {
		return 0, 0, differs(t.name, err)
	}
	there = digests{}
	if err := m.rowsThere(ctx, tx, t.name, query, func(row [sha256.Size]byte, _ []any) { there.add(row) }, args...); err != nil {
		return 0, 0, err
	}
	if here != there {
		return 0, 0, fmt.Errorf("%s, %d rows and not %d: %w", t.name, there.rows, here.rows, ErrMoveDiffers)
	}
	return here.rows, were, nil
}

// change sets the columns of a row that are others now: to set more of them is refused
// where some never change.
func (m *Move) change(ctx context.Context, tx *sql.Tx, t keyedTable, was, is []any) error {
	text, args := `UPDATE `+t.name+` SET `, slices.Clone(is[:t.keys])
	for i := t.keys; i < len(is); i++ {
		if bytes.Equal(appendValue(nil, was[i]), appendValue(nil, is[i])) {
			continue
		}
		if len(args) > t.keys {
			text += ", "
		}
		args = append(args, is[i])
		text += fmt.Sprintf("%s = ?%d", t.columns[i], len(args))
	}
	_, err := tx.ExecContext(ctx, text+t.one(0), args...)
	m.left(t)
	return err
}

// left keeps in mind that something that somebody wrote stands on the disk that should
// not. Of what else may name somebody the server's upkeep finds the rows that are dead.
func (m *Move) left(t keyedTable) {
	m.removed = m.removed || strings.HasPrefix(t.name, "request")
}

// differs is the error of a row that the target does not take: what never changes did.
func differs(table string, err error) error {
	if code, ok := codeOf(err); ok && code == "P0001" {
		return fmt.Errorf("%s: %w: %w", table, err, ErrMoveDiffers)
	}
	return fmt.Errorf("%s: %w", table, err)
}
