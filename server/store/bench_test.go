package store

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store/storetest"
)

// BenchmarkAppend is the store alone: sealed entries in batches.
func BenchmarkAppend(b *testing.B) {
	for _, e := range durable {
		for _, size := range []int{1, 64, 256} {
			b.Run(fmt.Sprintf("%s/%d", e.name, size), func(b *testing.B) { benchmarkAppend(b, size, opened(b, e.new(b), Options{})) })
		}
	}
}

// durable are engines that keep what they acknowledge, as they do in earnest.
var durable = []engine{
	engines[0],
	{"postgres", func(t testing.TB) string {
		durableServer.once.Do(func() { durableServer.Server, durableServer.err = storetest.Start(true) })
		if durableServer.err != nil {
			t.Skip(durableServer.err)
		}
		return durableServer.Database(t)
	}},
}

var durableServer struct {
	*storetest.Server
	once sync.Once
	err  error
}

func benchmarkAppend(b *testing.B, size int, db *DB) {
	withSites(b, db, "shop")
	var batches [][]*consent.Entry
	for i := range (b.N + size - 1) / size {
		var drafts []consent.Draft
		for j := range size {
			drafts = append(drafts, draft(b, "shop", fmt.Sprintf("%d-%d", i, j), ""))
		}
		batches = append(batches, entriesOf(b, drafts...))
	}
	b.ResetTimer()
	for _, batch := range batches {
		if err := db.AppendRecords(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(batches)*size)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkRecord is the whole way of a decision that was judged: sealed, signed,
// committed, answered with its receipt.
func BenchmarkRecord(b *testing.B) {
	for _, e := range durable {
		for _, writers := range []int{1, 16, 64, 256} {
			b.Run(fmt.Sprintf("%s/%d", e.name, writers), func(b *testing.B) { benchmarkRecord(b, writers, opened(b, e.new(b), Options{})) })
		}
	}
}

func benchmarkRecord(b *testing.B, writers int, db *DB) {
	withSites(b, db, "shop")
	r := consent.NewRecorder(db, signer{}, consent.RecorderOptions{})
	drafts := make([]consent.Draft, b.N)
	for i := range drafts {
		drafts[i] = draft(b, "shop", fmt.Sprint(i), "")
	}
	b.ResetTimer()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(drafts) {
					return
				}
				if _, err := r.Record(b.Context(), drafts[i]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	if err := r.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkEntry reads receipts from among many.
func BenchmarkEntry(b *testing.B) {
	db := openedSQLite(b, filepath.Join(b.TempDir(), "volenti.db"))
	withSites(b, db, "shop")
	var drafts []consent.Draft
	for i := range 2000 {
		drafts = append(drafts, draft(b, "shop", fmt.Sprint(i), ""))
	}
	entries := entriesOf(b, drafts...)
	if err := db.AppendRecords(b.Context(), entries); err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		if _, err := db.Entry(b.Context(), "shop", entries[i%len(entries)].ReceiptID); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkAudit replays a log of ordinary records.
func BenchmarkAudit(b *testing.B) {
	const n = 20_000
	db := openedSQLite(b, filepath.Join(b.TempDir(), "volenti.db"))
	withSites(b, db, "shop")
	for i := range n / 500 {
		var drafts []consent.Draft
		for j := range 500 {
			drafts = append(drafts, draft(b, "shop", fmt.Sprintf("%d-%d", i, j), ""))
		}
		if err := db.AppendRecords(b.Context(), entriesOf(b, drafts...)); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	b.ReportAllocs()
	for b.Loop() {
		a, err := db.Audit(b.Context(), signer{}.keys())
		if err != nil || len(a.Findings) != 0 || a.Records != n {
			b.Fatal(a, err)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
