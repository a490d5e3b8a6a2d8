package visitor_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/visitor"
)

const outlet = "https://outlet.example"

// shared is a world whose notice shares decisions with the outlet.
func shared(t *testing.T) *world {
	w := newWorld(t)
	w.echo.GET("/v1/sites/:site/handover", (&visitor.Handovers{Script: w.script, Decisions: w.decisions}).Get)
	w.also, w.more = `, "https://outlet.example", "https://shop.example"`, "[share]\ndomains = true\n"
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	return w
}

// handover asks for what a page of the shop adds to its link.
func (w *world) handover(to string, header ...string) *httptest.ResponseRecorder {
	return w.get("/v1/sites/shop/handover?to="+url.QueryEscape(to), append([]string{"Origin", origin}, header...)...)
}

func (w *world) token(header ...string) string {
	w.t.Helper()
	rec := w.handover(outlet, header...)
	var answer struct{ Token string }
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); rec.Code != http.StatusOK || err != nil || answer.Token == "" {
		w.t.Fatalf("hand-over: %d %s", rec.Code, rec.Body)
	}
	if rec.Header().Get("Cache-Control") != "private, no-store" || rec.Header().Get("Cross-Origin-Resource-Policy") != "same-origin" || rec.Header().Get("Set-Cookie") != "" {
		w.t.Errorf("hand-over with header %v", rec.Header())
	}
	return answer.Token
}

// arriving is the decision that a page of the outlet makes of a hand-over.
func (w *world) arriving(id, token string, categories map[string]bool) map[string]any {
	return w.say(id, "share", "share", categories, map[string]any{"handover": token})
}

func (w *world) arrive(decision map[string]any, header ...string) (*httptest.ResponseRecorder, map[string]any) {
	w.t.Helper()
	rec := w.try(decision, append([]string{"Origin", outlet}, header...)...)
	var receipt map[string]any
	if rec.Code == http.StatusCreated {
		if err := json.Unmarshal(rec.Body.Bytes(), &receipt); err != nil {
			w.t.Fatal(err)
		}
	}
	return rec, receipt
}

func TestAChoiceIsTakenAlong(t *testing.T) {
	w := shared(t)
	some := map[string]bool{"preferences": false, "analytics": true, "marketing": true}
	yes := w.say("a", "save", "settings", some, map[string]any{"vendors": map[string]bool{"meta": false}})
	first, cookie := w.post(yes)
	w.now = w.now.Add(time.Hour)
	token := w.token("Cookie", cookie)
	d := w.arriving("b", token, some)
	d["vendors"] = map[string]bool{"meta": false}
	rec, receipt := w.arrive(d)
	if receipt == nil {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	was, is := core(first), core(receipt)
	for _, member := range []string{"given_at", "valid_until", "state", "basis"} {
		if was[member] != is[member] {
			t.Errorf("%s: %v, was %v", member, is[member], was[member])
		}
	}
	if is["previous"] != was["id"] || receipt["personal"].(map[string]any)["subject"] != first["personal"].(map[string]any)["subject"] || is["vendors"].(map[string]any)["meta"] != "refused" {
		t.Errorf("%v", is)
	}
	// What the outlet keeps of it is as old as the choice, so a link back changes nothing.
	back := rec.Result().Cookies()
	if len(back) != 1 || back[0].SameSite != http.SameSiteNoneMode || !back[0].Partitioned {
		t.Fatalf("cookie %v", back)
	}
	if b := w.boot("Cookie", "volenti="+back[0].Value); b.A != w.boot("Cookie", cookie).A || b.C != "1011.-0" {
		t.Errorf("boot %+v", b)
	}
	if again, same := w.arrive(d); same == nil || same["id"] != receipt["id"] {
		t.Errorf("sent again: %d %s", again.Code, again.Body)
	}
	d["id"] = "of another browser"
	if other, made := w.arrive(d); made != nil || len(other.Result().Cookies()) != 0 {
		t.Errorf("brought by another browser: %d %s", other.Code, other.Body)
	}
}

func TestAHandoverThatIsRefused(t *testing.T) {
	other := map[string]bool{"preferences": true, "analytics": true, "marketing": false}
	for name, tt := range map[string]func(w *world, cookie string) (map[string]any, []string){
		"too late": func(w *world, cookie string) (map[string]any, []string) {
			d := w.arriving("b", w.token("Cookie", cookie), all(true))
			w.now = w.now.Add(2*time.Minute + time.Second)
			return d, nil
		},
		"altered": func(w *world, cookie string) (map[string]any, []string) {
			return w.arriving("b", strings.Replace(w.token("Cookie", cookie), "1111~", "1110~", 1), map[string]bool{"preferences": true, "analytics": true, "marketing": false}), nil
		},
		"for another origin": func(w *world, cookie string) (map[string]any, []string) {
			return w.arriving("b", w.token("Cookie", cookie), all(true)), []string{"Origin", "https://shop.example"}
		},
		"with other choices": func(w *world, cookie string) (map[string]any, []string) {
			return w.arriving("b", w.token("Cookie", cookie), other), nil
		},
		"with a vendor more": func(w *world, cookie string) (map[string]any, []string) {
			d := w.arriving("b", w.token("Cookie", cookie), all(true))
			d["vendors"] = map[string]bool{"ga4": true}
			return d, nil
		},
		"with nothing": func(w *world, cookie string) (map[string]any, []string) {
			return w.arriving("b", w.token("Cookie", cookie), map[string]bool{}), nil
		},
		"under a signal that was not on": func(w *world, cookie string) (map[string]any, []string) {
			return w.arriving("b", w.token("Cookie", cookie), all(true)), []string{"Sec-GPC", "1"}
		},
		"after a newer decision here": func(w *world, cookie string) (map[string]any, []string) {
			w.now = w.now.Add(time.Minute)
			_, newer := w.post(w.say("c", "reject_all", "banner", all(false), nil))
			return w.arriving("b", w.token("Cookie", cookie), all(true)), []string{"Cookie", newer}
		},
		"of a notice that shares no more": func(w *world, cookie string) (map[string]any, []string) {
			token := w.token("Cookie", cookie)
			w.more = ""
			w.publish("Accept all", "ga4:analytics", "meta:marketing")
			return w.arriving("b", token, all(true)), nil
		},
		"of a choice that asks more now": func(w *world, cookie string) (map[string]any, []string) {
			token := w.token("Cookie", cookie)
			w.publish("Accept all", "ga4:analytics", "meta:marketing", "ads:marketing")
			return w.arriving("b", token, all(true)), nil
		},
		"where a higher age is asked": func(w *world, cookie string) (map[string]any, []string) {
			token := w.token("Cookie", cookie)
			w.more += "[age]\nminimum = 16\n"
			w.publish("Accept all", "ga4:analytics", "meta:marketing")
			return w.arriving("b", token, all(true)), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := shared(t)
			_, cookie := w.post(w.say("a", "accept_all", "banner", all(true), nil))
			d, header := tt(w, cookie)
			rec, receipt := w.arrive(d, header...)
			if receipt != nil || len(rec.Result().Cookies()) != 0 || strings.Contains(rec.Body.String(), "panic") {
				t.Errorf("%d %s", rec.Code, rec.Body)
			}
		})
	}
}

func TestWhoGetsAHandover(t *testing.T) {
	w := shared(t)
	_, yes := w.post(w.say("a", "accept_all", "banner", all(true), nil))
	forged := yes[:len(yes)-4] + "AAAA"
	for name, tt := range map[string]struct {
		to   string
		head []string
		code int
	}{
		"who decided":                   {outlet, []string{"Cookie", yes}, 200},
		"on the server's own origin":    {outlet, []string{"Cookie", yes, "Origin", "", "Sec-Fetch-Site", "same-origin"}, 200},
		"a script of another site":      {outlet, []string{"Cookie", yes, "Origin", "", "Sec-Fetch-Site", "cross-site"}, 418},
		"somebody who opens it":         {outlet, []string{"Cookie", yes, "Origin", "", "Sec-Fetch-Site", "none"}, 418},
		"another website":               {outlet, []string{"Cookie", yes, "Origin", "https://stranger.example"}, 418},
		"for another website":           {"https://stranger.example", []string{"Cookie", yes}, 418},
		"for a path":                    {outlet + "/x", []string{"Cookie", yes}, 418},
		"for nothing":                   {"", []string{"Cookie", yes}, 418},
		"who did not decide":            {outlet, nil, 418},
		"who forged his cookie":         {outlet, []string{"Cookie", forged}, 418},
		"where the cookie is seen, too": {"https://shop.example", []string{"Cookie", yes}, 204},
	} {
		rec := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://consent.shop.example/v1/sites/shop/handover?to="+url.QueryEscape(tt.to), nil)
		r.Header.Set("Origin", origin)
		for i := 0; i < len(tt.head); i += 2 {
			r.Header.Set(tt.head[i], tt.head[i+1])
		}
		if r.Header.Get("Origin") == "" {
			r.Header.Del("Origin")
		}
		w.echo.ServeHTTP(rec, r)
		if rec.Code != tt.code || tt.code != 200 && strings.Contains(rec.Body.String(), "h1.") {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	w.now = w.now.AddDate(1, 0, 0)
	if rec := w.handover(outlet, "Cookie", yes); rec.Code == http.StatusOK {
		t.Error("of a decision that has ended")
	}
}

// What is handed over is what would be in force there, and no more.
func TestWhatIsHandedOver(t *testing.T) {
	choices := func(w *world, header ...string) string {
		part := strings.Split(w.token(header...), ".")
		return part[6]
	}
	w := shared(t)
	_, cookie := w.post(w.say("a", "accept_all", "banner", all(true), nil))
	if got := choices(w, "Cookie", cookie); got != "1111~--" {
		t.Errorf("a yes: %s", got)
	}
	if got := choices(w, "Cookie", cookie, "Sec-GPC", "1"); got != "111_~--" {
		t.Errorf("a yes, and a signal that was not on then: %s", got)
	}
	w.publish("Accept all", "ga4:analytics", "meta:marketing", "ads:marketing")
	if got := choices(w, "Cookie", cookie); got != "1111~--_" {
		t.Errorf("a yes to fewer: %s", got)
	}
	d := w.arriving("b", w.token("Cookie", cookie), all(true))
	d["open"] = []string{"ads"}
	if rec, receipt := w.arrive(d); receipt == nil || core(receipt)["vendors"].(map[string]any)["ads"] != "not_asked" {
		t.Errorf("what is open: %d %s", rec.Code, rec.Body)
	}

	w = shared(t)
	w.region = "US-TX"
	_, cookie = w.post(w.say("a", "accept_all", "banner", all(true), nil))
	if rec := w.handover(outlet, "Cookie", cookie); rec.Code != http.StatusNoContent {
		t.Errorf("what was on by an opt-out law is taken along as a yes: %d %s", rec.Code, rec.Body)
	}
	_, cookie = w.post(w.say("b", "reject_all", "banner", all(false), nil))
	if got := choices(w, "Cookie", cookie); got != "1000~--" {
		t.Errorf("an opt-out: %s", got)
	}

	w = shared(t)
	w.more += "[age]\nminimum = 13\nby_country = true\n"
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	w.region = "FR"
	mixed := maps.Clone(all(true))
	mixed["marketing"] = false
	_, cookie = w.post(w.say("a", "save", "settings", mixed, map[string]any{"of_age": 15}))
	if got := choices(w, "Cookie", cookie); got != "1110~--" {
		t.Errorf("with an age: %s", got)
	}
	rec, receipt := w.arrive(w.arriving("b", w.token("Cookie", cookie), mixed))
	if receipt == nil || core(receipt)["age"].(map[string]any)["confirmed"] != true {
		t.Errorf("with an age: %d %s", rec.Code, rec.Body)
	}
	w.region = "DE"
	if got := choices(w, "Cookie", cookie); got != "1__0~--" {
		t.Errorf("with an age that is not enough here: %s", got)
	}
}

func TestNothingIsSharedUnlessTheNoticeSaysSo(t *testing.T) {
	w := shared(t)
	w.more = ""
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	_, cookie := w.post(w.say("a", "accept_all", "banner", all(true), nil))
	if rec := w.handover(outlet, "Cookie", cookie); rec.Code != http.StatusTeapot {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if body := w.get("/b/shop.js").Body.String(); strings.Contains(body, "[#&]") || strings.Contains(body, "counts on all") {
		t.Error("the script knows of other domains")
	}
}
