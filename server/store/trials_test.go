package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
)

// answersRead counts first decisions as CompareTrials did before there were counters:
// it reads every record since from.
func answersRead(t *testing.T, db *DB, from int64) map[canonical.Digest]map[consent.Action]int64 {
	t.Helper()
	answers := map[canonical.Digest]map[consent.Action]int64{}
	for _, e := range allRecords(t, db, "shop") {
		core, err := consent.ParseCore(e.Core)
		if err != nil {
			t.Fatal(err)
		}
		if e.ReceivedAt < from || e.Previous != "" || !slices.Contains([]consent.Action{"accept_all", "reject_all", "save", "acknowledge"}, core.Action) {
			continue
		}
		kept, err := db.Artifact(t.Context(), core.Experience)
		if err != nil {
			t.Fatal(err)
		}
		var x notice.Experience
		if err := json.Unmarshal(kept.Bytes, &x); err != nil {
			t.Fatal(err)
		}
		if answers[x.Script] == nil {
			answers[x.Script] = map[consent.Action]int64{}
		}
		answers[x.Script][core.Action]++
	}
	return answers
}

// readsNothing fails a test that reads records.
type readsNothing struct{ *DB }

func (readsNothing) EntriesBetween(context.Context, string, int64, int64, *consent.Entry, int) ([]*consent.Entry, error) {
	panic("records are read")
}

// Trials are compared by counters, and the figures are those that reading every
// record gives, also of records from before the counters.
func TestTrialsByCountersAreTrialsByRecords(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		p := &notice.Publication{Site: "shop", Scripts: []notice.PublishedScript{
			{Script: notice.Script{Variant: notice.Variant{Kind: notice.KindAsk, Surface: notice.AskOptIn, Language: "en"}, Digest: canonical.Sum([]byte("script a"))}},
			{Script: notice.Script{Variant: notice.Variant{Kind: notice.KindAsk, Surface: notice.AskOptIn, Language: "en", Trial: "blue"}, Digest: canonical.Sum([]byte("script b"))}},
			{Script: notice.Script{Variant: notice.Variant{Kind: notice.KindGate, Language: "en"}, Digest: canonical.Sum([]byte("script c"))}},
		}}
		var err error
		if p.NoticeBytes, err = (&notice.Notice{Schema: notice.Schema, Site: "shop", Trials: []notice.Trial{{Key: "blue", Percent: 30}}}).Encode(); err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(4, 4))
		decided := int64(0)
		for round := range uint64(4) {
			withRecords(t, db, 20+round, 120)
			day := noon.AddDate(0, 0, 6-2*int(round)).Format(time.DateOnly) // each round counts showings from earlier on
			shown := []notice.Showing{{Site: "shop", Day: day, Script: p.Scripts[0].Digest, Times: int64(r.IntN(900))}, {Site: "shop", Day: day, Script: p.Scripts[1].Digest, Times: 1 + int64(r.IntN(900))}}
			if err := db.AddShowings(ctx, shown); err != nil {
				t.Fatal(err)
			}
			if round == 2 { // as in a database from before the counters of answers
				if _, err := db.write.ExecContext(ctx, `DELETE FROM statistic WHERE dimension = 'answer'; UPDATE uncounted SET next = 0, until = (SELECT size FROM log_head) WHERE id = 2`); err != nil {
					t.Fatal(err)
				}
				if err := db.CountEarlier(ctx); err != nil {
					t.Fatal(err)
				}
			}
			got, err := consent.CompareTrials(ctx, readsNothing{db}, p, noon.AddDate(0, 2, 0))
			if err != nil || len(got) != 6 {
				t.Fatal(len(got), err)
			}
			from, err := time.Parse(time.DateOnly, day)
			if err != nil {
				t.Fatal(err)
			}
			read := answersRead(t, db, from.UnixMilli())
			for i, trial := range []string{"", "blue"} {
				want := read[p.Scripts[i].Digest]
				sum := want[consent.AcceptAll] + want[consent.RejectAll] + want[consent.Save] + want[consent.Acknowledge]
				a := got[i]
				if a.Trial != trial || a.Surface != notice.AskOptIn || a.Shown == 0 || a.Decided != notice.ProportionOf(sum, a.Shown) ||
					a.Accepted != notice.ProportionOf(want[consent.AcceptAll], sum) || a.Rejected != notice.ProportionOf(want[consent.RejectAll], sum) ||
					a.Saved != notice.ProportionOf(want[consent.Save], sum) || a.Acknowledged != notice.ProportionOf(want[consent.Acknowledge], sum) {
					t.Errorf("round %d, trial %q: %s, reading says %v", round, trial, fmt.Sprintf("%+v", a), want)
				}
				decided += sum
			}
		}
		if decided == 0 {
			t.Error("nobody decided")
		}
	})
}
