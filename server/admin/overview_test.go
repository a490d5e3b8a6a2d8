package admin

import (
	"crypto/ed25519"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/site"
)

// signer signs with a key everybody knows.
type signer struct{}

var (
	knownKey = ed25519.NewKeyFromSeed(make([]byte, 32))
	knownKid = consent.Thumbprint(knownKey.Public().(ed25519.PublicKey))
)

func (signer) Sign(leaf [auditlog.LeafSize]byte) (string, []byte) {
	return knownKid, ed25519.Sign(knownKey, append([]byte("volenti receipt v1\n"), leaf[:]...))
}

// busyWorld is one whose shop has receipts, and who may look at them.
func busyWorld(t testing.TB, receipts int) (*world, *client) {
	t.Helper()
	w := newWorld(t, func(c *Console) {
		c.Insight.Keys = func() consent.PublicKeys {
			return consent.PublicKeys{knownKid: knownKey.Public().(ed25519.PublicKey)}
		}
	})
	r := mathrand.New(mathrand.NewPCG(1, 2))
	now := noon.AddDate(0, 0, -10)
	recorder := consent.NewRecorder(w.db, signer{}, consent.RecorderOptions{Now: func() time.Time { return now }})
	last := ""
	for i := range receipts {
		got, err := recorder.Record(t.Context(), likelyDraft(r, fmt.Sprint("d-", i), last, now))
		if err != nil {
			t.Fatal(err)
		}
		if last = ""; i%5 == 0 {
			last = got.Entry.ReceiptID
		}
		now = now.Add(9 * 24 * time.Hour / time.Duration(receipts))
	}
	if err := recorder.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w, w.as(w.operator(operator.Owner))
}

func (w *world) entries() []*consent.Entry {
	w.t.Helper()
	all, err := w.db.EntriesBetween(w.t.Context(), shop, 0, 1<<60, nil, 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func (a *answer) has(t testing.TB, code int, texts ...string) {
	t.Helper()
	if a.code != code {
		t.Fatalf("status %d, want %d: %s", a.code, code, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("the page does not say %q", text)
		}
	}
}

func TestHomeSaysWhatNeedsSomebody(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	owner := w.as(w.operator(operator.Owner))
	owner.get("/admin").has(t, 200, "No banner is published", "/admin/sites/shop/notice", "Add a site", "2 sites")

	w.console.Insight.Regions = func() string { return "the region database is old: fetch another" }
	w.console.Insight.Outdated = func(string, notice.Latest) bool { return true }
	n := &notice.Notice{Schema: notice.Schema, Site: shop, Languages: []string{"en"}, Validity: 6, Policies: []string{"privacy", "cookies"}, Controller: notice.Controller{Name: "Shop"}}
	publishBare(t, w, n)
	if _, err := w.db.SaveWork(ctx, policyversions.Work{Site: shop, Policy: "privacy", Language: "en", Title: "Privacy", Markdown: "# Privacy\n\nNew.", Material: true,
		Summary: map[string]string{"en": "New."}, State: policyversions.Drafted, By: "cli"}); err != nil {
		t.Fatal(err)
	}
	page := owner.get("/admin")
	page.has(t, 200, "The region database is old: fetch another.", "compiled by an older version", "leads to the policy “cookies”", "A material change of the policy “privacy”")

	// Whoever works on one site sees that one, and nothing of the server.
	marketing := w.as(w.operator(operator.Marketing, blog))
	page = marketing.get("/admin")
	page.has(t, 200, "The blog")
	for _, other := range []string{"The shop", "region database", "Add a site", "/settings"} {
		if strings.Contains(page.body, other) {
			t.Errorf("marketing of the blog is told %q", other)
		}
	}
}

// publishBare keeps a notice as published, without scripts.
func publishBare(t testing.TB, w *world, n *notice.Notice) {
	t.Helper()
	b, err := n.Encode()
	if err != nil {
		t.Fatal(err)
	}
	p := &notice.Publication{Site: n.Site, Notice: canonical.Sum(b), NoticeBytes: b, PublishedAt: noon}
	if err := w.db.AddPublication(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

func TestSitesAreAddedAndChanged(t *testing.T) {
	w := newWorld(t)
	owner := w.as(w.operator(operator.Owner))
	owner.get("/admin/sites/new").has(t, 200, "Add a site")
	for field, form := range map[string]url.Values{
		"field-key":  {"key": {"Shop!"}, "name": {"X"}, "zone": {"UTC"}},
		"field-name": {"key": {"third"}, "name": {" "}, "zone": {"UTC"}},
		"field-zone": {"key": {"third"}, "name": {"X"}, "zone": {"Mars/Olympus"}},
	} {
		owner.post("/admin/sites/new", form).has(t, 422, `href="#`+field+`"`)
	}
	owner.post("/admin/sites/new", url.Values{"key": {shop}, "name": {"X"}}).has(t, 422, "another site")
	owner.post("/admin/sites/new", url.Values{"key": {"new"}, "name": {"X"}}).has(t, 422, "taken by this page")
	if got := owner.post("/admin/sites/new", url.Values{"key": {"third"}, "name": {"<b>Third"}, "zone": {"Asia/Tokyo"}}); got.code != 303 {
		t.Fatal(got.code, got.body)
	}
	if page := owner.get("/admin"); !strings.Contains(page.body, "&lt;b&gt;Third") || strings.Contains(page.body, "<b>Third") {
		t.Error("a name is markup")
	}
	if got := owner.post("/admin/sites/third/settings", url.Values{"name": {"Third"}, "zone": {""}, "second_pair": {"1"}}); got.code != 303 {
		t.Fatal(got.code, got.body)
	}
	s, err := w.db.Site(t.Context(), "third")
	if err != nil || s != (site.Site{Key: "third", Name: "Third", CreatedAt: noon, SecondPair: true}) {
		t.Errorf("%+v, %v", s, err)
	}
	if acts := w.acts(); !slices.Contains(acts, "site.add third") || !slices.Contains(acts, "site.change third") {
		t.Errorf("acts %v", acts)
	}
	w.wait(11 * time.Minute) // the proof is not fresh any more
	if got := owner.post("/admin/sites/third/settings", url.Values{"name": {"Fourth"}}); got.code != 303 || !strings.Contains(got.header.Get("Location"), "sign-in") {
		t.Errorf("without a fresh proof: %d %s", got.code, got.header.Get("Location"))
	}
	legal := w.as(w.operator(operator.Legal))
	legal.get("/admin/sites/new").has(t, 403)
	legal.post("/admin/sites/third/settings", url.Values{"name": {"Fifth"}}).has(t, 403)
}

func TestOverviewShowsWhatWasCounted(t *testing.T) {
	w, owner := busyWorld(t, 240)
	owner.get("/admin/sites/blog").has(t, 200, "No visitor has decided yet", "/admin/sites/blog/embed")
	page := owner.get("/admin/sites/shop?period=7")
	page.has(t, 200, "<figure", "<figcaption>", `role="img"`, "<desc", "The numbers as a table", "choices")
	for _, path := range []string{"?period=own&from=2026-11-20&to=2026-11-10", "?period=own&from=x&to=2026-11-10", "?period=own&from=0001-01-01&to=9999-12-31"} {
		owner.get("/admin/sites/shop"+path).has(t, 200, "is to be mended")
	}
	owner.get("/admin/sites/shop?period=own&from=2020-01-01&to=2020-02-01").has(t, 200, "Nobody decided in these 32 days")
	// The page's number is that of the records.
	want := map[consent.Outcome]int{}
	regions := map[string]int{}
	for _, e := range w.entries() {
		core, err := consent.ParseCore(e.Core)
		if err != nil {
			t.Fatal(err)
		}
		s := consent.Summarise(core, "")
		want[s.Outcome]++
		if s.Outcome.Chosen() {
			regions[s.Region]++
		}
	}
	chosen := want[consent.CountAccepted] + want[consent.CountPartial] + want[consent.CountRefused]
	page = owner.get("/admin/sites/shop")
	page.has(t, 200, fmt.Sprintf(`<p class="figure">%d</p><p class="of">choices</p>`, chosen), fmt.Sprintf(`<p class="hint">%d</p>`, want[consent.CountAccepted]))
	// Small regions have no name and no rate.
	if regions["LI"] >= fewest || regions["US-CA"] >= fewest || regions["DE"] < fewest {
		t.Fatalf("the test's own regions: %v", regions)
	}
	for _, name := range []string{"Liechtenstein", "United States, CA"} {
		if strings.Contains(page.body, name) {
			t.Errorf("%s is shown with fewer than %d choices", name, fewest)
		}
	}
	page.has(t, 200, "Other regions", "Germany")
}

// What was shown is counted by script, and so are first answers: together they say
// how many went without one, for the notice and for each trial.
func TestOverviewComparesTrials(t *testing.T) {
	w, owner := busyWorld(t, 200)
	n := &notice.Notice{Schema: notice.Schema, Site: shop, Languages: []string{"de", "en"}, Validity: 6}
	b, err := n.Encode()
	if err != nil {
		t.Fatal(err)
	}
	p := &notice.Publication{Site: shop, Notice: canonical.Sum(b), NoticeBytes: b, PublishedAt: noon}
	for language, trial := range map[string]string{"de": "", "en": "plum"} {
		source := []byte("script " + language) // as likelyDraft has it
		p.Scripts = append(p.Scripts, notice.PublishedScript{Script: notice.Script{Digest: canonical.Sum(source), Source: source,
			Variant: notice.Variant{Kind: notice.KindAsk, Surface: notice.AskOptIn, Language: language, Trial: trial}}})
	}
	if err := w.db.AddPublication(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	first := map[string]int64{}
	for _, e := range w.entries() {
		core, err := consent.ParseCore(e.Core)
		if err != nil {
			t.Fatal(err)
		}
		if day := time.UnixMilli(e.ReceivedAt).UTC().Format(time.DateOnly); e.Previous == "" && day == "2026-11-15" {
			first[core.Language]++
		}
	}
	if first["de"] == 0 || first["en"] == 0 {
		t.Fatalf("the test's own answers: %v", first)
	}
	if err := w.db.AddShowings(t.Context(), []notice.Showing{
		{Site: shop, Day: "2026-11-15", Script: canonical.Sum([]byte("script de")), Times: 60},
		{Site: shop, Day: "2026-11-15", Script: canonical.Sum([]byte("script en")), Times: 40},
		{Site: shop, Day: "2026-01-01", Script: canonical.Sum([]byte("script en")), Times: 1000},
	}); err != nil {
		t.Fatal(err)
	}
	owner.get("/admin/sites/shop").has(t, http.StatusOK, "By first layer: of 100 shown", "the notice as it is (opt-in)", "trial plum (opt-in)",
		fmt.Sprintf("100 shown, %d answered, %d without an answer", first["de"]+first["en"], 100-first["de"]-first["en"]))
}
