package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
)

// After a stop that was not clean SQLite brings back what the write-ahead log holds:
// frames carry checksums, a transaction counts with its last frame, and the file is
// written from frames that are on stable storage. So a crash damages nothing; a disk
// that did not keep its word does. A small file is read whole before it is used. Of a
// large one that would take minutes: Open reads what can have been under way, and
// CheckRest the rest while the server serves. Whatever is read is compared with its
// leaf or digest in any case.
const (
	// wholeAtOnce is the size of a file that is read whole within a moment.
	wholeAtOnce = 64 << 20
	// leastRecord is less than a record and its leaf add to a write-ahead log.
	leastRecord = 1 << 10
	// mostAtOpen bounds how many leaves Open reads; 1000 pages, the usual length of the
	// write-ahead log, hold half as many.
	mostAtOpen = 8192
	// checkBatch is how many rows one snapshot reads: while it is open, the write-ahead
	// log can't begin anew.
	checkBatch = 2000
)

// suspect is the mark that the file was not read whole since a stop that was not clean.
func suspect(path string) string { return path + "-unchecked" }

// checkUnclean is called by Open after such a stop. left is how long the write-ahead log
// was that it left behind.
func (db *DB) checkUnclean(ctx context.Context, left int64) error {
	return misshapen(db.checkEnd(ctx, left))
}

// misshapen: what can't be read as what it should be is damaged.
func misshapen(err error) error {
	if unreadable(err) {
		return fmt.Errorf("%w: %w", consent.ErrDamaged, err)
	}
	return err
}

func (db *DB) checkEnd(ctx context.Context, left int64) error {
	f, err := os.OpenFile(suspect(db.path), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("note that the database is to be checked: %w", err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := quickCheck(ctx, tx, "sqlite_schema"); err != nil { // of all tables the list, and the list of free pages
		return err
	}
	from := max(0, db.head.Size-min(left/leastRecord+1, mostAtOpen))
	edge, err := edgeOf(ctx, tx, db.find.node.Stmt, from)
	if err != nil {
		return err
	}
	c := &leafCheck{tx: tx, found: true}
	if edge, err = c.leaves(ctx, edge, from, db.head.Size); err != nil {
		return err
	}
	if got, err := edge.Head(); err != nil || got != db.head {
		return fmt.Errorf("root of %d leaves: %w", db.head.Size, errors.Join(auditlog.ErrDamaged, err))
	}
	return nil
}

func quickCheck(ctx context.Context, tx *sql.Tx, table string) error {
	var result string
	if err := tx.QueryRowContext(ctx, `PRAGMA quick_check('`+table+`')`).Scan(&result); err != nil { //nolint:gosec // of the schema's own names
		return err
	}
	if result != "ok" {
		return fmt.Errorf("table %s: %s: %w", table, result, consent.ErrDamaged)
	}
	return nil
}

// edgeOf is the edge of the log when it had so many leaves.
func edgeOf(ctx context.Context, tx *sql.Tx, node *sql.Stmt, size int64) (auditlog.Edge, error) {
	if size == 0 {
		return auditlog.Edge{}, nil
	}
	nodes := readNodes(ctx, tx.StmtContext(ctx, node))
	root, err := tlog.TreeHash(size, nodes)
	if err != nil {
		return auditlog.Edge{}, err
	}
	return auditlog.LoadEdge(nodes, auditlog.Head{Size: size, Root: root})
}

// A leafCheck compares leaves with the nodes above them and with what they stand for.
type leafCheck struct {
	tx    *sql.Tx
	found bool // each record has to be found by all it is looked up by, too
}

// leaves checks [from, to) and returns the edge behind them.
func (c *leafCheck) leaves(ctx context.Context, edge auditlog.Edge, from, to int64) (auditlog.Edge, error) {
	rows, err := c.tx.QueryContext(ctx, `SELECT position, leaf FROM log_leaf WHERE position >= ?1 AND position < ?2 ORDER BY position`, from, to)
	leaves, err := collect(rows, err, func(row scanner) (leaf [auditlog.LeafSize]byte, err error) {
		var at int64
		var b []byte
		if err := row.Scan(&at, &b); err != nil {
			return leaf, err
		}
		if at != from || len(b) != auditlog.LeafSize {
			return leaf, fmt.Errorf("leaf %d: %w", from, auditlog.ErrDamaged)
		}
		from++
		return [auditlog.LeafSize]byte(b), nil
	})
	if err == nil && from != to {
		err = fmt.Errorf("leaf %d: %w", from, auditlog.ErrDamaged)
	}
	if err != nil {
		return edge, err
	}
	from -= int64(len(leaves))
	next, _, nodes, err := edge.Append(leaves)
	if err != nil {
		return edge, err
	}
	if err := c.nodes(ctx, nodes); err != nil {
		return edge, err
	}
	return next, c.standing(ctx, from, to)
}

func (c *leafCheck) nodes(ctx context.Context, want []auditlog.StoredHash) error {
	if len(want) == 0 {
		return nil
	}
	rows, err := c.tx.QueryContext(ctx, `SELECT position, hash FROM log_node WHERE position >= ?1 AND position <= ?2 ORDER BY position`, want[0].Index, want[len(want)-1].Index)
	i := 0
	_, err = collect(rows, err, func(row scanner) (none struct{}, _ error) {
		var at int64
		var b []byte
		if err := row.Scan(&at, &b); err != nil {
			return none, err
		}
		if i >= len(want) || at != want[i].Index || string(b) != string(want[i].Hash[:]) {
			return none, fmt.Errorf("node %d: %w", at, auditlog.ErrDamaged)
		}
		i++
		return none, nil
	})
	if err == nil && i != len(want) {
		err = fmt.Errorf("node %d: %w", want[i].Index, auditlog.ErrDamaged)
	}
	return err
}

// standing makes sure that something stands for each of the leaves [from, to), and that
// what can be compared with its leaf matches it.
func (c *leafCheck) standing(ctx context.Context, from, to int64) error {
	there := make([]bool, to-from)
	rows, err := c.tx.QueryContext(ctx, `SELECT `+entryColumns+` FROM record r JOIN log_leaf l ON l.position = r.position
		WHERE r.position >= ?1 AND r.position < ?2 ORDER BY r.position`, from, to)
	records, err := collect(rows, err, scanEntry)
	if err != nil {
		return err
	}
	for _, e := range records {
		there[e.Index-from] = true
	}
	if c.found {
		if err := c.findable(ctx, records); err != nil {
			return err
		}
	}
	rows, err = c.tx.QueryContext(ctx, `SELECT `+logEntryColumns+` FROM log_entry e LEFT JOIN log_leaf l ON l.position = e.position
		WHERE e.position >= ?1 AND e.position < ?2`, from, to)
	_, err = collect(rows, err, func(row scanner) (none struct{}, _ error) {
		at, _, err := scanLogEntry(row)
		if err == nil {
			there[at-from] = true
		}
		return none, err
	})
	if err != nil {
		return err
	}
	rows, err = c.tx.QueryContext(ctx, `SELECT position FROM restricted_record WHERE position >= ?1 AND position < ?2
		UNION ALL SELECT position FROM policy_entry WHERE position >= ?1 AND position < ?2
		UNION ALL SELECT erased FROM tombstone WHERE erased >= ?1 AND erased < ?2`, from, to)
	_, err = collect(rows, err, func(row scanner) (none struct{}, _ error) {
		var at int64
		err := row.Scan(&at)
		if err == nil {
			there[at-from] = true
		}
		return none, err
	})
	if err != nil {
		return err
	}
	for i, is := range there {
		if !is {
			return fmt.Errorf("nothing stands for leaf %d: %w", from+int64(i), auditlog.ErrDamaged)
		}
	}
	return nil
}

// lookUps are the indexes a record stands in. Each asks for one by its position.
var lookUps = []struct {
	query string
	of    func(*consent.Entry) []any
}{
	{`SELECT COUNT(*) FROM record INDEXED BY record_id WHERE id = ?2 AND position = ?1`, func(e *consent.Entry) []any { return []any{e.ReceiptID} }},
	{`SELECT COUNT(*) FROM record INDEXED BY record_decision WHERE site = ?2 AND decision = ?3 AND position = ?1`, func(e *consent.Entry) []any { return []any{e.Site, e.DecisionID} }},
	{`SELECT COUNT(*) FROM record INDEXED BY record_received WHERE site = ?2 AND received_at = ?3 AND position = ?1`, func(e *consent.Entry) []any { return []any{e.Site, e.ReceivedAt} }},
	{`SELECT COUNT(*) FROM record INDEXED BY record_subject WHERE subject = ?2 AND site = ?3 AND position = ?1`, func(e *consent.Entry) []any {
		if e.Subject == "" {
			return nil
		}
		return []any{e.Subject, e.Site}
	}},
}

func (c *leafCheck) findable(ctx context.Context, records []*consent.Entry) error {
	for _, look := range lookUps {
		if err := c.foundBy(ctx, look.query, look.of, records); err != nil {
			return err
		}
	}
	return nil
}

func (c *leafCheck) foundBy(ctx context.Context, query string, keys func(*consent.Entry) []any, records []*consent.Entry) error {
	find, err := c.tx.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer find.Close()
	for _, e := range records {
		of := keys(e)
		if of == nil {
			continue
		}
		var n int
		if err := find.QueryRowContext(ctx, append([]any{e.Index}, of...)...).Scan(&n); err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("record %d is not found by its index: %w", e.Index, auditlog.ErrDamaged)
		}
	}
	return nil
}

// CheckRest reads what Open left unread after a stop that was not clean; nothing, where
// it read all. Between two batches it rests as long as one took. What it finds is
// consent.ErrDamaged, and from then on nothing is written; what was not finished, by ctx
// or another stop, is begun anew after the next start. progress is told how many of the
// log's leaves were compared.
func (db *DB) CheckRest(ctx context.Context, progress func(done, of int64)) error {
	if db.path == "" {
		return nil
	}
	if _, err := os.Stat(suspect(db.path)); err != nil {
		return nil //nolint:nilerr // there is no mark
	}
	err := db.checkAll(ctx, progress)
	if err == nil {
		err = os.Remove(suspect(db.path))
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	err = fmt.Errorf("check the database: %w", db.seen(misshapen(err)))
	if errors.Is(err, consent.ErrDamaged) {
		db.mu.Lock()
		if db.broken == nil {
			db.broken = fmt.Errorf("%w: %w", consent.ErrUnavailable, err)
		}
		db.mu.Unlock()
	}
	return err
}

// growing are the tables that are read a batch at a time, each with its indexes; all
// others are read in one go each.
var growing = map[string]bool{"record": true, "log_leaf": true, "log_node": true, "record_facet": true}

func (db *DB) checkAll(ctx context.Context, progress func(done, of int64)) error {
	rows, err := db.read.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`)
	tables, err := collect(rows, err, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
	if err != nil {
		return err
	}
	for _, table := range append(tables, "sqlite_schema") {
		if growing[table] {
			continue
		}
		if err := db.glance(ctx, func(tx *sql.Tx) error { return quickCheck(ctx, tx, table) }); err != nil {
			return err
		}
	}
	if err := db.checkLog(ctx, progress); err != nil {
		return err
	}
	for _, index := range ordered {
		if err := db.checkOrder(ctx, index); err != nil {
			return err
		}
	}
	return nil
}

// glance calls do with a snapshot and then rests as long as that took.
func (db *DB) glance(ctx context.Context, do func(tx *sql.Tx) error) error {
	begun := time.Now()
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := errors.Join(do(tx), tx.Rollback()); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Since(begun)):
		return nil
	}
}

// checkLog goes through leaves, nodes and records as far as the log went when it began.
func (db *DB) checkLog(ctx context.Context, progress func(done, of int64)) error {
	head, err := db.Head(ctx)
	if err != nil {
		return err
	}
	var edge auditlog.Edge
	for from := int64(0); from < head.Size; from += checkBatch {
		to := min(from+checkBatch, head.Size)
		if err := db.glance(ctx, func(tx *sql.Tx) (err error) {
			c := &leafCheck{tx: tx}
			edge, err = c.leaves(ctx, edge, from, to)
			return err
		}); err != nil {
			return err
		}
		progress(to, head.Size)
	}
	if got, err := edge.Head(); err != nil || got != head {
		return fmt.Errorf("root of %d leaves: %w", head.Size, errors.Join(auditlog.ErrDamaged, err))
	}
	return nil
}

// An order is an index that grows with the records, read from one key to the next.
type order struct {
	first, next string // ?1 … are the key before, and the last parameter is how many
	key         func() []any
}

func text() *string   { return new(string) }
func number() *int64  { return new(int64) }
func pair() []any     { return []any{text(), text(), number()} }
func moment() []any   { return []any{text(), number(), number()} }
func numbered() []any { return []any{number(), number(), number()} }

var ordered = []order{
	{`SELECT id, position FROM record INDEXED BY record_id ORDER BY id LIMIT ?1`,
		`SELECT id, position FROM record INDEXED BY record_id WHERE (id, position) > (?1, ?2) ORDER BY id LIMIT ?3`,
		func() []any { return []any{text(), number()} }},
	{`SELECT site, decision, position FROM record INDEXED BY record_decision ORDER BY site, decision LIMIT ?1`,
		`SELECT site, decision, position FROM record INDEXED BY record_decision WHERE (site, decision, position) > (?1, ?2, ?3) ORDER BY site, decision LIMIT ?4`, pair},
	{`SELECT subject, site, position FROM record INDEXED BY record_subject WHERE subject IS NOT NULL ORDER BY subject, site, position LIMIT ?1`,
		`SELECT subject, site, position FROM record INDEXED BY record_subject WHERE subject IS NOT NULL AND (subject, site, position) > (?1, ?2, ?3) ORDER BY subject, site, position LIMIT ?4`, pair},
	{`SELECT site, received_at, position FROM record INDEXED BY record_received ORDER BY site, received_at, position LIMIT ?1`,
		`SELECT site, received_at, position FROM record INDEXED BY record_received WHERE (site, received_at, position) > (?1, ?2, ?3) ORDER BY site, received_at, position LIMIT ?4`, moment},
	{`SELECT facet, received_at, position FROM record_facet ORDER BY facet, received_at, position LIMIT ?1`,
		`SELECT facet, received_at, position FROM record_facet WHERE (facet, received_at, position) > (?1, ?2, ?3) ORDER BY facet, received_at, position LIMIT ?4`, numbered},
}

// checkOrder reads an index from its first key to its last, each greater than the one
// before.
func (db *DB) checkOrder(ctx context.Context, o order) error {
	before, at := o.key(), o.key()
	for begun := false; ; {
		n := 0
		err := db.glance(ctx, func(tx *sql.Tx) error {
			var rows *sql.Rows
			var err error
			if begun {
				rows, err = tx.QueryContext(ctx, o.next, append(values(before), checkBatch)...)
			} else {
				rows, err = tx.QueryContext(ctx, o.first, checkBatch)
			}
			_, err = collect(rows, err, func(row scanner) (none struct{}, _ error) {
				if err := row.Scan(at...); err != nil {
					return none, err
				}
				if begun && !follows(before, at) {
					return none, fmt.Errorf("%s: a key stands behind a greater one: %w", o.first, auditlog.ErrDamaged)
				}
				before, at, begun = at, before, true
				n++
				return none, nil
			})
			return err
		})
		if err != nil || n < checkBatch {
			return err
		}
	}
}

func values(pointers []any) []any {
	all := make([]any, 0, len(pointers)+1)
	for _, p := range pointers {
		switch p := p.(type) {
		case *string:
			all = append(all, *p)
		case *int64:
			all = append(all, *p)
		}
	}
	return all
}

func follows(a, b []any) bool {
	for i := range a {
		switch x := a[i].(type) {
		case *string:
			if y := *b[i].(*string); *x != y {
				return *x < y
			}
		case *int64:
			if y := *b[i].(*int64); *x != y {
				return *x < y
			}
		}
	}
	return false
}
