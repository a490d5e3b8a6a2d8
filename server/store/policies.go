package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
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
	summary, err := encodeSummary(v.Summary)
	if err != nil {
		return policyversions.Version{}, fmt.Errorf("add version of policy %s: %w", v.Policy, err)
	}
	err = db.inTransaction(ctx, "add version of policy "+v.Policy, func(ctx context.Context, tx *sql.Tx) error {
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
		_, err = tx.ExecContext(ctx, `INSERT INTO policy_version (site, policy, number, digest, title, language, published_at, effective, format, original, material, summary, grace)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)`,
			v.Site, v.Policy, v.Number, string(v.Digest), v.Title, v.Language, milliseconds(v.PublishedAt), milliseconds(v.Effective), v.Format, v.Original,
			oneIf(v.Material), summary, v.Grace.Milliseconds())
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

const versionColumns = `v.digest, v.site, v.policy, v.number, v.title, v.language, v.published_at, v.effective, v.format, v.material, v.summary, v.grace`

// A versionRow is a row of versionColumns on its way to a Version.
type versionRow struct {
	version                     policyversions.Version
	published, effective, grace int64
	material                    int64
	summary                     string
}

func (r *versionRow) targets() []any {
	v := &r.version
	return []any{(*string)(&v.Digest), &v.Site, &v.Policy, &v.Number, &v.Title, &v.Language, &r.published, &r.effective, &v.Format,
		&r.material, &r.summary, &r.grace}
}

func (r *versionRow) done() (policyversions.Version, error) {
	v := r.version
	v.PublishedAt, v.Effective = timeOf(r.published), timeOf(r.effective)
	v.Material, v.Grace = r.material != 0, time.Duration(r.grace)*time.Millisecond
	if r.summary == "" {
		return v, nil
	}
	if err := json.Unmarshal([]byte(r.summary), &v.Summary); err != nil {
		return v, fmt.Errorf("summary of version %d: %w", v.Number, err)
	}
	return v, nil
}

func encodeSummary(summary map[string]string) (string, error) {
	if len(summary) == 0 {
		return "", nil
	}
	b, err := canonical.Encode(summary)
	return string(b), err
}

func oneIf(on bool) int64 {
	if on {
		return 1
	}
	return 0
}

// Versions lists a policy's versions, newest first, without their texts.
func (db *DB) Versions(ctx context.Context, site, policy string) ([]policyversions.Version, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+versionColumns+` FROM policy_version v
		WHERE v.site = ?1 AND v.policy = ?2 ORDER BY v.number DESC`, site, policy)
	all, err := collect(rows, err, func(row scanner) (v policyversions.Version, err error) {
		var r versionRow
		if err := row.Scan(r.targets()...); err != nil {
			return v, err
		}
		return r.done()
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
	var r versionRow
	var original, text []byte
	err := db.read.QueryRowContext(ctx, `SELECT `+versionColumns+`, v.original, a.bytes FROM policy_version v
		JOIN artifact a ON a.digest = v.digest `+where, args...).
		Scan(append(r.targets(), &original, &text)...)
	if errors.Is(err, sql.ErrNoRows) {
		return policyversions.Version{}, policyversions.ErrUnknownVersion
	}
	if err == nil {
		err = checkDigest(r.version.Digest, text)
	}
	var v policyversions.Version
	if err == nil {
		v, err = r.done()
	}
	if err != nil {
		return policyversions.Version{}, fmt.Errorf("read version of policy %s: %w", policy, db.seen(err))
	}
	v.Original, v.Canonical = original, text
	return v, nil
}
