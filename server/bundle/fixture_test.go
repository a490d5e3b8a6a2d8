package bundle

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/banner"
	"github.com/volenti-consent/volenti/geo"
	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/splice"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/store/dbtest"
	"github.com/volenti-consent/volenti/server/visitor"
	"github.com/volenti-consent/volenti/web"
)

const shopOrigin = "https://www.shop.example"

// A world is a server, real but for region and clock, and what makes its bundles.
type world struct {
	t      *testing.T
	now    time.Time
	region string
	chance int // what draws trials
	db     *store.DB
	echo   *echo.Echo
	ring   *consent.Keyring
	pages  *web.Renderer
	dir    *visitor.Directory
	maker  *Maker
	logKey *auditlog.LogKey
	style  func(short string) []byte
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), region: "DE"}
	clock := func() time.Time { return w.now }
	folder := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.db = dbtest.Open(t, folder)
	w.ring, err = consent.OpenKeyring(consent.KeyFolder(filepath.Join(folder, "keys")), rand.Reader)
	must(err)
	table, err := regime.Load()
	must(err)
	cookies, err := visitor.NewCookies(bytes.Repeat([]byte("c"), 64))
	must(err)
	w.pages, err = web.New()
	must(err)
	w.style = w.pages.Stylesheet
	key, err := auditlog.NewLogKey("consent.shop.example/log", rand.Reader)
	must(err)
	log := slog.New(slog.DiscardHandler)
	tokens := consent.NewTokens(bytes.Repeat([]byte("t"), 32))
	recorder := consent.NewRecorder(w.db, w.ring, consent.RecorderOptions{Now: clock})
	t.Cleanup(func() {
		if err := recorder.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	})
	w.dir = &visitor.Directory{Sites: w.db, Notices: w.db, Versions: w.db, Now: clock, Log: log}
	archive := &visitor.Archive{Store: w.db, Notices: w.db, Versions: w.db, Log: log, Style: func(short string) []byte { return w.style(short) }}
	laws := &visitor.Laws{Table: table}
	script := &visitor.Script{Directory: w.dir, Laws: laws, Cookies: cookies, Tokens: tokens, Archive: archive, Now: clock,
		Chance: func(int) int { return w.chance },
		Locate: func(*http.Request) (geo.Region, geo.Source) {
			r, _ := geo.ParseRegion(w.region)
			return r, geo.FromHeader
		}}
	decisions := &visitor.Decisions{Directory: w.dir, Archive: archive, Laws: laws, Recorder: recorder, Tokens: tokens, Cookies: cookies, Now: clock}
	choices := &visitor.ChoicesPage{Script: script, Decisions: decisions, Store: w.db, Web: w.pages}
	w.echo = echo.New()
	w.echo.HTTPErrorHandler = func(err error, c echo.Context) { _ = c.String(http.StatusTeapot, err.Error()) }
	w.echo.GET("/b/:file", script.Get)
	w.echo.GET("/b/:site/:file", script.ByDigest)
	w.echo.POST("/v1/sites/:site/decisions", decisions.Post)
	w.echo.GET("/v1/sites/:site/changes", (&visitor.Changes{Directory: w.dir}).Get)
	w.echo.GET("/privacy/:site/choices", choices.Get)
	w.echo.POST("/privacy/:site/choices", choices.Post)
	w.echo.GET("/assets/*", echo.WrapHandler(w.pages.Assets()))
	must(w.db.AddSite(t.Context(), site.Site{Key: "shop", Name: "Shop", CreatedAt: w.now}))
	w.logKey = key
	w.maker = &Maker{Records: w.db, Scripts: w.db, Versions: w.db, Prove: w.prove(key), LogKey: key.VerifierKey(), Keys: w.ring.Public, Tokens: tokens}
	return w
}

// prove is what the log does: a proof to a checkpoint of all there is.
func (w *world) prove(key *auditlog.LogKey) func(context.Context, int64) ([]byte, error) {
	return func(ctx context.Context, index int64) ([]byte, error) {
		head, err := w.db.Head(ctx)
		if err != nil {
			return nil, err
		}
		c, err := key.Sign(head, w.now)
		if err != nil {
			return nil, err
		}
		hashes, err := auditlog.ProveInclusion(w.db.Hashes(ctx), head, index)
		return auditlog.Proof{Index: index, Hashes: hashes, Checkpoint: c.Note}.Encode(), err
	}
}

// policy publishes a text, and a translation of it.
func (w *world) policy(text, german string, about ...policyversions.Announcement) {
	w.t.Helper()
	var drafts []policyversions.Draft
	for language, text := range map[string]string{"en": text, "de": german} {
		d, err := policyversions.Import([]byte(text), "privacy.md")
		if err != nil {
			w.t.Fatal(err)
		}
		d.Language = language
		drafts = append(drafts, d)
	}
	if drafts[0].Language != "en" {
		drafts[0], drafts[1] = drafts[1], drafts[0]
	}
	for _, a := range about {
		drafts[0].Announcement = a
	}
	p := policyversions.Publisher{Store: w.db, Now: func() time.Time { return w.now }}
	if _, err := p.PublishTexts(w.t.Context(), "shop", "privacy", "cli", w.now, drafts[0], drafts[1]); err != nil {
		w.t.Fatal(err)
	}
	w.refresh()
}

func (w *world) refresh() {
	w.t.Helper()
	if err := w.dir.Refresh(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// notice publishes one in English, German and Arabic, with a trial.
func (w *world) notice(more string) {
	w.t.Helper()
	n, issues := notice.Parse([]byte(`
site = "shop"
languages = ["en", "de", "ar"]
origins = ["`+shopOrigin+`"]
policies = ["privacy"]
posture = "floor"
categories = ["necessary", "preferences", "analytics", "marketing"]
[controller]
name = "Shop Ltd"
address = "1 Street, Town"
contact = "privacy@shop.example"
establishment = "US"
[[vendor]]
key = "meta"
name = "Meta"
category = "marketing"
country = "US"
[[vendor]]
key = "ga4"
name = "Analytics"
category = "analytics"
country = "US"
`+more), "notice.toml")
	if notice.Failed(issues) {
		w.t.Fatalf("the notice: %v", issues)
	}
	p := notice.Publisher{Store: w.db, Compiler: compiler{}, Fairness: fair{}, Compress: bare, Now: func() time.Time { return w.now }}
	if _, err := p.Publish(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
	w.refresh()
}

// What costs time and is not what these tests are about: each notice is compiled
// once, nothing is compressed, and every banner is fair.
type compiler struct{}

var compiled sync.Map // by digest of the notice, sync.OnceValues

func (compiler) Compile(n *notice.Notice, wordings map[string]notice.Wording) ([]notice.Script, error) {
	b, err := n.Encode()
	if err != nil {
		return nil, err
	}
	once, _ := compiled.LoadOrStore(canonical.Sum(b), sync.OnceValues(func() ([]notice.Script, error) { return banner.Compiler{}.Compile(n, wordings) }))
	return once.(func() ([]notice.Script, error))()
}

func bare([]byte) (splice.Encoded, error) { return splice.Encoded{}, nil }

type fair struct{}

func (fair) Inspect(context.Context, *notice.Notice, map[string]notice.Wording, []notice.Script) ([]notice.Issue, error) {
	return nil, nil
}

func (w *world) get(path string, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "https://consent.shop.example"+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		w.t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
	}
	return rec
}

var (
	callOf  = regexp.MustCompile(`\((\{"t":.*\})\);\n$`)
	tokenIn = regexp.MustCompile(`"t":"([^"]+)"`)
)

// asked is what a visitor got: the whole answer, the script in it, the boot behind it.
type asked struct {
	script []byte
	boot   map[string]any
	token  string
}

func (w *world) ask(header ...string) asked {
	w.t.Helper()
	body := w.get("/b/shop.js", header...).Body.Bytes()
	at := callOf.FindSubmatchIndex(body)
	if at == nil {
		w.t.Fatal("there is no call behind the script")
	}
	a := asked{script: body[:at[0]], token: string(tokenIn.FindSubmatch(body)[1])}
	if err := json.Unmarshal(body[at[2]:at[3]], &a.boot); err != nil {
		w.t.Fatal(err)
	}
	return a
}

// decide sends a decision and returns its receipt.
func (w *world) decide(a asked, change map[string]any, header ...string) (id string, receipt []byte, cookie string) {
	w.t.Helper()
	d := map[string]any{"id": rand.Text(), "token": a.token, "categories": map[string]bool{"preferences": true, "analytics": true, "marketing": false},
		"vendors": map[string]bool{}, "action": "save", "surface": "settings", "at": w.now.UnixMilli(), "gpc": false, "dnt": false}
	for k, v := range change {
		d[k] = v
	}
	body, err := json.Marshal(d)
	if err != nil {
		w.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, "https://consent.shop.example/v1/sites/shop/decisions", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", shopOrigin)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	if rec.Code != http.StatusCreated {
		w.t.Fatalf("decision: %d %s", rec.Code, rec.Body)
	}
	for _, c := range rec.Result().Cookies() {
		if c.Name == "volenti" {
			cookie = "volenti=" + c.Value
		}
	}
	var r2 struct{ ID string }
	if err := json.Unmarshal(rec.Body.Bytes(), &r2); err != nil {
		w.t.Fatal(err)
	}
	return r2.ID, rec.Body.Bytes(), cookie
}

var (
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
)

// choose answers on the server's page, without script.
func (w *world) choose() (id string) {
	w.t.Helper()
	page := w.get("/privacy/shop/choices?lang=de").Body.String()
	form := url.Values{"action": {"reject_all"}}
	for _, found := range hidden.FindAllStringSubmatch(page, -1) {
		form.Set(found[1], strings.NewReplacer("&#43;", "+", "&amp;", "&").Replace(found[2]))
	}
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, "https://consent.shop.example/privacy/shop/choices", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", "https://consent.shop.example")
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	if rec.Code != http.StatusSeeOther {
		w.t.Fatalf("the form: %d %s", rec.Code, rec.Body)
	}
	to, err := url.Parse(rec.Header().Get("Location"))
	if err != nil {
		w.t.Fatal(err)
	}
	return to.Query().Get("receipt")
}

// files are the files of a bundle, which holds.
func (w *world) files(id string) Files {
	w.t.Helper()
	f, err := w.maker.Files(w.t.Context(), "shop", id)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}
