package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
)

var _ consent.ErasureStore = (*DB)(nil)

// erasedAtOnce is how many records one transaction erases, under one tombstone: a
// decision that arrives meanwhile waits for some 30 ms.
const erasedAtOnce = 500

// EraseRecords minimises or shreds records of a site.
func (db *DB) EraseRecords(ctx context.Context, site string, receiptIDs []string, how consent.Erasure, reason consent.Reason, at time.Time) (consent.Erased, error) {
	var all consent.Erased
	for ids := range slices.Chunk(receiptIDs, erasedAtOnce) {
		var unknown []string
		err := db.erase(ctx, how, reason, site, at, &all, func(ctx context.Context, tx *sql.Tx) (leaves []int64, err error) {
			leaves, unknown, err = leavesOf(ctx, tx, site, ids)
			return leaves, err
		})
		if err != nil {
			return all, err
		}
		all.Unknown = append(all.Unknown, unknown...)
	}
	return all, db.scrubbed(ctx, all)
}

// EraseLeaves is EraseRecords for records that are known by their leaves.
func (db *DB) EraseLeaves(ctx context.Context, site string, leaves []int64, how consent.Erasure, reason consent.Reason, at time.Time) (consent.Erased, error) {
	var all consent.Erased
	for some := range slices.Chunk(leaves, erasedAtOnce) {
		err := db.erase(ctx, how, reason, site, at, &all, func(context.Context, *sql.Tx) ([]int64, error) { return slices.Clone(some), nil })
		if err != nil {
			return all, err
		}
	}
	return all, db.scrubbed(ctx, all)
}

// scrubbed tries to have what was erased off the disk at once. What readers keep
// there for now is no failure of the erasure: the server's upkeep tries again.
func (db *DB) scrubbed(ctx context.Context, e consent.Erased) error {
	if len(e.Leaves) == 0 {
		return nil
	}
	if err := db.Scrub(ctx); err != nil && !errors.Is(err, consent.ErrReaders) {
		return err
	}
	return nil
}

// leavesOf are the leaves of a site's records, restricted or not.
func leavesOf(ctx context.Context, tx *sql.Tx, site string, receiptIDs []string) (leaves []int64, unknown []string, _ error) {
	for _, id := range receiptIDs {
		var leaf int64
		err := tx.QueryRowContext(ctx, `SELECT position FROM kept_record WHERE id = ?1 AND site = ?2`, id, site).Scan(&leaf)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			unknown = append(unknown, id)
		case err != nil:
			return nil, nil, err
		default:
			leaves = append(leaves, leaf)
		}
	}
	return leaves, unknown, nil
}

// erase erases the records that choose names, and enters a tombstone for them.
func (db *DB) erase(ctx context.Context, how consent.Erasure, reason consent.Reason, site string, at time.Time, all *consent.Erased,
	choose func(ctx context.Context, tx *sql.Tx) ([]int64, error)) error {
	if err := errors.Join(how.Check(), reason.Check()); err != nil {
		return fmt.Errorf("erase records: %w", err)
	}
	var erased []int64
	tombstone := int64(-1)
	err := db.appendEntries(ctx, "erase records", func(ctx context.Context, tx *sql.Tx, position int64) ([]auditlog.Entry, error) {
		leaves, err := choose(ctx, tx)
		if err != nil {
			return nil, err
		}
		slices.Sort(leaves)
		for _, leaf := range slices.Compact(leaves) {
			done, err := eraseOne(ctx, tx, site, leaf, how, position)
			if err != nil {
				return nil, fmt.Errorf("leaf %d: %w", leaf, err)
			}
			if done {
				erased = append(erased, leaf)
			}
		}
		if len(erased) == 0 {
			return nil, nil
		}
		tombstone = position
		e, err := auditlog.NewEntry(auditlog.Tombstone, site, strconv.FormatInt(position, 10), consent.NewTombstone(erased, how, reason, at), nil)
		return []auditlog.Entry{e}, err
	})
	if err != nil || tombstone < 0 {
		return err
	}
	all.Leaves, all.Tombstones = append(all.Leaves, erased...), append(all.Tombstones, tombstone)
	return nil
}

// eraseOne erases one record, if the site has it and it has not gone that far yet;
// position is where its tombstone will be.
func eraseOne(ctx context.Context, tx *sql.Tx, site string, leaf int64, how consent.Erasure, position int64) (bool, error) {
	var personal, salt []byte
	err := tx.QueryRowContext(ctx, `SELECT personal, salt_person FROM kept_record WHERE position = ?1 AND site = ?2`, leaf, site).Scan(&personal, &salt)
	if errors.Is(err, sql.ErrNoRows) || err == nil && how == consent.Minimised && personal == nil {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO tombstone (erased, how, position) VALUES (?1, ?2, ?3)
		ON CONFLICT (erased) DO UPDATE SET how = excluded.how, position = excluded.position`, leaf, string(how), position)
	if err != nil {
		return false, err
	}
	var commitment auditlog.Commitment
	if how == consent.Minimised {
		if len(salt) != auditlog.SaltSize {
			return false, fmt.Errorf("its salt is misshapen, so its core could not be verified afterwards; shred it: %w", consent.ErrDamaged)
		}
		commitment = auditlog.Commit([auditlog.SaltSize]byte(salt), personal)
	}
	for _, table := range []string{"record", "restricted_record"} {
		if how == consent.Minimised {
			_, err = tx.ExecContext(ctx, `UPDATE `+table+` SET subject = NULL, salt_person = NULL, personal = NULL, commit_pers = ?1 WHERE position = ?2`, commitment[:], leaf)
		} else {
			_, err = tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE position = ?1`, leaf)
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// Scrub brings the write-ahead log home and empties it. Deleted content is
// overwritten in the database itself, but stands in the log until then.
func (db *DB) Scrub(ctx context.Context) error {
	done, err := db.dialect.scrub(ctx, db.write)
	if err != nil {
		return fmt.Errorf("empty the write-ahead log: %w", db.seen(err))
	}
	if !done {
		return consent.ErrReaders
	}
	return nil
}
