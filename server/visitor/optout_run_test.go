package visitor_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/volenti-consent/volenti/server/visitor"
	"github.com/volenti-consent/volenti/web"
)

// everywhere is a server of four sites: one shares a domain with it, two have an address
// of their own for it, one has none.
func everywhere(t *testing.T) *world {
	w := newWorld(t)
	w.publish("Accept all", "meta:marketing")
	w.another("blog", "https://www.blog.example")
	w.another("mall", "https://mall.example")
	w.another("news", "https://news.example")
	pages, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	w.decisions.OptOut = &visitor.OptOut{Web: pages, PublicURL: consentHost, HTTPS: true, Directory: w.directory, Now: func() time.Time { return w.now },
		Runs: w.db, Addresses: []string{"https://consent.blog.example", "https://mall.example/consent"},
		Passes: visitor.NewPasses(w.db, func() time.Time { return w.now }, bytes.Repeat([]byte("c"), 64))}
	o := w.decisions.OptOut
	w.echo.GET("/opt-out", o.Get)
	w.echo.POST("/opt-out", o.Post)
	w.echo.GET("/opt-out/next", o.Next)
	w.echo.GET("/opt-out/take/:pass", o.Take)
	w.echo.GET("/opt-out/back/:site/:pass", o.Back)
	return w
}

// at asks an address as a browser that keeps what each host sets apart.
type jar map[string]string

func (w *world) at(j jar, method, address, body string, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		w.t.Fatal(err)
	}
	u.Path = strings.TrimPrefix(u.Path, "/consent") // as the proxy there does
	r := httptest.NewRequestWithContext(w.t.Context(), method, u.String(), strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", u.Scheme+"://"+u.Host)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Referer", address)
	}
	r.Header.Set("Sec-Fetch-Dest", "document")
	if j[u.Host] != "" {
		r.Header.Set("Cookie", j[u.Host])
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		if c.Domain != "" || !c.HttpOnly || !c.Secure {
			w.t.Errorf("%s sets %+v", u.Host, c)
		}
		if j[u.Host] = c.Name + "=" + c.Value; c.MaxAge < 0 {
			delete(j, u.Host)
		}
	}
	return rec
}

// states is what the page says of each site.
func states(t testing.TB, rec *httptest.ResponseRecorder) (said, next string) {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(rec.Body.Bytes()))
	if err != nil || rec.Code != http.StatusOK {
		t.Fatalf("%d %v", rec.Code, err)
	}
	var all []string
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			switch {
			case a.Key == "data-state":
				all = append(all, a.Val)
			case a.Key == "href" && strings.HasPrefix(a.Val, "./opt-out/next"):
				next = a.Val[1:]
			}
		}
	}
	return strings.Join(all, " "), next
}

// One opt-out is made where the visitor is, is carried to every address, and comes back
// with what it came to at each site.
func TestOptOutGoesThroughAllAddresses(t *testing.T) {
	w, j := everywhere(t), jar{}
	home := consentHost + "/opt-out"
	if said, next := states(t, w.at(j, "GET", home, "")); said != "in   " || next != "" {
		t.Errorf("before anything: %q, next %q", said, next)
	}
	through := func(action string) (said string, hops []string) {
		t.Helper()
		rec := w.at(j, "POST", home, "action="+action)
		begun := rec.Header().Get("Location")
		rec = w.at(j, "GET", consentHost+"/"+begun, "")
		said, next := states(t, rec)
		hops = append(hops, said)
		if next == "" {
			return said, hops
		}
		rec = w.at(j, "GET", consentHost+next, "")
		for range 9 {
			to := rec.Header().Get("Location")
			if rec.Code != http.StatusSeeOther {
				t.Fatalf("%d %s", rec.Code, rec.Body)
			}
			u, _ := url.Parse(to)
			if hops = append(hops, u.Host); u.Host == "news.example" { // a page of its own, whose script is not there to answer
				to = home + "?" + strings.SplitN(begun, "?", 2)[1]
			}
			if rec = w.at(j, "GET", to, ""); rec.Code == http.StatusOK {
				if said, _ = states(t, rec); u.Host == "consent.shop.example" {
					hops = hops[:len(hops)-1]
				}
				return said, hops
			}
		}
		t.Fatal("it never comes back")
		return "", nil
	}
	said, hops := through("on")
	if strings.Join(hops, ", ") != "out todo todo todo, consent.blog.example, mall.example, news.example" || said != "out out out todo" {
		t.Errorf("opting out: %v, in the end %q", hops, said)
	}
	for _, host := range []string{"consent.shop.example", "consent.blog.example", "mall.example"} {
		if j[host] != "volenti-optout=1" {
			t.Errorf("%s keeps %q", host, j[host])
		}
	}
	if said, _ = through("on"); said != "already already already todo" {
		t.Errorf("once more: %q", said)
	}
	if said, _ = through("off"); said != "back back back " || len(j) != 0 {
		t.Errorf("taken back: %q, kept %v", said, j)
	}
}

// A pass is for one address, counts once, ends, and comes as a page.
func TestOptOutPassesOfNoUse(t *testing.T) {
	w, j := everywhere(t), jar{}
	start := func() (pass, run string) {
		t.Helper()
		rec := w.at(j, "POST", consentHost+"/opt-out", "action=on")
		run = rec.Header().Get("Location")
		_, next := states(t, w.at(j, "GET", consentHost+"/"+run, ""))
		return w.at(j, "GET", consentHost+next, "").Header().Get("Location"), run
	}
	for name, try := range map[string]func(pass string) *httptest.ResponseRecorder{
		"at another address": func(pass string) *httptest.ResponseRecorder {
			return w.at(j, "GET", strings.Replace(pass, "consent.blog.example", "mall.example", 1), "")
		},
		"at an address nobody named": func(pass string) *httptest.ResponseRecorder {
			return w.at(j, "GET", strings.Replace(pass, "consent.blog.example", "evil.example", 1), "")
		},
		"in a frame": func(pass string) *httptest.ResponseRecorder {
			return w.at(j, "GET", pass, "", "Sec-Fetch-Dest", "iframe")
		},
		"altered": func(pass string) *httptest.ResponseRecorder { return w.at(j, "GET", pass[:len(pass)-3]+"abc", "") },
		"too late": func(pass string) *httptest.ResponseRecorder {
			w.now = w.now.Add(2 * time.Minute)
			return w.at(j, "GET", pass, "")
		},
	} {
		pass, _ := start()
		if rec := try(pass); rec.Code != http.StatusTeapot || len(rec.Result().Cookies()) != 0 {
			t.Errorf("%s: %d %v", name, rec.Code, rec.Header())
		}
	}
	pass, run := start()
	if rec := w.at(j, "GET", pass, ""); rec.Code != http.StatusSeeOther || j["consent.blog.example"] == "" {
		t.Fatalf("its first time: %d", rec.Code)
	}
	delete(j, "consent.blog.example")
	if rec := w.at(j, "GET", pass, ""); len(rec.Result().Cookies()) != 0 {
		t.Error("its second time sets a cookie")
	}
	if said, _ := states(t, w.at(j, "GET", consentHost+"/"+run, "")); said != "out out todo todo" && said != "already out todo todo" {
		t.Errorf("what was done is undone by coming twice: %q", said)
	}
}
