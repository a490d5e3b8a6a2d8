package request_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/request"
)

// The example of the specification of Standard Webhooks.
func TestSign(t *testing.T) {
	got, err := request.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%s, %v", got, err)
	}
	two, err := request.Sign("m", time.Unix(1, 0), nil, request.NewHookSecret(), request.NewHookSecret())
	if err != nil || len(strings.Fields(two)) != 2 || strings.Fields(two)[0] == strings.Fields(two)[1] {
		t.Errorf("%s, %v", two, err)
	}
	if _, err := request.Sign("m", time.Unix(1, 0), nil, "whsec_not base64!"); err == nil {
		t.Error("signed with what is no secret")
	}
}

// inside are ways to write addresses that lead to this machine or into a private
// network: notations, mapped and embedded addresses, names.
var inside = []string{
	"127.0.0.1", "127.1", "127.255.255.254", "0.0.0.0", "0", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "localhost", "LOCALHOST", "localhost.", "a.localhost",
	"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]",
	"[fc00::1]", "[fd00::1]", "[ff02::1]", "[fec0::1]", "[2001:db8::1]", "[100::1]", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1", "198.18.0.1",
	"192.0.2.1", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255", "①②⑦.⓪.⓪.①", "127。0。0。1",
}

// Whatever an address looks like, nothing of this machine is reached.
func TestHooksReachNothingInside(t *testing.T) {
	var hits atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer server.Close()
	connections := atomic.Int64{}
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	client := request.NewHookClient(nil)
	for _, host := range inside {
		for _, p := range []string{port, "", ":80", ":443"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+host+p+"/", strings.NewReader("{}"))
			if err != nil {
				continue // no address at all
			}
			answer, err := client.Do(r)
			if err == nil {
				answer.Body.Close()
				t.Errorf("%s%s answered", host, p)
				continue
			}
			// Refused for where it leads, and not because nobody was there: or it is no name.
			var unknown *net.DNSError
			if !errors.Is(err, request.ErrPrivate) && !errors.As(err, &unknown) {
				t.Errorf("%s%s: %v", host, p, err)
			}
		}
	}
	if hits.Load() != 0 || connections.Load() != 0 {
		t.Errorf("%d requests, %d connections", hits.Load(), connections.Load())
	}
	// With its network allowed, the same is reached.
	allowed := request.NewHookClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	answer, err := allowed.Post(server.URL, "application/json", strings.NewReader("{}"))
	if err != nil || hits.Load() != 1 {
		t.Fatalf("%v, %d requests: this test would not see one", err, hits.Load())
	}
	answer.Body.Close()
}

func TestReachable(t *testing.T) {
	for _, address := range []string{"93.184.216.34", "8.8.8.8", "2606:4700::1111", "172.32.0.1", "100.128.0.1", "::ffff:8.8.8.8"} {
		if err := request.Reachable(netip.MustParseAddr(address), nil); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"::ffff:10.0.0.1", "fe80::1%eth0", "::", "::1", "0.0.0.1", "192.88.99.1", "5f00::1"} {
		if request.Reachable(netip.MustParseAddr(address), nil) == nil {
			t.Errorf("%s is reachable", address)
		}
	}
	if request.Reachable(netip.Addr{}, nil) == nil {
		t.Error("no address is reachable")
	}
}

// A redirect is an answer that is no success: what was signed goes nowhere else.
func TestHooksFollowNoRedirect(t *testing.T) {
	var elsewhere atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer target.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target.URL, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	w := newWorld(t)
	h := w.hook(server.URL)
	w.round()
	d := w.last(h)
	if d.Status != 307 || !d.DoneAt.IsZero() || d.NextAt.IsZero() || elsewhere.Load() != 0 {
		t.Errorf("%+v, %d elsewhere", d, elsewhere.Load())
	}
}

func TestCheckHookURL(t *testing.T) {
	for address, ok := range map[string]bool{"https://crm.example.com/hooks?x=1": true, "http://10.0.0.5/": true, "": false, "crm.example.com": false, "ftp://crm.example.com": false,
		"https://": false, "https://user:pass@crm.example.com": false, "https://crm.example.com/#a": false, "javascript:alert(1)": false, "https://x/" + strings.Repeat("a", 500): false, "file:///etc/passwd": false} {
		if err := request.CheckHookURL(address); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// A delivery is tried again until it is taken, with the same id and a signature of the
// moment, and then forgotten.
func TestDeliveriesAreTriedAgain(t *testing.T) {
	w := newWorld(t)
	fail := true
	type call struct{ id, at, signature, body string }
	var calls []call
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(b)
		calls = append(calls, call{r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), r.Header.Get("webhook-signature"), string(b)})
		if fail {
			rw.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer server.Close()
	h := w.hook(server.URL)
	w.round()
	w.round() // not yet
	if len(calls) != 1 {
		t.Fatalf("%d calls", len(calls))
	}
	w.now = w.now.Add(5 * time.Second)
	w.round()
	if d := w.last(h); d.Attempts != 2 || d.Status != 502 || d.Problem == "" || !d.NextAt.Equal(w.now.Add(5*time.Minute)) || d.Body == nil {
		t.Errorf("%+v", d)
	}
	fail = false
	secret, err := w.service.RotateHook(t.Context(), w.hookOf(h), "op")
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(5 * time.Minute)
	w.round()
	if d := w.last(h); d.DoneAt.IsZero() || !d.NextAt.IsZero() || d.Body != nil || d.Attempts != 3 {
		t.Errorf("%+v", d)
	}
	if len(calls) != 3 || calls[0].id != calls[2].id || calls[0].at == calls[2].at || calls[0].body != calls[2].body {
		t.Errorf("%+v", calls)
	}
	// While a secret is being replaced, both sign.
	raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	mac := hmac.New(sha256.New, raw)
	fmt.Fprintf(mac, "%s.%s.%s", calls[2].id, calls[2].at, calls[2].body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if got := strings.Fields(calls[2].signature); len(got) != 2 || got[0] != want || got[1] == want {
		t.Errorf("signed %v, want %s and one of the secret before", got, want)
	}
	if at, err := strconv.ParseInt(calls[2].at, 10, 64); err != nil || at != w.now.Unix() {
		t.Errorf("at %s", calls[2].at)
	}
	// After three days nothing more is tried.
	fail = true
	if err := w.service.TestHook(t.Context(), w.hookOf(h)); err != nil {
		t.Fatal(err)
	}
	for range len(request.Between) + 3 {
		w.round()
		w.now = w.now.Add(30 * time.Hour)
	}
	if d := w.last(h); !d.NextAt.IsZero() || !d.DoneAt.IsZero() || d.Attempts != len(request.Between)+1 {
		t.Errorf("%+v", d)
	}
	var all time.Duration
	for _, pause := range request.Between {
		all += pause
	}
	if all < 72*time.Hour {
		t.Errorf("given up after %v", all)
	}
}
