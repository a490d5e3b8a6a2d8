//go:build linux

package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// A badDisk is that of one server: it can be full, and it can stop keeping what it is given.
type badDisk struct {
	t   *testing.T
	off string
	env []string
}

func newDisk(t *testing.T) badDisk {
	t.Helper()
	folder := t.TempDir()
	library := filepath.Join(folder, "disk.so")
	out, err := exec.CommandContext(t.Context(), "gcc", "-O2", "-shared", "-fPIC", "-o", library, "../../server/store/testdata/disk.c", "-ldl", "-lpthread").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	d := badDisk{t: t, off: filepath.Join(folder, "switch")}
	d.env = []string{"LD_PRELOAD=" + library, "DISK_SWITCH=" + d.off}
	return d
}

// fails has calls of a kind fail: w for writes (no space left), s for syncs.
func (d badDisk) fails(kind string) {
	d.t.Helper()
	if err := os.WriteFile(d.off, []byte(kind), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d badDisk) works() {
	d.t.Helper()
	if err := os.Remove(d.off); err != nil {
		d.t.Fatal(err)
	}
}

// A witness decides, remembers what was answered, and looks whether it stays.
type witness struct {
	l        *lineage
	v        *visit
	receipts map[string][]byte
	n        int
}

func (l *lineage) witness() *witness {
	return &witness{l: l, v: (&process{t: l.t, base: l.base}).open(nil), receipts: map[string][]byte{}}
}

// decide is 201 with a receipt, or 503 that says when to try again. Anything else is an
// error.
func (w *witness) decide() (kept bool) {
	w.l.t.Helper()
	w.n++
	id := fmt.Sprintf("w%d", w.n)
	body, err := json.Marshal(consent.Decision{ID: id, Token: w.v.token, Action: consent.Save, Surface: consent.OnBanner, At: 1,
		Categories: map[string]bool{"preferences": true, "analytics": id[len(id)-1]%2 == 0, "marketing": false}, Vendors: map[string]bool{}})
	if err != nil {
		w.l.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.l.t.Context(), http.MethodPost, w.v.base+"/v1/sites/shop/decisions", bytes.NewReader(body))
	if err != nil {
		w.l.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", shopOrigin)
	resp, err := w.v.client.Do(req)
	if err != nil {
		w.l.t.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		w.l.t.Fatal(err)
	}
	switch {
	case resp.StatusCode == http.StatusCreated:
		w.receipts[id] = text.Bytes()
		return true
	case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
		return false
	}
	w.l.t.Fatalf("decision %s: %d, Retry-After %q: %s", id, resp.StatusCode, resp.Header.Get("Retry-After"), text.String())
	return false
}

func (w *witness) decides(n int, kept bool) {
	w.l.t.Helper()
	for range n {
		if w.decide() != kept {
			w.l.t.Fatalf("decision w%d: kept is %v\n%s", w.n, !kept, w.l.said())
		}
	}
}

// allRead asks for every receipt, and for what needs no disk.
func (w *witness) allRead() {
	w.l.t.Helper()
	for id, receipt := range w.receipts {
		at, _, err := place(receipt)
		if err != nil {
			w.l.t.Fatal(err)
		}
		if status, got, err := w.v.get("/v1/sites/shop/receipts/" + at); err != nil || status != http.StatusOK || !bytes.Equal(got, receipt) {
			w.l.t.Errorf("receipt of %s: %d %v", id, status, err)
		}
	}
	for _, path := range []string{"/b/shop.js", "/healthz", "/policies/shop/privacy", "/.well-known/jwks.json"} {
		if status, _, err := w.v.get(path); err != nil || status != http.StatusOK {
			w.l.t.Errorf("%s: %d %v", path, status, err)
		}
	}
}

func (w *witness) ready(want bool) {
	w.l.t.Helper()
	if status, text, err := w.v.get("/readyz"); err != nil || (status == http.StatusOK) != want {
		w.l.t.Errorf("/readyz: %d %v %s, and ready is %v", status, err, text, want)
	}
}

// again kills the server and starts it anew.
func (l *lineage) again(env []string) *lineage {
	l.t.Helper()
	_ = syscall.Kill(l.pid, syscall.SIGKILL)
	<-l.done
	before := time.Now()
	again := found(l.t, l.data, env, nil)
	l.t.Logf("killed, and ready again after %v", time.Since(before).Round(time.Millisecond))
	return again
}

// The disk is full: banners and receipts are served, decisions are refused with the word
// to try again, and once there is space they are kept, without anybody's doing.
func TestDiskIsFull(t *testing.T) {
	d := newDisk(t)
	l := found(t, publish(t), d.env, nil)
	w := l.witness()
	w.decides(20, true)
	w.ready(true)
	d.fails("w")
	w.decides(40, false)
	w.allRead()
	w.ready(false)
	d.works()
	w.decides(1, true)
	w.ready(true)
	w.decides(20, true)
	after := l.again(nil).witness()
	after.receipts = w.receipts
	after.allRead()
}

// A sync failed: what the disk holds is unknown, and a second sync may say yes to what
// the first has lost. Nothing is kept until another start has looked.
func TestDiskDoesNotKeepItsWord(t *testing.T) {
	d := newDisk(t)
	l := found(t, publish(t), d.env, nil)
	w := l.witness()
	w.decides(20, true)
	d.fails("s")
	w.decides(3, false)
	d.works()
	w.decides(20, false)
	w.ready(false)
	w.allRead()
	after := l.again(d.env).witness()
	after.receipts = w.receipts
	after.allRead()
	after.n = w.n
	after.decides(5, true)
	after.ready(true)
}

// Another process holds the lock for longer than anybody waits: decisions are refused or
// kept, none is lost, and it goes on when the lock is gone.
func TestAnotherProcessHoldsTheLock(t *testing.T) {
	holds := []time.Duration{100 * time.Millisecond, 7 * time.Second}
	if os.Getenv("VOLENTI_TEST_LOCKS") != "" {
		holds = []time.Duration{100 * time.Millisecond, time.Second, 4 * time.Second, 10 * time.Second}
	}
	l := found(t, publish(t), nil, nil, "--limits-by", "none")
	v := (&process{t: t, base: l.base}).open(nil) // what nobody was served before is written down first
	for _, hold := range holds {
		db, err := sql.Open("sqlite3", filepath.Join(l.data, "volenti.db")+"?_txlock=immediate&_busy_timeout=60000")
		if err != nil {
			t.Fatal(err)
		}
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		const many = 500
		var all sync.WaitGroup
		c := &crowd{receipts: map[string][]byte{}}
		begin := time.Now()
		var mu sync.Mutex
		var slowest time.Duration
		busy := 0
		for i := range many {
			all.Go(func() {
				id := fmt.Sprintf("h%d-%d", hold, i)
				status, receipt, err := v.decide(id)
				took := time.Since(begin)
				mu.Lock()
				defer mu.Unlock()
				if err == nil && status == http.StatusServiceUnavailable {
					busy++
					return
				}
				slowest = max(slowest, took)
				c.note(id, status, receipt, err)
			})
		}
		time.AfterFunc(hold, func() { _ = tx.Rollback() })
		all.Wait()
		if err := errors.Join(tx.Rollback(), db.Close()); err != nil && !errors.Is(err, sql.ErrTxDone) {
			t.Error(err)
		}
		t.Logf("lock held %v: %d kept, the last after %v, %d refused with 503", hold, len(c.receipts), slowest.Round(time.Millisecond), busy)
		for _, wrong := range append(c.refused, c.unanswered...) {
			t.Errorf("%s", wrong)
		}
		keys := v.keys(t)
		for decision := range c.receipts {
			c.find(t, v, keys, decision)
		}
		l.until("decisions are kept again", func() bool {
			status, _, err := v.decide(fmt.Sprintf("after%d", hold))
			return err == nil && status == http.StatusCreated
		})
	}
}

// A record of the future: the clock is behind it, now or then. Nothing is recorded until
// the clock is right, or somebody says that it is.
func TestClockIsBehindTheRecords(t *testing.T) {
	l := found(t, publish(t), nil, nil)
	w := l.witness()
	w.decides(2, true)
	_ = syscall.Kill(l.pid, syscall.SIGKILL)
	<-l.done
	db, err := sql.Open("sqlite3", filepath.Join(l.data, "volenti.db"))
	if err != nil {
		t.Fatal(err)
	}
	var trigger string
	err = db.QueryRowContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'record' AND sql LIKE '%UPDATE OF%received_at%'`).Scan(&trigger)
	if err == nil {
		_, err = db.ExecContext(t.Context(), `DROP TRIGGER `+trigger+`; UPDATE record SET received_at = received_at + 3600000 WHERE position = (SELECT MAX(position) FROM record)`)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	behind := found(t, l.data, nil, nil)
	late := behind.witness()
	late.n = 10
	late.ready(false)
	late.decides(3, false)
	if said := behind.said(); !strings.Contains(said, "--clock-set-back") {
		t.Errorf("the log does not say the mend:\n%s", said)
	}
	_ = syscall.Kill(behind.pid, syscall.SIGTERM)
	<-behind.done
	mended := found(t, l.data, nil, nil, "--clock-set-back").witness()
	mended.n = 20
	mended.ready(true)
	mended.decides(3, true)
}

// A start that can't work ends at once, says why in a line, and changes nothing.
func TestStartsThatCannotWork(t *testing.T) {
	data := publish(t)
	ran := found(t, data, nil, nil) // keys are made, the log is signed
	_ = syscall.Kill(ran.pid, syscall.SIGTERM)
	<-ran.done
	database := func(folder string) string { return filepath.Join(folder, "volenti.db") }
	cases := map[string]struct {
		spoil func(t *testing.T, folder string)
		says  string
	}{
		"the database is a folder": {func(t *testing.T, folder string) {
			if err := errors.Join(os.Remove(database(folder)), os.Mkdir(database(folder), 0o700)); err != nil {
				t.Fatal(err)
			}
		}, "is a directory"},
		"the database is something else": {func(t *testing.T, folder string) {
			if err := os.WriteFile(database(folder), bytes.Repeat([]byte("no database\n"), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a database"},
		"the database is cut": {func(t *testing.T, folder string) {
			if err := os.Truncate(database(folder), 20000); err != nil {
				t.Fatal(err)
			}
		}, "restore the database from a backup"},
		"the database is of a later program": {func(t *testing.T, folder string) {
			db, err := sql.Open("sqlite3", database(folder))
			if err != nil {
				t.Fatal(err)
			}
			_, err = db.ExecContext(t.Context(), `INSERT INTO schema_migration VALUES (999, '0999_future.sql')`)
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
		}, "newer version of volenti"},
		"a key is cut": {func(t *testing.T, folder string) {
			keys, err := filepath.Glob(filepath.Join(keysFolder(folder), "*.json"))
			if err != nil || len(keys) == 0 {
				t.Fatal(keys, err)
			}
			for _, key := range keys {
				if err := os.Truncate(key, 10); err != nil {
					t.Fatal(err)
				}
			}
		}, "key"},
		"others may read the folder": {func(t *testing.T, folder string) {
			if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // that is the mistake
				t.Fatal(err)
			}
		}, "chmod 700"},
		"the folder can't be written": {func(t *testing.T, folder string) { unwritable(t, folder) }, "volenti.db"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(folder, os.DirFS(data)); err != nil {
				t.Fatal(err)
			}
			for _, f := range []string{folder, keysFolder(folder)} {
				if err := os.Chmod(f, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			files, err := filepath.Glob(filepath.Join(keysFolder(folder), "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range append(files, database(folder)) {
				if err := os.Chmod(f, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c.spoil(t, folder)
			out, exit := volenti(t, "serve", "--listen", "127.0.0.1:0", "--data", folder)
			if exit == 0 || !strings.Contains(out, c.says) || strings.Contains(out, "goroutine ") {
				t.Errorf("exit %d: %s", exit, out)
			}
		})
	}
}

// unwritable makes a folder one that can't be written, even by root where a file system
// can be mounted.
func unwritable(t *testing.T, folder string) {
	t.Helper()
	if os.Geteuid() != 0 {
		if err := errors.Join(os.Chmod(folder, 0o500), os.Chmod(filepath.Join(folder, "volenti.db"), 0o400)); err != nil { //nolint:gosec // on purpose
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(folder, 0o700) }) //nolint:gosec // a folder
		return
	}
	if err := syscall.Mount(folder, folder, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("root writes everywhere, and nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
	if err := syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("nothing can be mounted read-only here: %v", err)
	}
}
