package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/volenti-consent/volenti/server/canonical"
)

// ErrUndurable is returned for a PostgreSQL that may lose what it has acknowledged.
var ErrUndurable = errors.New("this PostgreSQL can lose committed data")

// ErrPostgres is returned for one that this program can't work with.
var ErrPostgres = errors.New("this PostgreSQL can't be used")

// durableElsewhere is the word in a connection string that says that whoever runs the server
// keeps what was committed in another way than PostgreSQL itself, as some services do:
// then fsync and full_page_writes are not asked for.
const durableElsewhere = "volenti_durable_elsewhere"

// oldestPostgres is the first release that is known to do (server_version_num).
const oldestPostgres = 130000

// patience is how long one transaction may wait for the server, all statements
// together; migrations may take longer.
const patience = 30 * time.Second

// hesitation is how long a transaction that writes may wait for its next statement: so
// long a node that vanishes keeps all others from writing. One that only reads keeps
// nobody, and may be busy with what it has read.
const (
	hesitation        = 2 * time.Second
	hesitationReading = time.Minute
)

// idleTimeout ends who hesitates longer.
const idleTimeout = "idle_in_transaction_session_timeout"

// postgres is the dialect of PostgreSQL, and of what speaks its protocol.
type postgres struct {
	head      *atomic.Bool // see postgresConnector
	elsewhere bool
	bytewise  *atomic.Bool // text sorts by bytes by itself
	reach     *reach
}

// OpenPostgres opens the database that a connection string names (a URL or keywords,
// as of libpq), and makes what has to be in it; several processes may have it open. It
// refuses a server that may lose committed data (ErrUndurable), and else does what
// Open does.
func OpenPostgres(ctx context.Context, dsn string, o Options) (*DB, error) {
	o = o.withDefaults()
	config, p, err := postgresConfig(dsn, o)
	if err != nil {
		return nil, err
	}
	db := &DB{dialect: p, name: postgresName(config), known: map[canonical.Digest]struct{}{}}
	db.write = openPool(postgresConnectorOf(config, p, false), 1, o.wrap)
	return db.begin(ctx, opening{moving: o.Moving, readers: func() *sql.DB { return openPool(postgresConnectorOf(config, p, true), o.Readers, o.wrap) }})
}

// OpenPostgresToRead is OpenToRead for PostgreSQL.
func OpenPostgresToRead(ctx context.Context, dsn string, o Options) (*DB, error) {
	if o.Readers <= 0 {
		o.Readers = 2
	}
	o = o.withDefaults()
	config, p, err := postgresConfig(dsn, o)
	if err != nil {
		return nil, err
	}
	db := &DB{dialect: p, name: postgresName(config), known: map[canonical.Digest]struct{}{}, broken: ErrOnlyRead}
	db.read = openPool(postgresConnectorOf(config, p, true), o.Readers, o.wrap)
	return db.beginToRead(ctx)
}

func postgresConfig(dsn string, o Options) (*pgconn.Config, postgres, error) {
	p := postgres{head: &atomic.Bool{}, bytewise: &atomic.Bool{}}
	config, err := pgconn.ParseConfig(dsn)
	if err != nil { // it may hold a password: pgconn leaves that out
		return nil, p, fmt.Errorf("the connection string of PostgreSQL: %w", err)
	}
	if v, ok := config.RuntimeParams[durableElsewhere]; ok {
		if p.elsewhere, err = strconv.ParseBool(v); err != nil {
			return nil, p, fmt.Errorf("the connection string of PostgreSQL: %s is %q, not true or false", durableElsewhere, v)
		}
		delete(config.RuntimeParams, durableElsewhere)
	}
	if config.ConnectTimeout <= 0 {
		config.ConnectTimeout = o.BusyTimeout
	}
	config.DialFunc = dialer().DialContext
	set := func(name, value string) {
		if _, ok := config.RuntimeParams[name]; !ok {
			config.RuntimeParams[name] = value
		}
	}
	set("application_name", "volenti")
	// One that vanishes in a transaction does not hold the lock of all for long: by
	// idleTimeout where it has asked for nothing more, by these where an answer is on its way.
	set("tcp_user_timeout", "5000")
	set("tcp_keepalives_idle", "2")
	set("tcp_keepalives_interval", "1")
	set("tcp_keepalives_count", "3")
	set("lock_timeout", strconv.FormatInt(o.BusyTimeout.Milliseconds(), 10))
	config.RuntimeParams["client_encoding"] = "UTF8"
	config.RuntimeParams["standard_conforming_strings"] = "on"
	config.RuntimeParams["bytea_output"] = "hex"
	p.reach = &reach{config: config.Copy()}
	return config, p, nil
}

func postgresConnectorOf(config *pgconn.Config, p postgres, reader bool) connector {
	c := config.Copy()
	// After a failover the address may still lead to the server that was the first one.
	c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsPrimary
	idle := hesitation
	if reader {
		c.RuntimeParams["default_transaction_read_only"] = "on"
		idle = hesitationReading
	}
	if _, ok := c.RuntimeParams[idleTimeout]; !ok {
		c.RuntimeParams[idleTimeout] = strconv.FormatInt(idle.Milliseconds(), 10)
	}
	return &postgresConnector{config: c, reader: reader, head: p.head, reach: p.reach}
}

// postgresName names a database in errors, without the password.
func postgresName(c *pgconn.Config) string {
	return "the database " + c.Database + " at " + net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
}

func (postgres) migrations() string { return "postgres" }

func (p postgres) check(ctx context.Context, pool *sql.DB, _ bool) error {
	settings := map[string]string{}
	for _, name := range []string{"server_version_num", "server_encoding", "fsync", "full_page_writes", "synchronous_commit"} {
		var value string
		err := pool.QueryRowContext(ctx, `SELECT COALESCE(current_setting(?1, true), '')`, name).Scan(&value)
		if err != nil {
			return err
		}
		settings[name] = value
	}
	if n, err := strconv.Atoi(settings["server_version_num"]); err != nil || n < oldestPostgres {
		return fmt.Errorf("%w: it is of version %s, and must be 13 or newer", ErrPostgres, settings["server_version_num"])
	}
	if e := settings["server_encoding"]; e != "UTF8" {
		return fmt.Errorf("%w: its encoding is %s: create the database with ENCODING 'UTF8'", ErrPostgres, e)
	}
	for _, name := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		if settings[name] == "off" && (name == "synchronous_commit" || !p.elsewhere) {
			return fmt.Errorf("%w: %s is off: set %s = on in postgresql.conf and reload it; where the storage beneath keeps its word by itself, add %s=true to the connection string",
				ErrUndurable, name, name, durableElsewhere)
		}
	}
	var bytewise bool
	if err := pool.QueryRowContext(ctx, `SELECT 'B' < 'a' AND 'b' < 'é' AND 'a b' < 'aa'`).Scan(&bytewise); err != nil {
		return err
	}
	p.bytewise.Store(bytewise)
	return nil
}

var textColumn = regexp.MustCompile(`(?m)^(\s+(?:ADD COLUMN )?\w+ +|ALTER TABLE \w+ +ADD COLUMN \w+ +)TEXT\b`)

// schema has text sort by bytes, as it does in SQLite, also where the database was
// made for a language: answers must not change with the engine, and an index not break
// when the operating system learns to sort anew.
func (p postgres) schema(text string) string {
	if p.bytewise.Load() {
		return text
	}
	return textColumn.ReplaceAllString(text, `${1}TEXT COLLATE "C"`)
}

// lockSchema lets one process at a time migrate. Of two that make the table at once,
// one may fail; it tries again.
func (p postgres) lockSchema(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO schema_migration (version, name) VALUES (0, 'lock') ON CONFLICT (version) DO NOTHING`); err != nil {
		return err
	}
	var version int64
	return tx.QueryRowContext(ctx, `SELECT version FROM schema_migration WHERE version = 0 FOR UPDATE`).Scan(&version)
}

// migrated is told that there is a head to lock.
func (p postgres) migrated() { p.head.Store(true) }

func (postgres) leave(*sql.DB) error { return nil }

func (postgres) patience() time.Duration { return patience }

func (postgres) unhurried(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `SET LOCAL `+idleTimeout+` = 0`)
	return err
}

func (postgres) bytes(db *DB) (n int64, err error) {
	err = db.read.QueryRowContext(context.Background(), `SELECT pg_database_size(current_database())`).Scan(&n)
	return n, err
}

// codeOf is the SQLSTATE of an error (postgresql.org/docs/current/errcodes-appendix.html).
func codeOf(err error) (string, bool) {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return "", false
	}
	return e.Code, true
}

// disconnected: the connection ended, or never was. Nobody knows how far the server came.
func disconnected(err error) bool {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, errSilent) || errors.Is(err, errCut) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) || errors.Is(err, errCommitUnknown) {
		return true
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := codeOf(err); ok {
		return false
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "unexpected EOF") || strings.Contains(err.Error(), "conn closed")
}

func (postgres) unavailable(err error) bool {
	if err == nil {
		return false
	}
	code, ok := codeOf(err)
	if !ok {
		return disconnected(err)
	}
	switch code[:2] {
	case "08", // connection exception
		"28", // authorization: a password that is being changed
		"40", // rolled back: serialization, deadlock
		"53", // resources: disk full, out of memory, too many connections
		"57", // operator intervention: shutdown, cancelled, starting up
		"58": // system error: I/O
		return true
	}
	switch code {
	case "55P03", "25006", "25P03", "42501", "3D000", "0A000", "26000", "55000":
		return true
	}
	return false
}

// again: nothing was kept, and another try may do.
func (postgres) again(err error) bool {
	if err == nil || errors.Is(err, errCommitUnknown) || errors.Is(err, errSilent) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	code, ok := codeOf(err)
	if !ok {
		return disconnected(err)
	}
	switch code {
	case "40001", "40P01", // serialization failure, deadlock
		"57P01", "57P02", "57P03", // shut down, crashed, starting up
		"25P03",          // the transaction was idle for too long
		"25006",          // this server is not the first one any more
		"0A000", "26000": // what was prepared does not fit any more
		return true
	}
	return code[:2] == "08"
}

func (postgres) damaged(err error) bool {
	code, ok := codeOf(err)
	return ok && (code == "XX001" || code == "XX002")
}

// lostSync: a PostgreSQL that fails to sync stops and recovers from its own log.
func (postgres) lostSync(error) bool { return false }

func (postgres) duplicate(err error) bool {
	code, _ := codeOf(err)
	return code == "23505"
}

func (postgres) noParent(err error) bool {
	code, _ := codeOf(err)
	return code == "23503"
}
