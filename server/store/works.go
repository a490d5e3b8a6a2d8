package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/site"
)

const workColumns = `id, site, policy, revision, language, title, markdown, translations, material, summary, grace, effective,
	state, changed_by, submitted_by, changed_at`

// SaveWork keeps a draft, or a change to it.
func (db *DB) SaveWork(ctx context.Context, w policyversions.Work) (policyversions.Work, error) {
	before := w.Revision
	if w.ID == "" {
		w.ID, before = rand.Text(), 0
	}
	w.Revision = before + 1
	w.ChangedAt, w.Effective, w.Grace = timeOf(milliseconds(w.ChangedAt)), inMilliseconds(w.Effective), w.Grace.Truncate(time.Millisecond)
	if w.State == "" {
		w.State = policyversions.Drafted
	}
	if len(w.Translations) == 0 {
		w.Translations = nil
	}
	if len(w.Summary) == 0 {
		w.Summary = nil
	}
	translations, err := json.Marshal(w.Translations)
	if err != nil {
		return policyversions.Work{}, fmt.Errorf("save draft: %w", err)
	}
	summary, err := encodeSummary(w.Summary)
	if err != nil {
		return policyversions.Work{}, fmt.Errorf("save draft: %w", err)
	}
	err = db.inTransaction(ctx, "save draft", func(ctx context.Context, tx *sql.Tx) error {
		args := []any{w.ID, w.Site, w.Policy, w.Revision, w.Language, w.Title, w.Markdown, string(translations), oneIf(w.Material), summary,
			w.Grace.Milliseconds(), optionalTime(w.Effective), string(w.State), w.By, w.SubmittedBy, milliseconds(w.ChangedAt)}
		if before == 0 {
			_, err := tx.ExecContext(ctx, `INSERT INTO policy_work (`+workColumns+`)
				VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)`, args...)
			switch {
			case db.dialect.noParent(err):
				return site.ErrUnknown
			case db.dialect.duplicate(err):
				return policyversions.ErrStale
			}
			return err
		}
		done, err := tx.ExecContext(ctx, `UPDATE policy_work SET policy = ?3, revision = ?4, language = ?5, title = ?6, markdown = ?7,
				translations = ?8, material = ?9, summary = ?10, grace = ?11, effective = ?12, state = ?13, changed_by = ?14,
				submitted_by = ?15, changed_at = ?16
			WHERE id = ?1 AND site = ?2 AND revision = ?4 - 1 AND NOT (state = 'submitted' AND ?13 = 'submitted')`, args...)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return whyNotSaved(ctx, tx, w)
	})
	if err != nil {
		return policyversions.Work{}, err
	}
	return w, nil
}

// whyNotSaved says why a work could not be changed.
func whyNotSaved(ctx context.Context, tx *sql.Tx, w policyversions.Work) error {
	var revision int64
	err := tx.QueryRowContext(ctx, `SELECT revision FROM policy_work WHERE id = ?1 AND site = ?2`, w.ID, w.Site).Scan(&revision)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return policyversions.ErrUnknownWork
	case err != nil:
		return err
	case revision == w.Revision-1:
		return policyversions.ErrSubmitted
	}
	return policyversions.ErrStale
}

// Work finds a draft by its id, within a site.
func (db *DB) Work(ctx context.Context, site, id string) (policyversions.Work, error) {
	w, err := scanWork(db.read.QueryRowContext(ctx, `SELECT `+workColumns+` FROM policy_work WHERE id = ?1 AND site = ?2`, id, site))
	if errors.Is(err, sql.ErrNoRows) {
		return policyversions.Work{}, policyversions.ErrUnknownWork
	}
	if err != nil {
		return policyversions.Work{}, fmt.Errorf("read draft: %w", db.seen(err))
	}
	return w, nil
}

// Works are a site's drafts, the one changed last first.
func (db *DB) Works(ctx context.Context, site string) ([]policyversions.Work, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+workColumns+` FROM policy_work WHERE site = ?1 ORDER BY changed_at DESC, id`, site)
	all, err := collect(rows, err, scanWork)
	if err != nil {
		return nil, fmt.Errorf("read drafts: %w", db.seen(err))
	}
	return all, nil
}

// DropWork deletes a draft.
func (db *DB) DropWork(ctx context.Context, site, id string) error {
	return db.inTransaction(ctx, "drop draft", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM policy_work WHERE id = ?1 AND site = ?2`, id, site)
		return err
	})
}

// dropPublished deletes the draft that is being published. It is the one that was
// read, to the word: what is approved is what was submitted.
func dropPublished(ctx context.Context, tx *sql.Tx, w policyversions.Work) error {
	kept, err := scanWork(tx.QueryRowContext(ctx, `SELECT `+workColumns+` FROM policy_work WHERE id = ?1 AND site = ?2`, w.ID, w.Site))
	if errors.Is(err, sql.ErrNoRows) || (err == nil && !reflect.DeepEqual(kept, w)) {
		return policyversions.ErrStale
	}
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM policy_work WHERE id = ?1`, w.ID)
	return err
}

func scanWork(row scanner) (w policyversions.Work, err error) {
	var translations, summary string
	var material, grace, changed int64
	var effective sql.NullInt64
	err = row.Scan(&w.ID, &w.Site, &w.Policy, &w.Revision, &w.Language, &w.Title, &w.Markdown, &translations, &material, &summary,
		&grace, &effective, (*string)(&w.State), &w.By, &w.SubmittedBy, &changed)
	if err != nil {
		return w, err
	}
	if err := json.Unmarshal([]byte(translations), &w.Translations); err != nil {
		return w, fmt.Errorf("translations of draft %s: %w", w.ID, err)
	}
	if summary != "" {
		if err := json.Unmarshal([]byte(summary), &w.Summary); err != nil {
			return w, fmt.Errorf("summary of draft %s: %w", w.ID, err)
		}
	}
	w.Material, w.Grace, w.ChangedAt = material != 0, time.Duration(grace)*time.Millisecond, timeOf(changed)
	if effective.Valid {
		w.Effective = timeOf(effective.Int64)
	}
	return w, nil
}

// inMilliseconds is t as it comes back from the store; the zero time stays zero.
func inMilliseconds(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return timeOf(milliseconds(t))
}

func optionalTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return milliseconds(t)
}
