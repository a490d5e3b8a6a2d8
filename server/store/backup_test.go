package store

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
)

// A backup of either engine is one file that holds all there was, and becomes a database
// of SQLite that works.
func TestBackupsOfEitherEngine(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		if err := db.AddPublication(ctx, publication(t, "shop", "x", noon)); err != nil {
			t.Fatal(err)
		}
		if _, err := db.AddVersion(ctx, version("shop", "privacy", "one", noon)); err != nil {
			t.Fatal(err)
		}
		entries := entriesOf(t, draft(t, "shop", "a", ""), draft(t, "shop", "b", ""), draft(t, "shop", "c", ""), draft(t, "blog", "a", ""))
		if err := db.AppendRecords(ctx, entries); err != nil {
			t.Fatal(err)
		}
		if _, err := db.EraseRecords(ctx, "shop", []string{entries[0].ReceiptID}, consent.Minimised, consent.ReasonRequested, noon); err != nil {
			t.Fatal(err)
		}
		if _, err := db.EraseRecords(ctx, "shop", []string{entries[1].ReceiptID}, consent.Shredded, consent.ReasonRequested, noon); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Restrict(ctx, "shop", []string{entries[2].ReceiptID}, "contested", noon); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "volenti.db")
		b, err := db.Backup(ctx, path, []byte("sealed"), noon)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Backup(ctx, path, nil, noon); !errors.Is(err, os.ErrExist) {
			t.Errorf("over another file: %v", err)
		}
		read, err := ReadBackup(ctx, path)
		if err != nil || !reflect.DeepEqual(read, b) || string(read.Keys) != "sealed" {
			t.Fatalf("%+v, want %+v: %v", read, b, err)
		}
		if err := Unpack(ctx, path); err != nil {
			t.Fatal(err)
		}
		copied := openedSQLite(t, path)
		if head := checkLog(t, copied); head != b.Head {
			t.Errorf("the copy's log ends at %+v", head)
		}
		var audits [2]*Audit
		for i, db := range []*DB{db, copied} {
			if audits[i], err = db.Audit(ctx, signer{}.keys()); err != nil || len(audits[i].Findings) > 0 {
				t.Fatalf("%+v, %v", audits[i], err)
			}
		}
		if !reflect.DeepEqual(audits[0], audits[1]) {
			t.Errorf("of the original %+v, of the copy %+v", audits[0], audits[1])
		}
		// It goes on, and evidence is still kept from being changed.
		if err := copied.AppendRecords(ctx, entriesOf(t, draft(t, "shop", "d", ""))); err != nil {
			t.Error(err)
		}
		for _, text := range []string{`DELETE FROM record`, `UPDATE log_leaf SET leaf = leaf`, `DELETE FROM publication`, `UPDATE log_head SET size = 0`} {
			refuses(t, copied, text)
		}
		again := entriesOf(t, draft(t, "shop", "c", ""))
		if err := copied.AppendRecords(ctx, again); err != nil || !again[0].Clash {
			t.Errorf("a restricted decision is kept again: %+v, %v", again[0], err)
		}
		last, err := copied.Current(ctx, "shop")
		want, err2 := db.Current(ctx, "shop")
		if err != nil || err2 != nil || !reflect.DeepEqual(last, want) {
			t.Errorf("publication: %+v, %v, %v", last, err, err2)
		}
	})
}
