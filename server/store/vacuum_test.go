package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store/storetest"
)

// Rows that were erased while somebody read an older state go when he has read: by the
// upkeep of any node, also one that knows nothing of the erasure.
func TestErasedRowsGoFromPostgres(t *testing.T) {
	place := storetest.Postgres(t, migrated)
	db, node := openedAt(t, place), openedAt(t, place)
	withSites(t, db, "shop")
	entries := entriesOf(t, draft(t, "shop", "a", ""), draft(t, "shop", "b", ""))
	if err := db.AppendRecords(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	tx, err := node.read.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := node.dialect.unhurried(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM record`).Scan(&n); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	done, err := db.EraseRecords(t.Context(), "shop", []string{entries[0].ReceiptID}, consent.Shredded, consent.ReasonRequested, noon)
	if err != nil || len(done.Leaves) != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	dead := func() int64 {
		all, err := db.DeadRows(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all["record"]
	}
	// The server counts late: what is asked for is that it comes to this.
	until(t, func() bool { return errors.Is(node.Scrub(t.Context()), consent.ErrReaders) })
	if dead() == 0 {
		t.Error("a row that a reader may ask for is gone")
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return node.Scrub(t.Context()) == nil && dead() == 0 })
}

// What docs/retention.md says of the files of PostgreSQL: what was erased stands in them
// until the tables are rewritten and the write-ahead log is removed, and then no more.
func TestErasedIsGoneFromTheFilesOfPostgres(t *testing.T) {
	server, err := storetest.Start(true, "wal_recycle=off")
	if errors.Is(err, storetest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	db := openedAt(t, server.Database(t))
	withSites(t, db, "shop")
	var drafts []consent.Draft
	for i := range 60 {
		drafts = append(drafts, draft(t, "shop", fmt.Sprintf("decision-%d-of-a-long-name", i), ""))
	}
	entries := entriesOf(t, drafts...)
	if err := db.AppendRecords(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	shredded, minimised, kept := entries[:20], entries[20:40], entries[40:]
	stands := func(folder string, e *consent.Entry, personal bool) []string {
		t.Helper()
		return foundIn(onDisk(t, filepath.Join(server.Folder(), "data", folder)), secretsOf(e, personal))
	}
	checkpoint := func() {
		t.Helper()
		if err := server.Do(`CHECKPOINT`); err != nil {
			t.Fatal(err)
		}
	}
	checkpoint()
	if len(stands("base", shredded[0], false)) < 9 || len(stands("pg_wal", shredded[0], false)) < 9 {
		t.Fatal("the secrets of a record are not where this test looks for them")
	}
	for how, some := range map[consent.Erasure][]*consent.Entry{consent.Shredded: shredded, consent.Minimised: minimised} {
		if _, err := db.EraseRecords(t.Context(), "shop", receiptIDs(some), how, consent.ReasonRequested, noon); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.read.ExecContext(t.Context(), `VACUUM FULL record, record_facet, restricted_record`); err != nil {
		t.Fatal(err)
	}
	checkpoint() // the files of before go
	if err := server.Do(`SELECT pg_switch_wal()`); err != nil {
		t.Fatal(err)
	}
	checkpoint()
	for _, folder := range []string{"base", "pg_wal"} {
		for _, e := range shredded {
			if where := stands(folder, e, false); len(where) > 0 {
				t.Errorf("%s: shredded leaf %d: %v", folder, e.Index, where)
			}
		}
		for _, e := range minimised {
			if where := stands(folder, e, true); len(where) > 0 {
				t.Errorf("%s: minimised leaf %d: %v", folder, e.Index, where)
			}
		}
	}
	if len(stands("base", kept[0], false)) < 9 {
		t.Error("what was to stay is gone")
	}
}
