package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkServe drives the real binary, a bare echo server that answers the same bytes
// and, where it is installed, nginx with them in a file, by turns, with wrk. It reports
// requests per second as ratios within the run, and what a request takes of a processor,
// which other programs disturb less. Then it asks at half the rate that was reached, and
// reports how long answers take, and how long those of the others at the same rate; and
// at half of what the bare server reaches. It wants a machine that does nothing else:
//
//	go test ./cmd/volenti -run '^$' -bench Serve -benchtime 5x
func BenchmarkServe(b *testing.B) {
	if _, err := exec.LookPath("wrk"); err != nil {
		b.Skip("wrk is not installed: apt-get install wrk")
	}
	ours := start(b, filepath.Join(b.TempDir(), "data"), "--demo-enabled", "--log-level", "info")
	address := ours.base + "/b/demo.js"
	resp, body := asBrowser(b, address, http.StatusOK, "")
	bare, bareProcess := beside(b, "bare", body)
	bare += "/b/demo.js"
	file := nginx(b, body)
	for _, run := range []struct {
		name string
		tag  string
	}{{"200", ""}, {"304", resp.Header.Get("ETag")}} {
		b.Run(run.name, func(b *testing.B) {
			var headers []string
			if run.tag != "" {
				asBrowser(b, address, http.StatusNotModified, run.tag)
				headers = []string{"If-None-Match: " + run.tag}
			}
			var rates, ofBare, ofNginx, microseconds, processor []float64
			for b.Loop() {
				bareRate, bareTook := taking(b, bareProcess, func() float64 { return wrk(b, bare, headers...) })
				rate, took := taking(b, ours.cmd.Process.Pid, func() float64 { return wrk(b, address, headers...) })
				rates, ofBare = append(rates, rate), append(ofBare, rate/bareRate)
				microseconds, processor = append(microseconds, took), append(processor, took/bareTook)
				if file != "" {
					ofNginx = append(ofNginx, rate/wrk(b, file))
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(middle(rates), "requests/s")
			b.ReportMetric(middle(ofBare), "of-bare-echo")
			b.ReportMetric(middle(microseconds), "µs-of-processor")
			b.ReportMetric(middle(processor), "of-bare-processor")
			if file != "" {
				b.ReportMetric(middle(ofNginx), "of-nginx")
			}
		})
	}
	b.Run("half", func(b *testing.B) {
		var p50, p99, ofBare, ofBareHalf, ofNginx []float64
		tail := func(address string, rate float64) (half, most float64) {
			took := steady(b, address, rate, 4*time.Second)
			return took[len(took)/2].Seconds() * 1e3, took[len(took)*99/100].Seconds() * 1e3
		}
		for b.Loop() {
			rate := wrk(b, address) / 2
			half, most := tail(address, rate)
			p50, p99 = append(p50, half), append(p99, most)
			_, same := tail(bare, rate)
			_, own := tail(bare, wrk(b, bare)/2)
			ofBare, ofBareHalf = append(ofBare, most/same), append(ofBareHalf, most/own)
			if file != "" {
				_, its := tail(file, rate)
				ofNginx = append(ofNginx, most/its)
			}
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(middle(p50), "p50-ms")
		b.ReportMetric(middle(p99), "p99-ms")
		b.ReportMetric(middle(ofBare), "p99-of-bare-at-that-rate")
		b.ReportMetric(middle(ofBareHalf), "p99-of-bare-at-half-of-its-own")
		if file != "" {
			b.ReportMetric(middle(ofNginx), "p99-of-nginx-at-that-rate")
		}
	})
}

// usual are the headers by which wrk and steady ask, so that all get the same variant.
var usual = [][2]string{{"Accept-Encoding", "br"}, {"Accept-Language", "de-DE,de;q=0.9"}}

// asBrowser asks once, and checks that the answer is what is to be measured.
func asBrowser(b *testing.B, address string, status int, tag string) (*http.Response, []byte) {
	b.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, h := range usual {
		r.Header.Set(h[0], h[1])
	}
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		b.Fatalf("%d %v %.200s", resp.StatusCode, err, body)
	}
	return resp, body
}

// taking is a rate of requests of four seconds, and the microseconds of a processor that
// the process took for each.
func taking(b *testing.B, pid int, do func() float64) (rate, microseconds float64) {
	b.Helper()
	before := processorTime(b, pid)
	rate = do()
	return rate, float64((processorTime(b, pid) - before).Microseconds()) / (rate * 4)
}

// nginx serves a body from a file by one worker; "" where it is not installed.
func nginx(b *testing.B, body []byte) (address string) {
	b.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			return ""
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address, dir := l.Addr().String(), b.TempDir()
	_ = l.Close()
	conf := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log stderr; worker_processes 1;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; open_file_cache max=10; keepalive_requests 100000000;
client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
server { listen %[2]s; root %[1]s; default_type "text/javascript; charset=utf-8"; add_header Content-Encoding br; } }`, dir, address)
	for name, text := range map[string][]byte{"nginx.conf": []byte(conf), "demo.js": body} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	cmd := exec.Command(program, "-c", filepath.Join(dir, "nginx.conf"), "-e", "stderr")
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for range 1000 {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return "http://" + address + "/demo.js"
		}
		time.Sleep(5 * time.Millisecond) // until the port answers; not a measure of speed
	}
	b.Fatal("nginx does not answer")
	return ""
}

// steady asks at a constant rate over 64 connections, whether answers come or not, and
// is how long each took from when it was due: an answer that keeps the next request
// waiting counts for that one, too. All answers are of one length.
func steady(b *testing.B, address string, rate float64, during time.Duration) (took []time.Duration) {
	b.Helper()
	host, path, _ := strings.Cut(strings.TrimPrefix(address, "http://"), "/")
	ask := "GET /" + path + " HTTP/1.1\r\nHost: " + host + "\r\n"
	for _, h := range usual {
		ask += h[0] + ": " + h[1] + "\r\n"
	}
	const connections = 64
	var all [connections][]time.Duration
	var group sync.WaitGroup
	request := []byte(ask + "\r\n")
	begin, every := time.Now().Add(200*time.Millisecond), time.Duration(float64(time.Second)/rate)
	for n := range connections {
		c, err := net.Dial("tcp", host)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		answer := make([]byte, sizeOf(b, c, request))
		all[n] = make([]time.Duration, 0, int(during/every)/connections+1)
		group.Go(func() {
			for i := time.Duration(n); i*every < during; i += connections {
				due := begin.Add(i * every)
				time.Sleep(time.Until(due))
				if _, err := c.Write(request); err != nil {
					b.Error(err)
					return
				}
				if _, err := io.ReadFull(c, answer); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) {
					b.Errorf("%v: %.200s", err, answer)
					return
				}
				all[n] = append(all[n], time.Since(due))
			}
		})
	}
	group.Wait()
	for _, some := range all {
		took = append(took, some...)
	}
	slices.Sort(took)
	return took
}

// sizeOf asks once and is how many bytes the answer has, header and all. Each has as many:
// so whoever measures need not read them, nor leave garbage of his own on the processors
// that the server is to have.
func sizeOf(b *testing.B, c net.Conn, request []byte) int {
	b.Helper()
	if _, err := c.Write(request); err != nil {
		b.Fatal(err)
	}
	var read bytes.Buffer
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(c, &read)), nil)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatal(resp, err)
	}
	return read.Len()
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

var wrkRate = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)

// wrk asks for an address over 64 connections for four seconds, and says how often a second.
func wrk(b *testing.B, address string, headers ...string) (rate float64) {
	b.Helper()
	args := []string{"-t1", "-c64", "-d4s"}
	for _, h := range usual {
		headers = append(headers, h[0]+": "+h[1])
	}
	for _, h := range headers {
		args = append(args, "-H", h)
	}
	out, err := exec.Command("wrk", append(args, address)...).CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	m := wrkRate.FindSubmatch(out)
	if m == nil || bytes.Contains(out, []byte("Non-2xx")) {
		b.Fatalf("wrk says\n%s", out)
	}
	if rate, err = strconv.ParseFloat(string(m[1]), 64); err != nil {
		b.Fatal(err)
	}
	return rate
}
