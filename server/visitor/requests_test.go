package visitor_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/server/visitor"
	"github.com/volenti-consent/volenti/web"
)

// requests adds the pages of requests to the world; each may be made so often.
func (w *world) requests(each int) *request.Service {
	w.t.Helper()
	table, err := regime.Load()
	if err != nil {
		w.t.Fatal(err)
	}
	rights, err := request.LoadRights(table)
	if err != nil {
		w.t.Fatal(err)
	}
	seals, err := request.NewSeals(make([]byte, 32))
	if err != nil {
		w.t.Fatal(err)
	}
	pages, err := web.New()
	if err != nil {
		w.t.Fatal(err)
	}
	clock := func() time.Time { return w.now }
	service := &request.Service{Store: w.db, Sites: w.db, Rights: rights, Seals: seals, Records: w.db, Erasures: w.db, Switch: w.decisions, Words: pages, Now: clock, Mails: true}
	if w.rights == nil {
		w.rights = &visitor.Requests{}
	}
	q := w.rights
	*q = visitor.Requests{Passes: w.passes(), Choices: &visitor.ChoicesPage{Script: w.script, Decisions: w.decisions, Store: w.db, Web: pages}, Service: service, Web: pages,
		Limit: &request.Limiter{Now: clock, Each: each, Whole: 1000}, Letters: &request.Limiter{Now: clock, Each: 3, Whole: 1000}, Address: func(r *http.Request) string { return r.RemoteAddr }}
	const base = "/privacy/:site/requests"
	w.echo.GET(base, q.Get)
	w.echo.POST(base, q.Post)
	w.echo.GET(base+"/:id", q.One)
	w.echo.POST(base+"/:id", q.Change)
	w.echo.GET(base+"/:id/data", q.Data)
	w.echo.GET(base+"/:id/confirm", q.Confirming)
	w.echo.POST(base+"/:id/confirm", q.Confirm)
	return service
}

var formField = regexp.MustCompile(`name="form" value="([^"]+)"`)

// submit sends the form of a page as a browser would.
func (w *world) submit(page, to string, fields url.Values, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	form := url.Values{"lang": {"en"}}
	if page != "" {
		found := formField.FindStringSubmatch(w.get(page, header...).Body.String())
		if found == nil {
			w.t.Fatalf("no form at %s: %s", page, w.get(page, header...).Body)
		}
		form.Set("form", found[1])
	}
	for name, values := range fields {
		form[name] = values
	}
	return w.sendForm(to, form, append([]string{"Origin", consentHost, "Sec-Fetch-Site", "same-origin"}, header...)...)
}

func (w *world) sendForm(to string, form url.Values, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, consentHost+to, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	return rec
}

const requestsPage = "/privacy/shop/requests"

// made is the path of the request that a submission made, with its key.
func made(t *testing.T, rec *httptest.ResponseRecorder) (path, key string) {
	t.Helper()
	u, err := url.Parse(rec.Header().Get("Location"))
	if rec.Code != http.StatusSeeOther || err != nil {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return "/privacy/shop/" + strings.TrimPrefix(u.Path, "./"), u.Query().Get("key")
}

// Whoever has the cookie or the key sees a request; nobody else can tell that there is
// one: not another visitor, not on another site, not with another's key.
func TestWhoSeesARequest(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics")
	w.another("blog", "https://blog.example")
	service := w.requests(100)
	_, cookie := w.decide("a", w.boot().T, all(true), nil)
	_, other := w.decide("b", w.boot().T, all(true), nil)
	path, key := made(t, w.submit(requestsPage, requestsPage, url.Values{"kind": {"erasure"}, "text": {"<b>x</b>"}}, "Cookie", cookie))
	second, key2 := made(t, w.submit(requestsPage, requestsPage, url.Values{"kind": {"copy"}}, "Cookie", other))
	for what, tt := range map[string]struct {
		address string
		header  []string
		sees    bool
	}{
		"the key":                 {path + "?key=" + key, nil, true},
		"the cookie":              {path, []string{"Cookie", cookie}, true},
		"nothing":                 {path, nil, false},
		"another's cookie":        {path, []string{"Cookie", other}, false},
		"another request's key":   {path + "?key=" + key2, nil, false},
		"the key to confirm":      {path + "?key=" + service.Seals.Key(request.ToConfirm, path[strings.LastIndex(path, "/")+1:]), nil, false},
		"an empty key":            {path + "?key=", nil, false},
		"on another site":         {strings.Replace(path, "shop", "blog", 1) + "?key=" + key, []string{"Cookie", cookie}, false},
		"one that never was":      {requestsPage + "/0123456789abcdef?key=" + key, nil, false},
		"what is not handed over": {path + "/data?key=" + key, nil, false},
	} {
		rec := w.get(tt.address, tt.header...)
		if sees := rec.Code == http.StatusOK; sees != tt.sees || (sees && !strings.Contains(rec.Body.String(), "&lt;b&gt;x&lt;/b&gt;")) {
			t.Errorf("%s: %d %s", what, rec.Code, rec.Body)
		}
		if rec.Code == http.StatusOK && (rec.Header().Get("Cache-Control") != "private, no-store" || rec.Header().Get("Referrer-Policy") != "same-origin" || rec.Header().Get("Set-Cookie") != "") {
			t.Errorf("%s: %v", what, rec.Header())
		}
	}
	if list := w.get(requestsPage, "Cookie", other).Body.String(); strings.Contains(list, path[strings.LastIndex(path, "/")+1:]) || !strings.Contains(list, second[strings.LastIndex(second, "/")+1:]) {
		t.Error("a visitor's list is not his own")
	}
	// Nor can anybody else do anything with it.
	for what, header := range map[string][]string{"nobody": nil, "another": {"Cookie", other}} {
		if rec := w.submit("", path, url.Values{"action": {"take_back"}}, header...); rec.Code == http.StatusSeeOther {
			t.Errorf("%s took it back", what)
		}
	}
	// Erased, the browser still finds what it asked.
	r, err := w.db.Request(t.Context(), "shop", path[strings.LastIndex(path, "/")+1:])
	if err != nil {
		t.Fatal(err)
	}
	receipt := r.Receipts[0]
	if _, _, err := service.Fulfil(t.Context(), r, request.Fulfilment{By: "op", How: consent.Shredded}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.Entry(t.Context(), "shop", receipt); err == nil {
		t.Error("the record is still there")
	}
	if rec := w.get(path, "Cookie", cookie); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "Deleted from this server") {
		t.Errorf("after erasure: %d %s", rec.Code, rec.Body)
	}
}

// A browser that entered a receipt in the privacy centre sees that receipt's requests
// there, and opens each; its own decision and a mailbox's request are another matter.
func TestWhoeverHoldsAReceiptOpensItsRequests(t *testing.T) {
	w := newWorld(t)
	w.rights = &visitor.Requests{}
	w.pages()
	w.publish("Accept all", "ga4:analytics")
	service := w.requests(100)
	receipt, cookie := w.decide("a", w.boot().T, all(true), nil)
	_, own := w.decide("b", w.boot().T, all(true), nil)
	path, _ := made(t, w.submit(requestsPage, requestsPage, url.Values{"kind": {"access"}}, "Cookie", cookie))
	id := path[strings.LastIndex(path, "/")+1:]
	if rec := w.submit(requestsPage, requestsPage, url.Values{"kind": {"copy"}, "address": {"ada@visitors.example"}, "receipt": {receipt["id"].(string)}}); rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	pending, err := w.db.Requests(t.Context(), request.Query{Site: "shop", States: []request.State{request.Pending}})
	if err != nil || len(pending) != 1 {
		t.Fatalf("%v, %v", pending, err)
	}
	mailed := pending[0].ID
	if _, _, err := service.Confirm(t.Context(), "shop", mailed, service.Seals.Key(request.ToConfirm, mailed)); err != nil {
		t.Fatal(err)
	}

	hold := cookieOf(w.press("held", w.look("", "Cookie", own), url.Values{"action": {"find"}, "number": {receipt["id"].(string)}}, "Cookie", own), "volenti-hold")
	both := own + "; " + hold
	for what, list := range map[string]string{"the centre": w.look("", "Cookie", both).body, "the form": w.get(requestsPage, "Cookie", both).Body.String()} {
		if !strings.Contains(list, "requests/"+id) || strings.Contains(list, mailed) {
			t.Errorf("%s lists %s", what, list)
		}
	}
	page := w.get(path+"?lang=de", "Cookie", both)
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), `href="../../../privacy/shop?lang=de"`) {
		t.Errorf("%d %s", page.Code, page.Body)
	}
	for what, header := range map[string]string{"without the receipt": own, "with a pass of nobody": own + "; volenti-hold=x", "with nothing": ""} {
		if rec := w.get(path, "Cookie", header); rec.Code == http.StatusOK {
			t.Errorf("%s it opens", what)
		}
	}
	if rec := w.get(requestsPage+"/"+mailed, "Cookie", both); rec.Code == http.StatusOK {
		t.Error("a mailbox's request opens")
	}

	// What is asked from there is asked about the receipt, and nothing is switched off in
	// a browser that it was not given to.
	asked := w.submit(requestsPage, requestsPage, url.Values{"kind": {"objection"}, "receipt": {receipt["id"].(string)}}, "Cookie", both)
	objection, _ := made(t, asked)
	r, err := w.db.Request(t.Context(), "shop", objection[strings.LastIndex(objection, "/")+1:])
	if err != nil || r.Identity != request.ByReceipt || !r.Holds(receipt["id"].(string)) || len(r.Receipts) != 1 || cookieOf(asked, "volenti") != "" {
		t.Errorf("%+v, %v, %v", r, err, asked.Header())
	}
	if rec := w.submit(path, path, url.Values{"action": {"take_back"}}, "Cookie", both); rec.Code != http.StatusSeeOther {
		t.Errorf("take back: %d %s", rec.Code, rec.Body)
	}
	w.now = w.now.Add(31 * time.Minute)
	if rec := w.get(path, "Cookie", both); rec.Code == http.StatusOK {
		t.Error("it opens after the half hour")
	}
}

// Restriction keeps records from being read, not from being erased: the list says how
// many went, also where nothing else is held.
func TestErasureByRequestReachesRestrictedRecords(t *testing.T) {
	for name, tt := range map[string]struct {
		how  consent.Erasure
		both bool // are restricted; else the one whose receipt is held
	}{"as the site says": {"", true}, "shredded": {consent.Shredded, true}, "with one beside": {"", false}, "with one beside, shredded": {consent.Shredded, false}} {
		w := newWorld(t)
		w.publish("Accept all", "ga4:analytics")
		service := w.requests(100)
		first, cookie := w.decide("a", w.boot().T, all(false), nil)
		second, cookie := w.post(map[string]any{"id": "b", "token": w.boot().T, "previous": first["id"], "categories": all(false), "vendors": map[string]bool{},
			"action": "save", "surface": "settings", "at": w.now.UnixMilli(), "gpc": false, "dnt": false}, cookie)
		restrict := func(ids ...string) {
			if _, err := w.db.Restrict(t.Context(), "shop", ids, consent.GroundContested, w.now); err != nil {
				t.Fatal(err)
			}
		}
		restrict(second["id"].(string))
		if tt.both {
			restrict(first["id"].(string))
		}
		path, _ := made(t, w.submit(requestsPage, requestsPage, url.Values{"kind": {"erasure"}}, "Cookie", cookie))
		r, err := w.db.Request(t.Context(), "shop", path[strings.LastIndex(path, "/")+1:])
		if err != nil {
			t.Fatal(err)
		}
		r, done, err := service.Fulfil(t.Context(), r, request.Fulfilment{By: "op", How: tt.how})
		if err != nil || r.State != request.Fulfilled || done[0] != (request.Done{What: request.DoneErased, Count: 2}) {
			t.Errorf("%s: %+v, %v", name, done, err)
		}
		if left, err := w.db.Restrictions(t.Context(), "shop"); err != nil || len(left) != 0 {
			t.Errorf("%s: still there %v, %v", name, left, err)
		}
		for _, r := range []map[string]any{first, second} {
			if _, err := w.db.Entry(t.Context(), "shop", r["id"].(string)); !errors.Is(err, consent.ErrUnknownReceipt) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if page := w.get(path, "Cookie", cookie).Body.String(); !strings.Contains(page, "records of your choices: 2.") {
			t.Errorf("%s: %s", name, page)
		}
	}
}

// Forms count from pages of ours, for this browser and this purpose, as it was when the
// page was served.
func TestRequestsOfOthersPagesAreRefused(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics")
	w.another("blog", "https://blog.example")
	w.requests(100)
	_, cookie := w.decide("a", w.boot().T, all(true), nil)
	key := formField.FindStringSubmatch(w.get(requestsPage, "Cookie", cookie).Body.String())[1]
	form := url.Values{"kind": {"erasure"}, "form": {key}}
	good := []string{"Origin", consentHost, "Sec-Fetch-Site", "same-origin", "Cookie", cookie}
	for what, tt := range map[string]struct {
		to     string
		form   url.Values
		header []string
	}{
		"another site's page":  {requestsPage, form, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site", "Cookie", cookie}},
		"the website's own":    {requestsPage, form, []string{"Origin", origin, "Sec-Fetch-Site", "same-site", "Cookie", cookie}},
		"no origin":            {requestsPage, form, []string{"Cookie", cookie}},
		"no key":               {requestsPage, url.Values{"kind": {"erasure"}}, good},
		"a key of another":     {requestsPage, url.Values{"kind": {"erasure"}, "form": formField.FindStringSubmatch(w.get(requestsPage).Body.String())[1:]}, good},
		"a key of its own use": {requestsPage + "/0123456789abcdef/confirm", form, good},
		"on another site":      {"/privacy/blog/requests", form, good},
		"as something else":    {requestsPage, form, append([]string{"Content-Type", "text/plain"}, good...)},
		"too large":            {requestsPage, url.Values{"kind": {"erasure"}, "form": {key}, "text": {strings.Repeat("x", 70<<10)}}, good},
	} {
		if rec := w.sendForm(tt.to, tt.form, tt.header...); rec.Code != http.StatusTeapot {
			t.Errorf("%s: %d %s", what, rec.Code, rec.Header())
		}
	}
	if rec := w.sendForm(requestsPage, form, good...); rec.Code != http.StatusSeeOther {
		t.Errorf("the page's own form: %d %s", rec.Code, rec.Body)
	}
}

// Nothing that is answered depends on what is held of whoever asks.
func TestRequestsTellNothing(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics")
	service := w.requests(100)
	receipt, _ := w.decide("a", w.boot().T, all(true), nil)
	answer := func(fields url.Values) (int, string) {
		rec := w.submit(requestsPage, requestsPage, fields)
		if rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("a cookie is set: %v", rec.Header())
		}
		return rec.Code, regexp.MustCompile(`[0-9a-f]{16}|key=[\w%-]+|value="[^"]*"`).ReplaceAllString(rec.Header().Get("Location")+rec.Body.String(), "")
	}
	known, unknown := receipt["id"].(string), strings.Repeat("9", 32)
	for _, field := range []struct{ name, a, b string }{{"receipt", known, unknown}, {"address", "ada@visitors.example", "nobody@visitors.example"}} {
		codeA, a := answer(url.Values{"kind": {"access"}, field.name: {field.a}})
		codeB, b := answer(url.Values{"kind": {"access"}, field.name: {field.b}})
		if codeA != codeB || a != b {
			t.Errorf("%s: %d and %d\n%s\n%s", field.name, codeA, codeB, a, b)
		}
	}
	// What is wrong is said in the visitor's language, and what was typed stays.
	rec := w.submit(requestsPage, requestsPage, url.Values{"kind": {"access"}, "address": {`"><script>alert(1)</script>`}, "text": {"</textarea><script>"}, "lang": {"de"}})
	if rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "Das ist keine E-Mail-Adresse.") || strings.Contains(rec.Body.String(), "<script>") || !strings.Contains(rec.Body.String(), "&lt;/textarea&gt;") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	all, err := w.db.Requests(t.Context(), request.Query{Site: "shop"})
	if err != nil || len(all) != 4 {
		t.Fatalf("%d requests, %v", len(all), err)
	}
	for _, r := range all {
		if held, err := service.Holdings(t.Context(), r); err != nil || len(held) > 0 != r.Holds(known) {
			t.Errorf("%v: %d held, %v", r.Receipts, len(held), err)
		}
	}
}

// Nobody has a stranger's mailbox filled, and nobody learns from that whom it was tried
// with.
func TestMailboxesAreSpared(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics")
	w.requests(100)
	for i := range 5 {
		rec := w.submit(requestsPage, requestsPage, url.Values{"kind": {"access"}, "address": {"Ada@visitors.example"}})
		if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "on its way") {
			t.Errorf("number %d: %d %s", i+1, rec.Code, rec.Body)
		}
	}
	if mails, err := w.db.Mails(t.Context(), w.now, 10); err != nil || len(mails) != 3 {
		t.Errorf("%d mails, %v", len(mails), err)
	}
}

func TestRequestsAreLimited(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics")
	w.requests(2)
	for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusTeapot} {
		if rec := w.submit(requestsPage, requestsPage, url.Values{"kind": {"access"}, "address": {"ada@visitors.example"}}); rec.Code != want {
			t.Errorf("number %d: %d", i+1, rec.Code)
		}
	}
}

// An opt-out counts at once in the browser it comes from: the cookie, a record, and
// nothing that was not asked for.
func TestOptOutByRequestCountsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	w.requests(100)
	receipt, cookie := w.decide("a", w.boot().T, map[string]bool{"preferences": false, "analytics": true, "marketing": true}, nil)
	rec := w.submit(requestsPage, requestsPage, url.Values{"kind": {"objection"}}, "Cookie", cookie)
	path, key := made(t, rec)
	set := rec.Result().Cookies()
	if len(set) == 0 || set[0].Name != "volenti" {
		t.Fatalf("no cookie: %v", set)
	}
	b := w.boot("Cookie", "volenti="+set[0].Value)
	if b.C != "1010.--" || b.I == receipt["id"] {
		t.Errorf("the browser remembers %+v", b)
	}
	e, err := w.db.Entry(t.Context(), "shop", b.I)
	if err != nil {
		t.Fatal(err)
	}
	c, err := consent.ParseCore(e.Core)
	if err != nil || c.Categories["marketing"] != consent.Refused || c.Categories["analytics"] != consent.Granted || c.Previous != receipt["id"] {
		t.Errorf("%+v, %v", c, err)
	}
	if page := w.get(path+"?key="+key, "Cookie", "volenti="+set[0].Value); !strings.Contains(page.Body.String(), "switched off in this browser at once") {
		t.Errorf("%d %s", page.Code, page.Body)
	}
	// The one who has refused it before gets no second record.
	again := w.submit(requestsPage, requestsPage, url.Values{"kind": {"objection"}}, "Cookie", "volenti="+set[0].Value)
	if _, key := made(t, again); key == "" || len(again.Result().Cookies()) != 0 {
		t.Errorf("%v", again.Result().Cookies())
	}
}
