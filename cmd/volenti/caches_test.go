package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A cacheFront is a cache before the server, run as docs/operate says.
type cacheFront struct {
	name  string
	start func(t *testing.T, server string) (address string)
}

// fronts are those whose configuration is in docs/operate.
var fronts = []cacheFront{{"nginx", startNginx}, {"varnish", startVarnish}}

func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// configured is a file of docs/operate with some words replaced, each of which is there.
func configured(t *testing.T, file string, words ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "operate", file))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for i := 0; i < len(words); i += 2 {
		if !strings.Contains(text, words[i]) {
			t.Fatalf("%s does not say %q any more", file, words[i])
		}
		text = strings.ReplaceAll(text, words[i], words[i+1])
	}
	return text
}

// runFront starts a program and waits until it passes on what the server says.
func runFront(t *testing.T, address string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); <-ended })
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get("http://" + address + "/healthz") //nolint:noctx // a test
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-ended:
			t.Fatalf("%s ended: %s", args[0], said.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s passes nothing on: %v %s", args[0], err, said.String())
		}
	}
}

func startNginx(t *testing.T, server string) string {
	nginx, address, folder := program(t, "nginx"), free(t), t.TempDir()
	conf := configured(t, "nginx.conf", "server 127.0.0.1:8080;", "server "+server+";", "listen 443 ssl http2;", "listen "+address+";",
		"ssl_certificate ", "# ", "ssl_certificate_key ", "# ", "/var/cache/nginx/volenti", folder+"/cache", "$remote_addr", "$http_x_test_client")
	var text strings.Builder
	fmt.Fprintf(&text, "daemon off; master_process off; pid %s/pid; error_log stderr;\nevents {}\nhttp {\naccess_log off;\n", folder)
	for _, part := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&text, "%s_temp_path %s/%s;\n", part, folder, part)
	}
	file := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(file, []byte(text.String()+conf+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	runFront(t, address, nginx, "-c", file, "-e", "stderr", "-p", folder)
	return address
}

func startVarnish(t *testing.T, server string) string {
	varnishd, address := program(t, "varnishd"), free(t)
	folder, err := os.MkdirTemp("", "vcl") // short: a socket is in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	host, port, _ := net.SplitHostPort(server)
	file := filepath.Join(folder, "volenti.vcl")
	text := configured(t, "varnish.vcl", `"127.0.0.1";
    .port = "8080"`, `"`+host+`";
    .port = "`+port+`"`, "set req.http.X-Forwarded-For = client.ip;", "unset req.http.X-Forwarded-For;",
		"if (client.ip !~ tls)", "set req.http.X-Forwarded-For = req.http.X-Test-Client;\n    if (!req.http.X-Test-Client || client.ip !~ tls)")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	runFront(t, address, varnishd, "-F", "-j", "none", "-a", address, "-f", file, "-n", filepath.Join(folder, "run"), "-s", "malloc,32m", "-p", "http_gzip_support=off")
	return address
}

// A told is what an answer says.
type told struct {
	status       int
	kind, coding string
	body         string
	cache        string
	cookie       string
}

func (a told) same(b told) bool {
	return a.status == b.status && a.kind == b.kind && a.coding == b.coding && a.body == b.body
}

// ask asks as somebody; the headers Host, client and method are about the request itself.
func ask(t *testing.T, address, path string, as map[string]string) told {
	t.Helper()
	method := http.MethodGet
	if as["method"] != "" {
		method = as["method"]
	}
	r, err := http.NewRequestWithContext(context.Background(), method, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	r.Host = "consent.example" // the same before and behind a cache
	for name, value := range as {
		switch name {
		case "Host":
			r.Host = value
		case "client":
			r.Header.Set("X-Test-Client", value)
		case "method":
		default:
			r.Header.Set(name, value)
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return told{resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Content-Encoding"), string(body), resp.Header.Get("X-Cache"), resp.Header.Get("Set-Cookie")}
}

func with(a map[string]string, more ...string) map[string]string {
	b := map[string]string{}
	for k, v := range a {
		b[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		b[more[i]] = more[i+1]
	}
	return b
}

// What a cache keeps of one visitor it never gives to another one who is to get something
// else: in another state, language or region, or with headers that are to spoil the
// copy of all others.
func TestCachesKeepVisitorsApart(t *testing.T) {
	data := publish(t)
	p := start(t, data, "--geo-trusted-proxies", "127.0.0.1/32", "--geo-address-header", "x-forwarded-for", "--limits-by", "none")
	server := strings.TrimPrefix(p.base, "http://")
	v := p.open(http.Header{"X-Forwarded-For": {german}})
	status, receipt, err := v.decide("cached-0")
	if err != nil || status != http.StatusCreated {
		t.Fatalf("%d %v", status, err)
	}
	id, _, _ := place(receipt)
	cookie := decidedCookie(t, v, "cached-1")
	script := ask(t, server, "/b/shop.js", nil).body
	module := ""
	for _, digest := range regexp.MustCompile(`[0-9a-f]{16,64}`).FindAllString(script, -1) {
		if ask(t, server, "/b/shop/"+digest+".js", nil).status == http.StatusOK {
			module = digest + ".js"
		}
	}
	page := ask(t, server, "/policies/shop/privacy", nil).body
	asset := regexp.MustCompile(`/assets/[^"]+`).FindString(page)
	if module == "" || asset == "" {
		t.Fatalf("no module %q or asset %q", module, asset)
	}
	kept := []string{"/b/shop/" + module, asset, "/log/tile/0/000.p/1"}
	paths := append(slices.Clone(kept), "/b/shop.js", "/b/shop.js?x=1", "/b/shop/declaration.js", "/v1/sites/shop/receipts/"+id, "/v1/sites/shop/tags/analytics.js",
		"/v1/sites/shop/csp", "/v1/sites/shop/handover", "/v1/sites/shop/changes", "/v1/sites/shop/declaration", "/privacy/shop", "/privacy/shop/cookies", "/privacy/shop/choices",
		"/opt-out", "/policies/shop", "/policies/shop/privacy", "/policies/shop/privacy/versions", "/policies/shop/privacy/versions/1", "/policies/shop/privacy/at/2026-03-01",
		"/.well-known/jwks.json", "/.well-known/gpc.json", "/log/checkpoint", "/log/keys", "/healthz", "/openapi.json", "/nothing", "/b/shop/"+strings.Repeat("0", 64)+".js")
	decided := map[string]string{"Cookie": cookie, "client": german}
	visitors := []map[string]string{
		decided, {}, {"client": german}, {"client": american}, {"Accept-Language": "de"}, {"Sec-GPC": "1"}, {"DNT": "1"}, {"Accept": "application/json"},
		{"Accept-Encoding": "br"}, {"Accept-Encoding": "gzip"}, {"method": "HEAD"}, {"Origin": "https://shop.example"}, {"Range": "bytes=0-9"}, {"Accept-Encoding": "gzip, deflate, br"},
	}
	if a, b := ask(t, server, "/b/shop.js", forwarded(decided)), ask(t, server, "/b/shop.js", nil); a.body == b.body {
		t.Fatal("whoever decided gets the script of those who did not: nothing is told apart")
	}
	if a, b := ask(t, server, "/b/shop.js", forwarded(visitors[2])), ask(t, server, "/b/shop.js", forwarded(visitors[3])); a.body == b.body {
		t.Fatal("regions get one script: nothing is told apart")
	}
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			cache := f.start(t, server)
			hits := map[string]bool{}
			right := func(path string, as map[string]string, after string) {
				t.Helper()
				before := ask(t, server, path, forwarded(as))
				got := ask(t, cache, path, as)
				again := ask(t, server, path, forwarded(as))
				steady := before.same(again)
				if got.cache == "HIT" {
					hits[path] = true
					if got.cookie != "" {
						t.Errorf("%s: a cookie is kept: %s", path, got.cookie)
					}
					if !slices.Contains(kept, strings.SplitN(path, "?", 2)[0]) {
						t.Errorf("%s is kept, which is not for all", path)
					}
				}
				if got.same(before) || got.same(again) {
					return
				}
				if _, partial := as["Range"]; partial && got.status == http.StatusPartialContent && strings.HasPrefix(before.body, got.body) {
					return // a cache may cut what it has (RFC 9110 § 14.2)
				}
				if steady || got.cache == "HIT" {
					t.Errorf("%s as %v after %s: %d %s %q %.80q\n  and not %d %s %q %.80q", path, as, after, got.status, got.cache, got.coding, got.body, before.status, before.kind, before.coding, before.body)
				}
			}
			for _, path := range paths {
				for i, one := range visitors { // each after every other
					for _, other := range visitors[:i+1] {
						_ = ask(t, cache, path, one)
						right(path, other, fmt.Sprint(one))
					}
				}
			}
			for _, path := range kept {
				if !hits[path] {
					t.Errorf("%s is never kept", path)
				}
			}
			// Whoever asks first, with whatever, in a cache that has nothing yet.
			for i, poison := range poisons {
				for _, path := range append(slices.Clone(kept), "/b/shop.js", "/policies/shop/privacy", "/privacy/shop") {
					host := fmt.Sprintf("cold-%d.example", i)
					spoilt := path
					if query := poison["query"]; query != "" {
						spoilt += "?" + query
					}
					one := with(poison, "Host", host)
					delete(one, "query")
					_ = ask(t, cache, spoilt, one)
					right(path, map[string]string{"Host": host}, fmt.Sprint(poison))
				}
			}
			// A region is told by the proxy, and by nobody else.
			for _, name := range []string{"X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "CF-IPCountry"} {
				right("/b/shop.js", map[string]string{"client": german, name: map[bool]string{true: "US", false: american}[name == "CF-IPCountry"]}, "a lie")
			}
		})
	}
}

// Addresses that the embedded database knows; german and american get different regimes.
const (
	german   = "84.44.0.1"
	american = "17.0.0.1"
)

// forwarded is what a front says of a visitor.
func forwarded(as map[string]string) map[string]string {
	b := with(as)
	for _, name := range []string{"X-Forwarded-For", "Forwarded"} {
		delete(b, name)
	}
	if b["client"] != "" {
		b["X-Forwarded-For"] = b["client"]
		delete(b, "client")
	}
	return b
}

// decidedCookie is what a browser sends after it has decided.
func decidedCookie(t *testing.T, v *visit, id string) string {
	t.Helper()
	body := fmt.Sprintf(`{"id":%q,"token":%q,"action":"save","surface":"banner","at":1,"categories":{"preferences":true,"analytics":true,"marketing":false},"vendors":{}}`, id, v.token)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, v.base+"/v1/sites/shop/decisions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = v.header.Clone()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", shopOrigin)
	resp, err := v.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, c := range resp.Cookies() {
		if c.Name == "volenti" {
			return c.Name + "=" + c.Value
		}
	}
	b, _ := io.ReadAll(resp.Body)
	t.Fatalf("no cookie: %d %s", resp.StatusCode, b)
	return ""
}

// poisons are what spoils copies elsewhere: headers that answers might depend on though
// no Vary names them, other methods, and queries.
var poisons = []map[string]string{
	{"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Proto": "gopher"}, {"X-Forwarded-Port": "1"}, {"X-Forwarded-Prefix": "/evil"}, {"X-Forwarded-Scheme": "http"},
	{"X-Host": "evil.example"}, {"X-Original-URL": "/healthz"}, {"X-Rewrite-URL": "/healthz"}, {"Forwarded": "host=evil.example;for=17.0.0.1"}, {"X-HTTP-Method-Override": "POST"},
	{"X-Forwarded-For": "17.0.0.1"}, {"Origin": "https://evil.example"}, {"Referer": "https://evil.example/"}, {"Range": "bytes=0-3"}, {"If-None-Match": "*"},
	{"If-Modified-Since": "Sat, 01 Jan 2050 00:00:00 GMT"}, {"If-Range": `"x"`, "Range": "bytes=0-3"}, {"Accept": "application/json"}, {"Accept-Language": "de;q=1, <script>"},
	{"Accept-Encoding": "br;q=0, identity;q=0"}, {"Authorization": "Bearer x"}, {"Cookie": "volenti=x"}, {"User-Agent": strings.Repeat("x", 4000)}, {"Sec-GPC": "1"},
	{"CF-IPCountry": "US"}, {"Cache-Control": "no-store"}, {"Pragma": "no-cache"}, {"Sec-Fetch-Site": "cross-site"}, {"Upgrade": "h2c"}, {"method": "HEAD"}, {"method": "OPTIONS"},
	{"method": "POST"}, {"method": "DELETE"}, {"query": "x=1"}, {"query": "site=evil&language=de&region=US&callback=alert"}, {"query": "../../healthz"},
}
