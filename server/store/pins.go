package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// Pinned reports whether a place has the checkpoint of a day.
func (db *DB) Pinned(ctx context.Context, place, day string) (bool, error) {
	var n int
	err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM pin WHERE place = ?1 AND day = ?2`, place, day).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("read what was pinned: %w", db.seen(err))
	}
	return n > 0, nil
}

// KeepPin keeps that c, which is kept, was pinned at a place on a day. Of two, the first
// stays.
func (db *DB) KeepPin(ctx context.Context, place, day string, c auditlog.Checkpoint, answer []byte, at time.Time) error {
	if answer == nil {
		answer = []byte{}
	}
	return db.inTransaction(ctx, "keep pin", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO pin (place, day, checkpoint, at, answer)
			SELECT ?1, ?2, seq, ?3, ?4 FROM checkpoint WHERE origin = ?5 AND size = ?6 AND root = ?7
			ON CONFLICT DO NOTHING`, place, day, milliseconds(at), answer, c.Origin, c.Head.Size, c.Head.Root[:])
		return err
	})
}

// A Pin says where and when a checkpoint was pinned.
type Pin struct {
	Place, Day string
	At         time.Time
	Size       int64  // leaves of the checkpoint
	Note       []byte // as the log signed it: what was pinned
	Answer     []byte // token of a time-stamping authority; else empty
}

// Pins are the newest pins, at most n.
func (db *DB) Pins(ctx context.Context, n int) ([]Pin, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT p.place, p.day, p.at, c.size, c.note, p.answer FROM pin p
		JOIN checkpoint c ON c.seq = p.checkpoint ORDER BY p.day DESC, p.place LIMIT ?1`, n)
	all, err := collect(rows, err, func(row scanner) (p Pin, err error) {
		var at int64
		err = row.Scan(&p.Place, &p.Day, &at, &p.Size, &p.Note, &p.Answer)
		p.At = timeOf(at)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("read pins: %w", db.seen(err))
	}
	return all, nil
}
