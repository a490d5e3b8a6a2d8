package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/auditlog"
)

const (
	checkpointColumns = `c.seq, c.origin, c.size, c.root, c.at, c.note`
	// Those that the log must continue.
	inForce = ` c.seq > (SELECT COALESCE(MAX(since), 0) FROM log_accepted) `
)

// LatestCheckpoint is the newest that the log has signed, with the newest
// cosignatures of each witness; auditlog.ErrNoCheckpoint where there is none. Those
// that the log need not continue any more don't count.
func (db *DB) LatestCheckpoint(ctx context.Context) (auditlog.Checkpoint, error) {
	return db.checkpoint(ctx, `newest`, `SELECT `+checkpointColumns+` FROM checkpoint c WHERE`+inForce+`ORDER BY c.seq DESC LIMIT 1`)
}

// CheckpointOf is the checkpoint of a log of exactly size leaves, with the earliest
// cosignature of each witness; auditlog.ErrNoCheckpoint.
func (db *DB) CheckpointOf(ctx context.Context, size int64) (auditlog.Checkpoint, error) {
	return db.checkpoint(ctx, `first`, `SELECT `+checkpointColumns+` FROM checkpoint c WHERE c.size = ?1 AND`+inForce+`ORDER BY c.seq DESC LIMIT 1`, size)
}

// Checkpoints are those after a number, oldest first, at most n; all that were ever
// signed, also such as don't count any more. numbers are theirs, to go on from.
func (db *DB) Checkpoints(ctx context.Context, after int64, n int) (all []auditlog.Checkpoint, numbers []int64, err error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+checkpointColumns+` FROM checkpoint c WHERE c.seq > ?1 ORDER BY c.seq LIMIT ?2`, after, n)
	all, err = collect(rows, err, func(row scanner) (auditlog.Checkpoint, error) {
		seq, c, err := scanCheckpoint(row)
		numbers = append(numbers, seq)
		return c, err
	})
	for i := range all {
		if err == nil {
			err = db.cosignatures(ctx, `first`, numbers[i], &all[i])
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read checkpoints: %w", db.seen(err))
	}
	return all, numbers, nil
}

func (db *DB) checkpoint(ctx context.Context, which, query string, args ...any) (auditlog.Checkpoint, error) {
	seq, c, err := scanCheckpoint(db.read.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return auditlog.Checkpoint{}, auditlog.ErrNoCheckpoint
	}
	if err == nil {
		err = db.cosignatures(ctx, which, seq, &c)
	}
	if err != nil {
		return auditlog.Checkpoint{}, fmt.Errorf("read a checkpoint: %w", db.seen(err))
	}
	return c, nil
}

func scanCheckpoint(row scanner) (seq int64, c auditlog.Checkpoint, err error) {
	var root []byte
	var at int64
	if err := row.Scan(&seq, &c.Origin, &c.Head.Size, &root, &at, &c.Note); err != nil {
		return 0, c, err
	}
	if len(root) != tlog.HashSize {
		return 0, c, fmt.Errorf("checkpoint %d: %w", seq, auditlog.ErrDamaged)
	}
	c.Head.Root, c.At = tlog.Hash(root), timeOf(at)
	if said, err := auditlog.ParseCheckpoint(c.Note); err != nil || said.Origin != c.Origin || said.Head != c.Head {
		return 0, c, fmt.Errorf("checkpoint %d does not say what stands beside it: %w", seq, auditlog.ErrDamaged)
	}
	return seq, c, nil
}

// cosignatures adds the signature lines of witnesses to c's note.
func (db *DB) cosignatures(ctx context.Context, which string, seq int64, c *auditlog.Checkpoint) error {
	rows, err := db.read.QueryContext(ctx, `SELECT `+which+` FROM cosignature WHERE checkpoint = ?1 ORDER BY witness`, seq) //nolint:gosec // which is one of two constants
	lines, err := collect(rows, err, func(row scanner) (line string, err error) {
		return line, row.Scan(&line)
	})
	for _, line := range lines {
		c.Note = append(c.Note, line...)
	}
	return err
}

// KeepCheckpoint keeps what the log signed, before anybody is shown it: c.Note as the
// log alone has signed it. It fails with auditlog.ErrFork where the log, or another
// process of it, has signed another head of that size, or a longer one.
func (db *DB) KeepCheckpoint(ctx context.Context, c auditlog.Checkpoint) error {
	return db.inTransaction(ctx, "keep checkpoint", func(ctx context.Context, tx *sql.Tx) error {
		_, last, err := scanCheckpoint(tx.QueryRowContext(ctx, `SELECT `+checkpointColumns+` FROM checkpoint c WHERE`+inForce+`ORDER BY c.seq DESC LIMIT 1`))
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		case last.Origin == c.Origin && last.Head == c.Head:
			return nil
		case last.Head.Size >= c.Head.Size && last.Head != c.Head:
			return fmt.Errorf("%d leaves after %d: %w", c.Head.Size, last.Head.Size, auditlog.ErrFork)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO checkpoint (seq, origin, size, root, at, note)
			SELECT COALESCE(MAX(seq), 0) + 1, ?1, ?2, ?3, ?4, ?5 FROM checkpoint`, c.Origin, c.Head.Size, c.Head.Root[:], milliseconds(c.At), c.Note)
		return err
	})
}

// KeepCosignatures keeps signature lines of witnesses of a checkpoint that is kept,
// by the name and hash of their keys. They were verified.
func (db *DB) KeepCosignatures(ctx context.Context, c auditlog.Checkpoint, lines map[string]string) error {
	return db.inTransaction(ctx, "keep cosignatures", func(ctx context.Context, tx *sql.Tx) error {
		for witness, line := range lines {
			done, err := tx.ExecContext(ctx, `INSERT INTO cosignature (checkpoint, witness, first, newest)
				SELECT seq, ?4, ?5, ?5 FROM checkpoint WHERE origin = ?1 AND size = ?2 AND root = ?3
				ON CONFLICT (checkpoint, witness) DO UPDATE SET newest = excluded.newest`,
				c.Origin, c.Head.Size, c.Head.Root[:], witness, line)
			if err != nil {
				return fmt.Errorf("of %s: %w", witness, err)
			}
			if n, err := done.RowsAffected(); err != nil || n != 1 {
				return fmt.Errorf("of %s: %w", witness, errors.Join(auditlog.ErrNoCheckpoint, err))
			}
		}
		return nil
	})
}

// Witnessed is the newest checkpoint of another log that this server has cosigned;
// auditlog.ErrNoCheckpoint where there is none.
func (db *DB) Witnessed(ctx context.Context, origin string) (auditlog.Checkpoint, error) {
	c, err := scanWitnessed(db.read.QueryRowContext(ctx, selectWitnessed, origin))
	if err != nil && !errors.Is(err, auditlog.ErrNoCheckpoint) {
		return c, fmt.Errorf("read what was witnessed of %s: %w", origin, db.seen(err))
	}
	return c, err
}

const selectWitnessed = `SELECT origin, size, root, at, note FROM witnessed WHERE origin = ?1`

func scanWitnessed(row scanner) (c auditlog.Checkpoint, err error) {
	var root []byte
	var at int64
	err = row.Scan(&c.Origin, &c.Head.Size, &root, &at, &c.Note)
	if errors.Is(err, sql.ErrNoRows) {
		return c, auditlog.ErrNoCheckpoint
	}
	if err == nil && len(root) != tlog.HashSize {
		err = auditlog.ErrDamaged
	}
	if err != nil {
		return c, err
	}
	c.Head.Root, c.At = tlog.Hash(root), timeOf(at)
	return c, nil
}

// Witness keeps c as the newest that was cosigned of its log, if the one before is
// still old (whose zero value is none): else nothing is kept, and what is there
// is returned with auditlog.ErrFork.
func (db *DB) Witness(ctx context.Context, old auditlog.Head, c auditlog.Checkpoint) (kept auditlog.Checkpoint, err error) {
	err = db.inTransaction(ctx, "witness "+c.Origin, func(ctx context.Context, tx *sql.Tx) error {
		kept, err = scanWitnessed(tx.QueryRowContext(ctx, selectWitnessed, c.Origin))
		if err != nil && !errors.Is(err, auditlog.ErrNoCheckpoint) {
			return err
		}
		if kept.Head != old {
			return fmt.Errorf("another checkpoint of %d leaves came first: %w", kept.Head.Size, auditlog.ErrFork)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO witnessed (origin, size, root, at, note) VALUES (?1, ?2, ?3, ?4, ?5)
			ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, at = excluded.at, note = excluded.note`,
			c.Origin, c.Head.Size, c.Head.Root[:], milliseconds(c.At), bytes.Clone(c.Note))
		return err
	})
	if err == nil {
		kept = c
	}
	return kept, err
}
