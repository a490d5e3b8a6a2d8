package visitor_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/visitor"
)

type governing struct {
	Receipt  string
	At, Used int64
	Linked   bool
	Granted  []string
	Policies map[string]struct {
		Number  int
		Digest  string
		Address string
		Reason  string
		RestsOn map[string]any `json:"rests_on"`
	}
}

func (w *world) governing(receipt string, at, used time.Time) governing {
	w.t.Helper()
	q := url.Values{"at": {at.Format(time.RFC3339)}}
	if !used.IsZero() {
		q.Set("used", strconv.FormatInt(used.UnixMilli(), 10))
	}
	rec := w.get("/v1/sites/shop/receipts/" + receipt + "/governing?" + q.Encode())
	var g governing
	if err := json.Unmarshal(rec.Body.Bytes(), &g); err != nil || rec.Code != http.StatusOK || rec.Header().Get("Cache-Control") != "no-store" {
		w.t.Fatalf("%d %s %v", rec.Code, rec.Body, err)
	}
	return g
}

// withGoverning is a world with a policy that changes materially after a day, with a
// fortnight of grace.
func withGoverning(t *testing.T) *world {
	w := newWorld(t)
	receipts := &visitor.Receipts{Store: w.db, Directory: w.directory}
	w.echo.GET("/v1/sites/:site/receipts/:id/governing", receipts.Governing)
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	return w
}

func (w *world) change(text string) {
	w.t.Helper()
	w.policy("# Privacy\n\n"+text+"\n", policyversions.Announcement{Material: true, Grace: 14 * 24 * time.Hour, Summary: map[string]string{"en": text}})
	if err := w.directory.Refresh(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// noticed says that the note was shown, as the page does.
func (w *world) noticed(id, previous, cookie string) map[string]any {
	w.t.Helper()
	body, err := json.Marshal(w.say(id, "noticed", "change", map[string]bool{}, map[string]any{"previous": previous}))
	if err != nil {
		w.t.Fatal(err)
	}
	rec := w.attempt(string(body), cookie)
	if rec.Code != http.StatusCreated {
		w.t.Fatalf("noticed: %d %s", rec.Code, rec.Body)
	}
	if set := rec.Header().Get("Set-Cookie"); set != "" {
		w.t.Errorf("a note that was only shown sets %s", set)
	}
	var receipt map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &receipt); err != nil {
		w.t.Fatal(err)
	}
	return receipt
}

// attempt posts a decision and returns whatever is answered.
func (w *world) attempt(body, cookie string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, "https://consent.shop.example/v1/sites/shop/decisions", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", origin)
	r.Header.Set("Cookie", cookie)
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	return rec
}

func TestWhichVersionGovernsAReceipt(t *testing.T) {
	w := withGoverning(t)
	start := w.now
	day := func(n float64) time.Time { return start.Add(time.Duration(n * 24 * float64(time.Hour))) }
	receipt, cookie := w.decide("a", w.boot().T, map[string]bool{"preferences": false, "analytics": true, "marketing": false}, nil)
	id := receipt["id"].(string)
	w.now = day(1)
	w.change("Five years.")
	w.now = day(2)
	shown := w.noticed("n", id, cookie)
	if c := core(shown); c["state"] != "informed" || c["action"] != "noticed" || c["policies"].(map[string]any)["privacy"].(map[string]any)["number"] != 2.0 || c["previous"] != id {
		t.Errorf("%v", c)
	}
	w.now = day(3)
	if again := w.noticed("m", id, cookie); again["id"] != shown["id"] {
		t.Errorf("shown again it is another record: %v, %v", again["id"], shown["id"])
	}
	if b := w.boot("Cookie", cookie); b.H == 0 || b.K != 0 || b.C != "1010.--" {
		t.Errorf("who was shown it is told until it is read: %+v", b)
	}
	stranger, _ := w.decide("b", w.boot().T, all(false), nil)
	w.now = day(40)

	check := func(receipt string, at, used float64, number int, reason string, needs ...string) {
		t.Helper()
		var then time.Time
		if used != 0 {
			then = day(used)
		}
		g := w.governing(receipt, day(at), then)
		p := g.Policies["privacy"]
		if p.Number != number || p.Reason != reason || p.Address != "/policies/shop/privacy/versions/"+strconv.Itoa(number) || len(p.Digest) != 64 {
			t.Errorf("day %v, used %v: %+v, want %d, %s", at, used, p, number, reason)
		}
		for _, need := range append(needs, "given_at", "receipt") {
			if p.RestsOn[need] == nil {
				t.Errorf("day %v: %s rests on no %s: %v", at, reason, need, p.RestsOn)
			}
		}
		// A grace, its end, a note: nothing of it grants what was not granted.
		want := []string{"analytics"}
		if receipt == stranger["id"] {
			want = []string{}
		}
		if !slices.Equal(g.Granted, want) {
			t.Errorf("day %v: granted %v, want %v", at, g.Granted, want)
		}
	}
	check(id, 0.5, 0, 1, "new_visitor")
	check(id, 1, 0, 1, "known_visitor_grace", "next", "next_binds_from")
	check(id, 14.9, 0, 1, "known_visitor_grace")
	check(id, 15, 0, 2, "constructive_notice", "in_force_from", "binds_from", "shown_at")
	check(id, 0.5, 30, 2, "constructive_notice", "shown_at")
	check(id, 0.5, 10, 1, "new_visitor")
	check(shown["id"].(string), 15, 0, 2, "constructive_notice") // by the receipt of the note too
	check(core(stranger)["id"].(string), 3, 0, 2, "new_visitor")

	withdrawn, _ := w.post(w.say("c", "withdraw", "settings", all(false), map[string]any{"previous": id}), cookie)
	w.now = day(41)
	w.change("Six years.")
	g := w.governing(id, day(60), time.Time{})
	if p := g.Policies["privacy"]; p.Number != 2 || p.Reason != "withdrawn" || p.RestsOn["receipt"] != withdrawn["id"] || p.RestsOn["withdrawn_at"] == nil || len(g.Granted) != 0 {
		t.Errorf("after the withdrawal: %+v", g)
	}
	fresh, _ := w.post(w.say("d", "accept_all", "settings", all(true), map[string]any{"previous": withdrawn["id"]}))
	if p := w.governing(id, day(60), time.Time{}).Policies["privacy"]; p.Number != 3 || p.Reason != "consent_renewed" || p.RestsOn["receipt"] != fresh["id"] || p.RestsOn["renewed_at"] == nil {
		t.Errorf("decided anew: %+v", p)
	}
	if g := w.governing(id, day(41), time.Time{}); !slices.Equal(g.Granted, []string{"analytics", "marketing", "preferences"}) {
		t.Errorf("granted anew: %v", g.Granted)
	}
	if g := w.governing(id, day(1000), time.Time{}); len(g.Granted) != 0 {
		t.Errorf("granted for ever: %v", g.Granted)
	}
}

// A text that is to come back is not the version that was shown while it was first in force.
func TestARecordNamesTheVersionThatWasInForce(t *testing.T) {
	w := withGoverning(t)
	open := w.boot().T
	w.now = w.now.Add(time.Hour)
	w.change("Five years.")
	draft, err := policyversions.Import([]byte("# Privacy\n\nThe first text.\n"), "privacy.md")
	if err != nil {
		t.Fatal(err)
	}
	draft.Language = "en"
	p := policyversions.Publisher{Store: w.db, Now: func() time.Time { return w.now }}
	if v, err := p.Publish(t.Context(), "shop", "privacy", draft, w.now.AddDate(0, 1, 0)); err != nil || v.Number != 3 {
		t.Fatalf("%d, %v", v.Number, err)
	}
	if err := w.directory.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	receipt, _ := w.decide("a", open, all(true), nil)
	if p := core(receipt)["policies"].(map[string]any)["privacy"].(map[string]any); p["number"] != 1.0 {
		t.Errorf("recorded %v", p)
	}
}

func TestGoverningRefuses(t *testing.T) {
	w := withGoverning(t)
	receipt, cookie := w.decide("a", w.boot().T, all(true), nil)
	id := receipt["id"].(string)
	for query, want := range map[string]string{
		"at=yesterday":                   "not a time",
		"at=1":                           "not a time",
		"at=99999999999999999999":        "not a time",
		"at=2026-12-01":                  "not a time",
		"at=2026-12-02T00:00:00Z&used=x": "not a time",
		"at=2026-12-02T00:00:00Z&used=1796000000":    "not a time",
		"at=2026-12-02T00:00:00Z&used=1795000000000": "not before",
		"at=2026-11-21T11:59:59.999Z":                "had not been given",
	} {
		if rec := w.get("/v1/sites/shop/receipts/" + id + "/governing?" + query); rec.Code == http.StatusOK || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: %d %s", query, rec.Code, rec.Body)
		}
	}
	if rec := w.get("/v1/sites/shop/receipts/" + id + "/governing"); rec.Code != http.StatusOK {
		t.Errorf("now: %d %s", rec.Code, rec.Body)
	}
	if rec := w.get("/v1/sites/shop/receipts/" + id + "/governing?at=2026-12-01T10:00:00+01:00"); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"at":1796115600000`) {
		t.Errorf("a plus that is not escaped: %d %s", rec.Code, rec.Body)
	}
	for _, path := range []string{"/v1/sites/shop/receipts/" + strings.Repeat("0", 32), "/v1/sites/nobody/receipts/" + id} {
		if rec := w.get(path + "/governing"); rec.Code == http.StatusOK {
			t.Errorf("%s: %s", path, rec.Body)
		}
	}
	if rec := w.get("/v1/sites/shop/receipts/"+id+"/governing", "Origin", "https://evil.example"); rec.Code == http.StatusOK {
		t.Error("answered to a page of somebody else")
	}
	// Nothing has changed, nobody has decided, nobody is known: no record.
	for name, previous := range map[string]any{"nothing has changed": id, "no such receipt": strings.Repeat("0", 32), "is not possible here": "x", "who decided": nil} {
		more := map[string]any{}
		if previous != nil {
			more["previous"] = previous
		}
		body, err := json.Marshal(w.say("n", "noticed", "change", map[string]bool{}, more))
		if err != nil {
			t.Fatal(err)
		}
		if rec := w.attempt(string(body), cookie); rec.Code == http.StatusCreated {
			t.Errorf("%s: recorded %s", name, rec.Body)
		}
	}
}
