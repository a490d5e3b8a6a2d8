package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
)

var _ notice.ShowingStore = (*DB)(nil)

// AddShowings adds to what this and other processes counted.
func (db *DB) AddShowings(ctx context.Context, more []notice.Showing) error {
	return db.inTransaction(ctx, "count what was shown", func(ctx context.Context, tx *sql.Tx) error {
		for _, s := range more {
			_, err := tx.ExecContext(ctx, `INSERT INTO showing (site, day, script, times) VALUES (?1, ?2, ?3, ?4)
				ON CONFLICT (site, day, script) DO UPDATE SET times = showing.times + excluded.times`, s.Site, s.Day, string(s.Script), s.Times)
			if db.dialect.noParent(err) {
				return site.ErrUnknown
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Showings is all that was counted for a site, by day and script.
func (db *DB) Showings(ctx context.Context, site string) ([]notice.Showing, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT day, script, times FROM showing WHERE site = ?1 ORDER BY day, script`, site)
	all, err := collect(rows, err, func(row scanner) (notice.Showing, error) {
		s := notice.Showing{Site: site}
		var script string
		err := row.Scan(&s.Day, &script, &s.Times)
		s.Script = canonical.Digest(script)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what was shown: %w", db.seen(err))
	}
	return all, nil
}
