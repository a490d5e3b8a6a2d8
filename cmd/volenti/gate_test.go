package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// website is a site that knows nothing of consent; it says which path it was
// asked for.
func website(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!doctype html><html><head><title>%s</title></head><body><img src="https://www.googletagmanager.com/a.gif"><script src="https://js.stripe.com/v3/"></script>%s`, r.URL.Path, r.Header.Get("X-Forwarded-Host"))
	}))
	t.Cleanup(s.Close)
	return s
}

// gate runs `volenti gate` before a website.
func gate(t *testing.T, data string, args ...string) *process {
	t.Helper()
	return startAs(t, "gate", "http", http.DefaultClient, data, append([]string{"--site", "shop"}, args...)...)
}

func fetch(t *testing.T, address string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestGateServesTheSiteAndItsOwn(t *testing.T) {
	data, site := publish(t), website(t)
	asset := regexp.MustCompile(`[./]*(assets/[0-9a-f]{16}/volenti\.css)`)
	for _, prefix := range []string{"", "/consent"} {
		p := gate(t, data, "--upstream", site.URL, "--prefix", prefix)
		resp, page := fetch(t, p.base+"/lamps", http.Header{"Accept": {"text/html"}})
		want := `<!doctype html><html><head><script src="` + prefix + `/b/shop.js"></script><title>/lamps</title></head><body><img data-category="analytics" data-src="https://www.googletagmanager.com/a.gif"><script src="https://js.stripe.com/v3/"></script>` + strings.TrimPrefix(p.base, "http://")
		if page != want {
			t.Errorf("the page is\n%s\nwant\n%s", page, want)
		}
		if tag := resp.Header.Get("Cache-Control"); tag != "private, no-cache" {
			t.Errorf("Cache-Control %q", tag)
		}
		_, choices := fetch(t, p.base+prefix+"/privacy/shop/choices", http.Header{"Accept": {"text/html"}})
		found := asset.FindStringSubmatch(choices)
		if found == nil {
			t.Fatalf("no style sheet in\n%.500s", choices)
		}
		for path, ours := range map[string]bool{
			prefix + "/b/shop.js": true, prefix + "/v1/sites/shop/csp": true, prefix + "/v1/sites/shop/receipts/x": true, prefix + "/policies/shop/privacy": true,
			prefix + "/privacy/shop": true, prefix + "/readyz": true, prefix + "/" + found[1]: true, "/.well-known/jwks.json": true, "/.well-known/gpc.json": true,
			prefix + "/b/other.js": false, prefix + "/v1/sites/other/csp": false, prefix + "/privacy/": false, prefix + "/assets/volenti.css": false, prefix + "/opt-out": prefix != "",
			prefix + "/openapi.json": false, prefix + "/metrics": false, "/b/shopping.js": false, "/consenting": false,
			"/b/shop.js": prefix == "", "/readyz": prefix == "",
		} {
			_, body := fetch(t, p.base+path, nil)
			if got := !strings.Contains(body, "<title>"+path) && !strings.Contains(body, "js.stripe.com"); got != ours {
				t.Errorf("prefix %q: %s is ours: %v\n%.200s", prefix, path, got, body)
			}
		}
		if err := p.stop(syscall.SIGTERM); err != nil {
			t.Errorf("it did not stop: %v", err)
		}
	}
}

func TestGateLeavesThePageAloneWhereItIsToldTo(t *testing.T) {
	p := gate(t, publish(t), "--upstream", website(t).URL, "--inject=false")
	if _, page := fetch(t, p.base+"/", nil); strings.Contains(page, "/b/shop.js") || !strings.Contains(page, "data-src") {
		t.Errorf("%s", page)
	}
}

func TestGateSaysThatTheSiteIsAway(t *testing.T) {
	site := website(t)
	p := gate(t, publish(t), "--upstream", site.URL)
	site.Close()
	resp, page := fetch(t, p.base+"/lamps/1", http.Header{"Accept": {"text/html"}})
	if resp.StatusCode != http.StatusBadGateway || !strings.Contains(page, "This website can't be reached just now") && !strings.Contains(page, "This website can&#39;t be reached just now") || strings.Contains(page, "/b/shop.js") || !strings.Contains(page, "../assets/") || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v\n%s", resp.StatusCode, resp.Header, page)
	}
	if resp, body := fetch(t, p.base+"/api", nil); resp.StatusCode != http.StatusBadGateway || resp.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(body, `"urn:volenti:problem:site-away"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := fetch(t, p.base+"/b/shop.js", nil); resp.StatusCode != http.StatusOK {
		t.Errorf("the banner: %d", resp.StatusCode)
	}
}

// certified makes a certificate for shop.example, in the files cert and key of a folder,
// and a client that trusts it.
func certified(t *testing.T) (dir string, trusting *http.Client) {
	t.Helper()
	return certifiedFor(t, "shop.example")
}

func certifiedFor(t *testing.T, name string) (dir string, trusting *http.Client) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for name, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: der}, "key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	trusting = &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name}}}
	t.Cleanup(trusting.CloseIdleConnections)
	return dir, trusting
}

func TestGateSpeaksTLS(t *testing.T) {
	dir, trusting := certified(t)
	p := startAs(t, "gate", "https", trusting, publish(t), "--site", "shop", "--upstream", website(t).URL, "--tls-certificate", filepath.Join(dir, "cert"), "--tls-key", filepath.Join(dir, "key"))
	resp, err := trusting.Get(p.base + "/lamps")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.ProtoMajor != 2 || !strings.Contains(string(body), "<title>/lamps") {
		t.Errorf("HTTP/%d\n%s", resp.ProtoMajor, body)
	}
}

func TestGateSaysWhatIsWrong(t *testing.T) {
	data := publish(t)
	for _, tt := range []struct{ args, want string }{
		{"--upstream http://127.0.0.1:1", "--site is missing"},
		{"--site shop", `--upstream "" is not an address such as`},
		{"--site shop --upstream 127.0.0.1:3000", "is not an address such as http://127.0.0.1:3000"},
		{"--site shop --upstream http://a?b", "is not an address such as"},
		{"--site shop --upstream http://a --prefix consent", "is not a path such as /consent"},
		{"--site shop --upstream http://a --tls-key x", "tls.cert"},
		{"--site nobody --upstream http://a --listen 127.0.0.1:0", "--site nobody"},
		{"--site shop --upstream http://a --listen 127.0.0.1:0 --tls-certificate no --tls-key no", "tls.cert"},
	} {
		out, exit := volenti(t, append(append([]string{"gate"}, strings.Fields(tt.args)...), "--data", data)...)
		if exit != exitUsage || !strings.Contains(out, tt.want) {
			t.Errorf("%s: exit %d, %s", tt.args, exit, out)
		}
	}
}
