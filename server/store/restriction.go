package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
)

const recordColumns = `position, site, id, decision, request, previous, subject, received_at, key_id, signature,
	salt_core, salt_person, commit_pers, personal, core`

// Restrict moves records to where nothing reads them. One that is restricted already
// keeps the day on which that began, and has the new ground from now on.
func (db *DB) Restrict(ctx context.Context, site string, receiptIDs []string, ground consent.Ground, at time.Time) ([]int64, error) {
	if err := ground.Check(); err != nil {
		return nil, fmt.Errorf("restrict records: %w", err)
	}
	var leaves []int64
	err := db.inTransaction(ctx, "restrict records", func(ctx context.Context, tx *sql.Tx) (err error) {
		if leaves, _, err = leavesOf(ctx, tx, site, receiptIDs); err != nil {
			return err
		}
		for _, leaf := range leaves {
			for _, step := range []struct {
				text string
				args []any
			}{
				{`UPDATE restricted_record SET ground = ?2 WHERE position = ?1`, []any{leaf, string(ground)}},
				{`INSERT INTO restricted_record (` + recordColumns + `, ground, since, released)
					SELECT ` + recordColumns + `, ?2, ?3, 0 FROM record WHERE position = ?1`, []any{leaf, string(ground), milliseconds(at)}},
				{`DELETE FROM record WHERE position = ?1`, []any{leaf}},
			} {
				if _, err := tx.ExecContext(ctx, step.text, step.args...); err != nil {
					return fmt.Errorf("leaf %d: %w", leaf, err)
				}
			}
		}
		return nil
	})
	return leaves, err
}

// Unrestrict moves records back to where they are read and found by search, and
// returns the leaves of those that had been restricted. act says who did it, and is
// kept with it or not at all.
func (db *DB) Unrestrict(ctx context.Context, site string, leaves []int64, act operator.Act) ([]int64, error) {
	var lifted []int64
	err := db.appendEntries(ctx, "lift restrictions", func(ctx context.Context, tx *sql.Tx, _ int64) ([]auditlog.Entry, error) {
		lifted = nil
		in, scripts := newIncrements(), map[canonical.Digest]canonical.Digest{}
		for _, leaf := range leaves {
			e, err := unrestrictOne(ctx, tx, site, leaf)
			if err != nil {
				return nil, fmt.Errorf("leaf %d: %w", leaf, err)
			}
			if e == nil {
				continue
			}
			if summary, err := db.summaryOf(ctx, tx, e, scripts); err == nil { // else it can't be read, which Audit finds
				in.place(e, summary, leaf) // it was counted when it was made
			}
			lifted = append(lifted, leaf)
		}
		if len(lifted) == 0 {
			return nil, nil
		}
		if err := db.dialect.run(ctx, tx, db.count(nil, in)); err != nil {
			return nil, err
		}
		act.Site, act.What, act.Object = site, "record.unrestrict", leavesText(lifted)
		e, err := addAct(ctx, tx, act)
		return []auditlog.Entry{e}, err
	})
	if err != nil {
		return nil, err
	}
	return lifted, nil
}

// unrestrictOne moves one record back; nil if the site has none such at that leaf.
func unrestrictOne(ctx context.Context, tx *sql.Tx, site string, leaf int64) (*consent.Entry, error) {
	e := &consent.Entry{Index: leaf, Site: site}
	row := tx.QueryRowContext(ctx, `UPDATE restricted_record SET released = 1 WHERE position = ?1 AND site = ?2 RETURNING received_at, core`, leaf, site)
	if err := row.Scan(&e.ReceivedAt, &e.Core); errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	for _, text := range []string{
		`INSERT INTO record (` + recordColumns + `) SELECT ` + recordColumns + ` FROM restricted_record WHERE position = ?1`,
		`DELETE FROM restricted_record WHERE position = ?1`,
	} {
		if _, err := tx.ExecContext(ctx, text, leaf); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// leavesText names leaves in an act: "leaf 3, 17".
func leavesText(leaves []int64) string {
	text := make([]string, len(leaves))
	for i, leaf := range leaves {
		text[i] = strconv.FormatInt(leaf, 10)
	}
	return "leaf " + strings.Join(text, ", ")
}

const restrictionColumns = `r.position, r.ground, r.since`

func scanRestriction(row scanner) (r consent.Restriction, err error) {
	var since int64
	err = row.Scan(&r.Index, &r.Ground, &since)
	r.Since = timeOf(since)
	return r, err
}

// Restrictions are a site's, oldest leaf first.
func (db *DB) Restrictions(ctx context.Context, site string) ([]consent.Restriction, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+restrictionColumns+` FROM restricted_record r WHERE r.site = ?1 ORDER BY r.position`, site)
	all, err := collect(rows, err, scanRestriction)
	if err != nil {
		return nil, fmt.Errorf("read restrictions: %w", db.seen(err))
	}
	return all, nil
}

// Restricted are those of the browser that a receipt is of.
func (db *DB) Restricted(ctx context.Context, site, receiptID string) ([]consent.Restriction, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+restrictionColumns+` FROM restricted_record r
		WHERE r.site = ?1 AND (r.id = ?2 OR r.subject = (SELECT k.subject FROM kept_record k WHERE k.id = ?2 AND k.site = ?1)) ORDER BY r.position`, site, receiptID)
	all, err := collect(rows, err, scanRestriction)
	if err != nil {
		return nil, fmt.Errorf("read restrictions: %w", db.seen(err))
	}
	return all, nil
}

// Beside is a receipt that may be read of the browser that a restricted one is of, or "".
func (db *DB) Beside(ctx context.Context, site, receiptID string) (string, error) {
	var id string
	err := db.read.QueryRowContext(ctx, `SELECT id FROM record WHERE site = ?1
		AND subject = (SELECT r.subject FROM restricted_record r WHERE r.id = ?2 AND r.site = ?1) LIMIT 1`, site, receiptID).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read what stands beside a restriction: %w", db.seen(err))
	}
	return id, nil
}
