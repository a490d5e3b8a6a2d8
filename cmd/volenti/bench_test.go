package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkServe drives the real binary and a bare echo server that answers the same
// bytes by turns, with wrk, and reports their ratio. It wants a machine that does
// nothing else:
//
//	go test ./cmd/volenti -run '^$' -bench Serve -benchtime 5x
func BenchmarkServe(b *testing.B) {
	if _, err := exec.LookPath("wrk"); err != nil {
		b.Skip("wrk is not installed: apt-get install wrk")
	}
	ours := start(b, filepath.Join(b.TempDir(), "data"), "--demo-enabled", "--log-level", "info")
	address := ours.base + "/b/demo.js"
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "br")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("%d %v %.200s", resp.StatusCode, err, body)
	}
	theirs, _ := beside(b, "bare", body)
	theirs += "/b/demo.js"
	tag := resp.Header.Get("ETag")
	for name, headers := range map[string][]string{"200": nil, "304": {"If-None-Match: " + tag}} {
		b.Run(name, func(b *testing.B) {
			var ratios, rates []float64
			for b.Loop() {
				bareRate, _ := wrk(b, theirs, headers...)
				rate, _ := wrk(b, address, headers...)
				ratios, rates = append(ratios, rate/bareRate), append(rates, rate)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(middle(rates), "requests/s")
			b.ReportMetric(middle(ratios), "of-bare-echo")
		})
	}
}

func middle(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// beside starts a server of testdata with what it is to read.
func beside(b *testing.B, name string, input []byte) (base string, pid int) {
	b.Helper()
	program := filepath.Join(b.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", program, "./testdata/"+name).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program)
	cmd.Stdin = bytes.NewReader(input)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line), cmd.Process.Pid
}

var (
	wrkRate = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkP99  = regexp.MustCompile(`99%\s+([\d.]+)(us|ms|s)`)
)

// wrk asks for an address over 64 connections for some seconds.
func wrk(b *testing.B, address string, headers ...string) (rate float64, p99 time.Duration) {
	b.Helper()
	args := []string{"-t1", "-c64", "-d4s", "--latency", "-H", "Accept-Encoding: br", "-H", "Accept-Language: de-DE,de;q=0.9"}
	for _, h := range headers {
		args = append(args, "-H", h)
	}
	out, err := exec.Command("wrk", append(args, address)...).CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	m, l := wrkRate.FindSubmatch(out), wrkP99.FindSubmatch(out)
	if m == nil || l == nil || bytes.Contains(out, []byte("Non-2xx")) {
		b.Fatalf("wrk says\n%s", out)
	}
	if rate, err = strconv.ParseFloat(string(m[1]), 64); err != nil {
		b.Fatal(err)
	}
	if p99, err = time.ParseDuration(fmt.Sprintf("%s%s", l[1], l[2])); err != nil {
		b.Fatal(err)
	}
	return rate, p99
}
