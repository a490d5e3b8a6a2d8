package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A pressure is what clients did to a server for some time.
type pressure struct {
	good, refused, failed int
	took                  time.Duration
	served, turned        []time.Duration // until the answers, in order
}

func (l *pressure) goodput() float64 { return float64(l.good) / l.took.Seconds() }

func percentile(of []time.Duration, p float64) float64 {
	if len(of) == 0 {
		return 0
	}
	return float64(of[min(len(of)-1, int(float64(len(of))*p))]) / float64(time.Millisecond)
}

// drive sends requests from an address, or from any, over so many connections for a time, each connection its next
// as soon as the last was answered, or, with every, one each interval as long as it
// is answered in time. It reads answers as simply as can be: the machine is the server's.
func drive(p *process, from string, connections int, lasts, every time.Duration, request func(n int64) []byte) *pressure {
	var l pressure
	var mu sync.Mutex
	var number atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	for c := range connections {
		all.Go(func() {
			var mine pressure
			next := begun.Add(every * time.Duration(c) / time.Duration(connections))
			time.Sleep(time.Until(next)) // its place in the pace
			var dialer net.Dialer
			if from != "" { // to look for a free port of an address takes longer than to connect, where thousands are taken
				dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
			}
			conn, err := dialer.Dial("tcp", p.address())
			if err != nil {
				p.t.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				l.good, l.refused, l.failed = l.good+mine.good, l.refused+mine.refused, l.failed+mine.failed
				l.served, l.turned = append(l.served, mine.served...), append(l.turned, mine.turned...)
			}()
			in := bufio.NewReaderSize(conn, 16<<10)
			for time.Since(begun) < lasts {
				if every > 0 {
					time.Sleep(time.Until(next)) // the pace of the load
					next = next.Add(every)
				}
				sent := time.Now()
				if _, err := conn.Write(request(number.Add(1))); err != nil {
					mine.failed++
					return
				}
				status, err := skim(in)
				took := time.Since(sent)
				switch {
				case err != nil:
					mine.failed++
					return
				case status < 300:
					mine.good++
					mine.served = append(mine.served, took)
				case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests:
					mine.refused++
					mine.turned = append(mine.turned, took)
				default:
					mine.failed++
				}
			}
		})
	}
	all.Wait()
	l.took = time.Since(begun)
	slices.Sort(l.served)
	slices.Sort(l.turned)
	return &l
}

// skim reads an answer and forgets it.
func skim(in *bufio.Reader) (status int, err error) {
	length, chunked := 0, false
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		switch {
		case first && len(line) > 12:
			status, _ = strconv.Atoi(string(line[9:12]))
		case len(bytes.TrimRight(line, "\r\n")) == 0:
			for chunked {
				line, err := in.ReadSlice('\n')
				if err != nil {
					return 0, err
				}
				size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 64)
				if err != nil {
					return 0, err
				}
				if _, err = in.Discard(int(size) + 2); err != nil || size == 0 {
					return status, err
				}
			}
			_, err = in.Discard(length)
			return status, err
		case bytes.HasPrefix(line, []byte("Content-Length: ")):
			length, _ = strconv.Atoi(string(bytes.TrimSpace(line[16:])))
		case bytes.HasPrefix(line, []byte("Transfer-Encoding")):
			chunked = true
		}
	}
}

// BenchmarkOverload asks ten times as much of the real binary as it can do, and reports
// how much of its best it still does, how soon the rest is refused, and how it answers
// right afterwards. The clients run on the same machine:
//
//	go test ./cmd/volenti -run '^$' -bench Overload -benchtime 3x
func BenchmarkOverload(b *testing.B) {
	const lasts = 4 * time.Second
	report := func(b *testing.B, peak, over, after []*pressure) {
		var share, refusals, recovered, refused []float64
		for i := range peak {
			share = append(share, over[i].goodput()/peak[i].goodput())
			refusals = append(refusals, percentile(over[i].turned, .99))
			recovered = append(recovered, percentile(after[i].served, .99))
			refused = append(refused, float64(over[i].refused)/over[i].took.Seconds())
			if n := peak[i].failed + over[i].failed + after[i].failed + after[i].refused; n > 0 {
				b.Errorf("%d requests failed, or were refused afterwards", n)
			}
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(peak[0].goodput(), "peak/s")
		b.ReportMetric(middle(refused), "refused/s")
		b.ReportMetric(middle(share), "goodput-of-peak")
		b.ReportMetric(middle(refusals), "refusal-p99-ms")
		b.ReportMetric(middle(recovered), "after-p99-ms")
		b.ReportMetric(percentile(peak[0].served, .99), "peak-p99-ms")
	}
	b.Run("decisions", func(b *testing.B) {
		p := start(b, publish(b), "--log-level", "info")
		v := p.open(nil)
		round := 0
		decision := func(n int64) []byte {
			body := fmt.Sprintf(`{"id":"o-%d-%d","token":"%s","categories":{"preferences":true,"analytics":false,"marketing":false},"vendors":{},"action":"save","surface":"banner","at":1,"gpc":false,"dnt":false}`, round, n, v.token)
			return fmt.Appendf(nil, "POST /v1/sites/shop/decisions HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", shopOrigin, len(body), body)
		}
		var peak, over, after []*pressure
		for b.Loop() {
			for _, step := range []struct {
				connections int
				into        *[]*pressure
			}{{64, &peak}, {640, &over}, {16, &after}} {
				round++
				*step.into = append(*step.into, drive(p, "", step.connections, lasts, 0, decision))
			}
		}
		report(b, peak, over, after)
	})
	// Ten times the peak arrives by schedule, from so many clients that more than may wait
	// are there at once; each sends its next when it is due, or as soon as it can.
	b.Run("arrivals", func(b *testing.B) {
		p := start(b, publish(b), "--log-level", "info")
		v := p.open(nil)
		round := 0
		decision := func(n int64) []byte {
			body := fmt.Sprintf(`{"id":"a-%d-%d","token":"%s","categories":{"preferences":true,"analytics":false,"marketing":false},"vendors":{},"action":"save","surface":"banner","at":1,"gpc":false,"dnt":false}`, round, n, v.token)
			return fmt.Appendf(nil, "POST /v1/sites/shop/decisions HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", shopOrigin, len(body), body)
		}
		var peak, over, after []*pressure
		for b.Loop() {
			round++
			peak = append(peak, drive(p, "", 64, lasts, 0, decision))
			round++
			const many = 6000
			every := time.Duration(many * float64(time.Second) / (10 * peak[len(peak)-1].goodput()))
			over = append(over, drive(p, "", many, lasts, every, decision))
			round++
			after = append(after, drive(p, "", 16, lasts, 0, decision))
		}
		b.ReportMetric(float64(over[0].good+over[0].refused)/over[0].took.Seconds(), "answered/s")
		report(b, peak, over, after)
	})
	// One address sends decisions as fast as it can for half a minute, and another a few.
	b.Run("flood", func(b *testing.B) {
		data := publish(b)
		p := start(b, data, "--log-level", "info", "--limits-local", "--limits-by", "address", "--limits-site", "1000")
		v := p.open(nil)
		decision := func(who string) func(int64) []byte {
			return func(n int64) []byte {
				body := fmt.Sprintf(`{"id":"%s-%d","token":"%s","categories":{"preferences":true,"analytics":false,"marketing":false},"vendors":{},"action":"save","surface":"banner","at":1,"gpc":false,"dnt":false}`, who, n, v.token)
				return fmt.Appendf(nil, "POST /v1/sites/shop/decisions HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", shopOrigin, len(body), body)
			}
		}
		size := func() (n int64) {
			files, _ := filepath.Glob(filepath.Join(data, "volenti.db*"))
			for _, file := range files {
				if info, err := os.Stat(file); err == nil {
					n += info.Size()
				}
			}
			return n
		}
		for b.Loop() {
			before := size()
			var flood *pressure
			var all sync.WaitGroup
			all.Go(func() { flood = drive(p, "127.0.0.3", 32, 30*time.Second, 0, decision(fmt.Sprint("flood", before))) })
			good := drive(p, "127.0.0.2", 2, 29*time.Second, 100*time.Millisecond, decision(fmt.Sprint("good", before)))
			all.Wait()
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(good.good)/float64(good.good+good.refused+good.failed), "good-share")
			b.ReportMetric(percentile(good.served, .99), "good-p99-ms")
			b.ReportMetric(float64(flood.good+flood.refused)/flood.took.Seconds(), "flood/s")
			b.ReportMetric(float64(flood.good)/float64(flood.good+flood.refused), "flood-kept-share")
			b.ReportMetric(float64(size()-before)/(1<<20), "database-MiB")
			b.ReportMetric(float64(p.resident())/(1<<20), "resident-MiB")
		}
	})
	b.Run("bundles", func(b *testing.B) {
		p := start(b, publish(b), "--log-level", "info")
		v := p.open(nil)
		_, receipt, err := v.decide("bundled-0")
		if err != nil {
			b.Fatal(err)
		}
		id, _, err := place(receipt)
		if err != nil {
			b.Fatal(err)
		}
		ask := fmt.Appendf(nil, "GET /v1/sites/shop/receipts/%s/bundle HTTP/1.1\r\nHost: x\r\n\r\n", id)
		bundle := func(int64) []byte { return ask }
		var peak, over, after []*pressure
		for b.Loop() {
			peak = append(peak, drive(p, "", 4, lasts, 0, bundle))
			const many = 400
			// Each of the many asks as often as makes ten times the peak together.
			every := time.Duration(float64(many) * float64(time.Second) / (10 * peak[len(peak)-1].goodput()))
			over = append(over, drive(p, "", many, lasts, every, bundle))
			after = append(after, drive(p, "", 2, lasts/2, 0, bundle))
		}
		report(b, peak, over, after)
	})
}
