//go:build linux

package main

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A sample is what a server holds at a moment.
type sample struct {
	at                      time.Duration
	memory, threads, opened float64 // bytes, goroutines, descriptors
}

var (
	residentMemory = regexp.MustCompile(`(?m)^process_resident_memory_bytes (\S+)$`)
	goroutines     = regexp.MustCompile(`(?m)^go_goroutines (\S+)$`)
	descriptors    = regexp.MustCompile(`(?m)^process_open_fds (\S+)$`)
)

func sampleOf(t *testing.T, v *visit, since time.Time) sample {
	t.Helper()
	status, text, err := v.get("/metrics")
	if err != nil || status != http.StatusOK {
		t.Fatalf("metrics: %d %v", status, err)
	}
	number := func(of *regexp.Regexp) float64 {
		found := of.FindSubmatch(text)
		if found == nil {
			t.Fatalf("no %s in the metrics", of)
		}
		n, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return sample{time.Since(since), number(residentMemory), number(goroutines), number(descriptors)}
}

// slope is by how much of a sample grows in ten minutes, by least squares.
func slope(all []sample, of func(sample) float64) float64 {
	var n, sx, sy, sxx, sxy float64
	for _, s := range all {
		x, y := s.at.Minutes()/10, of(s)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// The same load for a long time takes the same of the machine: VOLENTI_SOAK says how
// long, VOLENTI_SOAK_RATE how many decisions a second. What memory does is judged where
// there is time for it.
func TestSoak(t *testing.T) {
	length, rate := 4*time.Second, 50
	if text := os.Getenv("VOLENTI_SOAK"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
		rate = times(200, "VOLENTI_SOAK_RATE")
	}
	metrics := freeAddress(t)
	l := found(t, publish(t), nil, nil, "--metrics-listen", metrics)
	p := &process{t: t, base: l.base}
	watch := &visit{base: "http://" + metrics, client: &http.Client{}}
	const workers = 16
	ticks := make(chan int)
	var all sync.WaitGroup
	var kept, wrong, receipts atomic.Int64
	var first sync.Once
	var page atomic.Pointer[visit]
	page.Store(p.open(nil))
	for range workers {
		all.Go(func() {
			for n := range ticks {
				v := page.Load()
				status, receipt, err := v.decide(fmt.Sprintf("s%d", n))
				if err != nil || status != http.StatusCreated {
					wrong.Add(1)
					first.Do(func() { t.Errorf("decision %d: %d %v %.200s", n, status, err, receipt) })
					continue
				}
				kept.Add(1)
				id, _, err := place(receipt)
				if err != nil {
					t.Error(err)
					continue
				}
				for _, path := range []string{"/b/shop.js", "/v1/sites/shop/receipts/" + id} {
					if status, _, err := v.get(path); err != nil || status != http.StatusOK {
						wrong.Add(1)
						first.Do(func() { t.Errorf("%s: %d %v", path, status, err) })
					}
				}
				receipts.Add(1)
			}
		})
	}
	begin := time.Now()
	renewed := begin // tokens end some time: pages are loaded anew, too
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	var samples []sample
	for n := 0; time.Since(begin) < length; n++ {
		<-tick.C
		ticks <- n
		if n%(rate*max(1, int(length.Seconds())/60)) == 0 {
			samples = append(samples, sampleOf(t, watch, begin))
		}
		if time.Since(renewed) > 10*time.Minute {
			page.Store(&visit{base: p.base, token: p.open(nil).token, client: page.Load().client})
			renewed = time.Now()
		}
	}
	close(ticks)
	all.Wait()
	samples = append(samples, sampleOf(t, watch, begin))
	t.Logf("%v: %d decisions kept, %d read, %d wrong", length, kept.Load(), receipts.Load(), wrong.Load())
	t.Logf("%8s %10s %10s %6s", "after", "memory MiB", "goroutines", "files")
	for _, s := range samples {
		t.Logf("%8v %10.1f %10.0f %6.0f", s.at.Round(time.Second), s.memory/(1<<20), s.threads, s.opened)
	}
	if wrong.Load() > 0 || kept.Load() == 0 {
		t.Errorf("%d answers were wrong", wrong.Load())
	}
	warm := samples[len(samples)/3:]
	most := func(all []sample, of func(sample) float64) (most float64) {
		for _, s := range all {
			most = max(most, of(s))
		}
		return most
	}
	half := len(warm) / 2
	for name, of := range map[string]func(sample) float64{"goroutines": func(s sample) float64 { return s.threads }, "files": func(s sample) float64 { return s.opened }} {
		// Each client's connection costs two of either.
		if before, after := most(warm[:half+1], of), most(warm[half:], of); after > before+2*workers {
			t.Errorf("%s grow from %.0f to %.0f", name, before, after)
		}
	}
	if length < 10*time.Minute {
		return
	}
	grows := slope(warm, func(s sample) float64 { return s.memory }) / (1 << 20)
	t.Logf("memory grows by %.2f MiB in ten minutes", grows)
	if grows > 1 {
		t.Errorf("memory grows by %.2f MiB in ten minutes, more than 1", grows)
	}
}
