package visitor_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/visitor"
	"github.com/volenti-consent/volenti/web"
)

// One opt-out counts on every site of the server, as a signal; only a visitor of the
// page itself can make it or take it back.
func TestOptOutOnAllSites(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	pages, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	o := &visitor.OptOut{Web: pages, PublicURL: consentHost, HTTPS: true}
	w.echo.GET("/opt-out", o.Get)
	w.echo.POST("/opt-out", o.Post)
	post := func(action string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, consentHost+"/opt-out?lang=de", strings.NewReader("action="+action))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		rec := httptest.NewRecorder()
		w.echo.ServeHTTP(rec, r)
		return rec
	}
	for name, header := range map[string][]string{
		"from another site": {"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"},
		"from nowhere":      {},
	} {
		if rec := post("off", header...); rec.Code < 400 || rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", name, rec.Code, rec.Header())
		}
	}
	mine := []string{"Origin", consentHost, "Sec-Fetch-Site", "same-origin"}
	if rec := post("perhaps", mine...); rec.Code < 400 {
		t.Errorf("an action nobody knows: %d", rec.Code)
	}
	rec := post("on", mine...)
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "opt-out?lang=de" {
		t.Fatalf("opting out: %d %v", rec.Code, rec.Header())
	}
	set := rec.Result().Cookies()[0]
	if set.Value != "1" || !set.HttpOnly || !set.Secure || set.SameSite != http.SameSiteNoneMode || set.Partitioned || set.MaxAge < 390*24*3600 {
		t.Errorf("the cookie is %+v", set)
	}
	cookie := set.Name + "=" + set.Value
	if body := w.get("/opt-out", "Cookie", cookie, "Accept-Language", "de").Body.String(); !strings.Contains(body, "Sie haben in diesem Browser widersprochen") {
		t.Errorf("the page does not say so: %s", body)
	}
	w.region = "US-TX"
	if script := w.get("/b/shop.js", "Cookie", cookie).Body.String(); !strings.Contains(script, `,"o":1`) {
		t.Error("the script is not told")
	}
	if script := w.get("/b/shop.js", "Cookie", "volenti-optout=2").Body.String(); strings.Contains(script, `"o":1`) {
		t.Error("another value counts")
	}
	if rec := post("off", append(mine, "Cookie", cookie)...); rec.Result().Cookies()[0].MaxAge >= 0 {
		t.Error("taking it back leaves the cookie")
	}
}
