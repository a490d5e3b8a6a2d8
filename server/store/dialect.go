package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

// A dialect is all that differs between engines beside the migrations. Queries
// are written once, with parameters ?1, ?2 … and no other question mark.
type dialect interface {
	// migrations is the folder beneath migrations/.
	migrations() string
	// check refuses an engine or a file that is not to be trusted; whole reads all of it.
	check(ctx context.Context, pool *sql.DB, whole bool) error
	// leave tidies up before the pool is closed.
	leave(pool *sql.DB) error
	// schema is a migration as this engine is given it.
	schema(text string) string
	// lockSchema keeps other processes from migrating until the transaction ends;
	// migrated is told that there is a schema.
	lockSchema(ctx context.Context, tx *sql.Tx) error
	migrated()
	// several is a statement as one that is done so many times at once, or "".
	several(text string, times int) string
	// run does writes in a transaction.
	run(ctx context.Context, tx *sql.Tx, list writes) error
	// each asks one question, as often as the series has it: the first column of the
	// first row, nil where there is none. It asks in tx, or else on the pool.
	each(ctx context.Context, tx *sql.Tx, pool *sql.DB, s series) ([]any, error)
	// copyInto writes all that is in a database, as it is at one moment, to an empty file.
	copyInto(ctx context.Context, db *DB, to string) error
	// bytes is what the database takes on the disk.
	bytes(db *DB) (int64, error)
	// patience is how long a transaction may take; 0: as long as it likes.
	patience() time.Duration
	// unhurried lets a transaction wait for its next statement as long as it likes.
	unhurried(ctx context.Context, tx *sql.Tx) error
	// clean has nothing that was erased stand on the disk any more; large databases
	// may leave that to the server's upkeep, which calls it with all set.
	clean(ctx context.Context, db *DB, all bool) error
	// The kinds of errors, in words of the domain: try again later; never; the
	// disk did not keep its word; this entry is not possible.
	unavailable(err error) bool
	again(err error) bool // at once, from the transaction's begin: nothing was kept
	damaged(err error) bool
	lostSync(err error) bool
	duplicate(err error) bool
	noParent(err error) bool
}

// connector makes connections; driver.Connector under a shorter name.
type connector = driver.Connector

type sqlite struct{}

// fixedVersion is the first SQLite in which several connections on one
// write-ahead log can't lose committed data (sqlite.org/changes.html, 3.51.3).
var fixedVersion = [3]int{3, 51, 3}

type fileConnector struct{ dsn string }

func (c fileConnector) Connect(context.Context) (driver.Conn, error) {
	return c.Driver().Open(c.dsn)
}

func (fileConnector) Driver() driver.Driver {
	return &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		// Full fsync is of use on macOS only, where fsync alone does not reach the disk.
		// Recursive triggers: what REPLACE deletes is asked for, too.
		// What is sorted stays in memory: a file would outlive an erasure.
		_, err := c.Exec("PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA trusted_schema = OFF; PRAGMA recursive_triggers = ON; PRAGMA temp_store = MEMORY", nil)
		return err
	}}
}

// sqliteConnector opens path: durable commits, foreign keys, deleted content
// overwritten with zeros, and for writers the lock taken when a transaction
// begins, so that it never fails in the middle.
func sqliteConnector(path string, busy time.Duration, readOnly bool) connector {
	values := url.Values{
		"_busy_timeout":  {strconv.FormatInt(busy.Milliseconds(), 10)},
		"_foreign_keys":  {"on"},
		"_secure_delete": {"on"},
		"_synchronous":   {"FULL"},
	}
	if readOnly {
		values.Set("_query_only", "on")
		values.Set("_cache_size", "-256") // kilobytes for each of them: the system holds the file's pages anyway
	} else {
		values.Set("_journal_mode", "WAL")
		values.Set("_txlock", "immediate")
	}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: values.Encode()}
	return fileConnector{name.String()}
}

// plainConnector opens a file that nobody else has open, without a write-ahead log.
func plainConnector(path string) connector {
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "_secure_delete=on&_synchronous=FULL&_journal_mode=DELETE&_busy_timeout=0"}
	return fileConnector{name.String()}
}

func (sqlite) migrations() string { return "sqlite" }

func (sqlite) schema(text string) string { return text }

// lockSchema has nothing to do: a transaction has SQLite's lock from its begin.
func (sqlite) lockSchema(context.Context, *sql.Tx) error { return nil }

func (sqlite) migrated() {}

func (sqlite) patience() time.Duration { return 0 }

func (sqlite) unhurried(context.Context, *sql.Tx) error { return nil }

// again is for servers: SQLite has waited for its lock already.
func (sqlite) again(error) bool { return false }

func (sqlite) bytes(db *DB) (sum int64, err error) {
	for _, path := range []string{db.path, db.path + "-wal"} {
		info, err := os.Stat(path)
		switch {
		case err == nil:
			sum += info.Size()
		case !errors.Is(err, os.ErrNotExist):
			return 0, err
		}
	}
	return sum, nil
}

func (sqlite) check(ctx context.Context, pool *sql.DB, whole bool) error {
	var version string
	if err := pool.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&version); err != nil {
		return err
	}
	if err := checkVersion(version); err != nil {
		return err
	}
	var journal string
	if err := pool.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&journal); err != nil {
		return err
	}
	if journal != "wal" {
		return fmt.Errorf("the file system allows no write-ahead log (journal mode %s): put the database on a local disk", journal)
	}
	if !whole {
		return nil
	}
	var result string
	if err := pool.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&result); err != nil {
		return err
	}
	if result != "ok" {
		return sqlite3.Error{Code: sqlite3.ErrCorrupt}
	}
	return nil
}

func checkVersion(version string) error {
	var got [3]int
	for i, part := range strings.SplitN(version, ".", 3) {
		n, err := strconv.Atoi(part)
		if err != nil {
			return fmt.Errorf("%w (it says %q)", ErrEngine, version)
		}
		got[i] = n
	}
	for i := range got {
		if got[i] != fixedVersion[i] {
			if got[i] > fixedVersion[i] {
				return nil
			}
			return fmt.Errorf("%w (it is %s)", ErrEngine, version)
		}
	}
	return nil
}

// leave copies the write-ahead log into the file. If another process is still
// reading, that is left to whoever closes last.
func (sqlite) leave(pool *sql.DB) error {
	var busy, log, done int64
	return pool.QueryRowContext(context.Background(), `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &log, &done)
}

// emptyWAL waits for readers for a moment only: until it is done nobody can write.
func emptyWAL(ctx context.Context, conn *sql.Conn) (bool, error) {
	ctx = context.WithoutCancel(ctx)
	var before, busy, log, done int64
	if err := conn.QueryRowContext(ctx, `PRAGMA busy_timeout`).Scan(&before); err != nil {
		return false, err
	}
	if _, err := conn.ExecContext(ctx, `PRAGMA busy_timeout = 50`); err != nil {
		return false, err
	}
	err := conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &log, &done)
	if _, again := conn.ExecContext(ctx, fmt.Sprintf(`PRAGMA busy_timeout = %d`, before)); again != nil {
		return false, errors.Join(err, again)
	}
	if code, _, ok := codes(err); ok && code == sqlite3.ErrBusy { // another process does just that
		return false, nil
	}
	return err == nil && busy == 0, err
}

func codes(err error) (sqlite3.ErrNo, sqlite3.ErrNoExtended, bool) {
	e, ok := errors.AsType[sqlite3.Error](err)
	return e.Code, e.ExtendedCode, ok
}

func (sqlite) unavailable(err error) bool {
	code, _, ok := codes(err)
	if !ok {
		return errors.Is(err, driver.ErrBadConn)
	}
	if code == sqlite3.ErrConstraint && strings.Contains(err.Error(), movedText) {
		return true // it goes on in another database
	}
	switch code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked, sqlite3.ErrFull, sqlite3.ErrReadonly, sqlite3.ErrIoErr, sqlite3.ErrCantOpen,
		sqlite3.ErrNomem, sqlite3.ErrProtocol, sqlite3.ErrPerm, sqlite3.ErrAuth:
		return true
	}
	return false
}

func (sqlite) damaged(err error) bool {
	code, _, ok := codes(err)
	return ok && (code == sqlite3.ErrCorrupt || code == sqlite3.ErrNotADB)
}

func (sqlite) lostSync(err error) bool {
	_, extended, ok := codes(err)
	return ok && (extended == sqlite3.ErrIoErrFsync || extended == sqlite3.ErrIoErrDirFsync)
}

func (sqlite) duplicate(err error) bool {
	_, extended, ok := codes(err)
	return ok && (extended == sqlite3.ErrConstraintPrimaryKey || extended == sqlite3.ErrConstraintUnique)
}

func (sqlite) noParent(err error) bool {
	_, extended, ok := codes(err)
	return ok && extended == sqlite3.ErrConstraintForeignKey
}
