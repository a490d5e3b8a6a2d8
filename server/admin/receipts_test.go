package admin

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
)

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
