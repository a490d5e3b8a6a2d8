package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/consent"
)

var _ consent.SearchStore = (*DB)(nil)

// SearchRecords finds records of a site, newest first. Records stand sorted under
// each facet; those of the facets that match are merged, as far as Limit asks.
func (db *DB) SearchRecords(ctx context.Context, s consent.Search) ([]*consent.Entry, error) {
	tx, err := db.read.BeginTx(ctx, nil) // one snapshot for all of it
	if err != nil {
		return nil, fmt.Errorf("search receipts: %w", db.seen(err))
	}
	defer tx.Rollback()
	all, err := searchIn(ctx, tx, s)
	if err != nil {
		return nil, fmt.Errorf("search receipts: %w", db.seen(err))
	}
	return all, nil
}

func searchIn(ctx context.Context, tx *sql.Tx, s consent.Search) ([]*consent.Entry, error) {
	if s.To == 0 {
		s.To = math.MaxInt64
	}
	// From here on, Before is where the answer begins: the first place not wanted.
	if s.Before == (consent.Place{}) || s.Before.ReceivedAt >= s.To {
		s.Before = consent.Place{ReceivedAt: s.To, Index: -1}
	}
	if len(s.Outcomes) == 0 && s.Region == "" && s.Category == "" {
		rows, err := tx.QueryContext(ctx, `SELECT `+entryColumns+` FROM record r JOIN log_leaf l ON l.position = r.position
			WHERE r.site = ?1 AND (r.received_at, r.position) < (?2, ?3) AND r.received_at >= ?4
			ORDER BY r.received_at DESC, r.position DESC LIMIT ?5`, s.Site, s.Before.ReceivedAt, s.Before.Index, s.From, s.Limit)
		return collect(rows, err, scanEntry)
	}
	facets, err := facetsOf(ctx, tx, s)
	if err != nil {
		return nil, err
	}
	places, err := merge(ctx, tx, s, facets)
	if err != nil || len(places) == 0 {
		return nil, err
	}
	find, err := tx.PrepareContext(ctx, `SELECT `+entryColumns+` FROM record r JOIN log_leaf l ON l.position = r.position WHERE r.position = ?1 AND r.site = ?2`)
	if err != nil {
		return nil, err
	}
	defer find.Close()
	all := make([]*consent.Entry, 0, len(places))
	for _, p := range places {
		e, err := scanEntry(find.QueryRowContext(ctx, p.Index, s.Site))
		if err != nil {
			return nil, fmt.Errorf("leaf %d: %w", p.Index, err)
		}
		all = append(all, e)
	}
	return all, nil
}

// facetsOf are the facets of a site whose records match.
func facetsOf(ctx context.Context, tx *sql.Tx, s consent.Search) ([]int64, error) {
	type row struct {
		id int64
		facet
	}
	rows, err := tx.QueryContext(ctx, `SELECT id, outcome, region, granted FROM facet WHERE site = ?1`, s.Site)
	all, err := collect(rows, err, func(from scanner) (r row, err error) {
		err = from.Scan(&r.id, &r.outcome, &r.region, &r.granted)
		return r, err
	})
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, f := range all {
		granted := s.Category != "" && strings.Contains(f.granted, " "+s.Category+" ")
		switch {
		case s.Region != "" && f.region != s.Region:
		case len(s.Outcomes) > 0 && !slices.Contains(s.Outcomes, consent.Outcome(f.outcome)):
		case s.Category != "" && granted != (s.Choice == consent.Granted):
		default:
			ids = append(ids, f.id)
		}
	}
	return ids, nil
}

// A run is one facet's places, read a few at a time.
type run struct {
	facet int64
	ahead []consent.Place
	done  bool // nothing is left behind ahead
}

// runLength is how many places of a facet are read at once.
const runLength = 32

func (r *run) fill(ctx context.Context, list *sql.Stmt, s consent.Search, behind consent.Place) error {
	limit := min(runLength, s.Limit)
	rows, err := list.QueryContext(ctx, r.facet, behind.ReceivedAt, behind.Index, s.From, limit)
	r.ahead, err = collect(rows, err, func(row scanner) (p consent.Place, err error) {
		err = row.Scan(&p.ReceivedAt, &p.Index)
		return p, err
	})
	r.done = len(r.ahead) < limit
	return err
}

// merge takes the newest of all runs until Limit is reached.
func merge(ctx context.Context, tx *sql.Tx, s consent.Search, facets []int64) ([]consent.Place, error) {
	list, err := tx.PrepareContext(ctx, `SELECT received_at, position FROM record_facet
		WHERE facet = ?1 AND (received_at, position) < (?2, ?3) AND received_at >= ?4 ORDER BY received_at DESC, position DESC LIMIT ?5`)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	var runs []*run
	for _, id := range facets {
		r := &run{facet: id}
		if err := r.fill(ctx, list, s, s.Before); err != nil {
			return nil, err
		}
		if len(r.ahead) > 0 {
			runs = append(runs, r)
		}
	}
	var places []consent.Place
	for len(runs) > 0 && len(places) < s.Limit {
		newest := 0
		for i, r := range runs {
			if later(r.ahead[0], runs[newest].ahead[0]) {
				newest = i
			}
		}
		r := runs[newest]
		p := r.ahead[0]
		places, r.ahead = append(places, p), r.ahead[1:]
		if len(r.ahead) == 0 && !r.done {
			if err := r.fill(ctx, list, s, p); err != nil {
				return nil, err
			}
		}
		if len(r.ahead) == 0 {
			runs = slices.Delete(runs, newest, newest+1)
		}
	}
	return places, nil
}

func later(a, b consent.Place) bool {
	return a.ReceivedAt > b.ReceivedAt || a.ReceivedAt == b.ReceivedAt && a.Index > b.Index
}

// RegionsOf are the regions that a site has records of.
func (db *DB) RegionsOf(ctx context.Context, site string) ([]string, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT DISTINCT region FROM facet WHERE site = ?1 ORDER BY region`, site)
	all, err := collect(rows, err, func(row scanner) (region string, err error) {
		err = row.Scan(&region)
		return region, err
	})
	if err != nil {
		return nil, fmt.Errorf("read regions: %w", db.seen(err))
	}
	return all, nil
}
