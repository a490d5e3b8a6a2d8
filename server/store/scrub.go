package store

import (
	"context"
	"fmt"
	"os"

	"github.com/volenti-consent/volenti/server/consent"
)

// scrubAtOnce is the largest file, in bytes, that is cleaned before an erasure is
// answered; a larger one is cleaned by the server's upkeep, within a minute or so.
const scrubAtOnce = 128 << 20

func (s sqlite) clean(ctx context.Context, db *DB, all bool) error {
	if info, err := os.Stat(db.path); !all && err == nil && info.Size() > scrubAtOnce {
		return db.emptyLog(ctx)
	}
	return db.scrubFile(ctx)
}

// scrubFile brings the write-ahead log home and empties it, and where something was
// erased zeroes the gaps of all pages. Deleted content is overwritten in its place at
// once, but stands in the log, and may stand in gaps, until then.
func (db *DB) scrubFile(ctx context.Context) error {
	if err := db.emptyLog(ctx); err != nil {
		return err
	}
	db.mu.Lock()
	gaps := db.gaps
	db.gaps = false
	db.mu.Unlock()
	if !gaps {
		return nil
	}
	done, err := db.wipeGaps(ctx)
	if done && err == nil {
		return nil
	}
	db.mu.Lock()
	db.gaps = true
	db.mu.Unlock()
	if err != nil {
		return fmt.Errorf("clean the pages of the database: %w", db.seen(err))
	}
	return consent.ErrReaders
}

// emptyLog brings the write-ahead log home.
func (db *DB) emptyLog(ctx context.Context) error {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("empty the write-ahead log: %w", db.seen(err))
	}
	defer conn.Close()
	done, err := emptyWAL(ctx, conn)
	if err != nil {
		return fmt.Errorf("empty the write-ahead log: %w", db.seen(err))
	}
	if !done {
		return consent.ErrReaders
	}
	return nil
}
