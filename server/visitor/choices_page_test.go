package visitor_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/visitor"
	"github.com/volenti-consent/volenti/web"
)

const consentHost = "https://consent.shop.example"

// pages adds the pages for people to the world.
func (w *world) pages() {
	w.t.Helper()
	r, err := web.New()
	if err != nil {
		w.t.Fatal(err)
	}
	page := &visitor.ChoicesPage{Script: w.script, Decisions: w.decisions, Store: w.db, Web: r}
	declarations := &visitor.Declarations{Directory: w.directory, Web: r}
	w.centre(page)
	w.echo.GET("/privacy/:site/choices", page.Get)
	w.echo.POST("/privacy/:site/choices", page.Post)
	w.echo.GET("/privacy/:site/cookies", declarations.Page)
	w.echo.GET("/v1/sites/:site/declaration", declarations.JSON)
	w.echo.GET("/b/:site/declaration.js", declarations.Script)
}

// A form is what the page of choices holds, as a browser would send it.
type form struct {
	hidden  url.Values
	ticked  []string // "category analytics", "without ga4"
	buttons []string
	text    string
}

func (w *world) form(query string, header ...string) form {
	w.t.Helper()
	rec := w.get("/privacy/shop/choices"+query, header...)
	if rec.Code != http.StatusOK {
		w.t.Fatalf("the page: %d %s", rec.Code, rec.Body)
	}
	if rec.Header().Get("Set-Cookie") != "" {
		w.t.Fatal("looking at the page set a cookie")
	}
	doc, err := html.Parse(strings.NewReader(rec.Body.String()))
	if err != nil {
		w.t.Fatal(err)
	}
	f := form{hidden: url.Values{}, text: rec.Body.String()}
	for n := range doc.Descendants() {
		a := map[string]string{}
		for _, attribute := range n.Attr {
			a[attribute.Key] = attribute.Val
		}
		switch {
		case n.Data == "button":
			f.buttons = append(f.buttons, a["value"])
		case n.Data == "input" && a["type"] == "hidden":
			f.hidden.Set(a["name"], a["value"])
		case n.Data == "input":
			if _, on := a["checked"]; on {
				f.ticked = append(f.ticked, a["name"]+" "+a["value"])
			}
		}
	}
	return f
}

// send posts a form as the browser does; the answer and where it leads.
func (w *world) send(f form, fields url.Values, header ...string) (*httptest.ResponseRecorder, string) {
	w.t.Helper()
	values := url.Values{}
	for name, v := range f.hidden {
		values[name] = v
	}
	for name, v := range fields {
		values[name] = v
	}
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, consentHost+"/privacy/shop/choices", strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", consentHost)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	return rec, rec.Header().Get("Location")
}

var receiptOf = regexp.MustCompile(`receipt=([0-9a-hjkmnp-tv-z]{32})`)

// kept is the core of the record that an answer leads to, and its cookie.
func (w *world) kept(rec *httptest.ResponseRecorder, location string) (core map[string]any, cookie string) {
	w.t.Helper()
	id := receiptOf.FindStringSubmatch(location)
	if rec.Code != http.StatusSeeOther || id == nil {
		w.t.Fatalf("%d to %q: %s", rec.Code, location, rec.Body)
	}
	entry, err := w.db.Entry(w.t.Context(), "shop", id[1])
	if err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal(entry.Core, &core); err != nil {
		w.t.Fatal(err)
	}
	set := rec.Result().Cookies()
	if len(set) != 1 || set[0].Domain != "shop.example" || !set[0].Secure || set[0].SameSite != http.SameSiteLaxMode {
		w.t.Fatalf("cookie %v, want one that the shop's pages see", set)
	}
	return core, "volenti=" + set[0].Value
}

func TestAChoiceWithoutScriptIsRecordedLikeAnyOther(t *testing.T) {
	w := newWorld(t)
	w.pages()
	w.publish("Yes please", "ga4:analytics", "clarity:analytics", "meta:marketing")
	f := w.form("?return=" + url.QueryEscape(origin+"/lamps?a=1"))
	if len(f.ticked) != 0 {
		t.Errorf("ticked before a decision: %v", f.ticked)
	}
	if !slices.Equal(f.buttons, []string{"reject_all", "accept_all", "save"}) {
		t.Errorf("buttons %v", f.buttons)
	}
	if !strings.Contains(f.text, "Yes please") || !strings.Contains(f.text, origin+"/lamps?a=1") {
		t.Errorf("the notice's own words or the way back are missing:\n%s", f.text)
	}

	rec, to := w.send(f, url.Values{"action": {"save"}, "category": {"analytics"}, "without": {"clarity", "meta"}})
	core, cookie := w.kept(rec, to)
	categories, vendors := core["categories"].(map[string]any), core["vendors"].(map[string]any)
	if core["surface"] != "page" || core["action"] != "save" || core["state"] != "partial" || core["region"] != "DE" || core["language"] != "en" || core["basis"] != "explicit" {
		t.Errorf("core %v", core)
	}
	if categories["analytics"] != "granted" || categories["marketing"] != "refused" || categories["preferences"] != "refused" ||
		vendors["ga4"] != "granted" || vendors["clarity"] != "refused" || vendors["meta"] != "refused" {
		t.Errorf("categories %v, vendors %v", categories, vendors)
	}

	// The script of the next page knows it, and the page shows it.
	if b := w.boot("Cookie", cookie); b.C != "1010.-0-" {
		t.Errorf("boot %+v", b)
	}
	f = w.form("?"+strings.SplitN(to, "?", 2)[1], "Cookie", cookie)
	if !slices.Equal(f.ticked, []string{"category analytics", "without clarity"}) || !strings.Contains(f.text, "Your choice is recorded.") ||
		!strings.Contains(f.text, "v1/sites/shop/receipts/"+receiptOf.FindStringSubmatch(to)[1]) || !slices.Contains(f.buttons, "withdraw") {
		t.Errorf("after it: ticked %v, buttons %v\n%s", f.ticked, f.buttons, f.text)
	}
	first := core["id"]
	rec, to = w.send(f, url.Values{"action": {"withdraw"}}, "Cookie", cookie)
	core, _ = w.kept(rec, to)
	if core["state"] != "withdrawn" || core["previous"] != first {
		t.Errorf("withdrawal %v", core)
	}
}

// The receipt names the page that was shown, and the archive has its bytes.
func TestAReceiptOfThePageNamesThePage(t *testing.T) {
	w := newWorld(t)
	w.pages()
	w.publish("Yes please", "ga4:analytics")
	rec, to := w.send(w.form(""), url.Values{"action": {"accept_all"}})
	core, cookie := w.kept(rec, to)
	var x struct{ Script, Notice string }
	if err := json.Unmarshal(w.get("/v1/sites/shop/archive/"+core["experience"].(string)).Body.Bytes(), &x); err != nil {
		t.Fatal(err)
	}
	shown := w.get("/v1/sites/shop/archive/" + x.Script)
	if string(canonical.Sum(shown.Body.Bytes())) != x.Script || !strings.HasPrefix(shown.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("the archived page is %s of %s", shown.Header().Get("Content-Type"), x.Script)
	}
	page := shown.Body.String()
	for _, want := range []string{"Yes please", "<form", `value="analytics"`, "ga4"} {
		if !strings.Contains(page, want) {
			t.Errorf("the archived page has no %q", want)
		}
	}
	if strings.Contains(page, "1.shop.") || strings.Contains(page, " checked") {
		t.Error("the archived page holds something of one visitor")
	}
	// Whoever has decided is shown the same words: the experience is the same for everybody.
	rec, to = w.send(w.form("", "Cookie", cookie), url.Values{"action": {"save"}, "category": {"analytics"}}, "Cookie", cookie)
	again, _ := w.kept(rec, to)
	if again["experience"] != core["experience"] || again["previous"] != core["id"] {
		t.Errorf("the experience of one who had decided is another: %v", again)
	}
	// What is archived is what a visitor gets, but for what is his.
	got := w.form("", "Cookie", cookie).text
	for _, own := range []string{"token", "key"} {
		got = regexp.MustCompile(`(name="`+own+`" value=")[^"]*`).ReplaceAllString(got, "$1")
	}
	strip := func(s string) string {
		s = regexp.MustCompile(`(?s)<p>Your choice of.*?</p>|<p>You have not chosen yet.</p>| checked|<button name="action" value="withdraw".*?</button>`).ReplaceAllString(s, "")
		return strings.Join(strings.Fields(strings.ReplaceAll(s, "../../", "./")), " ")
	}
	if strip(got) != strip(page) {
		t.Errorf("shown and archived differ:\n%s\n\n%s", strip(got), strip(page))
	}
}

func TestAFormOfSomebodyElseIsRefused(t *testing.T) {
	w := newWorld(t)
	w.pages()
	w.publish("Yes", "ga4:analytics")
	fresh := w.form("")
	rec, to := w.send(fresh, url.Values{"action": {"reject_all"}})
	_, cookie := w.kept(rec, to)
	mine := w.form("", "Cookie", cookie)
	yes := url.Values{"action": {"accept_all"}}
	for name, tt := range map[string]struct {
		form   form
		fields url.Values
		header []string
	}{
		"sent by another site":                          {mine, yes, []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}},
		"sent by a sister site":                         {mine, yes, []string{"Cookie", cookie, "Sec-Fetch-Site", "same-site", "Origin", origin}},
		"no origin":                                     {mine, yes, []string{"Cookie", cookie, "Origin", ""}},
		"opened by hand":                                {mine, yes, []string{"Cookie", cookie, "Sec-Fetch-Site", "none"}},
		"an origin that is hidden":                      {mine, yes, []string{"Cookie", cookie, "Origin", "null", "Sec-Fetch-Site", ""}},
		"another origin, in a browser of yesterday":     {mine, yes, []string{"Cookie", cookie, "Origin", "https://evil.example", "Sec-Fetch-Site", ""}},
		"a form that anybody gets, to one who decided":  {fresh, yes, []string{"Cookie", cookie}},
		"a form of one who decided, to one who did not": {mine, yes, nil},
		"a key of nobody":                               {mine, url.Values{"action": {"accept_all"}, "key": {"x"}}, []string{"Cookie", cookie}},
		"the cookie as a key":                           {mine, url.Values{"action": {"accept_all"}, "key": {strings.TrimPrefix(cookie, "volenti=")}}, []string{"Cookie", cookie}},
		"a token of nobody":                             {mine, url.Values{"action": {"accept_all"}, "token": {"1.shop.x"}}, []string{"Cookie", cookie}},
		"no button":                                     {mine, url.Values{"action": {"acknowledge"}}, []string{"Cookie", cookie}},
		"not a form":                                    {mine, yes, []string{"Cookie", cookie, "Content-Type", "text/plain"}},
		"far too much":                                  {mine, url.Values{"action": {"save"}, "category": {strings.Repeat("a", 20<<10)}}, []string{"Cookie", cookie}},
	} {
		if rec, to := w.send(tt.form, tt.fields, tt.header...); rec.Code != http.StatusTeapot || to != "" || rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d, leads to %q", name, rec.Code, to)
		}
	}
	if rec, to := w.send(mine, yes, "Cookie", cookie, "Sec-Fetch-Site", ""); rec.Code != http.StatusSeeOther {
		t.Errorf("the visitor himself, in a browser of yesterday: %d %q %s", rec.Code, to, rec.Body)
	}
	w.now = w.now.Add(8 * 24 * time.Hour)
	if rec, _ := w.send(fresh, yes); rec.Code != http.StatusTeapot {
		t.Errorf("a form of last week: %d", rec.Code)
	}
}

func TestTheWayBackLeadsToTheSiteOnly(t *testing.T) {
	w := newWorld(t)
	w.pages()
	w.publish("Yes", "ga4:analytics")
	for address, want := range map[string]bool{
		origin + "/x": true, "https://evil.example/": false, "//evil.example/": false, "javascript:alert(1)": false,
		"https://www.shop.example.evil.example/": false, "https://www.shop.example@evil.example/": false, "https://u:p@www.shop.example/": false, "http://www.shop.example/": false,
	} {
		f := w.form("?return=" + url.QueryEscape(address))
		if got := f.hidden.Get("return") != ""; got != want || (!want && strings.Contains(f.text, "evil")) {
			t.Errorf("%s: kept as %q", address, f.hidden.Get("return"))
		}
	}
	if f := w.form("?receipt=" + strings.Repeat("0", 32)); strings.Contains(f.text, "recorded") {
		t.Error("a receipt that is not there is shown as recorded")
	}
}

// What runs by an opt-out law is shown as on, and is off under a signal; nothing
// is where the law asks for opt-in.
func TestThePageShowsWhatTheLawSays(t *testing.T) {
	w := newWorld(t)
	w.pages()
	w.publishFile(declaredNotice)
	w.region = "US-CA"
	f := w.form("")
	if !slices.Contains(f.ticked, "category marketing") || !strings.Contains(f.text, "Your privacy choices") || !strings.Contains(f.text, "You can opt out now") {
		t.Errorf("California: %v\n%s", f.ticked, f.text)
	}
	f = w.form("", "Sec-GPC", "1")
	if slices.Contains(f.ticked, "category marketing") || !strings.Contains(f.text, "Opt-out request honored") {
		t.Errorf("California under GPC: %v", f.ticked)
	}
	w.region = "DE"
	if f := w.form("?lang=en"); len(f.ticked) != 0 || !strings.Contains(f.text, "would like to store") {
		t.Errorf("Germany: %v", f.ticked)
	}
}
