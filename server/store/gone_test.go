package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
)

// secretsOf is all by which a record could be recognised.
func secretsOf(e *consent.Entry, personalOnly bool) map[string][]byte {
	s := map[string][]byte{"subject": []byte(e.Subject), "personal half": e.Personal, "its salt": e.SaltPerson}
	if !personalOnly {
		s["receipt id"], s["decision id"], s["request"] = []byte(e.ReceiptID), []byte(e.DecisionID), []byte(e.Request)
		s["core"], s["salt"], s["signature"] = e.Core, e.SaltCore, e.Signature
	}
	return s
}

// onDisk is every file of a folder, as a thief would read it.
func onDisk(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[d.Name()], err = os.ReadFile(path)
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	return files
}

func foundIn(files map[string][]byte, secrets map[string][]byte) (where []string) {
	for what, secret := range secrets {
		for name, b := range files {
			if bytes.Contains(b, secret) {
				where = append(where, what+" in "+name)
			}
		}
	}
	slices.Sort(where)
	return where
}

// What was erased stands nowhere in the folder of the data any more, while the
// database is open and in use: not in free pages, not in the gaps that indexes leave
// when they split, not in the write-ahead log.
func TestErasedIsGoneFromDisk(t *testing.T) {
	folder := t.TempDir()
	db := openedSQLite(t, filepath.Join(folder, "volenti.db"))
	ctx := t.Context()
	withSites(t, db, "shop", "blog")
	random := rand.New(rand.NewPCG(38, 1))
	var all []*consent.Entry
	for batch := range 40 {
		var drafts []consent.Draft
		for i := range 50 {
			drafts = append(drafts, draft(t, "shop", fmt.Sprintf("decision-%d-%d-%d", batch, i, random.Uint64()), ""))
		}
		entries := entriesOf(t, drafts...)
		if err := db.AppendRecords(ctx, entries); err != nil {
			t.Fatal(err)
		}
		all = append(all, entries...)
	}
	head := checkLogHead(t, db)
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	shredded, minimised, kept := all[:300], all[300:600], all[600:]
	for _, e := range slices.Concat(shredded[:5], minimised[:5]) {
		if len(foundIn(onDisk(t, folder), secretsOf(e, false))) < 9 {
			t.Fatal("the secrets of a record are not where this test looks for them")
		}
	}
	if _, err := db.Restrict(ctx, "shop", receiptIDs(shredded[:40]), consent.GroundDeletion, noon); err != nil {
		t.Fatal(err)
	}
	// Somebody who asked by his receipt still finds what he asked, by his receipt alone.
	wished := add(t, db, asked("wish", "shop", shredded[0].ReceiptID))
	// Both at once and one by one, while others decide.
	for _, some := range [][]*consent.Entry{minimised[:250], minimised[250:251], minimised[251:]} {
		if _, err := db.EraseRecords(ctx, "shop", receiptIDs(some), consent.Minimised, consent.ReasonRequested, noon); err != nil {
			t.Fatal(err)
		}
		if err := db.AppendRecords(ctx, entriesOf(t, draft(t, "blog", some[0].ReceiptID[:6], ""))); err != nil {
			t.Fatal(err)
		}
	}
	for _, some := range [][]*consent.Entry{shredded[:250], shredded[250:251], shredded[251:]} {
		if _, err := db.EraseRecords(ctx, "shop", receiptIDs(some), consent.Shredded, consent.ReasonRequested, noon); err != nil {
			t.Fatal(err)
		}
	}
	files := onDisk(t, folder)
	for what, list := range map[string][]*consent.Entry{"shredded": shredded, "minimised": minimised} {
		for _, e := range list {
			if where := foundIn(files, secretsOf(e, what == "minimised")); len(where) > 0 {
				t.Errorf("%s leaf %d: %v", what, e.Index, where)
			}
		}
	}
	if found, err := db.OfReceipts(ctx, "shop", []string{shredded[0].ReceiptID}); err != nil || len(found) != 1 || found[0].ID != wished.ID {
		t.Errorf("the request of a shredded receipt: %+v, %v", found, err)
	}
	for _, e := range kept[:20] {
		if len(foundIn(files, secretsOf(e, false))) < 9 {
			t.Errorf("leaf %d was to stay", e.Index)
		}
	}
	proof, err := auditlog.ProveConsistency(db.Hashes(ctx), head, checkLogHead(t, db))
	if err == nil {
		err = auditlog.CheckConsistency(proof, head, checkLogHead(t, db))
	}
	if err != nil {
		t.Errorf("the log does not continue: %v", err)
	}
	a, err := db.Audit(ctx, signer{}.keys(), head)
	if err != nil || len(a.Findings) != 0 {
		t.Errorf("%+v, %v", a, err)
	}
}

func checkLogHead(t testing.TB, db *DB) auditlog.Head {
	t.Helper()
	head, err := db.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// Somebody who reads an older state keeps what was erased in the write-ahead log: it
// is said, and done as soon as he has read.
func TestScrubWaitsForReaders(t *testing.T) {
	folder := t.TempDir()
	db := openedSQLite(t, filepath.Join(folder, "volenti.db"))
	ctx := t.Context()
	withSites(t, db, "shop", "blog")
	e := withChain(t, db, 1)[0]
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	var n int
	if err := tx.QueryRow(`SELECT COUNT(*) FROM record`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if _, err := db.EraseRecords(ctx, "shop", []string{e.ReceiptID}, consent.Shredded, consent.ReasonRequested, noon); err != nil {
		t.Fatal(err)
	}
	if err := db.Scrub(ctx); !errors.Is(err, consent.ErrReaders) {
		t.Errorf("with a reader: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := db.Scrub(ctx); err != nil {
		t.Error(err)
	}
	secrets := secretsOf(e, false)
	delete(secrets, "decision id") // one letter, as that of others
	delete(secrets, "request")
	if where := foundIn(onDisk(t, folder), secrets); len(where) > 0 {
		t.Error(where)
	}
}
