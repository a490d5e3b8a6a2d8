package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
)

// A postgresConnector makes connections that take the same queries as SQLite's.
type postgresConnector struct {
	config *pgconn.Config
	reader bool
	// head: there is a row that every write transaction locks before all else.
	head  *atomic.Bool
	reach *reach
}

func (c *postgresConnector) Connect(ctx context.Context) (driver.Conn, error) {
	told, err := c.reach.enter()
	if err != nil {
		return nil, err
	}
	conn, err := c.connect(ctx)
	if err != nil && ctx.Err() == nil && !answered(err) {
		err = fmt.Errorf("%w: %w", errSilent, err)
	}
	told(err)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

func (c *postgresConnector) connect(ctx context.Context) (*postgresConn, error) {
	conn := &postgresConn{reader: c.reader, head: c.head, reach: c.reach, statements: map[string]*pgconn.StatementDescription{}}
	config := c.config.Copy()
	c.reach.hosts.order(config)
	took := c.reach.hosts.follow(config)
	at := "" // the address that is tried
	made := false
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		far, err := c.config.DialFunc(ctx, network, address)
		if err != nil || made { // what is made later asks the server to end a statement
			return far, err
		}
		at = address
		conn.line = newLine(far, c.reach, network, address)
		return conn.line, nil
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		conn.warned = conn.warned || n.SeverityUnlocalized == "WARNING"
	}
	var err error
	if conn.pg, err = pgconn.ConnectConfig(ctx, config); err != nil {
		return nil, err
	}
	made = true
	took(at)
	if err := conn.know(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// know asks for the process at the other end, and from then on the line asks about it.
// The number that comes with the connection is the one of a pooler where there is one; and
// servers that only speak the protocol may know of no processes at all.
func (c *postgresConn) know(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	process := int64(noProcess)
	r, err := c.pg.Exec(ctx, `SELECT pid FROM pg_stat_activity WHERE pid = pg_backend_pid()`).ReadAll()
	if _, said := codeOf(err); err != nil && !said {
		return err
	}
	if err == nil && len(r) == 1 && len(r[0].Rows) == 1 {
		process, _ = strconv.ParseInt(string(r[0].Rows[0][0]), 10, 64)
	}
	c.line.process.Store(process)
	c.made = time.Now()
	return nil
}

func (*postgresConnector) Driver() driver.Driver { return postgresDriver{} }

// postgresDriver is there because database/sql asks for one; connections are made by
// connectors alone.
type postgresDriver struct{}

func (postgresDriver) Open(string) (driver.Conn, error) {
	return nil, errors.New("open PostgreSQL by its connector")
}

// A postgresConn is one connection. It answers what is asked in a transaction at once
// and whole, so that the next may be asked before the first was read, as SQLite allows;
// in a reading transaction through a cursor, as it may be the whole archive.
type postgresConn struct {
	pg     *pgconn.PgConn
	reader bool
	head   *atomic.Bool
	reach  *reach

	line *line
	made time.Time

	statements map[string]*pgconn.StatementDescription // prepared, by text and types
	named      int
	snapshot   bool  // in a reading transaction
	cursors    []int // by number: cursorOpen, cursorLeft
	warned     bool  // by the server, of something
}

// mostStatements is how many are prepared on one connection before it begins anew.
const mostStatements = 400

var (
	_ driver.ConnBeginTx        = (*postgresConn)(nil)
	_ driver.ConnPrepareContext = (*postgresConn)(nil)
	_ driver.ExecerContext      = (*postgresConn)(nil)
	_ driver.QueryerContext     = (*postgresConn)(nil)
	_ driver.SessionResetter    = (*postgresConn)(nil)
	_ driver.Validator          = (*postgresConn)(nil)
	_ driver.Pinger             = (*postgresConn)(nil)
	_ driver.NamedValueChecker  = (*postgresConn)(nil)
)

func (c *postgresConn) IsValid() bool { return !c.pg.IsClosed() }

func (c *postgresConn) Ping(ctx context.Context) error { return c.pg.Ping(ctx) }

// ResetSession is asked before a connection is used again. One that the server closed
// meanwhile is found here, before anything is sent: to ask the server, as is advised
// instead, takes a round trip each time.
func (c *postgresConn) ResetSession(context.Context) error {
	if c.reach.suspect(c.made) {
		c.line.giveUp(errCut)
		return driver.ErrBadConn
	}
	if c.pg.IsClosed() || c.pg.TxStatus() != 'I' || c.pg.CheckConn() != nil { //nolint:staticcheck // see above
		return driver.ErrBadConn
	}
	return nil
}

func (c *postgresConn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), asking)
	defer cancel()
	return c.pg.Close(ctx)
}

// CheckNamedValue lets a batch through to ExecContext.
func (c *postgresConn) CheckNamedValue(v *driver.NamedValue) error {
	if _, ok := v.Value.(*batched); ok {
		return nil
	}
	return driver.ErrSkip
}

func (c *postgresConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// lockHead lets the writers of all processes through one at a time, and each of them
// see what the one before has committed.
const lockHead = `SELECT id FROM log_head WHERE id = 1 FOR UPDATE`

func (c *postgresConn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	text := `BEGIN ISOLATION LEVEL READ COMMITTED`
	switch {
	case c.reader: // one state of the database for all that is asked in it
		text = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`
	case c.head.Load():
		text += `; ` + lockHead
	}
	if err := c.simple(ctx, text); err != nil {
		if !c.pg.IsClosed() && c.pg.TxStatus() != 'I' {
			err = errors.Join(err, c.simple(ctx, `ROLLBACK`))
		}
		return nil, c.again(ctx, err)
	}
	c.snapshot, c.cursors = c.reader, c.cursors[:0]
	return postgresTx{c}, nil
}

func (c *postgresConn) simple(ctx context.Context, text string) error {
	return c.pg.Exec(ctx, text).Close()
}

type postgresTx struct{ c *postgresConn }

// errCommitUnknown: the connection ended while the server was committing.
var errCommitUnknown = errors.New("the connection to PostgreSQL ended while it was committing")

// Commit says errCommitUnknown where it may or may not have happened.
func (t postgresTx) Commit() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	t.c.snapshot, t.c.warned = false, false
	results, err := t.c.pg.Exec(ctx, `COMMIT`).ReadAll()
	if err != nil {
		if _, refused := errors.AsType[*pgconn.PgError](err); refused && !t.c.pg.IsClosed() {
			return err
		}
		return fmt.Errorf("%w: %w", errCommitUnknown, err)
	}
	if len(results) > 0 && results[len(results)-1].CommandTag.String() != "COMMIT" {
		return errors.New("PostgreSQL rolled the transaction back: a statement in it had failed")
	}
	if t.c.warned {
		// One that waits for a synchronous replica can be told to wait no longer, and then says
		// COMMIT with a warning: it is committed here, and perhaps nowhere else.
		return fmt.Errorf("%w: PostgreSQL committed with a warning", errCommitUnknown)
	}
	return nil
}

func (t postgresTx) Rollback() error {
	t.c.snapshot = false
	if t.c.pg.IsClosed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return t.c.simple(ctx, `ROLLBACK`)
}

func (c *postgresConn) Prepare(query string) (driver.Stmt, error) {
	return postgresStmt{c, query}, nil
}

// PrepareContext keeps the text: it is prepared when the types of its parameters are
// known, once on each connection.
func (c *postgresConn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return postgresStmt{c, query}, nil
}

type postgresStmt struct {
	c    *postgresConn
	text string
}

func (s postgresStmt) Close() error  { return nil }
func (s postgresStmt) NumInput() int { return -1 }

func (s postgresStmt) Exec([]driver.Value) (driver.Result, error) {
	return nil, errors.New("use ExecContext")
}

func (s postgresStmt) Query([]driver.Value) (driver.Rows, error) {
	return nil, errors.New("use QueryContext")
}

func (s postgresStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.c.ExecContext(ctx, s.text, args)
}

// QueryContext reads all at once, also in a reading transaction: what is prepared is
// asked often and answered in a few rows.
func (s postgresStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if s.c.reader && ofNothing(args) {
		return &postgresRows{}, nil
	}
	rows, err := s.c.whole(ctx, s.text, args)
	if err != nil && s.c.reader && !s.c.snapshot {
		err = s.c.again(ctx, err)
	}
	return rows, err
}

// ofNothing reports whether a name with a NUL, or that is not UTF-8, is asked for: no text
// of PostgreSQL can hold it, and asked for it the server ends the transaction.
func ofNothing(args []driver.NamedValue) bool {
	for _, a := range args {
		if text, ok := a.Value.(string); ok && (strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text)) {
			return true
		}
	}
	return false
}

// dollars turns ?1 into $1. No other question mark is followed by a digit.
func dollars(query string) string {
	if !strings.Contains(query, "?") {
		return query
	}
	b := []byte(query)
	for i := range len(b) - 1 {
		if b[i] == '?' && b[i+1] >= '1' && b[i+1] <= '9' {
			b[i] = '$'
		}
	}
	return string(b)
}

// statement prepares a text for parameters of these types, or finds it prepared.
func (c *postgresConn) statement(ctx context.Context, query string, p parameters) (*pgconn.StatementDescription, error) {
	key := query + p.signature
	if s, ok := c.statements[key]; ok {
		return s, nil
	}
	if len(c.statements) >= mostStatements {
		if err := c.simple(ctx, `DEALLOCATE ALL`); err != nil {
			return nil, err
		}
		clear(c.statements)
	}
	c.named++
	s, err := c.pg.Prepare(ctx, fmt.Sprintf("s%d", c.named), dollars(query), p.types)
	if err != nil {
		return nil, err
	}
	c.statements[key] = s
	return s, nil
}

// prepared is a text prepared for its arguments, and those as they are sent.
func (c *postgresConn) prepared(ctx context.Context, query string, args []driver.NamedValue) (*pgconn.StatementDescription, parameters, error) {
	p, err := parametersOf(args)
	if err != nil {
		return nil, p, err
	}
	s, err := c.statement(ctx, query, p)
	return s, p, c.stale(err)
}

// ExecContext runs a statement, several of them without parameters (migrations), or
// a batch.
func (c *postgresConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 1 {
		if b, ok := args[0].Value.(*batched); ok {
			return driver.ResultNoRows, c.run(ctx, b)
		}
	}
	if len(args) == 0 && strings.Contains(query, ";") {
		return driver.ResultNoRows, c.simple(ctx, query)
	}
	s, p, err := c.prepared(ctx, query, args)
	if err != nil {
		return nil, err
	}
	tag, err := c.pg.ExecPrepared(ctx, s.Name, p.values, p.formats, nil).Close()
	return driver.RowsAffected(tag.RowsAffected()), c.stale(err)
}

func (c *postgresConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.reader && ofNothing(args) {
		return &postgresRows{}, nil
	}
	if c.snapshot {
		return c.cursor(ctx, query, args)
	}
	rows, err := c.whole(ctx, query, args)
	if err != nil && c.reader {
		err = c.again(ctx, err)
	}
	return rows, err
}

// again lets database/sql ask over another connection where this one has ended meanwhile
// and nothing can have been changed: after a restart of the server the first read of each
// connection may find that out.
func (c *postgresConn) again(ctx context.Context, err error) error {
	if c.pg.IsClosed() && ctx.Err() == nil {
		return driver.ErrBadConn
	}
	return err
}

// whole reads all rows of a query.
func (c *postgresConn) whole(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, p, err := c.prepared(ctx, query, args)
	if err != nil {
		return nil, err
	}
	r := c.pg.ExecPrepared(ctx, s.Name, p.values, p.formats, formatsOf(s.Fields)).Read()
	if r.Err != nil {
		return nil, c.stale(r.Err)
	}
	return &postgresRows{fields: s.Fields, rows: r.Rows}, nil
}

// stale forgets what is prepared where the server says that it does not fit any more,
// as after another process migrated; whoever tries again has it prepared anew.
func (c *postgresConn) stale(err error) error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && (e.Code == "0A000" || e.Code == "26000") {
		clear(c.statements)
	}
	return err
}
