package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/volenti-consent/volenti/server/auditlog"
)

//go:embed migrations
var migrationFiles embed.FS

// A migration is one step forward. There is none back: a database that a newer
// program has written is refused by an older one.
type migration struct {
	version int64
	name    string
	text    string
}

// migrations are numbered 1, 2, 3 … without a gap: 0001_init.sql.
func (db *DB) migrations() ([]migration, error) {
	folder := path.Join("migrations", db.dialect.migrations())
	files, err := fs.ReadDir(migrationFiles, folder)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	var all []migration
	for _, f := range files { // sorted by name
		text, err := fs.ReadFile(migrationFiles, path.Join(folder, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("read migrations: %w", err)
		}
		number, _, _ := strings.Cut(f.Name(), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil || version != int64(len(all))+1 {
			return nil, fmt.Errorf("migration %s is not number %d", f.Name(), len(all)+1)
		}
		all = append(all, migration{version, f.Name(), string(text)})
	}
	return all, nil
}

// migrate brings the schema up to date, one transaction for each step. Of two
// processes that start at once, one waits and finds it done.
func (db *DB) migrate(ctx context.Context) error {
	all, err := db.migrations()
	if err != nil {
		return err
	}
	clashes := 0
	for {
		done := false
		err := db.transact(ctx, transaction{what: "migrate", slow: true, do: func(ctx context.Context, tx *sql.Tx) error {
			version, err := db.schemaVersion(ctx, tx)
			if err != nil {
				return err
			}
			switch {
			case version > int64(len(all)):
				return fmt.Errorf("schema %d: %w", version, ErrNewer)
			case version == int64(len(all)):
				done = true
				return nil
			}
			return db.step(ctx, tx, all[version])
		}})
		if db.dialect.duplicate(err) && clashes < mostTries { // both make the first table
			clashes++
			continue
		}
		if err != nil {
			return err
		}
		if done {
			db.dialect.migrated()
			return nil
		}
	}
}

func (db *DB) schemaVersion(ctx context.Context, tx *sql.Tx) (version int64, err error) {
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)`); err != nil {
		return 0, err
	}
	if err := db.dialect.lockSchema(ctx, tx); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM schema_migration`).Scan(&version)
	return version, err
}

func (db *DB) step(ctx context.Context, tx *sql.Tx, m migration) error {
	if _, err := tx.ExecContext(ctx, db.dialect.schema(m.text)); err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	if m.version == 1 {
		empty := auditlog.Empty()
		if _, err := tx.ExecContext(ctx, `INSERT INTO log_head (id, size, root) VALUES (1, ?1, ?2)`, empty.Size, empty.Root[:]); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO schema_migration (version, name) VALUES (?1, ?2)`, m.version, m.name)
	return err
}
