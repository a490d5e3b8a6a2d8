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
// against it, the entry's leaf, and the chain.
func (r *replay) versions(ctx context.Context) error {
	type policy struct{ site, key string }
	rows, err := r.tx.QueryContext(ctx, `SELECT site, policy FROM policy_version UNION SELECT site, policy FROM policy_entry ORDER BY 1, 2`)
	all, err := collect(rows, err, func(row scanner) (p policy, err error) {
		err = row.Scan(&p.site, &p.key)
		return p, err
	})
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := r.chain(ctx, p.site, p.key); err != nil {
			return err
		}
	}
	// What is read as one of two has the value of one of them.
	rows, err = r.tx.QueryContext(ctx, `SELECT site, policy, number FROM policy_version WHERE material NOT IN (0, 1) OR entry_schema NOT IN (?1, ?2)`,
		policyversions.EntryV1, policyversions.EntrySchema)
	_, err = collect(rows, err, func(row scanner) (none struct{}, _ error) {
		var site, policy, number any
		err := row.Scan(&site, &policy, &number)
		r.finding(auditlog.Altered, fmt.Sprintf("%v/%v version %v", site, policy, number), auditlog.NoLeaf, errMisshapen)
		return none, err
	})
	return err
}

// chain verifies the versions of one policy, from the first to the last.
func (r *replay) chain(ctx context.Context, site, policy string) error {
	versions, err := versionsIn(ctx, r.tx, site, policy)
	if unreadable(err) {
		r.finding(auditlog.Altered, "a version of "+site+"/"+policy, auditlog.NoLeaf, errMisshapen)
		return nil
	}
	if err != nil {
		return err
	}
	var before policyversions.Version
	for i := len(versions) - 1; i >= 0; i-- { // oldest first
		v := versions[i]
		of := fmt.Sprintf("%s/%s version %d", site, policy, v.Number)
		if v.Number > before.Number+1 {
			r.finding(auditlog.Lost, fmt.Sprintf("%s/%s version %d", site, policy, before.Number+1), auditlog.NoLeaf, fmt.Errorf("number %d follows number %d: %w", v.Number, before.Number, auditlog.ErrDamaged))
		}
		position, faults, err := r.version(ctx, v, before)
		if err != nil {
			return err
		}
		switch {
		case errors.Is(faults, errNoEntry):
			r.finding(auditlog.Inserted, of, auditlog.NoLeaf, faults)
		case faults != nil:
			r.finding(auditlog.Altered, of, position, faults)
		default:
			r.Versions++
		}
		before = v
	}
	rows, err := r.tx.QueryContext(ctx, `SELECT e.number, e.position FROM policy_entry e WHERE e.site = ?1 AND e.policy = ?2
		AND NOT EXISTS (SELECT 1 FROM policy_version v WHERE v.site = e.site AND v.policy = e.policy AND v.number = e.number)`, site, policy)
	_, err = collect(rows, err, func(row scanner) (none struct{}, _ error) {
		var number any
		var position int64
		if err := row.Scan(&number, &position); err != nil {
			return none, err
		}
		r.finding(auditlog.Lost, fmt.Sprintf("%s/%s version %v", site, policy, number), position, fmt.Errorf("its entry is there, and it is not: %w", auditlog.ErrDamaged))
		return none, nil
	})
	return err
}

var errNoEntry = errors.New("it has no entry")

// version returns what is wrong with v, which follows before, and the place of its entry.
func (r *replay) version(ctx context.Context, v, before policyversions.Version) (position int64, faults, err error) {
	add := func(err error) { faults = errors.Join(faults, err) }
	position = auditlog.NoLeaf
	if v.Previous != before.Entry {
		add(fmt.Errorf("its entry follows another one than that of number %d: %w", before.Number, auditlog.ErrDamaged))
	}
	l, err := scanVersionLink(r.tx.QueryRowContext(ctx, versionLinkQuery, v.Site, v.Policy, v.Number))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		add(fmt.Errorf("%w: %w", errNoEntry, auditlog.ErrDamaged))
	case unreadable(err):
		add(errMisshapen)
	case errors.Is(err, auditlog.ErrDamaged):
		position = l.Position
		add(err)
	case err != nil:
		return 0, nil, err
	default:
		position = l.Position
		if err := l.Check(v); err != nil {
			add(err)
		}
	}
	texts := append([]policyversions.Translation{{Language: v.Language, Title: v.Title, Digest: v.Digest}}, v.Translations...)
	for _, t := range texts {
		var text []byte
		r.refs.add(t.Digest, "text", fmt.Sprintf("%s/%s version %d", v.Site, v.Policy, v.Number), auditlog.NoLeaf)
		err := r.tx.QueryRowContext(ctx, `SELECT bytes FROM artifact WHERE digest = ?1`, string(t.Digest)).Scan(&text)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			add(fmt.Errorf("the text %s is gone: %w", t.Digest.Short(), consent.ErrDamaged))
		case err != nil:
			return 0, nil, err
		default:
			if err := checkDigest(t.Digest, text); err != nil {
				add(err)
			}
			if !says(text, t) {
				add(fmt.Errorf("the text in %s has another title or language: %w", t.Language, auditlog.ErrDamaged))
			}
		}
	}
	wrong, err := r.originals(ctx, v)
	add(wrong)
	return position, faults, err
}

// says reports whether a text is of the title and language that its row states.
func says(text []byte, t policyversions.Translation) bool {
	var kept policyversions.Text
	if err := json.Unmarshal(text, &kept); err != nil {
		return true // its digest says what is to be said
	}
	return kept.Title == t.Title && kept.Language == t.Language
}
