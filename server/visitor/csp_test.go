package visitor_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/catalogue"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/visitor"
)

const hosts = `
[blocking]
allow = ["cdn.friend.example"]
[[vendor]]
key = "stats"
name = "Stats"
category = "analytics"
country = "US"
hosts = ["stats.example/count", "stats-static.example"]
[[vendor]]
key = "ads"
name = "Ads"
category = "marketing"
country = "US"
hosts = ["ads.example"]
[[vendor]]
key = "pay"
name = "Pay"
category = "necessary"
country = "US"
hosts = ["pay.example"]
`

// edged is a world with a site whose vendors have addresses.
func edged(t *testing.T) *world {
	w := newWorld(t)
	w.more = hosts
	w.publish("Yes")
	known, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	w.echo.GET("/v1/sites/:site/csp", (&visitor.CSP{Script: w.script, Rules: func(n *notice.Notice) *notice.Rules { return notice.NewRules(n, known) }}).Get)
	return w
}

func (w *world) grants(header ...string) visitor.Grants {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "https://www.shop.example/lamps?receipt=1&region=US", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	g, err := w.script.Grants(r, "shop")
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

// What the server lets into a page is what the page itself would let load.
func TestGrantsAreThePagesOwnJudgement(t *testing.T) {
	w := edged(t)
	_, yes := w.decide("yes", w.boot().T, all(true), nil)
	_, no := w.decide("no", w.boot().T, all(false), nil)
	_, one := w.decide("one", w.boot().T, map[string]bool{"preferences": false, "analytics": false, "marketing": false}, map[string]bool{"ads": true})
	forged := yes[:len(yes)-3] + "AA="
	for _, tt := range []struct {
		name, region string
		header       []string
		stats, ads   bool
	}{
		{"nothing decided, opt-in", "DE", nil, false, false},
		{"nothing decided, opt-out", "US-TX", nil, true, true},
		{"with a signal", "US-TX", []string{"Sec-GPC", "1"}, true, false},
		{"nobody knows where", "", nil, false, false},
		{"yes", "DE", []string{"Cookie", yes}, true, true},
		{"yes, then a signal", "DE", []string{"Cookie", yes, "Sec-GPC", "1"}, true, false},
		{"no", "US-TX", []string{"Cookie", no}, false, false},
		{"one vendor", "DE", []string{"Cookie", one}, false, true},
		{"a forged yes", "DE", []string{"Cookie", forged}, false, false},
		{"a forged yes, opt-out", "US-TX", []string{"Cookie", forged}, false, false},
		{"a forged one beside a good one", "DE", []string{"Cookie", forged + "; " + yes}, true, true},
	} {
		w.region = tt.region
		g := w.grants(tt.header...)
		if got := g.Allows("analytics", "stats"); got != tt.stats {
			t.Errorf("%s: stats is %v (%s)", tt.name, got, g.Choices)
		}
		if got := g.Allows("marketing", "ads"); got != tt.ads {
			t.Errorf("%s: ads is %v (%s)", tt.name, got, g.Choices)
		}
		if g.Allows("marketing", "nobody") || g.Allows("nothing", "") || !g.Allows("necessary", "pay") {
			t.Errorf("%s: unknown names, or what is necessary: %s", tt.name, g.Choices)
		}
	}
	w.region = "DE"
	if a, b, c := w.grants().State(), w.grants("Cookie", no).State(), w.grants("Cookie", yes).State(); a != b || a == c || len(a) != 16 {
		t.Errorf("states %s %s %s", a, b, c)
	}
}

func TestPolicyAllowsWhoMayLoad(t *testing.T) {
	w := edged(t)
	_, yes := w.decide("yes", w.boot().T, all(true), nil)
	const always = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob: consent.shop.example https://www.shop.example shop.example *.shop.example cdn.friend.example *.cdn.friend.example"
	for _, tt := range []struct {
		name, path string
		header     []string
		code       int
		in, want   string
	}{
		{"nothing decided", "", nil, 204, "Content-Security-Policy", always + " pay.example *.pay.example"},
		{"yes", "", []string{"Cookie", yes}, 204, "Content-Security-Policy", always + " stats.example/count stats.example/count/ *.stats.example/count *.stats.example/count/ stats-static.example *.stats-static.example ads.example *.ads.example pay.example *.pay.example"},
		{"only told", "?report-only", nil, 204, "Content-Security-Policy-Report-Only", always + " pay.example *.pay.example"},
	} {
		rec := w.get("/v1/sites/shop/csp"+tt.path, tt.header...)
		if rec.Code != tt.code || rec.Header().Get(tt.in) != tt.want || rec.Body.Len() > 0 || rec.Header().Get("Cache-Control") != "private, no-store" {
			t.Errorf("%s: %d %v\nwant %s", tt.name, rec.Code, rec.Header(), tt.want)
		}
		var said struct{ Header, Policy string }
		rec = w.get("/v1/sites/shop/csp"+tt.path, append(slices.Clone(tt.header), "Accept", "application/json")...)
		if err := json.Unmarshal(rec.Body.Bytes(), &said); err != nil || said.Header != tt.in || said.Policy != tt.want {
			t.Errorf("%s, as JSON: %v %+v", tt.name, err, said)
		}
	}
	// Somebody who asks for somebody else, and is not trusted, tells no region.
	w.region = "US-TX"
	usual := w.script.Locate
	w.script.Locate = func(r *http.Request) (geo.Region, geo.Source) {
		if r.RemoteAddr == "" {
			return geo.Region{}, geo.FromNothing
		}
		return usual(r)
	}
	if got := w.get("/v1/sites/shop/csp").Header().Get("Content-Security-Policy"); !strings.Contains(got, "ads.example") {
		t.Errorf("in a region of opt-out: %s", got)
	}
	if got := w.get("/v1/sites/shop/csp", "X-Forwarded-For", "192.0.2.1").Header().Get("Content-Security-Policy"); strings.Contains(got, "ads.example") {
		t.Errorf("forwarded by nobody knows whom: %s", got)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example; script-src *"
	known, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	p := &visitor.CSP{Script: w.script, Rules: func(n *notice.Notice) *notice.Rules { return notice.NewRules(n, known) }}
	if text := p.Policy(r, w.grants()); strings.Contains(text, "evil") || strings.Contains(text, ";") {
		t.Errorf("a client wrote into its policy: %s", text)
	}
}
