package visitor_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/visitor"
)

const tagsPath = "/v1/sites/shop/tags/"

// tagged is a world whose notice has registered tags: two of analytics, one of
// marketing.
func tagged(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	table, err := regime.Load()
	if err != nil {
		t.Fatal(err)
	}
	cookies, err := visitor.NewCookies(bytes.Repeat([]byte("c"), 64))
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return w.now }
	tags := &visitor.Tags{Store: w.db, Script: &visitor.Script{Directory: w.directory, Laws: &visitor.Laws{Table: table}, Cookies: cookies, Now: clock,
		Archive: &visitor.Archive{Store: w.db, Notices: w.db, Versions: w.db},
		Locate: func(*http.Request) (geo.Region, geo.Source) {
			r, _ := geo.ParseRegion(w.region)
			return r, geo.FromHeader
		}}}
	w.echo.GET("/v1/sites/:site/tags/:file", tags.Get)
	w.more = `
[[tag]]
vendor = "count"
src = "https://count.example/c.js"
[[tag]]
vendor = "heat"
src = "https://heat.example/h.js"
[[tag]]
template = "Meta"
id = "1234567"
`
	w.publish("Accept", "count:analytics", "heat:analytics", "meta:marketing")
	return w
}

// loads says which of the registered tags an answer holds, or why none.
func (w *world) loads(path string, header ...string) string {
	w.t.Helper()
	rec := w.get(path, header...)
	if rec.Code != http.StatusOK {
		return strings.TrimSuffix(rec.Body.String(), " of this category is allowed")
	}
	if got, want := rec.Header().Get("Cache-Control"), "private, no-store"; got != want {
		w.t.Errorf("Cache-Control %q, want %q", got, want)
	}
	if !strings.Contains(rec.Header().Get("Vary"), "Cookie") || rec.Header().Get("Cross-Origin-Resource-Policy") != "cross-origin" ||
		!strings.HasPrefix(rec.Header().Get("Content-Type"), "text/javascript") {
		w.t.Errorf("headers %v", rec.Header())
	}
	var names []string
	for _, tag := range []string{"count.example", "heat.example", "fbevents.js"} {
		if strings.Contains(rec.Body.String(), tag) {
			names = append(names, strings.Split(tag, ".")[0])
		}
	}
	return strings.Join(names, " ")
}

const none = "nothing"

func TestTagsAreForThoseWhoAllowThem(t *testing.T) {
	w := tagged(t)
	yes, no := map[string]bool{"preferences": true, "analytics": true, "marketing": true}, map[string]bool{"preferences": false, "analytics": false, "marketing": false}
	decided := func(id string, categories, vendors map[string]bool) string {
		_, cookie := w.decide(id, w.boot().T, categories, vendors)
		return cookie
	}
	all, refused := decided("all", yes, nil), decided("refused", no, nil)
	partial := decided("partial", yes, map[string]bool{"heat": false})
	alone := decided("alone", no, map[string]bool{"heat": true})
	gpcCookie := func() string {
		_, cookie := w.post(map[string]any{"id": "gpc", "token": w.boot().T, "categories": yes, "vendors": map[string]bool{},
			"action": "accept_all", "surface": "banner", "at": w.now.UnixMilli(), "gpc": true, "dnt": false})
		return cookie
	}()
	forged := strings.Replace(all, "volenti=", "volenti=A", 1)
	for _, tt := range []struct {
		name, region, category string
		header                 []string
		want                   string
	}{
		{"nobody asked yet", "DE", "analytics", nil, none},
		{"nobody asked yet where tags run until objected", "US-TX", "analytics", nil, "count heat"},
		{"marketing there", "US-TX", "marketing", nil, "fbevents"},
		{"a signal there", "US-TX", "marketing", []string{"Sec-GPC", "1"}, none},
		{"a signal is about marketing", "US-TX", "analytics", []string{"Sec-GPC", "1"}, "count heat"},
		{"a signal of another value", "US-TX", "marketing", []string{"Sec-GPC", "true"}, "fbevents"},
		{"an unknown place", "", "analytics", nil, none},
		{"all", "DE", "analytics", []string{"Cookie", all}, "count heat"},
		{"all, marketing", "DE", "marketing", []string{"Cookie", all}, "fbevents"},
		{"all, and a signal that was not there", "DE", "marketing", []string{"Cookie", all, "Sec-GPC", "1"}, none},
		{"all, given under the signal", "DE", "marketing", []string{"Cookie", gpcCookie, "Sec-GPC", "1"}, "fbevents"},
		{"all, among other cookies", "DE", "analytics", []string{"Cookie", "a=b; " + all + "; c=d"}, "count heat"},
		{"a category without tags", "DE", "preferences", []string{"Cookie", all}, none},
		{"refused", "DE", "analytics", []string{"Cookie", refused}, none},
		{"refused where tags run until objected", "US-TX", "analytics", []string{"Cookie", refused}, none},
		{"one vendor refused", "DE", "analytics", []string{"Cookie", partial}, "count"},
		{"one vendor granted", "DE", "analytics", []string{"Cookie", alone}, "heat"},
		{"forged", "DE", "analytics", []string{"Cookie", forged}, none},
		{"forged where tags run until objected", "US-TX", "analytics", []string{"Cookie", forged}, none},
		{"cut off", "DE", "analytics", []string{"Cookie", all[:len(all)-4]}, none},
		{"forged beside a good one", "DE", "analytics", []string{"Cookie", forged + "; " + all}, "count heat"},
		{"the newest of two", "DE", "analytics", []string{"Cookie", all + "; " + partial}, "count heat"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.region = tt.region
			if got := w.loads(tagsPath+tt.category+".js", tt.header...); got != tt.want {
				t.Errorf("%s in %q: %q, want %q", tt.category, tt.region, got, tt.want)
			}
		})
	}
	w.region = "DE"
	for path, want := range map[string]string{
		"analytics.js?vendors=heat":            "heat",
		"analytics.js?vendors=heat,count":      "count heat",
		"analytics.js?vendors=meta":            none, // of another category
		"analytics.js?vendors=nobody":          none,
		"marketing.js?vendors=count,meta,heat": "fbevents",
	} {
		if got := w.loads(tagsPath+path, "Cookie", all); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := w.loads(tagsPath+"analytics.js?vendors=heat", "Cookie", partial); got != none {
		t.Errorf("a vendor that was refused, asked for by name: %q", got)
	}
}

func TestTagsOfNowhere(t *testing.T) {
	w := tagged(t)
	for path, want := range map[string]string{
		tagsPath + "fun.js":                     visitor.ErrUnknownCategory.Error(),
		tagsPath + "analytics":                  "Not Found",
		tagsPath + "analytics.js.js":            visitor.ErrUnknownCategory.Error(),
		"/v1/sites/nobody/tags/analytics.js":    site.ErrUnknown.Error(),
		tagsPath + "__proto__.js":               visitor.ErrUnknownCategory.Error(),
		tagsPath + "necessary.js":               visitor.ErrNotGranted.Error(),
		tagsPath + strings.Repeat("a", 4000):    "Not Found",
		tagsPath + "analytics.js?receipt=a'--x": visitor.ErrNotGranted.Error(),
	} {
		if rec := w.get(path); rec.Code != http.StatusTeapot || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%.60s: %d %q, want %q", path, rec.Code, rec.Body, want)
		}
	}
}

// A decision ends; and what a later notice adds is not granted by it.
func TestTagsFollowTimeAndNotice(t *testing.T) {
	w := tagged(t)
	_, cookie := w.decide("all", w.boot().T, map[string]bool{"preferences": true, "analytics": true, "marketing": true}, nil)
	path := tagsPath + "analytics.js"
	w.publish("Accept", "count:analytics", "heat:analytics", "meta:marketing", "chat:preferences")
	if got := w.loads(path, "Cookie", cookie); got != "count heat" {
		t.Errorf("a notice that asks more elsewhere: %q", got)
	}
	w.publish("Accept", "count:analytics", "meta:marketing", "heat:marketing")
	if got := w.loads(path, "Cookie", cookie); got != "count" {
		t.Errorf("a vendor that went to another category: %q", got)
	}
	if got := w.loads(tagsPath+"marketing.js", "Cookie", cookie); got != "fbevents" {
		t.Errorf("and came to one that was granted: %q", got)
	}
	w.now = w.now.AddDate(0, 0, 400)
	if got := w.loads(path, "Cookie", cookie); got != none {
		t.Errorf("after a year: %q", got)
	}
	w.region = "US-TX"
	if got := w.loads(path, "Cookie", cookie); got != none {
		t.Errorf("after a year, where tags run until objected: %q", got)
	}
}

func TestADecisionOfAnotherSiteIsNone(t *testing.T) {
	w := tagged(t)
	cookies, err := visitor.NewCookies(bytes.Repeat([]byte("c"), 64))
	if err != nil {
		t.Fatal(err)
	}
	notice := w.notice()
	mint := func(site string) string {
		value, err := cookies.Encode(visitor.Memory{Site: site, Receipt: "r", Notice: notice, Decided: w.now, Ends: w.now.AddDate(0, 6, 0), Choices: "1111.---"})
		if err != nil {
			t.Fatal(err)
		}
		return "volenti=" + value
	}
	if got := w.loads(tagsPath+"analytics.js", "Cookie", mint("shop")); got != "count heat" {
		t.Fatalf("this test mints no cookies: %q", got)
	}
	if got := w.loads(tagsPath+"analytics.js", "Cookie", mint("other")); got != none {
		t.Errorf("a sister site's: %q", got)
	}
	_, real := w.decide("no", w.boot().T, map[string]bool{"preferences": false, "analytics": false, "marketing": false}, nil)
	if got := w.loads(tagsPath+"analytics.js", "Cookie", mint("other")+"; "+real); got != none {
		t.Errorf("beside a refusal: %q", got)
	}
}

// Where the cookie can't come along, the receipt says what its browser decided
// last.
func TestTagsByReceipt(t *testing.T) {
	w := tagged(t)
	yes, no := map[string]bool{"preferences": true, "analytics": true, "marketing": true}, map[string]bool{"preferences": false, "analytics": false, "marketing": false}
	by := func(receipt any, header ...string) string {
		return w.loads(fmt.Sprintf("%sanalytics.js?receipt=%v", tagsPath, receipt), header...)
	}
	first, firstCookie := w.decide("first", w.boot().T, yes, nil)
	if got := by(first["id"]); got != "count heat" {
		t.Errorf("granted: %q", got)
	}
	if got := w.loads("/v1/sites/shop/tags/marketing.js?receipt="+first["id"].(string), "Sec-GPC", "1"); got != none {
		t.Errorf("and a signal: %q", got)
	}
	if got := by(strings.Repeat("0", 32)); got != none {
		t.Errorf("nobody's: %q", got)
	}
	w.region = "US-TX"
	if got := by(strings.Repeat("0", 32)); got != none {
		t.Errorf("nobody's, where tags run until objected: %q", got)
	}
	w.region = "DE"
	w.now = w.now.Add(time.Minute)
	w.decideAfter("second", w.boot().T, first["id"].(string), no)
	if got := by(first["id"]); got != none {
		t.Errorf("withdrawn since: %q", got)
	}
	if got := by(first["id"], "Cookie", firstCookie); got != none {
		t.Errorf("withdrawn since, by a cookie that is older: %q", got)
	}
	w.now = w.now.Add(time.Minute)
	third, _ := w.decide("third", w.boot().T, yes, map[string]bool{"count": false})
	if got := by(third["id"]); got != "heat" {
		t.Errorf("another browser: %q", got)
	}
	if got := by(third["id"], "Cookie", firstCookie); got != "heat" {
		t.Errorf("a cookie that is older: %q", got)
	}
	if err := w.db.AddSite(t.Context(), site.Site{Key: "other", Name: "Other", CreatedAt: w.now}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.Entry(t.Context(), "other", third["id"].(string)); err == nil || !strings.Contains(err.Error(), consent.ErrUnknownReceipt.Error()) {
		t.Errorf("a receipt is known to another site: %v", err)
	}
	w.now = w.now.AddDate(0, 0, 400)
	if got := by(third["id"]); got != none {
		t.Errorf("ended: %q", got)
	}
}

// notice is the digest of the notice in force, as cookies name it.
func (w *world) notice() string {
	w.t.Helper()
	live, err := w.directory.Live("shop")
	if err != nil {
		w.t.Fatal(err)
	}
	return live.Publication.Notice.Short()
}
