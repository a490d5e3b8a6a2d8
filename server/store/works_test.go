package store

import (
	"errors"
	"reflect"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/site"
)

func TestWorks(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		w := worded("eins")
		w.Effective = noon.Add(time.Hour + 7*time.Nanosecond)
		one, err := db.SaveWork(ctx, w)
		if err != nil || one.ID == "" || one.Revision != 1 || one.State != policyversions.Drafted {
			t.Fatalf("%+v, %v", one, err)
		}
		got, err := open().Work(ctx, "shop", one.ID)
		if err != nil || !reflect.DeepEqual(got, one) {
			t.Errorf("kept %+v, %v, want %+v", got, err, one)
		}
		if bare, err := db.SaveWork(ctx, policyversions.Work{Site: "shop", Policy: "cookies", ChangedAt: noon.Add(time.Minute)}); err != nil {
			t.Error(err)
		} else if got, err := db.Work(ctx, "shop", bare.ID); err != nil || !reflect.DeepEqual(got, bare) || !got.Effective.IsZero() {
			t.Errorf("an empty one: %+v, %v", got, err)
		}
		one.Title = "Another"
		two, err := db.SaveWork(ctx, one)
		if err != nil || two.Revision != 2 {
			t.Fatalf("%+v, %v", two, err)
		}
		for name, test := range map[string]struct {
			work policyversions.Work
			want error
		}{
			"the revision before": {one, policyversions.ErrStale},
			"a revision to come":  {with(two, func(w *policyversions.Work) { w.Revision = 9 }), policyversions.ErrStale},
			"another site":        {with(two, func(w *policyversions.Work) { w.Site = "blog" }), policyversions.ErrUnknownWork},
			"one there is not":    {with(two, func(w *policyversions.Work) { w.ID = "x" }), policyversions.ErrUnknownWork},
			"of no site":          {with(two, func(w *policyversions.Work) { w.ID, w.Site = "", "nobody" }), site.ErrUnknown},
		} {
			if _, err := db.SaveWork(ctx, test.work); !errors.Is(err, test.want) {
				t.Errorf("%s: %v, want %v", name, err, test.want)
			}
		}
		if _, err := db.Work(ctx, "blog", one.ID); !errors.Is(err, policyversions.ErrUnknownWork) {
			t.Errorf("from another site: %v", err)
		}
		all, err := db.Works(ctx, "shop")
		if err != nil || len(all) != 2 || all[1].ID != one.ID || all[1].Title != "Another" {
			t.Errorf("%+v, %v", all, err)
		}
		if none, err := db.Works(ctx, "blog"); err != nil || len(none) != 0 {
			t.Errorf("%+v, %v", none, err)
		}
		if err := db.DropWork(ctx, "blog", one.ID); err != nil {
			t.Error(err)
		}
		if _, err := db.Work(ctx, "shop", one.ID); err != nil {
			t.Errorf("dropped from another site: %v", err)
		}
		for range 2 {
			if err := db.DropWork(ctx, "shop", one.ID); err != nil {
				t.Error(err)
			}
		}
		if _, err := db.SaveWork(ctx, two); !errors.Is(err, policyversions.ErrUnknownWork) {
			t.Errorf("a dropped one: %v", err)
		}
	})
}

func with(w policyversions.Work, change func(*policyversions.Work)) policyversions.Work {
	change(&w)
	return w
}

// Two operators who publish what they read: one does, the other is told.
func TestAWorkIsPublishedAsItWasRead(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop")
		w, err := db.SaveWork(ctx, worded("eins"))
		if err != nil {
			t.Fatal(err)
		}
		p := publisher(db, noon)
		changed, err := db.SaveWork(ctx, with(w, func(w *policyversions.Work) { w.Markdown += " und mehr" }))
		if err != nil {
			t.Fatal(err)
		}
		for name, stale := range map[string]policyversions.Work{
			"as it was before":    w,
			"with other words":    with(changed, func(w *policyversions.Work) { w.Markdown = "# Datenschutz\n\nanders" }),
			"with another effect": with(changed, func(w *policyversions.Work) { w.Grace = 0 }),
		} {
			if _, err := p.PublishWork(ctx, stale, "anna", ""); !errors.Is(err, policyversions.ErrStale) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := p.PublishWork(ctx, changed, "anna", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := p.PublishWork(ctx, changed, "ben", ""); !errors.Is(err, policyversions.ErrSameText) && !errors.Is(err, policyversions.ErrStale) {
			t.Errorf("twice: %v", err)
		}
	})
}

func TestTheSecondPairOfEyes(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop")
		if err := db.SetSecondPair(ctx, "nobody", true); !errors.Is(err, site.ErrUnknown) {
			t.Errorf("of no site: %v", err)
		}
		if err := db.SetSecondPair(ctx, "shop", true); err != nil {
			t.Fatal(err)
		}
		if s, err := db.Site(ctx, "shop"); err != nil || !s.SecondPair {
			t.Errorf("%+v, %v", s, err)
		}
		p := publisher(db, noon)
		w, err := db.SaveWork(ctx, worded("eins"))
		if err != nil {
			t.Fatal(err)
		}
		submit, err := w.Submit("ben")
		if err != nil {
			t.Fatal(err)
		}
		refused := func(name string, w policyversions.Work, by, approvedBy string) {
			t.Helper()
			if v, err := p.PublishWork(ctx, w, by, approvedBy); !errors.Is(err, policyversions.ErrNotApproved) {
				t.Errorf("%s: %d, %v", name, v.Number, err)
			}
		}
		refused("alone", w, "anna", "")
		refused("not submitted", w, "anna", "cleo")
		refused("approved by oneself", w, "anna", "anna")
		refused("kept nowhere", with(submit, func(w *policyversions.Work) { w.ID = "" }), "ben", "cleo")
		if _, err := p.PublishWork(ctx, submit, "ben", "cleo"); !errors.Is(err, policyversions.ErrStale) {
			t.Errorf("submitted in memory alone: %v", err)
		}
		submitted, err := db.SaveWork(ctx, submit)
		if err != nil {
			t.Fatal(err)
		}
		refused("no approval", submitted, "ben", "")
		// The store sees to it by itself, whoever calls it.
		for _, who := range [][2]string{{"ben", "ben"}, {"cleo", "ben"}, {"ben", ""}} {
			v := version("shop", "privacy", "straight", noon)
			v.PublishedBy, v.ApprovedBy = who[0], who[1]
			if _, err := db.AddVersionOf(ctx, v, submitted); !errors.Is(err, policyversions.ErrNotApproved) {
				t.Errorf("straight into the store, by %v: %v", who, err)
			}
		}
		refused("approved by who submitted it", submitted, "cleo", "ben")
		refused("approved by who wrote it, and another submitted", submitted, "ben", "anna")
		if _, err := db.SaveWork(ctx, with(submitted, func(w *policyversions.Work) { w.Markdown += " heimlich" })); !errors.Is(err, policyversions.ErrSubmitted) {
			t.Errorf("changed while it waits: %v", err)
		}
		if _, err := db.AddVersion(ctx, version("shop", "privacy", "past the drafts", noon)); !errors.Is(err, policyversions.ErrNotApproved) {
			t.Errorf("without a draft: %v", err)
		}
		if _, err := db.Versions(ctx, "shop", "privacy"); !errors.Is(err, policyversions.ErrUnknownPolicy) {
			t.Errorf("something was published: %v", err)
		}
		// Taken back, changed by its approver-to-be, and submitted by him: now another one is needed.
		again, err := db.SaveWork(ctx, submitted.TakeBack("cleo"))
		if err != nil || again.State != policyversions.Drafted || again.SubmittedBy != "" {
			t.Fatalf("%+v, %v", again, err)
		}
		if again, err = again.Submit("cleo"); err != nil {
			t.Fatal(err)
		}
		if again, err = db.SaveWork(ctx, again); err != nil {
			t.Fatal(err)
		}
		refused("approved by who wrote it", again, "cleo", "cleo")
		v, err := p.PublishWork(ctx, again, "ben", "ben")
		if err != nil || v.PublishedBy != "cleo" || v.ApprovedBy != "ben" {
			t.Errorf("by %s, approved by %s: %v", v.PublishedBy, v.ApprovedBy, err)
		}
		if err := db.SetSecondPair(ctx, "shop", false); err != nil {
			t.Fatal(err)
		}
		if v := published(t, db, "zwei", noon); v.PublishedBy != "anna" || v.ApprovedBy != "" {
			t.Errorf("by %s, approved by %s", v.PublishedBy, v.ApprovedBy)
		}
	})
}
