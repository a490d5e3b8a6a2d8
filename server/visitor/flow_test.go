package visitor_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/geo"
	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/store/dbtest"
	"github.com/volenti-consent/volenti/server/visitor"
)

const origin = "https://www.shop.example"

// A world is everything behind the handlers, real but for region and clock.
type world struct {
	t         testing.TB
	now       time.Time
	region    string
	db        *store.DB
	directory *visitor.Directory
	script    *visitor.Script
	decisions *visitor.Decisions
	echo      *echo.Echo
	more      string            // TOML behind the notice's own
	also      string            // further origins
	rights    *visitor.Requests // the centre leads to, if set before pages

	compressed bool // scripts are published in every coding too
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), region: "DE"}
	clock := func() time.Time { return w.now }
	dir := t.TempDir()
	db := dbtest.Open(t, dir)
	w.db = db
	ring, err := consent.OpenKeyring(consent.KeyFolder(filepath.Join(dir, "keys")), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	table, err := regime.Load()
	if err != nil {
		t.Fatal(err)
	}
	cookies, err := visitor.NewCookies(bytes.Repeat([]byte("c"), 64))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	tokens := consent.NewTokens(bytes.Repeat([]byte("t"), 32))
	recorder := consent.NewRecorder(db, ring, consent.RecorderOptions{Now: clock})
	t.Cleanup(func() {
		if err := recorder.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w.directory = &visitor.Directory{Sites: db, Notices: db, Versions: db, Now: clock, Log: log}
	archive := &visitor.Archive{Store: db, Notices: db, Versions: db, Log: log}
	laws := &visitor.Laws{Table: table}
	script := &visitor.Script{Directory: w.directory, Laws: laws, Cookies: cookies, Tokens: tokens, Archive: archive, Now: clock,
		Locate: func(*http.Request) (geo.Region, geo.Source) {
			r, _ := geo.ParseRegion(w.region)
			return r, geo.FromHeader
		}}
	w.script = script
	decisions := &visitor.Decisions{Directory: w.directory, Archive: archive, Laws: laws, Recorder: recorder, Tokens: tokens, Cookies: cookies, Now: clock}
	w.decisions = decisions
	receipts := &visitor.Receipts{Store: db, Directory: w.directory, Keys: ring}
	w.echo = echo.New()
	w.echo.HTTPErrorHandler = func(err error, c echo.Context) { _ = c.String(http.StatusTeapot, err.Error()) }
	w.echo.GET("/b/:file", script.Get)
	w.echo.GET("/b/:site/:file", script.ByDigest)
	w.echo.POST("/v1/sites/:site/decisions", decisions.Post)
	w.echo.GET("/v1/sites/:site/archive/:digest", receipts.Artifact)
	w.echo.GET("/v1/sites/:site/changes", (&visitor.Changes{Directory: w.directory}).Get)

	if err := db.AddSite(t.Context(), site.Site{Key: "shop", Name: "Shop", CreatedAt: w.now}); err != nil {
		t.Fatal(err)
	}
	w.policy("# Privacy\n\nThe first text.\n")
	return w
}

func (w *world) policy(text string, about ...policyversions.Announcement) {
	w.t.Helper()
	draft, err := policyversions.Import([]byte(text), "privacy.md")
	if err != nil {
		w.t.Fatal(err)
	}
	draft.Language = "en"
	for _, a := range about {
		draft.Announcement = a
	}
	p := policyversions.Publisher{Store: w.db, Now: func() time.Time { return w.now }}
	if _, err := p.Publish(w.t.Context(), "shop", "privacy", draft, w.now); err != nil {
		w.t.Fatal(err)
	}
}

// publish publishes a notice with these vendors, "key:category", and these
// words on the accept button.
func (w *world) publish(accept string, vendors ...string) {
	w.t.Helper()
	file := fmt.Sprintf(`
site = "shop"
languages = ["en"]
origins = [%q%s]
policies = ["privacy"]
categories = ["necessary", "preferences", "analytics", "marketing"]
[controller]
name = "Shop Ltd"
address = "1 Street, Town"
contact = "privacy@shop.example"
establishment = "US"
[wording.en]
accept = %q
`, origin, w.also, accept)
	for _, v := range vendors {
		key, category, _ := strings.Cut(v, ":")
		file += fmt.Sprintf("[[vendor]]\nkey = %q\nname = %q\ncategory = %q\ncountry = \"US\"\n", key, key, category)
	}
	n, issues := notice.Parse([]byte(file+w.more), "notice.toml")
	if notice.Failed(issues) {
		w.t.Fatalf("the notice: %v", issues)
	}
	p := publisher(w)
	if _, err := p.Publish(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
	if err := w.directory.Refresh(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(path string, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "https://consent.shop.example"+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	return rec
}

type boot struct {
	T string
	M string
	C string
	A int64
	X int64
	N int64
	U int64
	W int64
	K int64
	H int64
	R int64
	B int64
	F int64
	I string
	Q string
}

var tail = regexp.MustCompile(`\(\{"t":.*\}\);\n$`)

func (w *world) boot(header ...string) boot {
	w.t.Helper()
	rec := w.get("/b/shop.js", header...)
	if rec.Code != http.StatusOK {
		w.t.Fatalf("script: %d %s", rec.Code, rec.Body)
	}
	text := tail.FindString(rec.Body.String())
	var b boot
	if err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimPrefix(text, "("), ");\n")), &b); err != nil {
		w.t.Fatalf("boot %q: %v", text, err)
	}
	return b
}

// decide posts a decision and returns the receipt and the cookie it brought.
func (w *world) decide(id, token string, categories, vendors map[string]bool) (receipt map[string]any, cookie string) {
	w.t.Helper()
	if vendors == nil {
		vendors = map[string]bool{}
	}
	return w.post(map[string]any{"id": id, "token": token, "categories": categories, "vendors": vendors,
		"action": "save", "surface": "settings", "at": w.now.UnixMilli(), "gpc": false, "dnt": false})
}

// decideAfter posts a decision in the place of an earlier one.
func (w *world) decideAfter(id, token, previous string, categories map[string]bool) {
	w.t.Helper()
	w.post(map[string]any{"id": id, "token": token, "categories": categories, "vendors": map[string]bool{}, "previous": previous,
		"action": "save", "surface": "settings", "at": w.now.UnixMilli(), "gpc": false, "dnt": false})
}

// post sends a decision, from a browser with this cookie if there is one.
func (w *world) post(decision map[string]any, before ...string) (receipt map[string]any, cookie string) {
	w.t.Helper()
	body, err := json.Marshal(decision)
	if err != nil {
		w.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, "https://consent.shop.example/v1/sites/shop/decisions", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", origin)
	for _, cookie := range before {
		r.Header.Add("Cookie", cookie)
	}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	if rec.Code != http.StatusCreated {
		w.t.Fatalf("decision: %d %s", rec.Code, rec.Body)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &receipt); err != nil {
		w.t.Fatal(err)
	}
	set := rec.Result().Cookies()
	if len(set) != 1 || set[0].Domain != "shop.example" || !set[0].Secure || set[0].SameSite != http.SameSiteLaxMode || set[0].HttpOnly || set[0].Path != "/" {
		w.t.Fatalf("cookie %v", set)
	}
	return receipt, "volenti=" + set[0].Value
}

func all(answer bool) map[string]bool {
	return map[string]bool{"preferences": answer, "analytics": answer, "marketing": answer}
}

func core(receipt map[string]any) map[string]any { return receipt["core"].(map[string]any) }

func TestAnOlderDecisionHoldsAsLongAsItAnswersEverything(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	receipt, cookie := w.decide("a", w.boot().T, map[string]bool{"preferences": false, "analytics": true, "marketing": true}, map[string]bool{"meta": false})
	if b := w.boot("Cookie", cookie); b.C != "1011.-0" || b.X != 0 || b.I != receipt["id"] {
		t.Fatalf("boot %+v", b)
	}
	w.publish("Yes to all", "meta:marketing", "ga4:analytics")
	if b := w.boot("Cookie", cookie); b.C != "1011.0-" || b.X != 0 || b.I != receipt["id"] {
		t.Errorf("other words, other order: %+v, want the decision in the new order", b)
	}
	w.publish("Yes to all", "meta:marketing", "ga4:analytics", "ads:marketing")
	if b := w.boot("Cookie", cookie); b.C != "1011.0-_" || b.F != 1 || b.X != 0 || !w.asks(cookie) {
		t.Errorf("a vendor nobody was asked about: %+v, want it to be open, and asked for", b)
	}
	w.publish("Yes to all", "meta:marketing", "ga4:analytics", "film:preferences")
	if b := w.boot("Cookie", cookie); b.C != "1011.0--" || w.asks(cookie) {
		t.Errorf("a vendor in a refused category: %+v, want nobody to be asked", b)
	}
	w.publish("Yes to all", "meta:marketing")
	if b := w.boot("Cookie", cookie); b.C != "1011.0" || b.F != 0 || w.asks(cookie) {
		t.Errorf("a vendor less: %+v, want nobody to be asked", b)
	}
}

// asks reports whether a visitor with this cookie gets the first layer.
func (w *world) asks(cookie string) bool {
	w.t.Helper()
	return strings.Contains(w.get("/b/shop.js", "Cookie", cookie).Body.String(), "volenti-banner")
}

func TestATokenOfAnEarlierPublicationCanBeAnswered(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics")
	before := w.boot()
	first, _ := w.decide("a", before.T, all(true), nil)
	w.policy("# Privacy\n\nThe second text.\n")
	w.publish("Accept everything", "ga4:analytics", "meta:marketing")

	// The page was open meanwhile: it answers what it was shown.
	second, _ := w.decide("b", before.T, all(false), nil)
	third, _ := w.decide("c", w.boot().T, all(false), nil)
	for _, member := range []string{"experience", "notice"} {
		if core(second)[member] != core(first)[member] || core(third)[member] == core(first)[member] {
			t.Errorf("%s: %v, %v, %v; want the second as the first, the third another", member, core(first)[member], core(second)[member], core(third)[member])
		}
	}
	number := func(receipt map[string]any) any {
		return core(receipt)["policies"].(map[string]any)["privacy"].(map[string]any)["number"]
	}
	if number(second) != 1.0 || number(third) != 2.0 {
		t.Errorf("policy versions %v and %v, want 1 and 2", number(second), number(third))
	}
}

// Everything a receipt names by digest can be had, and is what the digest says.
func TestWhatAReceiptNamesIsInTheArchive(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics")
	receipt, _ := w.decide("a", w.boot().T, all(true), nil)
	fetch := func(digest string) []byte {
		rec := w.get("/v1/sites/shop/archive/" + digest)
		if rec.Code != http.StatusOK || string(canonical.Sum(rec.Body.Bytes())) != digest {
			t.Fatalf("%s: %d, %d bytes", digest, rec.Code, rec.Body.Len())
		}
		return rec.Body.Bytes()
	}
	var x notice.Experience
	if err := json.Unmarshal(fetch(core(receipt)["experience"].(string)), &x); err != nil {
		t.Fatal(err)
	}
	for _, d := range []canonical.Digest{x.Notice, x.Wording, x.Script, x.Tags, x.Law, x.Policies["privacy"]} {
		fetch(string(d))
	}
	served := w.get("/b/shop.js").Body.Bytes()
	if !bytes.HasPrefix(served, fetch(string(x.Script))) {
		t.Error("the archived script is not what is served")
	}
}

func TestTravelling(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	w.region = "US-TX"
	tx := w.boot()
	if tx.M != "-noo" {
		t.Fatalf("models in Texas: %s", tx.M)
	}
	_, cookie := w.decide("a", tx.T, all(true), nil)
	w.region = "DE"
	if b := w.boot("Cookie", cookie); b.C != "1---.--" || !strings.Contains(w.get("/b/shop.js", "Cookie", cookie).Body.String(), "volenti-banner") {
		t.Errorf("what was on in Texas counts in Germany, or is not asked: %+v", b)
	}
	_, cookie = w.decide("b", w.boot().T, all(true), nil)
	w.region = "US-TX"
	if b := w.boot("Cookie", cookie); b.C != "1111.--" || b.X != 0 {
		t.Errorf("a German consent in Texas: %+v", b)
	}
}

func TestTheScriptIsTheSameInEveryCoding(t *testing.T) {
	w := newWorld(t)
	w.compressed = true
	w.publish("Accept all", "ga4:analytics")
	plain := w.get("/b/shop.js").Body.String()
	for coding, open := range map[string]func(io.Reader) (io.Reader, error){
		"br":   func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		rec := w.get("/b/shop.js", "Accept-Encoding", coding)
		if rec.Header().Get("Content-Encoding") != coding {
			t.Fatalf("%s: encoded as %q", coding, rec.Header().Get("Content-Encoding"))
		}
		r, err := open(rec.Body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != plain {
			t.Errorf("%s: %d bytes of %d, %v", coding, len(got), len(plain), err)
		}
	}
}

// No caching header may tell visitors apart: no tracking by ETags.
func TestCachingHeadersIdentifyNobody(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	fresh := w.get("/b/shop.js")
	tag := fresh.Header().Get("ETag")
	if tag == "" || w.get("/b/shop.js").Header().Get("ETag") != tag {
		t.Error("two visitors of one bucket get two tags")
	}
	if rec := w.get("/b/shop.js", "If-None-Match", `W/"x", `+tag); rec.Code != http.StatusNotModified || rec.Body.Len() != 0 {
		t.Errorf("the same again: %d", rec.Code)
	}
	_, one := w.decide("a", w.boot().T, all(true), nil)
	w.now = w.now.Add(3 * time.Second)
	_, two := w.decide("b", w.boot().T, all(true), nil)
	a, b := w.get("/b/shop.js", "Cookie", one), w.get("/b/shop.js", "Cookie", two)
	if a.Body.String() == b.Body.String() {
		t.Fatal("both decisions have one time: the test shows nothing")
	}
	if a.Header().Get("ETag") != b.Header().Get("ETag") || a.Header().Get("ETag") == tag {
		t.Errorf("tags %s and %s", a.Header().Get("ETag"), b.Header().Get("ETag"))
	}
	_, apart := w.decide("c", w.boot().T, all(true), map[string]bool{"meta": false})
	rec := w.get("/b/shop.js", "Cookie", apart)
	if rec.Header().Get("ETag") != "" || rec.Header().Get("Cache-Control") != "private, no-store" {
		t.Errorf("choices by vendor: ETag %q, Cache-Control %q", rec.Header().Get("ETag"), rec.Header().Get("Cache-Control"))
	}
	for name := range a.Header() {
		if name == "Set-Cookie" || name == "Last-Modified" {
			t.Errorf("the script carries %s", name)
		}
	}
	w.now = w.now.Add(10 * time.Minute)
	if w.get("/b/shop.js").Header().Get("ETag") == tag {
		t.Error("the tag outlives its bucket")
	}
}

func TestLawChangesWithTheDay(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics")
	w.region = "US-OK"
	w.now = time.Date(2026, 12, 31, 23, 59, 0, 0, time.UTC)
	if !strings.Contains(w.boot().T, ".us-other.") {
		t.Errorf("the day before: %s", w.boot().T)
	}
	w.now = w.now.Add(time.Minute)
	if !strings.Contains(w.boot().T, ".us-ok-ocdpa.") {
		t.Errorf("the day of: %s", w.boot().T)
	}
}

// A site's settings count without another publication.
func TestTheDayIsThatOfTheSiteAsItIsNow(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics")
	w.region = "US-OK"
	w.now = time.Date(2026, 12, 31, 20, 0, 0, 0, time.UTC)
	if !strings.Contains(w.boot().T, ".us-other.") {
		t.Errorf("the day before: %s", w.boot().T)
	}
	s, err := w.db.Site(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	s.TimeZone = "Asia/Tokyo"
	if err := w.db.ChangeSite(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if err := w.directory.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(w.boot().T, ".us-ok-ocdpa.") {
		t.Errorf("it is next year there: %s", w.boot().T)
	}
}
