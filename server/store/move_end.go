package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/volenti-consent/volenti/server/consent"
)

// end has the target serve, with nothing on its disk of what was removed since it was copied.
func (m *Move) end(ctx context.Context) error {
	if m.removed {
		m.To.mu.Lock()
		m.To.gaps = true
		m.To.mu.Unlock()
		if err := m.To.Scrub(ctx); err != nil && !errors.Is(err, consent.ErrReaders) { // the server's upkeep tries again
			return err
		}
	}
	return m.To.settle(ctx)
}

// settle lets the target serve.
func (db *DB) settle(ctx context.Context) error {
	return db.inTransaction(ctx, "end a move", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE moving SET state = '', note = '' WHERE id = 1`)
		return err
	})
}

// seal has the database refuse every change for good, whichever program asks for it.
func (db *DB) seal(ctx context.Context, tx *sql.Tx, id string) error {
	tables, err := db.tables()
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE moving SET state = ?1, note = ?2 WHERE id = 1`, moveGone, id); err != nil {
		return err
	}
	for _, table := range tables {
		for _, what := range []string{"INSERT", "UPDATE", "DELETE"} {
			text := fmt.Sprintf(`CREATE TRIGGER moved_%s_%s BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, '%s'); END`, table, what, what, table, movedText) //nolint:gosec // names of our own tables
			if _, err := tx.ExecContext(ctx, text); err != nil {
				return err
			}
		}
	}
	return nil
}
