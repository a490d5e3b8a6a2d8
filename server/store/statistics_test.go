package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
)

// anyDraft is a decision as it may come: of any region, language, layer, action
// and choice, with and without signals.
func anyDraft(t testing.TB, r *rand.Rand, siteKey, id, previous string, at time.Time) consent.Draft {
	t.Helper()
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	x := notice.Experience{Site: siteKey, Language: pick("en", "de", "fr"), Policies: map[string]canonical.Digest{}}
	for _, d := range []*canonical.Digest{&x.Notice, &x.Wording, &x.Tags, &x.Law} {
		*d = canonical.Sum([]byte("shown"))
	}
	x.Script = canonical.Sum([]byte(pick("script a", "script b")))
	b, err := x.Encode()
	if err != nil {
		t.Fatal(err)
	}
	n := &notice.Notice{Site: siteKey, Validity: 6, Categories: []notice.Category{
		{Key: "analytics", Like: "analytics"}, {Key: "ana", Like: "analytics"}, {Key: "marketing", Like: "marketing"}}}
	d := consent.Decision{
		ID: id, Token: "t", Previous: previous, At: at.UnixMilli(), GPC: r.IntN(4) == 0, DNT: r.IntN(5) == 0,
		Surface: consent.Surface(pick("banner", "banner", "settings", "api", "page")),
	}
	model := regime.OptIn
	switch d.Action = consent.Action(pick("save", "save", "accept_all", "reject_all", "withdraw", "signal", "acknowledge")); d.Action {
	case consent.Signal:
		d.GPC, d.Surface = true, consent.OnSignal
	case consent.Acknowledge:
		model = regime.Notice
		if r.IntN(2) == 0 {
			d.Surface = consent.OnChange
		}
	}
	if d.Action != consent.Acknowledge {
		d.Categories = map[string]bool{}
		for _, c := range n.Categories {
			if r.IntN(4) > 0 || c.Key == "analytics" {
				d.Categories[c.Key] = d.Action == consent.Save && r.IntN(2) == 0
			}
			if d.Action == consent.AcceptAll || d.Action == consent.RejectAll {
				d.Categories[c.Key] = d.Action == consent.AcceptAll
			}
		}
	}
	drafted, err := consent.Prepare(d, consent.Question{
		Served:     consent.Served{Site: siteKey, Experience: canonical.Sum(b), Law: "x", Region: pick("DE", "FR", "US-CA", "LI", ""), Source: "database", Bucket: consent.BucketOf(at)},
		Experience: x, LawTable: "2026-11-21", Notice: n,
		Models:    map[string]regime.Model{"analytics": model, "ana": model, "marketing": model},
		Artifacts: []consent.Artifact{{Digest: canonical.Sum(b), Kind: "experience", Bytes: b}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return drafted
}

// withRecords fills a database with random records of two sites over a fortnight,
// some of them sent twice, some replacing others.
func withRecords(t testing.TB, db *DB, seed uint64, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	now := noon
	recorder := consent.NewRecorder(db, signer{}, consent.RecorderOptions{Now: func() time.Time { return now }})
	last := ""
	for i := range n {
		previous := ""
		if r.IntN(3) == 0 {
			previous = last
		}
		siteKey := []string{"shop", "shop", "blog"}[r.IntN(3)]
		d := anyDraft(t, r, siteKey, fmt.Sprint(seed, "-", i), previous, now)
		for range 1 + r.IntN(2) {
			got, err := recorder.Record(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			last = got.Entry.ReceiptID
		}
		now = now.Add(time.Duration(r.IntN(3)) * time.Duration(r.IntN(200)) * time.Minute) // often at the same moment
	}
	if err := recorder.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func allRecords(t testing.TB, db *DB, siteKey string) []*consent.Entry {
	t.Helper()
	var all []*consent.Entry
	for last := (*consent.Entry)(nil); ; last = all[len(all)-1] {
		page, err := db.EntriesBetween(t.Context(), siteKey, 0, 1<<60, last, 500)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, page...); len(page) < 500 {
			return all
		}
	}
}

// recounted is what the counters must say, worked out from the records' own bytes
// by rules written down here once more.
func recounted(t testing.TB, db *DB, siteKey string) map[consent.Count]int64 {
	t.Helper()
	counts := map[consent.Count]int64{}
	for _, e := range allRecords(t, db, siteKey) {
		core, err := consent.ParseCore(e.Core)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := db.Artifact(t.Context(), core.Experience)
		if err != nil {
			t.Fatal(err)
		}
		_, script, _ := strings.Cut(string(kept.Bytes), `"script":"`)
		outcome := map[consent.State]string{"given": "accepted", "partial": "partial", "refused": "refused", "withdrawn": "withdrawn", "signal_applied": "signal", "acknowledged": "acknowledged"}[core.State]
		if core.Surface == "change" {
			outcome = "told"
		}
		day := time.UnixMilli(e.ReceivedAt).UTC().Format("2006-01-02")
		add := func(by consent.Dimension, value, outcome string) {
			counts[consent.Count{Day: day, Dimension: by, Value: value, Outcome: outcome}]++
		}
		add("", "", outcome)
		add("region", core.Region, outcome)
		add("language", core.Language, outcome)
		add("layer", string(core.Surface), outcome)
		chosen := outcome == "accepted" || outcome == "partial" || outcome == "refused"
		if e.Previous == "" && (chosen || outcome == "acknowledged") {
			add("script", script[:64], outcome)
		}
		if e.Previous == "" && slices.Contains([]consent.Action{"accept_all", "reject_all", "save", "acknowledge"}, core.Action) {
			add("answer", script[:64], string(core.Action))
		}
		if core.Signals.GPC {
			add("signal", "gpc", outcome)
		}
		if core.Signals.DNT {
			add("signal", "dnt", outcome)
		}
		granted := false
		for key, choice := range core.Categories {
			granted = granted || choice == "granted"
			if chosen {
				add("category", key, string(choice))
			}
		}
		if chosen && granted {
			day = time.UnixMilli(core.ValidUntil).UTC().Format("2006-01-02")
			add("end", "", outcome)
		}
	}
	return counts
}

// counted is what the counters say.
func counted(t testing.TB, db *DB, siteKey string) map[consent.Count]int64 {
	t.Helper()
	counts := map[consent.Count]int64{}
	for _, by := range []consent.Dimension{consent.ByNothing, consent.ByRegion, consent.ByLanguage, consent.ByLayer, consent.ByScript, consent.ByAnswer, consent.ByCategory, consent.BySignal, consent.ByEnd} {
		daily, err := db.DailyStatistics(t.Context(), siteKey, by, "", "9")
		if err != nil {
			t.Fatal(err)
		}
		sums := map[consent.Count]int64{}
		for _, c := range daily {
			times := c.Times
			c.Times = 0
			counts[c] = times
			c.Day = ""
			sums[c] += times
		}
		summed, err := db.Statistics(t.Context(), siteKey, by, "", "9")
		if err != nil || len(summed) != len(sums) {
			t.Fatalf("%d sums of %q, want %d, %v", len(summed), by, len(sums), err)
		}
		for _, c := range summed {
			times := c.Times
			c.Times = 0
			if sums[c] != times {
				t.Errorf("%+v: %d in sum, %d by day", c, times, sums[c])
			}
		}
	}
	return counts
}

func sameCounts(t testing.TB, when string, got, want map[consent.Count]int64) {
	t.Helper()
	if len(got) != len(want) || len(want) == 0 {
		t.Errorf("%s: %d counters, want %d", when, len(got), len(want))
	}
	for c, times := range want {
		if got[c] != times {
			t.Errorf("%s: %+v is %d, want %d", when, c, got[c], times)
		}
	}
}

func TestCountersEqualARecount(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		for seed := range uint64(3) {
			withRecords(t, db, seed, 150)
			for _, key := range []string{"shop", "blog"} {
				sameCounts(t, fmt.Sprint(key, seed), counted(t, db, key), recounted(t, db, key))
			}
		}
		if left, _, err := db.Uncounted(ctx); err != nil || left != 0 {
			t.Errorf("in a database that never knew less: %d left, %v", left, err)
		}
		// A repeat and a clash beside something new, in one transaction.
		repeated, fresh := draft(t, "shop", "sent twice", ""), draft(t, "shop", "sent once", "")
		if err := db.AppendRecords(ctx, entriesOf(t, repeated)); err != nil {
			t.Fatal(err)
		}
		clash, err := draftOf("shop", "sent twice", "", false)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.AppendRecords(ctx, entriesOf(t, repeated, clash, fresh, fresh)); err != nil {
			t.Fatal(err)
		}
		sameCounts(t, "after repeats", counted(t, db, "shop"), recounted(t, db, "shop"))
		narrow, err := db.DailyStatistics(ctx, "shop", consent.ByNothing, "2026-11-22", "2026-11-23")
		if err != nil || len(narrow) == 0 {
			t.Fatal(err)
		}
		for _, c := range narrow {
			if c.Day < "2026-11-22" || c.Day > "2026-11-23" {
				t.Errorf("a day that was not asked for: %+v", c)
			}
		}
	})
}

// What was recorded before there were counters is counted once, whatever happens
// on the way, and what is recorded meanwhile is not counted again.
func TestEarlierRecordsAreCountedOnce(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		withRecords(t, db, 7, 200)
		// As the database was before the migration.
		if _, err := db.write.ExecContext(ctx, `DELETE FROM statistic; DELETE FROM record_facet; DELETE FROM facet;
			UPDATE uncounted SET next = 0, until = (SELECT size FROM log_head)`); err != nil {
			t.Fatal(err)
		}
		left, of, err := db.Uncounted(ctx)
		if err != nil || left == 0 || left != of {
			t.Fatalf("%d of %d left, %v", left, of, err)
		}
		withRecords(t, db, 8, 50)
		for range 2 {
			if err := open().CountEarlier(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range []string{"shop", "blog"} {
			sameCounts(t, key, counted(t, db, key), recounted(t, db, key))
		}
		if left, _, err := db.Uncounted(ctx); err != nil || left != 0 {
			t.Errorf("%d left, %v", left, err)
		}
		compareSearches(t, db, rand.New(rand.NewPCG(1, 1)), 50)
	})
}

// Erased records are found no more, and no rare facet remains; counters stay.
func TestErasureLeavesNothingToSearch(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		withRecords(t, db, 3, 60)
		before := counted(t, db, "shop")
		var gone []string
		for _, e := range allRecords(t, db, "shop") {
			gone = append(gone, e.ReceiptID)
		}
		if _, err := db.EraseRecords(ctx, "shop", gone, consent.Shredded, consent.ReasonRequested, noon); err != nil {
			t.Fatal(err)
		}
		var facets, places int
		if err := db.read.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM facet WHERE site = 'shop'), (SELECT COUNT(*) FROM record_facet)`).Scan(&facets, &places); err != nil {
			t.Fatal(err)
		}
		if facets != 0 || places != len(allRecords(t, db, "blog")) {
			t.Errorf("%d facets of nobody, %d places", facets, places)
		}
		sameCounts(t, "after erasure", counted(t, db, "shop"), before)
		withRecords(t, db, 4, 60)
		compareSearches(t, db, rand.New(rand.NewPCG(1, 1)), 50)
	})
}

// compareSearches holds random searches, page by page, against reading everything.
func compareSearches(t testing.TB, db *DB, r *rand.Rand, times int) {
	t.Helper()
	found := 0
	for range times {
		s := consent.Search{Site: []string{"shop", "blog"}[r.IntN(2)], Limit: 1 + r.IntN(40)}
		if r.IntN(2) == 0 {
			s.Region = []string{"DE", "US-CA", "-", "XX"}[r.IntN(4)]
		}
		for range r.IntN(3) {
			s.Outcomes = append(s.Outcomes, consent.Outcomes()[r.IntN(7)])
		}
		if r.IntN(2) == 0 {
			s.Category = []string{"analytics", "ana", "marketing", "none"}[r.IntN(4)]
			s.Choice = []consent.Choice{consent.Granted, consent.Refused}[r.IntN(2)]
		}
		if r.IntN(2) == 0 {
			s.From = noon.Add(time.Duration(r.IntN(200)) * time.Hour).UnixMilli()
			s.To = s.From + int64(r.IntN(100))*3_600_000 + 1
		}
		want := bruteForce(t, db, s)
		var got []string
		for {
			page, err := db.SearchRecords(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) > s.Limit {
				t.Fatalf("%d of a page of %d", len(page), s.Limit)
			}
			for _, e := range page {
				got = append(got, e.ReceiptID)
			}
			if len(page) < s.Limit {
				break
			}
			last := page[len(page)-1]
			s.Before = consent.Place{ReceivedAt: last.ReceivedAt, Index: last.Index}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v finds %d, want %d", s, len(got), len(want))
		}
		found += len(want)
	}
	if found == 0 {
		t.Error("nothing was ever found")
	}
}

func bruteForce(t testing.TB, db *DB, s consent.Search) []string {
	var found []string
	for _, e := range slices.Backward(allRecords(t, db, s.Site)) {
		core, err := consent.ParseCore(e.Core)
		if err != nil {
			t.Fatal(err)
		}
		outcome := consent.Summarise(core, "").Outcome
		granted := core.Categories[s.Category] == consent.Granted
		if (s.Region == "" || core.Region == s.Region) && (len(s.Outcomes) == 0 || slices.Contains(s.Outcomes, outcome)) &&
			(s.Category == "" || granted == (s.Choice == consent.Granted)) && e.ReceivedAt >= s.From && (s.To == 0 || e.ReceivedAt < s.To) {
			found = append(found, e.ReceiptID)
		}
	}
	return found
}

func TestSearchFindsWhatThereIs(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db := open()
		withSites(t, db, "shop", "blog")
		withRecords(t, db, 1, 300)
		compareSearches(t, db, rand.New(rand.NewPCG(9, 9)), 200)
		regions, err := db.RegionsOf(t.Context(), "shop")
		if err != nil || !slices.Equal(regions, []string{"-", "DE", "FR", "LI", "US-CA"}) {
			t.Errorf("regions %v, %v", regions, err)
		}
	})
}
