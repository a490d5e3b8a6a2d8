package store

import (
	"errors"
	"slices"
	"testing"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
)

func TestShowingsAddUp(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "other")
		a, b := canonical.Sum([]byte("a")), canonical.Sum([]byte("b"))
		for _, batch := range [][]notice.Showing{
			{{Site: "shop", Day: "2026-11-21", Script: a, Times: 3}, {Site: "shop", Day: "2026-11-21", Script: b, Times: 1}},
			{{Site: "shop", Day: "2026-11-21", Script: a, Times: 4}, {Site: "shop", Day: "2026-11-22", Script: a, Times: 1}, {Site: "other", Day: "2026-11-21", Script: a, Times: 9}},
		} {
			if err := db.AddShowings(ctx, batch); err != nil {
				t.Fatal(err)
			}
		}
		want := []notice.Showing{{Site: "shop", Day: "2026-11-21", Script: a, Times: 7}, {Site: "shop", Day: "2026-11-21", Script: b, Times: 1}, {Site: "shop", Day: "2026-11-22", Script: a, Times: 1}}
		slices.SortFunc(want[:2], func(x, y notice.Showing) int {
			if x.Script < y.Script {
				return -1
			}
			return 1
		})
		got, err := db.Showings(ctx, "shop")
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
		// All or none.
		err = db.AddShowings(ctx, []notice.Showing{{Site: "shop", Day: "2026-11-21", Script: a, Times: 1}, {Site: "nobody", Day: "2026-11-21", Script: a, Times: 1}})
		if !errors.Is(err, site.ErrUnknown) {
			t.Errorf("of a site that is not there: %v", err)
		}
		if got, err := db.Showings(ctx, "shop"); err != nil || !slices.Equal(got, want) {
			t.Errorf("after a batch that failed: %+v, %v", got, err)
		}
	})
}
