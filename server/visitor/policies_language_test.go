package visitor

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
)

// translated is an archive of one version in English, German and Brazilian
// Portuguese, of which the English text binds, and of one that lies ahead.
func translated(t *testing.T) *policySite {
	t.Helper()
	ps := newPolicySite(t)
	ps.versions = nil
	p := policyversions.Publisher{Store: ps.shelf, Now: func() time.Time { return at(t, "2026-02-01") }}
	for i, effective := range []string{"2026-03-01", "2026-08-01"} {
		w := policyversions.Work{
			Site: "shop", Policy: "privacy", Language: "en", Markdown: "# Privacy\n\nOne text.\n" + strings.Repeat("\nMore.\n", i), Effective: at(t, effective),
			Translations: []policyversions.WorkText{{Language: "de", Markdown: "# Datenschutz\n\nEin Text.\n" + strings.Repeat("\nMehr.\n", i)}, {Language: "pt-BR", Markdown: "# Privacidade\n\nUm texto.\n"}},
		}
		if i == 1 {
			w.Material, w.Grace = true, 14*24*time.Hour
			w.Summary = map[string]string{"en": "More is <said>.", "de": "Es steht mehr da.", "pt-BR": "Diz mais."}
		}
		if _, err := p.PublishWork(t.Context(), w, "operator-7", ""); err != nil {
			t.Fatal(err)
		}
	}
	return ps
}

func TestPolicyLanguages(t *testing.T) {
	ps := translated(t)
	for _, tt := range []struct{ path, accept, want, says string }{
		{"/policies/shop/privacy", "", "en", "One text."},
		{"/policies/shop/privacy", "de", "de", "Ein Text."},
		{"/policies/shop/privacy", "fr, de-AT;q=0.5, en;q=0.4", "de", "Dies ist eine Übersetzung. Verbindlich ist der Text auf Englisch."},
		{"/policies/shop/privacy", "fr", "en", "One text."},
		{"/policies/shop/privacy", "de;q=0, en", "en", "One text."},
		{"/policies/shop/privacy", "gl", "en", "One text."}, // near to Portuguese is not near enough
		{"/policies/shop/privacy", "garbage;;q", "en", "One text."},
		{"/policies/shop/privacy?lang=en", "de", "en", "One text."},
		{"/policies/shop/privacy?lang=DE-at", "", "de", "Ein Text."},
		{"/policies/shop/privacy?lang=pt", "", "pt-BR", "Um texto."},
		{"/policies/shop/privacy/versions/1", "de", "en", "One text."}, // a permanent address says one thing
		{"/policies/shop/privacy/versions/1?lang=de", "en", "de", "Ein Text."},
		{"/policies/shop/privacy/versions/2?lang=de", "", "de", "Es steht mehr da."},
	} {
		w := ps.get(tt.path, "Accept-Language", tt.accept)
		if text := shown(t, w.Body.String()); w.Header().Get("Content-Language") != tt.want || !strings.Contains(text, tt.says) {
			t.Errorf("%s for %q: in %q, %v: %s", tt.path, tt.accept, w.Header().Get("Content-Language"), ps.err, text)
		}
		if got, own := strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Accept-Language"), !strings.Contains(tt.path, "versions"); got != own {
			t.Errorf("%s: Vary %q", tt.path, w.Header().Values("Vary"))
		}
	}
	page := ps.get("/policies/shop/privacy/versions/1?lang=de")
	for _, want := range []string{
		`<link rel="canonical" href="../../../../policies/shop/privacy/versions/1?lang=de">`, `<link rel="alternate" hreflang="pt-BR" href="../../../../policies/shop/privacy/versions/1?lang=pt-BR">`,
		`<article lang="de" dir="ltr">`, `>português`, "(verbindlich)", "versions/1/original?lang=de", "versions/1.md?lang=de",
	} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page has no %s", want)
		}
	}
	links := strings.Join(page.Header().Values("Link"), ", ")
	for _, want := range []string{`<../../../../policies/shop/privacy/versions/1?lang=de>; rel="canonical"`, `<../../../../policies/shop/privacy/versions/1?lang=pt-BR>; rel="alternate"; hreflang="pt-BR"`} {
		if !strings.Contains(links, want) {
			t.Errorf("no link %s in %s", want, links)
		}
	}
	for _, path := range []string{"", "/versions/1", "/versions/1.json", "/versions/1/original", "/versions/1/canonical", "/versions", "/feed.atom"} {
		ps.get("/policies/shop/privacy" + path + "?lang=fr")
		if !errors.Is(ps.err, ErrUnknownLanguage) || !strings.Contains(ps.err.Error(), "en, de, pt-BR") {
			t.Errorf("%s in French: %v", path, ps.err)
		}
	}
}

func TestPolicyFormsInALanguage(t *testing.T) {
	ps := translated(t)
	german := ps.versions[0].Translations[0]
	var got versionJSON
	if err := json.Unmarshal(ps.get("/policies/shop/privacy/versions/1.json?lang=de").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Language != "de" || got.Binding != "en" || got.Digest != german.Digest || got.Title != "Datenschutz" || len(got.Translations) != 2 || !strings.HasSuffix(got.Address, "/versions/1?lang=de") {
		t.Errorf("JSON %+v", got)
	}
	w := ps.get("/policies/shop/privacy/versions/1/canonical?lang=de")
	if canonical.Sum(w.Body.Bytes()) != german.Digest || w.Header().Get("Content-Disposition") != `attachment; filename="shop-privacy-1-de.json"` {
		t.Errorf("canonical %v: %s", w.Header(), w.Body)
	}
	if w := ps.get("/policies/shop/privacy/versions/1/original?lang=pt-BR"); !strings.Contains(w.Body.String(), "Um texto.") || w.Header().Get("Content-Language") != "pt-BR" {
		t.Errorf("original %v: %s", w.Header(), w.Body)
	}
	text := shown(t, ps.get("/policies/shop/privacy/diff/1..2?lang=de").Body.String())
	if !strings.Contains(text, "[eingefügt] Mehr.") || strings.Contains(text, "More.") {
		t.Errorf("the difference in German: %s", text)
	}
	if text := shown(t, ps.get("/policies/shop/privacy/diff/1..2", "Accept-Language", "de").Body.String()); !strings.Contains(text, "[inserted] More.") {
		t.Errorf("the difference that binds: %s", text)
	}
	ps.versions[0].Translations[0].Canonical = []byte(`{"schema":"policy/v1"}`)
	for _, path := range []string{"/versions/1?lang=de", "/versions/1/canonical?lang=de"} {
		if ps.get("/policies/shop/privacy" + path); !errors.Is(ps.err, policyversions.ErrAltered) {
			t.Errorf("%s of an altered translation: %v", path, ps.err)
		}
	}
}

// Every form of every address answers HEAD as it answers GET, knows what the client
// has, and says nothing of who published a version.
func TestPolicyFormsAnswerAlike(t *testing.T) {
	ps := translated(t)
	for _, tt := range []struct{ path, accept, kind string }{
		{"", "*/*", "text/html; charset=utf-8"},
		{"", "application/json", "application/json"},
		{"", "text/markdown, text/html;q=0.9", "text/markdown; charset=utf-8; variant=GFM"},
		{".json", "text/html", "application/json"},
		{".md", "text/html", "text/markdown; charset=utf-8; variant=GFM"},
		{"/versions", "text/html", "text/html; charset=utf-8"},
		{"/versions", "application/json", "application/json"},
		{"/versions.json", "text/html", "application/json"},
		{"/versions/2", "text/html", "text/html; charset=utf-8"},
		{"/versions/2", "application/json", "application/json"},
		{"/versions/2", "text/markdown", "text/markdown; charset=utf-8; variant=GFM"},
		{"/versions/2.json", "text/html", "application/json"},
		{"/versions/2.md", "text/html", "text/markdown; charset=utf-8; variant=GFM"},
		{"/versions/2/original", "text/html", "text/plain; charset=utf-8"},
		{"/versions/2/canonical", "text/html", "application/json"},
		{"/diff/1..2", "text/html", "text/html; charset=utf-8"},
		{"/diff/1..2", "application/json", "application/json"},
		{"/diff/1..2.json", "text/html", "application/json"},
		{"/timemap", "*/*", "application/link-format"},
		{"/timemap", "application/json", "application/json"},
		{"/timemap.json", "*/*", "application/json"},
		{"/feed.atom", "*/*", "application/atom+xml; charset=utf-8"},
	} {
		address := "/policies/shop/privacy" + tt.path
		got := ps.get(address, "Accept", tt.accept)
		h := got.Header()
		if got.Code != http.StatusOK || h.Get("Content-Type") != tt.kind {
			t.Errorf("%s as %s: %d %q %v", tt.path, tt.accept, got.Code, h.Get("Content-Type"), ps.err)
			continue
		}
		for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "Set-Cookie": ""} {
			if h.Get(name) != value {
				t.Errorf("%s: %s is %q", tt.path, name, h.Get(name))
			}
		}
		if !strings.HasPrefix(h.Get("Cache-Control"), "public, max-age=") || h.Get("ETag") == "" {
			t.Errorf("%s: Cache-Control %q, ETag %q", tt.path, h.Get("Cache-Control"), h.Get("ETag"))
		}
		if strings.Contains(got.Body.String(), "operator-7") {
			t.Errorf("%s says who published it", tt.path)
		}
		negotiated := slices.Contains([]string{"", "/versions", "/versions/2", "/diff/1..2", "/timemap"}, tt.path)
		if slices.Contains(h.Values("Vary"), "Accept") != negotiated {
			t.Errorf("%s: Vary is %q", tt.path, h.Values("Vary"))
		}
		r, _ := http.NewRequest(http.MethodHead, address, nil)
		r.Header.Set("Accept", tt.accept)
		if head := ps.do(r); head.Code != http.StatusOK || head.Header().Get("ETag") != h.Get("ETag") {
			t.Errorf("HEAD %s: %d, ETag %q, GET has %q", tt.path, head.Code, head.Header().Get("ETag"), h.Get("ETag"))
		}
		again := ps.get(address, "Accept", tt.accept, "If-None-Match", `"other", W/`+h.Get("ETag"))
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 || again.Header().Get("Cache-Control") != h.Get("Cache-Control") || again.Header().Get("Vary") != h.Get("Vary") {
			t.Errorf("%s again: %d %v", tt.path, again.Code, again.Header())
		}
	}
	for _, path := range []string{"", "/versions", "/versions/1", "/diff/1..2", "/timemap"} {
		if ps.get("/policies/shop/privacy"+path, "Accept", "image/png, */*;q=0"); !errors.Is(ps.err, ErrNotAcceptable) {
			t.Errorf("%s as a picture: %v", path, ps.err)
		}
	}
	for path, want := range map[string]error{
		".xml": policyversions.ErrUnknownPolicy, ".json.md": policyversions.ErrUnknownPolicy, "/versions/1.xml": policyversions.ErrUnknownVersion, "/versions/.json": policyversions.ErrUnknownVersion,
		"/versions/1.json/original": policyversions.ErrUnknownVersion, "/versions/1.md/canonical": policyversions.ErrUnknownVersion,
	} {
		if ps.get("/policies/shop/privacy" + path); !errors.Is(ps.err, want) {
			t.Errorf("%s: %v, want %v", path, ps.err, want)
		}
	}
}
