package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/volenti-consent/volenti/server/consent"
)

// namingTables are those in which somebody can be named, and whose rows go or change.
var namingTables = []string{"record", "restricted_record", "record_facet", "facet", "request", "request_receipt", "request_text",
	"request_file", "request_mail", "webhook_delivery", "operator_session", "operator_link", "throttle"}

// clean has the rows of erased records removed for good, which PostgreSQL else leaves
// until a fifth of a table is dead. Rows that a reader of an older state may still ask
// for stay: ErrReaders. What stands in unused parts of pages, in the write-ahead log,
// its archive and on replicas is overwritten in its own time (docs/retention.md).
func (postgres) clean(ctx context.Context, db *DB, all bool) error {
	var size int64
	if err := db.read.QueryRowContext(ctx, `SELECT pg_table_size('record')`).Scan(&size); err != nil {
		if code, _ := codeOf(err); code != "42883" { // no such function: another engine
			return db.seen(err)
		}
	}
	db.mu.Lock()
	due := db.gaps && (all || size <= scrubAtOnce)
	db.gaps = db.gaps && !due
	db.mu.Unlock()
	tables := namingTables[:0:0]
	switch {
	case due:
		tables = namingTables
	case all: // what another process erased, or an older state kept
		dead, err := db.DeadRows(ctx)
		if err != nil {
			return err
		}
		for table := range dead {
			tables = append(tables, table)
		}
		slices.Sort(tables)
	}
	if len(tables) == 0 {
		return nil
	}
	for _, table := range tables {
		// Where it is being done already nobody waits: dead rows are counted afterwards.
		if _, err := db.read.ExecContext(ctx, `VACUUM (SKIP_LOCKED) `+table); err != nil {
			if anotherEngine(err) {
				return nil // that tidies up by itself
			}
			return fmt.Errorf("clean table %s: %w", table, db.seen(err))
		}
	}
	dead, err := db.DeadRows(ctx)
	if err != nil {
		return err
	}
	for _, table := range []string{"record", "restricted_record"} {
		if dead[table] > 0 {
			return consent.ErrReaders
		}
	}
	return nil
}

// DeadRows are how many rows of tables that may name somebody were deleted or changed,
// and stand in the database still, where any do; PostgreSQL counts them some seconds late.
func (db *DB) DeadRows(ctx context.Context) (map[string]int64, error) {
	if _, file := db.dialect.(sqlite); file {
		return nil, nil
	}
	type count struct {
		table string
		rows  int64
	}
	rows, err := db.read.QueryContext(ctx, `SELECT relname, n_dead_tup FROM pg_stat_user_tables WHERE schemaname = current_schema() AND n_dead_tup > 0`)
	all, err := collect(rows, err, func(row scanner) (c count, err error) { return c, row.Scan(&c.table, &c.rows) })
	if anotherEngine(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("count dead rows: %w", db.seen(err))
	}
	dead := map[string]int64{}
	for _, c := range all {
		if slices.Contains(namingTables, c.table) {
			dead[c.table] = c.rows
		}
	}
	return dead, nil
}

// anotherEngine: it speaks the protocol of PostgreSQL and does not know this.
func anotherEngine(err error) bool {
	code, _ := codeOf(err)
	return code == "0A000" || code == "42601" || code == "42P01" || code == "42703"
}
