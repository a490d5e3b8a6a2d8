package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Cells calls each with every value of every table of a database or a backup, as bytes,
// at one moment. row counts from 1 in the table's own order.
func Cells(ctx context.Context, path string, each func(table, column string, row int64, value []byte) error) (err error) {
	pool := openPool(sqliteConnector(path, 5*time.Second, true), 1, nil)
	defer func() { err = errors.Join(err, pool.Close()) }()
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return cellsIn(ctx, tx, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`, each)
}

// Cells does so with the database that is open, of PostgreSQL.
func (db *DB) Cells(ctx context.Context, each func(table, column string, row int64, value []byte) error) error {
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return db.seen(err)
	}
	defer tx.Rollback()
	if err := db.dialect.unhurried(ctx, tx); err != nil {
		return db.seen(err)
	}
	return cellsIn(ctx, tx, `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name`, each)
}

func cellsIn(ctx context.Context, tx *sql.Tx, names string, each func(table, column string, row int64, value []byte) error) error {
	rows, err := tx.QueryContext(ctx, names)
	tables, err := collect(rows, err, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
	if err != nil {
		return err
	}
	for _, table := range tables {
		if err := cellsOf(ctx, tx, table, each); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	return nil
}

func cellsOf(ctx context.Context, tx *sql.Tx, table string, each func(table, column string, row int64, value []byte) error) error {
	rows, err := tx.QueryContext(ctx, `SELECT * FROM "`+table+`"`) //nolint:gosec // of the schema's own names
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values := make([]sql.RawBytes, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for n := int64(1); rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values {
			if err := each(table, columns[i], n, v); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}
