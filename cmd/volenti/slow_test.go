package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func (p *process) address() string { return strings.TrimPrefix(p.base, "http://") }

// dial opens a connection of its own, without a client that mends what is sent.
func (p *process) dial() net.Conn {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.address())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	return conn
}

// resident is the memory that a process has, in bytes; 0 where nobody says.
func (p *process) resident() int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kilobytes, _ := strconv.Atoi(strings.Fields(rest)[0])
	return kilobytes << 10
}

// descriptors is how many files and connections a process has open; 0 where nobody says.
func (p *process) descriptors() int {
	all, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	return len(all)
}

// Whoever sends a request byte by byte is cut off by the server, and nobody else
// notices: five hundred of them, half in the header, half in the body.
func TestSlowClients(t *testing.T) {
	p := start(t, publish(t))
	v := p.open(nil)
	const slow = 500
	var cut sync.WaitGroup
	for i := range slow {
		conn := p.dial()
		begin, drop := "GET /b/shop.js HTTP/1.1\r\nHost: x\r\n", "X-%d: y\r\n"
		if i%2 == 1 {
			begin = "POST /v1/sites/shop/decisions HTTP/1.1\r\nHost: x\r\nOrigin: " + shopOrigin + "\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n"
			drop = "{%d"
		}
		cut.Go(func() {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("a slow connection is not closed within two minutes")
				}
			}()
			_, _ = io.WriteString(conn, begin)
			for n := 0; ; n++ {
				select {
				case <-ended:
					return
				case <-time.After(500 * time.Millisecond): // how slow it is
					_, _ = fmt.Fprintf(conn, drop, n)
				}
			}
		})
	}
	all := make(chan struct{})
	go func() { cut.Wait(); close(all) }()
	for i, on := 0, true; on; i++ {
		if status, _, err := v.get("/b/shop.js"); status != http.StatusOK {
			t.Fatalf("somebody else's page: %d %v", status, err)
		}
		if status, _, err := v.decide(fmt.Sprintf("meanwhile-%d", i)); status != http.StatusCreated {
			t.Fatalf("somebody else's decision: %d %v", status, err)
		}
		select {
		case <-all:
			on = false
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// A body of 100 MB is refused, and hardly any of it is read.
func TestHugeBodies(t *testing.T) {
	p := start(t, publish(t))
	before := p.resident()
	const whole, most = 100 << 20, 16 << 20 // what both kernels hold on the way counts as sent
	block := bytes.Repeat([]byte("x"), 64<<10)
	form := "application/x-www-form-urlencoded"
	for path, media := range map[string]string{
		"/v1/sites/shop/decisions": "application/json", "/privacy/shop/choices": form, "/privacy/shop/held": form, "/privacy/shop/requests": form,
		"/opt-out": form, "/admin/sign-in": form, "/v1/sites/shop/policies/privacy/versions": "application/json", "/nowhere": form,
	} {
		for _, chunked := range []bool{false, true} {
			conn := p.dial()
			length := fmt.Sprintf("Content-Length: %d", whole)
			if chunked {
				length = "Transfer-Encoding: chunked"
			}
			_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\nSec-Fetch-Site: same-origin\r\nContent-Type: %s\r\n%s\r\n\r\n", path, shopOrigin, media, length)
			answered := make(chan int, 1)
			go func() {
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					answered <- 0
					return
				}
				_ = resp.Body.Close()
				answered <- resp.StatusCode
			}()
			sent := 0
			for ; sent < whole; sent += len(block) {
				if chunked {
					_, _ = fmt.Fprintf(conn, "%x\r\n", len(block))
				}
				if _, err := conn.Write(block); err != nil {
					break
				}
				if chunked {
					_, _ = io.WriteString(conn, "\r\n")
				}
			}
			status := <-answered
			if sent > most {
				t.Errorf("%s (chunked: %v): %d MB were taken", path, chunked, sent>>20)
			}
			// 0: the connection was reset before its answer could be read, as a client that
			// does not stop sending must expect (RFC 9112 § 9.6).
			if status != 0 && (status < 400 || status > 499) {
				t.Errorf("%s (chunked: %v): %d", path, chunked, status)
			}
			if path == "/v1/sites/shop/decisions" && !chunked && status != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: %d", path, status)
			}
		}
	}
	if grown := p.resident() - before; grown > 32<<20 {
		t.Errorf("%d MiB more are resident", grown>>20)
	}
}

// What is small to send and large to read is refused.
func TestBombs(t *testing.T) {
	p := start(t, publish(t))
	v := p.open(nil)
	zipped := &bytes.Buffer{}
	z := gzip.NewWriter(zipped)
	_, _ = z.Write(make([]byte, 4<<20))
	_ = z.Close()
	good := `"id":"bomb","token":"` + v.token + `","categories":{},"vendors":{},"action":"save","surface":"banner","at":1,"gpc":false,"dnt":false`
	for name, tt := range map[string]struct {
		body, encoding string
		want           int
	}{
		"4 MiB of zeros, compressed":    {zipped.String(), "gzip", 415},
		"said to be compressed":         {"{" + good + "}", "br", 415},
		"20,000 brackets":               {strings.Repeat("[", 20_000), "", 413},
		"8,000 brackets":                {strings.Repeat("[", 8_000), "", 400},
		"8,000 brackets, closed":        {strings.Repeat("[", 8_000) + strings.Repeat("]", 8_000), "", 400},
		"8,000 objects":                 {strings.Repeat(`{"a":`, 3_000), "", 400},
		"nested in a known field":       {`{"categories":` + strings.Repeat(`{"a":`, 2_500) + "1" + strings.Repeat("}", 2_500) + "}", "", 400},
		"an array of 50,000":            {"[" + strings.Repeat("1,", 50_000) + "1]", "", 413},
		"an array of 8,000":             {"[" + strings.Repeat("1,", 8_000) + "1]", "", 400},
		"8,000 categories":              {`{` + strings.Replace(good, `"categories":{}`, `"categories":{"a":true`+strings.Repeat(`,"a":true`, 1_500)+"}", 1) + "}", "", 400},
		"one name twice":                {`{"id":"other",` + good + "}", "", 400},
		"one name in two cases":         {`{"ID":"other",` + good + "}", "", 400},
		"__proto__":                     {`{"__proto__":{},` + good + "}", "", 400},
		"a number of 16,000 digits":     {`{` + strings.Replace(good, `"at":1`, `"at":`+strings.Repeat("1", 15_000), 1) + "}", "", 400},
		"an exponent":                   {`{` + strings.Replace(good, `"at":1`, `"at":1e999999999`, 1) + "}", "", 400},
		"half a surrogate":              {`{` + strings.Replace(good, `"id":"bomb"`, `"id":"\ud800"`, 1) + "}", "", 400},
		"no UTF-8":                      {`{` + strings.Replace(good, `"id":"bomb"`, "\"id\":\"\xff\xfe\"", 1) + "}", "", 400},
		"two documents":                 {`{` + good + `}{` + good + "}", "", 400},
		"a byte order mark before it":   {"\ufeff{" + good + "}", "", 400},
		"a string of 15,000 characters": {`{` + strings.Replace(good, `"id":"bomb"`, `"id":"`+strings.Repeat("x", 15_000)+`"`, 1) + "}", "", 400},
		"nothing":                       {"", "", 400},
	} {
		req, err := http.NewRequest(http.MethodPost, p.base+"/v1/sites/shop/decisions", strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Origin": {shopOrigin}, "Content-Type": {"application/json"}}
		if tt.encoding != "" {
			req.Header.Set("Content-Encoding", tt.encoding)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		answer, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != tt.want || resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d, want %d: %.300s", name, resp.StatusCode, tt.want, answer)
		}
	}
	if status, body, err := v.decide("after-bombs"); status != http.StatusCreated {
		t.Errorf("afterwards: %d %v %s", status, err, body)
	}
}

// Too many headers are refused; a full jar of cookies is not, and none of it is
// believed.
func TestHeaderFloods(t *testing.T) {
	p := start(t, publish(t))
	jar := func(n, size int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf("c%d=%s", i, strings.Repeat("x", size))
		}
		return strings.Join(all, "; ")
	}
	tossed := strings.Repeat("volenti=MXxzaG9w; ", 150) + "volenti=|||; volenti=\"\"; volenti=; volenti=" + strings.Repeat("A", 4096)
	for name, tt := range map[string]struct {
		header string
		want   []int
	}{
		"64 KiB of cookies":                   {"Cookie: " + jar(16, 4000), []int{200}},
		"3,000 cookies":                       {"Cookie: " + jar(3000, 8), []int{200, 400, 431}},
		"180 cookies":                         {"Cookie: " + jar(180, 100), []int{200}},
		"cookies of a sub-domain":             {"Cookie: " + tossed, []int{200}},
		"bytes that are no UTF-8":             {"Cookie: volenti=\xff\xfe\x80; \xc3\x28=1", []int{200, 400}},
		"one header of 128 KiB":               {"X-A: " + strings.Repeat("a", 128<<10), []int{431}},
		"20,000 headers":                      {strings.TrimSuffix(strings.Repeat("X-A: aaaaaa\r\n", 20_000), "\r\n"), []int{431}},
		"a name of 128 KiB":                   {strings.Repeat("a", 128<<10) + ": x", []int{431}},
		"an Origin of 60,000 bytes":           {"Origin: " + strings.Repeat("o", 60_000), []int{200}},
		"an Accept-Language of 60,000 bytes":  {"Accept-Language: " + strings.Repeat("de;q=0.5,", 6_600), []int{200}},
		"an If-None-Match of 60,000 bytes":    {"If-None-Match: " + strings.Repeat(`"a", `, 12_000), []int{200}},
		"an X-Forwarded-For of 60,000 bytes":  {"X-Forwarded-For: " + strings.Repeat("1.2.3.4,", 7_500), []int{200}},
		"a line that goes on in the next one": {"X-A: a\r\n b", []int{200, 400}},
	} {
		conn := p.dial()
		go func() { _, _ = io.WriteString(conn, "GET /b/shop.js HTTP/1.1\r\nHost: x\r\n"+tt.header+"\r\n\r\n") }()
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		script, _ := io.ReadAll(resp.Body)
		ok := false
		for _, want := range tt.want {
			ok = ok || want == resp.StatusCode
		}
		if !ok {
			t.Errorf("%s: %d, want one of %v", name, resp.StatusCode, tt.want)
		}
		if resp.StatusCode == http.StatusOK && bytes.Contains(script, []byte(`"c":"`)) {
			t.Errorf("%s: a decision is believed: %.200s", name, script[max(0, len(script)-200):])
		}
		_ = conn.Close()
	}
}

// Two thousand connections that say nothing more cost little, and keep nobody out.
func TestIdleConnections(t *testing.T) {
	p := start(t, publish(t))
	v := p.open(nil)
	before, open := p.resident(), p.descriptors()
	const idle = 2000
	for range idle {
		conn := p.dial()
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		if status, _, err := v.decide(fmt.Sprintf("idle-%d", i)); status != http.StatusCreated {
			t.Fatalf("a decision meanwhile: %d %v", status, err)
		}
	}
	if grown := p.resident() - before; grown > 64<<20 {
		t.Errorf("%d MiB more are resident", grown>>20)
	}
	if now := p.descriptors(); open > 0 && now < open+idle {
		t.Errorf("%d descriptors of %d idle connections: they are not kept", now-open, idle)
	}
}

// With as many connections as may be open, the next one is still answered.
func TestMoreConnectionsThanMayBe(t *testing.T) {
	p := start(t, publish(t), "--limits-connections", "50")
	for i := range 300 {
		conn := p.dial()
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	if n := p.descriptors(); n > 150 {
		t.Errorf("%d descriptors", n)
	}
}

// HTTP/2 is not spoken without TLS, neither asked for at once nor by an upgrade.
func TestNoHTTP2WithoutTLS(t *testing.T) {
	p := start(t, publish(t))
	for request, want := range map[string]string{
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00":                                                                "HTTP/1.1 404",
		"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n": "HTTP/1.1 200",
	} {
		conn := p.dial()
		_, _ = io.WriteString(conn, request)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, want) {
			t.Errorf("%q is answered %q %v", request[:20], line, err)
		}
	}
}
