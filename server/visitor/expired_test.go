package visitor_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// What vendors of these tests keep out of the page's sight.
const hidden = `
[[vendor]]
key = "counter"
name = "Counter"
category = "analytics"
[[vendor.stores]]
name = "__Host-count"
duration = "1 year"
http_only = true
purpose = "Counts."
[[vendor.stores]]
name = "cnt_*"
duration = "1 year"
http_only = true
purpose = "Counts."
[[vendor.stores]]
name = "seen"
duration = "1 year"
purpose = "Counts, in sight of the page."
[[vendor]]
key = "ads"
name = "Ads"
category = "marketing"
[[vendor.stores]]
name = "adv"
duration = "1 year"
http_only = true
purpose = "Advertises."
[[vendor.stores]]
name = "shared"
duration = "1 year"
http_only = true
purpose = "Advertises and counts."
[[vendor.stores]]
name = "theirs"
duration = "1 year"
http_only = true
foreign = true
purpose = "Advertises, on their own domain."
[[vendor]]
key = "measure"
name = "Measure"
category = "analytics"
[[vendor.stores]]
name = "shared"
duration = "1 year"
http_only = true
purpose = "Counts."
`

// expired posts a decision from a page and lists what the answer deletes, as
// "name domain path", without the second, partitioned one of each.
func (w *world) expired(host, page, cookies, referer string, categories map[string]bool) []string {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"id": fmt.Sprintf("%s-%d", "id", w.now.UnixNano()), "token": w.boot().T, "categories": categories, "vendors": map[string]bool{},
		"action": "save", "surface": "settings", "at": w.now.UnixMilli(), "gpc": false, "dnt": false})
	if err != nil {
		w.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, "https://"+host+"/v1/sites/shop/decisions", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", page)
	r.Header.Set("Cookie", cookies)
	r.Header.Set("Referer", referer)
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	if rec.Code != http.StatusCreated {
		w.t.Fatalf("decision: %d %s", rec.Code, rec.Body)
	}
	var all []string
	size := 0
	for _, line := range rec.Result().Header["Set-Cookie"] {
		size += len("Set-Cookie: \r\n") + len(line)
	}
	if size > 4<<10 {
		w.t.Errorf("%d bytes of Set-Cookie: a proxy would refuse the answer", size)
	}
	for _, c := range rec.Result().Cookies() {
		if c.Name == "volenti" {
			if c.MaxAge <= 0 {
				w.t.Error("the decision's own cookie is deleted")
			}
			continue
		}
		if c.MaxAge >= 0 || !c.Secure {
			w.t.Errorf("%s: %s, want it gone, and Secure, or a Secure one stays", c.Name, c.Raw)
		}
		if !c.Partitioned {
			all = append(all, strings.Join([]string{c.Name, c.Domain, c.Path}, " "))
		}
	}
	return all
}

func TestARefusalDeletesWhatNoScriptSees(t *testing.T) {
	const (
		sub   = "consent.shop.example" // another host than the page's
		same  = "www.shop.example"
		alien = "consent.other.example"
	)
	for name, test := range map[string]struct {
		host, cookies, referer string
		categories             map[string]bool
		want                   []string
	}{
		"everything is granted": {sub, "cnt_1=1; adv=1", "", all(true), nil},
		"from a sub-domain, the domain that both share": {sub, "cnt_1=1; cnt_2=1; other=1; volenti=x", "", all(false), []string{
			"cnt_1 shop.example /", "cnt_2 shop.example /", "__Host-count shop.example /", "adv shop.example /", "shared shop.example /"}},
		"what a vendor declares that may load stays": {sub, "", "", map[string]bool{"preferences": false, "analytics": true, "marketing": false}, []string{"adv shop.example /"}},
		"on the page's own host, that and all above": {same, "", "", map[string]bool{"preferences": true, "analytics": true, "marketing": false}, []string{
			"adv  /", "adv www.shop.example /", "adv shop.example /"}},
		"on the page's own path": {sub, "", origin + "/a/b?x", map[string]bool{"preferences": true, "analytics": true, "marketing": false}, []string{
			"adv shop.example /", "adv shop.example /a", "adv shop.example /a/", "adv shop.example /a/b"}},
		"not on a path of another origin":  {sub, "", "https://evil.example/a/b", map[string]bool{"preferences": true, "analytics": true, "marketing": false}, []string{"adv shop.example /"}},
		"a foreign server reaches nothing": {alien, "cnt_1=1", "", all(false), nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.more = hidden
			w.publish("Accept all")
			if got := w.expired(test.host, origin, test.cookies, test.referer, test.categories); !slices.Equal(got, test.want) {
				t.Errorf("deleted\n%q, want\n%q", got, test.want)
			}
		})
	}
}

// However much is declared, an answer fits through a proxy, and what is there
// goes first.
func TestDeletionHasItsLimit(t *testing.T) {
	w := newWorld(t)
	w.more = "\n[[vendor]]\nkey = \"many\"\nname = \"Many\"\ncategory = \"marketing\"\n"
	for i := range 150 {
		w.more += fmt.Sprintf("[[vendor.stores]]\nname = \"tracker_%03d\"\nduration = \"1 year\"\nhttp_only = true\npurpose = \"Advertises.\"\n", i)
	}
	w.publish("Accept all")
	got := w.expired("www.shop.example", origin, "tracker_149=1", "", all(false))
	if len(got) < 5 || got[0] != "tracker_149  /" {
		t.Errorf("deleted %q, want the one that is there before all others", got)
	}
}
