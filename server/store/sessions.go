package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/operator"
)

const sessionColumns = `digest, operator, created_at, seen_at, proven_at, token, means`

// sessionsGone is when the row of a session that nobody ended is of no more use;
// the console lets none live that long.
const sessionsGone = 7 * 24 * time.Hour

func scanSession(row scanner) (s operator.Session, err error) {
	var created, seen, proven int64
	err = row.Scan(&s.Digest, &s.Operator, &created, &seen, &proven, &s.Token, &s.By)
	s.CreatedAt, s.SeenAt, s.ProvenAt = timeOf(created), timeOf(seen), timeOrNone(proven)
	return s, err
}

// AddSession keeps a session and tidies those away that ended long ago.
func (db *DB) AddSession(ctx context.Context, s operator.Session) error {
	return db.inTransaction(ctx, "add session", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM operator_session WHERE created_at < ?1`, milliseconds(s.CreatedAt.Add(-sessionsGone))); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO operator_session (`+sessionColumns+`) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
			s.Digest, s.Operator, milliseconds(s.CreatedAt), milliseconds(s.SeenAt), millisecondsOrNone(s.ProvenAt), s.Token, s.By)
		return err
	})
}

// Session finds a session that was not ended.
func (db *DB) Session(ctx context.Context, digest string) (operator.Session, error) {
	s, err := scanSession(db.read.QueryRowContext(ctx, `SELECT `+sessionColumns+` FROM operator_session WHERE digest = ?1`, digest))
	if err := db.found(err, "read session"); err != nil {
		return operator.Session{}, err
	}
	return s, nil
}

// SessionsOf lists an operator's sessions, the last seen first.
func (db *DB) SessionsOf(ctx context.Context, id string) ([]operator.Session, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+sessionColumns+` FROM operator_session WHERE operator = ?1 ORDER BY seen_at DESC, digest`, id)
	all, err := collect(rows, err, scanSession)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", db.seen(err))
	}
	return all, nil
}

// TouchSession notes when a session was seen, and proven unless that is zero.
func (db *DB) TouchSession(ctx context.Context, digest string, seen, proven time.Time) error {
	return db.execute(ctx, "touch session", operator.ErrUnknown,
		`UPDATE operator_session SET seen_at = ?2, proven_at = CASE WHEN ?3 = 0 THEN proven_at ELSE ?3 END WHERE digest = ?1`,
		digest, milliseconds(seen), millisecondsOrNone(proven))
}

// EndSession ends a session, if it is there.
func (db *DB) EndSession(ctx context.Context, digest string) error {
	return db.execute(ctx, "end session", nil, `DELETE FROM operator_session WHERE digest = ?1`, digest)
}

// EndSessions ends an operator's sessions but one.
func (db *DB) EndSessions(ctx context.Context, id, but string) error {
	return db.execute(ctx, "end sessions", nil, `DELETE FROM operator_session WHERE operator = ?1 AND digest <> ?2`, id, but)
}

// AddAct appends to the audit log, and to the log that others can verify.
func (db *DB) AddAct(ctx context.Context, a operator.Act) error {
	return db.appendEntries(ctx, "note act", func(ctx context.Context, tx *sql.Tx, _ int64) ([]auditlog.Entry, error) {
		e, err := addAct(ctx, tx, a)
		return []auditlog.Entry{e}, err
	})
}

// addAct gives an act its number and keeps it; its entry is still to be kept.
func addAct(ctx context.Context, tx *sql.Tx, a operator.Act) (auditlog.Entry, error) {
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), 0) + 1 FROM operator_act`).Scan(&a.Seq); err != nil {
		return auditlog.Entry{}, err
	}
	a.At = timeOf(milliseconds(a.At))
	_, err := tx.ExecContext(ctx, `INSERT INTO operator_act (`+actColumns+`) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
		a.Seq, milliseconds(a.At), a.Operator, a.Site, a.What, a.Object, a.Detail)
	if err != nil {
		return auditlog.Entry{}, err
	}
	return actEntry(a)
}

const actColumns = `seq, at, operator, site, what, object, detail`

func scanAct(row scanner) (a operator.Act, err error) {
	var at int64
	err = row.Scan(&a.Seq, &at, &a.Operator, &a.Site, &a.What, &a.Object, &a.Detail)
	a.At = timeOf(at)
	return a, err
}

// Acts lists what was done, newest first.
func (db *DB) Acts(ctx context.Context, q operator.ActQuery) ([]operator.Act, error) {
	where, args := []string{"1 = 1"}, []any{}
	and := func(text string, value any) {
		args = append(args, value)
		where = append(where, strings.ReplaceAll(text, "?", fmt.Sprintf("?%d", len(args))))
	}
	if q.Sites != nil {
		marks := make([]string, len(q.Sites))
		for i, key := range q.Sites {
			args = append(args, key)
			marks[i] = fmt.Sprintf("?%d", len(args))
		}
		where = append(where, `site IN (`+strings.Join(marks, ", ")+`)`)
	}
	if q.Operator != "" {
		and(`operator = ?`, q.Operator)
	}
	if q.What != "" {
		and(`substr(what, 1, length(?)) = ?`, q.What)
	}
	if !q.Before.IsZero() {
		and(`at < ?`, milliseconds(q.Before))
	}
	if q.Below > 0 {
		and(`seq < ?`, q.Below)
	}
	most := q.Most
	if most <= 0 {
		most = 100
	}
	args = append(args, most)
	text := `SELECT ` + actColumns + ` FROM operator_act WHERE ` + //nolint:gosec // of constants and numbers of parameters
		strings.Join(where, " AND ") + fmt.Sprintf(` ORDER BY seq DESC LIMIT ?%d`, len(args))
	rows, err := db.read.QueryContext(ctx, text, args...)
	all, err := collect(rows, err, scanAct)
	if err != nil {
		return nil, fmt.Errorf("read acts: %w", db.seen(err))
	}
	return all, nil
}
