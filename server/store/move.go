package store

import (
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

// A Move carries all of one database over to another that is empty, while the first one
// is written: first what never changes, then, while nobody writes, what is left. The
// target serves nobody before all of it was compared, and the source nobody afterwards.
type Move struct {
	From, To *DB
	// Sound looks at the source while others write, before anything is copied: what is
	// compared with it is no better than it is.
	Sound func(ctx context.Context) error
	// Check looks at the target when all is there; an error leaves the source as it is.
	Check func(ctx context.Context) error
	// Exact has all rows of all tables compared. Without it a Check audits what is in the log.
	Exact bool
	// Progress is told how many rows of a table were copied, of how many.
	Progress func(table string, done, of int64)
	// Stopped is called when nobody can write any more.
	Stopped func()

	bound int64 // leaves before it, and what belongs to them, are copied while others write
	rows  map[string]int64
	// removed: something was erased or restricted after it was copied.
	removed bool
	atOnce  int // rows of a piece; 4,000
}

// Run moves it. It may be called again after it was broken off at any point.
func (m *Move) Run(ctx context.Context, id string) (rows map[string]int64, err error) {
	m.rows = map[string]int64{}
	if m.atOnce == 0 {
		m.atOnce = 4000
	}
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
	if err := m.early(ctx); err != nil {
		return nil, fmt.Errorf("copy what does not change: %w", err)
	}
	return m.rows, m.late(ctx, id)
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

// Tables that have a way of their own, and those that are of one database alone.
var (
	moveEarly = []string{"site", "artifact", "log_leaf", "log_node", "record", "facet", "record_facet"}
	moveNever = []string{"schema_migration", "moving", "lease", "sealed_key", "sealed_key_state", "encoded", "log_head"}
)

// early copies what never changes, a piece at a time.
func (m *Move) early(ctx context.Context) error {
	for _, t := range []string{"site", "artifact", "facet"} {
		if err := m.missing(ctx, t, nil); err != nil {
			return err
		}
	}
	for _, t := range []struct {
		table string
		bound int64
	}{{"log_leaf", m.bound}, {"log_node", tlog.StoredHashCount(m.bound)}, {"record", m.bound}} {
		for {
			var from int64
			if err := m.To.read.QueryRowContext(ctx, `SELECT COALESCE(MAX(position) + 1, 0) FROM `+t.table).Scan(&from); err != nil { //nolint:gosec // one of ours
				return err
			}
			n, err := m.piece(ctx, t.table, `WHERE position >= ?1 AND position < ?2 ORDER BY position LIMIT ?3`, from, t.bound, m.atOnce)
			if err != nil {
				return err
			}
			m.tell(t.table, from, t.bound)
			if n == 0 {
				break
			}
		}
	}
	for {
		var facet, at, position int64
		err := m.To.read.QueryRowContext(ctx, `SELECT facet, received_at, position FROM record_facet ORDER BY facet DESC, received_at DESC, position DESC LIMIT 1`).Scan(&facet, &at, &position)
		where, args := `WHERE position < ?1 ORDER BY facet, received_at, position LIMIT ?2`, []any{m.bound, m.atOnce}
		if err == nil {
			where, args = `WHERE (facet, received_at, position) > (?1, ?2, ?3) AND position < ?4 ORDER BY facet, received_at, position LIMIT ?5`, []any{facet, at, position, m.bound, m.atOnce}
		} else if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		n, err := m.piece(ctx, "record_facet", where, args...)
		if err != nil || n == 0 {
			return err
		}
		m.tell("record_facet", position, m.bound) // about: they come in another order
	}
}

func (m *Move) tell(table string, done, of int64) {
	if m.Progress != nil {
		m.Progress(table, done, of)
	}
}

// piece copies some rows in a transaction of their own.
func (m *Move) piece(ctx context.Context, table, where string, args ...any) (n int64, err error) {
	err = m.To.transact(ctx, transaction{what: "copy " + table, slow: true, do: func(ctx context.Context, tx *sql.Tx) (err error) {
		n, err = copyRows(ctx, m.From.read, tx, table, where, args...)
		return err
	}})
	return n, err
}

// missing copies rows whose key the target does not have: of tables of which there is
// not much, or whose keys have no order in time. in is a transaction of the target's.
func (m *Move) missing(ctx context.Context, table string, in *sql.Tx) error {
	key := map[string]string{"site": "key", "artifact": "digest", "facet": "id"}[table]
	from, to := querier(m.From.read), querier(m.To.read)
	if in != nil {
		to = in
	}
	there, err := keysOf(ctx, to, table, key)
	if err != nil {
		return err
	}
	all, err := keysOf(ctx, from, table, key)
	if err != nil {
		return err
	}
	done := int64(0)
	for k := range all {
		done++
		if there[k] {
			continue
		}
		if in != nil {
			_, err = copyRows(ctx, from, in, table, `WHERE `+key+` = ?1`, k)
		} else {
			_, err = m.piece(ctx, table, `WHERE `+key+` = ?1`, k)
		}
		if err != nil {
			return err
		}
		m.tell(table, done, int64(len(all)))
	}
	return nil
}

func keysOf(ctx context.Context, in querier, table, key string) (map[any]bool, error) {
	rows, err := in.QueryContext(ctx, `SELECT `+key+` FROM `+table) //nolint:gosec // ours
	all, err := collect(rows, err, func(row scanner) (k any, err error) {
		err = row.Scan(&k)
		if b, ok := k.([]byte); ok {
			k = string(b)
		}
		return k, err
	})
	keys := make(map[any]bool, len(all))
	for _, k := range all {
		keys[k] = true
	}
	return keys, err
}

// querier is a database, or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// copyRows copies what where finds, as many in a statement as both engines take.
func copyRows(ctx context.Context, from querier, to *sql.Tx, table, where string, args ...any) (n int64, err error) {
	rows, err := from.QueryContext(ctx, `SELECT * FROM `+table+` `+where, args...) //nolint:gosec // ours
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
