package store

import (
	"context"
	"fmt"
	"time"
)

// Clock is what the clock of the database's server says; !ok: there is no server.
func (db *DB) Clock(ctx context.Context) (at time.Time, ok bool, err error) {
	if _, file := db.dialect.(sqlite); file {
		return time.Time{}, false, nil
	}
	var ms int64
	if err := db.read.QueryRowContext(ctx, `SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)`).Scan(&ms); err != nil {
		return time.Time{}, false, fmt.Errorf("ask for the time: %w", db.seen(err))
	}
	return timeOf(ms), true, nil
}
