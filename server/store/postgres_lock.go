package store

import (
	"context"
	"database/sql"
	"strings"
)

// hold lets nobody else write these tables until the transaction ends. That is asked of
// PostgreSQL alone: CockroachDB has no such lock, and no need of it, as what a transaction
// has read stays so until it ends; YugabyteDB takes it for readers only.
func (postgres) hold(ctx context.Context, tx *sql.Tx, tables []string) error {
	var version string
	if err := tx.QueryRowContext(ctx, `SELECT version()`).Scan(&version); err != nil {
		return err
	}
	if !strings.HasPrefix(version, "PostgreSQL ") || strings.Contains(version, "-YB-") {
		return nil
	}
	_, err := tx.ExecContext(ctx, `LOCK TABLE `+strings.Join(tables, ", ")+` IN SHARE ROW EXCLUSIVE MODE`)
	return err
}
