package express

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const browser = "Host: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\nAccept-Language: de-DE,de;q=0.9\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Referer: https://shop.example/\r\nConnection: keep-alive\r\nSec-Fetch-Dest: script\r\nCookie: a=b; c=\"d\"\r\nCookie: e=f\r\nsec-gpc: 1\r\nDNT:1\r\nX-Strange-Name:  two words \t\r\nIf-None-Match: W/\"x\", \"y\"\r\n\r\n"

// plainest are requests that are answered here.
var plainest = []string{
	"GET /b/demo.js HTTP/1.1\r\n" + browser,
	"GET /b/demo.js HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n",
	"GET /b/demo.js? HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /b/demo.js?region=DE&x=%C3%A4+'()*!$,;:@/? HTTP/1.1\r\nHost: x\r\nX: \r\n\r\n",
	"GET /b/.././/demo.js?sniff HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /b/demo.js?204 HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /b/demo.js?304 HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /b/demo.js?404 HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /b/demo.js?empty HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /b/demo.js?lines HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /b/demo.js?close HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST /b/demo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n<abc>",
	"POST /b/demo HTTP/1.1\r\nHost: x\r\nContent-Length: 38\r\n\r\nGET /b/inner HTTP/1.1\r\nHost: inner\r\n\r\n",
	"POST /b/demo HTTP/1.1\r\nHost: x\r\n\r\n",
}

// unusual are some that are net/http's.
var unusual = []string{
	"HEAD /b/demo.js HTTP/1.1\r\nHost: x\r\n\r\n",
	"get /b/demo.js HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET  /b/demo.js HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /b/demo.js  HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /b/d%65mo.js HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /b/demo.js#x HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /b/demo.js?\x7f HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /b/d\xc3\xa4.js HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET http://x/b/demo.js HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /b/demo.js HTTP/1.0\r\nHost: x\r\n\r\n",
	"GET /b/demo.js HTTP/2.0\r\nHost: x\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost:\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: a b\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
	"POST /b/demo.js HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
	"POST /b/demo.js HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
	"POST /b/demo.js HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
	"POST /b/demo.js HTTP/1.1\r\nHost: x\r\nContent-Length: 03\r\n\r\nabc",
	"POST /b/demo.js HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc",
	"POST /b/demo.js HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
	"POST /b/demo.js HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
	"POST /b/demo.js HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
	"POST /b/demo.js HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\nabc",
	"POST /b/demo.js HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"POST /b/demo.js HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
	"PUT /b/demo.js HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\nPragma: no-cache\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\nX\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\n Host: x\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\nX: \xc3\xa4\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\nHost: x\n\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", mostFields+1) + "\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 5000) + "\r\n\r\n",
	"GET /b/demo.js HTTP/1.1\r\nHost: x\r\n",
	"GET /b/demo.js",
	"\r\nGET /b/demo.js HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 41\r\n\r\nGET /b/inner.js HTTP/1.1\r\nHost: inner\r\n\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}

func TestAnswersAsNetHTTP(t *testing.T) {
	with := serve(t, &Lane{}, mirror)
	without := serve(t, nil, mirror)
	compare := func(taken int64, parts ...string) {
		t.Helper()
		before := with.taken.Load()
		got, want := talk(t, with, parts...), talk(t, without, parts...)
		if !alike(got, want) {
			t.Errorf("%q:\n%s\nof net/http:\n%s", parts, got, want)
		}
		if n := with.taken.Load() - before; taken >= 0 && n != taken {
			t.Errorf("%q: %d were answered here, want %d", parts, n, taken)
		}
	}
	for _, request := range plainest {
		compare(1, request)
	}
	for _, request := range unusual {
		compare(0, request)
	}
	// One behind the other, and split anywhere.
	plain, posted := plainest[0], "POST /b/x.js HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
	compare(5, posted+plain+posted+posted+plain)
	compare(3, plain+plain+plain)
	for _, request := range unusual {
		compare(1, plain+request+plain)
	}
	for at := range len(plainest[2]) {
		compare(-1, plainest[2][:at], plainest[2][at:])
		compare(-1, posted+plainest[2][:at], plainest[2][at:]+posted)
	}
}

// What looks like a request is none where it is part of another one, however the parts
// reach the server: a handler that has not read its body yet, or half a header, is no
// boundary.
func TestNothingIsAnsweredWithinARequest(t *testing.T) {
	var sent sync.Mutex // held while the client sends
	server := serve(t, &Lane{}, func(w http.ResponseWriter, r *http.Request) {
		sent.Lock()
		sent.Unlock() //nolint:staticcheck // only waited for
		mirror(w, r)
	})
	const inner = "GET /b/inner.js HTTP/1.1\r\nHost: inner\r\n\r\n"
	for _, parts := range [][]string{
		{fmt.Sprintf("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(inner)), inner},
		{"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", fmt.Sprintf("%x\r\n", len(inner)), inner, "\r\n0\r\n\r\n"},
		{"GET /x HTTP/1.1\r\n", "Host: x\r\nX: y\r\n", "Y: z\r\n\r\n"},
	} {
		c, in := server.first(t)
		sent.Lock()
		for _, part := range parts {
			_, _ = io.WriteString(c, part)
		}
		sent.Unlock()
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(resp.Body); !bytes.Contains(body, []byte(`"/x"`)) {
			t.Errorf("%q was answered by %s", parts, body)
		}
		_ = c.Close()
	}
	if n := server.taken.Load(); n != 0 {
		t.Errorf("%d were answered here", n)
	}
}

// Nor where the beginning of a request waits in net/http's buffer already: what comes
// then continues it.
func TestNothingIsAnsweredBehindABeginning(t *testing.T) {
	server := serve(t, &Lane{}, mirror)
	c, in := server.first(t)
	defer c.Close()
	for _, part := range []string{"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /x HTTP/1.1\r\nX: ", "GET /b/inner.js HTTP/1.1\r\nHost: inner\r\n\r\n"} {
		_, _ = io.WriteString(c, part)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if bytes.Contains(body, []byte(`"/b/inner.js"`)) || server.taken.Load() != 0 {
			t.Fatalf("%s", body)
		}
		server.settled(c)
	}
}

func FuzzAnswersAsNetHTTP(f *testing.F) {
	for _, request := range plainest {
		f.Add([]byte(request), uint16(0))
		f.Add([]byte(request+request), uint16(len(request)))
	}
	for _, request := range unusual {
		f.Add([]byte(request), uint16(7))
	}
	with := serve(f, &Lane{}, mirror)
	without := serve(f, nil, mirror)
	f.Fuzz(func(t *testing.T, request []byte, cut uint16) {
		at := min(int(cut), len(request))
		parts := []string{string(request[:at]), string(request[at:])}
		if got, want := talk(t, with, parts...), talk(t, without, parts...); !alike(got, want) {
			t.Errorf("%q:\n%s\nof net/http:\n%s", parts, got, want)
		}
	})
}

// What is left of a request for the collector is its header's text.
func TestAllocatesTheHeadersTextAlone(t *testing.T) {
	x := exchanges.New().(*exchange)
	request := []byte(plainest[0])
	some := func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"text/plain"}[:1:1]
		_, _ = w.Write(request)
	}
	now := time.Now()
	n := testing.AllocsPerRun(100, func() {
		if x.parse(request, takes) != len(request) {
			t.Fatal("not taken")
		}
		some(x, &x.request)
		x.bytes(now)
		x.clear()
	})
	// The text, two names that are made canonical, the second cookie, and the handler's own.
	if n > 5 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkExchange(b *testing.B) {
	request := []byte(plainest[0])
	body := make([]byte, 8000)
	b.Run("express", func(b *testing.B) {
		x := exchanges.New().(*exchange)
		b.ReportAllocs()
		for b.Loop() {
			x.parse(request, takes)
			_, _ = x.Write(body)
			x.bytes(time.Now())
			x.clear()
		}
	})
	b.Run("nethttp-request-alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request))); err != nil {
				b.Fatal(err)
			}
		}
	})
}
