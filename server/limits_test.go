package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/admin"
	"github.com/volenti-consent/volenti/server/limit"
	"github.com/volenti-consent/volenti/server/metrics"
	"github.com/volenti-consent/volenti/server/transparency"
	"github.com/volenti-consent/volenti/web"
)

// Whatever changes something is limited, and what is limited is there.
func TestWhatRoutesCost(t *testing.T) {
	there := map[string]bool{}
	for _, r := range bare(t, fine).echo.Routes() {
		route := r.Method + " " + r.Path
		there[route] = true
		changes := r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
		if c := costOf(r.Method, r.Path); changes && c.class == free {
			t.Errorf("%s costs nothing", route)
		}
		if r.Method == http.MethodGet {
			if get, head := costOf(r.Method, r.Path), costOf(http.MethodHead, r.Path); get.class != head.class || get.gate != head.gate {
				t.Errorf("HEAD %s costs something else", r.Path)
			}
		}
		if strings.HasSuffix(r.Path, "/export") && costs[route].gate != exports {
			t.Errorf("%s has no gate", route)
		}
	}
	for route := range costs {
		if !there[route] {
			t.Errorf("there is no %s", route)
		}
	}
}

// limited is a bare server with limits, its log and its counts.
func limited(t *testing.T, l *Limits) (*Server, *bytes.Buffer, *metrics.Metrics) {
	t.Helper()
	pages, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	log, count := &bytes.Buffer{}, metrics.New("test")
	return New(Deps{Log: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now, Pages: pages, Ready: fine, Limits: l, Metrics: count, MetricsToken: strings.Repeat("m", 32),
		Console: &admin.Console{}, Transparency: transparency.New(transparency.Options{Witness: &transparency.Cosigner{}}), PublicLog: true}), log, count
}

func send(s *Server, method, path, from, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader("not a checkpoint"))
	r.RemoteAddr = from + ":1234"
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func peer(r *http.Request) netip.Addr { return netip.MustParseAddrPort(r.RemoteAddr).Addr() }

func TestTooManyRequests(t *testing.T) {
	const path = "/log/witness/add-checkpoint"
	s, log, count := limited(t, &Limits{Clients: limit.New(limit.Options{}), Client: peer, Decisions: limit.Rate{PerSecond: 1, Burst: 3}})
	for i := range 3 {
		if w := send(s, "POST", path, "203.0.113.77", "*/*"); w.Code == 429 {
			t.Fatalf("request %d: %d", i, w.Code)
		}
	}
	for range 1000 {
		w := send(s, "POST", path, "203.0.113.99", "*/*")
		var p struct {
			Type   string
			Status int
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
		if w.Code != 429 || p.Status != 429 || p.Type != "urn:volenti:problem:slow-down" || err != nil || wait < 1 || wait > 3 {
			t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
		}
	}
	if w := send(s, "POST", path, "198.51.100.1", "*/*"); w.Code == 429 {
		t.Error("another network is refused too")
	}
	if w := send(s, "GET", "/healthz", "203.0.113.77", "*/*"); w.Code != 200 {
		t.Errorf("what costs nothing: %d", w.Code)
	}
	if w := send(s, "POST", "/opt-out", "203.0.113.77", "text/html"); w.Code != 429 || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/problem") {
		t.Errorf("a form: %d %s", w.Code, w.Header().Get("Content-Type"))
	}
	if n := strings.Count(log.String(), "requests refused"); n != 1 {
		t.Errorf("%d lines about it:\n%s", n, log)
	}
	if strings.Contains(log.String(), "203.0") {
		t.Errorf("an address is logged:\n%s", log)
	}
	w := httptest.NewRecorder()
	count.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if !strings.Contains(w.Body.String(), `volenti_refused_total{reason="rate"} 1001`) {
		t.Error("they are not counted")
	}
}

// What is refused was not begun, and what was begun ends.
func TestGatedRoutes(t *testing.T) {
	gate := limit.NewGate(1, 0, time.Hour)
	e := echo.New()
	s, _, _ := limited(t, nil)
	e.HTTPErrorHandler = s.echo.HTTPErrorHandler
	l := &Limits{Costly: gate}
	begun, end := make(chan struct{}), make(chan struct{})
	const path = "/policies/:site/:policy/feed.atom"
	e.GET(path, func(echo.Context) error { begun <- struct{}{}; <-end; return nil }, limits(l, nil, &seldom{log: slog.New(slog.DiscardHandler), now: time.Now}))
	ask := func(done chan<- int) {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/policies/shop/privacy/feed.atom", nil))
		if w.Code == 503 && w.Header().Get("Retry-After") != "2" {
			t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
		}
		done <- w.Code
	}
	first, others := make(chan int, 1), make(chan int, 1)
	go ask(first)
	<-begun
	for range 50 {
		if ask(others); <-others != 503 {
			t.Fatal("two at once")
		}
	}
	close(end)
	if <-first != 200 || gate.Inside() != 0 {
		t.Errorf("the one that was begun; %d inside", gate.Inside())
	}
}

// A stranger takes no place before what is an operator's.
func TestStrangersTakeNoPlaceOfTheConsole(t *testing.T) {
	gate := limit.NewGate(1, 0, time.Hour)
	s, _, _ := limited(t, &Limits{Costly: gate, Exports: gate})
	if err := gate.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/admin/log/acts.csv", "/admin/log/entries/check"} {
		if w := send(s, http.MethodGet, path, "203.0.113.77", "text/html"); w.Code != http.StatusSeeOther {
			t.Errorf("%s: %d", path, w.Code)
		}
		let := admitted(&Limits{Costly: gate, Exports: gate})(func(echo.Context) error { return nil })
		c := s.echo.NewContext(httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder())
		c.SetPath(path)
		if err := let(c); !errors.Is(err, limit.ErrBusy) {
			t.Errorf("%s, of an operator: %v", path, err)
		}
	}
}

// Who waits for a place and has finished sending is answered as everyone is.
func TestWhoHasFinishedSendingWaitsOn(t *testing.T) {
	gate := limit.NewGate(1, 1, time.Hour)
	s, log, _ := limited(t, &Limits{Costly: gate})
	s.echo.GET("/policies/:site/:policy/feed.atom", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	server := httptest.NewServer(s)
	defer server.Close()
	if err := gate.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /policies/shop/privacy/feed.atom HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, gate.Leave) // net/http sees the end of the stream long before
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 204 ") {
		t.Errorf("%v, answered %q\n%s", err, answer, log)
	}
}

// With a full queue nothing is read of a decision.
func TestFullQueueRefusesUnread(t *testing.T) {
	s, log, _ := limited(t, &Limits{Full: func() bool { return true }})
	read := false
	r := httptest.NewRequest(http.MethodPost, "/v1/sites/shop/decisions", reading(func() { read = true }))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r.WithContext(context.Background()))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || read {
		t.Errorf("%d, Retry-After %q, read: %v", w.Code, w.Header().Get("Retry-After"), read)
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("a line for each:\n%s", log)
	}
}

type reading func()

func (r reading) Read([]byte) (int, error) { r(); return 0, http.ErrBodyReadAfterClose }
