package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// LogList is what stands in the log, newest first, and where to go on; the zero Place
// where that was all. It reads as many rows as it returns, whatever the log's size.
func (db *DB) LogList(ctx context.Context, q auditlog.PlacedQuery) (list []auditlog.Placed, next auditlog.Place, err error) {
	if q.Most <= 0 {
		q.Most = 50
	}
	below := q.After.Index
	if q.After == (auditlog.Place{}) {
		below = math.MaxInt64
	}
	for _, of := range []func(context.Context, auditlog.PlacedQuery, int64) ([]auditlog.Placed, error){db.placedRecords, db.placedVersions, db.placedEntries} {
		some, err := of(ctx, q, below)
		if err != nil {
			return nil, next, fmt.Errorf("read the log: %w", db.seen(err))
		}
		list = append(list, some...)
	}
	slices.SortFunc(list, func(a, b auditlog.Placed) int { return cmp.Compare(b.Index, a.Index) })
	if len(list) < q.Most {
		return list, next, nil
	}
	list = list[:q.Most]
	next = q.After
	next.Index = list[q.Most-1].Index
	for _, p := range list {
		if p.Kind == auditlog.Consent {
			next.Record, next.RecordReceived = p.Index, milliseconds(p.At)
		}
	}
	return list, next, nil
}

func (db *DB) placedRecords(ctx context.Context, q auditlog.PlacedQuery, below int64) ([]auditlog.Placed, error) {
	if q.Server || q.Kind != "" && q.Kind != auditlog.Consent {
		return nil, nil
	}
	query, args := `SELECT position, site, id, received_at FROM record WHERE position < ?1 ORDER BY position DESC LIMIT ?2`, []any{below, q.Most}
	if q.Site != "" {
		received, record := q.After.RecordReceived, q.After.Record
		if received == 0 {
			received, record = math.MaxInt64, math.MaxInt64
		}
		query = `SELECT position, site, id, received_at FROM record WHERE site = ?3 AND (received_at, position) < (?1, ?4)
			ORDER BY received_at DESC, position DESC LIMIT ?2`
		args = []any{received, q.Most, q.Site, record}
	}
	rows, err := db.read.QueryContext(ctx, query, args...)
	return collect(rows, err, func(row scanner) (auditlog.Placed, error) {
		return scanPlaced(row, auditlog.Consent)
	})
}

func scanPlaced(row scanner, kind auditlog.Kind) (auditlog.Placed, error) {
	p := auditlog.Placed{Kind: kind}
	var at int64
	err := row.Scan(&p.Index, &p.Site, &p.Object, &at)
	p.At = timeOf(at)
	p.Day = p.At.Format(time.DateOnly)
	return p, err
}

func (db *DB) placedVersions(ctx context.Context, q auditlog.PlacedQuery, below int64) ([]auditlog.Placed, error) {
	if q.Server || q.Kind != "" && q.Kind != auditlog.PolicyVersion {
		return nil, nil
	}
	rows, err := db.read.QueryContext(ctx, `SELECT e.position, e.site, e.policy || ' ' || CAST(e.number AS TEXT), v.published_at FROM policy_entry e
		JOIN policy_version v ON v.site = e.site AND v.policy = e.policy AND v.number = e.number
		WHERE e.position < ?1 AND (?3 = '' OR e.site = ?3) ORDER BY e.position DESC LIMIT ?2`, below, q.Most, q.Site)
	return collect(rows, err, func(row scanner) (auditlog.Placed, error) { return scanPlaced(row, auditlog.PolicyVersion) })
}

func (db *DB) placedEntries(ctx context.Context, q auditlog.PlacedQuery, below int64) ([]auditlog.Placed, error) {
	if q.Kind == auditlog.Consent || q.Kind == auditlog.PolicyVersion {
		return nil, nil
	}
	where, args := `position < ?1`, []any{below, q.Most}
	if q.Site != "" || q.Server {
		args = append(args, q.Site)
		where += fmt.Sprintf(` AND site = ?%d`, len(args))
	}
	if q.Kind != "" {
		args = append(args, string(q.Kind))
		where += fmt.Sprintf(` AND kind = ?%d`, len(args))
	}
	rows, err := db.read.QueryContext(ctx, `SELECT position, kind, site, object, core FROM log_entry WHERE `+where+` ORDER BY position DESC LIMIT ?2`, args...) //nolint:gosec // of constants
	return collect(rows, err, func(row scanner) (p auditlog.Placed, err error) {
		var core []byte
		err = row.Scan(&p.Index, (*string)(&p.Kind), &p.Site, &p.Object, &core)
		p.Said(core)
		return p, err
	})
}

// LogLeaf is what stands at a leaf, as it may be seen; auditlog.ErrNotInLog.
func (db *DB) LogLeaf(ctx context.Context, index int64) (o auditlog.Opened, err error) {
	var leaf []byte
	err = db.read.QueryRowContext(ctx, `SELECT l.leaf, COALESCE(t.position, -1) FROM log_leaf l LEFT JOIN tombstone t ON t.erased = l.position WHERE l.position = ?1`, index).
		Scan(&leaf, &o.Tombstone)
	if errors.Is(err, sql.ErrNoRows) {
		return o, auditlog.ErrNotInLog
	}
	if err == nil && len(leaf) != auditlog.LeafSize {
		err = auditlog.ErrDamaged
	}
	if err == nil {
		copy(o.Leaf[:], leaf)
		err = db.opened(ctx, index, &o)
	}
	if err != nil {
		return o, fmt.Errorf("read leaf %d of the log: %w", index, db.seen(err))
	}
	o.Index = index
	return o, nil
}

// opened finds what stands for a leaf.
func (db *DB) opened(ctx context.Context, index int64, o *auditlog.Opened) error {
	var at int64
	var half []byte
	row := db.read.QueryRowContext(ctx, `SELECT site, id, received_at, core, personal FROM record WHERE position = ?1`, index)
	err := row.Scan(&o.Site, &o.Object, &at, &o.Core, &half)
	if err == nil {
		o.Kind, o.At, o.Minimised = auditlog.Consent, timeOf(at), half == nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = db.read.QueryRowContext(ctx, `SELECT e.site, e.policy || ' ' || CAST(e.number AS TEXT), v.published_at, e.bytes FROM policy_entry e
			JOIN policy_version v ON v.site = e.site AND v.policy = e.policy AND v.number = e.number WHERE e.position = ?1`, index).
			Scan(&o.Site, &o.Object, &at, &o.Core)
		if err == nil {
			o.Kind, o.At = auditlog.PolicyVersion, timeOf(at)
		}
	}
	if errors.Is(err, sql.ErrNoRows) {
		var removed []byte
		err = db.read.QueryRowContext(ctx, `SELECT kind, site, object, core, commit_pers FROM log_entry WHERE position = ?1`, index).
			Scan((*string)(&o.Kind), &o.Site, &o.Object, &o.Core, &removed)
		if err == nil {
			o.Minimised = removed != nil
			o.Said(o.Core)
			return nil
		}
	}
	if !errors.Is(err, sql.ErrNoRows) {
		o.Day = o.At.Format(time.DateOnly)
		return err
	}
	// Of what is restricted nothing is said but that it is there.
	err = db.read.QueryRowContext(ctx, `SELECT site FROM restricted_record WHERE position = ?1`, index).Scan(&o.Site)
	o.Kind, o.Hidden = auditlog.Consent, err == nil
	if errors.Is(err, sql.ErrNoRows) {
		o.Kind, o.Erased = auditlog.Consent, o.Tombstone >= 0
		err = nil
	}
	return err
}
