// Package store keeps what the domain needs kept: SQLite or PostgreSQL behind the
// interfaces of site, notice, policyversions, consent and auditlog.
//
// One connection writes, a few read. What a method has returned from is on
// stable storage: it survives the process and a power cut.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
)

var (
	_ site.Store           = (*DB)(nil)
	_ notice.Store         = (*DB)(nil)
	_ notice.Shelf         = (*DB)(nil)
	_ policyversions.Store = (*DB)(nil)
	_ consent.Store        = (*DB)(nil)
	_ auditlog.Reader      = (*DB)(nil)
)

// Errors of Open.
var (
	// ErrNewer: a later version of the program has written the database.
	ErrNewer = errors.New("the database was written by a newer version of volenti: start that one, or restore a backup made before the upgrade")
	// ErrEngine: the SQLite library linked in is one that can lose committed data.
	ErrEngine = errors.New("this SQLite can lose committed data: build with 3.51.3 or newer")
)

// Options are what Open may be told. Zero values are right.
type Options struct {
	BusyTimeout time.Duration // how long to wait for another process that writes; 5 seconds
	Readers     int           // connections that read; 8
	Moving      bool          // open one that is being moved, too

	wrap  func(connector) connector // tests put failing storage in between
	large int64                     // the size of a file that is not read whole before it is used; wholeAtOnce
}

// idleReader is how long a connection that reads is kept though nobody asks: each takes up
// to a megabyte for pages, the schema and its statements, and is made in a millisecond.
const idleReader = time.Minute

func (o Options) withDefaults() Options {
	if o.BusyTimeout <= 0 {
		o.BusyTimeout = 5 * time.Second
	}
	if o.Readers <= 0 {
		o.Readers = 8
	}
	if o.large <= 0 {
		o.large = wholeAtOnce
	}
	return o
}

// A DB is an open database. It is safe for concurrent use; several processes may
// have the same file open.
type DB struct {
	dialect dialect
	name    string  // as errors name it
	path    string  // of SQLite's file
	write   *sql.DB // one connection; every transaction on it takes the write lock at once
	read    *sql.DB // can't write
	append  appendStatements
	find    findStatements

	appending sync.Mutex    // one at a time adds leaves to the log
	edge      auditlog.Edge // of the log at head; guarded by appending
	head      auditlog.Head // as this process saw it last; guarded by appending
	asking    int           // for so many transactions, which decisions are kept already; guarded by appending

	refused atomic.Bool // something was, since Ready has asked

	mu     sync.Mutex
	known  map[canonical.Digest]struct{} // artifacts that are kept; guarded by mu
	broken error                         // why nothing is written any more; guarded by mu
	gaps   bool                          // erased content may stand in gaps of pages; guarded by mu
	file   *os.File                      // the database itself, see openFile; guarded by mu
}

// Open opens the database at path, or makes it: readable by nobody else. It
// brings an older schema up to date and refuses a newer one (ErrNewer). After a
// stop that was not clean it checks the file first, of a large one as much as can have
// been under way, see CheckRest; and it always checks that the log ends as it says.
// consent.ErrDamaged if something is wrong.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	o = o.withDefaults()
	size, left, err := prepareFile(path)
	if err != nil {
		return nil, err
	}
	db := &DB{dialect: sqlite{}, name: path, path: path, known: map[canonical.Digest]struct{}{}}
	db.write = openPool(sqliteConnector(path, o.BusyTimeout, false), 1, o.wrap)
	begun, err := db.begin(ctx, opening{
		moving:  o.Moving,
		unclean: left > 0, large: size > o.large, left: left,
		readers: func() *sql.DB {
			pool := openPool(sqliteConnector(path, o.BusyTimeout, true), o.Readers, o.wrap)
			pool.SetConnMaxIdleTime(idleReader)
			return pool
		},
	})
	if errors.Is(err, consent.ErrUnavailable) && ctx.Err() == nil {
		return nil, fmt.Errorf("%w; volenti doctor says whether its disk is full or may not be written", err)
	}
	return begun, err
}

// An opening is what is known of a database before it is looked into.
type opening struct {
	unclean bool  // after a stop that was not clean
	large   bool  // too large to be read whole first
	left    int64 // bytes in the write-ahead log that was left behind
	readers func() *sql.DB
	moving  bool // and may be
}

// begin makes an opened database ready for use, or closes it.
func (db *DB) begin(ctx context.Context, o opening) (_ *DB, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open %s: %w", db.name, db.seen(err)), db.abandon())
		}
	}()
	if err := db.dialect.check(ctx, db.write, o.unclean && !o.large); err != nil {
		return nil, err
	}
	if err := db.migrate(ctx); err != nil {
		return nil, err
	}
	if !o.moving {
		if err := db.settled(ctx, db.write); err != nil {
			return nil, err
		}
	}
	db.read = o.readers()
	if err := db.prepare(ctx); err != nil {
		return nil, err
	}
	if db.head, err = db.Head(ctx); err != nil {
		return nil, err
	}
	if db.edge, err = auditlog.LoadEdge(db.Hashes(ctx), db.head); err != nil {
		return nil, err
	}
	if o.unclean && o.large {
		if err := db.checkUnclean(ctx, o.left); err != nil {
			return nil, err
		}
	}
	if err := db.enterVersions(ctx); err != nil {
		return nil, err
	}
	if err := db.enterOlder(ctx); err != nil {
		return nil, err
	}
	return db, nil
}

func openPool(c connector, size int, wrap func(connector) connector) *sql.DB {
	if wrap != nil {
		c = wrap(c)
	}
	pool := sql.OpenDB(c)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return pool
}

// prepareFile makes folder and file, for their owner alone, and says how large it is and
// how long the write-ahead log is. If the last stop was not clean, that was left behind.
func prepareFile(path string) (size, left int64, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return 0, 0, fmt.Errorf("make the folder of the database: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return 0, 0, fmt.Errorf("open the database: %w; %s", err, openable(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, 0, fmt.Errorf("open the database: %w", err)
	}
	if !info.Mode().IsRegular() {
		return 0, 0, fmt.Errorf("open the database: %s is not a file", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := f.Chmod(0o600); err != nil {
			return 0, 0, fmt.Errorf("others can read %s, and it can't be changed: %w; run chmod 600 on it", path, err)
		}
	}
	wal, err := os.Stat(path + "-wal")
	if err != nil {
		return info.Size(), 0, nil //nolint:nilerr // there is none
	}
	return info.Size(), wal.Size(), nil
}

// openable is what lets a file be opened for writing that could not be.
func openable(err error) string {
	switch {
	case errors.Is(err, syscall.EROFS): // systems mount a disk so after it failed, too
		return "mount its disk to be written, or look in the system's log for why it is not"
	case errors.Is(err, syscall.ENOSPC):
		return "make room on its disk"
	}
	return "let the user that runs volenti own it and its folder"
}

// Close brings the write-ahead log home and closes the database. Nobody may use
// it any more.
func (db *DB) Close() error {
	var err error
	if db.write != nil {
		err = db.dialect.leave(db.write)
	}
	return errors.Join(err, db.abandon())
}

func (db *DB) abandon() error {
	var errs []error
	for _, pool := range []*sql.DB{db.read, db.write} { // the writer last: it deletes the log
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	if db.file != nil {
		errs = append(errs, db.file.Close())
	}
	return errors.Join(errs...)
}

// Ready reports whether records can be kept just now, by taking the write lock
// for a moment. After something was refused it looks for space and writes, too: a full
// disk gives the lock to anybody.
func (db *DB) Ready(ctx context.Context) error {
	refused := db.refused.Swap(false) // a failure of this write sets it again
	if refused {
		if err := db.room(); err != nil {
			db.refused.Store(true)
			return fmt.Errorf("%w: ready: %w", consent.ErrUnavailable, err)
		}
	}
	return db.inTransaction(ctx, "ready", func(ctx context.Context, tx *sql.Tx) error {
		if err := db.settled(ctx, tx); err != nil || !refused {
			return err
		}
		// What stays the same, SQLite does not write.
		if _, err := tx.ExecContext(ctx, `INSERT INTO schema_migration (version, name) VALUES (-1, 'can this be written?')`); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM schema_migration WHERE version = -1`)
		return err
	})
}

// room reports whether there is space for some decisions, where a file holds the
// database: the little that Ready writes fits into the last block of the write-ahead log
// even on a disk on which no decision does.
func (db *DB) room() error {
	if db.path == "" {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(db.path), ".room-*")
	if err != nil {
		return err
	}
	err = os.Remove(f.Name())
	if err == nil {
		_, err = f.Write(make([]byte, 1<<20))
	}
	return errors.Join(err, f.Close())
}

// Bytes is what the database takes on the disk, its write-ahead log included; of
// PostgreSQL's, which all databases share, nothing is counted.
func (db *DB) Bytes() (int64, error) {
	n, err := db.dialect.bytes(db)
	if err != nil {
		return 0, fmt.Errorf("size of the database: %w", db.seen(err))
	}
	return n, nil
}

func (db *DB) writable() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.broken
}

// seen classifies an error of the engine. After a failed fsync nobody knows what
// is on the disk, and asking again may answer with a success that is none: then
// nothing is written until the next start, which checks the file.
func (db *DB) seen(err error) error {
	if db.dialect.lostSync(err) {
		db.mu.Lock()
		if db.broken == nil {
			db.broken = fmt.Errorf("%w: the disk failed to keep what was written (%w): check the disk, then start again", consent.ErrUnavailable, err)
		}
		db.mu.Unlock()
	}
	switch {
	case db.dialect.damaged(err), errors.Is(err, auditlog.ErrDamaged):
		return fmt.Errorf("%w: %w", consent.ErrDamaged, err)
	case db.dialect.unavailable(err), errors.Is(err, context.DeadlineExceeded):
		db.refused.Store(true)
		return fmt.Errorf("%w: %w", consent.ErrUnavailable, err)
	}
	return err
}

func milliseconds(t time.Time) int64 { return t.UnixMilli() }

func timeOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
