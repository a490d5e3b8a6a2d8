package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
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
	db.mu.Lock()
	db.gaps = true
	db.mu.Unlock()
	if err := db.dialect.clean(ctx, db, false); err != nil && !errors.Is(err, consent.ErrReaders) {
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
	err := db.appendLeaves(ctx, "erase records", func(ctx context.Context, tx *sql.Tx, position int64) ([][auditlog.LeafSize]byte, error) {
		erased, tombstone = nil, -1
		leaves, err := choose(ctx, tx)
		if err != nil {
			return nil, err
		}
		slices.Sort(leaves)
		var all []condemned
		for _, leaf := range slices.Compact(leaves) {
			one, ok, err := condemn(ctx, tx, site, leaf, how)
			if err != nil {
				return nil, fmt.Errorf("leaf %d: %w", leaf, err)
			}
			if ok {
				all, erased = append(all, one), append(erased, leaf)
			}
		}
		if len(all) == 0 {
			return nil, nil
		}
		tombstone = position
		e, err := auditlog.NewEntry(auditlog.Tombstone, site, strconv.FormatInt(position, 10), consent.NewTombstone(site, erased, how, reason, at), nil)
		if err == nil {
			err = keepEntry(ctx, tx, position, e)
		}
		if err != nil {
			return nil, err
		}
		for _, one := range all {
			if err := eraseOne(ctx, tx, site, one, how, position); err != nil {
				return nil, fmt.Errorf("leaf %d: %w", one.leaf, err)
			}
		}
		return [][auditlog.LeafSize]byte{e.Leaf()}, nil
	})
	if err != nil || tombstone < 0 {
		return err
	}
	all.Leaves, all.Tombstones = append(all.Leaves, erased...), append(all.Tombstones, tombstone)
	return nil
}

// A condemned record is one that is to be erased, with what it takes to.
type condemned struct {
	leaf           int64
	id             string
	personal, salt []byte
}

// condemn reads one record, if the site has it and it has not gone that far yet.
func condemn(ctx context.Context, tx *sql.Tx, site string, leaf int64, how consent.Erasure) (c condemned, ok bool, err error) {
	c.leaf = leaf
	err = tx.QueryRowContext(ctx, `SELECT id, personal, salt_person FROM kept_record WHERE position = ?1 AND site = ?2`, leaf, site).Scan(&c.id, &c.personal, &c.salt)
	if errors.Is(err, sql.ErrNoRows) || err == nil && how == consent.Minimised && c.personal == nil {
		return c, false, nil
	}
	return c, err == nil, err
}

// eraseOne erases one record; position is where its tombstone is.
func eraseOne(ctx context.Context, tx *sql.Tx, site string, c condemned, how consent.Erasure, position int64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO tombstone (erased, how, position) VALUES (?1, ?2, ?3)
		ON CONFLICT (erased) DO UPDATE SET how = excluded.how, position = excluded.position`, c.leaf, string(how), position)
	if err != nil {
		return err
	}
	var commitment auditlog.Commitment
	if how == consent.Minimised {
		if len(c.salt) != auditlog.SaltSize {
			return fmt.Errorf("its salt is misshapen, so its core could not be verified afterwards; shred it: %w", consent.ErrDamaged)
		}
		commitment = auditlog.Commit([auditlog.SaltSize]byte(c.salt), c.personal)
	}
	for _, table := range []string{"record", "restricted_record"} {
		if how == consent.Minimised {
			_, err = tx.ExecContext(ctx, `UPDATE `+table+` SET subject = NULL, salt_person = NULL, personal = NULL, commit_pers = ?1 WHERE position = ?2`, commitment[:], c.leaf) //nolint:gosec // of constants
		} else {
			_, err = tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE position = ?1`, c.leaf) //nolint:gosec // of constants
		}
		if err != nil {
			return err
		}
	}
	if how == consent.Shredded {
		_, err = tx.ExecContext(ctx, `UPDATE request_receipt SET receipt = ?3 WHERE site = ?1 AND receipt = ?2`, site, c.id, gone(site, c.id))
	}
	return err
}

// gone is what stands for the id of a shredded receipt in a request: whoever holds the
// receipt finds the request by it, and nobody finds the receipt by the request.
func gone(site, receiptID string) string {
	sum := sha256.Sum256([]byte("volenti shredded receipt v1\n" + site + "\n" + receiptID))
	return "gone-" + hex.EncodeToString(sum[:])
}

// Scrub has what was erased gone from the disk, too, as far as the engine can:
// consent.ErrReaders where somebody who reads an older state keeps it there for now.
func (db *DB) Scrub(ctx context.Context) error { return db.dialect.clean(ctx, db, true) }
