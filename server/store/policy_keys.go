package store

import (
	"context"
	"fmt"
)

// Policies are the keys of a site's policies that were ever published, sorted.
func (db *DB) Policies(ctx context.Context, site string) ([]string, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT DISTINCT policy FROM policy_version WHERE site = ?1 ORDER BY policy`, site)
	keys, err := collect(rows, err, func(row scanner) (key string, err error) { return key, row.Scan(&key) })
	if err != nil {
		return nil, fmt.Errorf("read policies of site %s: %w", site, db.seen(err))
	}
	return keys, nil
}
