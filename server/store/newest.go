package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Newest is when the record that was kept last was received; zero if there is none.
func (db *DB) Newest(ctx context.Context) (time.Time, error) {
	var at int64
	err := db.read.QueryRowContext(ctx, `SELECT received_at FROM record ORDER BY position DESC LIMIT 1`).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read the newest record: %w", db.seen(err))
	}
	return timeOf(at), nil
}
