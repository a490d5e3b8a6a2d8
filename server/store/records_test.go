package store

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/site"
)

func ids(entries []*consent.Entry) (all []string) {
	for _, e := range entries {
		all = append(all, e.DecisionID)
	}
	return all
}

func TestRecords(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		batch := entriesOf(t, draft(t, "shop", "a", ""), draft(t, "shop", "b", ""), draft(t, "blog", "a", ""))
		if err := db.AppendRecords(ctx, batch); err != nil {
			t.Fatal(err)
		}
		for i, e := range batch {
			if e.Index != int64(i) || e.Repeat || e.Clash || e.Stored != nil {
				t.Errorf("%d: index %d, repeat %v, clash %v", i, e.Index, e.Repeat, e.Clash)
			}
		}
		for name, db := range map[string]*DB{"at once": db, "after another start": open()} {
			for _, e := range batch {
				want := *e
				want.Artifacts, want.Summary = nil, nil
				if got, err := db.Entry(ctx, e.Site, e.ReceiptID); err != nil || !reflect.DeepEqual(got, &want) {
					t.Errorf("%s: %+v, %v", name, got, err)
				}
				receipt, err := consent.EncodeReceipt(e)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := consent.Verify(receipt, signer{}.keys()); err != nil {
					t.Error(err)
				}
			}
			for _, id := range []string{"", "x", batch[2].ReceiptID} {
				if _, err := db.Entry(ctx, "shop", id); !errors.Is(err, consent.ErrUnknownReceipt) {
					t.Errorf("%s: receipt %q: %v", name, id, err)
				}
			}
			if a, err := db.Artifact(ctx, batch[0].Artifacts[0].Digest); err != nil || a.Kind != "experience" {
				t.Errorf("%s: what was shown is not kept: %v", name, err)
			}
			if head := checkLog(t, db); head.Size != 3 {
				t.Errorf("%s: a log of %d", name, head.Size)
			}
		}
	})
}

func TestRepeatsAndClashes(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		first := entryOf(t, draft(t, "shop", "a", ""))
		if err := db.AppendRecords(ctx, []*consent.Entry{first}); err != nil {
			t.Fatal(err)
		}
		otherDraft, err := draftOf("shop", "a", "", false)
		if err != nil {
			t.Fatal(err)
		}
		// In one batch: a repeat, a clash, the id at another site, something new,
		// and the new one a second time.
		repeat, clash, elsewhere := entryOf(t, draft(t, "shop", "a", "")), entryOf(t, otherDraft), entryOf(t, draft(t, "blog", "a", ""))
		fresh, twice, itself := entryOf(t, draft(t, "shop", "b", "")), entryOf(t, draft(t, "shop", "b", "")), *first
		batch := []*consent.Entry{repeat, clash, elsewhere, fresh, twice, &itself}
		db = open()
		if err := db.AppendRecords(ctx, batch); err != nil {
			t.Fatal(err)
		}
		for name, test := range map[string]struct {
			e      *consent.Entry
			repeat bool
			clash  bool
			of     *consent.Entry
			index  int64
		}{
			"repeat":       {repeat, true, false, first, 0},
			"clash":        {clash, false, true, nil, 0},
			"elsewhere":    {elsewhere, false, false, nil, 1},
			"fresh":        {fresh, false, false, nil, 2},
			"twice in one": {twice, true, false, fresh, 2},
			"itself":       {&itself, true, false, first, 0},
		} {
			if test.e.Repeat != test.repeat || test.e.Clash != test.clash || test.e.Index != test.index || (test.e.Stored != nil) != test.repeat {
				t.Errorf("%s: repeat %v, clash %v, index %d", name, test.e.Repeat, test.e.Clash, test.e.Index)
			}
			if test.of != nil && (test.e.Stored.ReceiptID != test.of.ReceiptID || !slices.Equal(test.e.Stored.Signature, test.of.Signature)) {
				t.Errorf("%s: not the entry that was there", name)
			}
		}
		if head := checkLog(t, db); head.Size != 3 {
			t.Errorf("a log of %d", head.Size)
		}
		// Nothing but repeats: nothing grows.
		if err := db.AppendRecords(ctx, []*consent.Entry{entryOf(t, draft(t, "shop", "a", ""))}); err != nil {
			t.Fatal(err)
		}
		if err := db.AppendRecords(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if head := checkLog(t, db); head.Size != 3 {
			t.Errorf("a log of %d", head.Size)
		}
	})
}

func TestOneImpossibleEntryKeepsNothing(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop")
		first := entryOf(t, draft(t, "shop", "first", ""))
		if err := db.AppendRecords(ctx, []*consent.Entry{first}); err != nil {
			t.Fatal(err)
		}
		for name, spoil := range map[string]func(e *consent.Entry){
			"site":      func(e *consent.Entry) { e.Site = "nobody" },
			"id":        func(e *consent.Entry) { e.ReceiptID = first.ReceiptID },
			"core":      func(e *consent.Entry) { e.Core = first.Core },
			"leaf":      func(e *consent.Entry) { e.Leaf = first.Leaf },
			"signature": func(e *consent.Entry) { e.Signature = nil },
			"artifact":  func(e *consent.Entry) { e.Artifacts = []consent.Artifact{{Digest: "x", Bytes: []byte("y")}} },
		} {
			good, bad := entryOf(t, draft(t, "shop", "good "+name, "")), entryOf(t, draft(t, "shop", "bad "+name, ""))
			spoil(bad)
			err := db.AppendRecords(ctx, []*consent.Entry{good, bad})
			if err == nil || errors.Is(err, consent.ErrUnavailable) || (name == "site") != errors.Is(err, site.ErrUnknown) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := db.Entry(ctx, "shop", good.ReceiptID); !errors.Is(err, consent.ErrUnknownReceipt) {
				t.Errorf("%s: half a batch was kept: %v", name, err)
			}
			if err := db.AppendRecords(ctx, []*consent.Entry{good}); err != nil {
				t.Errorf("%s: the good one alone: %v", name, err)
			}
		}
		if head := checkLog(t, db); head.Size != 7 {
			t.Errorf("a log of %d", head.Size)
		}
	})
}

func TestReadingManyRecords(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		now := noon
		r := consent.NewRecorder(db, signer{}, consent.RecorderOptions{Now: func() time.Time { return now }})
		defer r.Close(ctx)
		record := func(siteKey, id, previous string) *consent.Entry {
			t.Helper()
			got, err := r.Record(ctx, draft(t, siteKey, id, previous))
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Second)
			return got.Entry
		}
		one := record("shop", "one", "")
		two := record("shop", "two", one.ReceiptID)
		record("shop", "other", "")
		now = now.Add(-time.Second) // two in the same millisecond
		three := record("shop", "three", two.ReceiptID)
		foreign := record("blog", "foreign", one.ReceiptID)
		if foreign.Previous != "" || foreign.Subject == one.Subject {
			t.Error("sites are linked by a receipt id of the other")
		}
		history, err := db.EntriesOfSubject(ctx, "shop", one.Subject, 10)
		if err != nil || !slices.Equal(ids(history), []string{"three", "two", "one"}) || history[0].Previous != two.ReceiptID {
			t.Errorf("history %v, %v", ids(history), err)
		}
		if history, err = db.EntriesOfSubject(ctx, "shop", one.Subject, 2); err != nil || !slices.Equal(ids(history), []string{"three", "two"}) {
			t.Errorf("the last two: %v, %v", ids(history), err)
		}
		for _, empty := range [][2]string{{"blog", one.Subject}, {"shop", ""}, {"shop", foreign.Subject}} {
			if got, err := db.EntriesOfSubject(ctx, empty[0], empty[1], 10); err != nil || len(got) != 0 {
				t.Errorf("subject %q at %s: %v, %v", empty[1], empty[0], ids(got), err)
			}
		}
		var all []string
		var last *consent.Entry
		for {
			page, err := db.EntriesBetween(ctx, "shop", noon.UnixMilli(), three.ReceivedAt+1, last, 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			all, last = append(all, ids(page)...), page[len(page)-1]
		}
		if !slices.Equal(all, []string{"one", "two", "other", "three"}) {
			t.Errorf("in pages: %v", all)
		}
		if page, err := db.EntriesBetween(ctx, "shop", two.ReceivedAt, three.ReceivedAt, nil, 10); err != nil || !slices.Equal(ids(page), []string{"two"}) {
			t.Errorf("from two to before three: %v, %v", ids(page), err)
		}
	})
}

// Names that no text of PostgreSQL can hold are asked for by strangers, too.
func TestNamesThatCannotBeAreUnknown(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db := open()
		withSites(t, db, "shop")
		for _, name := range []string{"1\x00", "\xff", "\xc3\x28"} {
			if _, err := db.Entry(t.Context(), "shop", name); !errors.Is(err, consent.ErrUnknownReceipt) {
				t.Errorf("receipt %q: %v", name, err)
			}
			if all, err := db.EntriesOfSubject(t.Context(), "shop", name, 10); err != nil || len(all) > 0 {
				t.Errorf("subject %q: %d, %v", name, len(all), err)
			}
			if all, err := db.Versions(t.Context(), "shop", name); len(all) > 0 || err != nil && !errors.Is(err, policyversions.ErrUnknownPolicy) {
				t.Errorf("policy %q: %d, %v", name, len(all), err)
			}
		}
	})
}
