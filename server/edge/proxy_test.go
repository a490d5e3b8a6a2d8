package edge

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// front is a proxy with the middleware before it, as the binary puts them
// together, with a deadline that every answer has missed.
func front(t *testing.T, upstream http.HandlerFunc, trusted bool) *httptest.Server {
	t.Helper()
	site := httptest.NewServer(upstream)
	t.Cleanup(site.Close)
	return frontOf(t, site.URL, trusted)
}

func frontOf(t *testing.T, address string, trusted bool) *httptest.Server {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := NewProxy(ProxyOptions{Upstream: u, Patience: 200 * time.Millisecond,
		Trusted:     func(*http.Request) bool { return trusted },
		Unreachable: func(w http.ResponseWriter, _ *http.Request, status int) { http.Error(w, "The site is away", status) }})
	gate := httptest.NewUnstartedServer(New(Options{Decide: func(*http.Request) Decision { return Decision{Rules: shopPage(t, Nothing{}).judge} }})(proxy))
	gate.Config.WriteTimeout = time.Nanosecond // over before an answer begins
	gate.Start()
	t.Cleanup(gate.Close)
	return gate
}

func TestProxyTellsTheSiteWhoAsks(t *testing.T) {
	for _, trusted := range []bool{true, false} {
		seen := make(chan *http.Request, 1)
		gate := front(t, func(w http.ResponseWriter, r *http.Request) {
			seen <- r
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, liveTag)
		}, trusted)
		r := mustRequest(t, gate.URL+"/a%2Fb?x=%zz;y")
		r.Host = "www.shop.example"
		r.Header.Set("X-Forwarded-For", "192.0.2.1")
		r.Header.Set("X-Forwarded-Proto", "https")
		r.Header.Set("Forwarded", "for=192.0.2.9")
		r.Header.Set("Cookie", "a=b")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		got := <-seen
		wantFor, wantProto := "127.0.0.1", "http"
		if trusted {
			wantFor, wantProto = "192.0.2.1, 127.0.0.1", "https"
		}
		if got.Host != "www.shop.example" || got.URL.EscapedPath() != "/a%2Fb" || got.Header.Get("X-Forwarded-For") != wantFor || got.Header.Get("X-Forwarded-Proto") != wantProto || got.Header.Get("Forwarded") != "" || got.Header.Get("Cookie") != "a=b" {
			t.Errorf("trusted %v: %s %s %v", trusted, got.Host, got.URL, got.Header)
		}
		if string(body) != heldTag {
			t.Errorf("%s", body)
		}
	}
}

func TestProxySaysThatTheSiteIsAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	_ = l.Close()
	block := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-block }))
	defer silent.Close()
	defer close(block)
	for address, want := range map[string]int{nobody: http.StatusBadGateway, silent.URL: http.StatusGatewayTimeout} {
		resp, err := http.Get(frontOf(t, address, false).URL)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != want || string(body) != "The site is away\n" {
			t.Errorf("%d %q, want %d", resp.StatusCode, body, want)
		}
	}
}

// A socket outlives the deadlines of the server it goes through.
func TestSocketsPass(t *testing.T) {
	gate := front(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" {
			t.Errorf("upgrade %q", r.Header.Get("Upgrade"))
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = rw.Flush()
		_, _ = io.Copy(conn, rw) // an echo
	}, false)
	conn, err := net.Dial("tcp", gate.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: www.shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", resp, err)
	}
	for range 3 {
		_, _ = conn.Write([]byte(liveTag + "\n"))
		if line, err := r.ReadString('\n'); err != nil || line != liveTag+"\n" {
			t.Fatalf("%q %v", line, err)
		}
	}
}

// An answer that takes longer than the server's own deadlines is not cut off.
func TestStreamsOutliveTheServersDeadlines(t *testing.T) {
	gate := front(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for range 12 {
			_, _ = io.WriteString(w, "<p>lamp</p>")
			w.(http.Flusher).Flush()
		}
	}, false)
	resp, err := http.Get(gate.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != strings.Repeat("<p>lamp</p>", 12) {
		t.Errorf("%v: %d bytes", err, len(body))
	}
}
