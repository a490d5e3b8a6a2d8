package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/consent"
)

// ErrMoveDiffers is returned where the copy is not what was copied.
var ErrMoveDiffers = errors.New("the copy is not the same; nothing was changed: the installation goes on where it is")

// late copies what is left while nobody writes, compares, and has the source take nothing
// any more.
func (m *Move) late(ctx context.Context, id string) error {
	if m.From.dialect.migrations() != (sqlite{}).migrations() {
		return errors.New("an installation is moved from SQLite; from PostgreSQL to PostgreSQL by its own means")
	}
	err := m.From.transact(ctx, transaction{what: "move", slow: true, do: func(ctx context.Context, source *sql.Tx) error {
		if m.Stopped != nil {
			m.Stopped()
		}
		err := m.To.transact(ctx, transaction{what: "move", slow: true, do: func(ctx context.Context, tx *sql.Tx) error {
			if err := m.rest(ctx, tx); err != nil {
				return err
			}
			if err := m.compare(ctx, tx); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `UPDATE moving SET state = ?1, note = ?2 WHERE id = 1`, moveComplete, id)
			return err
		}})
		if err == nil && m.Check != nil {
			err = m.Check(ctx)
		}
		if err != nil {
			return err
		}
		return m.From.seal(ctx, source, id)
	}})
	if err != nil {
		return err
	}
	return m.end(ctx)
}

// end has the target serve, with nothing on its disk of what was removed since it was copied.
func (m *Move) end(ctx context.Context) error {
	if m.removed {
		m.To.mu.Lock()
		m.To.gaps = true
		m.To.mu.Unlock()
		if err := m.To.Scrub(ctx); err != nil && !errors.Is(err, consent.ErrReaders) { // the server's upkeep tries again
			return err
		}
	}
	return m.To.settle(ctx)
}

// settle lets the target serve.
func (db *DB) settle(ctx context.Context) error {
	return db.inTransaction(ctx, "end a move", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE moving SET state = '', note = '' WHERE id = 1`)
		return err
	})
}

// seal has the database refuse every change for good, whichever program asks for it.
func (db *DB) seal(ctx context.Context, tx *sql.Tx, id string) error {
	tables, err := db.tables()
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE moving SET state = ?1, note = ?2 WHERE id = 1`, moveGone, id); err != nil {
		return err
	}
	for _, table := range tables {
		for _, what := range []string{"INSERT", "UPDATE", "DELETE"} {
			text := fmt.Sprintf(`CREATE TRIGGER moved_%s_%s BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, '%s'); END`, table, what, what, table, movedText) //nolint:gosec // names of our own tables
			if _, err := tx.ExecContext(ctx, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// rest copies what came or changed since the early part. What says that records are gone
// comes before records do: whatever was removed is out of the way then.
func (m *Move) rest(ctx context.Context, tx *sql.Tx) error {
	for _, table := range []string{"site", "artifact"} {
		if err := m.missing(ctx, table, tx); err != nil {
			return err
		}
	}
	if err := m.settings(ctx, tx); err != nil {
		return err
	}
	if err := m.since(ctx, tx, "log_leaf", m.bound); err != nil {
		return err
	}
	if err := m.since(ctx, tx, "log_node", tlog.StoredHashCount(m.bound)); err != nil {
		return err
	}
	head, err := m.From.Head(ctx)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE log_head SET size = ?1, root = ?2 WHERE id = 1`, head.Size, head.Root[:]); err != nil {
		return err
	}
	tables, err := m.whole()
	if err != nil {
		return err
	}
	for _, table := range tables {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table); err != nil { //nolint:gosec // ours; some are made with a row
			return err
		}
		n, err := copyRows(ctx, m.From.read, tx, table, ``)
		if err != nil {
			return err
		}
		m.tell(table, n, n)
	}
	if err := m.erased(ctx, tx); err != nil {
		return err
	}
	if err := m.missing(ctx, "facet", tx); err != nil {
		return err
	}
	if err := m.since(ctx, tx, "record", m.bound); err != nil {
		return err
	}
	if err := m.facets(ctx, tx, `r.position >= ?1`, m.bound); err != nil {
		return err
	}
	return m.returned(ctx, tx)
}

func (m *Move) since(ctx context.Context, tx *sql.Tx, table string, position int64) error {
	_, err := copyRows(ctx, m.From.read, tx, table, `WHERE position >= ?1 ORDER BY position`, position)
	return err
}

// settings are what can change of sites, which others refer to: so they are not deleted
// and copied anew.
func (m *Move) settings(ctx context.Context, tx *sql.Tx) error {
	rows, err := m.From.read.QueryContext(ctx, `SELECT key, name, time_zone, second_pair, noindex FROM site`)
	sites, err := collect(rows, err, func(row scanner) ([]any, error) {
		var key, name, zone string
		var pair, noindex int64
		err := row.Scan(&key, &name, &zone, &pair, &noindex)
		return []any{key, name, zone, pair, noindex}, err
	})
	if err != nil {
		return err
	}
	for _, s := range sites {
		if _, err := tx.ExecContext(ctx, `UPDATE site SET name = ?2, time_zone = ?3, second_pair = ?4, noindex = ?5 WHERE key = ?1`, s...); err != nil {
			return err
		}
	}
	return nil
}

// facets copies those of records.
func (m *Move) facets(ctx context.Context, tx *sql.Tx, which string, args ...any) error {
	_, err := copyRows(ctx, m.From.read, tx, "record_facet", `WHERE (facet, received_at, position) IN (SELECT f.facet, f.received_at, f.position
		FROM record r JOIN facet c ON c.site = r.site JOIN record_facet f ON f.facet = c.id AND f.received_at = r.received_at AND f.position = r.position WHERE `+which+`)`, args...)
	return err
}

// whole are the tables that are copied at once, in the end.
func (m *Move) whole() (all []string, err error) {
	tables, err := m.To.tables()
	for _, t := range tables {
		if !slices.Contains(moveEarly, t) && !slices.Contains(moveNever, t) {
			all = append(all, t)
		}
	}
	return all, err
}

// erased does to early copies what was done to the records meanwhile: some were shredded,
// lost their personal half, or were restricted.
func (m *Move) erased(ctx context.Context, tx *sql.Tx) error {
	for _, text := range []string{
		`DELETE FROM record WHERE position IN (SELECT erased FROM tombstone WHERE how = 'shredded')`,
		`DELETE FROM record WHERE position IN (SELECT position FROM restricted_record)`,
	} {
		result, err := tx.ExecContext(ctx, text)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		m.removed = m.removed || n > 0
	}
	type lost struct {
		position int64
		commit   []byte
	}
	rows, err := m.From.read.QueryContext(ctx, `SELECT r.position, r.commit_pers FROM record r WHERE r.personal IS NULL AND r.position < ?1
		AND EXISTS (SELECT 1 FROM tombstone t WHERE t.erased = r.position)`, m.bound)
	all, err := collect(rows, err, func(row scanner) (l lost, err error) { return l, row.Scan(&l.position, &l.commit) })
	if err != nil {
		return err
	}
	for _, l := range all {
		result, err := tx.ExecContext(ctx, `UPDATE record SET subject = NULL, salt_person = NULL, personal = NULL, commit_pers = ?2 WHERE position = ?1 AND personal IS NOT NULL`, l.position, l.commit)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		m.removed = m.removed || n > 0
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM facet WHERE NOT EXISTS (SELECT 1 FROM record_facet r WHERE r.facet = facet.id)`)
	return err
}

// returned copies what the early part passed by and is there now: records that were
// restricted then, and what they are searched by.
func (m *Move) returned(ctx context.Context, tx *sql.Tx) error {
	same, err := m.asMany(ctx, tx, "record")
	if err != nil {
		return err
	}
	if !same {
		has, err := keysOf(ctx, tx, "record", "position")
		if err != nil {
			return err
		}
		wants, err := keysOf(ctx, m.From.read, "record", "position")
		if err != nil {
			return err
		}
		for position := range wants {
			if has[position] {
				continue
			}
			if _, err := copyRows(ctx, m.From.read, tx, "record", `WHERE position = ?1`, position); err != nil {
				return err
			}
		}
	}
	if same, err = m.asMany(ctx, tx, "record_facet"); err != nil || same {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT r.position FROM record r WHERE NOT EXISTS (SELECT 1 FROM record_facet f WHERE f.position = r.position AND f.received_at = r.received_at)`)
	without, err := collect(rows, err, func(row scanner) (position int64, err error) { return position, row.Scan(&position) })
	if err != nil {
		return err
	}
	for _, position := range without {
		if err := m.facets(ctx, tx, `r.position = ?1`, position); err != nil {
			return err
		}
	}
	return nil
}

// asMany reports whether a table has as many rows here as there.
func (m *Move) asMany(ctx context.Context, tx *sql.Tx, table string) (bool, error) {
	var here, there int64
	err := m.From.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+table).Scan(&here) //nolint:gosec // ours
	if err == nil {
		err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+table).Scan(&there) //nolint:gosec // ours
	}
	return here == there, err
}

// comparedBy are the columns that are compared of tables that were copied early; none
// of those that the audit vouches for.
var comparedBy = map[string]string{"site": "*", "facet": "*", "record_facet": "*", "record": "position, decision, request"}

// compare counts all tables, and digests what nothing else vouches for: what is in the
// log is audited.
func (m *Move) compare(ctx context.Context, tx *sql.Tx) error {
	whole, err := m.whole()
	if err != nil {
		return err
	}
	for _, table := range append(slices.Clone(moveEarly), whole...) {
		rows := table
		if table == "facet" { // one that no record has any more is not copied
			rows += ` WHERE EXISTS (SELECT 1 FROM record_facet r WHERE r.facet = facet.id)`
		}
		count := `SELECT COUNT(*) FROM ` + rows
		var here, there int64
		if err := m.From.read.QueryRowContext(ctx, count).Scan(&here); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, count).Scan(&there); err != nil {
			return err
		}
		if here != there {
			return fmt.Errorf("%s has %d rows and not %d: %w", table, there, here, ErrMoveDiffers)
		}
		m.rows[table] = there
		columns := "*"
		if !m.Exact && slices.Contains(moveEarly, table) {
			if columns = comparedBy[table]; columns == "" {
				continue
			}
		}
		query := strings.Replace(count, "COUNT(*)", columns, 1)
		a, err := digestOf(ctx, m.From.read, query)
		if err != nil {
			return err
		}
		b, err := m.digestThere(ctx, tx, table, query)
		if err != nil {
			return err
		}
		if a != b {
			return fmt.Errorf("%s: %w", table, ErrMoveDiffers)
		}
	}
	return nil
}

// digestOf is the sum of the digests of all rows, in whatever order they come.
func digestOf(ctx context.Context, in querier, query string) (sum [4]uint64, err error) {
	_, err = addDigests(ctx, in, query, &sum)
	return sum, err
}

// digestThere is digestOf in the target. PostgreSQL's answers are held whole in a
// transaction that writes, so that they are read a few rows at a time.
func (m *Move) digestThere(ctx context.Context, tx *sql.Tx, table, query string) (sum [4]uint64, err error) {
	if _, shared := m.To.dialect.(postgres); !shared {
		return digestOf(ctx, tx, query)
	}
	if _, err := tx.ExecContext(ctx, `DECLARE compared_`+table+` NO SCROLL CURSOR FOR `+query); err != nil {
		return sum, err
	}
	for n := 1; n > 0; {
		if n, err = addDigests(ctx, tx, `FETCH FORWARD 1000 FROM compared_`+table, &sum); err != nil {
			return sum, err
		}
	}
	_, err = tx.ExecContext(ctx, `CLOSE compared_`+table)
	return sum, err
}

// appendValue writes a value so that no two rows are written the same: its type, its
// length, itself. Text and bytes are one type: engines differ in which they answer.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, " nil"...)
	case string:
		return append(fmt.Appendf(b, " bytes %d ", len(v)), v...)
	case []byte:
		return append(fmt.Appendf(b, " bytes %d ", len(v)), v...)
	case int64:
		return strconv.AppendInt(append(b, " int "...), v, 10)
	default:
		return fmt.Appendf(b, " %T %v", v, v)
	}
}

// addDigests adds those of the rows of a query, and counts them.
func addDigests(ctx context.Context, in querier, query string, sum *[4]uint64) (n int, err error) {
	rows, err := in.QueryContext(ctx, query)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	into, row := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		into[i] = &row[i]
	}
	text := make([]byte, 0, 4<<10)
	for ; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return n, err
		}
		text = text[:0]
		for i, v := range row {
			text = appendValue(append(text, columns[i]...), v)
		}
		d := sha256.Sum256(text)
		for i := range sum {
			sum[i] += binary.BigEndian.Uint64(d[8*i:])
		}
	}
	return n, rows.Err()
}
