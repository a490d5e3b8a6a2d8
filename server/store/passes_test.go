package store

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

// What counts once counts once, and is forgotten when it would not count any more.
func TestPassesAreSpentOnce(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		spend := func(digest string, at time.Time) bool {
			t.Helper()
			first, err := db.SpendPass(ctx, []byte(digest), at.Add(10*time.Minute), at)
			if err != nil {
				t.Fatal(err)
			}
			return first
		}
		if !spend("a", noon) || spend("a", noon) || !spend("b", noon) || spend("a", noon.Add(10*time.Minute)) {
			t.Error("a pass counted twice, or not at all")
		}
		spend("c", noon.Add(time.Hour))
		var kept int
		if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM spent_pass`).Scan(&kept); err != nil || kept != 1 {
			t.Errorf("%d passes are kept after their time, %v; want the last one alone", kept, err)
		}
	})
}

// Decisions made in another browser are told from when they were kept, once each.
func TestReplacedElsewhere(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop")
		one, two := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
		for i, digests := range [][][]byte{{one}, {one, two}} {
			if err := db.ReplaceElsewhere(ctx, "shop", digests, noon.Add(time.Duration(i)*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		var got [][]byte
		latest, err := db.ReplacedElsewhere(ctx, noon.Add(time.Minute), func(site string, digest []byte) {
			if site == "shop" {
				got = append(got, digest)
			}
		})
		slices.SortFunc(got, bytes.Compare)
		if err != nil || !latest.Equal(noon.Add(time.Hour)) || len(got) != 2 || !bytes.Equal(got[1], two) {
			t.Errorf("%v until %v, %v", got, latest, err)
		}
		if err := db.ForgetReplaced(ctx, noon.Add(2*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ReplacedElsewhere(ctx, time.Time{}, func(string, []byte) { t.Error("not forgotten") }); err != nil {
			t.Error(err)
		}
	})
}
