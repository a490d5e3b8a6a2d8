package visitor_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkPost records decisions of 64 who wait for their receipts, from the request's
// body to the answer's, without what HTTP itself takes.
//
//	go test ./server/visitor -run '^$' -bench Post -benchtime 30000x -benchmem
func BenchmarkPost(b *testing.B) {
	w := newWorld(b)
	w.publish("Accept all", "ga4:analytics", "meta:marketing", "matomo:analytics")
	const id = "0000000000000-000-00000000"
	body := fmt.Sprintf(`{"id":%q,"token":%q,"categories":{"preferences":true,"analytics":%%t,"marketing":false},"vendors":{},"action":"save","surface":"banner","at":%d,"gpc":false,"dnt":false}`,
		id, w.boot().T, w.now.UnixMilli())
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for writer := range 64 {
		all.Go(func() {
			before, after, _ := strings.Cut(fmt.Sprintf(body, writer%2 == 0), id)
			var text []byte
			var sent bytes.Reader
			r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "https://consent.shop.example/v1/sites/shop/decisions", nil)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Origin", origin)
			answer := &discarded{header: http.Header{}}
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				text = fmt.Appendf(append(text[:0], before...), "%d-%03d-%08d%s", time.Now().UnixMilli(), writer, n, after)
				sent.Reset(text)
				r.Body, r.ContentLength = io.NopCloser(&sent), int64(len(text))
				clear(answer.header)
				if w.echo.ServeHTTP(answer, r); answer.status != http.StatusCreated {
					b.Errorf("decision: %d", answer.status)
					return
				}
			}
		})
	}
	all.Wait()
}

// discarded is an answer of which nobody keeps the body.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) WriteHeader(status int)      { d.status = status }
func (d *discarded) Write(p []byte) (int, error) { return len(p), nil }
