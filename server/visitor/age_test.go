package visitor_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// try posts a decision, whatever comes of it.
func (w *world) try(decision map[string]any, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	body, err := json.Marshal(decision)
	if err != nil {
		w.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, "https://consent.shop.example/v1/sites/shop/decisions", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", origin)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	return rec
}

// asked is the boot's `y`.
func (w *world) asked(header ...string) int {
	w.t.Helper()
	var b struct{ Y int }
	text := tail.FindString(w.get("/b/shop.js", header...).Body.String())
	if err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimPrefix(text, "("), ");\n")), &b); err != nil {
		w.t.Fatal(err)
	}
	return b.Y
}

// Nothing is on anywhere before the visitor has said how old he is, and how old
// that has to be is the notice's word, or the law's where that is more.
func TestTheAgeThatIsAskedByRegion(t *testing.T) {
	for _, tt := range []struct {
		age    string
		region string
		want   int
	}{
		{"", "DE", 0},
		{"minimum = 13", "DE", 13},
		{"minimum = 18", "US-CA", 18},
		{"minimum = 13\nby_country = true", "DE", 16},
		{"minimum = 13\nby_country = true", "FR", 15},
		{"minimum = 13\nby_country = true", "AT", 14},
		{"minimum = 16\nby_country = true", "AT", 16},
		{"minimum = 13\nby_country = true", "US-CO", 18},
		{"minimum = 13\nby_country = true", "US-OR", 16},
		{"minimum = 13\nby_country = true", "GB", 13},
		{"minimum = 13\nby_country = true", "IN", 13}, // its law names none yet
		{"minimum = 13\nby_country = true", "", 18},   // unknown: the strictest
	} {
		t.Run(tt.region+" "+tt.age, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if tt.age != "" {
				w.more = "[age]\n" + tt.age + "\n"
			}
			w.region = tt.region
			w.publish("Accept all", "ga4:analytics")
			want := w.asked()
			if want != tt.want {
				t.Errorf("asked for %d, want %d", want, tt.want)
			}
			if b := w.boot(); tt.want != 0 && b.M != "-iii" {
				t.Errorf("models %s: something is on before the visitor has said how old he is", b.M)
			}
			yes := w.say("a", "accept_all", "banner", all(true), nil)
			if tt.want != 0 {
				if rec := w.try(yes); rec.Code != http.StatusTeapot || !strings.Contains(rec.Body.String(), "of_age") {
					t.Errorf("a grant without an age: %d %s", rec.Code, rec.Body)
				}
				yes["of_age"] = tt.want - 1
				if rec := w.try(yes); rec.Code != http.StatusTeapot || !strings.Contains(rec.Body.String(), "of_age") {
					t.Errorf("a grant of somebody younger: %d %s", rec.Code, rec.Body)
				}
				yes["of_age"] = tt.want
			}
			receipt, cookie := w.post(yes)
			age, recorded := core(receipt)["age"].(map[string]any)
			if recorded != (tt.want != 0) || recorded && (age["asked"] != float64(tt.want) || age["confirmed"] != true) {
				t.Errorf("recorded as %v", core(receipt)["age"])
			}
			if w.asks(cookie) {
				t.Error("asked again after a grant")
			}
			receipt, _ = w.post(w.say("b", "reject_all", "banner", all(false), nil))
			if age, recorded = core(receipt)["age"].(map[string]any); recorded && age["confirmed"] != false {
				t.Errorf("a refusal is recorded with %v", age)
			}
		})
	}
}

func TestAnAgeIsNotSaidForNothing(t *testing.T) {
	w := newWorld(t)
	w.more = "[age]\nminimum = 16\n"
	w.publish("Accept all", "ga4:analytics")
	for name, d := range map[string]map[string]any{
		"with a refusal":  w.say("a", "reject_all", "banner", all(false), map[string]any{"of_age": 16}),
		"of a signal":     w.say("a", "signal", "signal", all(true), map[string]any{"of_age": 16, "gpc": true}),
		"that is none":    w.say("a", "accept_all", "banner", all(true), map[string]any{"of_age": "16"}),
		"of no human":     w.say("a", "accept_all", "banner", all(true), map[string]any{"of_age": 400}),
		"in part of one":  w.say("a", "accept_all", "banner", all(true), map[string]any{"of_age": 16.5}),
		"of one vendor":   w.say("a", "save", "placeholder", all(false), map[string]any{"vendors": map[string]bool{"ga4": true}}),
		"of one category": w.say("a", "save", "api", map[string]bool{"analytics": true, "marketing": false}, nil),
	} {
		if rec := w.try(d); rec.Code != http.StatusTeapot || !strings.Contains(rec.Body.String(), "of_age") {
			t.Errorf("an age %s: %d %s", name, rec.Code, rec.Body)
		}
	}
	w.more = ""
	w.publish("Accept all", "ga4:analytics")
	if rec := w.try(w.say("a", "accept_all", "banner", all(true), map[string]any{"of_age": 16})); rec.Code != http.StatusTeapot {
		t.Errorf("an age that nobody asked for: %d %s", rec.Code, rec.Body)
	}
}

// What was granted by somebody who did not say to be as old as is asked now is
// open; what he refused is not asked again.
func TestAGrantIsAsOldAsItsAge(t *testing.T) {
	some := map[string]bool{"preferences": false, "analytics": true, "marketing": true}
	t.Run("before the notice asked", func(t *testing.T) {
		w := newWorld(t)
		w.publish("Accept all", "ga4:analytics")
		_, cookie := w.post(w.say("a", "save", "settings", some, nil))
		w.more = "[age]\nminimum = 16\n"
		w.publish("Accept all", "ga4:analytics")
		if choices, asks := w.state(cookie); choices != "10__.-" || !asks {
			t.Errorf("%s, asks %v", choices, asks)
		}
		w.more = ""
		w.publish("Accept all", "ga4:analytics")
		if choices, asks := w.state(cookie); choices != "1011.-" || asks {
			t.Errorf("once nobody is asked any more: %s, asks %v", choices, asks)
		}
	})
	t.Run("where less is enough", func(t *testing.T) {
		w := newWorld(t)
		w.more = "[age]\nminimum = 13\nby_country = true\n"
		w.publish("Accept all", "ga4:analytics")
		w.region = "FR"
		_, cookie := w.post(w.say("a", "save", "settings", some, map[string]any{"of_age": 15}))
		for region, want := range map[string]string{"FR": "1011.-", "GB": "1011.-", "DE": "10__.-", "US-CO": "10__.-"} {
			w.region = region
			if choices, asks := w.state(cookie); choices != want || asks != strings.Contains(want, "_") {
				t.Errorf("%s: %s, asks %v, want %s", region, choices, asks, want)
			}
		}
		w.region = "DE"
		_, cookie = w.post(w.say("b", "accept_all", "banner", all(true), map[string]any{"of_age": 16}), cookie)
		if choices, asks := w.state(cookie); choices != "1111.-" || asks {
			t.Errorf("after confirming more: %s, asks %v", choices, asks)
		}
	})
	t.Run("a signal confirms nothing", func(t *testing.T) {
		w := newWorld(t)
		w.more = "[age]\nminimum = 16\n"
		w.publish("Accept all", "ga4:analytics")
		receipt, cookie := w.post(w.say("a", "accept_all", "banner", all(true), map[string]any{"of_age": 16}))
		kept := map[string]bool{"preferences": true, "analytics": true, "marketing": false}
		second, _ := w.post(w.say("b", "signal", "signal", kept, map[string]any{"gpc": true, "previous": receipt["id"]}), cookie)
		if age := core(second)["age"].(map[string]any); age["confirmed"] != true || core(second)["categories"].(map[string]any)["analytics"] != "granted" {
			t.Errorf("a signal after a grant: %v", core(second))
		}
		alone, _ := w.post(w.say("c", "signal", "signal", kept, map[string]any{"gpc": true}))
		if age := core(alone)["age"].(map[string]any); age["confirmed"] != false || core(alone)["categories"].(map[string]any)["analytics"] != "not_asked" {
			t.Errorf("a signal alone: %v", core(alone))
		}
	})
}

func TestThePageOfChoicesAsksTheAge(t *testing.T) {
	w := newWorld(t)
	w.pages()
	w.more = "[age]\nminimum = 16\n"
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	f := w.form("?return=" + url.QueryEscape(origin+"/lamps"))
	if !strings.Contains(f.text, "I am 16 years old or older.") || len(f.ticked) != 0 {
		t.Errorf("ticked %v:\n%s", f.ticked, f.text)
	}
	for _, fields := range []url.Values{
		{"action": {"accept_all"}},
		{"action": {"accept_all"}, "of_age": {"15"}},
		{"action": {"accept_all"}, "of_age": {"yes"}},
		{"action": {"save"}, "category": {"analytics"}},
	} {
		rec, _ := w.send(f, fields)
		body := rec.Body.String()
		if rec.Code != http.StatusUnprocessableEntity || !strings.Contains(body, "Confirm your age to accept.") || !strings.Contains(body, `role="alert"`) || rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("%v: %d %s", fields, rec.Code, body)
		}
		if saved := fields.Get("category") != ""; saved != strings.Contains(body, `value="analytics" data-volenti-category="analytics" aria-describedby="about-2" checked`) {
			t.Errorf("%v: what was ticked is lost, or something else is ticked", fields)
		}
		if !strings.Contains(body, origin+"/lamps") {
			t.Errorf("%v: the way back is lost", fields)
		}
	}
	rec, to := w.send(f, url.Values{"action": {"reject_all"}})
	if got, _ := w.kept(rec, to); got["state"] != "refused" {
		t.Errorf("a refusal without a tick: %v", got)
	}
	rec, to = w.send(f, url.Values{"action": {"reject_all"}, "of_age": {"16"}})
	if got, _ := w.kept(rec, to); got["age"].(map[string]any)["confirmed"] != false {
		t.Errorf("a refusal with a tick says how old somebody is: %v", got)
	}
	rec, to = w.send(f, url.Values{"action": {"accept_all"}, "of_age": {"16"}})
	got, cookie := w.kept(rec, to)
	if got["state"] != "given" || got["age"].(map[string]any)["confirmed"] != true {
		t.Errorf("recorded %v", got)
	}
	again := w.form("", "Cookie", cookie)
	if strings.Contains(again.text, "I am 16") || again.hidden.Get("of_age") != "16" {
		t.Error("asked again for what was confirmed")
	}
}

// No part of this is in a script whose notice asks nobody.
func TestAnAgeCostsNothingWhereNobodyIsAsked(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics")
	if body := w.get("/b/shop.js").Body.String(); strings.Contains(body, "ofAge") || strings.Contains(body, "of_age") || strings.Contains(body, `"y":`) {
		t.Error("the script knows of ages")
	}
	w.more = "[age]\nminimum = 16\n"
	w.publish("Accept all", "ga4:analytics")
	if body := w.get("/b/shop.js").Body.String(); !strings.Contains(body, "I am {age} years old or older.") || !strings.Contains(body, `"y":16`) {
		t.Error("the script does not ask")
	}
}
