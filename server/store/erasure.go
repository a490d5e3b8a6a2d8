package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
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

// scrubAtOnce is the largest file, in bytes, that is cleaned before an erasure is
// answered; a larger one is cleaned by the server's upkeep, within a minute or so.
const scrubAtOnce = 128 << 20

// scrubbed tries to have what was erased off the disk at once. What readers keep
// there for now is no failure of the erasure: the server's upkeep tries again.
func (db *DB) scrubbed(ctx context.Context, e consent.Erased) error {
	if len(e.Leaves) == 0 {
		return nil
	}
	db.mu.Lock()
	db.gaps = true
	db.mu.Unlock()
	scrub := db.Scrub
	if info, err := os.Stat(db.path); err == nil && info.Size() > scrubAtOnce {
		scrub = db.emptyLog
	}
	if err := scrub(ctx); err != nil && !errors.Is(err, consent.ErrReaders) {
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
		e, err := auditlog.NewEntry(auditlog.Tombstone, site, strconv.FormatInt(position, 10), consent.NewTombstone(site, erased, how, reason, at), nil)
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
	var id string
	var personal, salt []byte
	err := tx.QueryRowContext(ctx, `SELECT id, personal, salt_person FROM kept_record WHERE position = ?1 AND site = ?2`, leaf, site).Scan(&id, &personal, &salt)
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
			_, err = tx.ExecContext(ctx, `UPDATE `+table+` SET subject = NULL, salt_person = NULL, personal = NULL, commit_pers = ?1 WHERE position = ?2`, commitment[:], leaf) //nolint:gosec // of constants
		} else {
			_, err = tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE position = ?1`, leaf) //nolint:gosec // of constants
		}
		if err != nil {
			return false, err
		}
	}
	if how == consent.Shredded {
		_, err = tx.ExecContext(ctx, `UPDATE request_receipt SET receipt = ?3 WHERE site = ?1 AND receipt = ?2`, site, id, gone(site, id))
	}
	return err == nil, err
}

// gone is what stands for the id of a shredded receipt in a request: whoever holds the
// receipt finds the request by it, and nobody finds the receipt by the request.
func gone(site, receiptID string) string {
	sum := sha256.Sum256([]byte("volenti shredded receipt v1\n" + site + "\n" + receiptID))
	return "gone-" + hex.EncodeToString(sum[:])
}

// Scrub brings the write-ahead log home and empties it, and where something was
// erased zeroes the gaps of all pages. Deleted content is overwritten in its place at
// once, but stands in the log, and may stand in gaps, until then.
func (db *DB) Scrub(ctx context.Context) error {
	if err := db.emptyLog(ctx); err != nil {
		return err
	}
	db.mu.Lock()
	gaps := db.gaps
	db.gaps = false
	db.mu.Unlock()
	if !gaps {
		return nil
	}
	done, err := db.wipeGaps(ctx)
	if done && err == nil {
		return nil
	}
	db.mu.Lock()
	db.gaps = true
	db.mu.Unlock()
	if err != nil {
		return fmt.Errorf("clean the pages of the database: %w", db.seen(err))
	}
	return consent.ErrReaders
}

// emptyLog brings the write-ahead log home.
func (db *DB) emptyLog(ctx context.Context) error {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("empty the write-ahead log: %w", db.seen(err))
	}
	defer conn.Close()
	done, err := db.dialect.scrub(ctx, conn)
	if err != nil {
		return fmt.Errorf("empty the write-ahead log: %w", db.seen(err))
	}
	if !done {
		return consent.ErrReaders
	}
	return nil
}
