// Package storetest gives tests a PostgreSQL: a real one, started by the test in a
// temporary folder, or the one that VOLENTI_TEST_POSTGRES names.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Variable names a server for all tests to share: a URL of somebody who may create
// databases. Without it each test binary starts its own.
const Variable = "VOLENTI_TEST_POSTGRES"

// Engine is the variable that says which engine tests run on that run on either:
// "postgres", or SQLite.
const Engine = "VOLENTI_TEST_ENGINE"

// OnPostgres reports whether tests that run on either engine shall run on PostgreSQL.
func OnPostgres() bool { return os.Getenv(Engine) == "postgres" }

var shared struct {
	mu       sync.Mutex
	server   *Server
	err      error
	template string // a database with the schema

	next atomic.Int64

	inputs sync.Map // those of all servers: one that nobody refers to is closed, and its server ends
}

// Postgres is the connection string of a fresh database, and where migrate is given one
// that it has brought up to date. It is dropped when the test ends. Its server does not
// sync, which the string says.
func Postgres(t testing.TB, migrate func(dsn string) error) string {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = share()
	}
	if shared.err == nil && migrate != nil && shared.template == "" {
		shared.err = makeTemplate(migrate)
	}
	switch {
	case errors.Is(shared.err, ErrMissing):
		t.Skip(shared.err)
	case shared.err != nil:
		t.Fatal(shared.err)
	case migrate != nil:
		return shared.server.Database(t, "TEMPLATE "+shared.template)
	}
	return shared.server.Database(t)
}

// PostgresWith is Postgres with an empty database that was made in another way.
func PostgresWith(t testing.TB, more string) string {
	t.Helper()
	Postgres(t, nil)
	return shared.server.Database(t, more)
}

// share is the server of this test binary.
func share() (*Server, error) {
	if given := os.Getenv(Variable); given != "" {
		u, err := url.Parse(given)
		return &Server{admin: u}, err
	}
	return Start(false)
}

// makeTemplate makes the database that others are copies of: that is quicker than to
// migrate each.
func makeTemplate(migrate func(dsn string) error) error {
	name := fmt.Sprintf("template_%d", os.Getpid())
	if err := shared.server.Do(`CREATE DATABASE ` + name + ` TEMPLATE template0`); err != nil {
		return err
	}
	shared.template = name
	return migrate(shared.server.DSN(name))
}

// Database makes a database, and drops it when the test ends. more is added to CREATE
// DATABASE.
func (s *Server) Database(t testing.TB, more ...string) string {
	t.Helper()
	how := strings.Join(append([]string{"TEMPLATE template0"}, more...), " ")
	if len(more) == 1 && strings.HasPrefix(more[0], "TEMPLATE ") {
		how = more[0]
	}
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), shared.next.Add(1))
	if err := s.Do(`CREATE DATABASE ` + name + ` ` + how); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Do(`DROP DATABASE IF EXISTS ` + name + ` WITH (FORCE)`); err != nil {
			t.Logf("drop database: %v", err)
		}
	})
	return s.DSN(name)
}

// DSN names a database of the server.
func (s *Server) DSN(name string) string {
	u := *s.admin
	u.Path = "/" + name
	if !s.durable {
		q := u.Query()
		q.Set("volenti_durable_elsewhere", "true") // it is nowhere, and no test asks
		u.RawQuery = q.Encode()
	}
	return u.String()
}

// Do runs a statement as somebody who may do anything.
func (s *Server) Do(text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgconn.Connect(ctx, s.admin.String())
	if err != nil {
		return err
	}
	return errors.Join(c.Exec(ctx, text).Close(), c.Close(ctx))
}

// ErrMissing: no PostgreSQL is installed.
var ErrMissing = errors.New("PostgreSQL is not installed: install it (Debian: postgresql), or set " + Variable)

// A Server is a PostgreSQL that runs until this process ends.
type Server struct {
	admin   *url.URL
	durable bool
	bin     string
	folder  string
	options []string
	inputs  []io.Closer // of each time it was started: closed, it stops
}

// Start makes a cluster and starts it. Only one that is durable survives Kill.
func Start(durable bool, options ...string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "pg") // short: the path of a socket has to fit into 107 bytes
	if err != nil {
		return nil, err
	}
	s := &Server{durable: durable, bin: bin, folder: folder, options: options}
	s.admin = &url.URL{Scheme: "postgres", Path: "/postgres", RawQuery: url.Values{"host": {folder}, "user": {"volenti"}, "sslmode": {"disable"}}.Encode()}
	if err := chown(folder); err != nil {
		return nil, err
	}
	c := s.command("initdb", "--pgdata="+s.data(), "--username=volenti", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return s, s.Start()
}

// Folder is where the server keeps all it has: its log is there as "log".
func (s *Server) Folder() string { return s.folder }

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// Start starts a server that was stopped.
func (s *Server) Start() error {
	args := []string{"-D", s.data(), "-k", s.folder, "-c", "listen_addresses=", "-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "autovacuum_naptime=1d"}
	if !s.durable {
		args = append(args, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	for _, o := range s.options {
		args = append(args, "-c", o)
	}
	// The server ends with whoever started it: cat does when our end of its input closes.
	script := `exec 3<&0; cd "$1"; shift; "$0" "$@" 2>>log 3<&- & p=$!
(cat <&3 >/dev/null; [ -e ended.$p ] || kill -INT $p) & c=$!
wait $p; : >ended.$p; wait $c; rm -rf "$PWD"`
	deadline := time.Now().Add(2 * time.Minute)
	for {
		running := s.command("sh", append([]string{"-c", script, filepath.Join(s.bin, "postgres"), s.folder}, args...)...)
		stdin, err := running.StdinPipe()
		if err != nil {
			return err
		}
		if err := running.Start(); err != nil {
			return err
		}
		s.inputs = append(s.inputs, stdin)
		shared.inputs.Store(stdin, true)
		for ended := false; !ended; time.Sleep(10 * time.Millisecond) {
			err := s.Do(`SELECT 1`)
			if err == nil {
				return nil
			}
			if time.Now().After(deadline) {
				log, _ := os.ReadFile(filepath.Join(s.folder, "log"))
				return fmt.Errorf("PostgreSQL does not start: %w\n%s", err, log)
			}
			// After a kill it does not start before the last of its former processes ended.
			marks, _ := filepath.Glob(filepath.Join(s.folder, "ended.*"))
			ended = len(marks) == len(s.inputs)
		}
	}
}

// Postmaster is the id of the server's first process.
func (s *Server) Postmaster() (int, error) {
	b, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(b), "\n")
	return strconv.Atoi(first)
}

// binaries is the folder of initdb and postgres.
func binaries() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Sort(folders)
	slices.Reverse(folders)
	if path, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, "initdb")); err == nil {
			return folder, nil
		}
	}
	return "", ErrMissing
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	path := name
	if _, err := os.Stat(filepath.Join(s.bin, name)); err == nil {
		path = filepath.Join(s.bin, name)
	}
	c := exec.Command(path, args...) //nolint:gosec,noctx // of PostgreSQL, with arguments of ours; it ends with its input
	c.Dir = s.folder
	c.Env = append(os.Environ(), "LC_ALL=C")
	unprivileged(c)
	return c
}
