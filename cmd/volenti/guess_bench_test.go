package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkGuess asks the real binary for receipts that are not there: ids wholly at random,
// and ids that begin as one of five thousand that are there does, with its minute, with half
// of its digits, with all but one. If one kind took longer than another, the time would tell
// how much of a guess was right. One round asks for one of each, in any order, over one
// connection; it reports the medians, and by how much that of each kind differs from that of
// ids at random, in per cent.
//
//	go test ./cmd/volenti -run '^$' -bench Guess -benchtime 20000x
func BenchmarkGuess(b *testing.B) {
	p := start(b, publish(b), "--log-level", "info")
	ids := manyReceipts(b, p, 5000)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	get := func(id string) time.Duration {
		begun := time.Now()
		if _, err := fmt.Fprintf(conn, "GET /v1/sites/shop/receipts/%s HTTP/1.1\r\nHost: localhost\r\n\r\n", id); err != nil {
			b.Fatal(err)
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			b.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		took := time.Since(begun)
		if err != nil || resp.StatusCode != http.StatusNotFound {
			b.Fatalf("%s: %s, %v", id, resp.Status, err)
		}
		return took
	}
	right := [...]int{0, 6, 16, 31} // digits that are those of one that is there
	var took [len(right)][]time.Duration
	b.ResetTimer()
	for b.Loop() {
		for _, kind := range rand.Perm(len(right)) {
			one := ids[rand.IntN(len(ids))]
			guess := []byte(one)
			for i := right[kind]; i < len(guess); i++ {
				for guess[i] == one[i] {
					guess[i] = "0123456789abcdefghjkmnpqrstvwxyz"[rand.IntN(32)]
				}
			}
			took[kind] = append(took[kind], get(string(guess)))
		}
	}
	b.ReportMetric(0, "ns/op")
	var random float64
	for kind, digits := range right {
		slices.Sort(took[kind])
		median := float64(took[kind][len(took[kind])/2]) / float64(time.Microsecond)
		if kind == 0 {
			random = median
			b.ReportMetric(median, "random-µs")
			continue
		}
		b.ReportMetric((median-random)/random*100, fmt.Sprintf("%d-digits-%%", digits))
	}
}

// manyReceipts are the ids of so many decisions of the shop.
func manyReceipts(b *testing.B, p *process, n int) (ids []string) {
	b.Helper()
	v := p.open(nil)
	var mu sync.Mutex
	var all sync.WaitGroup
	for w := range 16 {
		all.Go(func() {
			for i := w; i < n; i += 16 {
				status, receipt, err := v.decide(fmt.Sprintf("guess-%d", i))
				if err != nil || status != http.StatusCreated {
					b.Errorf("%d, %v", status, err)
					return
				}
				id, _, err := place(receipt)
				if err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				ids = append(ids, id)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return ids
}
