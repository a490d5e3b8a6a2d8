package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/server/site"
)

var _ request.Store = (*DB)(nil)

const requestColumns = `id, site, kind, state, identity, language, region, law, promised, received_at, due, law_due, longer, closed_at, ground, contact, file_until, forgotten, reminded, seq`

func scanRequest(row scanner) (r request.Request, err error) {
	var promised, received, due, law, longer, closed, file, forgotten int64
	err = row.Scan(&r.ID, &r.Site, (*string)(&r.Kind), (*string)(&r.State), (*string)(&r.Identity), &r.Language, &r.Region, &r.Law, &promised,
		&received, &due, &law, &longer, &closed, (*string)(&r.Ground), &r.Contact, &file, &forgotten, &r.Reminded, &r.Seq)
	r.Promised, r.HandOver, r.Forgotten = promised != 0, file != 0, forgotten != 0
	r.ReceivedAt, r.Due, r.LawDue, r.Longer, r.ClosedAt = timeOf(received), timeOf(due), timeOf(law), timeOrNone(longer), timeOrNone(closed)
	return r, err
}

// AddRequest keeps a request with its first steps.
func (db *DB) AddRequest(ctx context.Context, c request.Change) error {
	return db.appendEntries(ctx, "add request", func(ctx context.Context, tx *sql.Tx, _ int64) ([]auditlog.Entry, error) {
		r := c.Request
		_, err := tx.ExecContext(ctx, `INSERT INTO request (`+requestColumns+`)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, ?14, ?15, 0, 0, 0, 0)`,
			r.ID, r.Site, string(r.Kind), string(r.State), string(r.Identity), r.Language, r.Region, r.Law, oneIf(r.Promised), milliseconds(r.ReceivedAt),
			milliseconds(r.Due), milliseconds(r.LawDue), millisecondsOrNone(r.Longer), string(r.Ground), r.Contact)
		if db.dialect.noParent(err) {
			return nil, site.ErrUnknown
		}
		if err != nil {
			return nil, err
		}
		for _, receipt := range r.Receipts {
			if _, err := tx.ExecContext(ctx, `INSERT INTO request_receipt (request, site, receipt) VALUES (?1, ?2, ?3)`, r.ID, r.Site, receipt); err != nil {
				return nil, err
			}
		}
		return db.followUp(ctx, tx, c)
	})
}

// Apply changes a request, if nobody has since it was read.
func (db *DB) Apply(ctx context.Context, c request.Change) error {
	return db.appendEntries(ctx, "change request", func(ctx context.Context, tx *sql.Tx, _ int64) ([]auditlog.Entry, error) {
		r := c.Request
		result, err := tx.ExecContext(ctx, `UPDATE request SET state = ?3, promised = ?4, due = ?5, closed_at = ?6, ground = ?7, forgotten = ?8, reminded = ?9 WHERE id = ?1 AND seq = ?2`,
			r.ID, r.Seq, string(r.State), oneIf(r.Promised), milliseconds(r.Due), millisecondsOrNone(r.ClosedAt), string(r.Ground), oneIf(r.Forgotten), r.Reminded)
		if err := changedOne(result, err, request.ErrStale); err != nil {
			return nil, err
		}
		if c.Forget || c.Drop || c.File != nil {
			if err := dropFile(ctx, tx, r.ID); err != nil {
				return nil, err
			}
		}
		if c.Forget {
			for _, text := range []string{`UPDATE request SET contact = NULL WHERE id = ?1`, `DELETE FROM request_text WHERE request = ?1`,
				`DELETE FROM request_receipt WHERE request = ?1`, `DELETE FROM request_mail WHERE request = ?1`} {
				if _, err := tx.ExecContext(ctx, text, r.ID); err != nil {
					return nil, err
				}
			}
		}
		if f := c.File; f != nil {
			if _, err := tx.ExecContext(ctx, `INSERT INTO request_file (request, name, sealed) VALUES (?1, ?2, ?3)`, r.ID, f.Name, f.Sealed); err != nil {
				return nil, err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE request SET file_until = ?2 WHERE id = ?1`, r.ID, milliseconds(f.Until)); err != nil {
				return nil, err
			}
		}
		return db.followUp(ctx, tx, c)
	})
}

func dropFile(ctx context.Context, tx *sql.Tx, id string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM request_file WHERE request = ?1`, id); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE request SET file_until = 0 WHERE id = ?1`, id)
	return err
}

// followUp keeps the steps of a change, each an act too, and what they set off.
func (db *DB) followUp(ctx context.Context, tx *sql.Tx, c request.Change) (entries []auditlog.Entry, err error) {
	r := c.Request
	for i, s := range c.Steps {
		seq := r.Seq + int64(i) + 1
		if _, err := tx.ExecContext(ctx, `INSERT INTO request_step (request, seq, at, what, by_whom, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
			r.ID, seq, milliseconds(s.At), string(s.What), s.By, s.Note); err != nil {
			return nil, err
		}
		if s.Text != nil {
			if _, err := tx.ExecContext(ctx, `INSERT INTO request_text (request, seq, sealed) VALUES (?1, ?2, ?3)`, r.ID, seq, s.Text); err != nil {
				return nil, err
			}
		}
		e, err := addAct(ctx, tx, operator.Act{At: s.At, Operator: s.By, Site: r.Site, What: "request." + string(s.What), Object: r.ID, Detail: string(r.Kind)})
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE request SET seq = ?2 WHERE id = ?1`, r.ID, r.Seq+int64(len(c.Steps))); err != nil {
		return nil, err
	}
	for _, m := range c.Mails {
		if _, err := tx.ExecContext(ctx, `INSERT INTO request_mail (id, site, request, about, at, attempts, next_at) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?5)`,
			m.ID, m.Site, m.Request, string(m.About), milliseconds(m.At)); err != nil {
			return nil, err
		}
	}
	for _, e := range c.Events {
		if _, err := notify(ctx, tx, e); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// Request finds a request of a site.
func (db *DB) Request(ctx context.Context, site, id string) (request.Request, error) {
	r, err := scanRequest(db.read.QueryRowContext(ctx, `SELECT `+requestColumns+` FROM request WHERE id = ?1 AND site = ?2`, id, site))
	if errors.Is(err, sql.ErrNoRows) {
		return request.Request{}, request.ErrUnknown
	}
	if err == nil {
		err = db.receiptsOf(ctx, &r)
	}
	if err != nil {
		return request.Request{}, fmt.Errorf("read request: %w", db.seen(err))
	}
	return r, nil
}

func (db *DB) receiptsOf(ctx context.Context, r *request.Request) error {
	rows, err := db.read.QueryContext(ctx, `SELECT receipt FROM request_receipt WHERE request = ?1 ORDER BY receipt`, r.ID)
	r.Receipts, err = collect(rows, err, func(row scanner) (id string, err error) { return id, row.Scan(&id) })
	return err
}

// Requests are those of a query, the soonest deadline first.
func (db *DB) Requests(ctx context.Context, q request.Query) ([]request.Request, error) {
	where, args := []string{"1 = 1"}, []any{}
	mark := func(value any) string {
		args = append(args, value)
		return fmt.Sprintf("?%d", len(args))
	}
	if q.Site != "" {
		where = append(where, `site = `+mark(q.Site))
	}
	if len(q.States) > 0 {
		marks := make([]string, len(q.States))
		for i, s := range q.States {
			marks[i] = mark(string(s))
		}
		where = append(where, `state IN (`+strings.Join(marks, ", ")+`)`)
	}
	if q.Kind != "" {
		where = append(where, `kind = `+mark(string(q.Kind)))
	}
	if q.After != nil {
		where = append(where, `(due, id) > (`+mark(milliseconds(q.After.Due))+`, `+mark(q.After.ID)+`)`)
	}
	if !q.Ended.IsZero() {
		where = append(where, `forgotten = 0 AND closed_at > 0 AND closed_at < `+mark(milliseconds(q.Ended)))
	}
	if !q.Lapsing.IsZero() {
		where = append(where, `received_at < `+mark(milliseconds(q.Lapsing)))
	}
	if !q.Files.IsZero() {
		where = append(where, `file_until > 0 AND file_until < `+mark(milliseconds(q.Files)))
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	return db.requests(ctx, `SELECT `+requestColumns+` FROM request WHERE `+strings.Join(where, " AND ")+` ORDER BY due, id LIMIT `+mark(q.Limit), args...)
}

// OfReceipts are requests that one of the receipts is the identity of, newest first.
func (db *DB) OfReceipts(ctx context.Context, site string, receiptIDs []string) ([]request.Request, error) {
	if len(receiptIDs) == 0 {
		return nil, nil
	}
	args := []any{site}
	var marks []string
	for _, id := range receiptIDs {
		args = append(args, id, gone(site, id))
		marks = append(marks, fmt.Sprintf("?%d, ?%d", len(args)-1, len(args)))
	}
	return db.requests(ctx, `SELECT `+requestColumns+` FROM request WHERE id IN (SELECT request FROM request_receipt WHERE site = ?1 AND receipt IN (`+
		strings.Join(marks, ", ")+`)) ORDER BY received_at DESC, id`, args...)
}

func (db *DB) requests(ctx context.Context, text string, args ...any) ([]request.Request, error) {
	rows, err := db.read.QueryContext(ctx, text, args...)
	all, err := collect(rows, err, scanRequest)
	for i := range all {
		if err == nil {
			err = db.receiptsOf(ctx, &all[i])
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read requests: %w", db.seen(err))
	}
	return all, nil
}

// Steps are a request's, oldest first.
func (db *DB) Steps(ctx context.Context, id string) ([]request.Step, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT s.seq, s.at, s.what, s.by_whom, s.note, t.sealed FROM request_step s
		LEFT JOIN request_text t ON t.request = s.request AND t.seq = s.seq WHERE s.request = ?1 ORDER BY s.seq`, id)
	all, err := collect(rows, err, func(row scanner) (s request.Step, err error) {
		var at int64
		err = row.Scan(&s.Seq, &at, (*string)(&s.What), &s.By, &s.Note, &s.Text)
		s.At = timeOf(at)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read steps of a request: %w", db.seen(err))
	}
	return all, nil
}

// Load counts what waits on a site.
func (db *DB) Load(ctx context.Context, site string, at time.Time) (l request.Load, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT
		COALESCE(SUM(CASE WHEN state = 'pending' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN state <> 'pending' THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN state <> 'pending' AND due > ?2 AND due <= ?3 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN state <> 'pending' AND due <= ?2 THEN 1 ELSE 0 END), 0)
		FROM request WHERE site = ?1 AND state IN ('pending', 'open', 'extended')`, site, milliseconds(at), milliseconds(at.AddDate(0, 0, 7))).
		Scan(&l.Pending, &l.Open, &l.Soon, &l.Overdue)
	if err != nil {
		return l, fmt.Errorf("count requests: %w", db.seen(err))
	}
	return l, nil
}

// File is what is handed over with a request.
func (db *DB) File(ctx context.Context, id string) (f request.File, err error) {
	var until int64
	err = db.read.QueryRowContext(ctx, `SELECT f.name, f.sealed, r.file_until FROM request_file f JOIN request r ON r.id = f.request WHERE f.request = ?1`, id).Scan(&f.Name, &f.Sealed, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return f, request.ErrNoFile
	}
	if err != nil {
		return f, fmt.Errorf("read file of a request: %w", db.seen(err))
	}
	f.Until = timeOf(until)
	return f, nil
}

// Settings are a site's.
func (db *DB) Settings(ctx context.Context, site string) (request.Settings, error) {
	s := request.Settings{Site: site, Keep: request.DefaultKeep}
	err := db.read.QueryRowContext(ctx, `SELECT promise, keep FROM request_settings WHERE site = ?1`, site).Scan(&s.Promise, &s.Keep)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return s, fmt.Errorf("read settings of requests: %w", db.seen(err))
	}
	return s, nil
}

// KeepSettings replaces a site's.
func (db *DB) KeepSettings(ctx context.Context, s request.Settings, by string, at time.Time) error {
	detail := fmt.Sprintf("promise %d days, keep %d days", s.Promise, s.Keep)
	return db.acting(ctx, operator.Act{At: at, Operator: by, Site: s.Site, What: "request.settings", Object: s.Site, Detail: detail}, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO request_settings (site, promise, keep) VALUES (?1, ?2, ?3)
			ON CONFLICT (site) DO UPDATE SET promise = excluded.promise, keep = excluded.keep`, s.Site, s.Promise, s.Keep)
		if db.dialect.noParent(err) {
			return site.ErrUnknown
		}
		return err
	})
}

// acting does something and keeps the act of it, together or not at all.
func (db *DB) acting(ctx context.Context, a operator.Act, do func(ctx context.Context, tx *sql.Tx) error) error {
	return db.appendEntries(ctx, a.What, func(ctx context.Context, tx *sql.Tx, _ int64) ([]auditlog.Entry, error) {
		if err := do(ctx, tx); err != nil {
			return nil, err
		}
		e, err := addAct(ctx, tx, a)
		return []auditlog.Entry{e}, err
	})
}
