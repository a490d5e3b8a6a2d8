//go:build unix

package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/socket"
)

// A lineage is a server whose processes succeed one another. Standard error goes to a
// file: a pipe would end with the last of them only.
type lineage struct {
	t    *testing.T
	base string
	data string
	log  string
	pid  int
	done chan error // of the first process
}

// found starts a server in its own session, without a terminal. env is added to its
// environment, and files are its descriptors from 3 on.
func found(t *testing.T, data string, env []string, files []*os.File, args ...string) *lineage {
	t.Helper()
	l := &lineage{t: t, data: data, log: filepath.Join(t.TempDir(), "log"), done: make(chan error, 1)}
	log, err := os.Create(l.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	address := freeAddress(t)
	l.base = "http://" + address
	cmd := exec.Command(binary, append([]string{"serve", "--listen", address, "--data", data}, args...)...)
	cmd.Stderr, cmd.Env, cmd.ExtraFiles = log, append(os.Environ(), env...), files
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l.pid = cmd.Process.Pid
	go func() { l.done <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(l.pid, syscall.SIGKILL)
		l.ended(l.pid)
	})
	l.until("it serves", func() bool { return l.answers("/healthz") })
	return l
}

func (l *lineage) answers(path string) bool {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(l.base + path)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (l *lineage) said() string {
	text, err := os.ReadFile(l.log)
	if err != nil {
		l.t.Fatal(err)
	}
	return string(text)
}

// until waits for a condition; a minute is for machines that are very busy.
func (l *lineage) until(what string, holds func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("not within a minute: %s\n%s", what, l.said())
		}
	}
}

func (l *lineage) ended(pid int) {
	l.until(fmt.Sprintf("process %d ends", pid), func() bool {
		// A child of ours that nobody waits for is a zombie; done waits for the first.
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(state), ") Z ")
	})
}

var succeeded = regexp.MustCompile(`msg=succeeded by=(\d+)`)

// succeed asks for a successor and waits until it is the only one.
func (l *lineage) succeed(signal syscall.Signal) {
	l.t.Helper()
	before := len(succeeded.FindAllString(l.said(), -1))
	if err := syscall.Kill(l.pid, signal); err != nil {
		l.t.Fatal(err)
	}
	l.until("a successor takes over", func() bool { return len(succeeded.FindAllString(l.said(), -1)) > before })
	old := l.pid
	l.pid = heirs(l)
	l.ended(old)
}

// A rush decides, with clients that keep their connections and never send again, until
// it is told to end.
type rush struct {
	crowd
	on  atomic.Bool
	all sync.WaitGroup
}

func (l *lineage) rush(n int) *rush {
	p := &process{t: l.t, base: l.base}
	r := &rush{crowd: crowd{receipts: map[string][]byte{}}}
	r.on.Store(true)
	for client := range n {
		v := p.open(nil)
		r.all.Go(func() {
			for i := 0; r.on.Load(); i++ {
				id := fmt.Sprintf("c%d-n%d", client, i)
				status, receipt, err := v.decide(id)
				r.note(id, status, receipt, err)
			}
		})
	}
	return r
}

func (r *rush) more(l *lineage, n int64) {
	goal := r.answered.Load() + n
	l.until("more decisions are answered", func() bool { return r.answered.Load() >= goal || len(r.failed()) > 0 })
}

func (r *rush) failed() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(append([]string{}, r.refused...), r.unanswered...)
}

func (r *rush) end(t *testing.T, l *lineage) {
	t.Helper()
	r.on.Store(false)
	r.all.Wait()
	if failed := r.failed(); len(failed) > 0 {
		t.Errorf("%d of %d decisions were not answered: %s\n%s", len(failed), r.answered.Load()+int64(len(failed)), failed[0], l.said())
	}
	r.audit(t, (&process{t: t, base: l.base}).open(nil))
}

// A server that is succeeded under load answers every request, and what it answered is
// there. The configuration is read anew each time.
func TestSuccessionLosesNoRequest(t *testing.T) {
	config := filepath.Join(t.TempDir(), "volenti.toml")
	write := func(text string) {
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	l := found(t, publish(t), nil, nil, "--config", config, "--metrics-listen", "127.0.0.1:0")
	r := l.rush(16)
	for i := range times(4, "VOLENTI_TEST_RELOADS") {
		r.more(l, 50)
		write([]string{"[log]\nlevel = \"debug\"\n", ""}[i%2])
		l.succeed([]syscall.Signal{syscall.SIGHUP, syscall.SIGUSR2}[i/2%2])
	}
	r.more(l, 50)
	r.end(t, l)
	if n := strings.Count(l.said(), "level=DEBUG"); n < 50 {
		t.Errorf("the new level of the log was not in force: %d lines\n%s", n, l.said())
	}
}

// A configuration that can't be used changes nothing.
func TestSuccessorThatCannotStartChangesNothing(t *testing.T) {
	config := filepath.Join(t.TempDir(), "volenti.toml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := found(t, publish(t), nil, nil, "--config", config)
	r := l.rush(4)
	for i, text := range []string{"nonsense = 1\n", "[log]\nlevel = \"loud\"\n", "not toml", "[geo]\ndatabase = \"/nowhere.mmdb\"\n"} {
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(l.pid, syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		l.until("the successor is refused", func() bool { return strings.Count(l.said(), "this process goes on as it was") == i+1 })
		r.more(l, 20)
	}
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l.succeed(syscall.SIGHUP)
	r.end(t, l)
}

// A socket of the service manager outlives the server: what comes while there is none
// waits in it. And the manager is told what becomes of the server.
func TestServiceManagersSocket(t *testing.T) {
	listening, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listening.Close()
	file, err := listening.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	hears := func(pattern string) {
		t.Helper()
		b := make([]byte, 4096)
		_ = manager.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := manager.Read(b)
		if err != nil {
			t.Fatalf("the manager is not told %s: %v", pattern, err)
		}
		if !regexp.MustCompile(pattern).Match(b[:n]) {
			t.Errorf("the manager was told %q, not %s", b[:n], pattern)
		}
	}
	l := &lineage{t: t, base: "http://" + listening.Addr().String(), data: publish(t), log: filepath.Join(t.TempDir(), "log")}
	run := func() *exec.Cmd {
		log, err := os.OpenFile(l.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		// Only the child itself knows its number before it runs the program.
		cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=volenti.socket exec "$0" serve --listen 127.0.0.1:1 --data "$1"`, binary, l.data)
		cmd.ExtraFiles, cmd.Stderr = []*os.File{file}, log
		cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+manager.LocalAddr().String())
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		hears(fmt.Sprintf("^MAINPID=%d\nREADY=1$", cmd.Process.Pid))
		return cmd
	}
	server := run()
	r := l.rush(8)
	for range times(2, "VOLENTI_TEST_RESTARTS") {
		r.more(l, 50)
		if err := server.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		hears("^STOPPING=1$")
		if err := server.Wait(); err != nil {
			t.Errorf("a stop by SIGTERM ends with %v", err)
		}
		server = run()
	}
	r.more(l, 50)
	if err := server.Process.Signal(syscall.SIGHUP); err != nil {
		t.Error(err)
	}
	hears("^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*$")
	hears("^MAINPID=[0-9]+\nREADY=1$")
	if err := server.Wait(); err != nil {
		t.Errorf("a process that was succeeded ends with %v", err)
	}
	l.pid = heirs(l)
	t.Cleanup(func() { _ = syscall.Kill(l.pid, syscall.SIGKILL); l.ended(l.pid) })
	r.more(l, 50)
	r.end(t, l)
}

// heirs is who has succeeded last.
func heirs(l *lineage) int {
	all := succeeded.FindAllStringSubmatch(l.said(), -1)
	if len(all) == 0 {
		l.t.Fatalf("nobody has succeeded\n%s", l.said())
	}
	pid, _ := strconv.Atoi(all[len(all)-1][1])
	return pid
}

// An upgrade that changes the schema waits until the older program has finished, and
// clients wait with it. This process is the older program: what follows knows it by its
// sockets alone.
func TestSuccessionOverAChangedSchema(t *testing.T) {
	data := older(t)
	sockets := &socket.Set{}
	address := freeAddress(t)
	listening, err := sockets.Listen(t.Context(), socket.Main, address)
	if err != nil {
		t.Fatal(err)
	}
	schema := func() (version int64) {
		db, err := sql.Open("sqlite3", filepath.Join(data, "volenti.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.QueryRowContext(t.Context(), `SELECT MAX(version) FROM schema_migration`).Scan(&version); err != nil {
			t.Fatal(err)
		}
		return version
	}
	pid, err := sockets.Succeed(t.Context(), binary, []string{"volenti", "serve", "--listen", address, "--data", data})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		_, _ = syscall.Wait4(pid, nil, 0, nil)
	})
	answered := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + address + "/readyz")
		if err == nil {
			err = resp.Body.Close()
		}
		answered <- err
	}()
	if now := schema(); now != 15 {
		t.Errorf("the schema is %d while the older program writes", now)
	}
	select {
	case err := <-answered:
		t.Errorf("answered while the older program writes: %v", err)
	default:
	}
	if err := errors.Join(listening.Close(), sockets.Release()); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if now := schema(); now <= 15 {
		t.Errorf("the schema is still %d", now)
	}
}

// older makes a data folder with a database of schema 15 in which nothing stands.
func older(t *testing.T) (data string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "older")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", filepath.Join(data, "volenti.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	run := func(query string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	run(`CREATE TABLE schema_migration (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)`)
	files, err := filepath.Glob("../../server/store/migrations/sqlite/*.sql")
	if err != nil || len(files) < 16 {
		t.Fatal(files, err)
	}
	for i, file := range files[:15] {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		run(string(text))
		run(`INSERT INTO schema_migration VALUES (?1, ?2)`, i+1, filepath.Base(file))
	}
	empty := auditlog.Empty()
	run(`INSERT INTO log_head (id, size, root) VALUES (1, ?1, ?2)`, empty.Size, empty.Root[:])
	return data
}
