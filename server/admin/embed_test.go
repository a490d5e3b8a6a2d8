package admin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/embedding"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
)

// The lines for a page name the server as the browser did: one that named no host is told
// so, and that is no fault of ours.
func TestEmbedUnderNoHost(t *testing.T) {
	w := newWorld(t, func(c *Console) {
		c.PublicURL = ""
		c.Insight.Lines = &embedding.Maker{}
	})
	publishBare(t, w, &notice.Notice{Schema: notice.Schema, Site: shop, Languages: []string{"en"}, Validity: 6, Controller: notice.Controller{Name: "Shop"}})
	owner := w.as(w.operator(operator.Owner))
	for host, want := range map[string]int{"consent.example.com": 200, "no host": 422, "": 422} {
		r := httptest.NewRequest(http.MethodGet, "/admin/sites/"+shop+"/embed", nil)
		r.Host = host
		for _, cookie := range owner.cookies {
			r.AddCookie(cookie)
		}
		got := httptest.NewRecorder()
		w.handler.ServeHTTP(got, r)
		if got.Code != want {
			t.Errorf("%q: %d, want %d: %s", host, got.Code, want, got.Body)
		}
	}
}

// A preview speaks a language of its notice, whatever an address asks for.
func TestPreviewSpeaksALanguageOfItsNotice(t *testing.T) {
	w := newWorld(t)
	publishBare(t, w, &notice.Notice{Schema: notice.Schema, Site: shop, Languages: []string{"en", "de"}, Validity: 6, Controller: notice.Controller{Name: "Shop"}})
	owner := w.as(w.operator(operator.Owner))
	owner.get("/admin/sites/"+shop+"/notice/preview?language=de").has(t, 200, `value="de" selected`, "<iframe")
	page := owner.get("/admin/sites/" + shop + "/notice/preview?language=" + strings.Repeat("A", 10_000))
	page.has(t, 200, "<iframe")
	if strings.Contains(page.body, "AAAA") {
		t.Error("the page repeats a language nobody speaks")
	}
}

func TestEmbedNeedsANotice(t *testing.T) {
	w := newWorld(t)
	owner := w.as(w.operator(operator.Owner))
	owner.get("/admin/sites/shop/embed").has(t, 200, "Publish a banner first")
	for _, test := range []struct{ origin, server, wrong string }{
		{"https://shop.example", "https://consent.shop.example", ""},
		{"https://shop.example", "https://consent.example", ""},
		{"https://shop.example", "http://consent.example", "certificate"},
		{"http://localhost:8080", "http://localhost:8080", ""},
	} {
		got := originsOf(&notice.Notice{Origins: []string{test.origin}}, test.server)[0]
		if (got.Wrong != "") != (test.wrong != "") || !strings.Contains(got.Wrong, test.wrong) {
			t.Errorf("%s by %s: %+v", test.origin, test.server, got)
		}
	}
	if got := w.stranger().get("/admin/sites/shop/embed"); got.code != http.StatusSeeOther {
		t.Errorf("a stranger gets %d", got.code)
	}
}
