package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/volenti-consent/volenti/server/consent"
)

// Vitals is what a database and its engine say of themselves.
type Vitals struct {
	Engine        string   // name and version
	Trust         error    // ErrEngine, if this engine can lose what it has answered
	Schema        int64    // number of the newest migration that was run
	Unsafe        []string // settings of the engine under which an answer can be lost
	Bytes, WAL    int64    // on the disk; WAL of SQLite's write-ahead log
	First, Newest time.Time
	Signed        []string // ids of the keys that signed the first and the newest records, a thousand each
}

// EngineVersion is the SQLite that is linked in, and ErrEngine if it is not to be
// trusted.
func EngineVersion() (string, error) {
	version, _, _ := sqlite3.Version()
	return version, checkVersion(version)
}

// Vitals reads a few rows and the sizes of files, however large the database is.
func (db *DB) Vitals(ctx context.Context) (v Vitals, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("vitals: %w", db.seen(err))
		}
	}()
	if err := db.read.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM schema_migration`).Scan(&v.Schema); err != nil {
		return v, err
	}
	if v.Bytes, err = db.dialect.bytes(db); err != nil {
		return v, err
	}
	if _, file := db.dialect.(sqlite); file {
		err = db.sqliteVitals(ctx, &v)
	} else {
		err = db.postgresVitals(ctx, &v)
	}
	if err != nil {
		return v, err
	}
	for text, into := range map[string]*time.Time{
		`SELECT received_at FROM record ORDER BY position LIMIT 1`:      &v.First,
		`SELECT received_at FROM record ORDER BY position DESC LIMIT 1`: &v.Newest,
	} {
		var at int64
		err := db.read.QueryRowContext(ctx, text).Scan(&at)
		if err == nil {
			*into = timeOf(at)
		} else if !errors.Is(err, sql.ErrNoRows) {
			return v, err
		}
	}
	rows, err := db.read.QueryContext(ctx, `SELECT DISTINCT key_id FROM (
		SELECT key_id FROM (SELECT key_id FROM record ORDER BY position LIMIT 1000) a UNION ALL
		SELECT key_id FROM (SELECT key_id FROM record ORDER BY position DESC LIMIT 1000) b) c ORDER BY key_id`)
	v.Signed, err = collect(rows, err, func(row scanner) (id string, err error) { return id, row.Scan(&id) })
	return v, err
}

func (db *DB) sqliteVitals(ctx context.Context, v *Vitals) error {
	v.Engine, v.Trust = EngineVersion()
	v.Engine = "SQLite " + v.Engine
	var journal string
	if err := db.read.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&journal); err != nil {
		return err
	}
	if journal != "wal" {
		v.Unsafe = append(v.Unsafe, "journal_mode = "+journal)
	}
	info, err := os.Stat(db.path + "-wal")
	switch {
	case err == nil:
		v.WAL = info.Size()
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	return nil
}

func (db *DB) postgresVitals(ctx context.Context, v *Vitals) error {
	if err := db.read.QueryRowContext(ctx, `SHOW server_version`).Scan(&v.Engine); err != nil {
		return err
	}
	v.Engine = "PostgreSQL " + v.Engine
	for _, name := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		var is string
		if err := db.read.QueryRowContext(ctx, `SHOW `+name).Scan(&is); err != nil {
			return err
		}
		if is == "off" {
			v.Unsafe = append(v.Unsafe, name+" = off")
		}
	}
	return nil
}

// QuickCheck reads the whole file and says whether the engine finds it whole:
// consent.ErrDamaged if it does not. It ends with ctx. PostgreSQL looks after itself.
func (db *DB) QuickCheck(ctx context.Context) error {
	if _, file := db.dialect.(sqlite); !file {
		return nil
	}
	var result string
	err := db.read.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&result)
	if err == nil && result != "ok" {
		err = fmt.Errorf("%w: %s", consent.ErrDamaged, result)
	}
	if err != nil {
		return fmt.Errorf("check the database: %w", db.seen(err))
	}
	return nil
}

// Backlog counts deliveries to webhooks that were due before a moment and did not
// arrive, and mails likewise.
func (db *DB) Backlog(ctx context.Context, before time.Time) (hooks, mails int, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM webhook_delivery WHERE next_at > 0 AND at < ?1), (SELECT COUNT(*) FROM request_mail WHERE at < ?1)`, milliseconds(before)).Scan(&hooks, &mails)
	if err != nil {
		return 0, 0, fmt.Errorf("count what was not delivered: %w", db.seen(err))
	}
	return hooks, mails, nil
}
