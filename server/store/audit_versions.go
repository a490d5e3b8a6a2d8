package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
)

// versions verifies each policy version: its texts against their digests, its entry
// against it, the entry's leaf, and the chain. It returns how many entries there are.
func (a *Audit) versions(ctx context.Context, tx *sql.Tx) (entries int64, _ error) {
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM policy_entry`).Scan(&entries); err != nil {
		return 0, err
	}
	type policy struct{ site, key string }
	rows, err := tx.QueryContext(ctx, `SELECT site, policy FROM policy_version UNION SELECT site, policy FROM policy_entry ORDER BY 1, 2`)
	all, err := collect(rows, err, func(row scanner) (p policy, err error) {
		err = row.Scan(&p.site, &p.key)
		return p, err
	})
	if err != nil {
		return 0, err
	}
	for _, p := range all {
		if err := a.chain(ctx, tx, p.site, p.key); err != nil {
			return 0, err
		}
	}
	return entries, nil
}

// chain verifies the versions of one policy, from the first to the last.
func (a *Audit) chain(ctx context.Context, tx *sql.Tx, site, policy string) error {
	versions, err := versionsIn(ctx, tx, site, policy)
	if err != nil {
		return err
	}
	var before policyversions.Version
	for i := len(versions) - 1; i >= 0; i-- { // oldest first
		v := versions[i]
		faults, err := a.version(ctx, tx, v, before)
		if err != nil {
			return err
		}
		if faults != nil {
			a.found("%s/%s version %d: %w", site, policy, v.Number, faults)
		} else {
			a.Versions++
		}
		before = v
	}
	var beyond int64
	err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM policy_entry e WHERE e.site = ?1 AND e.policy = ?2
		AND NOT EXISTS (SELECT 1 FROM policy_version v WHERE v.site = e.site AND v.policy = e.policy AND v.number = e.number)`, site, policy).Scan(&beyond)
	if beyond > 0 {
		a.found("%s/%s has %d entries whose version is gone: %w", site, policy, beyond, auditlog.ErrDamaged)
	}
	return err
}

// version returns what is wrong with v, which follows before.
func (a *Audit) version(ctx context.Context, tx *sql.Tx, v, before policyversions.Version) (faults, err error) {
	add := func(err error) { faults = errors.Join(faults, err) }
	if v.Number != before.Number+1 {
		add(fmt.Errorf("it follows number %d: %w", before.Number, auditlog.ErrDamaged))
	}
	if v.Previous != before.Entry {
		add(fmt.Errorf("its entry follows another one than that of number %d: %w", before.Number, auditlog.ErrDamaged))
	}
	l, err := scanVersionLink(tx.QueryRowContext(ctx, versionLinkQuery, v.Site, v.Policy, v.Number))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		add(fmt.Errorf("it has no entry: %w", auditlog.ErrDamaged))
	case errors.Is(err, auditlog.ErrDamaged):
		add(err)
	case err != nil:
		return nil, err
	default:
		if err := l.Check(v); err != nil {
			add(err)
		}
	}
	texts := append([]policyversions.Translation{{Language: v.Language, Title: v.Title, Digest: v.Digest}}, v.Translations...)
	for _, t := range texts {
		var text []byte
		err := tx.QueryRowContext(ctx, `SELECT bytes FROM artifact WHERE digest = ?1`, string(t.Digest)).Scan(&text)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			add(fmt.Errorf("the text %s is gone: %w", t.Digest.Short(), consent.ErrDamaged))
		case err != nil:
			return nil, err
		default:
			if err := checkDigest(t.Digest, text); err != nil {
				add(err)
			}
			if !says(text, t) {
				add(fmt.Errorf("the text in %s has another title or language: %w", t.Language, auditlog.ErrDamaged))
			}
		}
	}
	return faults, nil
}

// says reports whether a text is of the title and language that its row states.
func says(text []byte, t policyversions.Translation) bool {
	var kept policyversions.Text
	if err := json.Unmarshal(text, &kept); err != nil {
		return true // its digest says what is to be said
	}
	return kept.Title == t.Title && kept.Language == t.Language
}
