package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// EnterStanding enters for each site what stands published at a moment, unless that
// day has its entry already: of processes that do it at once, one does. A site of
// which something is not as it was published gets none, and is in the error.
func (db *DB) EnterStanding(ctx context.Context, at time.Time) (entered int, err error) {
	day := at.UTC().Format(time.DateOnly)
	rows, err := db.read.QueryContext(ctx, `SELECT s.key FROM site s WHERE NOT EXISTS
		(SELECT 1 FROM log_entry e WHERE e.kind = ?1 AND e.object = s.key || ?2) ORDER BY s.key`, string(auditlog.Standing), " "+day)
	sites, err := collect(rows, err, func(row scanner) (key string, err error) { return key, row.Scan(&key) })
	if err != nil {
		return 0, fmt.Errorf("find what stands: %w", db.seen(err))
	}
	var wrong []error
	for _, site := range sites {
		done, err := db.enterStanding(ctx, site, day, at)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("site %s: %w", site, err))
		}
		if done {
			entered++
		}
	}
	return entered, errors.Join(wrong...)
}

func (db *DB) enterStanding(ctx context.Context, site, day string, at time.Time) (entered bool, err error) {
	// Hashed while others may write; in the transaction there is only the entry.
	standing, err := db.standing(ctx, site, day, at)
	if err != nil || (standing.Publication == nil && len(standing.Policies) == 0) {
		return false, db.seen(err)
	}
	err = db.appendEntries(ctx, "enter what stands", func(ctx context.Context, tx *sql.Tx, _ int64) ([]auditlog.Entry, error) {
		var there int64
		object := site + " " + day
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM log_entry WHERE kind = ?1 AND object = ?2`, string(auditlog.Standing), object).Scan(&there)
		if err != nil || there > 0 {
			return nil, err
		}
		e, err := auditlog.NewEntry(auditlog.Standing, site, object, standing, nil)
		entered = err == nil
		return []auditlog.Entry{e}, err
	})
	return entered && err == nil, err
}

// standing reads what stands on a site, and makes sure that each text is the one that
// was published.
func (db *DB) standing(ctx context.Context, site, day string, at time.Time) (consent.Standing, error) {
	s := consent.Standing{Schema: consent.StandingSchema, Site: site, Day: day, At: milliseconds(at), Policies: map[string]consent.StandingVersion{}}
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return s, err
	}
	defer tx.Rollback()
	var n consent.StandingNotice
	var core []byte
	err = tx.QueryRowContext(ctx, `SELECT p.seq, p.notice, e.core FROM publication p JOIN log_entry e ON e.kind = ?1 AND e.object = CAST(p.seq AS TEXT)
		WHERE p.site = ?2 ORDER BY p.seq DESC LIMIT 1`, string(auditlog.Publication), site).Scan(&n.Seq, (*string)(&n.Notice), &core)
	switch {
	case err == nil:
		n.Entry = canonical.Sum(core)
		s.Publication = &n
		err = unchanged(ctx, tx, `SELECT notice AS digest FROM publication WHERE seq = ?1
			UNION SELECT digest FROM publication_wording WHERE seq = ?1 UNION SELECT digest FROM publication_trial_wording WHERE seq = ?1
			UNION SELECT digest FROM publication_script WHERE seq = ?1`, n.Seq)
	case errors.Is(err, sql.ErrNoRows):
		err = nil
	}
	if err != nil {
		return s, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT v.policy, v.number, v.digest, e.digest FROM policy_version v
		JOIN policy_entry e ON e.site = v.site AND e.policy = v.policy AND e.number = v.number
		WHERE v.site = ?1 AND v.number = (SELECT MAX(w.number) FROM policy_version w WHERE w.site = v.site AND w.policy = v.policy AND w.effective <= ?2)`,
		site, milliseconds(at))
	_, err = collect(rows, err, func(row scanner) (none struct{}, _ error) {
		var policy string
		var v consent.StandingVersion
		if err := row.Scan(&policy, &v.Number, (*string)(&v.Digest), (*string)(&v.Entry)); err != nil {
			return none, err
		}
		s.Policies[policy] = v
		return none, nil
	})
	if err != nil {
		return s, err
	}
	if s.Newest, err = newestNotInForce(ctx, tx, site, milliseconds(at)); err != nil {
		return s, err
	}
	for policy, v := range s.Policies {
		err := unchanged(ctx, tx, `SELECT digest FROM policy_version WHERE site = ?1 AND policy = ?2 AND number = ?3
			UNION SELECT digest FROM policy_translation WHERE site = ?1 AND policy = ?2 AND number = ?3`, site, policy, v.Number)
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// newestNotInForce is the last version of each policy's chain that takes effect after a
// time: without it, nobody could tell which version is missing, once one is.
func newestNotInForce(ctx context.Context, tx *sql.Tx, site string, at int64) (map[string]consent.StandingVersion, error) {
	rows, err := tx.QueryContext(ctx, `SELECT v.policy, v.number, v.digest, e.digest FROM policy_version v
		JOIN policy_entry e ON e.site = v.site AND e.policy = v.policy AND e.number = v.number
		WHERE v.site = ?1 AND v.effective > ?2 AND v.number = (SELECT MAX(w.number) FROM policy_version w WHERE w.site = v.site AND w.policy = v.policy)`, site, at)
	var newest map[string]consent.StandingVersion
	_, err = collect(rows, err, func(row scanner) (none struct{}, _ error) {
		var policy string
		var v consent.StandingVersion
		if err := row.Scan(&policy, &v.Number, (*string)(&v.Digest), (*string)(&v.Entry)); err != nil {
			return none, err
		}
		if newest == nil {
			newest = map[string]consent.StandingVersion{}
		}
		newest[policy] = v
		return none, nil
	})
	return newest, err
}

// unchanged hashes what is kept under digests, one after the other: scripts are large.
func unchanged(ctx context.Context, tx *sql.Tx, digests string, args ...any) error {
	rows, err := tx.QueryContext(ctx, `SELECT d.digest, a.bytes FROM (`+digests+`) d LEFT JOIN artifact a ON a.digest = d.digest`, args...) //nolint:gosec // of constants
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var digest canonical.Digest
		var b sql.RawBytes
		if err := rows.Scan((*string)(&digest), &b); err != nil {
			return err
		}
		if err := checkDigest(digest, b); err != nil {
			return err
		}
	}
	return rows.Err()
}
