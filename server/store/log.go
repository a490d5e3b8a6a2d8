package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// Head is where the log ends.
func (db *DB) Head(ctx context.Context) (auditlog.Head, error) {
	h, err := scanHead(db.find.head.QueryRowContext(ctx))
	if err != nil {
		return auditlog.Head{}, fmt.Errorf("read the log's head: %w", db.seen(err))
	}
	return h, nil
}

func scanHead(row scanner) (h auditlog.Head, err error) {
	var root []byte
	if err := row.Scan(&h.Size, &root); err != nil {
		return h, err
	}
	if h.Size < 0 || len(root) != tlog.HashSize {
		return h, auditlog.ErrDamaged
	}
	h.Root = tlog.Hash(root)
	return h, nil
}

// Hashes reads nodes of the log.
func (db *DB) Hashes(ctx context.Context) tlog.HashReader {
	return db.nodes(ctx, nil, db.read, &db.find.node)
}

// nodes reads nodes in tx, or else on the pool.
func (db *DB) nodes(ctx context.Context, tx *sql.Tx, pool *sql.DB, node *statement) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		asked := seriesOf(node, 1, len(indexes))
		for _, x := range indexes {
			asked.add(x)
		}
		all, err := db.dialect.each(ctx, tx, pool, asked)
		if err != nil {
			return nil, fmt.Errorf("read nodes of the log: %w", err)
		}
		hashes := make([]tlog.Hash, len(indexes))
		for i, v := range all {
			b, ok := v.([]byte)
			if !ok || len(b) != tlog.HashSize {
				return nil, fmt.Errorf("read node %d of the log: %w", indexes[i], auditlog.ErrDamaged)
			}
			hashes[i] = tlog.Hash(b)
		}
		return hashes, nil
	})
}

// readNodes reads nodes with a statement that is no engine's of ours.
func readNodes(ctx context.Context, node *sql.Stmt) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			var b []byte
			err := node.QueryRowContext(ctx, x).Scan(&b)
			if errors.Is(err, sql.ErrNoRows) || (err == nil && len(b) != tlog.HashSize) {
				err = auditlog.ErrDamaged
			}
			if err != nil {
				return nil, fmt.Errorf("read node %d of the log: %w", x, err)
			}
			hashes[i] = tlog.Hash(b)
		}
		return hashes, nil
	})
}

// Leaves are the leaves [from, from+n), fewer where the log ends.
func (db *DB) Leaves(ctx context.Context, from int64, n int) ([][auditlog.LeafSize]byte, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT leaf FROM log_leaf WHERE position >= ?1 AND position < ?2 ORDER BY position`, from, from+int64(n))
	all, err := collect(rows, err, func(row scanner) ([auditlog.LeafSize]byte, error) {
		var b []byte
		if err := row.Scan(&b); err != nil {
			return [auditlog.LeafSize]byte{}, err
		}
		if len(b) != auditlog.LeafSize {
			return [auditlog.LeafSize]byte{}, auditlog.ErrDamaged
		}
		return [auditlog.LeafSize]byte(b), nil
	})
	if err != nil {
		return nil, fmt.Errorf("read leaves of the log: %w", db.seen(err))
	}
	return all, nil
}

// edgeIn is the log's edge as it stands in tx. Where no other process has
// appended since, it is the one remembered, and nothing but the head is read.
func (db *DB) edgeIn(ctx context.Context, tx *sql.Tx) (auditlog.Edge, auditlog.Head, error) {
	head, err := scanHead(tx.StmtContext(ctx, db.append.head.Stmt).QueryRowContext(ctx))
	if err != nil {
		return auditlog.Edge{}, auditlog.Head{}, fmt.Errorf("read the log's head: %w", err)
	}
	if head == db.head {
		return db.edge, head, nil
	}
	edge, err := auditlog.LoadEdge(db.nodes(ctx, tx, nil, &db.append.edge), head)
	return edge, head, err
}
