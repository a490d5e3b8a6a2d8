package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// BenchmarkGrowth says what a receipt costs when many are there already, beside what it
// costs in an empty database, by turns in one run: sealed, signed, committed and answered
// by 64 writers, at every power of ten up to VOLENTI_BENCH_RECEIPTS (100,000), to which it
// fills a database. VOLENTI_BENCH_DATABASE is one that is there and may grow, with a site
// shop; then it is measured as large as it is.
//
//	VOLENTI_BENCH_RECEIPTS=1000000 go test ./server/store -run '^$' -bench Growth -benchtime 5x -timeout 2h
func BenchmarkGrowth(b *testing.B) {
	path := os.Getenv("VOLENTI_BENCH_DATABASE")
	most, err := strconv.Atoi(os.Getenv("VOLENTI_BENCH_RECEIPTS"))
	if err != nil {
		most = 100_000
	}
	if path != "" {
		db := openedSQLite(b, path)
		b.Run(fmt.Sprint(db.head.Size), func(b *testing.B) { benchmarkBeside(b, db) })
		return
	}
	db := openedSQLite(b, filepath.Join(b.TempDir(), "large.db"))
	withSites(b, db, "shop")
	for size := 1000; size <= most; size *= 10 {
		if missing := size - int(db.head.Size); missing > 0 {
			record64(b, db, missing)
		}
		b.Run(fmt.Sprint(size), func(b *testing.B) { benchmarkBeside(b, db) })
	}
}

const measured = 5000 // receipts at a time

func benchmarkBeside(b *testing.B, large *DB) {
	var rates, ratios, costs, costRatios []float64
	before, err := large.Bytes()
	if err != nil {
		b.Fatal(err)
	}
	receipts := large.head.Size
	for b.Loop() {
		small := openedSQLite(b, filepath.Join(b.TempDir(), "small.db"))
		withSites(b, small, "shop")
		empty, emptyCost := record64(b, small, measured)
		if err := small.Close(); err != nil {
			b.Fatal(err)
		}
		rate, cost := record64(b, large, measured)
		rates, ratios = append(rates, rate), append(ratios, rate/empty)
		costs, costRatios = append(costs, cost), append(costRatios, cost/emptyCost)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(rates), "receipts/s")
	b.ReportMetric(median(ratios), "of-empty")
	b.ReportMetric(median(costs), "cpu-µs")
	b.ReportMetric(median(costRatios), "cpu-of-empty")
	if receipts > 0 {
		b.ReportMetric(float64(before)/float64(receipts), "bytes/receipt")
	}
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// record64 keeps so many decisions of 64 writers, and says how many a second and what each
// took of the processors, in microseconds.
func record64(b *testing.B, db *DB, receipts int) (rate, cost float64) {
	b.Helper()
	r := consent.NewRecorder(db, signer{}, consent.RecorderOptions{})
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	begun, used := time.Now(), processorTime(b)
	var next atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for n := next.Add(1); n <= int64(receipts); n = next.Add(1) {
				// As a page makes them: the moment, and what comes in no order.
				id := fmt.Sprintf("%d-%016x-%s-%d", time.Now().UnixMilli(), uint64(n)*0x9e3779b97f4a7c15, run, n)
				d, err := draftOf("shop", id, "", n%2 == 0)
				if err == nil {
					_, err = r.Record(b.Context(), d)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	took := time.Since(begun)
	if err := r.Close(b.Context()); err != nil || b.Failed() {
		b.Fatal(err)
	}
	return float64(receipts) / took.Seconds(), float64((processorTime(b) - used).Microseconds()) / float64(receipts)
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
