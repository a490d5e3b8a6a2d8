package admin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// nowhere takes an answer and forgets it.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header             { return n.header }
func (nowhere) WriteHeader(int)                   {}
func (nowhere) Write(b []byte) (int, error)       { return len(b), nil }
func (nowhere) Flush()                            {}
func (nowhere) WriteString(s string) (int, error) { return len(s), nil }

// However many receipts are exported, one batch of them is held: 20,000, or a million by
//
//	VOLENTI_EXPORT=1000000 go test ./server/admin -run ExportHolds -v
func TestAnExportHoldsOneBatch(t *testing.T) {
	w, owner := busyWorld(t, 40)
	batches := 40
	if n, err := strconv.Atoi(os.Getenv("VOLENTI_EXPORT")); err == nil {
		batches = n / exportBatch
	}
	counting := &countingStore{InsightStore: w.console.Insight.Store, entries: w.entries()}
	w.console.Insight.Store = counting
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early, late uint64
	counting.asked = func(n int) {
		switch n {
		case 5:
			early = live()
		case batches:
			late = live()
			cancel()
		}
	}
	for _, format := range []string{"csv", "json"} {
		counting.n = 0
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "https://consent.example.com/admin/sites/shop/receipts/export", strings.NewReader(url.Values{"format": {format}, "token": {owner.token}}.Encode()))
		r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}}
		for _, cookie := range owner.cookies {
			r.AddCookie(cookie)
		}
		func() {
			defer func() { _ = recover() }() // it is broken off
			w.handler.ServeHTTP(nowhere{http.Header{}}, r)
		}()
		if counting.n != batches || late > early+4<<20 {
			t.Errorf("%s: %d batches, %d bytes held after 5 and %d at the end", format, counting.n, early, late)
		}
		t.Logf("%s: %d receipts, %d KiB held after 5 batches and %d KiB at the end", format, counting.n*exportBatch, early>>10, late>>10)
		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
	}
}
