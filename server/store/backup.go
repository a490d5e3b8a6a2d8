package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// A Backup is what a copy of the database says of itself.
type Backup struct {
	At   time.Time
	Head auditlog.Head
	Keys []byte // sealed by whoever made it; nil: none are in it
}

// ErrNoBackup is returned for a file that Backup has not made.
var ErrNoBackup = errors.New("this is no backup made by volenti backup")

// Backup copies the database, as it is at one moment, into a file that must not be
// there, while others read and write: everything that was answered before it began is
// in it, and no free page, gap or write-ahead log with what was erased. The copy is
// checked and on stable storage when it returns. keys are kept in it as they come. Of
// either engine it is the same file: a database of SQLite, whose keys stand beside it.
func (db *DB) Backup(ctx context.Context, path string, keys []byte, at time.Time) (b Backup, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("backup: %w", db.seen(err))
		}
	}()
	if _, err := os.Stat(path); err == nil {
		return b, fmt.Errorf("%s is there already: %w; name another file, or move it away", path, os.ErrExist)
	}
	making := path + ".making"
	file, err := os.OpenFile(making, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return b, fmt.Errorf("%w; an earlier backup may have broken off: remove %s then", err, making)
	}
	defer func() {
		err = errors.Join(err, file.Close())
		if err != nil {
			_ = os.Remove(making)
		}
	}()
	if err := db.dialect.copyInto(ctx, db, making); err != nil {
		return b, err
	}
	if b, err = describe(ctx, making, keys, at); err != nil {
		return b, err
	}
	if err := file.Sync(); err != nil {
		return b, err
	}
	if err := os.Rename(making, path); err != nil {
		return b, err
	}
	return b, syncFolder(filepath.Dir(path))
}

// copyInto writes all that is in a database to a new file, in one reading transaction.
func (sqlite) copyInto(ctx context.Context, db *DB, to string) error {
	pool := openPool(sqliteConnector(db.path, 5*time.Second, false), 1, nil)
	_, err := pool.ExecContext(ctx, `VACUUM INTO ?1`, to)
	return errors.Join(err, pool.Close())
}

// describe checks a fresh copy, and writes into it what it is.
func describe(ctx context.Context, path string, keys []byte, at time.Time) (b Backup, err error) {
	pool := openPool(plainConnector(path), 1, nil)
	defer func() { err = errors.Join(err, pool.Close()) }()
	if b.Head, err = checkCopy(ctx, pool); err != nil {
		return b, err
	}
	b.At, b.Keys = at, keys
	for _, text := range []string{
		`CREATE TABLE backup (at BIGINT NOT NULL, size BIGINT NOT NULL, root BLOB NOT NULL, keys BLOB)`,
		// What was ended meanwhile must not be open again after a restore.
		`DELETE FROM operator_session`, `DELETE FROM operator_link`,
	} {
		if _, err := pool.ExecContext(ctx, text); err != nil {
			return b, err
		}
	}
	_, err = pool.ExecContext(ctx, `INSERT INTO backup (at, size, root, keys) VALUES (?1, ?2, ?3, ?4)`, milliseconds(at), b.Head.Size, b.Head.Root[:], keys)
	return b, err
}

// checkCopy is whether the engine finds the file whole, what is kept by digest is what
// it was, and the log ends as it says. Records are compared with their leaves when they
// are read, and all at once by an audit.
func checkCopy(ctx context.Context, pool *sql.DB) (head auditlog.Head, err error) {
	var result string
	if err := pool.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&result); err != nil {
		return head, err
	}
	if result != "ok" {
		return head, fmt.Errorf("%s: %w", result, auditlog.ErrDamaged)
	}
	if err := checkArtifacts(ctx, pool); err != nil {
		return head, err
	}
	if head, err = scanHead(pool.QueryRowContext(ctx, selectHead)); err != nil {
		return head, err
	}
	node, err := pool.PrepareContext(ctx, selectNode)
	if err != nil {
		return head, err
	}
	defer node.Close()
	_, err = auditlog.LoadEdge(readNodes(ctx, node), head)
	return head, err
}

// checkArtifacts compares what is kept by digest with its digest: the texts and
// scripts that everything else names.
func checkArtifacts(ctx context.Context, pool *sql.DB) error {
	rows, err := pool.QueryContext(ctx, `SELECT digest, kind, bytes FROM artifact`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var digest, kind string
	var content sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&digest, &kind, &content); err != nil {
			return err
		}
		if string(canonical.Sum(content)) != digest {
			return fmt.Errorf("the %s under digest %s is another: %w", kind, digest, auditlog.ErrDamaged)
		}
	}
	return rows.Err()
}

// ReadBackup checks a backup and says what it is. ErrNoBackup for another file.
func ReadBackup(ctx context.Context, path string) (b Backup, err error) {
	if _, err := os.Stat(path); err != nil {
		return b, err
	}
	pool := openPool(plainConnector(path), 1, nil)
	defer func() { err = errors.Join(err, pool.Close()) }()
	var at int64
	var said auditlog.Head
	var root []byte
	if err := pool.QueryRowContext(ctx, `SELECT at, size, root, keys FROM backup`).Scan(&at, &said.Size, &root, &b.Keys); err != nil {
		return b, fmt.Errorf("%s: %w (%w)", path, ErrNoBackup, err)
	}
	copy(said.Root[:], root)
	if b.Head, err = checkCopy(ctx, pool); err != nil {
		return b, fmt.Errorf("%s: the backup is damaged: %w", path, errors.Join(consent.ErrDamaged, err))
	}
	if b.Head != said {
		return b, fmt.Errorf("%s: its log does not end as it did when it was made: %w", path, consent.ErrDamaged)
	}
	b.At = timeOf(at)
	return b, nil
}

// Unpack makes an ordinary database of a copy of a backup.
func Unpack(ctx context.Context, path string) (err error) {
	pool := openPool(plainConnector(path), 1, nil)
	defer func() { err = errors.Join(err, pool.Close()) }()
	_, err = pool.ExecContext(ctx, `DROP TABLE backup`)
	return err
}

// Idle reports whether no other process has a database open.
func Idle(ctx context.Context, path string) (idle bool, err error) {
	pool := openPool(sqliteConnector(path, 0, false), 1, nil)
	defer func() { err = errors.Join(err, pool.Close()) }()
	// Only whoever is alone can leave the write-ahead log's mode.
	_, err = pool.ExecContext(ctx, `PRAGMA journal_mode = DELETE`)
	if (sqlite{}).unavailable(err) {
		return false, nil
	}
	return err == nil, err
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Erasures calls each with every leaf that was erased, oldest first.
func (db *DB) Erasures(ctx context.Context, each func(consent.ErasedLeaf) error) error {
	rows, err := db.read.QueryContext(ctx, `SELECT t.erased, l.leaf, t.how, e.site, e.core FROM tombstone t
		JOIN log_leaf l ON l.position = t.erased JOIN log_entry e ON e.position = t.position ORDER BY t.erased`)
	if err != nil {
		return fmt.Errorf("read erasures: %w", db.seen(err))
	}
	defer rows.Close()
	for rows.Next() {
		var e consent.ErasedLeaf
		var leaf, core []byte
		if err := rows.Scan(&e.Leaf, &leaf, &e.How, &e.Site, &core); err != nil {
			return fmt.Errorf("read erasures: %w", db.seen(err))
		}
		stone, err := consent.ParseTombstone(core)
		if err != nil {
			return fmt.Errorf("leaf %d: %w", e.Leaf, err)
		}
		e.Hash, e.Reason, e.Day = hex.EncodeToString(leaf), stone.Reason, stone.Day
		if err := each(e); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Reapply erases again what was erased after this database was copied. A leaf that is
// another one here, or none yet, is not touched.
func (db *DB) Reapply(ctx context.Context, list []consent.ErasedLeaf) (erased int, _ error) {
	type group struct {
		site   string
		how    consent.Erasure
		reason consent.Reason
		day    string
	}
	groups := map[group][]int64{}
	var order []group
	for _, e := range list {
		var leaf []byte
		err := db.read.QueryRowContext(ctx, `SELECT leaf FROM log_leaf WHERE position = ?1`, e.Leaf).Scan(&leaf)
		if errors.Is(err, sql.ErrNoRows) || err == nil && hex.EncodeToString(leaf) != e.Hash {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("erase again: %w", db.seen(err))
		}
		g := group{e.Site, e.How, e.Reason, e.Day}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], e.Leaf)
	}
	for _, g := range order {
		day, err := time.Parse(time.DateOnly, g.day)
		if err != nil {
			return erased, fmt.Errorf("erase again: %w", err)
		}
		done, err := db.EraseLeaves(ctx, g.site, groups[g], g.how, g.reason, day)
		if erased += len(done.Leaves); err != nil {
			return erased, err
		}
	}
	return erased, nil
}
