package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// BenchmarkRecord posts decisions to the real binary, each with an id of its own, and by
// turns to an echo server that reads and signs the same and keeps nothing. It reports
// receipts a second and their share of what that server answers; how long an answer took;
// and how much longer than append and fsync, on the same disk and by turns, one client
// waits that is alone. VOLENTI_BENCH_DATA names a data folder with the site shop of
// testdata that is to grow; without it the database is new. It wants a machine that does
// nothing else:
//
//	go test ./cmd/volenti -run '^$' -bench Record -benchtime 5x
func BenchmarkRecord(b *testing.B) {
	data := os.Getenv("VOLENTI_BENCH_DATA")
	if data == "" {
		data = publish(b)
	}
	ours := start(b, data, "--log-level", "info")
	theirs, pid := beside(b, "signing", nil)
	theirs = strings.TrimPrefix(theirs, "http://")
	p := poster{ours.open(nil).token}
	address := strings.TrimPrefix(ours.base, "http://")
	for _, crowd := range []int{clients, 256} {
		b.Run(fmt.Sprint(crowd), func(b *testing.B) {
			var rates, ratios, p50s, p99s, costs, bareCosts []float64
			for b.Loop() {
				bare, _, cost := p.measure(b, theirs, crowd, pid)
				bareCosts = append(bareCosts, cost)
				rate, took, cost := p.measure(b, address, crowd, ours.cmd.Process.Pid)
				costs = append(costs, cost)
				rates, ratios = append(rates, rate), append(ratios, rate/bare)
				p50s, p99s = append(p50s, inMilliseconds(took[len(took)/2])), append(p99s, inMilliseconds(took[len(took)*99/100]))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(middle(rates), "receipts/s")
			b.ReportMetric(middle(ratios), "of-signing-echo")
			b.ReportMetric(middle(p50s), "p50-ms")
			b.ReportMetric(middle(p99s), "p99-ms")
			b.ReportMetric(middle(costs), "cpu-µs")
			b.ReportMetric(middle(bareCosts), "echo-cpu-µs")
		})
	}
	b.Run("alone", func(b *testing.B) {
		var waits, syncs []time.Duration
		for b.Loop() {
			w, s := p.alone(b, address, filepath.Join(data, "fsync"), 300)
			waits, syncs = append(waits, w...), append(syncs, s...)
		}
		slices.Sort(waits)
		slices.Sort(syncs)
		wait, sync := waits[len(waits)/2], syncs[len(syncs)/2]
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(inMilliseconds(wait), "p50-ms")
		b.ReportMetric(inMilliseconds(waits[len(waits)*99/100]), "p99-ms")
		b.ReportMetric(inMilliseconds(sync), "fsync-ms")
		b.ReportMetric(inMilliseconds(wait-sync), "above-fsync-ms")
	})
}

func inMilliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// A poster posts decisions. It speaks as little HTTP as it can, since it takes its time
// from the same processors.
type poster struct{ token string }

// A line is one connection that is kept alive.
type line struct {
	conn   net.Conn
	in     *bufio.Reader
	before []byte // the request as far as the decision's id
	after  []byte
	client int
	n      int
	out    []byte
}

func (p poster) dial(address string, client int) (*line, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	const id = "0000000000000-000-00000000"
	body, err := json.Marshal(consent.Decision{
		ID: id, Token: p.token, Action: consent.Save, Surface: consent.OnBanner, At: time.Now().UnixMilli(),
		Categories: map[string]bool{"preferences": true, "analytics": client%2 == 0, "marketing": false}, Vendors: map[string]bool{},
	})
	if err != nil {
		return nil, err
	}
	request := fmt.Sprintf("POST /v1/sites/shop/decisions HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nSec-Fetch-Site: cross-site\r\n"+
		"Content-Type: application/json\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\nContent-Length: %d\r\n\r\n%s",
		address, shopOrigin, len(body), body)
	before, after, _ := strings.Cut(request, id)
	return &line{conn: conn, in: bufio.NewReaderSize(conn, 8<<10), before: []byte(before), after: []byte(after), client: client}, nil
}

// post sends the next decision and reads its answer. Its id begins with the moment, as a
// page's does.
func (l *line) post() error {
	l.n++
	id := fmt.Sprintf("%d-%03d-%08d", time.Now().UnixMilli(), l.client, l.n)
	l.out = append(append(append(l.out[:0], l.before...), id...), l.after...)
	if _, err := l.conn.Write(l.out); err != nil {
		return err
	}
	length := -1
	for first := true; ; first = false {
		header, err := l.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(header, []byte("HTTP/1.1 201")) {
			rest, _ := l.in.Peek(l.in.Buffered())
			return fmt.Errorf("%s%s", header, rest)
		}
		if len(header) <= 2 {
			break
		}
		if value, ok := bytes.CutPrefix(header, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("an answer without Content-Length")
	}
	_, err := l.in.Discard(length)
	return err
}

// measure posts for some seconds and says, too, how many microseconds of processor time
// the server took for each answer.
func (p *poster) measure(b *testing.B, address string, crowd, pid int) (rate float64, took []time.Duration, cost float64) {
	b.Helper()
	before := processorTime(b, pid)
	rate, took = p.rush(b, address, crowd, 3*time.Second)
	return rate, took, float64((processorTime(b, pid) - before).Microseconds()) / float64(len(took))
}

// processorTime is what a process has used, as Linux tells it (proc_pid_stat(5), utime and
// stime, in hundredths of a second).
func processorTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		b.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// rush posts over so many connections for some time, and returns how many answers came in
// a second and how long each took, the quickest first.
func (p *poster) rush(b *testing.B, address string, crowd int, during time.Duration) (rate float64, took []time.Duration) {
	b.Helper()
	all := make([][]time.Duration, crowd)
	var wait sync.WaitGroup
	begun := time.Now()
	for client := range crowd {
		wait.Go(func() {
			l, err := p.dial(address, client)
			if err != nil {
				b.Error(err)
				return
			}
			defer l.conn.Close()
			for last := begun; last.Sub(begun) < during; {
				sent := time.Now()
				if err := l.post(); err != nil {
					b.Error(err)
					return
				}
				last = time.Now()
				all[client] = append(all[client], last.Sub(sent))
			}
		})
	}
	wait.Wait()
	elapsed := time.Since(begun)
	for _, some := range all {
		took = append(took, some...)
	}
	if b.Failed() || len(took) == 0 {
		b.FailNow()
	}
	slices.Sort(took)
	return float64(len(took)) / elapsed.Seconds(), took
}

// alone posts over one connection, and between two posts appends to a file and has it
// reach the disk.
func (p *poster) alone(b *testing.B, address, file string, times int) (waits, syncs []time.Duration) {
	b.Helper()
	l, err := p.dial(address, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer l.conn.Close()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer os.Remove(file)
	defer f.Close()
	page := make([]byte, 4096)
	for range times {
		begun := time.Now()
		if err := l.post(); err != nil {
			b.Fatal(err)
		}
		answered := time.Now()
		if _, err := f.Write(page); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		waits, syncs = append(waits, answered.Sub(begun)), append(syncs, time.Since(answered))
	}
	return waits, syncs
}
