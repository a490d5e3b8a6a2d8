package visitor_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
)

// say is a decision as the page sends it.
func (w *world) say(id, action, surface string, categories map[string]bool, more map[string]any) map[string]any {
	w.t.Helper()
	d := map[string]any{"id": id, "token": w.boot().T, "categories": categories, "vendors": map[string]bool{},
		"action": action, "surface": surface, "at": w.now.UnixMilli(), "gpc": false, "dnt": false}
	for name, value := range more {
		d[name] = value
	}
	return d
}

// state is what the boot says of the choices of a visitor with this cookie, and
// whether he is asked.
func (w *world) state(cookie string) (string, bool) {
	w.t.Helper()
	return w.boot("Cookie", cookie).C, w.asks(cookie)
}

// A refusal is not asked again before the law lets it; a grant ends by the notice.
// Record, cookie and boot say the same.
func TestWhenWeAskAgain(t *testing.T) {
	some := map[string]bool{"preferences": true, "analytics": true, "marketing": false}
	type after struct {
		months, days int
		choices      string
		asks         bool
	}
	for _, tt := range []struct {
		name, region, action string
		categories           map[string]bool
		months               int64 // that the boot says a refusal rests beyond the notice's six
		then                 []after
	}{
		{"no in Germany", "DE", "reject_all", all(false), 0, []after{{5, 27, "1000.--", false}, {6, 1, "", true}}},
		{"yes in Germany", "DE", "accept_all", all(true), 0, []after{{5, 27, "1111.--", false}, {6, 1, "", true}}},
		{"some in Germany", "DE", "save", some, 0, []after{{5, 27, "1110.--", false}, {6, 1, "", true}}},
		{"no in California", "US-CA", "reject_all", all(false), 12, []after{{6, 1, "1000.--", false}, {11, 27, "1000.--", false}, {12, 1, "", true}}},
		{"yes in California", "US-CA", "accept_all", all(true), 12, []after{{5, 27, "1-11.--", false}, {6, 1, "", true}}},
		{"some in California", "US-CA", "save", some, 12, []after{{5, 27, "1-10.--", false}, {6, 1, "1-_0.--", true}, {11, 27, "1-_0.--", true}, {12, 1, "", true}}},
		{"no in Colorado", "US-CO", "reject_all", all(false), 24, []after{{12, 1, "1000.--", false}, {23, 27, "1000.--", false}, {24, 1, "", true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.publish("Accept all", "ga4:analytics", "meta:marketing")
			w.region = tt.region
			if b := w.boot(); b.R != tt.months {
				t.Errorf("the boot says %d months", b.R)
			}
			receipt, cookie := w.post(w.say("a", tt.action, "settings", tt.categories, nil))
			b := w.boot("Cookie", cookie)
			ends, _ := core(receipt)["valid_until"].(float64)
			rests, _ := core(receipt)["refusals_until"].(float64)
			if b.U != int64(ends)/1000 || b.W != int64(rests)/1000 {
				t.Errorf("the record ends %v and rests %v, the boot says %d and %d", ends, rests, b.U, b.W)
			}
			start := w.now
			for _, at := range tt.then {
				w.now = start.AddDate(0, at.months, at.days)
				if choices, asks := w.state(cookie); choices != at.choices || asks != at.asks {
					t.Errorf("after %d months and %d days: %q, asked %v; want %q, %v", at.months, at.days, choices, asks, at.choices, at.asks)
				}
			}
		})
	}
}

// What is new is open, what was decided stays, and only opt-in asks.
func TestWhatIsNewIsAskedAlone(t *testing.T) {
	usual := []string{"ga4:analytics", "meta:marketing"}
	for _, tt := range []struct {
		name, region string
		categories   map[string]bool
		later        []string
		choices      string
		asks         bool
	}{
		{"a vendor in a granted category", "DE", all(true), append(usual, "ads:marketing"), "1111.--_", true},
		{"a vendor in a refused category", "DE", all(false), append(usual, "ads:marketing"), "1000.---", false},
		{"a vendor less", "DE", all(true), usual[:1], "1111.-", false},
		{"a vendor elsewhere", "DE", all(true), []string{"ga4:marketing", "meta:marketing"}, "1111._-", true},
		{"a refused vendor elsewhere", "DE", map[string]bool{"preferences": true, "analytics": false, "marketing": true}, []string{"ga4:marketing", "meta:marketing"}, "1101.0-", false},
		{"a vendor where opt-out is the law", "US-TX", all(true), append(usual, "ads:marketing"), "1---.---", false},
		{"and somebody objected", "US-TX", all(false), append(usual, "ads:marketing"), "1000.---", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.publish("Accept all", usual...)
			w.region = tt.region
			_, cookie := w.decide("a", w.boot().T, tt.categories, nil)
			w.publish("Accept all", tt.later...)
			choices, asks := w.state(cookie)
			if choices != tt.choices || asks != tt.asks {
				t.Errorf("%q, asked %v; want %q, %v", choices, asks, tt.choices, tt.asks)
			}
		})
	}
}

// A decision about something else does not answer for a vendor that is open.
func TestWhatIsOpenStaysOpenUntilItIsAnswered(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	_, cookie := w.decide("a", w.boot().T, all(true), nil)
	w.publish("Accept all", "ga4:analytics", "meta:marketing", "ads:marketing", "film:preferences")
	receipt, cookie := w.post(w.say("b", "save", "placeholder", all(true), map[string]any{"vendors": map[string]bool{"film": true}, "open": []string{"ads"}}), cookie)
	if vendors := core(receipt)["vendors"].(map[string]any); vendors["ads"] != "not_asked" || vendors["film"] != "granted" || vendors["meta"] != "granted" {
		t.Errorf("recorded %v", vendors)
	}
	if choices, asks := w.state(cookie); choices != "1111.--_-" || !asks {
		t.Errorf("%q, asked %v", choices, asks)
	}
}

// What was left unanswered under opt-in is off where opt-out is the law, and stays
// so when something else is decided there.
func TestTravellersKeepTheStricterOfTwoLaws(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "film:preferences", "ga4:analytics", "meta:marketing")
	_, cookie := w.post(w.say("a", "save", "placeholder", map[string]bool{}, map[string]any{"vendors": map[string]bool{"film": true}}))
	if choices, asks := w.state(cookie); choices != "1___.1--" || !asks {
		t.Fatalf("in Germany: %q, asked %v", choices, asks)
	}
	w.region = "US-TX"
	if choices, asks := w.state(cookie); choices != "1___.1--" || asks {
		t.Errorf("in Texas: %q, asked %v", choices, asks)
	}
	_, cookie = w.post(w.say("b", "save", "api", map[string]bool{"marketing": false}, nil), cookie)
	if choices, _ := w.state(cookie); choices != "1__0.---" {
		t.Errorf("decided in Texas: %q", choices)
	}
	w.region = "DE"
	if choices, asks := w.state(cookie); choices != "1__0.---" || !asks {
		t.Errorf("back in Germany: %q, asked %v", choices, asks)
	}
	// A refusal holds everywhere, and what an American law left on is consent nowhere.
	_, refused := w.decide("c", w.boot().T, all(false), nil)
	w.region = "US-TX"
	if choices, asks := w.state(refused); choices != "1000.---" || asks {
		t.Errorf("a German refusal in Texas: %q, asked %v", choices, asks)
	}
	_, kept := w.post(w.say("d", "acknowledge", "banner", map[string]bool{}, nil))
	_, alone := w.post(w.say("e", "save", "placeholder", map[string]bool{"preferences": false, "analytics": false, "marketing": false}, map[string]any{"vendors": map[string]bool{"film": true}}))
	w.region = "DE"
	if choices, asks := w.state(kept); choices != "1---.---" || !asks {
		t.Errorf("what was read in Texas, in Germany: %q, asked %v", choices, asks)
	}
	if choices, _ := w.state(alone); choices != "1000._--" {
		t.Errorf("a vendor that ran by a Texan law, in Germany: %q", choices)
	}
}

// A signal that came after a yes takes back what it is about, and gives no consent.
func TestASignalLeavesTheRestAsItWas(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	w.region = "US-CA"
	if b := w.boot(); b.B != 1 {
		t.Error("the law makes the signal binding, and the boot does not say so")
	}
	given, cookie := w.post(w.say("a", "accept_all", "banner", all(true), nil))
	w.now = w.now.AddDate(0, 2, 0)
	signal := map[string]any{"gpc": true, "previous": given["id"]}
	receipt, after := w.post(w.say("b", "signal", "signal", map[string]bool{"analytics": true, "marketing": false}, signal), cookie)
	if c := core(receipt)["categories"].(map[string]any); c["analytics"] != "granted" || c["marketing"] != "refused" {
		t.Errorf("recorded %v", c)
	}
	if core(receipt)["valid_until"] != core(given)["valid_until"] {
		t.Error("a signal prolonged what was granted")
	}
	if choices, asks := w.state(after); choices != "1-10.--" || asks {
		t.Errorf("%q, asked %v", choices, asks)
	}
	// Without the cookie, nobody knows that it was consent.
	_, alone := w.post(w.say("c", "signal", "signal", map[string]bool{"analytics": true, "marketing": false}, signal))
	if choices, asks := w.state(alone); choices != "1-_0.--" || !asks {
		t.Errorf("without the cookie: %q, asked %v", choices, asks)
	}
	w.region = "DE"
	if b := w.boot(); b.B != 0 {
		t.Error("no law makes the signal binding there")
	}
}

// A note that was read stops nothing, so it deletes nothing either.
func TestReadingANoteDeletesNothing(t *testing.T) {
	w := newWorld(t)
	w.more = hidden
	w.publish("Accept all")
	_, cookie := w.post(w.say("a", "accept_all", "banner", all(true), nil))
	w.now = w.now.Add(time.Minute)
	w.post(w.say("b", "acknowledge", "change", map[string]bool{}, nil), cookie, "adv=1; __Host-count=2") // post wants no cookie but ours
}

// Who knew an earlier text is told of a new one, once; that is recorded, and
// decides nothing.
func TestAChangeIsToldOnce(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	_, cookie := w.decide("a", w.boot().T, all(true), map[string]bool{"meta": false})
	stale := w.boot().T
	if b := w.boot("Cookie", cookie); b.H != 0 || b.K != 0 {
		t.Fatalf("nothing has changed: %+v", b)
	}
	w.now = w.now.Add(time.Hour)
	w.policy("# Privacy\n\nA typo less.\n")
	if err := w.directory.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b := w.boot("Cookie", cookie); b.H != 0 {
		t.Errorf("a change that is not material: %+v", b)
	}
	w.now = w.now.Add(time.Hour)
	w.policy("# Privacy\n\nFive years.\n", policyversions.Announcement{Material: true, Grace: 14 * 24 * time.Hour, Summary: map[string]string{"en": "Five years.", "de": "Fünf Jahre."}})
	if err := w.directory.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := w.boot("Cookie", cookie)
	if b.H != w.now.Unix()+1 || b.K != 0 || b.A >= b.H || w.asks(cookie) || b.C != "1111.-0" {
		t.Fatalf("a material change: %+v", b)
	}
	rec := w.get("/v1/sites/shop/changes?lang=en")
	var list struct {
		Changes []struct {
			Number          int
			Summary, Title  string
			From, Binds     int64
			Address, Policy string
		}
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &list); err != nil || len(list.Changes) != 1 {
		t.Fatalf("%s, %v", rec.Body, err)
	}
	if c := list.Changes[0]; c.Number != 3 || c.Summary != "Five years." || c.From != w.now.UnixMilli() || c.Binds != w.now.AddDate(0, 0, 14).UnixMilli() || c.Address != "/policies/shop/privacy/versions/3" {
		t.Errorf("%+v", c)
	}
	if h := rec.Header(); h.Get("Cache-Control") != "public, max-age=60" || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Set-Cookie") != "" {
		t.Errorf("%v", h)
	}

	w.now = w.now.Add(time.Minute)
	receipt, told := w.post(w.say("b", "acknowledge", "change", map[string]bool{}, nil), cookie)
	if c := core(receipt); c["state"] != "acknowledged" || c["surface"] != "change" || c["policies"].(map[string]any)["privacy"].(map[string]any)["number"] != 3.0 {
		t.Errorf("recorded %v", c)
	}
	after := w.boot("Cookie", told)
	if after.K != w.now.Unix() || after.C != b.C || after.A != b.A || after.U != b.U || w.asks(told) {
		t.Errorf("after it was read %+v, before %+v", after, b)
	}
	// Who decides now knows it; who decides in a page that was open before does not.
	_, fresh := w.decide("c", w.boot().T, all(false), nil)
	if b := w.boot("Cookie", fresh); b.K != 0 || b.A < b.H {
		t.Errorf("decided under the new text: %+v", b)
	}
	_, open := w.decide("d", stale, all(false), nil)
	if b := w.boot("Cookie", open); b.K == 0 || b.K >= b.H {
		t.Errorf("decided under the old text: %+v", b)
	}
	// Without a cookie there is nothing to remember.
	if body := w.get("/b/shop.js").Body.String(); !strings.Contains(body, `"h":`) || strings.Contains(body, `"k":`) {
		t.Error("the boot of somebody who has not decided")
	}
	if rec := w.get("/v1/sites/nobody/changes"); rec.Code == http.StatusOK {
		t.Error("changes of a site there is not")
	}
}
