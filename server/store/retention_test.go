package store

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/retention"
	"github.com/volenti-consent/volenti/server/site"
)

func TestRetentionSettings(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		want := retention.Settings{Records: 12, Statistics: 60, Laws: map[string]int{"us-ca-ccpa": 48}, Erasure: retention.ShredAll}
		for range 2 {
			if err := db.SetRetention(ctx, "shop", want); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := db.Retention(ctx, "shop"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := db.Retention(ctx, "blog"); err != nil || !reflect.DeepEqual(got, retention.Defaults()) {
			t.Errorf("of a site that said nothing: %+v, %v", got, err)
		}
		if err := db.SetRetention(ctx, "nowhere", want); !errors.Is(err, site.ErrUnknown) {
			t.Errorf("of a site there is none of: %v", err)
		}
	})
}

// A day of the job: dry it says what the next run does and does nothing; what is over
// goes, in bounded batches, and what went is noted and in the log.
func TestRetentionRuns(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		var old []*consent.Entry
		for i := range 23 {
			old = append(old, entryOf(t, draft(t, "shop", fmt.Sprint("d", i), "")))
		}
		other := entryOf(t, draft(t, "blog", "a", ""))
		if err := db.AppendRecords(ctx, append(slices.Clone(old), other)); err != nil {
			t.Fatal(err)
		}
		ids := receiptIDs(old)
		if _, err := db.Restrict(ctx, "shop", ids[:1], consent.GroundClaims, noon); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Restrict(ctx, "shop", ids[1:2], consent.GroundDeletion, noon); err != nil {
			t.Fatal(err)
		}
		if _, err := db.EraseRecords(ctx, "shop", ids[2:3], consent.Minimised, consent.ReasonRequested, noon); err != nil {
			t.Fatal(err)
		}
		if err := db.AddSession(ctx, operator.Session{Digest: "s", Operator: withOperator(t, db), CreatedAt: noon, SeenAt: noon}); err != nil {
			t.Fatal(err)
		}
		s := retention.Defaults()
		s.Statistics = 12
		if err := db.SetRetention(ctx, "shop", s); err != nil {
			t.Fatal(err)
		}
		// Valid for six months, kept for 36 more; the site's other records are its own.
		end := noon.AddDate(0, 42, 0)
		now := end.Add(-time.Millisecond)
		job := &retention.Job{Store: db, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Batch: 10}
		counts := func(all []retention.Removal, err error) map[retention.Kind]int {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			n := map[retention.Kind]int{}
			for _, r := range all {
				n[r.Kind] += r.Count
			}
			return n
		}
		early := counts(job.Run(ctx, true, "shop"))
		if early[retention.Records] != 0 || early[retention.Statistics] == 0 || early[retention.Sessions] != 0 {
			t.Errorf("a moment before: %v", early)
		}
		now = end
		size := checkLog(t, db).Size
		dry := counts(job.Run(ctx, true))
		if dry[retention.Records] != 23 || dry[retention.Sessions] != 1 { // 22 of the shop, 1 of the blog
			t.Errorf("dry: %v", dry)
		}
		if checkLog(t, db).Size != size {
			t.Error("a dry run did something")
		}
		steps := 0
		job.Step = func(n int) {
			steps += n
			if n > 10 {
				t.Errorf("%d at once", n)
			}
		}
		all, err := job.Run(ctx, false)
		if done := counts(all, err); !reflect.DeepEqual(done, dry) {
			t.Errorf("done %v, announced %v", done, dry)
		}
		if steps < 23 {
			t.Errorf("told of %d", steps)
		}
		if again := counts(job.Run(ctx, false)); len(again) != 0 {
			t.Errorf("once more: %v", again)
		}
		noted, err := db.Removals(ctx, "", 100)
		if err != nil || len(noted) != len(all) {
			t.Fatalf("%d noted of %d, %v", len(noted), len(all), err)
		}
		stones := 0
		for _, r := range noted {
			for _, leaf := range r.Tombstones {
				stone := tombstoneAt(t, db, leaf)
				if stone.Reason != consent.ReasonRetention || stone.How != consent.Shredded || stone.Day != end.Format(time.DateOnly) {
					t.Errorf("%+v", stone)
				}
				stones += len(stone.Leaves)
			}
			if !r.At.Equal(end) || r.Kind == retention.Records && (r.Law != "x" || r.Months != 36) {
				t.Errorf("%+v", r)
			}
		}
		if stones != 23 {
			t.Errorf("tombstones for %d", stones)
		}
		// What somebody else's claim needs stays, and out of everybody's reach.
		left, err := db.Restrictions(ctx, "shop")
		if err != nil || len(left) != 1 || left[0].Index != old[0].Index {
			t.Errorf("%+v, %v", left, err)
		}
		if counts, err := db.Statistics(ctx, "shop", consent.ByNothing, "", "9"); err != nil || len(counts) != 0 {
			t.Errorf("counters of a site that lets them go: %v, %v", counts, err)
		}
		if counts, err := db.Statistics(ctx, "blog", consent.ByNothing, "", "9"); err != nil || len(counts) == 0 {
			t.Errorf("counters of a site that keeps them: %v", err)
		}
		if _, err := db.write.ExecContext(ctx, `DELETE FROM retention_removal`); err == nil {
			t.Error("what was removed is forgotten")
		}
		checkLog(t, db)
	})
}

func withOperator(t testing.TB, db *DB) string {
	t.Helper()
	o := operator.Operator{ID: operator.NewID(), Name: "Ada", Email: "ada@example.com", Role: operator.Owner, AllSites: true, CreatedAt: noon}
	if err := db.AddOperator(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o.ID
}

// A visitor's wish: what still proves a consent is minimised, all else is shredded.
func TestErasureOfAVisitor(t *testing.T) {
	db := openedSQLite(t, t.TempDir()+"/volenti.db")
	ctx := t.Context()
	withSites(t, db, "shop", "blog")
	granted := entryOf(t, draft(t, "shop", "granted", ""))
	d, err := draftOf("shop", "refused", "", false)
	if err != nil {
		t.Fatal(err)
	}
	refused := entryOf(t, d)
	// One of them nobody may read: it goes, too.
	defer func() {
		chain := withChain(t, db, 2)
		if _, err := db.Restrict(ctx, "shop", []string{chain[0].ReceiptID}, consent.GroundClaims, noon); err != nil {
			t.Fatal(err)
		}
		_, minimised, err := db.EraseOfVisitor(ctx, "shop", []string{chain[1].ReceiptID}, noon)
		if err != nil || len(minimised.Leaves) != 2 {
			t.Errorf("%+v, %v", minimised, err)
		}
	}()
	if err := db.AppendRecords(ctx, []*consent.Entry{granted, refused}); err != nil {
		t.Fatal(err)
	}
	both := receiptIDs([]*consent.Entry{granted, refused})
	shredded, minimised, err := db.EraseOfVisitor(ctx, "shop", append(both, "0123"), noon)
	if err != nil || !slices.Equal(minimised.Leaves, []int64{0}) || !slices.Equal(shredded.Leaves, []int64{1}) || !slices.Equal(shredded.Unknown, []string{"0123"}) {
		t.Errorf("%+v, %+v, %v", shredded, minimised, err)
	}
	shredded, _, err = db.EraseOfVisitor(ctx, "shop", both, noon.AddDate(4, 0, 0))
	if err != nil || !slices.Equal(shredded.Leaves, []int64{0}) {
		t.Errorf("when nothing is proven by it any more: %+v, %v", shredded, err)
	}
}
