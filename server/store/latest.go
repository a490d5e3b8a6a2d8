package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
)

// ChangeSite keeps a site's name, time zone and switches; its key is for good.
func (db *DB) ChangeSite(ctx context.Context, s site.Site) error {
	if err := s.Validate(); err != nil {
		return err
	}
	return db.inTransaction(ctx, "change site "+s.Key, func(ctx context.Context, tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE site SET name = ?1, time_zone = ?2, second_pair = ?3, noindex = ?4 WHERE key = ?5`, s.Name, s.TimeZone, oneIf(s.SecondPair), oneIf(s.NoIndex), s.Key)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return siteUnknown(err)
		}
		return nil
	})
}

func siteUnknown(err error) error {
	if err != nil {
		return err
	}
	return site.ErrUnknown
}

// Latest are the newest publications of all sites, by site, without their
// scripts: what is asked of many sites at once.
func (db *DB) Latest(ctx context.Context) (map[string]notice.Latest, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT s.key, p.seq, p.notice, p.published_at FROM site s
		JOIN publication p ON p.seq = (SELECT MAX(seq) FROM publication WHERE site = s.key)`)
	type row struct {
		site string
		notice.Latest
	}
	all, err := collect(rows, err, func(from scanner) (r row, err error) {
		var digest string
		var published int64
		err = from.Scan(&r.site, &r.Seq, &digest, &published)
		r.Notice, r.PublishedAt = canonical.Digest(digest), timeOf(published)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read publications: %w", db.seen(err))
	}
	latest := make(map[string]notice.Latest, len(all))
	for _, r := range all {
		latest[r.site] = r.Latest
	}
	return latest, nil
}

// AskScripts are the first layers ever published for a site: what each is, by
// digest. Where a trial says nothing else than the notice, it is the notice's.
func (db *DB) AskScripts(ctx context.Context, site string) (map[canonical.Digest]notice.Variant, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT s.digest, s.surface, s.language, s.trial FROM publication p JOIN publication_script s ON s.seq = p.seq
		WHERE p.site = ?1 AND s.kind = ?2 ORDER BY s.trial DESC`, site, string(notice.KindAsk))
	type row struct {
		digest canonical.Digest
		notice.Variant
	}
	all, err := collect(rows, err, func(from scanner) (r row, err error) {
		r.Kind = notice.KindAsk
		err = from.Scan(&r.digest, &r.Surface, &r.Language, &r.Trial)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read scripts: %w", db.seen(err))
	}
	scripts := make(map[canonical.Digest]notice.Variant, len(all))
	for _, r := range all { // the notice's own come last, and stay
		scripts[r.digest] = r.Variant
	}
	return scripts, nil
}
