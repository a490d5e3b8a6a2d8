package admin

import (
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// What a publication dialog says of visitors is what the records say: each decision
// of the time in which one holds, and those who never decided before.
func TestReachIsWhatTheRecordsSay(t *testing.T) {
	w := newWorld(t)
	keyring, err := consent.OpenKeyring(consent.KeyFolder(filepath.Join(t.TempDir(), "keys")), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, w.db, keyring, 400)
	for _, c := range []struct {
		months int
		at     time.Time
	}{{6, w.clock()}, {1, w.clock()}, {6, w.clock().AddDate(0, 4, 0)}, {1, w.clock().AddDate(0, 2, 0)}} {
		got, err := w.console.reach(t.Context(), shop, c.months, c.at)
		if err != nil {
			t.Fatal(err)
		}
		from, err := time.Parse(time.DateOnly, c.at.UTC().AddDate(0, -c.months, 0).Format(time.DateOnly))
		if err != nil {
			t.Fatal(err)
		}
		all, err := w.db.EntriesBetween(t.Context(), shop, from.UnixMilli(), 1<<60, nil, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		var firsts, kinds int64
		for _, e := range all {
			if e.Previous == "" {
				firsts++
			}
		}
		for _, k := range got.Kinds {
			kinds += k.Times
		}
		if got.Most != int64(len(all)) || got.Least != firsts || kinds != got.Most || got.Counting {
			t.Errorf("%d months at %s: %+v, of %d records %d first", c.months, c.at, got, len(all), firsts)
		}
		if c.at.Equal(w.clock()) && c.months == 6 && (len(all) != 400 || firsts == 400) {
			t.Errorf("%d records, %d first: nothing is told apart", len(all), firsts)
		}
	}
	if got, err := w.console.reach(t.Context(), blog, 6, w.clock()); err != nil || !got.None() || got.Said() != "no visitor" {
		t.Errorf("another site's: %+v, %v", got, err)
	}
}
