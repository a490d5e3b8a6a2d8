package visitor_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const newsOrigin = "https://news.example"

// toNews opts out and follows the way to the page of the site that has no address here:
// the pass that stands in that page's address, and the list.
func (w *world) toNews(j jar) (pass, list string) {
	w.t.Helper()
	list = consentHost + "/" + w.at(j, "POST", consentHost+"/opt-out", "action=on").Header().Get("Location")
	_, next := states(w.t, w.at(j, "GET", list, ""))
	for to := consentHost + next; ; {
		to = w.at(j, "GET", to, "").Header().Get("Location")
		if before, after, ok := strings.Cut(to, "#opt-out-volenti="); ok {
			if before != newsOrigin+"/" {
				w.t.Fatalf("it leads to %s", to)
			}
			return after, list
		}
		if to == "" {
			w.t.Fatal("the way ends before the news")
		}
	}
}

// brings posts what the gate of a page makes of a pass.
func (w *world) brings(site, origin, id, pass string, more ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	script := w.get("/b/" + site + ".js").Body.String()
	_, token, _ := strings.Cut(script, `"t":"`)
	token, _, _ = strings.Cut(token, `"`)
	body := `{"id":"` + id + `","token":"` + token + `","categories":{"marketing":false},"vendors":{},"action":"signal","surface":"signal","at":` +
		`1,"gpc":false,"dnt":false,"handover":"` + pass + `"` + strings.Join(more, "") + `}`
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, consentHost+"/v1/sites/"+site+"/decisions", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", origin)
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	return rec
}

// A site that has the script from a foreign host gets the opt-out in the address of its own
// page. What that records is one signal, once, and then the list says so.
func TestOptOutIsCarriedToAPage(t *testing.T) {
	w, j := everywhere(t), jar{}
	w.region = "US-TX"
	pass, list := w.toNews(j)
	if said, next := states(t, w.at(j, "GET", list, "")); said != "out out out todo" || next == "" {
		t.Errorf("before the page has answered: %q, next %q", said, next)
	}
	rec := w.brings("news", newsOrigin, "mine", pass)
	var receipt struct {
		Core struct {
			State      string            `json:"state"`
			Categories map[string]string `json:"categories"`
			Signals    struct {
				OptOut bool `json:"opt_out"`
			} `json:"signals"`
		} `json:"core"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &receipt); err != nil || rec.Code != http.StatusCreated {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if c := receipt.Core; c.State != "signal_applied" || !c.Signals.OptOut || c.Categories["marketing"] != "refused" || c.Categories["analytics"] != "not_asked" {
		t.Errorf("recorded: %+v", c)
	}
	if again := w.brings("news", newsOrigin, "mine", pass); again.Code != http.StatusCreated || again.Body.String() != rec.Body.String() {
		t.Errorf("the same page again: %d %s", again.Code, again.Body)
	}
	if other := w.brings("news", newsOrigin, "other", pass); other.Code == http.StatusCreated {
		t.Error("another browser used it, too")
	}
	back := w.at(jar{}, "GET", consentHost+"/opt-out/back/news/"+pass, "")
	if to := back.Header().Get("Location"); to != list {
		t.Errorf("back leads to %q, want %q", to, list)
	}
	if said, next := states(t, w.at(j, "GET", list, "")); said != "out out out out" || next != "" {
		t.Errorf("in the end: %q, next %q", said, next)
	}
}

// A pass is for one site's own pages, ends, takes away and never gives, and only says what
// a signal says.
func TestOptOutPagesOfNoUse(t *testing.T) {
	w, j := everywhere(t), jar{}
	w.region = "US-TX"
	pass, _ := w.toNews(j)
	for name, rec := range map[string]*httptest.ResponseRecorder{
		"at another site":      w.brings("blog", "https://www.blog.example", "a", pass),
		"at a stranger's page": w.brings("news", "https://evil.example", "a", pass),
		"altered":              w.brings("news", newsOrigin, "a", pass[:len(pass)-4]+"AAAA"),
		"made up":              w.brings("news", newsOrigin, "a", strings.Repeat("A", 120)),
		"as a withdrawal": w.at(jar{}, "POST", consentHost+"/v1/sites/news/decisions", strings.Replace(`{"id":"a","token":"x","categories":{"marketing":false},
			"vendors":{},"action":"withdraw","surface":"api","at":1,"gpc":false,"dnt":false,"handover":"P"}`, "P", pass, 1), "Origin", newsOrigin, "Content-Type", "application/json"),
	} {
		if rec.Code == http.StatusCreated {
			t.Errorf("%s: %s", name, rec.Body)
		}
	}
	if rec := w.brings("news", newsOrigin, "b", pass, `,"previous":"`+strings.Repeat("0", 32)+`"`); strings.Contains(rec.Body.String(), `"granted"`) {
		t.Errorf("it grants: %s", rec.Body)
	}
	pass, list := w.toNews(j)
	back := consentHost + "/opt-out/back/news/" + pass
	if rec := w.at(j, "GET", back, "", "Sec-Fetch-Dest", "iframe"); rec.Code != http.StatusTeapot {
		t.Errorf("in a frame: %d", rec.Code)
	}
	for _, to := range []string{strings.Replace(back, "/news/", "/blog/", 1), back[:len(back)-4] + "AAAA"} {
		if rec := w.at(j, "GET", to, ""); rec.Header().Get("Location") != "../../../opt-out" {
			t.Errorf("%s leads to %s", to, rec.Header().Get("Location"))
		}
	}
	// What was tried is tried again by a click, and only then.
	if to := w.at(j, "GET", back, "").Header().Get("Location"); to != list {
		t.Errorf("back leads to %q", to)
	}
	u, err := url.Parse(list)
	if err != nil {
		t.Fatal(err)
	}
	if to := w.at(j, "GET", consentHost+"/opt-out/next?"+u.RawQuery, "").Header().Get("Location"); !strings.HasPrefix(to, newsOrigin+"/#") {
		t.Errorf("another click leads to %q", to)
	}
	w.now = w.now.Add(10 * time.Minute)
	if rec := w.brings("news", newsOrigin, "c", pass); rec.Code == http.StatusCreated {
		t.Error("it outlasts its time")
	}
	if rec := w.at(j, "GET", back, ""); rec.Header().Get("Location") != "../../../opt-out" {
		t.Errorf("after its time back leads to %q", rec.Header().Get("Location"))
	}
}
