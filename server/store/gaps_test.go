package store

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
)

func gapsOf(t testing.TB, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := headerOf(f)
	if err != nil {
		t.Fatal(err)
	}
	dirty, err := dirtyGaps(f, h, 1, h.count)
	if err != nil {
		t.Fatal(err)
	}
	return len(dirty)
}

// Indexes that split leave copies of cells behind. They are overwritten while others
// write, nothing else is touched, and nobody writes an old page back.
func TestGapsAreWiped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "volenti.db")
	db := openedSQLite(t, path)
	ctx := t.Context()
	withSites(t, db, "shop", "blog")
	var all []*consent.Entry
	decide := func(label string, n int) {
		var drafts []consent.Draft
		for i := range n {
			drafts = append(drafts, draft(t, "shop", fmt.Sprintf("%s-%d", label, i), ""))
		}
		entries := entriesOf(t, drafts...)
		for len(entries) > 0 {
			some := entries[:min(25, len(entries))]
			if err := db.AppendRecords(ctx, some); err != nil {
				t.Error(err)
				return
			}
			all, entries = append(all, some...), entries[len(some):]
		}
	}
	decide("before", 700)
	if err := db.Scrub(ctx); err != nil {
		t.Fatal(err)
	}
	if gapsOf(t, path) == 0 {
		t.Fatal("no index has left anything behind: this test shows nothing")
	}
	db.gaps = true
	var busy sync.WaitGroup
	busy.Go(func() { decide("meanwhile", 100) })
	if err := db.Scrub(ctx); err != nil {
		t.Error(err)
	}
	busy.Wait()
	db.gaps = true
	if err := db.Scrub(ctx); err != nil {
		t.Fatal(err)
	}
	if n := gapsOf(t, path); n != 0 {
		t.Errorf("something stands in the gaps of %d pages", n)
	}
	// The writer has forgotten its pages: what it changes now has clean gaps, but for
	// those of pages that it splits anew.
	if _, err := db.EraseRecords(ctx, "shop", []string{all[0].ReceiptID}, consent.Minimised, consent.ReasonRequested, noon); err != nil {
		t.Fatal(err)
	}
	var verdict string
	if err := db.write.QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("%s, %v", verdict, err)
	}
	if a, err := db.Audit(ctx, signer{}.keys()); err != nil || len(a.Findings) != 0 || a.Records != 800 {
		t.Errorf("%+v, %v", a, err)
	}
	for _, e := range all[1:] {
		if got, err := db.Entry(ctx, "shop", e.ReceiptID); err != nil || string(got.Core) != string(e.Core) {
			t.Fatalf("leaf %d: %v", e.Index, err)
		}
	}
}

func TestGapsOfPages(t *testing.T) {
	page := func(kind byte, cells, content int) []byte {
		b := make([]byte, 512)
		b[0], b[3], b[4], b[5], b[6] = kind, byte(cells>>8), byte(cells), byte(content>>8), byte(content)
		return b
	}
	for _, test := range []struct {
		page     []byte
		from, to int
	}{
		{page(13, 3, 400), 14, 400},
		{page(10, 0, 512), 8, 512},
		{page(5, 3, 400), 18, 400},
		{page(2, 194, 400), 400, 400},
		{page(13, 300, 400), 0, 0}, // nonsense: being written
		{page(13, 3, 600), 0, 0},
		{page(0, 3, 400), 0, 0}, // the rest of a long value, or a free page
		{page(7, 3, 400), 0, 0},
	} {
		if from, to := gapOf(test.page); from != test.from || to != test.to {
			t.Errorf("%v: from %d to %d, want %d to %d", test.page[:8], from, to, test.from, test.to)
		}
	}
}
