package visitor_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/notice"
)

const declaredNotice = `
site = "shop"
languages = ["en", "de", "ar"]
origins = ["https://www.shop.example"]
policies = ["privacy"]
posture = "floor"
categories = ["necessary", "preferences", "analytics", "marketing"]
[controller]
name = "Shop & Ltd"
address = "1 Street, Town"
contact = "privacy@shop.example"
establishment = "US"
[[vendor]]
key = "ga4"
name = "Google & Analytics"
category = "analytics"
country = "US"
policy_url = "https://ga.example/privacy"
opt_out_url = "https://ga.example/out"
[[vendor.stores]]
name = "_ga_*"
kind = "cookie"
duration = "13 months"
purpose = { en = "Tells visits apart.", de = "Unterscheidet Besuche.", ar = "يميّز الزيارات." }
[[vendor.stores]]
name = "shelf"
kind = "indexeddb"
duration = "1 day"
purpose = { en = "Keeps a list.", de = "Merkt eine Liste.", ar = "يحفظ قائمة." }
`

func (w *world) publishFile(file string) {
	w.t.Helper()
	n, issues := notice.Parse([]byte(file), "notice.toml")
	if notice.Failed(issues) {
		w.t.Fatalf("the notice: %v", issues)
	}
	p := publisher(w)
	if _, err := p.Publish(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
	if err := w.directory.Refresh(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestTheDeclarationSaysWhatTheNoticeDeclares(t *testing.T) {
	w := newWorld(t)
	w.pages()
	w.publishFile(declaredNotice)
	type stored struct {
		Name, Kind, Duration, Purpose string
		KindText                      string `json:"kind_text"`
		DurationText                  string `json:"duration_text"`
	}
	var d struct {
		Language, Direction, Notice string
		Links                       map[string]string
		Categories                  []struct {
			Key, Label string
			Necessary  bool
			Vendors    []struct {
				Key, Name string
				DataGoes  string `json:"data_goes_to"`
				PolicyURL string `json:"policy_url"`
				OptOutURL string `json:"opt_out_url"`
				Stored    []stored
			}
		}
	}
	rec := w.get("/v1/sites/shop/declaration?lang=de")
	if err := json.Unmarshal(rec.Body.Bytes(), &d); err != nil || rec.Code != http.StatusOK {
		t.Fatalf("%d %v %s", rec.Code, err, rec.Body)
	}
	if d.Language != "de" || d.Direction != "ltr" || d.Links["policy"] != "policies/shop/privacy" || d.Links["choices"] != "privacy/shop/choices?lang=de" {
		t.Errorf("%+v", d)
	}
	if len(d.Categories) != 4 || !d.Categories[0].Necessary || d.Categories[2].Label != "Statistik" {
		t.Fatalf("categories %+v", d.Categories)
	}
	own := d.Categories[0].Vendors
	if len(own) != 1 || own[0].Name != "Shop & Ltd" || len(own[0].Stored) != 2 || own[0].Stored[0].Name != "volenti" || own[0].Stored[0].DurationText != "6 Monate" {
		t.Errorf("what the server keeps itself is not declared: %+v", own)
	}
	ga := d.Categories[2].Vendors[0]
	if ga.DataGoes != "Daten gehen nach: Vereinigte Staaten" && !strings.Contains(ga.DataGoes, "Vereinigte Staaten") {
		t.Errorf("data goes to %q", ga.DataGoes)
	}
	want := stored{"_ga_*", "cookie", "13 months", "Unterscheidet Besuche.", "Cookie", "13 Monate"}
	if ga.Stored[0] != want || ga.PolicyURL != "https://ga.example/privacy" || ga.OptOutURL != "https://ga.example/out" {
		t.Errorf("vendor %+v", ga)
	}
	if db := ga.Stored[1]; db.KindText == "" || db.KindText == "indexeddb" || db.DurationText != "1 Tag" {
		t.Errorf("a database is not put into words: %+v", db)
	}
	h := rec.Header()
	if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Set-Cookie") != "" || !strings.Contains(h.Get("Vary"), "Accept-Language") {
		t.Errorf("header %v", h)
	}
	if again := w.get("/v1/sites/shop/declaration?lang=de", "If-None-Match", h.Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("the same again: %d", again.Code)
	}
}

func TestTheDeclarationIsAPage(t *testing.T) {
	w := newWorld(t)
	w.pages()
	w.publishFile(declaredNotice)
	rec := w.get("/privacy/shop/cookies", "Accept-Language", "ar")
	page := rec.Body.String()
	for _, want := range []string{`dir="rtl"`, "Google &amp; Analytics", "_ga_*", "13 شهرًا", "https://ga.example/out", "policies/shop/privacy", `href="./choices?lang=ar"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q\n%s", want, page)
		}
	}
	if csp := rec.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "form-action 'none'") {
		t.Errorf("policy %q", csp)
	}
}

func TestANoticeThatDeclaresOurCookieIsTakenAtItsWord(t *testing.T) {
	w := newWorld(t)
	w.pages()
	w.publishFile(declaredNotice + `
[[vendor]]
key = "self"
name = "Shop"
category = "necessary"
[[vendor.stores]]
name = "volenti"
kind = "cookie"
duration = "6 months"
purpose = { en = "Our own words.", de = "Eigene Worte.", ar = "كلماتنا." }
`)
	body := w.get("/v1/sites/shop/declaration?lang=en").Body.String()
	if strings.Count(body, `"name":"volenti"`) != 1 || !strings.Contains(body, "Our own words.") {
		t.Errorf("declared twice, or not at all: %s", body)
	}
}
