package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/operator"
)

// AcceptLog enters into the log that it goes on from here, whatever was signed of it
// before. pinned is the checkpoint that was kept outside the database, or nil; what
// names the one before, why is the operator's reason.
func (db *DB) AcceptLog(ctx context.Context, pinned []byte, by, what, why string, at time.Time) error {
	if pinned == nil {
		pinned = []byte{}
	}
	return db.appendLeaves(ctx, "accept the log", func(ctx context.Context, tx *sql.Tx, position int64) ([][auditlog.LeafSize]byte, error) {
		e, err := addAct(ctx, tx, operator.Act{At: at, Operator: by, What: "log.accept", Object: what, Detail: why})
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
