//go:build linux

package main

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A sample is what a server holds at a moment, and how fast it was since the one before.
type sample struct {
	at           time.Duration
	resident     float64 // MiB, with the pages of files that are mapped
	anonymous    float64 // MiB of it that no file stands for
	heap         float64 // MiB that Go's heap holds, waste included
	threads      float64 // goroutines
	opened       float64 // descriptors
	wal          float64 // MiB of the write-ahead log
	median, slow float64 // milliseconds of a decision: half, and 99 of a hundred, are faster
}

// columns are what is told of samples, and by how much it may grow.
var columns = []struct {
	name   string
	most   float64 // in an hour, beside twice the standard error; 0: told, not judged
	of     func(sample) float64
	digits int
}{
	{"RSS MiB", 2, func(s sample) float64 { return s.resident }, 1},
	{"anonymous MiB", 0, func(s sample) float64 { return s.anonymous }, 1},
	{"heap MiB", 0, func(s sample) float64 { return s.heap }, 1},
	{"goroutines", 4, func(s sample) float64 { return s.threads }, 0},
	{"descriptors", 4, func(s sample) float64 { return s.opened }, 0},
	{"WAL MiB", 2, func(s sample) float64 { return s.wal }, 1},
	{"p50 ms", 0, func(s sample) float64 { return s.median }, 2},
	{"p99 ms", 0, func(s sample) float64 { return s.slow }, 2},
}

// sampleOf asks a server and the system what it holds.
func (l *lineage) sampleOf(watch *visit, since time.Time, lately []time.Duration) sample {
	l.t.Helper()
	status, text, err := watch.get("/metrics")
	if err != nil || status != http.StatusOK {
		l.t.Fatalf("metrics: %d %v", status, err)
	}
	kernel, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.pid))
	if err != nil {
		l.t.Fatal(err)
	}
	number := func(in []byte, name string) float64 {
		found := regexp.MustCompile(`(?m)^` + name + `:?\s+(\S+)`).FindSubmatch(in)
		if found == nil {
			l.t.Fatalf("no %s", name)
		}
		n, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil {
			l.t.Fatal(err)
		}
		return n
	}
	s := sample{
		at:        time.Since(since),
		resident:  number(kernel, "VmRSS") / 1024,
		anonymous: number(kernel, "RssAnon") / 1024,
		heap:      number(text, "go_memstats_heap_inuse_bytes") / (1 << 20),
		threads:   number(text, "go_goroutines"),
		opened:    number(text, "process_open_fds"),
	}
	if wal, err := os.Stat(filepath.Join(l.data, "volenti.db-wal")); err == nil {
		s.wal = float64(wal.Size()) / (1 << 20)
	}
	if n := len(lately); n > 0 {
		slices.Sort(lately)
		milliseconds := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
		s.median, s.slow = milliseconds(lately[n/2]), milliseconds(lately[n*99/100])
	}
	return s
}

// slope is by how much of a sample grows in an hour, by least squares, and the standard
// error of that: what is measured goes up and down by itself.
func slope(all []sample, of func(sample) float64) (grows, give float64) {
	var n, mx, my, sxx, sxy, rest float64
	for _, s := range all {
		n, mx, my = n+1, mx+s.at.Hours(), my+of(s)
	}
	mx, my = mx/n, my/n
	for _, s := range all {
		sxx += (s.at.Hours() - mx) * (s.at.Hours() - mx)
		sxy += (s.at.Hours() - mx) * (of(s) - my)
	}
	grows = sxy / sxx
	for _, s := range all {
		off := of(s) - my - grows*(s.at.Hours()-mx)
		rest += off * off
	}
	return grows, math.Sqrt(rest / (n - 2) / sxx)
}

func TestSlope(t *testing.T) {
	var all []sample
	for minute := range 30 {
		// Ten in an hour, and a saw that goes nowhere.
		all = append(all, sample{at: time.Duration(minute) * time.Minute, resident: 50 + float64(minute)/6, heap: float64(minute % 2)})
	}
	if grows, give := slope(all, func(s sample) float64 { return s.resident }); math.Abs(grows-10) > 1e-6 || give > 1e-6 {
		t.Errorf("%v ± %v in an hour, want 10", grows, give)
	}
	if grows, give := slope(all, func(s sample) float64 { return s.heap }); math.Abs(grows) > 2*give || give > 1 {
		t.Errorf("a saw grows by %v ± %v", grows, give)
	}
}

// The same load for a long time takes the same of the machine: VOLENTI_SOAK says how
// long, VOLENTI_SOAK_RATE how many decisions a second, each with a receipt read again, and
// VOLENTI_SOAK_SCRIPTS how many scripts go with each. How anything grows is judged where
// there is time for it, after a third of the time.
func TestSoak(t *testing.T) {
	length, rate, scripts := 4*time.Second, 50, 1
	if text := os.Getenv("VOLENTI_SOAK"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
		rate, scripts = times(200, "VOLENTI_SOAK_RATE"), times(5, "VOLENTI_SOAK_SCRIPTS")
	}
	metrics := freeAddress(t)
	l := found(t, publish(t), nil, nil, "--metrics-listen", metrics)
	p := &process{t: t, base: l.base}
	watch := &visit{base: "http://" + metrics, client: &http.Client{}}
	const workers = 16
	ticks := make(chan int)
	var all sync.WaitGroup
	var kept, read, wrong atomic.Int64
	var first sync.Once
	var page atomic.Pointer[visit]
	page.Store(p.open(nil))
	var mu sync.Mutex
	var lately []time.Duration // guarded by mu: what decisions took since the last sample
	for range workers {
		all.Go(func() {
			for n := range ticks {
				v, begun := page.Load(), time.Now()
				status, receipt, err := v.decide(fmt.Sprintf("s%d", n))
				if err != nil || status != http.StatusCreated {
					wrong.Add(1)
					first.Do(func() { t.Errorf("decision %d: %d %v %.200s", n, status, err, receipt) })
					continue
				}
				mu.Lock()
				lately = append(lately, time.Since(begun))
				mu.Unlock()
				kept.Add(1)
				id, _, err := place(receipt)
				if err != nil {
					t.Error(err)
					continue
				}
				for _, path := range append(slices.Repeat([]string{"/b/shop.js"}, scripts), "/v1/sites/shop/receipts/"+id) {
					if status, _, err := v.get(path); err != nil || status != http.StatusOK {
						wrong.Add(1)
						first.Do(func() { t.Errorf("%s: %d %v", path, status, err) })
					}
					read.Add(1)
				}
			}
		})
	}
	begin := time.Now()
	renewed := begin // tokens end some time: pages are loaded anew, too
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	var samples []sample
	take := func() {
		mu.Lock()
		these := lately
		lately = nil
		mu.Unlock()
		samples = append(samples, l.sampleOf(watch, begin, these))
	}
	every := max(length/100, 100*time.Millisecond)
	for n := 0; time.Since(begin) < length; n++ {
		<-tick.C
		ticks <- n
		if time.Since(begin) > time.Duration(len(samples)+1)*every {
			take()
		}
		if time.Since(renewed) > 10*time.Minute {
			page.Store(&visit{base: p.base, token: p.open(nil).token, client: page.Load().client})
			renewed = time.Now()
		}
	}
	close(ticks)
	all.Wait()
	take()
	t.Logf("%v: %d decisions kept, %.0f a second; %d scripts and receipts read, %.0f a second; %d wrong", length,
		kept.Load(), float64(kept.Load())/length.Seconds(), read.Load(), float64(read.Load())/length.Seconds(), wrong.Load())
	if wrong.Load() > 0 || kept.Load() == 0 {
		t.Errorf("%d answers were wrong", wrong.Load())
	}
	judgeSoak(t, samples, length, workers)
}

// judgeSoak tells what was measured, and what grew.
func judgeSoak(t *testing.T, samples []sample, length time.Duration, workers float64) {
	t.Helper()
	row := func(name string, cell func(int) string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "%-14s", name)
		for i := range columns {
			fmt.Fprintf(&b, " %14s", cell(i))
		}
		return b.String()
	}
	t.Log(row("after", func(i int) string { return columns[i].name }))
	for i, s := range samples {
		if i%10 == 0 || i == len(samples)-1 {
			t.Log(row(s.at.Round(time.Second).String(), func(i int) string { return strconv.FormatFloat(columns[i].of(s), 'f', columns[i].digits, 64) }))
		}
	}
	warm := samples[len(samples)/3:]
	t.Log(row("in an hour", func(i int) string {
		grows, give := slope(warm, columns[i].of)
		return fmt.Sprintf("%.2f ± %.2f", grows, give)
	}))
	half := len(warm) / 2
	for _, c := range columns[3:5] {
		most := func(all []sample) float64 {
			return c.of(slices.MaxFunc(all, func(a, b sample) int { return cmp.Compare(c.of(a), c.of(b)) }))
		}
		// Each client's connection costs two of either.
		if before, after := most(warm[:half+1]), most(warm[half:]); after > before+2*workers {
			t.Errorf("%s grow from %.0f to %.0f", c.name, before, after)
		}
	}
	if length < 10*time.Minute {
		return
	}
	for _, c := range columns {
		// What is lost for good is lost of the least of each ten samples, too; what a busy
		// moment takes is not in them.
		var least []sample
		for some := range slices.Chunk(warm, 10) {
			least = append(least, slices.MinFunc(some, func(a, b sample) int { return cmp.Compare(c.of(a), c.of(b)) }))
		}
		grows, give := slope(least, c.of)
		t.Logf("%s: %.2f ± %.2f more in an hour, of the least of each ten samples", c.name, grows, give)
		if c.most > 0 && grows-2*give > c.most {
			t.Errorf("%s: more than %.0f", c.name, c.most)
		}
	}
}
