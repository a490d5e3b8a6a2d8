package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
)

// publicationEntry is the entry of p, which follows the one of its site before.
func publicationEntry(ctx context.Context, tx *sql.Tx, p *notice.Publication) (auditlog.Entry, error) {
	var before []byte
	err := tx.QueryRowContext(ctx, `SELECT e.core FROM publication p JOIN log_entry e ON e.kind = ?1 AND e.object = CAST(p.seq AS TEXT)
		WHERE p.site = ?2 AND p.seq < ?3 ORDER BY p.seq DESC LIMIT 1`, string(auditlog.Publication), p.Site, p.Seq).Scan(&before)
	var previous canonical.Digest
	switch {
	case err == nil:
		previous = canonical.Sum(before)
	case !errors.Is(err, sql.ErrNoRows):
		return auditlog.Entry{}, fmt.Errorf("the publication before: %w", err)
	}
	return auditlog.NewEntry(auditlog.Publication, p.Site, strconv.FormatInt(p.Seq, 10), p.Entry(previous), nil)
}

// actEntry is the entry of an act.
func actEntry(a operator.Act) (auditlog.Entry, error) {
	core, personal := a.Entry()
	return auditlog.NewEntry(auditlog.Act, a.Site, strconv.FormatInt(a.Seq, 10), core, personal)
}

// enterOlder enters what was kept before the log took it in: publications and acts. It
// is called at every start, and finds nothing to do at all but one of them. What is
// newer and has no entry did not come from here: that is for an audit to find.
func (db *DB) enterOlder(ctx context.Context) error {
	if err := enterMissing(ctx, db, "publications", withoutEntry(`publication`), auditlog.Publication, func(ctx context.Context, tx *sql.Tx, seq int64) (auditlog.Entry, error) {
		p, err := publicationIn(ctx, tx, seq)
		if err != nil {
			return auditlog.Entry{}, err
		}
		return publicationEntry(ctx, tx, p)
	}); err != nil {
		return err
	}
	return enterMissing(ctx, db, "acts", withoutEntry(`operator_act`), auditlog.Act, func(ctx context.Context, tx *sql.Tx, seq int64) (auditlog.Entry, error) {
		a, err := scanAct(tx.QueryRowContext(ctx, `SELECT `+actColumns+` FROM operator_act WHERE seq = ?1`, seq))
		if err != nil {
			return auditlog.Entry{}, err
		}
		return actEntry(a)
	})
}

// withoutEntry finds the numbers of a table's rows that the log has no entry of, a few
// at a time.
func withoutEntry(table string) string {
	return `SELECT t.seq FROM ` + table + ` t WHERE t.seq <= (SELECT until FROM log_older WHERE kind = ?1) AND NOT EXISTS
		(SELECT 1 FROM log_entry e WHERE e.kind = ?1 AND e.object = CAST(t.seq AS TEXT)) ORDER BY t.seq LIMIT 1000`
}

// enterMissing enters what query finds until it finds nothing more.
func enterMissing(ctx context.Context, db *DB, what, query string, kind auditlog.Kind, entryOf func(ctx context.Context, tx *sql.Tx, seq int64) (auditlog.Entry, error)) error {
	scan := func(row scanner) (seq int64, err error) { return seq, row.Scan(&seq) }
	for {
		rows, err := db.read.QueryContext(ctx, query, string(kind))
		if some, err := collect(rows, err, scan); err != nil || len(some) == 0 {
			return err
		}
		err = db.appendLeaves(ctx, "enter "+what+" into the log", func(ctx context.Context, tx *sql.Tx, position int64) (leaves [][auditlog.LeafSize]byte, err error) {
			rows, err := tx.QueryContext(ctx, query, string(kind)) // once more: another process may have done it
			some, err := collect(rows, err, scan)
			if err != nil {
				return nil, err
			}
			for _, seq := range some {
				e, err := entryOf(ctx, tx, seq)
				if err == nil { // kept at once: the next one may name it
					err = keepEntry(ctx, tx, position+int64(len(leaves)), e)
				}
				if err != nil {
					return nil, fmt.Errorf("number %d: %w", seq, err)
				}
				leaves = append(leaves, e.Leaf())
			}
			return leaves, nil
		})
		if err != nil {
			return err
		}
	}
}

// scanWording reads a trial (” for none), a language and a digest into p.
func scanWording(row scanner, p *notice.Publication) error {
	var trial, language, digest string
	if err := row.Scan(&trial, &language, &digest); err != nil {
		return err
	}
	if trial == "" {
		p.Wordings[language] = canonical.Digest(digest)
	} else {
		p.AddTrialWording(trial, language, canonical.Digest(digest))
	}
	return nil
}

// publicationIn is a publication without bytes.
func publicationIn(ctx context.Context, tx *sql.Tx, seq int64) (*notice.Publication, error) {
	p := &notice.Publication{Seq: seq, Wordings: map[string]canonical.Digest{}}
	var published int64
	err := tx.QueryRowContext(ctx, `SELECT site, notice, published_at FROM publication WHERE seq = ?1`, seq).
		Scan(&p.Site, (*string)(&p.Notice), &published)
	if err != nil {
		return nil, err
	}
	p.PublishedAt = timeOf(published)
	rows, err := tx.QueryContext(ctx, `SELECT '', language, digest FROM publication_wording WHERE seq = ?1
		UNION ALL SELECT trial, language, digest FROM publication_trial_wording WHERE seq = ?1`, seq)
	_, err = collect(rows, err, func(row scanner) (none struct{}, _ error) {
		return none, scanWording(row, p)
	})
	if err != nil {
		return nil, err
	}
	rows, err = tx.QueryContext(ctx, `SELECT kind, surface, language, trial, digest FROM publication_script WHERE seq = ?1 ORDER BY position`, seq)
	p.Scripts, err = collect(rows, err, func(row scanner) (s notice.PublishedScript, err error) {
		return s, row.Scan((*string)(&s.Kind), (*string)(&s.Surface), &s.Language, &s.Trial, (*string)(&s.Digest))
	})
	return p, err
}
