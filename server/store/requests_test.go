package store

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/request"
)

func asked(id, site string, receipts ...string) request.Request {
	return request.Request{ID: id, Site: site, Kind: request.Erasure, State: request.Open, Identity: request.ByReceipt, Receipts: receipts, Language: "de", Region: "DE",
		Law: "eu-gdpr-eprivacy", ReceivedAt: noon, Due: noon.AddDate(0, 1, 0), LawDue: noon.AddDate(0, 1, 0), Longer: noon.AddDate(0, 3, 0), Contact: []byte("sealed-canary")}
}

func add(t *testing.T, db *DB, r request.Request) request.Request {
	t.Helper()
	c := request.Change{Request: r, Steps: []request.Step{{At: noon, What: request.Received, By: "visitor", Text: []byte("text-canary")}},
		Mails: []request.Mail{{ID: "m-" + r.ID, Site: r.Site, Request: r.ID, About: request.MailNews, At: noon}}, Events: []request.Event{request.NewEvent(request.EventReceived, r, noon)}}
	if err := db.AddRequest(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	r.Seq = 1
	return r
}

func TestRequestsAreKept(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		r := add(t, db, asked("a", "shop", strings.Repeat("1", 32)))
		add(t, db, asked("b", "blog", strings.Repeat("1", 32)))

		if _, err := db.Request(ctx, "blog", "a"); !errors.Is(err, request.ErrUnknown) {
			t.Errorf("another site's request: %v", err)
		}
		if all, err := db.OfReceipts(ctx, "shop", []string{strings.Repeat("1", 32), "x"}); err != nil || len(all) != 1 || all[0].ID != "a" {
			t.Errorf("of a receipt: %v, %v", all, err)
		}
		done := r
		done.State, done.ClosedAt = request.Fulfilled, noon.Add(time.Hour)
		c := request.Change{Request: done, Steps: []request.Step{{At: noon, What: request.Fulfilling, By: "op", Note: "[]"}}, File: &request.File{Name: "x.zip", Sealed: []byte("file-canary"), Until: noon.Add(time.Hour)}}
		if err := db.Apply(ctx, c); err != nil {
			t.Fatal(err)
		}
		if err := db.Apply(ctx, c); !errors.Is(err, request.ErrStale) {
			t.Errorf("changed by somebody who did not know the last step: %v", err)
		}
		got, err := db.Request(ctx, "shop", "a")
		if err != nil || got.State != request.Fulfilled || got.Seq != 2 || !got.HandOver || !slices.Equal(got.Receipts, r.Receipts) || !got.Due.Equal(r.Due) {
			t.Errorf("%+v, %v", got, err)
		}
		for _, text := range []string{`DELETE FROM request`, `UPDATE request SET received_at = 0`, `UPDATE request SET law_due = 0`, `UPDATE request SET state = 'open' WHERE id = 'a'`,
			`UPDATE request_step SET what = 'x'`, `DELETE FROM request_step`, `UPDATE request_text SET sealed = 'x'`} {
			refuses(t, db, text)
		}
		// Every step is an act, and an act names nobody.
		acts, err := db.Acts(ctx, operator.ActQuery{Sites: []string{"shop"}, What: "request."})
		if err != nil || len(acts) != 2 || acts[0].What != "request.fulfilled" || acts[0].Object != "a" || acts[1].Operator != "visitor" || strings.Contains(acts[0].Detail+acts[1].Detail, "canary") {
			t.Errorf("%+v, %v", acts, err)
		}
		if l, err := db.Load(ctx, "blog", noon.AddDate(0, 2, 0)); err != nil || l != (request.Load{Open: 1, Overdue: 1}) {
			t.Errorf("%+v, %v", l, err)
		}
		if l, err := db.Load(ctx, "shop", noon); err != nil || l != (request.Load{}) {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

// What is forgotten is not in the file any more.
func TestForgottenRequestsAreGone(t *testing.T) {
	path := t.TempDir() + "/volenti.db"
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	withSites(t, db, "shop")
	r := add(t, db, asked("a", "shop", strings.Repeat("c", 32)))
	r.State, r.ClosedAt, r.Forgotten = request.Withdrawn, noon, true
	if err := db.Apply(t.Context(), request.Change{Request: r, Steps: []request.Step{{At: noon, What: request.Forgetting, By: "server"}}, Forget: true}); err != nil {
		t.Fatal(err)
	}
	got, err := db.Request(t.Context(), "shop", "a")
	if err != nil || got.Contact != nil || got.Receipts != nil || got.Language != "de" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, canary := range []string{"sealed-canary", "text-canary", strings.Repeat("c", 32)} {
		if strings.Contains(string(b), canary) {
			t.Errorf("%s is still in the file", canary)
		}
	}
}

func TestOutbox(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		hook := func(id, site string, events ...string) request.Hook {
			h := request.Hook{ID: id, Site: site, URL: "https://" + id + ".example", Events: events, Secret: []byte("s"), CreatedAt: noon}
			if err := db.AddHook(ctx, h, "op"); err != nil {
				t.Fatal(err)
			}
			return h
		}
		hook("all", "shop")
		hook("one", "shop", request.EventErased)
		hook("foreign", "blog")
		add(t, db, asked("a", "shop"))
		due, err := db.Deliveries(ctx, noon, 10)
		if err != nil || len(due) != 1 || due[0].HookID != "all" || due[0].Object != "a" || len(due[0].Body) == 0 {
			t.Fatalf("%+v, %v", due, err)
		}
		d := due[0]
		d.Attempts, d.NextAt, d.Status, d.Problem = 1, noon.Add(time.Minute), 500, "no"
		if err := db.Delivered(ctx, d); err != nil {
			t.Fatal(err)
		}
		if due, _ := db.Deliveries(ctx, noon, 10); len(due) != 0 {
			t.Error("tried again at once")
		}
		d.NextAt, d.DoneAt = time.Time{}, noon
		if err := db.Delivered(ctx, d); err != nil {
			t.Fatal(err)
		}
		if all, err := db.DeliveriesOf(ctx, "all", 10); err != nil || len(all) != 1 || all[0].Body != nil || all[0].DoneAt.IsZero() {
			t.Errorf("the body outlives its delivery: %+v, %v", all, err)
		}
		if n, err := db.Notify(ctx, request.NewRecordEvent(request.EventErased, "shop", nil, noon.Add(-time.Hour))); err != nil || n != 0 {
			t.Errorf("%d hooks are told of what was before them, %v", n, err)
		}
		if err := db.DropHook(ctx, "blog", "one", "op", noon); !errors.Is(err, request.ErrUnknown) {
			t.Errorf("another site's webhook: %v", err)
		}
		if err := db.DropHook(ctx, "shop", "all", "op", noon); err != nil {
			t.Error(err)
		}
		mails, err := db.Mails(ctx, noon, 10)
		if err != nil || len(mails) != 1 || mails[0].Request != "a" {
			t.Errorf("%+v, %v", mails, err)
		}
	})
}

// Where nobody listens, the log is not watched; who begins to listen hears of what comes
// after, once, whatever happens in between.
func TestTheLogIsWatchedForThoseWhoListen(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		decide := func(site, id string) {
			if err := db.AppendRecords(ctx, []*consent.Entry{entryOf(t, draft(t, site, id, ""))}); err != nil {
				t.Fatal(err)
			}
		}
		look := func() (seen []string) {
			from, err := db.Watched(ctx)
			if err != nil {
				t.Fatal(err)
			}
			all, next, err := db.Decided(ctx, from, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range all {
				seen = append(seen, d.Site)
			}
			if next != from {
				if err := db.Watch(ctx, next, nil); err != nil {
					t.Fatal(err)
				}
			}
			return seen
		}
		decide("shop", "before")
		if got := look(); got != nil {
			t.Errorf("nobody listens, and %v is seen", got)
		}
		if err := db.AddHook(ctx, request.Hook{ID: "h", Site: "shop", URL: "https://h.example", Secret: []byte("s"), CreatedAt: noon}, "op"); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"one", "two", "three"} {
			decide("shop", id)
			decide("blog", id)
		}
		if got := append(look(), look()...); len(got) != 3 || slices.Contains(got, "blog") {
			t.Errorf("seen %v", got)
		}
		if got := look(); got != nil {
			t.Errorf("seen twice: %v", got)
		}
		at, _ := db.Watched(ctx)
		if err := db.Watch(ctx, at-1, []request.Event{request.NewRecordEvent(request.EventConsent, "shop", nil, noon.Add(time.Hour))}); err != nil {
			t.Fatal(err)
		}
		if due, err := db.Deliveries(ctx, noon.AddDate(1, 0, 0), 10); err != nil || len(due) != 0 {
			t.Errorf("what another process has told is told again: %v, %v", due, err)
		}
	})
}

// Reads of the queue and of the outbox find their way by an index.
func TestRequestsAreFoundByIndexes(t *testing.T) {
	db := openedSQLite(t, t.TempDir()+"/volenti.db")
	for _, query := range []string{
		`SELECT 1 FROM request WHERE id = 'x' AND site = 'y'`,
		`SELECT 1 FROM request WHERE site = 'x' AND state IN ('open', 'extended') AND (due, id) > (1, 'x') LIMIT 5`,
		`SELECT 1 FROM request WHERE state IN ('pending') AND received_at < 5`,
		`SELECT 1 FROM request WHERE site = 'x' AND forgotten = 0 AND closed_at > 0 AND closed_at < 5`,
		`SELECT 1 FROM request WHERE file_until > 0 AND file_until < 5`,
		`SELECT request FROM request_receipt WHERE site = 'x' AND receipt IN ('a', 'b')`,
		`SELECT 1 FROM request_mail WHERE next_at <= 5`,
		`SELECT 1 FROM webhook_delivery WHERE next_at > 0 AND next_at <= 5`,
		`SELECT 1 FROM webhook_delivery WHERE webhook = 'x' ORDER BY at DESC LIMIT 5`,
	} {
		rows, err := db.read.Query(`EXPLAIN QUERY PLAN ` + query)
		plan, err := collect(rows, err, func(row scanner) (string, error) {
			var a, b, c int
			var detail string
			err := row.Scan(&a, &b, &c, &detail)
			return detail, err
		})
		if all := strings.Join(plan, "; "); err != nil || !strings.Contains(all, "SEARCH") || strings.Contains(all, "SCAN") {
			t.Errorf("%s\n%s, %v", query, all, err)
		}
	}
}
