package store

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/site"
)

func TestNoticeDrafts(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		if _, err := db.NoticeWork(ctx, "shop"); !errors.Is(err, notice.ErrNoWork) {
			t.Fatalf("before anybody began: %v", err)
		}
		first, err := db.SaveNoticeWork(ctx, notice.Work{Site: "shop", Source: "one", Base: "b", By: "anna", Did: "begun", ChangedAt: noon})
		if err != nil || first.Revision != 1 {
			t.Fatalf("%+v, %v", first, err)
		}
		for _, revision := range []int64{0, 2} {
			if _, err := db.SaveNoticeWork(ctx, notice.Work{Site: "shop", Revision: revision, Source: "lost"}); !errors.Is(err, notice.ErrStale) {
				t.Errorf("on revision %d: %v", revision, err)
			}
		}
		second := first
		second.Source, second.By, second.ChangedAt = "two", "ben", noon.Add(time.Minute)
		if second, err = db.SaveNoticeWork(ctx, second); err != nil {
			t.Fatal(err)
		}
		if got, err := db.NoticeWork(ctx, "shop"); err != nil || got != second {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := db.NoticeWorkAt(ctx, "shop", 1); err != nil || got != first {
			t.Errorf("the one before: %+v, %v", got, err)
		}
		for _, site := range []string{"blog", "nowhere"} {
			if _, err := db.NoticeWorkAt(ctx, site, 1); !errors.Is(err, notice.ErrNoWork) {
				t.Errorf("of %s: %v", site, err)
			}
		}
		list, err := db.NoticeWorks(ctx, "shop", 10)
		if err != nil || len(list) != 2 || list[0].By != "ben" || list[1].Revision != 1 || list[0].Source != "" {
			t.Errorf("%+v, %v", list, err)
		}
		if err := db.DropNoticeWork(ctx, "shop"); err != nil {
			t.Fatal(err)
		}
		if list, err := db.NoticeWorks(ctx, "shop", 10); err != nil || len(list) != 0 {
			t.Errorf("after dropping it: %v, %v", list, err)
		}
		if _, err := db.SaveNoticeWork(ctx, notice.Work{Site: "nowhere", Source: "x"}); !errors.Is(err, site.ErrUnknown) {
			t.Errorf("of no site: %v", err)
		}
	})
}

// Old revisions go, so that a draft that is typed for weeks does not grow for good.
func TestAFewRevisionsOfADraftAreKept(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop")
		w := notice.Work{Site: "shop", ChangedAt: noon}
		for i := range mostRevisions + 5 {
			var err error
			w.Source = strconv.Itoa(i)
			if w, err = db.SaveNoticeWork(ctx, w); err != nil {
				t.Fatal(err)
			}
		}
		list, err := db.NoticeWorks(ctx, "shop", 2*mostRevisions)
		if err != nil || len(list) != mostRevisions || list[0].Revision != mostRevisions+5 {
			t.Errorf("%d are kept, %v", len(list), err)
		}
	})
}
