package store

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
)

// withChain keeps n records of one browser, each after the one before, and one of
// another browser and one of another site; it returns those of the browser.
func withChain(t testing.TB, db *DB, n int) []*consent.Entry {
	t.Helper()
	var chain []*consent.Entry
	r := consent.NewRecorder(db, signer{}, consent.RecorderOptions{})
	defer func() {
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}()
	previous := ""
	for i := range n {
		got, err := r.Record(t.Context(), draft(t, "shop", string(rune('a'+i)), previous))
		if err != nil {
			t.Fatal(err)
		}
		previous, chain = got.Core.ID, append(chain, got.Entry)
	}
	for _, d := range []consent.Draft{draft(t, "shop", "other", ""), draft(t, "blog", "a", "")} {
		if _, err := r.Record(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	return chain
}

func receiptIDs(entries []*consent.Entry) (all []string) {
	for _, e := range entries {
		all = append(all, e.ReceiptID)
	}
	return all
}

// tombstoneAt reads the entry of the log at a leaf, and makes sure that it is one.
func tombstoneAt(t testing.TB, db *DB, position int64) consent.Tombstone {
	t.Helper()
	e := auditlog.Entry{Kind: auditlog.Tombstone}
	var leaf, core, salt []byte
	err := db.read.QueryRowContext(t.Context(), `SELECT e.core, e.salt_core, e.salt_person, l.leaf FROM log_entry e JOIN log_leaf l ON l.position = e.position
		WHERE e.position = ?1 AND e.kind = ?2`, position, string(e.Kind)).Scan(&e.Core, &core, &salt, &leaf)
	if err != nil {
		t.Fatal(err)
	}
	e.SaltCore, e.SaltPersonal = [auditlog.SaltSize]byte(core), [auditlog.SaltSize]byte(salt)
	if got := e.Leaf(); string(got[:]) != string(leaf) {
		t.Errorf("the tombstone at %d is not the one of its leaf", position)
	}
	var stone consent.Tombstone
	if err := json.Unmarshal(e.Core, &stone); err != nil {
		t.Fatal(err)
	}
	return stone
}

func TestErasing(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		chain := withChain(t, db, 3)
		size := checkLog(t, db).Size
		ids := receiptIDs(chain)

		got, err := db.EraseRecords(ctx, "blog", ids, consent.Shredded, consent.ReasonRequested, noon)
		if err != nil || len(got.Leaves) != 0 || !slices.Equal(got.Unknown, ids) || checkLog(t, db).Size != size {
			t.Fatalf("of another site: %+v, %v", got, err)
		}
		got, err = db.EraseRecords(ctx, "shop", append(ids[:2:2], ids[0]), consent.Minimised, consent.ReasonRequested, noon)
		if err != nil || !slices.Equal(got.Leaves, []int64{0, 1}) || !slices.Equal(got.Tombstones, []int64{size}) {
			t.Fatalf("minimised: %+v, %v", got, err)
		}
		want := consent.Tombstone{Schema: "tombstone/v1", Site: "shop", Day: "2026-11-21", Reason: "requested", How: "minimised", Leaves: []int64{0, 1}}
		if stone := tombstoneAt(t, db, size); !reflect.DeepEqual(stone, want) {
			t.Errorf("%+v", stone)
		}
		for _, id := range ids[:2] {
			e, err := db.Entry(ctx, "shop", id)
			if err != nil || e.Personal != nil || e.SaltPerson != nil || e.Subject != "" {
				t.Fatalf("%+v, %v", e, err)
			}
			receipt, err := consent.EncodeReceipt(e)
			if err != nil {
				t.Fatal(err)
			}
			if report, err := consent.Verify(receipt, signer{}.keys()); err != nil || report.Personal != nil {
				t.Errorf("a minimised receipt: %v", err)
			}
		}
		if left, err := db.EntriesOfSubject(ctx, "shop", chain[0].Subject, 10); err != nil || len(left) != 1 {
			t.Errorf("%d records of the subject: %v", len(left), err)
		}

		got, err = db.EraseRecords(ctx, "shop", ids[:2], consent.Minimised, consent.ReasonRequested, noon)
		if err != nil || len(got.Leaves)+len(got.Tombstones)+len(got.Unknown) != 0 {
			t.Errorf("once more: %+v, %v", got, err)
		}
		got, err = db.EraseRecords(ctx, "shop", ids, consent.Shredded, consent.ReasonOperator, noon)
		if err != nil || !slices.Equal(got.Leaves, []int64{0, 1, 2}) || !slices.Equal(got.Tombstones, []int64{size + 1}) {
			t.Fatalf("shredded: %+v, %v", got, err)
		}
		for _, id := range ids {
			if _, err := db.Entry(ctx, "shop", id); !errors.Is(err, consent.ErrUnknownReceipt) {
				t.Errorf("%s: %v", id, err)
			}
		}
		got, err = db.EraseRecords(ctx, "shop", ids, consent.Shredded, consent.ReasonOperator, noon)
		if err != nil || len(got.Leaves)+len(got.Tombstones) != 0 || len(got.Unknown) != 3 {
			t.Errorf("once more: %+v, %v", got, err)
		}
		if head := checkLog(t, db); head.Size != size+2 {
			t.Errorf("a log of %d", head.Size)
		}
		var stones, left int64
		err = db.read.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM tombstone WHERE how = 'shredded' AND position = ?1), (SELECT COUNT(*) FROM record)`, size+1).Scan(&stones, &left)
		if err != nil || stones != 3 || left != 2 {
			t.Errorf("%d leaves are shredded, %d records left: %v", stones, left, err)
		}
		if _, err := db.EraseRecords(ctx, "shop", ids, "x", consent.ReasonOperator, noon); err == nil {
			t.Error("erased in a way there is none of")
		}
		if _, err := db.EraseRecords(ctx, "shop", ids, consent.Shredded, "he asked us to, by mail of 3 May", noon); err == nil {
			t.Error("erased for a story")
		}
	})
}

// What takes several transactions is done to the end, and all of it is entered.
func TestErasingMany(t *testing.T) {
	db := openedSQLite(t, t.TempDir()+"/volenti.db")
	withSites(t, db, "shop", "blog")
	const n = erasedAtOnce + 7
	var drafts []consent.Draft
	for i := range n {
		drafts = append(drafts, draft(t, "shop", "d"+string(canonical.Sum([]byte{byte(i), byte(i >> 8)}))[:20], ""))
	}
	entries := entriesOf(t, drafts...)
	if err := db.AppendRecords(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	got, err := db.EraseRecords(t.Context(), "shop", receiptIDs(entries), consent.Shredded, consent.ReasonRetention, noon)
	if err != nil || len(got.Leaves) != n || len(got.Tombstones) != 2 {
		t.Fatalf("%d leaves, %d tombstones, %v", len(got.Leaves), len(got.Tombstones), err)
	}
	if a, b := tombstoneAt(t, db, n), tombstoneAt(t, db, n+1); len(a.Leaves)+len(b.Leaves) != n {
		t.Errorf("%d and %d leaves are entered", len(a.Leaves), len(b.Leaves))
	}
}

func TestRestricting(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		chain := withChain(t, db, 3)
		ids := receiptIDs(chain)
		search := func() int {
			t.Helper()
			found, err := db.SearchRecords(ctx, consent.Search{Site: "shop", Region: "DE", Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			all, err := db.SearchRecords(ctx, consent.Search{Site: "shop", Limit: 100})
			if err != nil || len(all) != len(found) {
				t.Fatalf("%d by region, %d in all: %v", len(found), len(all), err)
			}
			return len(found)
		}
		if leaves, err := db.Restrict(ctx, "blog", ids, consent.GroundContested, noon); err != nil || len(leaves) != 0 {
			t.Errorf("of another site: %v, %v", leaves, err)
		}
		if leaves, err := db.Restrict(ctx, "shop", ids[:2], consent.GroundContested, noon); err != nil || !slices.Equal(leaves, []int64{0, 1}) {
			t.Fatalf("%v, %v", leaves, err)
		}
		if _, err := db.Entry(ctx, "shop", ids[0]); !errors.Is(err, consent.ErrUnknownReceipt) {
			t.Errorf("a restricted record is read: %v", err)
		}
		if n := search(); n != 2 {
			t.Errorf("%d found of 4, two of which are restricted", n)
		}
		// The page sends it again: nothing is kept a second time.
		again := entryOf(t, draft(t, "shop", "a", ""))
		if err := db.AppendRecords(ctx, []*consent.Entry{again}); err != nil || !again.Clash {
			t.Errorf("a repeat of a restricted decision: %+v, %v", again, err)
		}
		// A decision after it starts anew.
		r := consent.NewRecorder(db, signer{}, consent.RecorderOptions{})
		later, err := r.Record(ctx, draft(t, "shop", "later", ids[1]))
		if err != nil || later.Entry.Subject == chain[0].Subject || later.Entry.Previous != "" {
			t.Errorf("a decision continues a record that nobody may read: %+v, %v", later, err)
		}
		if err := r.Close(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Restrict(ctx, "shop", ids[:1], consent.GroundDeletion, noon.AddDate(0, 0, 1)); err != nil {
			t.Fatal(err)
		}
		want := []consent.Restriction{{Index: 0, Ground: consent.GroundDeletion, Since: noon}, {Index: 1, Ground: consent.GroundContested, Since: noon}}
		if got, err := db.Restrictions(ctx, "shop"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v", got, err)
		}
		for _, id := range ids { // restricted itself or not, all are of one browser
			if got, err := db.Restricted(ctx, "shop", id); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, %v", got, err)
			}
		}
		if got, err := db.Restrictions(ctx, "blog"); err != nil || len(got) != 0 {
			t.Errorf("%+v, %v", got, err)
		}
		if a, err := db.Audit(ctx, signer{}.keys()); err != nil || len(a.Findings) != 0 || a.Records != 6 {
			t.Errorf("the audit does not count them: %+v, %v", a, err)
		}
		act := operator.Act{At: noon, Operator: "ada", Detail: "examined"}
		if lifted, err := db.Unrestrict(ctx, "blog", []int64{0, 1}, act); err != nil || len(lifted) != 0 {
			t.Errorf("another site lifts it: %v, %v", lifted, err)
		}
		if lifted, err := db.Unrestrict(ctx, "shop", []int64{1, 2}, act); err != nil || !slices.Equal(lifted, []int64{1}) {
			t.Errorf("%v, %v", lifted, err)
		}
		acts, err := db.Acts(ctx, operator.ActQuery{})
		if err != nil || len(acts) != 1 || acts[0].What != "record.unrestrict" || acts[0].Object != "leaf 1" || acts[0].Operator != "ada" || acts[0].Site != "shop" {
			t.Errorf("who lifted it: %+v, %v", acts, err)
		}
		if e, err := db.Entry(ctx, "shop", ids[1]); err != nil || e.Subject != chain[1].Subject || string(e.Core) != string(chain[1].Core) {
			t.Errorf("after it is lifted: %+v, %v", e, err)
		}
		if n := search(); n != 4 {
			t.Errorf("%d found of 5, one of which is restricted", n)
		}
		// Erasure reaches what nobody may read.
		if got, err := db.EraseRecords(ctx, "shop", ids[:1], consent.Minimised, consent.ReasonRequested, noon); err != nil || len(got.Leaves) != 1 {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := db.EraseRecords(ctx, "shop", ids, consent.Shredded, consent.ReasonRequested, noon); err != nil || len(got.Leaves) != 3 {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := db.Restrictions(ctx, "shop"); err != nil || len(got) != 0 {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := db.write.ExecContext(ctx, `DELETE FROM restricted_record`); err != nil {
			t.Errorf("there is none: %v", err)
		}
	})
}
