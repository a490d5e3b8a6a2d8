package admin

import (
	"context"
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/web"
)

// withRequests gives a console what answers requests.
func withRequests(c *Console) {
	table, err := regime.Load()
	if err != nil {
		panic(err)
	}
	rights, err := request.LoadRights(table)
	if err != nil {
		panic(err)
	}
	seals, err := request.NewSeals(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	words, err := web.New()
	if err != nil {
		panic(err)
	}
	store := c.Operators.(request.Store)
	c.Insight.Table, c.Languages = table, words.Languages()
	c.Requests = &request.Service{Store: store, Sites: c.Sites, Rights: rights, Seals: seals, Records: c.Records, Erasures: c.Records.(request.Erasures), Words: words, Now: c.Now, Mails: true}
}

func (w *world) asked(site string, kind request.Kind, text string) request.Request {
	w.t.Helper()
	r, _, err := w.console.Requests.Receive(context.Background(), request.Intake{Site: site, Kind: kind, Language: "de", Region: "DE", Text: text, By: "visitor", Cookie: strings.Repeat("9", 32),
		Ruling: w.console.Insight.Table.For(regime.Visitor{Country: "DE"}, "", regime.Cautious, 20261121)})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// An operator of a site answers its requests; those of another are not there, by
// whatever address, and a webhook no more.
func TestRequestsOfOtherSitesAreNotThere(t *testing.T) {
	w := newWorld(t, withRequests)
	mine, theirs := w.asked(shop, request.Erasure, "mine"), w.asked(blog, request.Erasure, "canary of theirs")
	hook, _, err := w.console.Requests.AddHook(t.Context(), blog, "https://told.example/hook", nil, "op")
	if err != nil {
		t.Fatal(err)
	}
	legal := w.as(w.operator(operator.Legal, shop))
	base := "/admin/sites/shop/requests/"
	if a := legal.get(base + mine.ID); a.code != http.StatusOK || !strings.Contains(a.body, "mine") {
		t.Errorf("%d %s", a.code, a.body)
	}
	for what, a := range map[string]*answer{
		"read":                legal.get(base + theirs.ID),
		"fulfil":              legal.post(base+theirs.ID, url.Values{"action": {"fulfil"}}),
		"refuse":              legal.post(base+theirs.ID, url.Values{"action": {"refuse"}, "ground": {"excessive"}}),
		"answer":              legal.post(base+theirs.ID, url.Values{"action": {"answer"}, "answer": {"x"}}),
		"continue behind it":  legal.get("/admin/sites/shop/requests?after=" + theirs.ID),
		"test a webhook":      legal.post("/admin/sites/shop/request-settings", url.Values{"action": {"test"}, "hook": {hook.ID}}),
		"rotate its secret":   legal.post("/admin/sites/shop/request-settings", url.Values{"action": {"rotate"}, "hook": {hook.ID}}),
		"remove it":           legal.post("/admin/sites/shop/request-settings", url.Values{"action": {"remove"}, "hook": {hook.ID}}),
		"read on their pages": legal.get("/admin/sites/blog/requests/" + theirs.ID),
	} {
		if a.code == http.StatusOK || a.code == http.StatusSeeOther || strings.Contains(a.body, "canary") || strings.Contains(a.body, "whsec_") {
			t.Errorf("%s: %d %s", what, a.code, a.body)
		}
	}
	for _, path := range []string{"/admin/sites/shop/requests", "/admin/sites/shop/requests?state=all", "/admin/sites/shop/request-settings"} {
		if a := legal.get(path); a.code != http.StatusOK || strings.Contains(a.body, theirs.ID) || strings.Contains(a.body, "told.example") {
			t.Errorf("%s: %d %s", path, a.code, a.body)
		}
	}
	export := legal.post("/admin/sites/shop/requests/export", url.Values{"format": {"csv"}})
	if export.code != http.StatusOK || !strings.Contains(export.body, mine.ID) || strings.Contains(export.body, theirs.ID) {
		t.Errorf("%d %s", export.code, export.body)
	}
	after, err := w.db.Request(t.Context(), blog, theirs.ID)
	if err != nil || after.Seq != theirs.Seq || after.State != request.Open {
		t.Errorf("%+v, %v", after, err)
	}
	if still, err := w.db.Hook(t.Context(), blog, hook.ID); err != nil || still.Former != nil {
		t.Errorf("%+v, %v", still, err)
	}
}

// A request goes from the form to its end; what others may not do, the page does not
// offer them.
func TestARequestIsAnswered(t *testing.T) {
	w := newWorld(t, withRequests)
	owner := w.as(w.operator(operator.Owner))
	a := owner.post("/admin/sites/shop/requests", url.Values{"kind": {"restriction"}, "region": {"us-ca"}, "language": {"fr"}, "address": {"ada@visitors.example"}, "text": {"=HYPERLINK(1)"}})
	if a.code != http.StatusSeeOther {
		t.Fatalf("%d %s", a.code, a.body)
	}
	at := a.to()
	for name, tt := range map[string]struct{ field, value string }{"kind": {"kind", "everything"}, "address": {"address", "nobody"}, "receipt": {"receipt", "12"}, "region": {"region", "Germany"}, "text": {"text", strings.Repeat("x", 4001)}} {
		form := url.Values{"kind": {"access"}}
		form.Set(tt.field, tt.value)
		if a := owner.post("/admin/sites/shop/requests", form); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, "wrong-"+name) && name != "kind" {
			t.Errorf("%s: %d", name, a.code)
		}
	}
	page := owner.get(at)
	for _, want := range []string{"ada@visitors.example", "California", "Refuse, and tell the visitor", "La demande est complexe.", "lang=\"fr\""} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	auditor := w.as(w.operator(operator.Auditor))
	if a := auditor.get(at); a.code != http.StatusOK || strings.Contains(a.body, "Fulfil the request") || strings.Contains(a.body, `value="answer"`) {
		t.Errorf("an auditor is offered what he may not do: %d", a.code)
	}
	if a := owner.post(at, url.Values{"action": {"extend"}, "ground": {"excessive"}}); a.code != http.StatusUnprocessableEntity {
		t.Errorf("extended on no ground: %d", a.code)
	}
	if a := owner.post(at, url.Values{"action": {"extend"}, "ground": {"complex"}, "why": {"Beaucoup."}}); a.code != http.StatusSeeOther {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := owner.post(at, url.Values{"action": {"fulfil"}, "text": {"Voilà."}, "elsewhere": {"1"}}); a.code != http.StatusSeeOther {
		t.Errorf("%d %s", a.code, a.body)
	}
	page = owner.get(at)
	for _, want := range []string{"fulfilled", "Voilà.", "holds nothing that belongs to you", "did the same in its other systems"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page.body, "Fulfil the request") {
		t.Error("what is closed can be fulfilled")
	}
	acts := strings.Join(w.acts(), "\n")
	id := at[strings.LastIndex(at, "/")+1:]
	for _, want := range []string{"request.received " + id, "request.extended " + id, "request.fulfilled " + id} {
		if !strings.Contains(acts, want) {
			t.Errorf("%q is not in the log:\n%s", want, acts)
		}
	}
	export := owner.post("/admin/sites/shop/requests/export", url.Values{"format": {"csv"}})
	rows, err := csv.NewReader(strings.NewReader(export.body)).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][0] != id || strings.Contains(export.body, "ada@") || strings.Contains(export.body, "HYPERLINK") {
		t.Errorf("%v, %v", rows, err)
	}
}

// The home page says what is late, to those who may read it.
func TestHomeSaysWhatIsLate(t *testing.T) {
	w := newWorld(t, withRequests)
	w.asked(shop, request.Access, "")
	who := w.operator(operator.Legal, shop)
	for days, want := range map[int]string{1: "1 request is open.", 25: "1 request is due within a week.", 40: "1 request is overdue."} {
		w.mu.Lock()
		w.now = noon.AddDate(0, 0, days)
		w.mu.Unlock()
		if a := w.as(who).get("/admin"); !strings.Contains(a.body, want) {
			t.Errorf("after %d days: %q is not said", days, want)
		}
		if a := w.as(w.operator(operator.Marketing, shop)).get("/admin"); strings.Contains(a.body, want) {
			t.Errorf("after %d days it is said to marketing", days)
		}
	}
	w.mu.Lock()
	w.now = noon.AddDate(0, 0, 40)
	w.mu.Unlock()
	if a := w.as(w.operator(operator.Owner)).get("/admin/sites/shop/requests?state=overdue"); !strings.Contains(a.body, "days late") {
		t.Error("the queue does not say how late")
	}
}

// Settings are kept, mistakes are said, and a secret is shown once.
func TestRequestSettings(t *testing.T) {
	w := newWorld(t, withRequests)
	owner, at := w.as(w.operator(operator.Owner)), "/admin/sites/shop/request-settings"
	for _, form := range []url.Values{{"action": {"settings"}, "promise": {"soon"}, "keep": {"30"}}, {"action": {"settings"}, "promise": {"0"}, "keep": {"30"}}, {"action": {"settings"}, "keep": {""}}, {"action": {"add"}, "url": {"javascript:alert(1)"}}} {
		if a := owner.post(at, form); a.code != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", form, a.code)
		}
	}
	if a := owner.post(at, url.Values{"action": {"settings"}, "promise": {"30"}, "keep": {"90"}}); a.code != http.StatusSeeOther {
		t.Errorf("%d %s", a.code, a.body)
	}
	if s, err := w.db.Settings(t.Context(), shop); err != nil || s.Promise != 30 || s.Keep != 90 {
		t.Errorf("%+v, %v", s, err)
	}
	added := owner.post(at, url.Values{"action": {"add"}, "url": {"https://told.example/hook"}, "event": {"request.received", "no.such"}})
	if added.code != http.StatusOK || !strings.Contains(added.body, "whsec_") {
		t.Fatalf("%d %s", added.code, added.body)
	}
	if a := owner.get(at); strings.Contains(a.body, "whsec_") || !strings.Contains(a.body, "told.example") {
		t.Error("the secret is shown again")
	}
	hooks, err := w.db.Hooks(t.Context(), shop)
	if err != nil || len(hooks) != 1 || len(hooks[0].Events) != 1 || strings.Contains(string(hooks[0].Secret), "whsec_") {
		t.Errorf("%+v, %v", hooks, err)
	}
}
