package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/site"
)

// AddVersion gives v the next number of its policy and keeps it.
func (db *DB) AddVersion(ctx context.Context, v policyversions.Version) (policyversions.Version, error) {
	return db.addVersion(ctx, v, policyversions.Work{})
}

// AddVersionOf is AddVersion for a draft, which it drops.
func (db *DB) AddVersionOf(ctx context.Context, v policyversions.Version, w policyversions.Work) (policyversions.Version, error) {
	return db.addVersion(ctx, v, w)
}

func (db *DB) addVersion(ctx context.Context, v policyversions.Version, w policyversions.Work) (policyversions.Version, error) {
	if v.Original == nil {
		v.Original = []byte{}
	}
	v = v.Sealed()
	v.PublishedAt, v.Effective = timeOf(milliseconds(v.PublishedAt)), timeOf(milliseconds(v.Effective))
	err := db.appendLeaves(ctx, "add version of policy "+v.Policy, func(ctx context.Context, tx *sql.Tx, position int64) ([][auditlog.LeafSize]byte, error) {
		if err := mayPublish(ctx, tx, v, w); err != nil {
			return nil, err
		}
		newest, latest, err := newestVersion(ctx, tx, v.Site, v.Policy)
		switch {
		case err != nil:
			return nil, err
		case newest.Number > 0 && newest.SameTexts(v):
			return nil, policyversions.ErrSameText
		case newest.Number > 0 && latest > milliseconds(v.Effective):
			return nil, policyversions.ErrBackdated
		}
		if w.ID != "" {
			if err := dropPublished(ctx, tx, w); err != nil {
				return nil, err
			}
		}
		v.Number, v.Previous = newest.Number+1, newest.Entry
		if err := insertVersion(ctx, tx, v); err != nil {
			return nil, err
		}
		leaf, entry, err := enter(ctx, tx, v, position)
		v.Entry = entry
		return [][auditlog.LeafSize]byte{leaf}, err
	})
	if err != nil {
		return policyversions.Version{}, err
	}
	return v, nil
}

// mayPublish sees to the second pair of eyes: where the site asks for it, a version
// is made of a submitted draft alone, and whoever approves it did not write it.
func mayPublish(ctx context.Context, tx *sql.Tx, v policyversions.Version, w policyversions.Work) error {
	var asks int64
	err := tx.QueryRowContext(ctx, `SELECT second_pair FROM site WHERE key = ?1`, v.Site).Scan(&asks)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return site.ErrUnknown
	case err != nil || asks == 0:
		return err
	case w.ID == "" || w.State != policyversions.Submitted || v.ApprovedBy == "",
		v.ApprovedBy == v.PublishedBy, v.ApprovedBy == w.By, v.ApprovedBy == w.SubmittedBy:
		return policyversions.ErrNotApproved
	}
	return nil
}

// newestVersion is the version that another one follows, with what of it that needs
// (Number 0 if there is none), and the latest time one of its policy takes effect.
func newestVersion(ctx context.Context, tx *sql.Tx, siteKey, policy string) (v policyversions.Version, latest int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT v.number, v.digest, v.effective, COALESCE(e.digest, '') FROM policy_version v
		LEFT JOIN policy_entry e ON e.site = v.site AND e.policy = v.policy AND e.number = v.number
		WHERE v.site = ?1 AND v.policy = ?2 ORDER BY v.number DESC LIMIT 1`, siteKey, policy).
		Scan(&v.Number, (*string)(&v.Digest), &latest, (*string)(&v.Entry))
	if errors.Is(err, sql.ErrNoRows) {
		return policyversions.Version{}, 0, nil
	}
	if err != nil {
		return v, 0, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT digest FROM policy_translation WHERE site = ?1 AND policy = ?2 AND number = ?3 ORDER BY language`,
		siteKey, policy, v.Number)
	v.Translations, err = collect(rows, err, func(row scanner) (t policyversions.Translation, err error) {
		err = row.Scan((*string)(&t.Digest))
		return t, err
	})
	return v, latest, err
}

// insertVersion keeps v, its texts and its translations.
func insertVersion(ctx context.Context, tx *sql.Tx, v policyversions.Version) error {
	summary, err := encodeSummary(v.Summary)
	if err != nil {
		return err
	}
	texts := []consent.Artifact{{Digest: v.Digest, Kind: "policy", Bytes: v.Canonical}}
	for _, t := range v.Translations {
		texts = append(texts, consent.Artifact{Digest: t.Digest, Kind: "policy", Bytes: t.Canonical})
	}
	if err := keepArtifacts(ctx, tx, texts); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO policy_version (site, policy, number, digest, title, language, published_at, effective, format, original,
			material, summary, grace, published_by, approved_by, entry_schema, grace_days, original_digest)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)`,
		v.Site, v.Policy, v.Number, string(v.Digest), v.Title, v.Language, milliseconds(v.PublishedAt), milliseconds(v.Effective), v.Format, v.Original,
		oneIf(v.Material), summary, v.Grace.Milliseconds(), v.PublishedBy, v.ApprovedBy, v.Schema, v.GraceDays, string(v.OriginalDigest))
	if err != nil {
		return err
	}
	for _, t := range v.Translations {
		original := t.Original
		if original == nil {
			original = []byte{}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO policy_translation (site, policy, number, language, title, digest, format, original, original_digest)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`, v.Site, v.Policy, v.Number, t.Language, t.Title, string(t.Digest), t.Format, original, string(t.OriginalDigest))
		if err != nil {
			return fmt.Errorf("translation into %s: %w", t.Language, err)
		}
	}
	return nil
}

const (
	versionColumns = `v.digest, v.site, v.policy, v.number, v.title, v.language, v.published_at, v.effective, v.format, v.material, v.summary,
	v.grace, v.published_by, v.approved_by, v.entry_schema, v.grace_days, v.original_digest, COALESCE(e.digest, ''), COALESCE(e.previous, '')`
	fromVersions = ` FROM policy_version v LEFT JOIN policy_entry e ON e.site = v.site AND e.policy = v.policy AND e.number = v.number `
)

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
		&r.material, &r.summary, &r.grace, &v.PublishedBy, &v.ApprovedBy, &v.Schema, &v.GraceDays, (*string)(&v.OriginalDigest), (*string)(&v.Entry), (*string)(&v.Previous)}
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
	tx, err := db.read.BeginTx(ctx, nil) // versions and translations of one moment
	if err != nil {
		return nil, fmt.Errorf("read versions of policy %s: %w", policy, db.seen(err))
	}
	defer tx.Rollback()
	all, err := versionsIn(ctx, tx, site, policy)
	if err != nil {
		return nil, fmt.Errorf("read versions of policy %s: %w", policy, db.seen(err))
	}
	if len(all) == 0 {
		return nil, policyversions.ErrUnknownPolicy
	}
	return all, nil
}

func versionsIn(ctx context.Context, tx *sql.Tx, site, policy string) ([]policyversions.Version, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+versionColumns+fromVersions+`WHERE v.site = ?1 AND v.policy = ?2 ORDER BY v.number DESC`, site, policy)
	all, err := collect(rows, err, func(row scanner) (v policyversions.Version, err error) {
		var r versionRow
		if err := row.Scan(r.targets()...); err != nil {
			return v, err
		}
		return r.done()
	})
	if err != nil {
		return nil, err
	}
	rows, err = tx.QueryContext(ctx, `SELECT number, language, title, digest, format, original_digest FROM policy_translation
		WHERE site = ?1 AND policy = ?2 ORDER BY number DESC, language`, site, policy)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for i := 0; rows.Next(); {
		var number int
		var t policyversions.Translation
		if err := rows.Scan(&number, &t.Language, &t.Title, (*string)(&t.Digest), &t.Format, (*string)(&t.OriginalDigest)); err != nil {
			return nil, err
		}
		for i < len(all) && all[i].Number > number {
			i++
		}
		if i < len(all) && all[i].Number == number {
			all[i].Translations = append(all[i].Translations, t)
		}
	}
	return all, rows.Err()
}

// EnteredSince lists the sites whose policies have got a version since a position of
// the log, that one left out, and the position of the last of those; since if there is none.
func (db *DB) EnteredSince(ctx context.Context, since int64) (sites []string, last int64, err error) {
	last = since
	rows, err := db.read.QueryContext(ctx, `SELECT site, MAX(position) FROM policy_entry WHERE position > ?1 GROUP BY site`, since)
	sites, err = collect(rows, err, func(row scanner) (site string, _ error) {
		var position int64
		err := row.Scan(&site, &position)
		last = max(last, position)
		return site, err
	})
	if err != nil {
		return nil, since, fmt.Errorf("read policy versions: %w", db.seen(err))
	}
	return sites, last, nil
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
	v, err := db.readVersion(ctx, where, args)
	if errors.Is(err, sql.ErrNoRows) {
		return policyversions.Version{}, policyversions.ErrUnknownVersion
	}
	if err != nil {
		return policyversions.Version{}, fmt.Errorf("read version of policy %s: %w", policy, db.seen(err))
	}
	return v, nil
}

func (db *DB) readVersion(ctx context.Context, where string, args []any) (policyversions.Version, error) {
	var r versionRow
	var original, text []byte
	err := db.read.QueryRowContext(ctx, `SELECT `+versionColumns+`, v.original, a.bytes`+fromVersions+`JOIN artifact a ON a.digest = v.digest `+where, args...).
		Scan(append(r.targets(), &original, &text)...)
	if err != nil {
		return policyversions.Version{}, err
	}
	if err := checkDigest(r.version.Digest, text); err != nil {
		return policyversions.Version{}, err
	}
	v, err := r.done()
	if err != nil {
		return policyversions.Version{}, err
	}
	v.Original, v.Canonical = original, text
	// Nothing is added to a version: these are its translations whenever they are read.
	rows, err := db.read.QueryContext(ctx, `SELECT t.language, t.title, t.digest, t.format, t.original, t.original_digest, a.bytes FROM policy_translation t
		JOIN artifact a ON a.digest = t.digest WHERE t.site = ?1 AND t.policy = ?2 AND t.number = ?3 ORDER BY t.language`, v.Site, v.Policy, v.Number)
	v.Translations, err = collect(rows, err, func(row scanner) (t policyversions.Translation, err error) {
		if err := row.Scan(&t.Language, &t.Title, (*string)(&t.Digest), &t.Format, &t.Original, (*string)(&t.OriginalDigest), &t.Canonical); err != nil {
			return t, err
		}
		return t, checkDigest(t.Digest, t.Canonical)
	})
	return v, err
}
