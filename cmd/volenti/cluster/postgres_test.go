package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A postgres is a PostgreSQL of one machine: the first one, or the other's replica.
type postgres struct {
	t      *testing.T
	name   string
	folder string
	w      wires
	cmd    *exec.Cmd
	done   chan struct{}
	log    *bytes.Buffer
}

func bin(t *testing.T, name string) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if path, err := exec.LookPath(name); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		t.Skipf("PostgreSQL is not installed (%s is missing): install it (Debian: postgresql)", name)
	}
	return found[len(found)-1]
}

func newPostgres(t *testing.T, w wires, name string) *postgres {
	t.Helper()
	folder, err := os.MkdirTemp("", "vol-"+name) // short: a socket is in it
	if err != nil {
		t.Fatal(err)
	}
	give(t, folder)
	p := &postgres{t: t, name: name, folder: folder, w: w}
	t.Cleanup(func() { p.kill(); _ = os.RemoveAll(folder) })
	return p
}

func give(t *testing.T, path string) {
	t.Helper()
	if _, cred := somebody(); cred != nil {
		if err := os.Chown(path, int(cred.Uid), int(cred.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *postgres) data() string { return filepath.Join(p.folder, "data") }

func (p *postgres) run(args ...string) {
	p.t.Helper()
	c := p.w.command(p.name, args...)
	c.Dir = p.folder
	if out, err := c.CombinedOutput(); err != nil {
		p.t.Fatalf("%s: %s: %v\n%s", p.name, filepath.Base(args[0]), err, out)
	}
}

// init makes an empty database server, which may be copied by its machines.
func (p *postgres) init() {
	p.t.Helper()
	p.run(bin(p.t, "initdb"), "--pgdata="+p.data(), "--username=volenti", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	p.write("pg_hba.conf", "local all all trust\nhost all all 0.0.0.0/0 trust\nhost replication all 0.0.0.0/0 trust\n")
}

func (p *postgres) write(file, text string) {
	p.t.Helper()
	path := filepath.Join(p.data(), file)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	give(p.t, path)
}

// copy makes a replica of another one, under a name that synchronous_standby_names knows.
func (p *postgres) copy(of *postgres) {
	p.t.Helper()
	p.kill()
	if err := os.RemoveAll(p.data()); err != nil {
		p.t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(p.w.reach(p.name, of.name))
	p.run(bin(p.t, "pg_basebackup"), "--pgdata="+p.data(), "--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--wal-method=stream",
		"--dbname=host="+host+" port="+port+" user=volenti")
}

// start starts it. needs names the replica without which nothing is committed; "" is none.
func (p *postgres) start(needs string) {
	p.t.Helper()
	// Not on the command line, which nothing could change later; the last line counts.
	f, err := os.OpenFile(filepath.Join(p.data(), "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = fmt.Fprintf(f, "\nsynchronous_standby_names = '%s'\n", needs)
	if err = errors.Join(err, f.Close()); err != nil {
		p.t.Fatal(err)
	}
	until(p.t, p.name+" answers", func() bool {
		if p.cmd == nil {
			p.begin()
		}
		select {
		case <-p.done: // what is left of a killed one is still ending
			p.cmd = nil
			return false
		default:
			return p.do(`SELECT 1`) == nil
		}
	})
}

func (p *postgres) begin() {
	host, port, _ := net.SplitHostPort(p.w.listen(p.name))
	p.cmd = p.w.command(p.name, bin(p.t, "postgres"), "-D", p.data(), "-k", p.folder, "-c", "listen_addresses="+host, "-c", "port="+port,
		"-c", "cluster_name="+p.name, "-c", "max_connections=60", "-c", "shared_buffers=64MB", "-c", "wal_sender_timeout=3s", "-c", "wal_receiver_timeout=3s",
		"-c", "autovacuum_naptime=1d", "-c", "wal_keep_size=256MB")
	p.cmd.Dir = p.folder
	p.log = &bytes.Buffer{}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	done, cmd := make(chan struct{}), p.cmd
	p.done = done
	go func() { _ = cmd.Wait(); close(done) }()
}

// dsn is the way to it over its socket, which no wire is needed for.
func (p *postgres) dsn(database string) string {
	_, port, _ := net.SplitHostPort(p.w.listen(p.name))
	return fmt.Sprintf("host=%s port=%s user=volenti dbname=%s", p.folder, port, database)
}

func (p *postgres) do(text string) error {
	_, err := p.ask(text)
	return err
}

func (p *postgres) ask(text string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := pgconn.Connect(ctx, p.dsn("postgres"))
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close(ctx) }()
	results, err := c.Exec(ctx, text).ReadAll()
	if err != nil || len(results) == 0 || len(results[0].Rows) == 0 {
		return "", err
	}
	return string(results[0].Rows[0][0]), nil
}

// kill is SIGKILL: nothing is written any more, nobody is told.
func (p *postgres) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.done
	p.cmd = nil
}

// promote makes a replica the first one. It needs no other from then on, until it has one.
func (p *postgres) promote() {
	p.t.Helper()
	if err := p.do(`SELECT pg_promote(true, 60)`); err != nil {
		p.t.Fatal(err)
	}
}

// synchronous has what is committed wait for a replica, which must be there.
func (p *postgres) synchronous(replica string) {
	p.t.Helper()
	for _, text := range []string{`ALTER SYSTEM SET synchronous_standby_names = '` + replica + `'`, `SELECT pg_reload_conf()`} {
		if err := p.do(text); err != nil {
			p.t.Fatal(err)
		}
	}
	until(p.t, p.name+" has its replica", func() bool {
		state, err := p.ask(`SELECT COALESCE(string_agg(sync_state, ' '), '') FROM pg_stat_replication`)
		return err == nil && strings.Contains(state, "sync") && !strings.Contains(state, "async")
	})
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within two minutes: %s", what)
		}
	}
}
