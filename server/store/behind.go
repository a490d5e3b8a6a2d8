package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Behind reports whether Open would change the schema of the database at path. While
// another process writes by the older one, that must wait.
func Behind(ctx context.Context, path string) (behind bool, err error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	pool := openPool(sqliteConnector(path, time.Second, true), 1, nil)
	defer func() { err = errors.Join(err, pool.Close()) }()
	all, err := (&DB{dialect: sqlite{}}).migrations()
	if err != nil {
		return false, err
	}
	var version int64
	if err := pool.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM schema_migration`).Scan(&version); err != nil {
		return false, fmt.Errorf("schema of %s: %w", path, err)
	}
	return version < int64(len(all)), nil
}
