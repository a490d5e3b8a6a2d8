package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// copyInto makes a database of SQLite: the same schema, filled row by row from one
// snapshot.
func (postgres) copyInto(ctx context.Context, db *DB, to string) (err error) {
	into := &DB{dialect: sqlite{}, name: to, path: to, write: openPool(plainConnector(to), 1, nil)}
	defer func() { err = errors.Join(err, into.write.Close()) }()
	if err := into.migrate(ctx); err != nil {
		return err
	}
	from, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer from.Rollback()
	if err := db.dialect.unhurried(ctx, from); err != nil {
		return err
	}
	return into.inTransaction(ctx, "copy", func(ctx context.Context, tx *sql.Tx) error {
		return refill(ctx, from, tx)
	})
}

// refill replaces all rows of SQLite's tables with those that from has of the same
// tables. Triggers keep evidence from being changed: while it is copied they are not there.
func refill(ctx context.Context, from, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name`)
	triggers, err := collect(rows, err, func(row scanner) (pair [2]string, err error) {
		return pair, row.Scan(&pair[0], &pair[1])
	})
	if err != nil {
		return err
	}
	for _, one := range triggers {
		if _, err := tx.ExecContext(ctx, `DROP TRIGGER `+one[0]); err != nil { //nolint:gosec // of a schema made just now
			return err
		}
	}
	rows, err = tx.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'schema_migration' AND name NOT LIKE 'sqlite_%' ORDER BY name`)
	tables, err := collect(rows, err, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
	if err != nil {
		return err
	}
	for _, table := range tables {
		if err := refillTable(ctx, from, tx, table); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	for _, one := range triggers {
		if _, err := tx.ExecContext(ctx, one[1]); err != nil { //nolint:gosec // of a schema made just now
			return err
		}
	}
	var table string
	switch err := tx.QueryRowContext(ctx, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`).Scan(&table); {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("table %s refers to what is not there", table)
}

func refillTable(ctx context.Context, from, tx *sql.Tx, table string) error {
	rows, err := tx.QueryContext(ctx, `SELECT name FROM pragma_table_info(?1) ORDER BY cid`, table)
	columns, err := collect(rows, err, func(row scanner) (string, error) {
		var name string
		err := row.Scan(&name)
		return `"` + name + `"`, err
	})
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM "`+table+`"`); err != nil { //nolint:gosec // of the schema's own names
		return err
	}
	marks := make([]string, len(columns))
	for i := range columns {
		marks[i] = fmt.Sprintf("?%d", i+1)
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO "`+table+`" (`+strings.Join(columns, ", ")+`) VALUES (`+strings.Join(marks, ", ")+`)`) //nolint:gosec // of the schema's own names
	if err != nil {
		return err
	}
	defer insert.Close()
	all, err := from.QueryContext(ctx, `SELECT `+strings.Join(columns, ", ")+` FROM "`+table+`"`) //nolint:gosec // of the schema's own names
	if err != nil {
		return err
	}
	defer all.Close()
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for all.Next() {
		if err := all.Scan(into...); err != nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
	return all.Err()
}
