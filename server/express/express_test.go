package express

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// mirror answers with all that a handler can know of a request, and as its query says.
func mirror(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Content-Type"] = []string{"text/plain"}
	q := r.URL.RawQuery
	status := http.StatusOK
	switch {
	case strings.HasPrefix(q, "sniff"):
		delete(h, "Content-Type")
	case strings.HasPrefix(q, "304"):
		w.WriteHeader(http.StatusNotModified)
		_, _ = io.WriteString(w, "not to be seen")
		return
	case strings.HasPrefix(q, "204"):
		w.WriteHeader(http.StatusNoContent)
		return
	case strings.HasPrefix(q, "404"):
		status = http.StatusNotFound
	case strings.HasPrefix(q, "empty"):
		return
	case strings.HasPrefix(q, "lines"):
		h["X-Lines"] = []string{" one\r\ntwo ", "three"}
	case strings.HasPrefix(q, "close"):
		h.Set("Connection", "close")
	}
	w.WriteHeader(status)
	if strings.HasPrefix(q, "404") {
		w.WriteHeader(http.StatusTeapot) // too late
	}
	body, err := io.ReadAll(r.Body)
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	fmt.Fprintf(w, "%s %q %q %q %v %q\n%s\n%s %d %d %v %q %v\n", r.Method, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.URL.ForceQuery, r.URL.Fragment, r.RequestURI,
		r.Proto, r.ProtoMajor, r.ProtoMinor, host, r.Host, r.ContentLength)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(w, "%q: %q\n", name, r.Header[name])
	}
	fmt.Fprintf(w, "%q %v\n", body, err)
}

func takes(_ string, path []byte) bool { return bytes.HasPrefix(path, []byte("/b/")) }

// A served is a server on a real port, through a lane or without one.
type served struct {
	*http.Server
	address string
	idle    sync.Map // by the client's address: closed when the connection is idle
}

func serve(t testing.TB, lane *Lane, handler http.HandlerFunc) *served {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &served{address: l.Addr().String()}
	s.Server = &http.Server{Handler: handler, MaxHeaderBytes: 16 << 10, ErrorLog: log.New(io.Discard, "", 0),
		ConnState: func(c net.Conn, state http.ConnState) {
			lane.ConnState(c, state)
			if waits, ok := s.idle.Load(c.RemoteAddr().String()); ok && state == http.StateIdle {
				if idle := waits.(chan bool); len(idle) == 0 {
					idle <- true
				}
			}
		}}
	if lane != nil {
		lane.Handler, lane.Takes, lane.IdleTimeout, lane.WriteTimeout = handler, takes, time.Hour, time.Hour
		l = lane.Listener(l)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return s
}

// first opens a connection and asks once, so that the connection is idle: net/http looks
// for a client that goes away as long as it answers, and finds the beginning of the next
// request where that comes early.
func (s *served) first(t testing.TB) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	idle := make(chan bool, 1)
	s.idle.Store(c.LocalAddr().String(), idle)
	if _, err := io.WriteString(c, "GET /first HTTP/1.1\r\nHost: first\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	s.settled(c)
	return c, in
}

// settled returns when the connection is idle, after an answer.
func (s *served) settled(c net.Conn) {
	if idle, ok := s.idle.Load(c.LocalAddr().String()); ok {
		<-idle.(chan bool)
	}
}

// talk sends the parts over a connection; it is all answers, without their dates, and how
// it ended.
func talk(t testing.TB, s *served, parts ...string) (answers []string) {
	t.Helper()
	c, in := s.first(t)
	defer c.Close()
	for _, part := range parts {
		_, _ = io.WriteString(c, part)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return append(answers, end(err))
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return append(answers, end(err))
		}
		if _, err := http.ParseTime(resp.Header.Get("Date")); err != nil && resp.StatusCode < 400 {
			t.Errorf("date: %v", err)
		}
		delete(resp.Header, "Date")
		var all strings.Builder
		fmt.Fprintf(&all, "%s %s %d %v %v\n", resp.Proto, resp.Status, resp.ContentLength, resp.TransferEncoding, resp.Close)
		for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
			fmt.Fprintf(&all, "%s: %q\n", name, resp.Header[name])
		}
		answers = append(answers, all.String()+string(body))
	}
}

// end is how a conversation ended: a server that closes before it has read all that was
// sent may take its last answers with it.
func end(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "end"
	}
	return "reset"
}

func alike(a, b []string) bool {
	whole := a[len(a)-1] != "reset" && b[len(b)-1] != "reset"
	if !whole {
		most := min(len(a), len(b)) - 1
		a, b = a[:most], b[:most]
	}
	return slices.Equal(a, b)
}

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
	lane := &Lane{}
	with := serve(t, lane, mirror)
	without := serve(t, nil, mirror)
	compare := func(taken int64, parts ...string) {
		t.Helper()
		before := lane.Answered()
		got, want := talk(t, with, parts...), talk(t, without, parts...)
		if !alike(got, want) {
			t.Errorf("%q:\n%s\nof net/http:\n%s", parts, got, want)
		}
		if n := lane.Answered() - before; taken >= 0 && n != taken {
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
	lane := &Lane{}
	var sent sync.Mutex // held while the client sends
	server := serve(t, lane, func(w http.ResponseWriter, r *http.Request) {
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
	if n := lane.Answered(); n != 0 {
		t.Errorf("%d were answered here", n)
	}
}

// Nor where the beginning of a request waits in net/http's buffer already: what comes
// then continues it.
func TestNothingIsAnsweredBehindABeginning(t *testing.T) {
	lane := &Lane{}
	server := serve(t, lane, mirror)
	c, in := server.first(t)
	defer c.Close()
	for _, part := range []string{"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /x HTTP/1.1\r\nX: ", "GET /b/inner.js HTTP/1.1\r\nHost: inner\r\n\r\n"} {
		_, _ = io.WriteString(c, part)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if bytes.Contains(body, []byte(`"/b/inner.js"`)) || lane.Answered() != 0 {
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

// A connection on which something is being answered is idle to net/http, which closes
// those first when it is to end: the answer is sent all the same.
func TestShutdownWaitsForAnswers(t *testing.T) {
	lane := &Lane{}
	entered, leave := make(chan bool), make(chan bool)
	server := serve(t, lane, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/b/slow.js" {
			entered <- true
			<-leave
		}
		_, _ = io.WriteString(w, "whole")
	})
	got := make(chan []string, 1)
	go func() { got <- talk(t, server, "GET /b/slow.js HTTP/1.1\r\nHost: x\r\n\r\n") }()
	<-entered
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := lane.Wait(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waited for the answer: %v", err)
	}
	close(leave)
	if answer := <-got; !strings.HasSuffix(answer[0], "whole") {
		t.Errorf("%q", answer)
	}
	if err := lane.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

// A handler that panics ends its connection and nothing else.
func TestAPanicEndsItsConnection(t *testing.T) {
	lane := &Lane{}
	server := serve(t, lane, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/b/panic.js" {
			panic(http.ErrAbortHandler)
		}
		mirror(w, r)
	})
	if got := talk(t, server, "GET /b/panic.js HTTP/1.1\r\nHost: x\r\n\r\n"); got[0] != "end" {
		t.Errorf("%q", got)
	}
	if err := lane.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if got := talk(t, server, plainest[0]); !strings.HasPrefix(got[0], "HTTP/1.1 200") {
		t.Errorf("%q", got)
	}
}

// pretended is a connection that notes its deadlines.
type pretended struct {
	net.TCPConn
	in          []string
	read, write []time.Time
	out         bytes.Buffer
}

func (p *pretended) Read(b []byte) (int, error) {
	if len(p.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.in[0])
	p.in = p.in[1:]
	return n, nil
}
func (p *pretended) Write(b []byte) (int, error)         { return p.out.Write(b) }
func (p *pretended) ReadFrom(r io.Reader) (int64, error) { return p.out.ReadFrom(r) }
func (p *pretended) SetReadDeadline(to time.Time) error  { p.read = append(p.read, to); return nil }
func (p *pretended) SetWriteDeadline(to time.Time) error { p.write = append(p.write, to); return nil }
func (p *pretended) RemoteAddr() net.Addr                { return &net.TCPAddr{} }
func (p *pretended) Close() error                        { return nil }

// A connection may be idle for as long as ever after what was answered here, and its
// client has as long to take the answer.
func TestDeadlinesAreSet(t *testing.T) {
	var states []http.ConnState
	lane := &Lane{Handler: http.HandlerFunc(mirror), Takes: takes, IdleTimeout: time.Hour, WriteTimeout: 2 * time.Hour,
		State: func(_ net.Conn, s http.ConnState) { states = append(states, s) }}
	under := &pretended{in: []string{plainest[1], plainest[1], plainest[1]}}
	c := &conn{readFromConn: under, lane: lane}
	buffer := make([]byte, 4096)
	_, _ = c.Read(buffer)
	lane.ConnState(c, http.StateIdle)
	before := time.Now()
	if n, err := c.Read(buffer); n != 0 || !errors.Is(err, io.EOF) || lane.Answered() != 2 {
		t.Fatal(n, err, lane.Answered())
	}
	if len(under.read) == 0 || len(under.write) == 0 || under.read[0].Before(before.Add(time.Hour)) || under.write[0].Before(before.Add(2*time.Hour)) {
		t.Errorf("%v %v", under.read, under.write)
	}
	if !slices.Equal(states, []http.ConnState{http.StateActive, http.StateIdle, http.StateActive, http.StateIdle}) {
		t.Error(states)
	}
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
