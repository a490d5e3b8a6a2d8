package visitor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/net/html"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/web"
)

// shelf keeps the versions of one policy of one site, oldest first.
type shelf struct {
	policyversions.WorkStore // none
	policyversions.Chain     // none
	site                     site.Site
	policy                   string
	versions                 []policyversions.Version
}

func (s *shelf) Site(_ context.Context, key string) (site.Site, error) {
	if key != s.site.Key {
		return site.Site{}, site.ErrUnknown
	}
	return s.site, nil
}

func (s *shelf) AddSite(context.Context, site.Site) error { return site.ErrExists }

func (s *shelf) Sites(context.Context) ([]site.Site, error) { return []site.Site{s.site}, nil }

func (s *shelf) AddVersion(_ context.Context, v policyversions.Version) (policyversions.Version, error) {
	v.Number = len(s.versions) + 1
	s.versions = append(s.versions, v)
	return v, nil
}

func (s *shelf) AddVersionOf(ctx context.Context, v policyversions.Version, _ policyversions.Work) (policyversions.Version, error) {
	return s.AddVersion(ctx, v)
}

func (*shelf) SetSecondPair(context.Context, string, bool) error { return site.ErrUnknown }

func (s *shelf) Policies(_ context.Context, siteKey string) ([]string, error) {
	if siteKey != s.site.Key || len(s.versions) == 0 {
		return nil, nil
	}
	return []string{s.policy}, nil
}

func (s *shelf) Versions(_ context.Context, siteKey, policy string) ([]policyversions.Version, error) {
	if siteKey != s.site.Key || policy != s.policy {
		return nil, policyversions.ErrUnknownPolicy
	}
	list := slices.Clone(s.versions)
	for i := range list {
		list[i].Canonical, list[i].Original = nil, nil
	}
	slices.Reverse(list)
	return list, nil
}

func (s *shelf) Version(_ context.Context, siteKey, policy string, number int) (policyversions.Version, error) {
	if siteKey != s.site.Key || policy != s.policy || number > len(s.versions) {
		return policyversions.Version{}, policyversions.ErrUnknownVersion
	}
	return s.versions[number-1], nil
}

func (s *shelf) InForce(ctx context.Context, siteKey, policy string, at time.Time) (policyversions.Version, error) {
	if siteKey != s.site.Key || policy != s.policy {
		return policyversions.Version{}, policyversions.ErrUnknownPolicy
	}
	for number := len(s.versions); number > 0; number-- {
		if v := s.versions[number-1]; !v.Effective.After(at) {
			return v, nil
		}
	}
	return policyversions.Version{}, policyversions.ErrUnknownVersion
}

// policySite is an archive of three versions: one from March, one from May, one
// from July 2026, at the days of Vienna.
type policySite struct {
	*shelf
	*echo.Echo
	policies *Policies
	now      time.Time
	err      error // of the last request
}

func newPolicySite(t *testing.T) *policySite {
	t.Helper()
	shelf := &shelf{site: site.Site{Key: "shop", Name: "Example & Shop", TimeZone: "Europe/Vienna"}, policy: "privacy"}
	ps := &policySite{shelf: shelf, Echo: echo.New(), now: at(t, "2026-06-01")}
	for i, text := range []string{
		"<!doctype html><title>x</title><h1>Privacy</h1><p>One <a href=\"javascript:x()\">link</a>.<script>x()</script>",
		"# Datenschutz\r\n\r\nZwei.\r\n\r\n## Eins\r\n\r\n## Zwei\r\n\r\n### Drei\r\n\r\n## Vier\r\n",
		"# الخصوصية\n\nثلاثة.\n",
	} {
		d, err := policyversions.Import([]byte(text), "p.md")
		if i == 0 {
			d, err = policyversions.Import([]byte(text), "p.html")
		}
		if err != nil {
			t.Fatal(err)
		}
		d.Language = []string{"en", "de", "ar"}[i]
		p := policyversions.Publisher{Store: shelf, Now: func() time.Time { return at(t, "2026-02-01") }}
		if _, err := p.Publish(t.Context(), "shop", "privacy", d, at(t, []string{"2026-03-01", "2026-05-01", "2026-07-01"}[i])); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	p := &Policies{Versions: shelf, Sites: shelf, Web: pages, Now: func() time.Time { return ps.now }}
	ps.policies = p
	ps.GET("/policies/:site", p.Index)
	for path, handle := range map[string]echo.HandlerFunc{
		"": p.InForce, "/versions": p.List, "/versions.json": p.List, "/versions/:number": p.Version, "/versions/:number/original": p.Original,
		"/versions/:number/canonical": p.Canonical, "/at": p.AtForm, "/at/:date": p.At, "/diff": p.DifferenceForm, "/diff/:pair": p.Difference,
		"/timegate": p.TimeGate, "/timemap": p.TimeMap, "/timemap.json": p.TimeMap, "/feed.atom": p.Feed,
	} {
		ps.GET("/policies/:site/:policy"+path, handle)
		ps.HEAD("/policies/:site/:policy"+path, handle)
	}
	ps.HTTPErrorHandler = func(err error, c echo.Context) {
		ps.err = err
		_ = c.NoContent(http.StatusTeapot)
	}
	return ps
}

func at(t *testing.T, day string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	d, err := time.ParseInLocation(time.DateOnly, day, loc)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (ps *policySite) get(address string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, address, nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	return ps.do(r)
}

func (ps *policySite) do(r *http.Request) *httptest.ResponseRecorder {
	ps.err = nil
	w := httptest.NewRecorder()
	ps.ServeHTTP(w, r)
	return w
}

func shown(t *testing.T, page string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for d := range doc.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestPolicyPages(t *testing.T) {
	ps := newPolicySite(t)
	tests := []struct {
		day, path string
		says      []string
		not       []string
	}{
		{"2026-03-01", "/policies/shop/privacy", []string{"Version 1, in force since 1 March 2026", "Version 2 takes its place on 1 May 2026.", "One link.", "Example & Shop"}, []string{"x()"}},
		{"2026-06-01", "/policies/shop/privacy", []string{"Fassung 2, in Kraft seit 1. Mai 2026", "Fassung 3 löst sie am 1. Juli 2026 ab.", "Zwei.", "Inhalt", "1. Mai 2026, 00:00 CEST"}, []string{"One link"}},
		{"2026-06-01", "/policies/shop/privacy/versions/1", []string{"Version 1, superseded by version 2 on 1 May 2026", "Read the version in force"}, []string{"Contents"}},
		{"2026-06-01", "/policies/shop/privacy/versions/3", []string{"يسري الإصدار 3 ابتداءً من 1 يوليو 2026", "حتى ذلك الحين يسري الإصدار 2.", "ثلاثة"}, nil},
		{"2026-06-01", "/policies/shop/privacy/versions", []string{"Fassung 3", "Fassung 2 In Kraft", "Fassung 1 Abgelöst", "1. März 2026 bis 1. Mai 2026", "Datenschutz", "Privacy", "Was sich seit Fassung 1 geändert hat"}, nil},
		{"2026-08-01", "/policies/shop/privacy/versions", []string{"الإصدار 3 سارٍ"}, []string{"مقرر"}},
		{"2026-02-01", "/policies/shop/privacy/versions", []string{"الإصدار 1 مقرر"}, []string{"قراءة الإصدار الساري"}},
	}
	for _, tt := range tests {
		t.Run(tt.day+tt.path, func(t *testing.T) {
			ps.now = at(t, tt.day)
			w := ps.get(tt.path)
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
				t.Fatalf("%d %v: %v", w.Code, w.Header(), ps.err)
			}
			text := shown(t, w.Body.String())
			for _, want := range tt.says {
				if !strings.Contains(text, want) {
					t.Errorf("the page does not say %q: %s", want, text)
				}
			}
			for _, not := range tt.not {
				if strings.Contains(text, not) {
					t.Errorf("the page says %q: %s", not, text)
				}
			}
			h := w.Header()
			csp, vary, robots := web.ContentSecurityPolicy, "Accept", "noindex"
			switch path.Base(tt.path) {
			case "versions":
				csp = web.FormSecurityPolicy
			case "privacy":
				vary, robots = "Accept-Language, Accept", ""
			}
			for name, want := range map[string]string{
				"Cache-Control": "public, max-age=60", "Content-Security-Policy": csp,
				"X-Content-Type-Options": "nosniff", "Vary": vary, "Set-Cookie": "", "X-Robots-Tag": robots,
			} {
				if got := strings.Join(h.Values(name), ", "); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if (robots != "") != strings.Contains(w.Body.String(), `<meta name="robots" content="noindex">`) {
				t.Error("the page and its header say different things to search engines")
			}
		})
	}
}

func TestPolicyIndex(t *testing.T) {
	ps := newPolicySite(t)
	for _, tt := range []struct{ day, query, says, leads string }{
		{"2026-06-01", "", "Archiv der Richtlinien", "../policies/shop/privacy"},
		{"2026-06-01", "?lang=en", "Policy archive A published version never changes. Each stays here, at its own address, with the days it was in force. Datenschutz Version 2, in force since 1 May 2026", "../policies/shop/privacy"},
		{"2026-02-01", "", "Version 1 takes effect on 1 March 2026", "../policies/shop/privacy/versions/1"},
	} {
		ps.now = at(t, tt.day)
		w := ps.get("/policies/shop" + tt.query)
		if text := shown(t, w.Body.String()); w.Code != http.StatusOK || !strings.Contains(text, tt.says) || !strings.Contains(w.Body.String(), `href="`+tt.leads+`"`) || w.Header().Get("X-Robots-Tag") != "noindex" {
			t.Errorf("%s%s: %d %v %s", tt.day, tt.query, w.Code, ps.err, text)
		}
	}
	if ps.get("/policies/other"); !errors.Is(ps.err, site.ErrUnknown) {
		t.Errorf("another site: %v", ps.err)
	}
	ps.versions = nil
	if ps.get("/policies/shop"); !errors.Is(ps.err, policyversions.ErrUnknownPolicy) {
		t.Errorf("a site without policies: %v", ps.err)
	}
}

func TestPolicyAddressesAreRelative(t *testing.T) {
	ps := newPolicySite(t)
	for address, want := range map[string][]string{
		"/policies/shop/privacy": {
			`<../../policies/shop/privacy>; rel="canonical"`,
			`<../../policies/shop/privacy/versions/2>; rel="bookmark"`,
			`<../../policies/shop/privacy>; rel="latest-version"`,
			`<../../policies/shop/privacy/versions>; rel="version-history"`,
			`<../../policies/shop/privacy/versions/1>; rel="predecessor-version"`,
			`<../../policies/shop/privacy/versions/3>; rel="successor-version"`,
			`<../../policies/shop/privacy/versions/2.json>; rel="alternate"; type="application/json"`,
			`<../../policies/shop/privacy/feed.atom>; rel="alternate"; type="application/atom+xml"`,
		},
		"/policies/shop/privacy/versions/1":       {`<../../../../policies/shop/privacy/versions/1>; rel="canonical"`, `<../../../../policies/shop/privacy>; rel="latest-version"`},
		"/policies/shop/privacy/diff/1..2?lang=x": nil,
		"/policies/shop/privacy/diff/2..1":        {`<../../../../policies/shop/privacy/diff/2..1>; rel="canonical"`},
	} {
		w := ps.get(address)
		for _, link := range want {
			if !slices.Contains(w.Header().Values("Link"), link) {
				t.Errorf("%s: no link %s in %q", address, link, w.Header().Values("Link"))
			}
		}
		for _, value := range append(w.Header().Values("Link"), w.Header().Get("Location")) {
			if value != "" && !strings.HasPrefix(value, "<../") {
				t.Errorf("%s: %q does not work under a proxy's prefix", address, value)
			}
		}
	}
}

func TestPolicyJSON(t *testing.T) {
	ps := newPolicySite(t)
	w := ps.get("/policies/shop/privacy", "Accept", "application/json")
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	want := map[string]any{
		"site": "shop", "policy": "privacy", "number": 2.0, "title": "Datenschutz", "language": "de", "state": "in_force", "by": 3.0,
		"digest": string(ps.versions[1].Digest), "effective": float64(at(t, "2026-05-01").UnixMilli()), "until": float64(at(t, "2026-07-01").UnixMilli()),
		"published_at": float64(at(t, "2026-02-01").UnixMilli()), "address": "/policies/shop/privacy/versions/2", "text": "# Datenschutz\n\nZwei.\n\n## Eins\n\n## Zwei\n\n### Drei\n\n## Vier\n",
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s is %v, want %v", key, got[key], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("members %v", got)
	}
	w = ps.get("/policies/shop/privacy/versions", "Accept", "application/json")
	var list struct {
		Site, Policy string
		Versions     []struct {
			Number int
			State  string
			Text   *string
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if list.Site != "shop" || len(list.Versions) != 3 || list.Versions[0].Number != 3 || list.Versions[0].State != "scheduled" || list.Versions[2].State != "superseded" || list.Versions[0].Text != nil {
		t.Errorf("list %+v", list)
	}
}

func TestPolicyBytes(t *testing.T) {
	ps := newPolicySite(t)
	w := ps.get("/policies/shop/privacy/versions/1/original")
	h := w.Header()
	if w.Body.String() != string(ps.versions[0].Original) || !strings.Contains(w.Body.String(), "<script>") {
		t.Errorf("original %q", w.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", "Content-Disposition": `attachment; filename="shop-privacy-1.html"`,
		"Cache-Control": "public, max-age=31536000, immutable", "Content-Security-Policy": "default-src 'none'; sandbox",
	} {
		if h.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, h.Get(name), want)
		}
	}
	w = ps.get("/policies/shop/privacy/versions/2/canonical")
	if canonical.Sum(w.Body.Bytes()) != ps.versions[1].Digest {
		t.Errorf("the digest of %q is not the version's", w.Body)
	}
	ps.versions[1].Canonical = []byte(`{"schema":"policy/v1"}`)
	for _, path := range []string{"/policies/shop/privacy/versions/2/canonical", "/policies/shop/privacy/versions/2", "/policies/shop/privacy"} {
		if ps.get(path); !errors.Is(ps.err, policyversions.ErrAltered) {
			t.Errorf("%s of an altered text: %v", path, ps.err)
		}
	}
}

func TestPolicyEntityTags(t *testing.T) {
	ps := newPolicySite(t)
	const path = "/policies/shop/privacy/versions/2"
	tag := ps.get(path).Header().Get("ETag")
	for _, header := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		w := ps.get(path, "If-None-Match", header)
		if w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("ETag") != tag || w.Header().Get("Cache-Control") != "public, max-age=60" {
			t.Errorf("If-None-Match %s: %d %v", header, w.Code, w.Header())
		}
	}
	if w := ps.get(path, "If-None-Match", `"x"`); w.Code != http.StatusOK {
		t.Errorf("another tag: %d", w.Code)
	}
	// The tag is the same for every visitor, and changes with the state.
	if got := ps.get(path, "Cookie", "volenti=1.a", "User-Agent", "other", "Accept-Language", "fr", "Referer", "https://a.example").Header().Get("ETag"); got != tag {
		t.Errorf("another visitor gets another tag: %s, not %s", got, tag)
	}
	if got := ps.get(path, "Accept", "application/json").Header().Get("ETag"); got == tag {
		t.Error("JSON has the page's tag")
	}
	ps.now = at(t, "2026-07-01")
	if got := ps.get(path).Header().Get("ETag"); got == tag {
		t.Error("a superseded version has the tag it had in force")
	}
}

func TestPolicyErrors(t *testing.T) {
	ps := newPolicySite(t)
	tests := []struct {
		path string
		want error
	}{
		{"/policies/other/privacy", site.ErrUnknown},
		{"/policies/other/privacy/versions", site.ErrUnknown},
		{"/policies/other/privacy/versions/1", site.ErrUnknown},
		{"/policies/shop/terms", policyversions.ErrUnknownPolicy},
		{"/policies/shop/terms/versions", policyversions.ErrUnknownPolicy},
		{"/policies/shop/privacy/versions/4", policyversions.ErrUnknownVersion},
		{"/policies/shop/privacy/versions/0", policyversions.ErrUnknownVersion},
		{"/policies/shop/privacy/versions/-1", policyversions.ErrUnknownVersion},
		{"/policies/shop/privacy/versions/01", policyversions.ErrUnknownVersion},
		{"/policies/shop/privacy/versions/+1", policyversions.ErrUnknownVersion},
		{"/policies/shop/privacy/versions/1e0", policyversions.ErrUnknownVersion},
		{"/policies/shop/privacy/versions/99999999999999999999", policyversions.ErrUnknownVersion},
		{"/policies/shop/privacy/versions/9/original", policyversions.ErrUnknownVersion},
		{"/policies/shop/privacy/versions/9/canonical", policyversions.ErrUnknownVersion},
	}
	for _, tt := range tests {
		if w := ps.get(tt.path); !errors.Is(ps.err, tt.want) || w.Header().Get("ETag") != "" {
			t.Errorf("%s: %v, want %v", tt.path, ps.err, tt.want)
		}
	}
	ps.now = at(t, "2026-02-01")
	if ps.get("/policies/shop/privacy"); !errors.Is(ps.err, ErrNotInForce) || !strings.Contains(ps.err.Error(), "1 March 2026") {
		t.Errorf("before the first day: %v", ps.err)
	}
}

func TestRenderingsAreKeptByDigest(t *testing.T) {
	var r renderings
	for _, n := range []int{1, 2, 1} {
		text := policyversions.Text{Markdown: strings.Repeat("a", n)}
		got, err := r.of(canonical.Sum([]byte(text.Markdown)), text)
		if err != nil || got.HTML != "<p>"+text.Markdown+"</p>\n" {
			t.Errorf("%d: %q, %v", n, got.HTML, err)
		}
	}
	for n := range 200 {
		if _, err := r.of(canonical.Sum([]byte{byte(n)}), policyversions.Text{Markdown: "a"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.kept) > 64 {
		t.Errorf("%d renderings are kept", len(r.kept))
	}
}

// A site can ask search engines to list nothing of its archive, whatever the server's
// own setting is, in every form of every page.
func TestASiteOfWhichNothingIsListed(t *testing.T) {
	for _, indexed := range []bool{false, true} {
		for _, noIndex := range []bool{false, true} {
			ps := newPolicySite(t)
			ps.policies.Indexed, ps.site.NoIndex = indexed, noIndex
			ps.now = at(t, "2026-06-01")
			for _, address := range []string{"/policies/shop/privacy", "/policies/shop/privacy.json", "/policies/shop/privacy.md", "/policies/shop/privacy/versions", "/policies/shop/privacy/versions/1", "/policies/shop/privacy/feed.atom"} {
				w := ps.get(address)
				if w.Code != http.StatusOK {
					t.Fatalf("%s: %d %s", address, w.Code, w.Body)
				}
				own := !strings.Contains(address, "/versions") && !strings.Contains(address, "feed")
				hidden := noIndex || !indexed && !own
				if got := w.Header().Get("X-Robots-Tag") == "noindex"; got != hidden {
					t.Errorf("%s, indexed %v, noindex %v: hidden %v", address, indexed, noIndex, got)
				}
				if page := strings.HasPrefix(w.Body.String(), "<!"); page && strings.Contains(w.Body.String(), `content="noindex"`) != hidden {
					t.Errorf("%s, indexed %v, noindex %v: the page says something else than its header", address, indexed, noIndex)
				}
			}
		}
	}
}
