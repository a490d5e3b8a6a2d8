package visitor_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/net/html"

	"github.com/volenti-consent/volenti/server/visitor"
)

// centre adds the privacy centre to the world.
func (w *world) centre(choices *visitor.ChoicesPage) {
	elsewhere := &visitor.Elsewhere{Kept: w.db, Script: w.script, Store: w.db}
	w.script.Cookies.Elsewhere = elsewhere
	c := &visitor.Centre{Choices: choices, Elsewhere: elsewhere, Passes: w.passes(), Requests: w.rights}
	w.echo.GET("/v1/sites/:site/receipts/:id/proof", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	w.echo.GET("/privacy/:site", c.Get)
	w.echo.POST("/privacy/:site/decide", c.Decide)
	w.echo.POST("/privacy/:site/held", c.Held)
	w.echo.POST("/privacy/:site/link", c.Link)
	w.echo.GET("/privacy/:site/take/:pass", c.Take)
}

func (w *world) passes() *visitor.Passes {
	return visitor.NewPasses(w.db, func() time.Time { return w.now }, bytes.Repeat([]byte("c"), 64))
}

// A seenCentre is what the page shows, as a browser would read it.
type seenCentre struct {
	hidden  url.Values
	buttons []string // "name=value"
	links   []string
	text    string
	body    string
}

func (w *world) look(query string, header ...string) seenCentre {
	w.t.Helper()
	rec := w.get("/privacy/shop"+query, header...)
	if rec.Code != http.StatusOK {
		w.t.Fatalf("the centre: %d %s", rec.Code, rec.Body)
	}
	if rec.Header().Get("Set-Cookie") != "" || rec.Header().Get("Cache-Control") != "private, no-store" || rec.Header().Get("ETag") != "" {
		w.t.Fatalf("the centre answers with %v", rec.Header())
	}
	return read(w.t, rec)
}

func read(t testing.TB, rec *httptest.ResponseRecorder) seenCentre {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(rec.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	s := seenCentre{hidden: url.Values{}, body: rec.Body.String()}
	var said []string
	for n := range doc.Descendants() {
		a := map[string]string{}
		for _, attribute := range n.Attr {
			a[attribute.Key] = attribute.Val
		}
		switch {
		case n.Type == html.TextNode:
			said = append(said, n.Data)
		case n.Data == "button":
			s.buttons = append(s.buttons, a["name"]+"="+a["value"])
		case n.Data == "input" && a["type"] == "hidden":
			s.hidden.Set(a["name"], a["value"])
		case n.Data == "a":
			s.links = append(s.links, a["href"])
		}
	}
	s.text = strings.Join(strings.Fields(strings.Join(said, " ")), " ")
	return s
}

// press sends a form of the centre as the browser does.
func (w *world) press(path string, s seenCentre, fields url.Values, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	values := url.Values{}
	for name, v := range s.hidden {
		values[name] = v
	}
	for name, v := range fields {
		values[name] = v
	}
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, consentHost+"/privacy/shop/"+path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", consentHost)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Referer", consentHost+"/privacy/shop")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	return rec
}

// cookieOf is a cookie that an answer set, as a header.
func cookieOf(rec *httptest.ResponseRecorder, name string) string {
	for _, c := range rec.Result().Cookies() {
		if c.Name == name && c.MaxAge >= 0 {
			return name + "=" + c.Value
		}
	}
	return ""
}

// newest is the core of the newest record of the browser that a receipt was given to.
func (w *world) newest(receipt string) map[string]any {
	w.t.Helper()
	e, err := w.db.Entry(w.t.Context(), "shop", receipt)
	if err != nil {
		w.t.Fatal(err)
	}
	all, err := w.db.EntriesOfSubject(w.t.Context(), "shop", e.Subject, 10)
	if err != nil {
		w.t.Fatal(err)
	}
	var core map[string]any
	if err := json.Unmarshal(all[0].Core, &core); err != nil {
		w.t.Fatal(err)
	}
	return core
}

func centreWorld(t *testing.T) *world {
	w := newWorld(t)
	w.pages()
	w.publish("Accept all", "ga4:analytics", "meta:marketing", "ads:marketing")
	return w
}

func TestCentreOffersTheChoicesToWhoeverHasNotDecided(t *testing.T) {
	w := centreWorld(t)
	s := w.look("")
	for _, want := range []string{"You have not chosen yet.", "Accept all", "Nothing is recorded of this browser", "does not send Global Privacy Control", "GDPR"} {
		if !strings.Contains(s.text, want) {
			t.Errorf("it does not say %q:\n%s", want, s.text)
		}
	}
	for _, button := range []string{"action=reject_all", "action=accept_all", "action=find"} {
		if !slices.Contains(s.buttons, button) {
			t.Errorf("no button %s in %v", button, s.buttons)
		}
	}
	if slices.Contains(s.buttons, "without=meta") || slices.Contains(s.buttons, "action=withdraw") {
		t.Errorf("there is nothing to withdraw: %v", s.buttons)
	}
	rec := w.press("decide", s, url.Values{"action": {"accept_all"}})
	if rec.Code != http.StatusSeeOther || cookieOf(rec, "volenti") == "" {
		t.Fatalf("accepting: %d %s", rec.Code, rec.Body)
	}
	if b := w.boot("Cookie", cookieOf(rec, "volenti")); b.C != "1111.---" {
		t.Errorf("the pages hear %q", b.C)
	}
}

func TestCentreShowsWhatWasChosenAndUnderWhichText(t *testing.T) {
	w := centreWorld(t)
	receipt, cookie := w.decide("a", w.boot().T, map[string]bool{"preferences": false, "analytics": true, "marketing": true}, map[string]bool{"ads": false})
	w.now = w.now.Add(time.Hour)
	w.policy("# Privacy\n\nThe second text.\n")
	if err := w.directory.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := w.look("", "Cookie", cookie, "Sec-GPC", "1")
	id := receipt["id"].(string)
	for _, want := range []string{"Your choice of 2026-11-21 12:00 UTC", "What you allowed ends on 21 May 2027", "Version 1", "What changed since version 1", "Version 2 is in force now.",
		"Chose one by one", id, "Your browser sends Global Privacy Control.", "marketing stays off"} {
		if !strings.Contains(s.text, want) {
			t.Errorf("it does not say %q:\n%s", want, s.text)
		}
	}
	for _, want := range []string{"./policies/shop/privacy/diff/1..2", "./policies/shop/privacy/versions/1", "./v1/sites/shop/receipts/" + id, "./v1/sites/shop/receipts/" + id + "/proof"} {
		if !slices.ContainsFunc(s.links, func(l string) bool { return strings.HasSuffix(l, want[2:]) }) {
			t.Errorf("no link to %s in %v", want, s.links)
		}
	}
	if slices.ContainsFunc(s.links, func(l string) bool { return strings.HasSuffix(l, "/bundle") }) {
		t.Error("a link to what is not there")
	}
}

// One vendor goes by one button, and nothing else changes: neither the others nor how
// long they count.
func TestCentreLeavesOutOneVendor(t *testing.T) {
	w := centreWorld(t)
	receipt, cookie := w.decide("a", w.boot().T, all(true), nil)
	w.now = w.now.AddDate(0, 2, 0)
	s := w.look("", "Cookie", cookie)
	if !slices.Contains(s.buttons, "without=meta") || !slices.Contains(s.buttons, "action=withdraw") {
		t.Fatalf("buttons %v", s.buttons)
	}
	rec := w.press("decide", s, url.Values{"without": {"meta"}}, "Cookie", cookie)
	if rec.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	after := cookieOf(rec, "volenti")
	if b := w.boot("Cookie", after); b.C != "1111.-0-" {
		t.Errorf("the pages hear %q", b.C)
	}
	core := w.newest(receipt["id"].(string))
	if core["surface"] != "centre" || core["previous"] != receipt["id"] || core["valid_until"] != receipt["core"].(map[string]any)["valid_until"] {
		t.Errorf("the record: %v", core)
	}
	if s = w.look("?"+strings.SplitN(rec.Header().Get("Location"), "?", 2)[1], "Cookie", after); !strings.Contains(s.text, "Your choice is recorded.") || !slices.Contains(s.buttons, "with=meta") {
		t.Errorf("after it: %v", s.buttons)
	}
	if rec = w.press("decide", s, url.Values{"with": {"meta"}}, "Cookie", after); w.boot("Cookie", cookieOf(rec, "volenti")).C != "1111.---" {
		t.Errorf("allowed again: %d %s", rec.Code, rec.Body)
	}
}

// A signal that came after a grant is no reason to grant against it.
func TestCentreGrantsNothingAgainstASignal(t *testing.T) {
	w := centreWorld(t)
	_, cookie := w.decide("a", w.boot().T, all(true), nil)
	header := []string{"Cookie", cookie, "Sec-GPC", "1"}
	rec := w.press("decide", w.look("", header...), url.Values{"without": {"ga4"}}, header...)
	if rec.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if b := w.boot("Cookie", cookieOf(rec, "volenti"), "Sec-GPC", "1"); b.C[3] == '1' || b.C[2] != '1' {
		t.Errorf("the pages hear %q: marketing was granted before the signal, not against it", b.C)
	}
}

func TestCentreRefusesFormsOfOthers(t *testing.T) {
	w := centreWorld(t)
	_, cookie := w.decide("a", w.boot().T, all(true), nil)
	s := w.look("", "Cookie", cookie)
	_, other := w.decide("b", w.boot().T, all(true), nil)
	for name, tt := range map[string]struct {
		path   string
		fields url.Values
		header []string
	}{
		"from another website":     {"decide", url.Values{"action": {"withdraw"}}, []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site"}},
		"of another browser":       {"decide", url.Values{"action": {"withdraw"}}, []string{"Cookie", other}},
		"without the key":          {"decide", url.Values{"action": {"withdraw"}, "key": {""}}, []string{"Cookie", cookie}},
		"no button of ours":        {"decide", url.Values{"action": {"save"}}, []string{"Cookie", cookie}},
		"a vendor nobody has":      {"decide", url.Values{"without": {"nobody"}}, []string{"Cookie", cookie}},
		"two vendors":              {"decide", url.Values{"without": {"meta"}, "with": {"meta"}}, []string{"Cookie", cookie}},
		"accepting after deciding": {"decide", url.Values{"action": {"accept_all"}}, []string{"Cookie", cookie}},
		"a link from elsewhere":    {"link", nil, []string{"Cookie", cookie, "Origin", "https://evil.example", "Sec-Fetch-Site", ""}},
		"a link without a choice":  {"link", nil, nil},
		"keeping what is not held": {"held", url.Values{"action": {"keep"}}, []string{"Cookie", cookie}},
		"an action nobody knows":   {"held", url.Values{"action": {"perhaps"}}, []string{"Cookie", cookie}},
	} {
		if rec := w.press(tt.path, s, tt.fields, tt.header...); rec.Code != http.StatusTeapot || len(rec.Result().Cookies()) != 0 {
			t.Errorf("%s: %d %v", name, rec.Code, rec.Header())
		}
	}
}

var takeAddress = regexp.MustCompile(`https://consent\.shop\.example(/privacy/shop/take/[\w-]+)`)

// A link shows the choices to another browser, once; that one can withdraw them, and
// the first hears of it with its next page. It gets no decision of its own by that.
func TestLinkForAnotherDevice(t *testing.T) {
	w := centreWorld(t)
	receipt, cookie := w.decide("a", w.boot().T, all(true), nil)
	id := receipt["id"].(string)
	made := w.press("link", w.look("", "Cookie", cookie), nil, "Cookie", cookie)
	address := takeAddress.FindStringSubmatch(made.Body.String())
	if made.Code != http.StatusOK || address == nil || strings.Contains(made.Body.String(), id) {
		t.Fatalf("%d %s", made.Code, made.Body)
	}
	if !strings.Contains(made.Body.String(), "<svg") {
		t.Error("no picture to scan")
	}
	// Whatever looks at the link uses nothing up.
	var page seenCentre
	for range 3 {
		rec := w.get(address[1])
		if page = read(t, rec); rec.Header().Get("Set-Cookie") != "" || strings.Contains(page.body, id) {
			t.Fatal("looking at a link did something")
		}
	}
	taken := w.press("held", page, url.Values{"action": {"take"}})
	held := cookieOf(taken, "volenti-hold")
	if taken.Code != http.StatusSeeOther || held == "" || cookieOf(taken, "volenti") != "" || strings.Contains(held, id) {
		t.Fatalf("%d %v", taken.Code, taken.Header())
	}
	if c := taken.Result().Cookies()[0]; !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || !c.Secure || c.Path != "" || c.Domain != "" || c.MaxAge > 1800 {
		t.Errorf("the cookie %+v", c)
	}
	if again := read(t, w.press("held", page, url.Values{"action": {"take"}})); !strings.Contains(again.text, "This link has been used") {
		t.Errorf("a link opened twice: %s", again.text)
	}
	there := w.look("", "Cookie", held)
	if !strings.Contains(there.text, "These choices were made in another browser.") || !strings.Contains(there.text, id) {
		t.Fatalf("the other browser sees %s", there.text)
	}
	if b := w.boot("Cookie", held); b.C != "" {
		t.Errorf("pages in the other browser hear of a choice: %+v", b)
	}
	w.now = w.now.Add(time.Minute)
	gone := w.press("decide", there, url.Values{"action": {"withdraw"}}, "Cookie", held)
	if gone.Code != http.StatusSeeOther || cookieOf(gone, "volenti") != "" {
		t.Fatalf("withdrawing: %d %v", gone.Code, gone.Header())
	}
	if core := w.newest(id); core["action"] != "withdraw" || core["previous"] != id {
		t.Errorf("the record: %v", core)
	}
	if b := w.boot("Cookie", cookie); b.C != "1000.---" || b.A != w.now.Unix() || b.X != 0 {
		t.Errorf("the first browser hears %+v", b)
	}
	// Another node, or this one started again, knows it too.
	w.script.Cookies.Elsewhere = &visitor.Elsewhere{Kept: w.db, Script: w.script, Store: w.db}
	if err := w.script.Cookies.Elsewhere.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b := w.boot("Cookie", cookie); b.C != "1000.---" {
		t.Errorf("after a new start the first browser hears %+v", b)
	}
}

func TestLinkEndsAfterTenMinutes(t *testing.T) {
	w := centreWorld(t)
	_, cookie := w.decide("a", w.boot().T, all(true), nil)
	made := w.press("link", w.look("", "Cookie", cookie), nil, "Cookie", cookie)
	address := takeAddress.FindStringSubmatch(made.Body.String())
	page := read(t, w.get(address[1]))
	w.now = w.now.Add(10 * time.Minute)
	for name, rec := range map[string]*httptest.ResponseRecorder{"looked at": w.get(address[1]), "taken up": w.press("held", page, url.Values{"action": {"take"}}),
		"altered": w.get(address[1][:len(address[1])-2] + "xx")} {
		if s := read(t, rec); !strings.Contains(s.text, "This link has been used") || cookieOf(rec, "volenti-hold") != "" {
			t.Errorf("%s: %s", name, s.text)
		}
	}
}

// Whoever has a receipt finds it by number or file, can make its choice here on asking,
// and leave it.
func TestFindingByReceipt(t *testing.T) {
	w := centreWorld(t)
	receipt, _ := w.decide("a", w.boot().T, map[string]bool{"preferences": false, "analytics": true, "marketing": false}, nil)
	id := receipt["id"].(string)
	s := w.look("")
	for _, wrong := range []string{"", strings.Repeat("0", 32), "../" + id} {
		rec := w.press("held", s, url.Values{"action": {"find"}, "number": {wrong}})
		if cookieOf(rec, "volenti-hold") != "" || !strings.Contains(rec.Header().Get("Location"), "said=none") {
			t.Errorf("%q is found: %v", wrong, rec.Header())
		}
	}
	if held := cookieOf(w.press("held", s, url.Values{"action": {"find"}, "number": {" " + strings.ToUpper(id) + "\n"}}), "volenti-hold"); held == "" {
		t.Error("not found by its number")
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, values := range s.hidden {
		_ = form.WriteField(name, values[0])
	}
	_ = form.WriteField("action", "find")
	_ = form.WriteField("number", "")
	file, _ := form.CreateFormFile("file", "receipt.json")
	_ = json.NewEncoder(file).Encode(receipt)
	_ = form.Close()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, consentHost+"/privacy/shop/held", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Origin", consentHost)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	held := cookieOf(rec, "volenti-hold")
	if held == "" {
		t.Fatalf("not found by its file: %d %s", rec.Code, rec.Body)
	}
	there := w.look("", "Cookie", held)
	kept := w.press("held", there, url.Values{"action": {"keep"}}, "Cookie", held)
	own := cookieOf(kept, "volenti")
	if own == "" || cookieOf(kept, "volenti-hold") != "" {
		t.Fatalf("keeping: %d %v %s", kept.Code, kept.Header(), kept.Body)
	}
	if b := w.boot("Cookie", own); b.C != "1010.---" || b.I == id {
		t.Errorf("this browser's own decision is %+v", b)
	}
	left := w.press("held", there, url.Values{"action": {"leave"}}, "Cookie", held)
	if c := left.Result().Cookies(); len(c) != 1 || c[0].MaxAge >= 0 {
		t.Errorf("leaving: %v", c)
	}
}

func TestHistoryIsPaged(t *testing.T) {
	w := centreWorld(t)
	receipt, cookie := w.decide("0", w.boot().T, all(true), nil)
	previous := receipt["id"].(string)
	for i := range 9 {
		w.now = w.now.Add(time.Minute)
		receipt, cookie = w.post(map[string]any{"id": "n" + string(rune('0'+i)), "token": w.boot().T, "categories": all(i%2 == 1), "vendors": map[string]bool{}, "previous": previous,
			"action": "save", "surface": "settings", "at": w.now.UnixMilli(), "gpc": false, "dnt": false})
		previous = receipt["id"].(string)
	}
	count := func(s seenCentre) int { return strings.Count(s.text, "Chose one by one") }
	first := w.look("", "Cookie", cookie)
	at := slices.IndexFunc(first.links, func(l string) bool { return strings.Contains(l, "from=") })
	if count(first) != 8 || at < 0 {
		t.Fatalf("%d on the first page, links %v", count(first), first.links)
	}
	query := first.links[at][strings.Index(first.links[at], "?"):strings.Index(first.links[at], "#")]
	second := w.look(query, "Cookie", cookie)
	if count(second) != 2 || strings.Contains(second.text, " "+previous+" ") {
		t.Errorf("%d on the second page", count(second))
	}
	if w.look("?from=77777", "Cookie", cookie).text == "" {
		t.Error("a place that is none shows nothing")
	}
}
