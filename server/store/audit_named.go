package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// A namedVersion is a policy version as other evidence names it. Whoever deletes the
// newest version of a policy with its entry leaves a leaf without a name behind; what
// stood published on a day, and each record that was given under it, still say which
// version it was.
type namedVersion struct {
	site, policy string
	number       int
	digest       canonical.Digest
	entry        canonical.Digest // "" where it is not said
}

// version adds a policy version that something names.
func (s *references) version(v namedVersion, of string, leaf int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.versions[v]; !ok || leaf >= 0 && leaf < old.leaf {
		s.versions[v] = reference{"policy version", of, leaf}
	}
}

// ofStanding adds what stood published on a day.
func (s *references) ofStanding(stood consent.Standing, leaf int64) {
	for _, list := range []map[string]consent.StandingVersion{stood.Policies, stood.Newest} {
		for policy, v := range list {
			s.version(namedVersion{stood.Site, policy, v.Number, v.Digest, v.Entry}, "the standing of "+stood.Site+" "+stood.Day, leaf)
		}
	}
}

// named makes sure that each version that is named is there, with its entry.
func (r *replay) named(ctx context.Context) error {
	query, err := r.tx.PrepareContext(ctx, `SELECT v.digest, COALESCE(e.digest, '') FROM policy_version v
		LEFT JOIN policy_entry e ON e.site = v.site AND e.policy = v.policy AND e.number = v.number WHERE v.site = ?1 AND v.policy = ?2 AND v.number = ?3`)
	if err != nil {
		return err
	}
	defer query.Close()
	for v, by := range r.refs.versions {
		of := fmt.Sprintf("%s/%s version %d", v.site, v.policy, v.number)
		var digest, entry canonical.Digest
		err := query.QueryRowContext(ctx, v.site, v.policy, v.number).Scan((*string)(&digest), (*string)(&entry))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			r.finding(auditlog.Lost, of, by.leaf, fmt.Errorf("%s names it: %w", by.of, auditlog.ErrDamaged))
		case unreadable(err):
			r.finding(auditlog.Altered, of, by.leaf, errMisshapen)
		case err != nil:
			return err
		case digest != v.digest, v.entry != "" && entry != v.entry:
			r.finding(auditlog.Altered, of, by.leaf, fmt.Errorf("it is not the one that %s names: %w", by.of, auditlog.ErrDamaged))
		}
	}
	return nil
}

// originals compares what was imported with the digests in the version's entry; entries
// of the first schema name none.
func (r *replay) originals(ctx context.Context, v policyversions.Version) (faults, err error) {
	if v.Schema == policyversions.EntryV1 {
		return nil, nil
	}
	want := map[string]canonical.Digest{"": v.OriginalDigest}
	for _, t := range v.Translations {
		want[t.Language] = t.OriginalDigest
	}
	rows, err := r.tx.QueryContext(ctx, `SELECT '', original FROM policy_version WHERE site = ?1 AND policy = ?2 AND number = ?3
		UNION ALL SELECT language, original FROM policy_translation WHERE site = ?1 AND policy = ?2 AND number = ?3`, v.Site, v.Policy, v.Number)
	_, err = collect(rows, err, func(row scanner) (none struct{}, _ error) {
		var language string
		var original []byte
		if err := row.Scan(&language, &original); err != nil {
			return none, err
		}
		if canonical.Sum(original) != want[language] {
			faults = errors.Join(faults, fmt.Errorf("what was imported as %s is not what its entry names: %w", nameOf(language, v), auditlog.ErrDamaged))
		}
		return none, nil
	})
	if unreadable(err) {
		return errMisshapen, nil
	}
	return faults, err
}

func nameOf(language string, v policyversions.Version) string {
	if language == "" {
		return v.Language
	}
	return language
}
