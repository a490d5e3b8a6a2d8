package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A transaction is what is done in one, and done again where the engine asks for it.
type transaction struct {
	what string
	// do may be called several times: nothing it did before is kept then.
	do func(ctx context.Context, tx *sql.Tx) error
	// landed looks whether what do did last was committed, where the answer of the
	// commit was lost; nil: nobody can tell. No other writer is at it meanwhile.
	landed func(ctx context.Context, tx *sql.Tx) (bool, error)
	slow   bool // it may take as long as it likes
}

// inTransaction calls do while no other process writes, and commits. An error
// means that nothing was kept, unless it is one of the commit itself.
func (db *DB) inTransaction(ctx context.Context, what string, do func(ctx context.Context, tx *sql.Tx) error) error {
	return db.transact(ctx, transaction{what: what, do: do})
}

const (
	// mostTries is how often a transaction is tried, over some three seconds, where the
	// engine says that nothing was kept and another try may do.
	mostTries = 7
	firstWait = 50 * time.Millisecond
)

func (db *DB) transact(ctx context.Context, t transaction) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", t.what, db.seen(err))
		}
	}()
	if err := db.writable(); err != nil {
		return err
	}
	wait := firstWait
	unknown := false // whether the last try was committed
	for try := 1; ; try++ {
		if unknown {
			var landed bool
			err = db.once(ctx, t.slow, func(ctx context.Context, tx *sql.Tx) (err error) {
				landed, err = t.landed(ctx, tx)
				return err
			})
			if err == nil && landed {
				return nil
			}
			unknown = err != nil
		}
		if !unknown {
			err = db.once(ctx, t.slow, t.do)
			unknown = errors.Is(err, errCommitUnknown)
		}
		if err == nil || try == mostTries || (unknown && (t.landed == nil || errors.Is(err, errSilent))) || (!unknown && !db.dialect.again(err)) {
			if unknown && err != nil && !errors.Is(err, errCommitUnknown) {
				err = fmt.Errorf("%w, and %w", errCommitUnknown, err)
			}
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(wait):
			wait *= 2
		}
	}
}

// once is one try.
func (db *DB) once(ctx context.Context, slow bool, do func(ctx context.Context, tx *sql.Tx) error) error {
	// A file answers or it doesn't; a server may do neither.
	patience := db.dialect.patience()
	if slow {
		patience = 0
	}
	if patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if patience == 0 {
		// Within the transaction nothing waits for anybody, so ctx has no say; a
		// context that can end costs a goroutine for each statement.
		ctx = context.WithoutCancel(ctx)
	}
	if slow {
		if err := db.dialect.unhurried(ctx, tx); err != nil {
			return err
		}
	}
	if err := do(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}
