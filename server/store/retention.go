package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/retention"
	"github.com/volenti-consent/volenti/server/site"
)

var _ retention.Store = (*DB)(nil)

// SiteKeys are all sites.
func (db *DB) SiteKeys(ctx context.Context) ([]string, error) {
	all, err := db.Sites(ctx)
	keys := make([]string, len(all))
	for i, s := range all {
		keys[i] = s.Key
	}
	return keys, err
}

// Retention are a site's settings.
func (db *DB) Retention(ctx context.Context, key string) (retention.Settings, error) {
	s := retention.Defaults()
	err := db.read.QueryRowContext(ctx, `SELECT records, statistics, erasure FROM retention WHERE site = ?1`, key).
		Scan(&s.Records, &s.Statistics, &s.Erasure)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err == nil {
		var rows *sql.Rows
		rows, err = db.read.QueryContext(ctx, `SELECT law, months FROM retention_law WHERE site = ?1`, key)
		_, err = collect(rows, err, func(row scanner) (_ struct{}, err error) {
			var law string
			var months int
			err = row.Scan(&law, &months)
			s.Laws[law] = months
			return struct{}{}, err
		})
	}
	if err != nil {
		return s, fmt.Errorf("read retention of site %s: %w", key, db.seen(err))
	}
	return s, nil
}

// SetRetention replaces a site's settings.
func (db *DB) SetRetention(ctx context.Context, key string, s retention.Settings) error {
	return db.inTransaction(ctx, "set retention of site "+key, func(ctx context.Context, tx *sql.Tx) error {
		for _, text := range []string{`DELETE FROM retention_law WHERE site = ?1`, `DELETE FROM retention WHERE site = ?1`} {
			if _, err := tx.ExecContext(ctx, text, key); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO retention (site, records, statistics, erasure) VALUES (?1, ?2, ?3, ?4)`,
			key, s.Records, s.Statistics, string(s.Erasure))
		if db.dialect.noParent(err) {
			return site.ErrUnknown
		}
		for law, months := range s.Laws {
			if err == nil {
				_, err = tx.ExecContext(ctx, `INSERT INTO retention_law (site, law, months) VALUES (?1, ?2, ?3)`, key, law, months)
			}
		}
		return err
	})
}

// never is a moment in the year 9999.
const never = 253402300799000

// Candidates are records that may be over, in the order in which they were received.
func (db *DB) Candidates(ctx context.Context, key string, before int64, after consent.Place, limit int) ([]consent.Candidate, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT position, received_at, core FROM record
		WHERE site = ?1 AND (received_at, position) > (?2, ?3) AND received_at < ?4
		UNION ALL SELECT position, received_at, core FROM restricted_record
		WHERE site = ?1 AND (received_at, position) > (?2, ?3) AND received_at < ?4 AND ground = 'deletion'
		ORDER BY 2, 1 LIMIT ?5`, key, after.ReceivedAt, after.Index, before, limit)
	all, err := collect(rows, err, func(row scanner) (consent.Candidate, error) {
		var position, received int64
		var core []byte
		if err := row.Scan(&position, &received, &core); err != nil {
			return consent.Candidate{}, err
		}
		c, err := consent.CandidateOf(position, received, core)
		if err != nil { // it can't be read, which Audit finds; the others go in their time
			c = consent.Candidate{Index: position, ReceivedAt: received, Until: never}
		}
		return c, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read records that may be over: %w", db.seen(err))
	}
	return all, nil
}

// expired are the rows of a kind that came to their end before ?2, of the site ?1.
var expired = map[retention.Kind][]struct{ table, key, where string }{
	retention.Statistics: {
		{"statistic", "(site, dimension, day, value, outcome)", "site = ?1 AND day < ?2"},
		{"showing", "(site, day, script)", "site = ?1 AND day < ?2"},
	},
	retention.Sessions: {
		{"operator_session", "digest", "?1 = '' AND created_at < ?2"},
		{"operator_link", "digest", "?1 = '' AND ends_at < ?2"},
		{"operator_spent", "digest", "?1 = '' AND ends_at < ?2"},
	},
}

// expiredBefore is the moment as the rows of a kind hold it.
func expiredBefore(kind retention.Kind, before time.Time) any {
	if kind == retention.Statistics {
		return before.UTC().Format(time.DateOnly)
	}
	return milliseconds(before)
}

// Expired is how many things of a kind are over.
func (db *DB) Expired(ctx context.Context, key string, kind retention.Kind, before time.Time) (total int, _ error) {
	for _, e := range expired[kind] {
		var n int
		text := `SELECT COUNT(*) FROM ` + e.table + ` WHERE ` + e.where //nolint:gosec // of constants
		if err := db.read.QueryRowContext(ctx, text, key, expiredBefore(kind, before)).Scan(&n); err != nil {
			return 0, fmt.Errorf("count %s that are over: %w", kind, db.seen(err))
		}
		total += n
	}
	return total, nil
}

// RemoveExpired removes some of them.
func (db *DB) RemoveExpired(ctx context.Context, key string, kind retention.Kind, before time.Time, limit int) (total int, _ error) {
	err := db.inTransaction(ctx, "remove "+string(kind)+" that are over", func(ctx context.Context, tx *sql.Tx) error {
		total = 0
		for _, e := range expired[kind] {
			text := `DELETE FROM ` + e.table + ` WHERE ` + e.key + ` IN (SELECT ` + strings.Trim(e.key, "()") + ` FROM ` + e.table + //nolint:gosec // of constants
				` WHERE ` + e.where + ` LIMIT ?3)`
			done, err := tx.ExecContext(ctx, text, key, expiredBefore(kind, before), limit-total)
			if err != nil {
				return err
			}
			n, err := done.RowsAffected()
			if err != nil {
				return err
			}
			total += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return total, nil
}

// NoteRemoval keeps what was removed.
func (db *DB) NoteRemoval(ctx context.Context, r retention.Removal) error {
	leaves := make([]string, len(r.Tombstones))
	for i, leaf := range r.Tombstones {
		leaves[i] = strconv.FormatInt(leaf, 10)
	}
	return db.execute(ctx, "note removal", nil, `INSERT INTO retention_removal (seq, at, site, kind, law, months, things, tombstones)
		SELECT COALESCE(MAX(seq), 0) + 1, ?1, ?2, ?3, ?4, ?5, ?6, ?7 FROM retention_removal`,
		milliseconds(r.At), r.Site, string(r.Kind), r.Law, r.Months, r.Count, strings.Join(leaves, " "))
}

// Removals are what was removed, newest first.
func (db *DB) Removals(ctx context.Context, key string, limit int) ([]retention.Removal, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT seq, at, site, kind, law, months, things, tombstones FROM retention_removal
		WHERE site = ?1 OR ?1 = '' ORDER BY seq DESC LIMIT ?2`, key, limit)
	all, err := collect(rows, err, func(row scanner) (r retention.Removal, err error) {
		var at int64
		var leaves string
		err = row.Scan(&r.Seq, &at, &r.Site, &r.Kind, &r.Law, &r.Months, &r.Count, &leaves)
		r.At = timeOf(at)
		for leaf := range strings.FieldsSeq(leaves) {
			n, wrong := strconv.ParseInt(leaf, 10, 64)
			r.Tombstones, err = append(r.Tombstones, n), errors.Join(err, wrong)
		}
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read removals: %w", db.seen(err))
	}
	return all, nil
}

// EraseOfVisitor erases what a visitor's receipts name, and what of the same browsers
// is restricted, as the site answers requests for erasure: each record in the way that
// its settings say.
func (db *DB) EraseOfVisitor(ctx context.Context, key string, receiptIDs []string, at time.Time) (shredded, minimised consent.Erased, _ error) {
	s, err := db.Retention(ctx, key)
	if err != nil {
		return shredded, minimised, err
	}
	var unknown []string
	leaves := map[consent.Erasure][]int64{}
	for _, id := range receiptIDs {
		rows, err := db.read.QueryContext(ctx, `SELECT position, received_at, core FROM kept_record WHERE id = ?1 AND site = ?2
			UNION SELECT position, received_at, core FROM restricted_record
			WHERE site = ?2 AND subject = (SELECT k.subject FROM kept_record k WHERE k.id = ?1 AND k.site = ?2)`, id, key)
		found, err := collect(rows, err, func(row scanner) (consent.Candidate, error) {
			var position, received int64
			var core []byte
			if err := row.Scan(&position, &received, &core); err != nil {
				return consent.Candidate{}, err
			}
			c, err := consent.CandidateOf(position, received, core)
			if err != nil { // nothing is proven by what can't be read
				c = consent.Candidate{Index: position, ReceivedAt: received}
			}
			return c, nil
		})
		if err != nil {
			return shredded, minimised, fmt.Errorf("read records to erase: %w", db.seen(err))
		}
		if len(found) == 0 {
			unknown = append(unknown, id)
		}
		for _, c := range found {
			way := s.Way(c, at)
			leaves[way] = append(leaves[way], c.Index)
		}
	}
	if minimised, err = db.EraseLeaves(ctx, key, leaves[consent.Minimised], consent.Minimised, consent.ReasonRequested, at); err != nil {
		return shredded, minimised, err
	}
	shredded, err = db.EraseLeaves(ctx, key, leaves[consent.Shredded], consent.Shredded, consent.ReasonRequested, at)
	shredded.Unknown = unknown
	return shredded, minimised, err
}
