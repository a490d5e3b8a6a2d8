package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/site"
)

// AddVersion gives v the next number of its policy and keeps it.
func (db *DB) AddVersion(ctx context.Context, v policyversions.Version) (policyversions.Version, error) {
	text := consent.Artifact{Digest: v.Digest, Kind: "policy", Bytes: v.Canonical}
	if v.Original == nil {
		v.Original = []byte{}
	}
	v.PublishedAt, v.Effective = timeOf(milliseconds(v.PublishedAt)), timeOf(milliseconds(v.Effective))
	err := db.inTransaction(ctx, "add version of policy "+v.Policy, func(ctx context.Context, tx *sql.Tx) error {
		var newest sql.NullString
		var number, latest int64
		err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0), COALESCE(MAX(effective), 0),
				(SELECT digest FROM policy_version WHERE site = ?1 AND policy = ?2 ORDER BY number DESC LIMIT 1)
			FROM policy_version WHERE site = ?1 AND policy = ?2`, v.Site, v.Policy).Scan(&number, &latest, &newest)
		switch {
		case err != nil:
			return err
		case number > 0 && newest.String == string(v.Digest):
			return policyversions.ErrSameText
		case number > 0 && latest > milliseconds(v.Effective):
			return policyversions.ErrBackdated
		}
		if err := keepArtifacts(ctx, tx, []consent.Artifact{text}); err != nil {
			return err
		}
		v.Number = int(number) + 1
		_, err = tx.ExecContext(ctx, `INSERT INTO policy_version (site, policy, number, digest, title, language, published_at, effective, format, original)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`,
			v.Site, v.Policy, v.Number, string(v.Digest), v.Title, v.Language, milliseconds(v.PublishedAt), milliseconds(v.Effective), v.Format, v.Original)
		if db.dialect.noParent(err) {
			return site.ErrUnknown
		}
		return err
	})
	if err != nil {
		return policyversions.Version{}, err
	}
	return v, nil
}

const versionColumns = `v.digest, v.site, v.policy, v.number, v.title, v.language, v.published_at, v.effective, v.format`

func versionTargets(v *policyversions.Version, published, effective *int64) []any {
	return []any{(*string)(&v.Digest), &v.Site, &v.Policy, &v.Number, &v.Title, &v.Language, published, effective, &v.Format}
}

// Versions lists a policy's versions, newest first, without their texts.
func (db *DB) Versions(ctx context.Context, site, policy string) ([]policyversions.Version, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+versionColumns+` FROM policy_version v
		WHERE v.site = ?1 AND v.policy = ?2 ORDER BY v.number DESC`, site, policy)
	all, err := collect(rows, err, func(row scanner) (v policyversions.Version, err error) {
		var published, effective int64
		err = row.Scan(versionTargets(&v, &published, &effective)...)
		v.PublishedAt, v.Effective = timeOf(published), timeOf(effective)
		return v, err
	})
	if err != nil {
		return nil, fmt.Errorf("read versions of policy %s: %w", policy, db.seen(err))
	}
	if len(all) == 0 {
		return nil, policyversions.ErrUnknownPolicy
	}
	return all, nil
}

// Version finds a version by its number.
func (db *DB) Version(ctx context.Context, site, policy string, number int) (policyversions.Version, error) {
	return db.version(ctx, policy, `WHERE v.site = ?1 AND v.policy = ?2 AND v.number = ?3`, site, policy, number)
}

// InForce finds the version that binds at a time. Of two that take effect at
// once the later one does.
func (db *DB) InForce(ctx context.Context, site, policy string, at time.Time) (policyversions.Version, error) {
	v, err := db.version(ctx, policy, `WHERE v.site = ?1 AND v.policy = ?2 AND v.effective <= ?3
		ORDER BY v.effective DESC, v.number DESC LIMIT 1`, site, policy, milliseconds(at))
	if !errors.Is(err, policyversions.ErrUnknownVersion) {
		return v, err
	}
	var any int
	err = db.read.QueryRowContext(ctx, `SELECT 1 FROM policy_version WHERE site = ?1 AND policy = ?2 LIMIT 1`, site, policy).Scan(&any)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return policyversions.Version{}, policyversions.ErrUnknownPolicy
	case err != nil:
		return policyversions.Version{}, fmt.Errorf("read policy %s: %w", policy, db.seen(err))
	}
	return policyversions.Version{}, policyversions.ErrUnknownVersion
}

func (db *DB) version(ctx context.Context, policy, where string, args ...any) (policyversions.Version, error) {
	var v policyversions.Version
	var published, effective int64
	err := db.read.QueryRowContext(ctx, `SELECT `+versionColumns+`, v.original, a.bytes FROM policy_version v
		JOIN artifact a ON a.digest = v.digest `+where, args...).
		Scan(append(versionTargets(&v, &published, &effective), &v.Original, &v.Canonical)...)
	if errors.Is(err, sql.ErrNoRows) {
		return policyversions.Version{}, policyversions.ErrUnknownVersion
	}
	if err == nil {
		err = checkDigest(v.Digest, v.Canonical)
	}
	if err != nil {
		return policyversions.Version{}, fmt.Errorf("read version of policy %s: %w", policy, db.seen(err))
	}
	v.PublishedAt, v.Effective = timeOf(published), timeOf(effective)
	return v, nil
}
