package admin

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/store"
)

// benchmarkReceipts is how many receipts the pages are measured with:
// VOLENTI_BENCH_RECEIPTS, 100,000 unless said. VOLENTI_BENCH_DATA is a data folder
// that is filled once and kept, for millions.
func benchmarkReceipts(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("VOLENTI_BENCH_RECEIPTS"))
	if err != nil {
		return 100_000
	}
	return n
}

// withReceipts is a database with that many receipts.
func withReceipts(b *testing.B) (*store.DB, *consent.Keyring, int) {
	b.Helper()
	folder := os.Getenv("VOLENTI_BENCH_DATA")
	if folder == "" {
		folder = b.TempDir()
	}
	db, err := store.Open(b.Context(), filepath.Join(folder, "volenti.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	keyring, err := consent.OpenKeyring(consent.KeyFolder(filepath.Join(folder, "keys")), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	n := benchmarkReceipts(b)
	fill(b, db, keyring, n)
	return db, keyring, n
}

// BenchmarkPages is the pages of a site that has many receipts, as the handler
// makes them: no page reads more the more is kept.
func BenchmarkPages(b *testing.B) {
	db, keyring, n := withReceipts(b)
	w := newWorld(b, func(c *Console) {
		c.Sites, c.Notices, c.Versions, c.Records = db, db, db, db
		c.Insight.Store, c.Insight.Keys = db, keyring.Public
		withRequests(c)
		c.Requests.Store, c.Requests.Records = db, db
		c.Transparency = Transparency{Store: db, Keys: func() ([]string, error) { return nil, nil }}
	})
	who := w.as(w.operator(operator.Owner))
	newest, err := db.SearchRecords(b.Context(), consent.Search{Site: "shop", Limit: 1})
	if err != nil {
		b.Fatal(err)
	}
	rare, err := db.SearchRecords(b.Context(), consent.Search{Site: "shop", Region: "LI", Limit: 100})
	if err != nil || len(rare) == 0 {
		b.Fatal(len(rare), err)
	}
	middle := rare[len(rare)/2]
	from := noon.AddDate(0, 0, -364).Format(time.DateOnly)
	for _, page := range []struct{ name, path string }{
		{"home", "/admin"},
		{"overview of 28 days", "/admin/sites/shop"},
		{"overview of 90 days", "/admin/sites/shop?period=90"},
		{"overview of a year", "/admin/sites/shop?period=own&from=" + from + "&to=2026-11-21"},
		{"receipts", "/admin/sites/shop/receipts"},
		{"receipts far behind", fmt.Sprintf("/admin/sites/shop/receipts?before=%d-%d", middle.ReceivedAt, middle.Index)},
		{"receipts of a rare region", "/admin/sites/shop/receipts?region=LI"},
		{"receipts refused in Germany without analytics", "/admin/sites/shop/receipts?region=DE&outcome=refused&category=analytics&choice=without"},
		{"receipts without marketing on a day", "/admin/sites/shop/receipts?category=marketing&choice=without&from=2026-10-02&to=2026-10-02"},
		{"receipts nobody made", "/admin/sites/shop/receipts?region=US-CA&outcome=shared"},
		{"one receipt", "/admin/sites/shop/receipts/" + newest[0].ReceiptID},
		{"acts", "/admin/log"},
		{"transparency log", "/admin/log/entries"},
		{"transparency log of a site", "/admin/sites/shop/log/entries"},
		{"transparency log far behind", fmt.Sprintf("/admin/log/entries?below=%d", middle.Index)},
		{"entry of the log with its proof", fmt.Sprintf("/admin/log/entries/%d", middle.Index)},
		{"requests", "/admin/sites/shop/requests"},
	} {
		b.Run(page.name, func(b *testing.B) {
			for b.Loop() {
				if got := who.get(page.path); got.code != http.StatusOK {
					b.Fatal(page.path, got.code, got.body)
				}
			}
			b.ReportMetric(float64(n), "receipts")
		})
	}
}

// BenchmarkReach is what a publication dialog says of visitors.
func BenchmarkReach(b *testing.B) {
	db, _, n := withReceipts(b)
	w := newWorld(b, func(c *Console) { c.Insight.Store = db })
	for b.Loop() {
		if got, err := w.console.reach(b.Context(), "shop", 6, noon); err != nil || got.None() {
			b.Fatal(got, err)
		}
	}
	b.ReportMetric(float64(n), "receipts")
}

// fill brings site shop to n receipts over the 120 days before noon.
func fill(tb testing.TB, db *store.DB, keys consent.Signer, n int) {
	tb.Helper()
	_ = db.AddSite(tb.Context(), site.Site{Key: "shop", Name: "The shop", TimeZone: "Europe/Vienna", CreatedAt: noon.AddDate(0, -6, 0)})
	head, err := db.Head(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	have := int(head.Size)
	var next atomic.Int64
	next.Store(int64(have))
	span := 120 * 24 * time.Hour
	at := func(i int64) time.Time {
		return noon.Add(-span).Add(time.Duration(float64(span) * float64(i) / float64(max(n, 1))))
	}
	recorder := consent.NewRecorder(db, keys, consent.RecorderOptions{Now: func() time.Time { return at(min(next.Load(), int64(n))) }})
	var wg sync.WaitGroup
	for worker := range 128 {
		wg.Go(func() {
			r := mathrand.New(mathrand.NewPCG(uint64(worker), uint64(have)))
			last := ""
			for {
				i := next.Add(1) - 1
				if i >= int64(n) {
					return
				}
				got, err := recorder.Record(tb.Context(), likelyDraft(r, fmt.Sprint("made-", i), last, at(i)))
				if err != nil {
					tb.Error(err)
					return
				}
				if last = ""; r.IntN(9) == 0 {
					last = got.Entry.ReceiptID
				}
			}
		})
	}
	wg.Wait()
	if err := recorder.Close(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// likelyDraft is a decision as they come in a shop of Central Europe.
func likelyDraft(r *mathrand.Rand, id, previous string, at time.Time) consent.Draft {
	weighted := func(of map[string]int, order []string) string {
		sum := 0
		for _, key := range order {
			sum += of[key]
		}
		k := r.IntN(sum)
		for _, key := range order {
			if k -= of[key]; k < 0 {
				return key
			}
		}
		return order[0]
	}
	regions := map[string]int{"DE": 400, "AT": 220, "CH": 120, "FR": 90, "IT": 60, "US-CA": 40, "US-NY": 30, "GB": 30, "NL": 25, "ES": 20, "PL": 12, "BR": 8, "LI": 1, "": 5}
	region := weighted(regions, []string{"DE", "AT", "CH", "FR", "IT", "US-CA", "US-NY", "GB", "NL", "ES", "PL", "BR", "LI", ""})
	language := map[string]string{"DE": "de", "AT": "de", "CH": "de", "LI": "de", "FR": "fr"}[region]
	if language == "" {
		language = "en"
	}
	likely := map[string]int{"FR": 38, "DE": 52, "AT": 57, "IT": 66, "US-CA": 71}[region]
	if likely == 0 {
		likely = 60
	}
	x := notice.Experience{Site: "shop", Language: language, Policies: map[string]canonical.Digest{}}
	for _, d := range []*canonical.Digest{&x.Notice, &x.Wording, &x.Tags, &x.Law} {
		*d = canonical.Sum([]byte("shown"))
	}
	x.Script = canonical.Sum([]byte("script " + language))
	b, err := x.Encode()
	if err != nil {
		panic(err)
	}
	n := &notice.Notice{Site: "shop", Validity: 6, Controller: notice.Controller{Name: "The Shop GmbH"}}
	for _, key := range []string{"preferences", "analytics", "marketing"} {
		n.Categories = append(n.Categories, notice.Category{Key: key, Like: key})
	}
	d := consent.Decision{ID: id, Token: "t", Previous: previous, At: at.UnixMilli(), Surface: consent.OnBanner, Action: consent.Save,
		GPC: r.IntN(100) < map[string]int{"US-CA": 22}[region]+3, Categories: map[string]bool{"preferences": false, "analytics": false, "marketing": false}}
	switch k := r.IntN(100); {
	case previous != "" && k < 30:
		d.Action, d.Surface = consent.Withdraw, consent.OnSettings
	case k < likely-8:
		d.Action = consent.AcceptAll
		d.Categories = map[string]bool{"preferences": true, "analytics": true, "marketing": true}
	case k < likely+4:
		d.Surface = consent.OnSettings
		d.Categories["analytics"] = true
		d.Categories["preferences"] = k%2 == 0
	default:
		d.Action = consent.RejectAll
		if k > 97 {
			d.Surface = consent.OnPage
		}
	}
	draft, err := consent.Prepare(d, consent.Question{
		Served:     consent.Served{Site: "shop", Experience: canonical.Sum(b), Law: "eu-gdpr", Region: region, Source: "database", Bucket: consent.BucketOf(at)},
		Experience: x, LawTable: "2026-11-21", Notice: n, Models: map[string]regime.Model{"preferences": regime.OptIn, "analytics": regime.OptIn, "marketing": regime.OptIn},
		Artifacts: []consent.Artifact{{Digest: canonical.Sum(b), Kind: "experience", Bytes: b}},
	})
	if err != nil {
		panic(err)
	}
	return draft
}
