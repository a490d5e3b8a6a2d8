package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/server/site"
)

// Mails are those due at a time, oldest first.
func (db *DB) Mails(ctx context.Context, at time.Time, limit int) ([]request.Mail, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT id, site, request, about, at, attempts FROM request_mail WHERE next_at <= ?1 ORDER BY next_at LIMIT ?2`, milliseconds(at), limit)
	all, err := collect(rows, err, func(row scanner) (m request.Mail, err error) {
		var at int64
		err = row.Scan(&m.ID, &m.Site, &m.Request, (*string)(&m.About), &at, &m.Attempts)
		m.At = timeOf(at)
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("read mails: %w", db.seen(err))
	}
	return all, nil
}

// MailTried keeps what became of an attempt; one that is over is deleted.
func (db *DB) MailTried(ctx context.Context, id string, attempts int, next time.Time) error {
	if next.IsZero() {
		return db.execute(ctx, "mail is over", nil, `DELETE FROM request_mail WHERE id = ?1`, id)
	}
	return db.execute(ctx, "mail is tried again", nil, `UPDATE request_mail SET attempts = ?2, next_at = ?3 WHERE id = ?1`, id, attempts, milliseconds(next))
}

const hookColumns = `id, site, url, events, secret, former, until, off, created_at`

func scanHook(row scanner) (h request.Hook, err error) {
	var events string
	var until, off, created int64
	err = row.Scan(&h.ID, &h.Site, &h.URL, &events, &h.Secret, &h.Former, &until, &off, &created)
	h.Events, h.Until, h.Off, h.CreatedAt = strings.Fields(events), timeOrNone(until), off != 0, timeOf(created)
	return h, err
}

func hookAct(h request.Hook, by, what string, at time.Time) operator.Act {
	return operator.Act{At: at, Operator: by, Site: h.Site, What: "webhook." + what, Object: h.ID}
}

// AddHook keeps a webhook.
func (db *DB) AddHook(ctx context.Context, h request.Hook, by string) error {
	return db.acting(ctx, hookAct(h, by, "add", h.CreatedAt), func(ctx context.Context, tx *sql.Tx) error {
		if err := beginToWatch(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO webhook (`+hookColumns+`) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`,
			h.ID, h.Site, h.URL, strings.Join(h.Events, " "), h.Secret, h.Former, millisecondsOrNone(h.Until), oneIf(h.Off), milliseconds(h.CreatedAt))
		if db.dialect.noParent(err) {
			return site.ErrUnknown
		}
		return err
	})
}

// beginToWatch lets the first webhook that listens hear of what comes from here on.
func beginToWatch(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `UPDATE webhook_watch SET position = (SELECT MAX(size) FROM log_head) WHERE NOT EXISTS (SELECT 1 FROM webhook WHERE off = 0)`)
	return err
}

// ChangeHook keeps all of a webhook but its site.
func (db *DB) ChangeHook(ctx context.Context, h request.Hook, by, what string, at time.Time) error {
	return db.acting(ctx, hookAct(h, by, what, at), func(ctx context.Context, tx *sql.Tx) error {
		if err := beginToWatch(ctx, tx); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `UPDATE webhook SET url = ?3, events = ?4, secret = ?5, former = ?6, until = ?7, off = ?8 WHERE id = ?1 AND site = ?2`,
			h.ID, h.Site, h.URL, strings.Join(h.Events, " "), h.Secret, h.Former, millisecondsOrNone(h.Until), oneIf(h.Off))
		return changedOne(result, err, request.ErrUnknown)
	})
}

// DropHook deletes a webhook with what was still to be sent to it.
func (db *DB) DropHook(ctx context.Context, site, id, by string, at time.Time) error {
	return db.acting(ctx, hookAct(request.Hook{ID: id, Site: site}, by, "remove", at), func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM webhook_delivery WHERE webhook = ?1 AND site = ?2`, id, site); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `DELETE FROM webhook WHERE id = ?1 AND site = ?2`, id, site)
		return changedOne(result, err, request.ErrUnknown)
	})
}

// Hook finds a webhook of a site.
func (db *DB) Hook(ctx context.Context, site, id string) (request.Hook, error) {
	h, err := scanHook(db.read.QueryRowContext(ctx, `SELECT `+hookColumns+` FROM webhook WHERE id = ?1 AND site = ?2`, id, site))
	if errors.Is(err, sql.ErrNoRows) {
		return h, request.ErrUnknown
	}
	if err != nil {
		return h, fmt.Errorf("read webhook: %w", db.seen(err))
	}
	return h, nil
}

// Hooks are a site's, oldest first.
func (db *DB) Hooks(ctx context.Context, site string) ([]request.Hook, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+hookColumns+` FROM webhook WHERE site = ?1 ORDER BY created_at, id`, site)
	all, err := collect(rows, err, scanHook)
	if err != nil {
		return nil, fmt.Errorf("read webhooks: %w", db.seen(err))
	}
	return all, nil
}

// Notify puts an event into the outbox of every hook that wants it.
func (db *DB) Notify(ctx context.Context, e request.Event) (hooks int, err error) {
	err = db.inTransaction(ctx, "notify", func(ctx context.Context, tx *sql.Tx) (err error) {
		hooks, err = notify(ctx, tx, e)
		return err
	})
	return hooks, err
}

func notify(ctx context.Context, tx *sql.Tx, e request.Event) (hooks int, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+hookColumns+` FROM webhook WHERE site = ?1`, e.Site)
	all, err := collect(rows, err, scanHook)
	if err != nil {
		return 0, err
	}
	for _, h := range all {
		if (e.Hook != "" && e.Hook != h.ID) || (e.Hook == "" && !h.Wants(e.Name)) || e.At.Before(h.CreatedAt) {
			continue
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO webhook_delivery (id, webhook, site, event, object, at, body, attempts, next_at, status, problem, done_at)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?6, 0, '', 0)`, e.ID, h.ID, e.Site, e.Name, e.Object, milliseconds(e.At), e.Body)
		if err != nil {
			return hooks, err
		}
		hooks++
	}
	return hooks, nil
}

const deliveryColumns = `id, webhook, site, event, object, at, body, attempts, next_at, status, problem, done_at`

func scanDelivery(row scanner) (d request.Delivery, err error) {
	var at, next, done int64
	err = row.Scan(&d.ID, &d.HookID, &d.Site, &d.Name, &d.Object, &at, &d.Body, &d.Attempts, &next, &d.Status, &d.Problem, &done)
	d.At, d.NextAt, d.DoneAt = timeOf(at), timeOrNone(next), timeOrNone(done)
	return d, err
}

// Deliveries are those due at a time, oldest first.
func (db *DB) Deliveries(ctx context.Context, at time.Time, limit int) ([]request.Delivery, error) {
	return db.deliveries(ctx, `WHERE next_at > 0 AND next_at <= ?1 ORDER BY next_at LIMIT ?2`, milliseconds(at), limit)
}

// DeliveriesOf are the last ones to one webhook, newest first.
func (db *DB) DeliveriesOf(ctx context.Context, hook string, limit int) ([]request.Delivery, error) {
	return db.deliveries(ctx, `WHERE webhook = ?1 ORDER BY at DESC, id LIMIT ?2`, hook, limit)
}

func (db *DB) deliveries(ctx context.Context, where string, args ...any) ([]request.Delivery, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+deliveryColumns+` FROM webhook_delivery `+where, args...) //nolint:gosec // our own words alone
	all, err := collect(rows, err, scanDelivery)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", db.seen(err))
	}
	return all, nil
}

// keptDeliveries is how many of one webhook are listed; older ones that are over go.
const keptDeliveries = 500

// Delivered keeps what became of an attempt. What was sent is forgotten when it is over:
// it names receipts.
func (db *DB) Delivered(ctx context.Context, d request.Delivery) error {
	return db.inTransaction(ctx, "delivery", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE webhook_delivery SET attempts = ?3, next_at = ?4, status = ?5, problem = ?6, done_at = ?7,
			body = CASE WHEN ?4 = 0 THEN NULL ELSE body END WHERE webhook = ?1 AND id = ?2`,
			d.HookID, d.ID, d.Attempts, millisecondsOrNone(d.NextAt), d.Status, d.Problem, millisecondsOrNone(d.DoneAt))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM webhook_delivery WHERE webhook = ?1 AND next_at = 0 AND at < COALESCE((SELECT at FROM webhook_delivery WHERE webhook = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2), 0)`, d.HookID, keptDeliveries)
		return err
	})
}

// Watched is how far the log was searched.
func (db *DB) Watched(ctx context.Context) (position int64, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT position FROM webhook_watch WHERE id = 1`).Scan(&position)
	if err != nil {
		return 0, fmt.Errorf("read how far the log was watched: %w", db.seen(err))
	}
	return position, nil
}

// Watch keeps how far the log was searched, with what was found.
func (db *DB) Watch(ctx context.Context, position int64, found []request.Event) error {
	return db.inTransaction(ctx, "watch the log", func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE webhook_watch SET position = ?1 WHERE id = 1 AND position < ?1`, position)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err // another process has seen as much
		}
		for _, e := range found {
			if _, err := notify(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// Decided are records from a position on, of sites that have a webhook, and where the
// next call goes on.
func (db *DB) Decided(ctx context.Context, from int64, limit int) (all []request.Decided, next int64, err error) {
	if err := db.read.QueryRowContext(ctx, `SELECT MAX(size) FROM log_head`).Scan(&next); err != nil {
		return nil, from, fmt.Errorf("watch the log: %w", db.seen(err))
	}
	var listens int
	if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM webhook WHERE off = 0`).Scan(&listens); err != nil {
		return nil, from, fmt.Errorf("watch the log: %w", db.seen(err))
	}
	if next <= from || listens == 0 {
		return nil, from, nil // where nobody listens, nothing is written either
	}
	rows, err := db.read.QueryContext(ctx, `SELECT r.position, r.site, r.id, r.core FROM record r
		WHERE r.position >= ?1 AND r.position < ?2 AND r.site IN (SELECT site FROM webhook WHERE off = 0) ORDER BY r.position LIMIT ?3`, from, next, limit)
	all, err = collect(rows, err, func(row scanner) (d request.Decided, err error) {
		return d, row.Scan(&d.Position, &d.Site, &d.Receipt, &d.Core)
	})
	if err != nil {
		return nil, from, fmt.Errorf("watch the log: %w", db.seen(err))
	}
	if len(all) == limit {
		next = all[limit-1].Position + 1
	}
	return all, next, nil
}
