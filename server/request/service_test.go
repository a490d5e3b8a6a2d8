package request_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/store/dbtest"
	"github.com/volenti-consent/volenti/web"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// A world is a service over a real database, whose records are pretended.
type world struct {
	t       *testing.T
	now     time.Time
	db      *store.DB
	service *request.Service
	courier *request.Courier
	table   *regime.Table

	records  map[string]*consent.Entry
	erased   []string
	restrict []string
	off      []string
	mails    []mailed
	refuse   error // of the mail server
}

type mailed struct{ to, subject, text string }

func newWorld(t *testing.T) *world {
	t.Helper()
	db := dbtest.Open(t, t.TempDir())
	for _, key := range []string{"shop", "blog"} {
		if err := db.AddSite(t.Context(), site.Site{Key: key, Name: "The " + key, TimeZone: "Europe/Vienna", CreatedAt: noon}); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{t: t, now: noon, db: db, records: map[string]*consent.Entry{}}
	var err error
	if w.table, err = regime.Load(); err != nil {
		t.Fatal(err)
	}
	rights, err := request.LoadRights(w.table)
	if err != nil {
		t.Fatal(err)
	}
	seals, err := request.NewSeals(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	words, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	w.service = &request.Service{Store: db, Sites: db, Rights: rights, Seals: seals, Records: w, Erasures: w, Switch: w, Words: words, Now: func() time.Time { return w.now }, Mails: true}
	w.courier = &request.Courier{Service: w.service, Mailer: w, Client: request.NewHookClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), Base: "https://consent.test", Log: slog.New(slog.DiscardHandler),
		Remind: func(context.Context, string) ([]string, error) { return []string{"legal@shop.test"}, nil }}
	return w
}

func (w *world) Entry(_ context.Context, site, id string) (*consent.Entry, error) {
	if e := w.records[id]; e != nil && e.Site == site {
		return e, nil
	}
	return nil, consent.ErrUnknownReceipt
}

func (w *world) EntriesOfSubject(_ context.Context, site, subject string, _ int) (all []*consent.Entry, err error) {
	for _, e := range w.records {
		if e.Site == site && e.Subject == subject {
			all = append(all, e)
		}
	}
	return all, nil
}

func (w *world) EraseOfVisitor(ctx context.Context, site string, ids []string, at time.Time) (shredded, minimised consent.Erased, err error) {
	shredded, err = w.EraseRecords(ctx, site, ids, consent.Shredded, consent.ReasonRequested, at)
	return shredded, minimised, err
}

func (w *world) EraseRecords(_ context.Context, _ string, ids []string, _ consent.Erasure, _ consent.Reason, _ time.Time) (consent.Erased, error) {
	w.erased = append(w.erased, ids...)
	for _, id := range ids {
		delete(w.records, id)
	}
	return consent.Erased{}, nil
}

func (w *world) Restrict(_ context.Context, _ string, ids []string, _ consent.Ground, _ time.Time) ([]int64, error) {
	w.restrict = append(w.restrict, ids...)
	return make([]int64, len(ids)), nil
}

func (w *world) EraseLeaves(_ context.Context, _ string, leaves []int64, _ consent.Erasure, _ consent.Reason, _ time.Time) (consent.Erased, error) {
	return consent.Erased{Leaves: leaves}, nil
}

func (w *world) Restricted(context.Context, string, string) ([]consent.Restriction, error) {
	return nil, nil
}

func (w *world) Beside(context.Context, string, string) (string, error) { return "", nil }

func (w *world) Scrub(context.Context) error { return consent.ErrReaders }

func (w *world) SwitchOff(_ context.Context, _, id string) (string, error) {
	w.off = append(w.off, id)
	return strings.Repeat("f", 32), nil
}

func (w *world) Send(_ context.Context, to, subject, text string) error {
	if w.refuse != nil {
		return w.refuse
	}
	w.mails = append(w.mails, mailed{to, subject, text})
	return nil
}

func (w *world) record(id, site, subject string, index int64) string {
	id = strings.Repeat(id, 32)
	w.records[id] = &consent.Entry{ReceiptID: id, Site: site, Subject: subject, Index: index}
	return id
}

func (w *world) ask(in request.Intake) (request.Request, string, error) {
	w.t.Helper()
	if in.Site == "" {
		in.Site = "shop"
	}
	if in.By == "" {
		in.By = "visitor"
	}
	in.Language, in.Region = "de", "DE"
	in.Ruling = w.table.For(regime.Visitor{Country: "DE"}, "", regime.Cautious, 20261102)
	return w.service.Receive(w.t.Context(), in)
}

func (w *world) asked(in request.Intake) request.Request {
	w.t.Helper()
	r, _, err := w.ask(in)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) again(r request.Request) request.Request {
	w.t.Helper()
	r, err := w.db.Request(w.t.Context(), r.Site, r.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) round() {
	w.t.Helper()
	if err := w.courier.Round(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// hook makes a webhook with one event on its way to it.
func (w *world) hook(address string) string {
	w.t.Helper()
	h, _, err := w.service.AddHook(w.t.Context(), "shop", address, nil, "op")
	if err == nil {
		err = w.service.TestHook(w.t.Context(), h)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return h.ID
}

func (w *world) hookOf(id string) request.Hook {
	w.t.Helper()
	h, err := w.db.Hook(w.t.Context(), "shop", id)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func (w *world) last(hook string) request.Delivery {
	w.t.Helper()
	all, err := w.db.DeliveriesOf(w.t.Context(), hook, 1)
	if err != nil || len(all) == 0 {
		w.t.Fatalf("%v, %v", all, err)
	}
	return all[0]
}

// Who asks is settled by the least that serves, and nothing else is believed.
func TestIdentity(t *testing.T) {
	w := newWorld(t)
	id := strings.Repeat("a", 32)
	for what, tt := range map[string]struct {
		in    request.Intake
		want  request.Identity
		state request.State
		err   error
	}{
		"cookie":           {request.Intake{Cookie: id}, request.ByCookie, request.Open, nil},
		"receipt":          {request.Intake{Receipt: " " + id + "\n"}, request.ByReceipt, request.Open, nil},
		"an address of it": {request.Intake{Receipt: "https://x/v1/sites/shop/receipts/" + id + "/proof"}, request.ByReceipt, request.Open, nil},
		"mail":             {request.Intake{Address: "a@b.example"}, request.ByMail, request.Pending, nil},
		"receipt and mail": {request.Intake{Receipt: id, Address: "a@b.example"}, request.ByMail, request.Pending, nil},
		"operator":         {request.Intake{By: "op"}, request.ByOperator, request.Open, nil},
		"operator, mail":   {request.Intake{By: "op", Address: "a@b.example"}, request.ByOperator, request.Open, nil},
		"nothing":          {request.Intake{}, "", "", request.ErrNobody},
		"no receipt":       {request.Intake{Receipt: "12"}, "", "", request.ErrReceiptID},
		"two addresses":    {request.Intake{Address: "a@b.example,c@d.example"}, "", "", request.ErrAddress},
		"a header":         {request.Intake{Address: "a@b.example\r\nBcc: c@d.example"}, "", "", request.ErrAddress},
		"a name":           {request.Intake{Address: "A <a@b.example>"}, "", "", request.ErrAddress},
		"a host alone":     {request.Intake{Address: "a@localhost"}, "", "", request.ErrAddress},
		"too long":         {request.Intake{Cookie: id, Text: strings.Repeat("ä", request.MostText+1)}, "", "", request.ErrTooLong},
	} {
		tt.in.Kind = request.Access
		r, key, err := w.ask(tt.in)
		if !errors.Is(err, tt.err) || r.Identity != tt.want || r.State != tt.state {
			t.Errorf("%s: %s, %s, %v", what, r.Identity, r.State, err)
		}
		if err == nil && (!w.service.Seals.Knows(request.ToRead, r.ID, key) || w.service.Seals.Knows(request.ToConfirm, r.ID, key) || w.service.Seals.Knows(request.ToRead, r.ID+"0", key)) {
			t.Errorf("%s: the key opens something else", what)
		}
	}
	if _, _, err := w.ask(request.Intake{Kind: request.Disclosure, Cookie: id}); !errors.Is(err, request.ErrNotGiven) {
		t.Errorf("SB 27 in Germany: %v", err)
	}
	w.service.Mails = false
	if _, _, err := w.ask(request.Intake{Kind: request.Access, Address: "a@b.example"}); !errors.Is(err, request.ErrNoMail) {
		t.Errorf("an address where no mail is sent: %v", err)
	}
}

// A mailed link settles who asks, once, within a day; nothing is sent to anybody before.
func TestConfirmation(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	r := w.asked(request.Intake{Kind: request.Erasure, Address: "ada@visitors.example"})
	w.round()
	if len(w.mails) != 1 || w.mails[0].to != "ada@visitors.example" || !strings.Contains(w.mails[0].text, "Löschung meiner Daten") {
		t.Fatalf("%+v", w.mails)
	}
	_, key, _ := strings.Cut(w.mails[0].text, "key=")
	key = strings.TrimSpace(key)
	for _, wrong := range []string{"", key + "x", key[1:], w.service.Seals.Key(request.ToRead, r.ID)} {
		if _, _, err := w.service.Confirm(ctx, "shop", r.ID, wrong); !errors.Is(err, request.ErrLink) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if _, _, err := w.service.Confirm(ctx, "blog", r.ID, key); !errors.Is(err, request.ErrLink) {
		t.Errorf("on another site: %v", err)
	}
	if _, _, err := w.service.Fulfil(ctx, w.again(r), request.Fulfilment{By: "op"}); !errors.Is(err, request.ErrState) {
		t.Errorf("fulfilled before anybody knows who asks: %v", err)
	}
	if got, _, err := w.service.Confirm(ctx, "shop", r.ID, key); err != nil || got.State != request.Open {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, _, err := w.service.Confirm(ctx, "shop", r.ID, key); !errors.Is(err, request.ErrLink) {
		t.Errorf("the second time: %v", err)
	}
	w.round()
	if len(w.mails) != 2 || !strings.Contains(w.mails[1].text, "https://consent.test/privacy/shop/requests/"+r.ID+"?key=") {
		t.Errorf("%+v", w.mails)
	}
	// One that nobody confirms ends, and the address goes with it.
	other := w.asked(request.Intake{Kind: request.Erasure, Address: "eve@visitors.example", Text: "x"})
	w.now = w.now.Add(24*time.Hour + time.Second)
	if _, err := w.service.Confirmable(ctx, "shop", other.ID, w.service.Seals.Key(request.ToConfirm, other.ID)); !errors.Is(err, request.ErrLink) {
		t.Errorf("a day later: %v", err)
	}
	sent := len(w.mails)
	w.round()
	if got := w.again(other); got.State != request.Lapsed || got.Contact != nil || !got.Forgotten || len(w.mails) > sent+1 {
		t.Errorf("%+v, %d mails", got, len(w.mails))
	}
}

// A mail that can't be sent waits; what it says is found when it is sent.
func TestMailsAreTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.refuse = errors.New("away")
	w.asked(request.Intake{Kind: request.Access, Address: "ada@visitors.example"})
	w.round()
	w.refuse = nil
	w.round()
	if len(w.mails) != 0 {
		t.Error("tried again at once")
	}
	w.now = w.now.Add(5 * time.Second)
	w.round()
	w.round()
	if len(w.mails) != 1 {
		t.Errorf("%d mails", len(w.mails))
	}
}

// What is held is all of the browser's, found by any of its receipts, and of no other
// site; erasing takes all of it and says so.
func TestErasureIsComplete(t *testing.T) {
	w := newWorld(t)
	first, second := w.record("1", "shop", "me", 1), w.record("2", "shop", "me", 2)
	theirs, foreign := w.record("3", "shop", "them", 3), w.record("4", "blog", "me", 4)
	r := w.asked(request.Intake{Kind: request.Erasure, Receipt: second})
	r, done, err := w.service.Fulfil(t.Context(), r, request.Fulfilment{By: "op", Text: "Done."})
	if err != nil || r.State != request.Fulfilled || !slices.Contains(done, request.Done{What: request.DoneErased, Count: 2}) {
		t.Fatalf("%+v, %v, %v", r, done, err)
	}
	slices.Sort(w.erased)
	if !slices.Equal(w.erased, []string{first, second}) || w.records[theirs] == nil || w.records[foreign] == nil {
		t.Errorf("erased %v", w.erased)
	}
	steps, err := w.db.Steps(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := request.DoneOf(steps[len(steps)-1])
	if err != nil || !slices.Equal(kept, done) {
		t.Errorf("kept %v, %v", kept, err)
	}
	if said, err := w.service.Said(r, steps[len(steps)-1]); err != nil || said != "Done." {
		t.Errorf("%q, %v", said, err)
	}
	if _, _, err := w.service.Fulfil(t.Context(), w.again(r), request.Fulfilment{By: "op"}); !errors.Is(err, request.ErrState) {
		t.Errorf("fulfilled twice: %v", err)
	}
}

// Each kind is answered by its deed, and where nothing is held that is said.
func TestFulfilment(t *testing.T) {
	for kind, tt := range map[request.Kind]struct{ held, bare string }{
		request.Restriction: {request.DoneRestricted, request.DoneNothing}, request.Objection: {request.DoneSwitched, request.DoneNothing},
		request.Rectification: {request.DoneCorrected, request.DoneCorrected}, request.Erasure: {request.DoneErased, request.DoneNothing},
	} {
		w := newWorld(t)
		id := w.record("1", "shop", "me", 1)
		for _, receipt := range []string{id, strings.Repeat("9", 32)} {
			want := tt.held
			if receipt != id {
				want = tt.bare
			}
			_, done, err := w.service.Fulfil(t.Context(), w.asked(request.Intake{Kind: kind, Receipt: receipt}), request.Fulfilment{By: "op", Elsewhere: true})
			if err != nil || len(done) == 0 || done[0].What != want || done[len(done)-1].What != request.DoneElsewhere {
				t.Errorf("%s: %v, %v", kind, done, err)
			}
		}
		if len(w.restrict)+len(w.off)+len(w.erased) > 1 {
			t.Errorf("%s did more than one thing: %v %v %v", kind, w.restrict, w.off, w.erased)
		}
	}
	// A copy of nothing is a file that says so.
	w := newWorld(t)
	r, done, err := w.service.Fulfil(t.Context(), w.asked(request.Intake{Kind: request.Copy, Cookie: strings.Repeat("9", 32), Text: "<script>"}), request.Fulfilment{By: "op"})
	if err != nil || !r.HandOver {
		t.Fatalf("%v, %v", done, err)
	}
	name, b, err := w.service.Open(t.Context(), r)
	if err != nil || !strings.HasSuffix(name, ".zip") || len(b) == 0 {
		t.Errorf("%s, %d bytes, %v", name, len(b), err)
	}
	w.now = w.now.AddDate(0, 0, 15)
	if _, _, err := w.service.Open(t.Context(), r); !errors.Is(err, request.ErrNoFile) {
		t.Errorf("after its time: %v", err)
	}
	w.round()
	if got := w.again(r); got.HandOver {
		t.Error("the file is still kept")
	}
}

// More time, once, on one of the grounds, and only before the deadline is over.
func TestExtension(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	r := w.asked(request.Intake{Kind: request.Erasure, Cookie: strings.Repeat("1", 32)})
	if _, err := w.service.Extend(ctx, r, "op", request.Excessive, ""); !errors.Is(err, request.ErrGround) {
		t.Errorf("on a ground of refusal: %v", err)
	}
	late := r
	w.now = r.LawDue
	if _, err := w.service.Extend(ctx, late, "op", request.Complex, ""); !errors.Is(err, request.ErrNoMore) {
		t.Errorf("when it is over: %v", err)
	}
	w.now = noon.AddDate(0, 0, 20)
	r, err := w.service.Extend(ctx, r, "op", request.Complex, "")
	if err != nil || r.State != request.Extended || !r.Due.Equal(r.Longer) {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := w.service.Extend(ctx, r, "op", request.Complex, ""); !errors.Is(err, request.ErrNoMore) {
		t.Errorf("twice: %v", err)
	}
	if _, err := w.service.Refuse(ctx, r, "op", request.Complex, ""); !errors.Is(err, request.ErrGround) {
		t.Errorf("refused on a ground of extension: %v", err)
	}
	if _, err := w.service.Refuse(ctx, r, "op", request.Yearly, ""); !errors.Is(err, request.ErrGround) {
		t.Errorf("refused on the ground of another kind: %v", err)
	}
	if r, err = w.service.Refuse(ctx, r, "op", request.LegalDuty, "Books are kept for seven years."); err != nil || r.State != request.Refused {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := w.service.Withdraw(ctx, r); !errors.Is(err, request.ErrState) {
		t.Errorf("taken back when it is over: %v", err)
	}
}

// Operators are reminded before the deadline and when it is over, once each; after its
// time, what names a person goes.
func TestTimePasses(t *testing.T) {
	w := newWorld(t)
	if err := w.db.KeepSettings(t.Context(), request.Settings{Site: "shop", Promise: 10, Keep: 30}, "op", noon); err != nil {
		t.Fatal(err)
	}
	r := w.asked(request.Intake{Kind: request.Access, By: "op", Address: "ada@visitors.example", Text: "secret", Receipt: strings.Repeat("1", 32)})
	if !r.Promised || r.Due.Sub(noon) > 11*24*time.Hour || !r.LawDue.After(r.Due) {
		t.Errorf("%+v", r)
	}
	for _, tt := range []struct {
		before time.Duration
		mails  int
	}{{8 * 24 * time.Hour, 0}, {7 * 24 * time.Hour, 1}, {6 * 24 * time.Hour, 1}, {47 * time.Hour, 2}, {-time.Hour, 3}, {-48 * time.Hour, 3}} {
		w.now = r.Due.Add(-tt.before)
		w.round()
		w.round()
		if len(w.mails) != tt.mails {
			t.Errorf("%v before: %d mails, want %d", tt.before, len(w.mails), tt.mails)
		}
	}
	for _, m := range w.mails {
		if m.to != "legal@shop.test" || strings.Contains(m.text, "ada@") {
			t.Errorf("%+v", m)
		}
	}
	r, _, err := w.service.Fulfil(t.Context(), w.again(r), request.Fulfilment{By: "op"})
	if err != nil {
		t.Fatal(err)
	}
	closed := w.now
	w.now = closed.AddDate(0, 0, 29)
	w.round()
	if got := w.again(r); got.Forgotten || got.Contact == nil {
		t.Error("forgotten too early")
	}
	w.now = closed.AddDate(0, 0, 31)
	w.round()
	got := w.again(r)
	steps, err := w.db.Steps(t.Context(), r.ID)
	if err != nil || !got.Forgotten || got.Contact != nil || got.Receipts != nil || slices.ContainsFunc(steps, func(s request.Step) bool { return s.Text != nil }) {
		t.Errorf("%+v, %v", got, err)
	}
	if len(steps) < 5 || steps[0].What != request.Received {
		t.Error("the steps are gone")
	}
}
