package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/volenti-consent/volenti/server/consent"
)

var _ consent.SealedKeyStore = (*DB)(nil)

const (
	selectKeys     = `SELECT name, secret, sealed FROM sealed_key ORDER BY name`
	selectKeyState = `SELECT state FROM sealed_key_state WHERE id = 1`
)

func scanSealedKey(row scanner) (k consent.SealedKey, err error) {
	return k, row.Scan(&k.Name, &k.Secret, &k.Sealed)
}

// SealedKeys are the keys that all nodes share, and how often they were changed.
func (db *DB) SealedKeys(ctx context.Context) (all []consent.SealedKey, state int64, err error) {
	// The number first: what is read after it may be newer, and is then read again.
	if state, err = db.SealedKeyState(ctx); err != nil {
		return nil, 0, err
	}
	rows, err := db.read.QueryContext(ctx, selectKeys)
	if all, err = collect(rows, err, scanSealedKey); err != nil {
		return nil, 0, fmt.Errorf("read keys: %w", db.seen(err))
	}
	return all, state, nil
}

// SealedKeyState is how often keys were changed.
func (db *DB) SealedKeyState(ctx context.Context) (state int64, err error) {
	if err := db.read.QueryRowContext(ctx, selectKeyState).Scan(&state); err != nil {
		return 0, fmt.Errorf("read the state of the keys: %w", db.seen(err))
	}
	return state, nil
}

// ChangeSealedKeys keeps what change puts and drops, all of it or nothing.
func (db *DB) ChangeSealedKeys(ctx context.Context, change func([]consent.SealedKey) (put []consent.SealedKey, drop []string, err error)) error {
	return db.inTransaction(ctx, "change keys", func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, selectKeys)
		all, err := collect(rows, err, scanSealedKey)
		if err != nil {
			return err
		}
		put, drop, err := change(all)
		if err != nil || len(put)+len(drop) == 0 {
			return err
		}
		for _, name := range drop {
			if _, err := tx.ExecContext(ctx, `DELETE FROM sealed_key WHERE name = ?1`, name); err != nil {
				return err
			}
		}
		for _, k := range put {
			if _, err := tx.ExecContext(ctx, `INSERT INTO sealed_key (name, secret, sealed) VALUES (?1, ?2, ?3)
				ON CONFLICT (name) DO UPDATE SET secret = excluded.secret, sealed = excluded.sealed`, k.Name, k.Secret, k.Sealed); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE sealed_key_state SET state = state + 1 WHERE id = 1`)
		return err
	})
}
