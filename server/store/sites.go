package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/volenti-consent/volenti/server/site"
)

// AddSite keeps a site.
func (db *DB) AddSite(ctx context.Context, s site.Site) error {
	if err := s.Validate(); err != nil {
		return err
	}
	return db.inTransaction(ctx, "add site "+s.Key, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO site (key, name, time_zone, created_at, second_pair, noindex) VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
			s.Key, s.Name, s.TimeZone, milliseconds(s.CreatedAt), oneIf(s.SecondPair), oneIf(s.NoIndex))
		if db.dialect.duplicate(err) {
			return site.ErrExists
		}
		return err
	})
}

// Site finds a site by its key.
func (db *DB) Site(ctx context.Context, key string) (site.Site, error) {
	s, err := scanSite(db.read.QueryRowContext(ctx, `SELECT key, name, time_zone, created_at, second_pair, noindex FROM site WHERE key = ?1`, key))
	if errors.Is(err, sql.ErrNoRows) {
		return site.Site{}, site.ErrUnknown
	}
	if err != nil {
		return site.Site{}, fmt.Errorf("read site: %w", db.seen(err))
	}
	return s, nil
}

// Sites are all sites, by key.
func (db *DB) Sites(ctx context.Context) ([]site.Site, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT key, name, time_zone, created_at, second_pair, noindex FROM site ORDER BY key`)
	all, err := collect(rows, err, scanSite)
	if err != nil {
		return nil, fmt.Errorf("read sites: %w", db.seen(err))
	}
	return all, nil
}

// SetSecondPair says whether a site's policies need another operator's approval.
func (db *DB) SetSecondPair(ctx context.Context, key string, on bool) error {
	return db.inTransaction(ctx, "change site "+key, func(ctx context.Context, tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE site SET second_pair = ?1 WHERE key = ?2`, oneIf(on), key)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(site.ErrUnknown, err)
		}
		return nil
	})
}

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(into ...any) error }

func scanSite(row scanner) (s site.Site, err error) {
	var created, secondPair, noIndex int64
	err = row.Scan(&s.Key, &s.Name, &s.TimeZone, &created, &secondPair, &noIndex)
	s.CreatedAt, s.SecondPair, s.NoIndex = timeOf(created), secondPair != 0, noIndex != 0
	return s, err
}

// collect reads all rows of a query and closes it.
func collect[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) (all []T, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
