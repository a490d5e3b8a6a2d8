package store

import (
	"fmt"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
)

// A batch of any size, of which some are repeats of each other or of what was kept before,
// is kept as if one came after the other: asked before, or told by the insert.
func TestBatchesOfAnySizeAreKept(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db := open()
		withSites(t, db, "shop")
		asked, told := 0, 0
		kept := map[string]string{}
		next, most := 0, severalRows[0]
		for round, size := range []int{1, most - 1, most, most + 1, 3*most + 7, 9} {
			var drafts []consent.Draft
			if round > 0 {
				drafts = append(drafts, draft(t, "shop", "0", ""))
			}
			for i := range size - len(drafts) {
				drafts = append(drafts, draft(t, "shop", fmt.Sprint(next), ""))
				switch i % 7 { // the next one is another, the same, or one of before
				case 3:
				case 5:
					next -= 2
				default:
					next++
				}
			}
			entries := entriesOf(t, drafts...)
			if round%2 == 1 {
				db.asking = 0 // as after a while without repeats
			}
			before := db.asking
			if err := db.AppendRecords(t.Context(), entries); err != nil {
				t.Fatal(err)
			}
			switch {
			case before > 0 && db.asking == before-1:
				asked++
			case before == 0 && db.asking == askFor-1:
				told++
			case before != 0 || db.asking != 0:
				t.Errorf("batch of %d: %d more to ask, %d before", size, db.asking, before)
			}
			for i, e := range entries {
				id := e.ReceiptID
				if e.Repeat {
					id = e.Stored.ReceiptID
				}
				if before, ok := kept[e.DecisionID]; e.Clash || ok != e.Repeat || ok && before != id {
					t.Errorf("batch of %d, entry %d: decision %s: receipt %s, before %s, repeat %v, clash %v", size, i, e.DecisionID, id, before, e.Repeat, e.Clash)
				}
				kept[e.DecisionID] = id
			}
		}
		if head := checkLog(t, db); head.Size != int64(len(kept)) || len(kept) < 50 {
			t.Errorf("%d leaves for %d decisions", head.Size, len(kept))
		}
		if asked == 0 || told == 0 {
			t.Errorf("asked for %d batches, told by %d", asked, told)
		}
		for decision, id := range kept {
			if e, err := db.Entry(t.Context(), "shop", id); err != nil || e.DecisionID != decision {
				t.Errorf("receipt %s of decision %s: %v", id, decision, err)
			}
		}
	})
}

// What SQLite is given several times at once is the same statement as once.
func TestSeveralAtOnce(t *testing.T) {
	if got := (sqlite{}).several(`UPDATE log_head SET size = ?1`, 2); got != "" {
		t.Errorf("several updates at once: %s", got)
	}
	if got := (sqlite{}).several(insertLeaf, 3); got != `INSERT INTO log_leaf (position, leaf) VALUES (?1, ?2), (?3, ?4), (?5, ?6)` {
		t.Errorf("several leaves at once: %s", got)
	}
}
