package admin

import (
	"context"
	"crypto/ed25519"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/embedding"
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

func TestReceiptsAreFound(t *testing.T) {
	w, owner := busyWorld(t, 130)
	entries := w.entries()
	slices.Reverse(entries)
	// Page by page, each once, newest first.
	path := "/admin/sites/shop/receipts"
	var got []string
	for range 10 {
		page := owner.get(path)
		page.has(t, 200)
		for _, part := range strings.Split(page.body, `/admin/sites/shop/receipts/`)[1:] {
			if id := part[:min(32, len(part))]; consent.IsReceiptID(id) {
				got = append(got, id)
			}
		}
		before, _, more := strings.Cut(page.body, `" rel="next"`)
		if !more {
			break
		}
		path = "/admin" + strings.ReplaceAll(before[strings.LastIndex(before, "/sites/shop/receipts?"):], "&amp;", "&")
	}
	var want []string
	for _, e := range entries {
		want = append(want, e.ReceiptID)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%d listed, %d kept", len(got), len(want))
	}
	e := entries[7]
	receipt, err := consent.EncodeReceipt(e)
	if err != nil {
		t.Fatal(err)
	}
	to := "/admin/sites/shop/receipts/" + e.ReceiptID
	for _, sought := range []string{e.ReceiptID, "https://consent.example.com/v1/sites/shop/receipts/" + e.ReceiptID + "/proof", " " + e.ReceiptID + "\n", string(receipt)} {
		if found := owner.post("/admin/sites/shop/receipts/find", url.Values{"sought": {sought}}); found.code != 303 || found.to() != to {
			t.Errorf("%.60q leads to %d %s", sought, found.code, found.to())
		}
	}
	forged := strings.Replace(string(receipt), `"region":"`, `"region":"X`, 1)
	owner.post("/admin/sites/shop/receipts/find", url.Values{"sought": {forged}}).has(t, 422, "does not verify")
	owner.post("/admin/sites/blog/receipts/find", url.Values{"sought": {e.ReceiptID}}).has(t, 422, "keeps no receipt of that id")
	owner.post("/admin/sites/shop/receipts/find", url.Values{"sought": {"hello"}}).has(t, 422, "Paste a receipt")
	owner.get("/admin/sites/blog/receipts/"+e.ReceiptID).has(t, 404)
	owner.get(to).has(t, 200, "Verified just now", "holds", "/governing", e.ReceiptID)
	file := owner.get(to + "/file")
	if file.code != 200 || file.body != string(receipt) || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the file: %d, %v", file.code, file.header)
	}
	owner.get(to+"/bundle").has(t, 404) // none can be made
	w.console.Insight.Bundle = func(_ context.Context, site, id string) ([]byte, error) { return []byte("PK " + site + " " + id), nil }
	owner.get(to).has(t, 200, to[1:]+"/bundle", "/shown")
	zip := owner.get(to + "/bundle")
	if zip.code != 200 || zip.body != "PK shop "+e.ReceiptID || !strings.Contains(zip.header.Get("Content-Disposition"), ".zip") || zip.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the bundle: %d, %v", zip.code, zip.header)
	}
	owner.get("/admin/sites/blog/receipts/"+e.ReceiptID+"/bundle").has(t, 404)
	owner.get("/admin/sites/shop/receipts?from=2026-11-99").has(t, 422, "Write the day as")
	owner.get("/admin/sites/shop/receipts?region=XX").has(t, 200, "No receipt matches")
	owner.get("/admin/sites/blog/receipts").has(t, 200, "There is no receipt yet")
	// Marketing reads statistics and nothing of one visitor.
	marketing := w.as(w.operator(operator.Marketing))
	marketing.get("/admin/sites/shop").has(t, 200)
	for _, path := range []string{"/admin/sites/shop/receipts", to, to + "/file", to + "/bundle"} {
		marketing.get(path).has(t, 403)
	}
	marketing.post("/admin/sites/shop/receipts/export", url.Values{"format": {"csv"}}).has(t, 403)
	marketing.post("/admin/sites/shop/receipts/find", url.Values{"sought": {e.ReceiptID}}).has(t, 403)
}

func TestReceiptsAreExported(t *testing.T) {
	w, owner := busyWorld(t, 1100) // more than two batches
	entries := w.entries()
	slices.Reverse(entries)
	lines := owner.post("/admin/sites/shop/receipts/export", url.Values{"format": {"json"}})
	lines.has(t, 200)
	all := strings.Split(strings.TrimSuffix(lines.body, "\n"), "\n")
	if len(all) != len(entries) {
		t.Fatalf("%d lines of %d receipts", len(all), len(entries))
	}
	for i, line := range all {
		receipt, err := consent.EncodeReceipt(entries[i])
		if err != nil || line != string(receipt) {
			t.Fatalf("line %d is not the receipt's bytes, %v", i, err)
		}
	}
	table := owner.post("/admin/sites/shop/receipts/export", url.Values{"format": {"csv"}, "outcome": {"refused"}, "region": {"DE"}})
	rows, err := csv.NewReader(strings.NewReader(table.body)).ReadAll()
	if err != nil || !slices.Equal(rows[0], receiptColumns) {
		t.Fatal(rows[0], err)
	}
	want := 0
	for _, e := range entries {
		core, _ := consent.ParseCore(e.Core)
		if core.Region == "DE" && core.State == consent.AllRefused {
			if want++; rows[want][0] != e.ReceiptID || rows[want][4] != "refused" {
				t.Fatalf("row %d: %v", want, rows[want])
			}
		}
	}
	if len(rows)-1 != want || want == 0 {
		t.Errorf("%d rows, want %d", len(rows)-1, want)
	}
	statistics := owner.post("/admin/sites/shop/statistics/export", url.Values{"format": {"json"}, "from": {"2026-11-01"}, "to": {"2026-11-21"}})
	var sum int64
	for _, line := range strings.Split(strings.TrimSpace(statistics.body), "\n") {
		var row statisticRow
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row.Dimension == "total" {
			sum += row.Times
		}
		if row.Value == "LI" {
			t.Error("a small region is exported by name")
		}
	}
	if sum != int64(len(entries)) {
		t.Errorf("%d counted, %d receipts", sum, len(entries))
	}
	acts := w.acts()
	if !slices.Contains(acts, "receipt.export json") || !slices.Contains(acts, "receipt.export csv") || !slices.Contains(acts, "statistics.export json") {
		t.Errorf("acts %v", acts)
	}
}

// An export ends with its client: the store is asked for one batch, not for all.
func TestAnExportEndsWithItsClient(t *testing.T) {
	w, owner := busyWorld(t, 40)
	counting := &countingStore{InsightStore: w.console.Insight.Store, entries: w.entries()}
	w.console.Insight.Store = counting
	ctx, cancel := context.WithCancel(t.Context())
	counting.asked = func(n int) {
		if n == 3 {
			cancel()
		}
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "https://consent.example.com/admin/sites/shop/receipts/export", strings.NewReader(url.Values{"format": {"csv"}, "token": {owner.token}}.Encode()))
	r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}}
	for _, cookie := range owner.cookies {
		r.AddCookie(cookie)
	}
	func() {
		defer func() {
			if recover() != http.ErrAbortHandler { //nolint:errorlint // the value itself
				t.Error("what broke off looks whole")
			}
		}()
		w.handler.ServeHTTP(httptest.NewRecorder(), r)
	}()
	if counting.n != 3 {
		t.Errorf("the store was asked %d times", counting.n)
	}
	if counting.most != exportBatch {
		t.Errorf("%d at once", counting.most)
	}
}

// A server that gives an answer a moment only gives an export its time.
func TestAnExportOutlivesTheServersLimits(t *testing.T) {
	w, owner := busyWorld(t, 600)
	served := httptest.NewUnstartedServer(w.handler)
	served.Config.WriteTimeout = time.Nanosecond
	served.Start()
	defer served.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, served.URL+"/admin/sites/shop/receipts/export", strings.NewReader(url.Values{"format": {"json"}, "token": {owner.token}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}}
	for _, cookie := range owner.cookies {
		r.AddCookie(cookie)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	all, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != http.StatusOK || strings.Count(string(all), "\n") != 600 {
		t.Errorf("%d, %d lines, %v", got.StatusCode, strings.Count(string(all), "\n"), err)
	}
}

// countingStore always has another full batch.
type countingStore struct {
	InsightStore
	entries []*consent.Entry
	asked   func(n int)
	n, most int
}

func (s *countingStore) SearchRecords(_ context.Context, search consent.Search) ([]*consent.Entry, error) {
	s.n++
	s.most = max(s.most, search.Limit)
	s.asked(s.n)
	all := make([]*consent.Entry, search.Limit)
	for i := range all {
		all[i] = s.entries[i%len(s.entries)]
	}
	return all, nil
}

func TestNoCellIsAFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"plain": "plain", "": "", "a=1": "a=1", "2026-11-21": "2026-11-21",
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx", "\rx": "'\rx", "\nx": "'\nx",
		"  =1": "'  =1", "\u00a0=1": "'\u00a0=1", "\ufeff=1": "'\ufeff=1", "＝1": "'＝1", "|calc": "'|calc", "%0A": "'%0A",
		`=HYPERLINK("http://x")`: `'=HYPERLINK("http://x")`,
	} {
		if got := inert(cell); got != want {
			t.Errorf("%q became %q, want %q", cell, got, want)
		}
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
