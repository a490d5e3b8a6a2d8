package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
)

// logAccepted is the act of AcceptLog.
const logAccepted = "log.accept"

// AcceptLog enters into the log that it goes on from here, whatever was signed of it
// before. pinned is the checkpoint that was kept outside the database, or nil; what
// names the one before, why is the operator's reason.
func (db *DB) AcceptLog(ctx context.Context, pinned []byte, by, what, why string, at time.Time) error {
	if pinned == nil {
		pinned = []byte{}
	}
	return db.appendLeaves(ctx, "accept the log", func(ctx context.Context, tx *sql.Tx, position int64) ([][auditlog.LeafSize]byte, error) {
		e, err := addAct(ctx, tx, operator.Act{At: at, Operator: by, What: logAccepted, Object: what, Detail: why})
		if err == nil {
			err = keepEntry(ctx, tx, position, e)
		}
		if err != nil {
			return nil, err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO log_accepted (position, at, since, pinned, why)
			SELECT ?1, ?2, COALESCE(MAX(seq), 0), ?3, ?4 FROM checkpoint`, position, milliseconds(at), pinned, why)
		return [][auditlog.LeafSize]byte{e.Leaf()}, err
	})
}

// Acceptances are those that the log has leaves of, newest first.
func (db *DB) Acceptances(ctx context.Context) ([]auditlog.Acceptance, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+actColumns+` FROM operator_act WHERE what = ?1 ORDER BY seq DESC`, logAccepted)
	acts, err := collect(rows, err, scanAct)
	if err != nil {
		return nil, fmt.Errorf("read acceptances: %w", db.seen(err))
	}
	all := make([]auditlog.Acceptance, 0, len(acts))
	for _, act := range acts {
		said, err := actEntry(act)
		if err != nil {
			return nil, err
		}
		e, position, err := db.LogEntry(ctx, auditlog.Act, said.Object)
		if err != nil {
			return nil, err
		}
		if e.Personal == nil {
			continue // what it spoke of was removed
		}
		if !bytes.Equal(e.Core, said.Core) || !bytes.Equal(e.Personal, said.Personal) {
			return nil, fmt.Errorf("act %d is not the one that its leaf %d stands for: %w", act.Seq, position, consent.ErrDamaged)
		}
		a := auditlog.Acceptance{At: act.At, Position: position, Leaf: e.Leaf()}
		if c, err := auditlog.ParseCheckpoint([]byte(strings.ReplaceAll(act.Object, " ", "\n") + "\n\n")); err == nil {
			a.Origin, a.Before = c.Origin, c.Head
		}
		all = append(all, a)
	}
	return all, nil
}
