package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/store/storetest"
)

// sharedFiles are what the nodes of an installation on PostgreSQL have in common: where
// the database is, and a secret for its keys.
func sharedFiles(t testing.TB, dsn string) (dsnFile, secretFile string) {
	t.Helper()
	folder := private(t)
	dsnFile, secretFile = filepath.Join(folder, "dsn"), filepath.Join(folder, "secret")
	secret, exit := volenti(t, "key", "secret")
	if exit != 0 {
		t.Fatal(secret)
	}
	for path, text := range map[string]string{dsnFile: dsn, secretFile: secret} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dsnFile, secretFile
}

// sharedFlags say where an installation on PostgreSQL lives: a node's own folder first,
// then what all have in common.
func sharedFlags(t *testing.T, dsn string) []string {
	t.Helper()
	dsnFile, secretFile := sharedFiles(t, dsn)
	return []string{"--data", filepath.Join(filepath.Dir(dsnFile), "data"), "--store-dsn-file", dsnFile, "--keys-secret-file", secretFile}
}

// at is flags with another database.
func at(t *testing.T, flags []string, dsn string) []string {
	t.Helper()
	file := filepath.Join(private(t), "dsn")
	if err := os.WriteFile(file, []byte(dsn), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{flags[0], flags[1], flags[2], file, flags[4], flags[5]}
}

// startAt starts a server where flags say.
func startAt(t *testing.T, flags []string, more ...string) *process {
	t.Helper()
	return start(t, flags[1], append(append([]string{"--limits-site", "0"}, flags[2:]...), more...)...)
}

// must runs a command that has to end as wanted.
func must(t *testing.T, want int, flags []string, args ...string) string {
	t.Helper()
	out, exit := volenti(t, append(args, flags...)...)
	if exit != want {
		t.Fatalf("volenti %v: exit %d, want %d\n%s", args, exit, want, out)
	}
	return out
}

// cluster starts a PostgreSQL of the test's own, which syncs.
func cluster(t testing.TB, options ...string) *storetest.Server {
	t.Helper()
	s, err := storetest.Start(true, options...)
	if errors.Is(err, storetest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// standsIn reports whether a text stands in any file of a folder, those of a PostgreSQL that
// runs included.
func standsIn(t *testing.T, folder, text string) (where []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // a file that PostgreSQL has just removed
		}
		b, err := os.ReadFile(path)
		if err == nil && bytes.Contains(b, []byte(text)) {
			where = append(where, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return where
}

func subjectOf(t *testing.T, receipt []byte) string {
	t.Helper()
	var r struct {
		Personal consent.Personal `json:"personal"`
	}
	if err := json.Unmarshal(receipt, &r); err != nil || len(r.Personal.Subject) != 32 {
		t.Fatalf("%s: %v", receipt, err)
	}
	return r.Personal.Subject
}

// A backup of PostgreSQL that was made while others decide goes into an empty PostgreSQL,
// and into a file. What was answered before it is there; what was erased after it is not,
// and the new server has never seen it.
func TestRestoreIntoPostgres(t *testing.T) {
	flags := sharedFlags(t, storetest.Postgres(t, nil))
	publishAt(t, flags...)
	p := startAt(t, flags)
	v := p.open(nil)
	folder := t.TempDir()
	file, list := filepath.Join(folder, "b.db"), filepath.Join(folder, "list")
	before := map[string]string{} // receipts answered before, by decision
	var shredded, minimised []byte
	c := &crowd{receipts: map[string][]byte{}}
	c.rush(v, 0, 200, func() {
		defer func() { _ = p.stop(syscall.SIGKILL) }()
		c.mu.Lock()
		for decision, receipt := range c.receipts {
			id, _, err := place(receipt)
			if err != nil {
				t.Error(err)
			}
			switch {
			case shredded == nil:
				shredded = receipt
			case minimised == nil:
				minimised = receipt
			default:
				before[decision] = id
			}
		}
		c.mu.Unlock()
		for _, args := range [][]string{
			{"backup", file},
			{"erasure", "run", "--site", "shop", "--how", "shredded", idOf(shredded)},
			{"erasure", "run", "--site", "shop", "--how", "minimised", idOf(minimised)},
			{"erasure", "export", "-o", list},
		} {
			if out, exit := volenti(t, append(args, flags...)...); exit != 0 {
				t.Errorf("%v: exit %d\n%s", args, exit, out)
			}
		}
		copied, err := store.ReadBackup(context.WithoutCancel(t.Context()), file)
		if err != nil {
			t.Error(err)
		}
		for deadline := time.Now().Add(2 * time.Minute); signedLeaves(flags[1]) <= copied.Head.Size+9; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Error("no checkpoint covers what came after the backup")
				return
			}
		}
	})
	if t.Failed() {
		return
	}
	server := cluster(t)
	dsn := server.Database(t)
	fresh := at(t, flags, dsn)
	if out := must(t, 2, fresh, "restore", file); !strings.Contains(out, "--erasures") {
		t.Errorf("without a word on erasures: %s", out)
	}
	if out := must(t, 2, flags, "restore", file, "--erasures", list); !strings.Contains(out, "holds something") {
		t.Errorf("over another one: %s", out)
	}
	if out := must(t, 0, fresh, "restore", file, "--erasures", list); !strings.Contains(out, "2 records were erased again") {
		t.Error(out)
	}
	must(t, 2, fresh, "restore", file, "--erasures", list) // it is not empty any more
	for what, text := range map[string]string{"the shredded receipt": idOf(shredded), "the minimised subject": subjectOf(t, minimised)} {
		if where := standsIn(t, server.Folder(), text); len(where) > 0 {
			t.Errorf("%s stands in %v", what, where)
		}
		if len(standsIn(t, folder, text)) == 0 {
			t.Errorf("%s is not in the backup, so nothing was tried", what)
		}
	}
	kept := ""
	for _, id := range before {
		kept = id
	}
	if len(standsIn(t, server.Folder(), kept)) == 0 {
		t.Error("nothing stands where this test looks for it")
	}
	if out, exit := volenti(t, append([]string{"site", "list"}, fresh...)...); exit == 0 || !strings.Contains(out, "log accept") {
		t.Errorf("it does not continue the log as it was signed, and is used: %d %s", exit, out)
	}
	must(t, 0, fresh, "log", "accept", "--why", "the database was lost")
	if out := must(t, 0, fresh, "log", "audit"); !strings.Contains(out, "all holds") {
		t.Error(out)
	}
	p = startAt(t, fresh)
	w := p.open(nil)
	w.token = v.token
	for decision, id := range before {
		status, receipt, err := w.decide(decision)
		for status == http.StatusServiceUnavailable { // as pages do
			status, receipt, err = w.decide(decision)
		}
		if err != nil || status != http.StatusCreated || idOf(receipt) != id {
			t.Fatalf("%s was answered with %s, and now: %d %v %s", decision, id, status, err, receipt)
		}
	}
	if status, _, err := w.get("/v1/sites/shop/receipts/" + idOf(shredded)); err != nil || status != http.StatusNotFound {
		t.Errorf("the shredded receipt: %d, %v", status, err)
	}
	// The same file becomes an installation in a folder, whose keys are opened; and a
	// backup of that, with the keys sealed by a passphrase, one on PostgreSQL again.
	single := []string{"--data", filepath.Join(private(t), "data")}
	must(t, 0, append(single, flags[4], flags[5]), "restore", file, "--erasures", list)
	if out := must(t, 0, single, "log", "audit"); !strings.Contains(out, "all holds") {
		t.Error(out)
	}
	pass := filepath.Join(private(t), "pass")
	if err := os.WriteFile(pass, []byte("five words are quite long\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(folder, "again.db")
	must(t, 0, single, "backup", again, "--keys", "--passphrase-file", pass)
	other := sharedFlags(t, server.Database(t))
	must(t, 0, other, "restore", again, "--nothing-erased", "--passphrase-file", pass)
	if out := must(t, 0, other, "log", "audit"); !strings.Contains(out, "all holds") {
		t.Error(out)
	}
	if out := must(t, 0, other, "key", "list"); !strings.Contains(out, "signs") {
		t.Error(out)
	}
}

func idOf(receipt []byte) string {
	id, _, _ := place(receipt) // it was read before
	return id
}
