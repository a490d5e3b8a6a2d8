package edge

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// lampPage is a page as shops have them: a head, an icon, products, scripts of
// their own, and a vendor's tag now and then.
func lampPage(size int) []byte {
	var b bytes.Buffer
	b.WriteString(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Lamps</title><link rel="stylesheet" href="/style.css"><style>p{margin:0}a>b{color:red}</style></head><body>`)
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `<article class="product" id="p%d"><a href="/lamps/%d?from=list&amp;sort=price"><img src="/img/%d.jpg" srcset="/img/%[1]d@2x.jpg 2x" alt="Lamp %d" width="200" height="200" loading="lazy"></a><h2>Lamp %[1]d</h2><p>A lamp of brass and glass, for tables and for shelves.</p><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M1 1h14v14H1z"/></svg><button type="button" data-id="%[1]d" onclick="add(%[1]d)">Buy</button></article>`, i, i, i, i)
		switch i % 40 {
		case 0:
			fmt.Fprintf(&b, `<script>for (let i = 0; i < %d; i++) { cart.push({ id: i, url: "/lamps/" + i }); }</script>`, i)
		case 20:
			b.WriteString(`<img src="https://tracker.example/p.gif" width=1 height=1 alt=""><script async src="https://tracker.example/t.js"></script>`)
		}
	}
	b.WriteString("</body></html>")
	return b.Bytes()
}

func BenchmarkWriter(b *testing.B) {
	page := lampPage(256 << 10)
	p := shopPage(b, Nothing{})
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		w := newWriter(io.Discard, p, nil)
		_, _ = w.Write(page)
		_ = w.Close()
	}
}

func BenchmarkHandler(b *testing.B) {
	page := lampPage(256 << 10)
	p := shopPage(b, Nothing{})
	site := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write(page[:16<<10])
		w.(http.Flusher).Flush()
		_, _ = w.Write(page[16<<10:])
	})
	gate := New(Options{Decide: func(*http.Request) Decision { return Decision{Rules: p.judge, Script: "/b/shop.js"} }})(site)
	for name, h := range map[string]http.Handler{"plain": site, "gate": gate} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			var first time.Duration
			for b.Loop() {
				w := &firstByte{begun: time.Now(), header: http.Header{}}
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
				first += w.first
			}
			b.ReportMetric(float64(first.Microseconds())/float64(b.N), "µs-to-first-byte")
		})
	}
}

type firstByte struct {
	begun  time.Time
	first  time.Duration
	header http.Header
}

func (w *firstByte) Header() http.Header { return w.header }
func (w *firstByte) WriteHeader(int)     {}
func (w *firstByte) Flush()              {}
func (w *firstByte) Write(p []byte) (int, error) {
	if w.first == 0 {
		w.first = time.Since(w.begun)
	}
	return len(p), nil
}
