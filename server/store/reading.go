package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// Errors of OpenToRead.
var (
	// ErrOlder: the database still has the shape of an earlier version of the program.
	ErrOlder = errors.New("the database is of an older version of volenti: start the server on it once, or on a copy")
	// ErrOnlyRead: it was opened to be read.
	ErrOnlyRead = errors.New("this database was opened to be read only")
)

// OpenToRead opens a database for whoever looks into it and believes nothing of it,
// beside a server that runs or without one. Nothing is written, mended or checked; what
// writes fails with ErrOnlyRead.
func OpenToRead(ctx context.Context, path string, o Options) (*DB, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open the database: %s is not a file", path)
	}
	if o.Readers <= 0 {
		o.Readers = 2
	}
	o = o.withDefaults()
	db := &DB{dialect: sqlite{}, name: path, path: path, known: map[canonical.Digest]struct{}{}, broken: ErrOnlyRead}
	db.read = openPool(sqliteReader(path, o.BusyTimeout), o.Readers, o.wrap)
	return db.beginToRead(ctx)
}

func (db *DB) beginToRead(ctx context.Context) (_ *DB, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open %s: %w", db.name, db.seen(err)), db.abandon())
		}
	}()
	all, err := db.migrations()
	if err != nil {
		return nil, err
	}
	var version int64
	err = db.read.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM schema_migration`).Scan(&version)
	switch newest := int64(len(all)); {
	case err != nil:
		return nil, err
	case version > newest:
		return nil, fmt.Errorf("schema %d: %w", version, ErrNewer)
	case version < newest:
		return nil, fmt.Errorf("schema %d: %w", version, ErrOlder)
	}
	return db, db.prepare(ctx)
}

// LeafOf is the leaf of a receipt, whatever its site, also of a restricted one;
// consent.ErrUnknownReceipt.
func (db *DB) LeafOf(ctx context.Context, receiptID string) (leaf int64, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT position FROM kept_record WHERE id = ?1`, receiptID).Scan(&leaf)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, consent.ErrUnknownReceipt
	}
	if err != nil {
		return 0, fmt.Errorf("find receipt: %w", db.seen(err))
	}
	return leaf, nil
}

// sqliteReader opens a file that is there, for nothing but reading: also when it is
// closed again it stays as it is.
func sqliteReader(path string, busy time.Duration) connector {
	values := url.Values{"mode": {"ro"}, "_query_only": {"on"}, "_busy_timeout": {strconv.FormatInt(busy.Milliseconds(), 10)}}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: values.Encode()}
	return fileConnector{name.String()}
}
