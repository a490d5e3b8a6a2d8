package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// watchedTables are those that grow with what is recorded. A move copies and compares them
// while the source is written, in blocks by the numbers of a column, and has triggers in
// the source say which blocks are written meanwhile: those are compared once more.
var watchedTables = []struct{ name, key string }{
	{"log_leaf", "position"}, {"log_node", "position"}, {"log_entry", "position"}, {"tombstone", "erased"},
	{"checkpoint", "seq"}, {"operator_act", "seq"}, {"record", "position"}, {"record_facet", "position"},
}

// everywhere stands for all blocks of a table.
const everywhere = -1

// watchers are the triggers. A row of the search that is none of a record, or not of its
// time or site, is not found by its record: then all of that table is compared once more.
func watchers(block int64, tables []keyedTable) (texts []string) {
	note := func(table, number string) string {
		return fmt.Sprintf(`INSERT INTO watched (name, block) SELECT '%[1]s', %[2]s WHERE NOT EXISTS (SELECT 1 FROM watched WHERE name = '%[1]s' AND block = %[2]s); `, table, number)
	}
	for _, t := range watchedTables {
		was, is := note(t.name, fmt.Sprintf("OLD.%s / %d", t.key, block)), note(t.name, fmt.Sprintf("NEW.%s / %d", t.key, block))
		if t.name == "record_facet" {
			is += fmt.Sprintf(`INSERT INTO watched (name, block) SELECT 'record_facet', %[1]d WHERE NOT EXISTS (SELECT 1 FROM facet c JOIN record r ON r.site = c.site WHERE c.id = NEW.facet AND r.position = NEW.position AND r.received_at = NEW.received_at)
				AND NOT EXISTS (SELECT 1 FROM watched WHERE name = 'record_facet' AND block = %[1]d); `, everywhere)
		}
		for what, do := range map[string]string{"INSERT": is, "UPDATE": was + is, "DELETE": was} {
			texts = append(texts, fmt.Sprintf(`CREATE TRIGGER watched_%s_%s AFTER %s ON %s BEGIN %sEND`, t.name, strings.ToLower(what), what, t.name, do))
		}
	}
	for _, t := range append(tables, facetTable) {
		key := t.columns[:t.keys]
		note := func(row string) string {
			var values, same []string
			for _, column := range key {
				values = append(values, row+"."+column)
				same = append(same, column+" = "+row+"."+column)
			}
			return fmt.Sprintf(`INSERT INTO %[1]s (%[2]s) SELECT %[3]s WHERE NOT EXISTS (SELECT 1 FROM %[1]s WHERE %[4]s); `,
				t.watched(), strings.Join(key, ", "), strings.Join(values, ", "), strings.Join(same, " AND "))
		}
		for what, do := range map[string]string{"INSERT": note("NEW"), "UPDATE": note("OLD") + note("NEW"), "DELETE": note("OLD")} {
			texts = append(texts, fmt.Sprintf(`CREATE TRIGGER watched_%s_%s AFTER %s ON %s BEGIN %sEND`, t.name, strings.ToLower(what), what, t.name, do))
		}
	}
	slices.Sort(texts)
	return texts
}

// watch has the database keep which blocks, and which rows of tables, are written from now
// on.
func (db *DB) watch(ctx context.Context, block int64, tables []keyedTable) error {
	return db.inTransaction(ctx, "watch what is written", func(ctx context.Context, tx *sql.Tx) error {
		if err := unwatch(ctx, tx); err != nil { // of a move that was killed
			return err
		}
		texts := []string{`CREATE TABLE watched (name TEXT NOT NULL, block INTEGER NOT NULL, PRIMARY KEY (name, block)) WITHOUT ROWID`}
		for _, t := range append(tables, facetTable) {
			texts = append(texts, fmt.Sprintf(`CREATE TABLE %s (%[2]s, PRIMARY KEY (%[2]s)) WITHOUT ROWID`, t.watched(), strings.Join(t.columns[:t.keys], ", ")))
		}
		for _, text := range append(texts, watchers(block, tables)...) {
			if _, err := tx.ExecContext(ctx, text); err != nil {
				return err
			}
		}
		return nil
	})
}

// watchersIn are the triggers that are there.
func watchersIn(ctx context.Context, tx *sql.Tx) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'watched\_%' ESCAPE '\'`)
	all, err := collect(rows, err, func(row scanner) (text string, err error) { return text, row.Scan(&text) })
	slices.Sort(all)
	return all, err
}

func unwatch(ctx context.Context, tx *sql.Tx) error {
	all, err := watchersIn(ctx, tx)
	if err != nil {
		return err
	}
	for _, text := range all {
		if _, err := tx.ExecContext(ctx, `DROP TRIGGER `+strings.Fields(text)[2]); err != nil { //nolint:gosec // the names above
			return err
		}
	}
	rows, err := tx.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND (name = 'watched' OR name LIKE 'watched\_%' ESCAPE '\')`)
	tables, err := collect(rows, err, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
	if err != nil {
		return err
	}
	for _, name := range tables {
		if _, err := tx.ExecContext(ctx, `DROP TABLE `+name); err != nil { //nolint:gosec // the names above
			return err
		}
	}
	return nil
}

// written is a block that was written.
type written struct {
	table string
	block int64
}

// marked is what was written since it was asked last: blocks, and keys of rows by table.
// Where somebody took a trigger away nothing is known: whole is false.
type marked struct {
	blocks []written
	rows   map[string][][]any
	whole  bool
}

func marks(ctx context.Context, tx *sql.Tx, block int64, tables []keyedTable) (all marked, err error) {
	there, err := watchersIn(ctx, tx)
	if err != nil || !slices.Equal(there, watchers(block, tables)) {
		return marked{}, err
	}
	all = marked{rows: map[string][][]any{}, whole: true}
	rows, err := tx.QueryContext(ctx, `SELECT name, block FROM watched`)
	all.blocks, err = collect(rows, err, func(row scanner) (w written, err error) { return w, row.Scan(&w.table, &w.block) })
	if err == nil && len(all.blocks) > 0 {
		_, err = tx.ExecContext(ctx, `DELETE FROM watched`)
	}
	if err != nil {
		return marked{}, err
	}
	for _, t := range append(tables, facetTable) {
		rows, err := tx.QueryContext(ctx, `SELECT `+strings.Join(t.columns[:t.keys], ", ")+` FROM `+t.watched()) //nolint:gosec // our own names
		keys, err := collect(rows, err, func(row scanner) ([]any, error) {
			key, into := make([]any, t.keys), make([]any, t.keys)
			for i := range key {
				into[i] = &key[i]
			}
			return key, row.Scan(into...)
		})
		if err == nil && len(keys) > 0 {
			all.rows[t.name] = keys
			_, err = tx.ExecContext(ctx, `DELETE FROM `+t.watched()) //nolint:gosec // our own names
		}
		if err != nil {
			return marked{}, err
		}
	}
	return all, nil
}

// waiting is how many rows of those tables were written since.
func (m *Move) waiting(ctx context.Context) (n int64, err error) {
	query := `SELECT 0`
	for _, t := range append(m.tables, facetTable) {
		query += ` + (SELECT COUNT(*) FROM ` + t.watched() + `)`
	}
	return n, m.From.read.QueryRowContext(ctx, query).Scan(&n)
}
