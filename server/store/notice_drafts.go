package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
)

var _ notice.WorkStore = (*DB)(nil)

// mostRevisions of a draft are kept; the oldest go.
const mostRevisions = 100

// SaveNoticeWork keeps the next revision of a draft.
func (db *DB) SaveNoticeWork(ctx context.Context, w notice.Work) (notice.Work, error) {
	w.ChangedAt = timeOf(milliseconds(w.ChangedAt))
	err := db.inTransaction(ctx, "save draft of notice", func(ctx context.Context, tx *sql.Tx) error {
		var newest int64
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(revision), 0) FROM notice_work WHERE site = ?1`, w.Site).Scan(&newest); err != nil {
			return err
		}
		if newest != w.Revision {
			return notice.ErrStale
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO notice_work (site, revision, source, base, did, changed_by, changed_at)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`, w.Site, newest+1, w.Source, string(w.Base), w.Did, w.By, milliseconds(w.ChangedAt))
		if db.dialect.noParent(err) {
			return site.ErrUnknown
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM notice_work WHERE site = ?1 AND revision <= ?2`, w.Site, newest+1-mostRevisions)
		return err
	})
	if err != nil {
		return notice.Work{}, err
	}
	w.Revision++
	return w, nil
}

const noticeWorkColumns = `site, revision, source, base, did, changed_by, changed_at`

// NoticeWork is the newest revision of a site's draft.
func (db *DB) NoticeWork(ctx context.Context, site string) (notice.Work, error) {
	return db.noticeWork(ctx, `SELECT `+noticeWorkColumns+` FROM notice_work WHERE site = ?1 ORDER BY revision DESC LIMIT 1`, site)
}

// NoticeWorkAt is one revision of it.
func (db *DB) NoticeWorkAt(ctx context.Context, site string, revision int64) (notice.Work, error) {
	return db.noticeWork(ctx, `SELECT `+noticeWorkColumns+` FROM notice_work WHERE site = ?1 AND revision = ?2`, site, revision)
}

func (db *DB) noticeWork(ctx context.Context, query string, args ...any) (notice.Work, error) {
	w, err := scanNoticeWork(db.read.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return notice.Work{}, notice.ErrNoWork
	}
	if err != nil {
		return notice.Work{}, fmt.Errorf("read draft of notice: %w", db.seen(err))
	}
	return w, nil
}

// NoticeWorks are the newest revisions, without their sources.
func (db *DB) NoticeWorks(ctx context.Context, site string, most int) ([]notice.Work, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT site, revision, '', base, did, changed_by, changed_at FROM notice_work
		WHERE site = ?1 ORDER BY revision DESC LIMIT ?2`, site, most)
	all, err := collect(rows, err, scanNoticeWork)
	if err != nil {
		return nil, fmt.Errorf("read drafts of notice: %w", db.seen(err))
	}
	return all, nil
}

// DropNoticeWork deletes a site's draft.
func (db *DB) DropNoticeWork(ctx context.Context, site string) error {
	return db.inTransaction(ctx, "drop draft of notice", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM notice_work WHERE site = ?1`, site)
		return err
	})
}

func scanNoticeWork(row scanner) (w notice.Work, err error) {
	var changed int64
	err = row.Scan(&w.Site, &w.Revision, &w.Source, (*string)(&w.Base), &w.Did, &w.By, &changed)
	w.ChangedAt = timeOf(changed)
	return w, err
}

// NoticeHistory are a site's publications, newest first.
func (db *DB) NoticeHistory(ctx context.Context, site string, most int) ([]notice.Latest, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT seq, notice, published_at FROM publication WHERE site = ?1 ORDER BY seq DESC LIMIT ?2`, site, most)
	all, err := collect(rows, err, func(row scanner) (l notice.Latest, err error) {
		var published int64
		err = row.Scan(&l.Seq, (*string)(&l.Notice), &published)
		l.PublishedAt = timeOf(published)
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("read publications of site %s: %w", site, db.seen(err))
	}
	return all, nil
}
