package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Errors of an installation that moves from one database to another.
var (
	// ErrMoving: the database is the target of a move that is not over.
	ErrMoving = errors.New("an installation is being moved into this database, and until that has ended it serves nobody: run volenti store migrate again, which goes on where it stopped; where volenti restore broke off, make the database anew and run that again")
	// ErrMoved: the installation lives in another database.
	ErrMoved = errors.New("this installation has moved to another database: name that with store.dsn; this one is kept as it was, and takes nothing any more")
	// ErrMoveTarget: the target is no empty database, and none of this move.
	ErrMoveTarget = errors.New("the target holds something already, or a move that was broken off in its last moment: make the database anew, and run this again")
)

// What stands in the table moving: "" is a database that serves.
const (
	moveArriving = "arriving" // what can't change is being copied
	moveComplete = "complete" // everything is there; the source may serve still
	moveGone     = "gone"     // of the source
	movedText    = "this installation has moved"
)

// moving is what stands there.
func (db *DB) moving(ctx context.Context, in rowReader) (state, note string, err error) {
	err = in.QueryRowContext(ctx, `SELECT state, note FROM moving WHERE id = 1`).Scan(&state, &note)
	return state, note, err
}

// settled refuses a database that serves nobody.
func (db *DB) settled(ctx context.Context, in rowReader) error {
	switch state, _, err := db.moving(ctx, in); {
	case err != nil:
		return err
	case state == moveGone:
		return ErrMoved
	case state != "":
		return ErrMoving
	}
	return nil
}

// FewLeaves is how many entries of the log are left to be copied while nobody writes, where
// the source is not written as fast as it is copied.
const FewLeaves = 1000

// A Move carries all of one database over to another that is empty, while the first one
// is written: it copies and compares in rounds, until what is left is little, and then,
// while nobody writes, that. The target serves nobody before all of it was compared, and
// the source nobody afterwards.
type Move struct {
	From, To *DB
	// Sound looks at the source while others write, before anything is copied: what is
	// compared with it is no better than it is.
	Sound func(ctx context.Context) error
	// Check looks at the target when all is there; an error leaves the source as it is.
	Check func(ctx context.Context) error
	// Progress is told how many rows of a table were copied or compared, of how many.
	Progress func(table string, done, of int64)
	// Round is told after each round how many leaves came meanwhile; last: the next ones
	// are copied while nobody writes. There may be many where the source is written as
	// fast as it is copied.
	Round func(round int, left int64, last bool)
	// Stopped is called when nobody can write any more.
	Stopped func()

	bound int64 // leaves before it, and what belongs to them, are copied
	rows  map[string]int64
	// removed: something was erased or restricted after it was copied.
	removed bool
	atOnce  int   // rows of a piece; 4,000
	block   int64 // numbers of a block that is compared at once; 1,000
	few     int64 // so many leaves are copied while nobody writes; FewLeaves

	tables []keyedTable // of the source
	facets [][]any      // ids of those that were copied since they were compared

	tops    map[string]int64           // what is before them in a watched table is copied
	same    map[string]map[int64]int64 // rows of the blocks that are the same in both
	doubts  map[int64]bool             // blocks of records that were written, or differ
	scan    bool                       // all of record_facet is to be compared
	strange map[int64]bool             // blocks of it that differ, and nobody wrote them
}

// Run moves it. It may be called again after it was broken off at any point.
func (m *Move) Run(ctx context.Context, id string) (rows map[string]int64, err error) {
	m.rows, m.tops, m.same, m.doubts, m.scan, m.strange = map[string]int64{}, map[string]int64{}, map[string]map[int64]int64{}, map[int64]bool{}, true, nil
	for _, t := range watchedTables {
		m.same[t.name] = map[int64]int64{}
	}
	m.atOnce, m.block, m.few = cmp.Or(m.atOnce, 4000), cmp.Or(m.block, 1000), cmp.Or(m.few, FewLeaves)
	state, note, err := m.To.moving(ctx, m.To.read)
	if err != nil {
		return nil, err
	}
	from, was, err := m.From.moving(ctx, m.From.read)
	if err != nil {
		return nil, err
	}
	switch {
	case from == moveGone && state == moveComplete && strings.HasPrefix(note, was):
		m.removed = true // perhaps; it had ended but for this
		return m.rows, m.end(ctx)
	case from == moveGone:
		return nil, ErrMoved
	case state == "":
		if err := m.sound(ctx); err != nil {
			return nil, err
		}
		if err := m.begin(ctx, id); err != nil {
			return nil, err
		}
	case state == moveArriving:
		text, bound, _ := strings.Cut(note, " ")
		if m.bound, err = strconv.ParseInt(bound, 10, 64); err != nil {
			return nil, ErrMoveTarget
		}
		id = text
		if err := m.sound(ctx); err != nil {
			return nil, err
		}
	default:
		return nil, ErrMoveTarget
	}
	if m.From.dialect.migrations() != (sqlite{}).migrations() {
		return nil, errors.New("an installation is moved from SQLite; from PostgreSQL to PostgreSQL by its own means")
	}
	if m.tables, err = m.From.keyedTables(ctx); err != nil {
		return nil, err
	}
	if err := m.From.watch(ctx, m.block, m.tables); err != nil {
		return nil, err
	}
	err = m.early(ctx)
	if err != nil {
		err = fmt.Errorf("copy what does not change: %w", err)
	} else {
		err = m.rounds(ctx, id)
	}
	if err != nil {
		// It goes on where it is. Where even that fails, the next try takes them away.
		_ = m.From.inTransaction(context.WithoutCancel(ctx), "watch no more", unwatch)
		return nil, err
	}
	return m.rows, m.end(ctx)
}

func (m *Move) sound(ctx context.Context) error {
	if m.Sound == nil {
		return nil
	}
	return m.Sound(ctx)
}

// Vacant refuses a database that holds something, that a node serves, or into which an
// installation is being moved.
func (db *DB) Vacant(ctx context.Context) error {
	var sites int64 // and nodes at work
	if err := db.read.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM site) + (SELECT COUNT(*) FROM lease WHERE holder <> '')`).Scan(&sites); err != nil {
		return err
	}
	there, err := db.Head(ctx)
	if err != nil {
		return err
	}
	state, _, err := db.moving(ctx, db.read)
	if err != nil {
		return err
	}
	if sites > 0 || there.Size > 0 || state != "" {
		return ErrMoveTarget
	}
	return nil
}

func (m *Move) begin(ctx context.Context, id string) error {
	if err := m.To.Vacant(ctx); err != nil {
		return err
	}
	head, err := m.From.Head(ctx)
	if err != nil {
		return err
	}
	m.bound = head.Size
	return m.To.inTransaction(ctx, "begin a move", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE moving SET state = ?1, note = ?2 WHERE id = 1`, moveArriving, fmt.Sprintf("%s %d", id, m.bound))
		return err
	})
}

var (
	// moveEarly are copied before the rounds, by their keys.
	moveEarly = []string{"site", "artifact"}
	// moveApart have a way of their own: the watched ones, what they refer to, and what a
	// record can't be beside, which is copied in the end.
	moveApart = []string{"log_leaf", "log_node", "log_entry", "tombstone", "checkpoint", "operator_act", "record", "record_facet", "facet", "restricted_record"}
	// moveNever are of one database alone.
	moveNever = []string{"schema_migration", "moving", "lease", "sealed_key", "sealed_key_state", "encoded", "log_head"}
)

// early copies what never changes, a piece at a time, each in a transaction of its own.
func (m *Move) early(ctx context.Context) error {
	for _, t := range m.tables {
		if !slices.Contains(moveEarly, t.name) {
			continue
		}
		if err := m.To.transact(ctx, transaction{what: "copy " + t.name, slow: true, do: func(ctx context.Context, tx *sql.Tx) error {
			return copyMissing(ctx, m.From.read, tx, t.name, t.columns[0])
		}}); err != nil {
			return err
		}
	}
	for _, t := range []struct {
		table string
		bound int64
	}{{"log_leaf", m.bound}, {"log_node", tlog.StoredHashCount(m.bound)}, {"record", m.bound}} {
		var from int64
		if err := m.To.read.QueryRowContext(ctx, `SELECT COALESCE(MAX(position) + 1, 0) FROM `+t.table).Scan(&from); err != nil { //nolint:gosec // one of ours
			return err
		}
		for from < t.bound {
			var next int64
			err := m.To.transact(ctx, transaction{what: "copy " + t.table, slow: true, do: func(ctx context.Context, tx *sql.Tx) (err error) {
				if t.table == "record" {
					source, err := m.From.read.BeginTx(ctx, nil)
					if err != nil {
						return err
					}
					defer source.Rollback()
					last, err := m.records(ctx, source, tx, from, t.bound)
					next = last + 1
					m.facets = nil // the first round compares all
					return err
				}
				n, err := copyRows(ctx, m.From.read, tx, t.table, `WHERE position >= ?1 AND position < ?2 ORDER BY position LIMIT ?3`, from, t.bound, m.atOnce)
				next = from + n // they have no gaps
				return err
			}})
			if err != nil {
				return err
			}
			if next <= from {
				break
			}
			from = next
			m.tell(t.table, from, t.bound)
		}
	}
	return nil
}

func (m *Move) tell(table string, done, of int64) {
	if m.Progress != nil {
		m.Progress(table, done, of)
	}
}

// records copies a piece of the records first … end and what they are searched by, as they
// are in a transaction of the source, and says which the last one was; -1 where there is
// none.
func (m *Move) records(ctx context.Context, from, to *sql.Tx, first, end int64) (last int64, err error) {
	err = from.QueryRowContext(ctx, `SELECT COALESCE(MAX(position), -1) FROM (SELECT position FROM record WHERE position >= ?1 AND position < ?2 ORDER BY position LIMIT ?3) AS p`,
		first, end, m.atOnce).Scan(&last)
	if err != nil || last < 0 {
		return -1, err
	}
	some := fmt.Sprintf(`position >= %d AND position <= %d`, first, last)
	if _, err := copyRows(ctx, from, to, "record", `WHERE `+some+` ORDER BY position`); err != nil {
		return -1, err
	}
	begin, until, err := timesIn(ctx, from, some)
	if err == nil {
		err = m.copyFacets(ctx, from, to, begin, until, some)
	}
	if err == nil {
		_, err = copyQuery(ctx, from, to, "record_facet", facetRows("f.*", begin, until, some))
	}
	return last, err
}

// copyFacets copies those of such records that are not there.
func (m *Move) copyFacets(ctx context.Context, from querier, to *sql.Tx, begin, until int64, where string) error {
	_, err := copyPicked(ctx, from, to, "facet", func(values []any) (bool, error) {
		m.facets = append(m.facets, []any{values[0]})
		return true, nil
	}, facetRows("DISTINCT c.*", begin, until, where))
	return err
}

// copyMissing copies rows whose key, the first column, is not there.
func copyMissing(ctx context.Context, from querier, to *sql.Tx, table, key string) error {
	there, err := keysOf(ctx, to, table, key)
	if err != nil {
		return err
	}
	_, err = copyPicked(ctx, from, to, table, func(values []any) (bool, error) { return !there[asKey(values[0])], nil }, `SELECT * FROM `+table)
	return err
}

func keysOf(ctx context.Context, in querier, table, key string) (map[any]bool, error) {
	rows, err := in.QueryContext(ctx, `SELECT `+key+` FROM `+table) //nolint:gosec // ours
	all, err := collect(rows, err, func(row scanner) (k any, err error) {
		err = row.Scan(&k)
		return asKey(k), err
	})
	keys := make(map[any]bool, len(all))
	for _, k := range all {
		keys[k] = true
	}
	return keys, err
}

// asKey makes a value one of a map's keys.
func asKey(v any) any {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return v
}

// querier is a database, or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// copyRows copies what where finds, as many in a statement as both engines take.
func copyRows(ctx context.Context, from querier, to *sql.Tx, table, where string, args ...any) (n int64, err error) {
	return copyQuery(ctx, from, to, table, `SELECT * FROM `+table+` `+where, args...)
}

// copyQuery copies what a query of a table's columns finds.
func copyQuery(ctx context.Context, from querier, to *sql.Tx, table, query string, args ...any) (n int64, err error) {
	return copyPicked(ctx, from, to, table, func([]any) (bool, error) { return true, nil }, query, args...)
}

// copyPicked copies those rows of it that pick says.
func copyPicked(ctx context.Context, from querier, to *sql.Tx, table string, pick func(values []any) (bool, error), query string, args ...any) (n int64, err error) {
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	most := max(1, min(100, 3000/len(columns)))
	var values []any
	flush := func() error {
		if len(values) == 0 {
			return nil
		}
		var text strings.Builder
		fmt.Fprintf(&text, `INSERT INTO %s (%s) VALUES `, table, strings.Join(columns, ", "))
		for i := range values {
			switch {
			case i == 0:
				text.WriteString("(")
			case i%len(columns) == 0:
				text.WriteString("), (")
			default:
				text.WriteString(", ")
			}
			fmt.Fprintf(&text, "?%d", i+1)
		}
		text.WriteString(")")
		if table == "facet" { // of a record that is there
			text.WriteString(" ON CONFLICT (id) DO NOTHING")
		}
		_, err := to.ExecContext(ctx, text.String(), values...)
		values = values[:0]
		return err
	}
	into := make([]any, len(columns))
	for rows.Next() {
		row := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return n, err
		}
		switch ok, err := pick(row); {
		case err != nil:
			return n, err
		case !ok:
			continue
		}
		values = append(values, row...)
		if n++; len(values) == most*len(columns) {
			if err := flush(); err != nil {
				return n, fmt.Errorf("%s: %w", table, err)
			}
		}
	}
	if err := errors.Join(rows.Err(), flush()); err != nil {
		return n, fmt.Errorf("%s: %w", table, err)
	}
	return n, nil
}

var createTable = regexp.MustCompile(`(?m)^CREATE TABLE ([a-z_]+)`)

// tables are all, in the order in which they refer to one another.
func (db *DB) tables() (all []string, err error) {
	steps, err := db.migrations()
	if err != nil {
		return nil, err
	}
	for _, step := range steps {
		for _, found := range createTable.FindAllStringSubmatch(step.text, -1) {
			if !slices.Contains(all, found[1]) { // one was made anew
				all = append(all, found[1])
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no tables", path.Join("migrations", db.dialect.migrations()))
	}
	return all, nil
}
