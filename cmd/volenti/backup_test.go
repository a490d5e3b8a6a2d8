package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
)

// backups is how many are made while others decide; VOLENTI_TEST_BACKUPS says another number.
func backups() int {
	if n, err := strconv.Atoi(os.Getenv("VOLENTI_TEST_BACKUPS")); err == nil {
		return n
	}
	return 3
}

// Copies made while others decide hold every receipt that was answered before,
// and each restores into a database in which nothing is wrong.
func TestBackupsWhileDeciding(t *testing.T) {
	data := publish(t)
	p := start(t, data)
	v := p.open(nil)
	c := &crowd{receipts: map[string][]byte{}}
	type copied struct {
		file  string
		known map[string]bool // receipts answered before it began
	}
	var all []copied
	c.rush(v, 0, 200, func() {
		for i := range backups() {
			b := copied{filepath.Join(t.TempDir(), fmt.Sprintf("%d.db", i)), map[string]bool{}}
			c.mu.Lock()
			for _, receipt := range c.receipts {
				id, _, err := place(receipt)
				if err != nil {
					t.Error(err)
				}
				b.known[id] = true
			}
			c.mu.Unlock()
			if out, exit := volenti(t, "backup", b.file, "--data", data); exit != 0 {
				t.Errorf("backup %d: exit %d\n%s", i, exit, out)
			}
			all = append(all, b)
		}
		_ = p.stop(syscall.SIGKILL)
	})
	for i, b := range all {
		folder := filepath.Join(t.TempDir(), "restored")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if out, exit := volenti(t, "restore", b.file, "--data", folder); exit != 2 || !strings.Contains(out, "--erasures") {
			t.Errorf("without a word on erasures: exit %d\n%s", exit, out)
		}
		if out, exit := volenti(t, "restore", b.file, "--data", folder, "--nothing-erased"); exit != 0 {
			t.Fatalf("restore %d: exit %d\n%s", i, exit, out)
		}
		db, err := openUnchecked(t.Context(), home{data: folder})
		if err != nil {
			t.Fatal(err)
		}
		for id := range b.known {
			if _, err := db.Entry(t.Context(), "shop", id); err != nil {
				t.Errorf("backup %d lost %s: %v", i, id, err)
			}
		}
		a, err := db.Audit(t.Context(), v2keys(t, data))
		if err != nil || len(a.Findings) != 0 || a.Records < int64(len(b.known)) || len(b.known) < 200 {
			t.Errorf("backup %d of %d known: %+v, %v", i, len(b.known), a, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func v2keys(t *testing.T, data string) consent.PublicKeys {
	t.Helper()
	ring, err := consent.OpenKeyring(consent.KeyFolder(keysFolder(data)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return ring.Public()
}

// What was erased after a backup was made is erased in it before it is read again: by
// what the replaced database says, or by a list that was kept apart from it.
func TestRestoreErasesAgain(t *testing.T) {
	data := publish(t)
	p := start(t, data)
	v := p.open(nil)
	var ids []string
	var receipts [][]byte
	for i := range 4 {
		status, receipt, err := v.decide(fmt.Sprint("d", i))
		if err != nil || status != http.StatusCreated {
			t.Fatal(status, err)
		}
		id, _, err := place(receipt)
		if err != nil {
			t.Fatal(err)
		}
		ids, receipts = append(ids, id), append(receipts, receipt)
	}
	folder := t.TempDir()
	file, list, pass := filepath.Join(folder, "b.db"), filepath.Join(folder, "list"), filepath.Join(folder, "pass")
	run := func(want int, args ...string) string {
		t.Helper()
		out, exit := volenti(t, args...)
		if exit != want {
			t.Fatalf("volenti %v: exit %d, want %d\n%s", args, exit, want, out)
		}
		return out
	}
	if err := os.WriteFile(pass, []byte("five words are quite long\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(2, "backup", file, "--data", data, "--keys") // unsealed
	run(0, "backup", file, "--data", data, "--keys", "--passphrase-file", pass)
	run(2, "backup", file, "--data", data) // it is there already
	key, err := filepath.Glob(filepath.Join(keysFolder(data), "*.json"))
	if err != nil || len(key) == 0 {
		t.Fatal(key, err)
	}
	secret, err := os.ReadFile(key[0])
	if err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile(file)
	if err != nil || bytes.Contains(copied, secret) {
		t.Errorf("a key stands in the backup: %v", err)
	}
	run(0, "erasure", "run", "--site", "shop", "--how", "shredded", ids[0], "--data", data)
	run(0, "erasure", "run", "--site", "shop", "--how", "minimised", ids[1], "--data", data)
	run(0, "erasure", "export", "-o", list, "--data", data)
	if text, err := os.ReadFile(list); err != nil || bytes.Contains(text, []byte(ids[0])) {
		t.Errorf("the list names who was erased: %v", err)
	}
	run(2, "restore", file, "--data", data) // in use
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	var subject struct {
		Personal consent.Personal `json:"personal"`
	}
	if err := json.Unmarshal(receipts[1], &subject); err != nil || len(subject.Personal.Subject) != 32 {
		t.Fatal(subject, err)
	}
	elsewhere, otherwise := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "data")
	run(0, "restore", file, "--data", otherwise, "--nothing-erased", "--passphrase-file", pass) // stands for what other means bring back
	for name, args := range map[string][]string{
		data:      {"restore", file, "--data", data},
		otherwise: {"erasure", "reapply", list, "--data", otherwise},
		elsewhere: {"restore", file, "--data", elsewhere, "--erasures", list, "--passphrase-file", pass},
	} {
		if out := run(0, args...); !strings.Contains(out, "2 records were erased again") {
			t.Errorf("%s", out)
		}
		b, err := os.ReadFile(filepath.Join(name, "volenti.db"))
		if err != nil || bytes.Contains(b, []byte(ids[0])) || bytes.Contains(b, []byte(subject.Personal.Subject)) {
			t.Errorf("what was erased stands in the restored file: %v", err)
		}
		if !bytes.Contains(b, []byte(ids[2])) {
			t.Error("what was not erased is gone, too")
		}
		db, err := store.Open(t.Context(), filepath.Join(name, "volenti.db"), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		a, err := db.Audit(t.Context(), v2keys(t, data))
		if err != nil || len(a.Findings) != 0 || a.Records != 3 || a.Minimised != 1 {
			t.Errorf("%+v, %v", a, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if again, err := os.ReadFile(filepath.Join(keysFolder(elsewhere), filepath.Base(key[0]))); err != nil || !bytes.Equal(again, secret) {
		t.Errorf("the keys did not come along: %v", err)
	}
	wrong := filepath.Join(folder, "wrong")
	if err := os.WriteFile(wrong, []byte("five words are not right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(3, "restore", file, "--data", filepath.Join(t.TempDir(), "x"), "--erasures", list, "--passphrase-file", wrong)
	if copied = bytes.ReplaceAll(copied, []byte("We keep little"), []byte("We keep a lot!")); !bytes.Contains(copied, []byte("We keep a lot!")) {
		t.Fatal("the policy is not in the backup")
	}
	if err := os.WriteFile(file, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	run(3, "restore", file, "--data", filepath.Join(t.TempDir(), "x"), "--erasures", list, "--passphrase-file", pass)
}
